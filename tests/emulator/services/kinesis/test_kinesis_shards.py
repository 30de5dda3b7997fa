from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.aws.limits.profiles import NONE
from harness.emulator.services.arrivals import Arrivals
from harness.emulator.services.kinesis.sequence import (
    LAST_INDEX,
    format_sequence_number,
    parse_sequence_number,
    sequence_base,
)
from harness.emulator.services.kinesis.shards import HASH_KEYS, ShardMap, parse_shard_id, uniform_starts
from harness.emulator.services.kinesis.store import SegmentStore

HALF = HASH_KEYS // 2
DAY_S = 86_400


def family(kinesis: Any) -> list[tuple[str, ...]]:
    return [
        (
            shard["ShardId"][-2:],
            shard.get("ParentShardId", "")[-2:],
            shard.get("AdjacentParentShardId", "")[-2:],
            "closed" if "EndingSequenceNumber" in shard["SequenceNumberRange"] else "open",
        )
        for shard in kinesis.shards()
    ]


def test_a_split_closes_the_parent_and_shares_its_hash_keys(kinesis: Any) -> None:
    kinesis.create()
    kinesis("SplitShard", StreamName="events", ShardToSplit="shardId-0", NewStartingHashKey=str(HALF))
    assert family(kinesis) == [("00", "", "", "open")]
    error = kinesis.fails("SplitShard", StreamName="events", ShardToSplit="shardId-0", NewStartingHashKey="2")
    assert error.message == "Stream events under account 123456789012 not ACTIVE, instead in state UPDATING"
    assert kinesis.put()["ShardId"] == "shardId-000000000000"
    kinesis.advance(1)
    assert family(kinesis) == [("00", "", "", "closed"), ("01", "00", "", "open"), ("02", "00", "", "open")]
    assert [shard["HashKeyRange"] for shard in kinesis.shards()[1:]] == [
        {"StartingHashKey": "0", "EndingHashKey": str(HALF - 1)},
        {"StartingHashKey": str(HALF), "EndingHashKey": str(HASH_KEYS - 1)},
    ]


def test_a_merge_closes_both_parents(kinesis: Any) -> None:
    kinesis.create(shards=3)
    kinesis("MergeShards", StreamName="events", ShardToMerge="shardId-0", AdjacentShardToMerge="shardId-1")
    kinesis.advance(1)
    assert family(kinesis) == [
        ("00", "", "", "closed"),
        ("01", "", "", "closed"),
        ("02", "", "", "open"),
        ("03", "00", "01", "open"),
    ]


def test_a_closed_shard_ends_after_its_last_record(kinesis: Any) -> None:
    kinesis.create()
    last = int(kinesis.put()["SequenceNumber"])
    kinesis("SplitShard", StreamName="events", ShardToSplit="shardId-0", NewStartingHashKey=str(HALF))
    kinesis.advance(1)
    numbers = kinesis.shards()[0]["SequenceNumberRange"]
    assert int(numbers["StartingSequenceNumber"]) < last < int(numbers["EndingSequenceNumber"])


@pytest.mark.parametrize(
    ("operation", "members", "code", "said"),
    [
        (
            "SplitShard",
            {"ShardToSplit": "shardId-0", "NewStartingHashKey": "1"},
            "InvalidArgumentException",
            "NewStartingHashKey 1 used in SplitShard() on shard shardId-000000000000 in stream events under "
            "account 123456789012 is not both greater than one plus the shard's StartingHashKey 0 and less "
            "than the shard's EndingHashKey 113427455640312821154458202477256070484.",
        ),
        (
            "SplitShard",
            {"ShardToSplit": "shardId-5", "NewStartingHashKey": "1"},
            "ResourceNotFoundException",
            "Could not find shard shardId-000000000005 in stream events under account 123456789012.",
        ),
        (
            "SplitShard",
            {"ShardToSplit": "ABKLFD8", "NewStartingHashKey": "1"},
            "ResourceNotFoundException",
            "Could not find shard ABKLFD8 in stream events under account 123456789012.",
        ),
        (
            "MergeShards",
            {"ShardToMerge": "shardId-0", "AdjacentShardToMerge": "shardId-2"},
            "InvalidArgumentException",
            "Shards shardId-000000000000 and shardId-000000000002 in stream events under account "
            "123456789012 are not an adjacent pair of shards eligible for merging",
        ),
        (
            "MergeShards",
            {"ShardToMerge": "shardId-1", "AdjacentShardToMerge": "shardId-0"},
            "InvalidArgumentException",
            "Shards shardId-000000000001 and shardId-000000000000 in stream events under account "
            "123456789012 are not an adjacent pair of shards eligible for merging",
        ),
        (
            "UpdateShardCount",
            {"TargetShardCount": 7, "ScalingType": "UNIFORM_SCALING"},
            "LimitExceededException",
            "UpdateShardCount cannot scale up over double your current open shard count. "
            "Current open shard count: 3, Target shard count: 7",
        ),
        (
            "UpdateShardCount",
            {"TargetShardCount": 1, "ScalingType": "UNIFORM_SCALING"},
            "LimitExceededException",
            "UpdateShardCount cannot scale down below half your current open shard count. "
            "Current open shard count: 3, Target shard count: 1",
        ),
        (
            "UpdateShardCount",
            {"TargetShardCount": 10_001, "ScalingType": "UNIFORM_SCALING"},
            "LimitExceededException",
            "Target shard count or number of open shards cannot be greater than 10000. "
            "Current open shard count: 3, Target shard count: 10001",
        ),
    ],
)
def test_wrong_reshards(kinesis: Any, operation: str, members: dict[str, Any], code: str, said: str) -> None:
    kinesis.create(shards=3)
    error = kinesis.fails(operation, StreamName="events", **members)
    assert (error.code, error.message) == (code, said)


