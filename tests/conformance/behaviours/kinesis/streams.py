"""Kinesis streams of the cases."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from tests.conformance.kit import WITHIN_S, Cleanup, until
from tests.conformance.targets import Aws

READ = "2026-11-24"
TOP = 2**128
HALF = str(2**127)


@dataclass(frozen=True)
class Stream:
    """A stream of a case's own."""

    kinesis: Any
    name: str

    def describe(self) -> dict[str, Any]:
        found: dict[str, Any] = self.kinesis.describe_stream(StreamName=self.name)["StreamDescription"]
        return found

    def shards(self) -> list[dict[str, Any]]:
        listed: list[dict[str, Any]] = self.kinesis.list_shards(StreamName=self.name)["Shards"]
        return listed

    def put(self, data: bytes, key: str = "key", **more: Any) -> dict[str, Any]:
        answer: dict[str, Any] = self.kinesis.put_record(
            StreamName=self.name, Data=data, PartitionKey=key, **more
        )
        return answer

    def put_all(self, *records: dict[str, Any]) -> dict[str, Any]:
        answer: dict[str, Any] = self.kinesis.put_records(StreamName=self.name, Records=list(records))
        return answer

    def iterator(self, type_: str = "TRIM_HORIZON", shard: str = "", **more: Any) -> str:
        asked = {"ShardId": shard or self.shards()[0]["ShardId"], "ShardIteratorType": type_, **more}
        return str(self.kinesis.get_shard_iterator(StreamName=self.name, **asked)["ShardIterator"])

    def read(self, iterator: str, count: int) -> list[dict[str, Any]]:
        """At least `count` records from there; a shard may be read five times a second."""
        records: list[dict[str, Any]] = []
        deadline = time.monotonic() + WITHIN_S
        while True:
            answer = self.kinesis.get_records(ShardIterator=iterator)
            records += answer["Records"]
            if len(records) >= count:
                return records
            assert time.monotonic() < deadline, f"{count} records expected, {len(records)} came"
            iterator = answer["NextShardIterator"]
            time.sleep(0.25)

    def data(self, iterator: str, count: int) -> list[bytes]:
        return [record["Data"] for record in self.read(iterator, count)]

    def active(self) -> Stream:
        until(lambda: self.describe()["StreamStatus"] == "ACTIVE", f"{self.name} is active")
        return self


def created(aws: Aws, cleanup: Cleanup, shards: int) -> Stream:
    made = Stream(aws.client("kinesis"), aws.name("stream"))
    made.kinesis.create_stream(StreamName=made.name, ShardCount=shards)
    cleanup.add(made.kinesis.delete_stream, StreamName=made.name)
    return made.active()


def record(data: bytes, key: str = "key", **more: Any) -> dict[str, Any]:
    return {"Data": data, "PartitionKey": key, **more}
