from __future__ import annotations

import base64
from typing import Any

import pytest

from harness.emulator.services.kinesis.metering import StreamMeters
from harness.measure.meters import CallTally, Meters


@pytest.mark.parametrize(
    ("payload_bytes", "ingest_kb", "payload_units"),
    [(0, 1, 1), (1, 1, 1), (1024, 1, 1), (1025, 2, 1), (25_600, 25, 1), (25_601, 26, 2), (2**20, 1024, 41)],
)
def test_each_record_is_rounded_up_by_itself(payload_bytes: int, ingest_kb: int, payload_units: int) -> None:
    meters = Meters()
    stream = StreamMeters(meters, "events")
    stream.accepted(payload_bytes)
    stream.accepted(payload_bytes)
    assert {usage.unit: usage.quantity for usage in meters.usage() if usage.quantity} == {
        unit: quantity
        for unit, quantity in {
            "put_records": 2,
            "ingest_bytes": 2 * payload_bytes,
            "ingest_kb": 2 * ingest_kb,
            "put_payload_units": 2 * payload_units,
        }.items()
        if quantity
    }


def test_what_is_put_and_read_is_metered(kinesis: Any) -> None:
    kinesis.create()
    data = base64.b64encode(bytes(1022)).decode()
    kinesis.put("kä", data)  # the key is 3 bytes in UTF-8: 1,025 together
    kinesis("PutRecords", StreamName="events", Records=[{"PartitionKey": "k", "Data": ""}] * 2)
    kinesis.read(kinesis.iterator())
    kinesis.read(kinesis.iterator("shardId-0", "LATEST"))
    expected = {
        "put_records": 3,
        "ingest_bytes": 1027,
        "ingest_kb": 4,
        "put_payload_units": 3,
        "get_records_calls": 2,
        "read_records": 3,
        "read_bytes": 1027,
        "throttled_records": 0,
    }
    assert {unit: kinesis.used(unit) for unit in expected} == expected
    assert kinesis.gauge("open_shards") == 1
    assert kinesis.gauge("retained_records") == 3
    assert kinesis.gauge("retained_bytes") == 1027


def test_shard_seconds_and_stream_seconds(kinesis: Any) -> None:
    kinesis.create(shards=2)
    kinesis.housekeep()
    base = kinesis.used("provisioned_shard_seconds")
    kinesis.advance(100)
    kinesis("SplitShard", StreamName="events", ShardToSplit="shardId-0", NewStartingHashKey="1000")
    kinesis.advance(1)
    kinesis("DescribeStreamSummary", StreamName="events")  # the split takes place, 2 shards until now
    kinesis.advance(10)
    kinesis.gauge("open_shards")
    assert kinesis.used("provisioned_shard_seconds") - base == 2 * 101 + 3 * 10
    arn = "arn:aws:kinesis:us-east-1:123456789012:stream/events"
    kinesis("UpdateStreamMode", StreamARN=arn, StreamModeDetails={"StreamMode": "ON_DEMAND"})
    kinesis.advance(1)
    kinesis.housekeep()
    kinesis.advance(50)
    kinesis.housekeep()
    assert kinesis.used("provisioned_shard_seconds") - base == 2 * 101 + 3 * 11
    assert kinesis.used("on_demand_stream_seconds") == 50
    kinesis("DeleteStream", StreamName="events")
    kinesis.advance(5)
    kinesis.housekeep()
    kinesis.advance(50)
    kinesis.housekeep()
    assert kinesis.used("on_demand_stream_seconds") == 55


def test_calls_of_a_function_are_tallied(kinesis: Any) -> None:
    kinesis.create()
    kinesis.context.trace_id = "1-abc"
    for _ in range(2):
        kinesis.put()
    kinesis("PutRecords", StreamName="events", Records=[{"PartitionKey": "k", "Data": ""}])
    kinesis.read(kinesis.iterator())
    kinesis.context.trace_id = None
    kinesis.put()
    assert sorted(kinesis.meters.take_calls()) == [
        CallTally("1-abc", "kinesis", "GetRecords", "events", 1),
        CallTally("1-abc", "kinesis", "GetShardIterator", "events", 1),
        CallTally("1-abc", "kinesis", "PutRecord", "events", 2),
        CallTally("1-abc", "kinesis", "PutRecords", "events", 1),
    ]
