"""Kinesis as a mapping sees it: shards, iterators, records, and the event that a function gets.

docs: Kinesis Data Streams API Reference; Using Lambda with Kinesis, example event (read 2026)
"""

from __future__ import annotations

import base64
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
from harness.measure.meters import Counter, Meters


class KinesisSource:
    """One stream of Kinesis: a StreamSource. Its methods raise AwsError with what Kinesis said."""

    def __init__(self, calls: AwsCalls, stream_arn: str, meters: Meters, polling: Polling) -> None:
        self.polling = polling
        self.arn = stream_arn
        self.stream = stream_arn.rpartition("/")[2]
        _, _, _, region, account_id, _ = stream_arn.split(":", 5)
        self.accepted: Counter = meters.counter("kinesis", self.stream, "put_records")
        self._calls = calls
        self._context = CallContext(region=region, account_id=account_id)
        self._after_event_id = (
            '","eventName":"aws:kinesis:record","invokeIdentityArn":"arn:aws:iam::'
            f'{account_id}:role/lambda","awsRegion":"{region}","eventSourceARN":"{stream_arn}"}}'
        ).encode()
        self._overhead_bytes = (
            len(self.event("shardId-000000000000", [Record("0" * 56, "", 0.0, "", 0)])) + 16
        )

    @property
    def name(self) -> str:
        """As invocations name their source."""
        return f"kinesis:{self.stream}"

    @property
    def encoded_member(self) -> str | None:
        """The member of what `filtered` gives that holds bytes."""
        return ENCODED_MEMBER["kinesis"]

    async def _call(self, operation: str, **members: object) -> Any:
        answer = await self._calls.call("kinesis", operation, orjson.dumps(members), self._context)
        return orjson.loads(answer)

    async def shards(self) -> list[ShardInfo]:
        """All shards, open and closed, oldest first."""
        found: list[ShardInfo] = []
        answer = await self._call("ListShards", StreamARN=self.arn)
        while True:
            found += [_shard(each) for each in answer["Shards"]]
            token = answer.get("NextToken")
            if not token:
                return found
            answer = await self._call("ListShards", NextToken=token)

    async def iterator(self, shard_id: str, position: Position) -> str:
        """An iterator at `position`."""
        members: dict[str, object] = {
            "StreamARN": self.arn,
            "ShardId": shard_id,
            "ShardIteratorType": position.type,
        }
        if position.sequence_number is not None:
            members["StartingSequenceNumber"] = position.sequence_number
        if position.timestamp_s is not None:
            members["Timestamp"] = position.timestamp_s
        iterator: str = (await self._call("GetShardIterator", **members))["ShardIterator"]
        return iterator

    async def read(self, iterator: str, limit: int) -> Read:
        """The next records, at most `limit`."""
        limit = min(limit, self.polling.read_ahead_records)
        answer = await self._call("GetRecords", ShardIterator=iterator, Limit=limit, StreamARN=self.arn)
        overhead = self._overhead_bytes
        records = [
            Record(
                each["SequenceNumber"],
                each["PartitionKey"],
                each["ApproximateArrivalTimestamp"],
                each["Data"],
                overhead + len(each["Data"]) + len(each["PartitionKey"]),
            )
            for each in answer["Records"]
        ]
        return Read(records, answer.get("NextShardIterator"), answer["MillisBehindLatest"] > 0)

    async def position(
        self, iterators: Mapping[str, str], after: str | None = None, wait_s: float = 0.0
    ) -> StreamPosition:
        """Where the stream stands against `iterators`, all at one moment: at once, or when its mark is no
        more `after`, or when `wait_s` have passed. A shard without an iterator counts with all it retains."""
        return stream_position(
            await self._call(
                "LaunchdayStreamPosition",
                StreamARN=self.arn,
                ShardIterators=iterators,
                After=after,
                WaitSeconds=wait_s,
            )
        )

    def event(self, shard_id: str, records: Sequence[Record]) -> bytes:
        """The event that carries `records`, data untouched. Put together from bytes: a third faster than from
        dictionaries, and this is done for every record of the stream."""
        dumps = orjson.dumps
        after_arrival = (
            b'},"eventSource":"aws:kinesis","eventVersion":"1.0","eventID":"' + shard_id.encode() + b":"
        )
        rendered = [
            b'{"kinesis":{"kinesisSchemaVersion":"1.0","partitionKey":'
            + dumps(record.partition_key)
            + b',"sequenceNumber":"'
            + record.sequence_number.encode()
            + b'","data":"'
            + record.data.encode()
            + b'","approximateArrivalTimestamp":'
            + dumps(record.arrival_s)
            + after_arrival
            + record.sequence_number.encode()
            + self._after_event_id
            for record in records
        ]
        return b'{"Records":[' + b",".join(rendered) + b"]}"

    def filtered(self, record: Record) -> Any:
        """The record as filter patterns see it: its data is what `data` matches, JSON where it is JSON."""
        return {
            "kinesisSchemaVersion": "1.0",
            "partitionKey": record.partition_key,
            "sequenceNumber": record.sequence_number,
            "data": base64.b64decode(record.data),
            "approximateArrivalTimestamp": record.arrival_s,
        }

    def batch_info(self, shard_id: str, records: Sequence[Record]) -> dict[str, object]:
        """KinesisBatchInfo: where discarded records are."""
        return {"KinesisBatchInfo": where(self.arn, shard_id, records)}


def _shard(listed: Mapping[str, Any]) -> ShardInfo:
    parents = tuple(listed[name] for name in ("ParentShardId", "AdjacentParentShardId") if listed.get(name))
    return ShardInfo(listed["ShardId"], parents, "EndingSequenceNumber" not in listed["SequenceNumberRange"])