def test_a_closed_shard_is_not_split_or_merged_again(kinesis: Any) -> None:
    kinesis.create(shards=2)
    kinesis("SplitShard", StreamName="events", ShardToSplit="shardId-0", NewStartingHashKey="1000")
    kinesis.advance(1)
    split = {"ShardToSplit": "shardId-0", "NewStartingHashKey": "1000"}
    assert "is closed" in kinesis.fails("SplitShard", StreamName="events", **split).message
    merge = {"ShardToMerge": "shardId-0", "AdjacentShardToMerge": "shardId-1"}
    assert "is closed" in kinesis.fails("MergeShards", StreamName="events", **merge).message


def test_an_on_demand_stream_has_no_shard_count_to_update(kinesis: Any) -> None:
    kinesis("CreateStream", StreamName="events", StreamModeDetails={"StreamMode": "ON_DEMAND"})
    kinesis.advance(1)
    error = kinesis.fails(
        "UpdateShardCount", StreamName="events", TargetShardCount=5, ScalingType="UNIFORM_SCALING"
    )
    assert error.code == "ValidationException"


def test_the_shard_count_changes_ten_times_a_day(kinesis: Any) -> None:
    kinesis.create(shards=4)
    for target in (5, 4) * 5:
        answer = kinesis(
            "UpdateShardCount", StreamName="events", TargetShardCount=target, ScalingType="UNIFORM_SCALING"
        )
        assert (answer["CurrentShardCount"], answer["TargetShardCount"]) == (9 - target, target)
        kinesis.advance(1)
    again = {"StreamName": "events", "TargetShardCount": 5, "ScalingType": "UNIFORM_SCALING"}
    assert kinesis.fails("UpdateShardCount", **again).code == "LimitExceededException"
    kinesis.advance(DAY_S)
    kinesis("UpdateShardCount", **again)


@given(before=st.integers(1, 9), after=st.integers(1, 9))
def test_scaling_ends_with_equal_shards_and_known_parents(before: int, after: int) -> None:
    shards = ShardMap(SegmentStore(Path("never-written")), NONE, Arrivals())
    shards.create_uniform(before, 0.0)
    shards.scale_to(after, 1.0)
    assert [shard.starting_hash_key for shard in shards.open] == uniform_starts(after)
    assert [shard.ending_hash_key + 1 for shard in shards.open] == [*uniform_starts(after)[1:], HASH_KEYS]
    every = {shard.id: shard for shard in shards.all()}
    for shard in every.values():
        parents = [every[parent] for parent in shard.parents]
        assert all(not parent.is_open and parent.number < shard.number for parent in parents)
        # Every child shares hash keys with each of its parents.
        assert all(
            parent.starting_hash_key <= shard.ending_hash_key
            and shard.starting_hash_key <= parent.ending_hash_key
            for parent in parents
        )


