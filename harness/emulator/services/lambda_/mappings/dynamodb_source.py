"""A table's stream as a mapping sees it: shards, iterators, changes, and the event that a function gets.

docs: DynamoDB Streams API Reference; Using Lambda with DynamoDB, example event (read 2026)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from harness.emulator.services.base import AwsCalls, CallContext
from harness.emulator.services.lambda_.mappings.configuration import ENCODED_MEMBER
from harness.emulator.services.lambda_.mappings.lanes import Record
from harness.emulator.services.lambda_.mappings.polling import Polling, ShardInfo
from harness.emulator.services.lambda_.mappings.sources import (
    Position,
    Read,
    StreamPosition,
    stream_position,
    where,
)
from harness.measure.meters import Counter


class DynamoDbSource:
    """The stream of one table: a StreamSource. Its methods raise AwsError with what DynamoDB said.

    A record's key is the item's, and its data the record's JSON, ready for an event."""

    def __init__(self, calls: AwsCalls, stream_arn: str, polling: Polling) -> None:
        self.polling = polling
        self.arn = stream_arn
        _, _, _, region, account_id, resource = stream_arn.split(":", 5)
        self.table = resource.split("/")[1]
        self.accepted = Counter()  # DynamoDB counts in its own process
        self._calls = calls
        self._context = CallContext(region=region, account_id=account_id)

    @property
    def name(self) -> str:
        """As invocations name their source."""
        return f"dynamodb:{self.table}"

    @property
    def encoded_member(self) -> str | None:
        """The member of what `filtered` gives that holds bytes."""
        return ENCODED_MEMBER["dynamodb"]

    async def _call(self, operation: str, **members: object) -> Any:
        body = orjson.dumps(members)
        return orjson.loads(await self._calls.call("dynamodbstreams", operation, body, self._context))

    async def shards(self) -> list[ShardInfo]:
        """All shards, open and closed, oldest first."""
        found: list[ShardInfo] = []
        after: dict[str, object] = {}
        while True:
            answer = await self._call("DescribeStream", StreamArn=self.arn, **after)
            described = answer["StreamDescription"]
            found += [_shard(each) for each in described["Shards"]]
            last = described.get("LastEvaluatedShardId")
            if not last:
                return found
            after = {"ExclusiveStartShardId": last}

    async def iterator(self, shard_id: str, position: Position) -> str:
        """An iterator at `position`."""
        members: dict[str, object] = {"StreamArn": self.arn, "ShardId": shard_id}
        if position.sequence_number is not None:
            members["SequenceNumber"] = position.sequence_number
        answer = await self._call("GetShardIterator", ShardIteratorType=position.type, **members)
        iterator: str = answer["ShardIterator"]
        return iterator

    async def read(self, iterator: str, limit: int) -> Read:
        """The next changes, at most `limit`."""
        limit = min(limit, self.polling.read_ahead_records)
        answer = await self._call("LaunchdayStreamRead", ShardIterator=iterator, Limit=limit)
        records = []
        for sequence_number, keys, at_s, change in answer["Records"]:
            change["eventSourceARN"] = self.arn
            data = orjson.dumps(change)
            records.append(Record(sequence_number, orjson.dumps(keys).decode(), at_s, data, len(data) + 1))
        return Read(records, answer.get("NextShardIterator"), answer["RecordsBehind"] > 0)

    async def position(
        self, iterators: Mapping[str, str], after: str | None = None, wait_s: float = 0.0
    ) -> StreamPosition:
        """Where the stream stands against `iterators`, all at one moment: at once, or when its mark is no
        more `after`, or when `wait_s` have passed. A shard without an iterator counts with all it retains."""
        return stream_position(
            await self._call(
                "LaunchdayStreamPosition",
                StreamArn=self.arn,
                ShardIterators=iterators,
                After=after,
                WaitSeconds=wait_s,
            )
        )

    def event(self, _shard_id: str, records: Sequence[Record]) -> bytes:
        """The event that carries `records`."""
        return b'{"Records":[' + b",".join([record.data for record in records]) + b"]}"

    def filtered(self, record: Record) -> Any:
        """The record as filter patterns see it: as in the event."""
        return orjson.loads(record.data)

    def batch_info(self, shard_id: str, records: Sequence[Record]) -> dict[str, object]:
        """DDBStreamBatchInfo: where discarded records are."""
        return {"DDBStreamBatchInfo": where(self.arn, shard_id, records)}


def _shard(described: Mapping[str, Any]) -> ShardInfo:
    parent = described.get("ParentShardId")
    is_open = "EndingSequenceNumber" not in described["SequenceNumberRange"]
    return ShardInfo(described["ShardId"], (parent,) if parent else (), is_open)
