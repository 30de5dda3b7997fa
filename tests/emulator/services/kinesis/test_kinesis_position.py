"""LaunchdayStreamPosition: how many records lie behind a reader."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import orjson
import pytest

from harness.aws.limits.profiles import NONE
from harness.emulator.services.base import AwsError, CallContext
from harness.emulator.services.kinesis import KinesisService
from harness.measure.meters import Meters

ARN = "arn:aws:kinesis:us-east-1:000000000000:stream/events"
FIRST, SECOND = "shardId-000000000000", "shardId-000000000001"


class Stream:
    def __init__(self, folder: Path) -> None:
        self.now_s = 1_800_000_000.0
        self.service = KinesisService(meters=Meters(), limits=NONE, data_dir=folder, clock=lambda: self.now_s)
        self.ask("CreateStream", StreamName="events", ShardCount=2)
        self.now_s += 60

    def ask(self, operation: str, **members: Any) -> Any:
        return asyncio.run(self.call(operation, **members))

    async def call(self, operation: str, **members: Any) -> Any:
        answer = await self.service.call(operation, orjson.dumps(members), CallContext())
        return orjson.loads(answer) if answer else None

    def put(self, shard: int, count: int) -> None:
        for _ in range(count):
            self.ask(
                "PutRecord",
                StreamName="events",
                Data=base64.b64encode(b"x").decode(),
                PartitionKey="k",
                ExplicitHashKey=str(shard * 2**127),
            )

    def iterator(self, kind: str) -> str:
        answer = self.ask("GetShardIterator", StreamName="events", ShardId=FIRST, ShardIteratorType=kind)
        return str(answer["ShardIterator"])

    def behind(self, **iterators: str) -> Any:
        given = {FIRST if name == "first" else SECOND: each for name, each in iterators.items()}
        return self.ask("LaunchdayStreamPosition", StreamARN=ARN, ShardIterators=given)


@pytest.fixture
def stream(tmp_path: Path) -> Stream:
    return Stream(tmp_path)


def test_a_shard_counts_from_its_iterator_or_with_all_it_retains(stream: Stream) -> None:
    stream.put(0, 3)
    stream.put(1, 2)
    found = stream.behind()
    assert (found["RecordsBehind"], found["AcceptedRecords"]) == ({FIRST: 3, SECOND: 2}, 5)
    latest = stream.iterator("LATEST")
    assert stream.behind(first=latest)["RecordsBehind"] == {FIRST: 0, SECOND: 2}
    stream.put(0, 4)
    found = stream.behind(first=latest)
    assert (found["RecordsBehind"], found["AcceptedRecords"]) == ({FIRST: 4, SECOND: 2}, 9)
    read = stream.ask("GetRecords", ShardIterator=latest, Limit=3)
    assert stream.behind(first=read["NextShardIterator"])["RecordsBehind"][FIRST] == 1


def test_an_iterator_that_has_expired_is_a_position_still(stream: Stream) -> None:
    oldest = stream.iterator("TRIM_HORIZON")
    stream.put(0, 1)
    stream.now_s += 600
    with pytest.raises(AwsError, match="ExpiredIteratorException"):
        stream.ask("GetRecords", ShardIterator=oldest)
    assert stream.behind(first=oldest)["RecordsBehind"][FIRST] == 1


def test_children_count_before_anybody_reads_them(stream: Stream) -> None:
    split = {"ShardToSplit": FIRST, "NewStartingHashKey": str(2**126)}
    stream.ask("SplitShard", StreamName="events", **split)
    stream.now_s += 60
    stream.put(0, 2)
    assert stream.behind()["RecordsBehind"] == {
        FIRST: 0,
        SECOND: 0,
        "shardId-000000000002": 2,
        "shardId-000000000003": 0,
    }


def test_what_is_new_changes_the_mark_and_ends_the_wait(stream: Stream) -> None:
    async def ask_while(change: Callable[[], Awaitable[Any]]) -> Any:
        service = stream.service
        before = await stream.call("LaunchdayStreamPosition", StreamARN=ARN, ShardIterators={})
        members = {"StreamARN": ARN, "ShardIterators": {}, "After": before["Mark"], "WaitSeconds": 20}
        asked = asyncio.ensure_future(
            service.call("LaunchdayStreamPosition", orjson.dumps(members), CallContext())
        )
        await asyncio.sleep(0)
        assert not asked.done()
        await change()
        answer = orjson.loads(await asked)
        assert answer["Mark"] != before["Mark"]
        return answer

    record = {"Data": "", "PartitionKey": "k", "ExplicitHashKey": "0"}
    put = asyncio.run(ask_while(lambda: stream.call("PutRecord", StreamName="events", **record)))
    assert (put["RecordsBehind"], put["ClosedShards"]) == ({FIRST: 1, SECOND: 0}, [])

    async def split() -> None:
        split = {"ShardToSplit": FIRST, "NewStartingHashKey": str(2**126)}
        await stream.call("SplitShard", StreamName="events", **split)
        stream.now_s += 60
        await stream.call("DescribeStreamSummary", StreamName="events")

    assert asyncio.run(ask_while(split))["ClosedShards"] == [FIRST]


def test_a_stream_made_anew_is_another_one(stream: Stream) -> None:
    before = stream.behind()["Created"]
    stream.ask("DeleteStream", StreamName="events")
    stream.now_s += 60
    stream.ask("CreateStream", StreamName="events", ShardCount=2)
    stream.now_s += 60
    assert stream.behind()["Created"] != before


@pytest.mark.parametrize(
    "members",
    [
        {"StreamARN": "events"},
        {"ShardIterators": {FIRST: 1}},
        {"ShardIterators": {FIRST: "none"}},
        {"After": "x", "WaitSeconds": "long"},
    ],
)
def test_a_malformed_question_is_refused(stream: Stream, members: dict[str, Any]) -> None:
    with pytest.raises(AwsError, match="InvalidArgumentException"):
        stream.ask("LaunchdayStreamPosition", **{"StreamARN": ARN, "ShardIterators": {}, **members})


def test_an_incomplete_question_is_refused(stream: Stream) -> None:
    with pytest.raises(AwsError, match="InvalidArgumentException"):
        stream.ask("LaunchdayStreamPosition", StreamARN=ARN)
    with pytest.raises(AwsError, match="ResourceNotFoundException"):
        stream.ask("LaunchdayStreamPosition", StreamARN=ARN + "-none", ShardIterators={})
