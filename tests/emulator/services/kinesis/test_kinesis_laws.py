"""Laws that hold whatever is done to a stream, checked by doing random things to it."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import shutil
import tempfile
from pathlib import Path
from typing import Any

import orjson
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from harness.aws.limits.profiles import NONE
from harness.emulator.services.base import CallContext
from harness.emulator.services.kinesis import KinesisService
from harness.measure.meters import Meters

KEYS = [f"device-{i}" for i in range(12)]


class Follower:
    """Reads every shard from its beginning, a child only after its parents, as the API asks consumers to."""

    def __init__(self) -> None:
        self.positions: dict[str, str | None] = {}
        self.read: list[tuple[str, str]] = []

    def follow(self, machine: StreamMachine, limit: int) -> None:
        known = {shard["ShardId"]: shard for shard in machine.shards()}
        for shard_id, shard in known.items():
            parents = [shard.get("ParentShardId"), shard.get("AdjacentParentShardId")]
            if all(self.positions.get(parent, "") is None for parent in parents if parent):
                self._read_shard(machine, shard_id, limit)

    def _read_shard(self, machine: StreamMachine, shard_id: str, limit: int) -> None:
        if shard_id not in self.positions:
            answer = machine.call(
                "GetShardIterator",
                StreamName="events",
                ShardId=shard_id,
                ShardIteratorType="TRIM_HORIZON",
            )
            self.positions[shard_id] = answer["ShardIterator"]
        while (iterator := self.positions[shard_id]) is not None:
            answer = machine.call("GetRecords", ShardIterator=iterator, Limit=limit)
            self.positions[shard_id] = answer["NextShardIterator"]
            self.read += [(record["PartitionKey"], record["Data"]) for record in answer["Records"]]
            if not answer["Records"]:
                return


class StreamMachine(RuleBasedStateMachine):
    """Puts, splits, merges, scales and reads a stream that has little memory."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="kinesis-laws-"))
        self.now_s = 1_700_000_000.0
        self.service = KinesisService(
            meters=Meters(),
            limits=NONE,
            data_dir=self.folder,
            clock=lambda: self.now_s,
            memory_budget_bytes=4_000,
        )
        self.sent: list[tuple[str, str]] = []
        self.follower = Follower()
        self.call("CreateStream", StreamName="events", ShardCount=2)
        self.now_s += 1

    def teardown(self) -> None:
        asyncio.run(self.service.close())
        shutil.rmtree(self.folder)

    def call(self, operation: str, **members: Any) -> Any:
        try:
            self.service.call(operation, orjson.dumps(members), CallContext()).send(None)
        except StopIteration as stop:
            return orjson.loads(stop.value) if stop.value else None
        raise AssertionError("the call waited")

    def shards(self) -> list[dict[str, Any]]:
        listed: list[dict[str, Any]] = self.call("ListShards", StreamName="events")["Shards"]
        return listed

    def open_shards(self) -> list[dict[str, Any]]:
        listed: list[dict[str, Any]] = self.call(
            "ListShards", StreamName="events", ShardFilter={"Type": "AT_LATEST"}
        )["Shards"]
        return sorted(listed, key=lambda shard: int(shard["HashKeyRange"]["StartingHashKey"]))

    @rule(keys=st.lists(st.sampled_from(KEYS), min_size=1, max_size=20), one_by_one=st.booleans())
    def put(self, keys: list[str], one_by_one: bool) -> None:
        records = []
        for key in keys:
            data = base64.b64encode(f"{len(self.sent):06d}".encode() * 5).decode()
            self.sent.append((key, data))
            records.append({"PartitionKey": key, "Data": data})
        if one_by_one:
            for record in records:
                self.call("PutRecord", StreamName="events", **record)
        else:
            assert self.call("PutRecords", StreamName="events", Records=records)["FailedRecordCount"] == 0

    @precondition(lambda self: len(self.open_shards()) < 6)
    @rule(which=st.integers(0, 5), where=st.floats(0.01, 0.99))
    def split(self, which: int, where: float) -> None:
        shards = self.open_shards()
        shard = shards[which % len(shards)]
        low, high = (int(shard["HashKeyRange"][end]) for end in ("StartingHashKey", "EndingHashKey"))
        at = low + int((high - low) * where)
        self.call(
            "SplitShard", StreamName="events", ShardToSplit=shard["ShardId"], NewStartingHashKey=str(at)
        )
        self.now_s += 1

    @precondition(lambda self: len(self.open_shards()) > 1)
    @rule(which=st.integers(0, 5))
    def merge(self, which: int) -> None:
        shards = self.open_shards()
        i = which % (len(shards) - 1)
        self.call(
            "MergeShards",
            StreamName="events",
            ShardToMerge=shards[i]["ShardId"],
            AdjacentShardToMerge=shards[i + 1]["ShardId"],
        )
        self.now_s += 1

    @rule(up=st.booleans())
    def scale(self, up: bool) -> None:
        current = len(self.open_shards())
        target = min(6, current * 2) if up else (current + 1) // 2
        changes = self.service._registry.streams["000000000000", "us-east-1", "events"]
        changes.shard_count_changes_s.clear()  # ten a day are too few for a random walk
        self.call(
            "UpdateShardCount",
            StreamName="events",
            TargetShardCount=target,
            ScalingType="UNIFORM_SCALING",
        )
        self.now_s += 1

    @rule(limit=st.sampled_from([1, 3, 10_000]))
    def follow(self, limit: int) -> None:
        self.follower.follow(self, limit)

    @rule(seconds=st.integers(0, 200))
    def wait(self, seconds: int) -> None:
        self.follower.follow(self, 10_000)  # iterators live five minutes
        self.now_s += seconds
        self.service.housekeep()

    @invariant()
    def the_open_shards_partition_the_hash_keys(self) -> None:
        ranges = [shard["HashKeyRange"] for shard in self.open_shards()]
        starts = [int(each["StartingHashKey"]) for each in ranges]
        ends = [int(each["EndingHashKey"]) for each in ranges]
        assert starts == [0, *(end + 1 for end in ends[:-1])]
        assert ends[-1] == 2**128 - 1
        for key in KEYS:
            hash_key = int.from_bytes(hashlib.md5(key.encode()).digest(), "big")
            assert sum(start <= hash_key <= end for start, end in zip(starts, ends, strict=True)) == 1

    @invariant()
    def memory_is_bounded(self) -> None:
        assert self.service._registry.store.resident_bytes <= 4_000

    @invariant()
    def nothing_is_read_twice_and_keys_keep_their_order(self) -> None:
        for key in KEYS:
            sent = [data for sent_key, data in self.sent if sent_key == key]
            read = [data for read_key, data in self.follower.read if read_key == key]
            assert read == sent[: len(read)]

    def the_follower_reads_everything(self) -> None:
        for _ in range(50):
            self.follower.follow(self, 10_000)
        assert sorted(self.follower.read) == sorted(self.sent)


class FollowedToTheEnd(StreamMachine):
    """The same, and at the end of each run every record has been read exactly once."""

    def teardown(self) -> None:
        self.the_follower_reads_everything()
        super().teardown()


TestStreamLaws = FollowedToTheEnd.TestCase
TestStreamLaws.settings = settings(max_examples=50, stateful_step_count=30, deadline=None)
