from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from harness.aws.limits.profiles import FRESH, NONE
from harness.emulator.services.kinesis.throughput import ShardReadLimit, ShardWriteLimit

MEBIBYTE = 2**20


def test_a_shard_takes_a_thousand_records_a_second(limited: Any) -> None:
    limited.create()
    for _ in range(1000):
        limited.put()
    error = limited.fails("PutRecord", StreamName="events", PartitionKey="k", Data="")
    assert (error.code, error.status, error.message) == (
        "ProvisionedThroughputExceededException",
        400,
        "Rate exceeded for shard shardId-000000000000 in stream events under account 123456789012.",
    )
    limited.advance(0.5)
    for _ in range(500):
        limited.put()
    assert limited.fails("PutRecord", StreamName="events", PartitionKey="k", Data="").status == 400
    assert limited.used("put_records") == 1500
    assert limited.used("throttled_records") == 2


def test_a_shard_takes_a_mebibyte_a_second(limited: Any) -> None:
    limited.create()
    data = base64.b64encode(bytes(MEBIBYTE // 2 - 1)).decode()
    limited.put(data=data)
    limited.put(data=data)
    assert limited.fails("PutRecord", StreamName="events", PartitionKey="k", Data=data).status == 400
    limited.advance(0.5)
    limited.put(data=data)


def test_put_records_refuses_record_by_record_and_the_other_shard_goes_on(limited: Any) -> None:
    limited.create(shards=2)
    hash_keys = ("0", str(2**128 - 1))
    full = [{"PartitionKey": "k", "Data": "", "ExplicitHashKey": hash_keys[0]}] * 499
    mixed = [*full, {"PartitionKey": "k", "Data": "", "ExplicitHashKey": hash_keys[1]}]
    limited("PutRecords", StreamName="events", Records=mixed)
    limited("PutRecords", StreamName="events", Records=mixed)
    answer = limited("PutRecords", StreamName="events", Records=mixed)
    assert answer["FailedRecordCount"] == 497
    assert answer["Records"][2] == {
        "ErrorCode": "ProvisionedThroughputExceededException",
        "ErrorMessage": "Rate exceeded for shard shardId-000000000000 in stream events under account "
        "123456789012.",
    }
    assert answer["Records"][499]["ShardId"] == "shardId-000000000001"
    assert "ErrorCode" not in answer["Records"][499]
    assert limited.used("throttled_records") == 497


def test_a_record_that_the_byte_limit_refuses_does_not_count_as_a_record() -> None:
    limit = ShardWriteLimit(FRESH, 0.0)
    assert limit.admits(0.0, MEBIBYTE)
    assert not any(limit.admits(0.0, 1) for _ in range(5000))
    assert sum(limit.admits(0.5, 1) for _ in range(2000)) == 1000


def test_five_reads_a_second(limited: Any) -> None:
    limited.create()
    iterator = limited.iterator()
    for _ in range(5):
        limited.read(iterator)
    error = limited.fails("GetRecords", ShardIterator=iterator)
    assert (error.code, error.message) == (
        "ProvisionedThroughputExceededException",
        "Rate exceeded for shard shardId-000000000000 in stream events under account 123456789012.",
    )
    limited.advance(0.2)
    limited.read(iterator)
    assert limited.used("get_records_calls") == 6


@pytest.mark.parametrize(
    ("returned_bytes", "refused_s"),
    [(10 * MEBIBYTE, 5.0), (4 * MEBIBYTE, 2.0), (2 * MEBIBYTE + 1, 1.0), (2 * MEBIBYTE, 0.0)],
)
def test_reads_wait_until_a_large_answer_is_paid_for(returned_bytes: int, refused_s: float) -> None:
    limit = ShardReadLimit(FRESH, 0.0)
    assert limit.admits(0.0)
    limit.returned(0.0, returned_bytes)
    if refused_s:
        assert not limit.admits(refused_s - 0.001)
    assert limit.admits(refused_s + 0.001)


def test_without_limits_nothing_is_refused(kinesis: Any) -> None:
    kinesis.create()
    for _ in range(3):
        answer = kinesis("PutRecords", StreamName="events", Records=[{"PartitionKey": "k", "Data": ""}] * 500)
        assert answer["FailedRecordCount"] == 0
    iterator = kinesis.iterator()
    for _ in range(20):
        assert len(kinesis.read(iterator)["Records"]) == 1500


def test_limits_below_one_a_second_still_let_one_through() -> None:
    slow = replace(NONE, kinesis_shard_write_records_per_s=0.25, kinesis_shard_reads_per_s=0.5)
    write = ShardWriteLimit(slow, 0.0)
    assert [write.admits(now_s, 100) for now_s in (0.0, 1.0, 4.0)] == [True, False, True]
    read = ShardReadLimit(slow, 0.0)
    assert [read.admits(now_s) for now_s in (0.0, 1.0, 2.0)] == [True, False, True]


def test_a_hot_on_demand_shard_is_split_within_fifteen_minutes(drive: Callable[..., Any]) -> None:
    kinesis = drive(replace(FRESH, kinesis_shard_write_bytes_per_s=1024.0))  # hot from 489 bytes/s on
    kinesis("CreateStream", StreamName="events", StreamModeDetails={"StreamMode": "ON_DEMAND"})
    kinesis.advance(1)
    hot = base64.b64encode(bytes(600)).decode()
    open_shards = []
    for _ in range(920):
        kinesis.put("hot", hot, ExplicitHashKey="0")
        kinesis.housekeep()
        kinesis.advance(1)
        open_shards.append(int(kinesis.gauge("open_shards")))
    assert open_shards[890] == 4
    assert open_shards[-1] == 5
    children = [shard for shard in kinesis.shards() if "ParentShardId" in shard]
    assert [shard["ParentShardId"] for shard in children] == ["shardId-000000000000"] * 2