def test_shards_are_listed_in_pages(kinesis: Any) -> None:
    kinesis.create(shards=3)
    first = kinesis("ListShards", StreamName="events", MaxResults=2)
    assert [shard["ShardId"][-1] for shard in first["Shards"]] == ["0", "1"]
    rest = kinesis("ListShards", NextToken=first["NextToken"])
    assert [shard["ShardId"][-1] for shard in rest["Shards"]] == ["2"]
    assert "NextToken" not in rest
    both = kinesis.fails("ListShards", NextToken=first["NextToken"], StreamName="events")
    assert both.code == "InvalidArgumentException"
    assert kinesis.fails("ListShards", NextToken="x").message == "Invalid NextToken."
    kinesis.advance(301)
    assert kinesis.fails("ListShards", NextToken=first["NextToken"]).code == "ExpiredNextTokenException"
    assert len(kinesis.shards(ExclusiveStartShardId="shardId-0")) == 2


def test_shards_are_filtered_by_when_they_were_open(kinesis: Any) -> None:
    kinesis.create()
    before_s = kinesis.now_s
    kinesis("SplitShard", StreamName="events", ShardToSplit="shardId-0", NewStartingHashKey=str(HALF))
    kinesis.advance(10)
    kinesis.put()
    after_s = kinesis.now_s + 1

    def listed(kind: str, **members: Any) -> str:
        shards = kinesis.shards(ShardFilter={"Type": kind, **members})
        return "".join(shard["ShardId"][-1] for shard in shards)

    assert listed("AT_LATEST") == "12"
    assert listed("AT_TRIM_HORIZON") == "0"
    assert listed("FROM_TRIM_HORIZON") == "012"
    assert listed("AFTER_SHARD_ID", ShardId="shardId-1") == "2"
    assert listed("AT_TIMESTAMP", Timestamp=before_s) == "0"
    assert listed("AT_TIMESTAMP", Timestamp=after_s) == "12"
    assert listed("FROM_TIMESTAMP", Timestamp=before_s) == "012"
    assert listed("FROM_TIMESTAMP", Timestamp=after_s) == "12"


@pytest.mark.parametrize("kind", ["AFTER_SHARD_ID", "AT_TIMESTAMP", "FROM_TIMESTAMP"])
def test_a_filter_needs_what_it_filters_by(kinesis: Any, kind: str) -> None:
    kinesis.create()
    error = kinesis.fails("ListShards", StreamName="events", ShardFilter={"Type": kind})
    assert error.code == "InvalidArgumentException"


def test_a_closed_shard_goes_when_its_last_record_has_expired(kinesis: Any) -> None:
    kinesis.create()
    kinesis.put()
    kinesis("SplitShard", StreamName="events", ShardToSplit="shardId-0", NewStartingHashKey=str(HALF))
    kinesis.advance(1)
    kinesis.housekeep()
    assert [row[0] for row in family(kinesis)] == ["00", "01", "02"]
    kinesis.advance(DAY_S)
    kinesis.housekeep()
    assert [row[0] for row in family(kinesis)] == ["00", "01", "02"]
    kinesis.advance(1)
    kinesis.housekeep()
    assert [row[0] for row in family(kinesis)] == ["01", "02"]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("shardId-000000000007", 7),
        ("shard-7", 7),
        ("-00007", 7),
        ("7", 7),
        ("2147483647", 2147483647),
        ("2147483648", None),
        ("shardId-002147483648", None),
        ("ABKLFD8", None),
        ("2.14E4", None),
    ],
)
def test_shard_ids_are_read_as_aws_reads_them(text: str, number: int | None) -> None:
    assert parse_shard_id(text) == number


@given(
    shard=st.integers(0, 2**31 - 1),
    created=st.integers(0, 2**35),
    index=st.integers(0, LAST_INDEX),
    arrival=st.integers(0, 2**35),
)
def test_a_sequence_number_can_be_taken_apart(shard: int, created: int, index: int, arrival: int) -> None:
    text = format_sequence_number(sequence_base(shard, created), index, arrival)
    assert len(text) == 56
    assert parse_sequence_number(text) == (shard, created, index, arrival)


@given(
    first=st.tuples(st.integers(0, LAST_INDEX), st.integers(0, 2**35)),
    second=st.tuples(st.integers(0, LAST_INDEX), st.integers(0, 2**35)),
)
def test_the_index_decides_the_order(first: tuple[int, int], second: tuple[int, int]) -> None:
    base = sequence_base(3, 1_700_000_000)
    texts = [format_sequence_number(base, *each) for each in (first, second)]
    if first[0] < second[0]:
        assert texts[0] < texts[1]


@pytest.mark.parametrize("text", ["0", "5", "9" * 56, "1" * 56, str(2 << 184)])
def test_other_numbers_are_no_sequence_numbers(text: str) -> None:
    assert parse_sequence_number(text) is None
