"""The operations of DynamoDB Streams: reading what the tables' changes were.

docs: DynamoDB Streams API Reference (read 2026-11): an iterator expires after 15 minutes; a GetRecords answer
holds up to 1,000 records and 1 MB.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import orjson

from harness.emulator.services.base import AwsError, CallContext
from harness.emulator.services.dynamodb.errors import constraint, raise_unless_known
from harness.emulator.services.dynamodb.request import Answer, Request, choice, text, whole_number
from harness.emulator.services.dynamodb.schema import describe_keys
from harness.emulator.services.dynamodb.streams.iterators import (
    Iterators,
    describe_shard,
    parse_sequence,
    shard_of,
    trimmed,
)
from harness.emulator.services.dynamodb.streams.records import MAX_RECORDS, read_page, render
from harness.emulator.services.dynamodb.tables import SERVICE as DYNAMODB
from harness.emulator.services.dynamodb.tables import Tables
from harness.emulator.services.json_protocol import parse_body

_MAX_LISTED = 100
_ITERATOR_TYPES = ("AFTER_SEQUENCE_NUMBER", "LATEST", "AT_SEQUENCE_NUMBER", "TRIM_HORIZON")


class StreamOperations:
    """What can be asked of the streams of `tables`."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self._iterators = Iterators(tables)
        self._operations: Mapping[str, Callable[[Request, CallContext], Answer]] = {
            "DescribeStream": self._describe_stream,
            "GetRecords": self._get_records,
            "GetShardIterator": self._get_shard_iterator,
            "ListStreams": self._list_streams,
        }

    def answer(self, operation: str, body: bytes, context: CallContext) -> bytes:
        """Answer an operation. Raises AwsError."""
        run = self._operations.get(operation)
        if run is None:
            raise AwsError(
                "UnknownOperationException",
                f"The operation {operation} is not offered by Launchday's DynamoDB Streams.",
            )
        return orjson.dumps(run(parse_body(body), context))

    def _list_streams(self, request: Request, context: CallContext) -> Answer:
        raise_unless_known(
            request, "ListStreams", frozenset(("TableName", "Limit", "ExclusiveStartStreamArn"))
        )
        limit = whole_number(request, "Limit", at_least=1, at_most=_MAX_LISTED) or _MAX_LISTED
        after = text(request, "ExclusiveStartStreamArn") or ""
        wanted = text(request, "TableName")
        prefix = f"arn:aws:dynamodb:{context.region}:{context.account_id}:"
        found = [
            stream
            for arn, stream in sorted(self._tables.changes.streams.items())
            if arn > after and arn.startswith(prefix) and wanted in (None, stream.table_name)
        ]
        answer: Answer = {
            "Streams": [
                {"StreamArn": s.arn, "TableName": s.table_name, "StreamLabel": s.label} for s in found[:limit]
            ]
        }
        if len(found) > limit:
            answer["LastEvaluatedStreamArn"] = found[limit - 1].arn
        return answer

    def _describe_stream(self, request: Request, _context: CallContext) -> Answer:
        raise_unless_known(
            request,
            "DescribeStream",
            frozenset(("StreamArn", "Limit", "ExclusiveStartShardId")),
        )
        stream = self._iterators.stream(text(request, "StreamArn"))
        limit = whole_number(request, "Limit", at_least=1, at_most=_MAX_LISTED) or _MAX_LISTED
        after = text(request, "ExclusiveStartShardId") or ""
        shards = [shard for shard in stream.shards if shard.shard_id > after]
        described: dict[str, Any] = {
            "StreamArn": stream.arn,
            "StreamLabel": stream.label,
            "StreamStatus": stream.status,
            "StreamViewType": stream.view_type,
            "CreationRequestDateTime": round(stream.created_s, 3),
            "TableName": stream.table_name,
            "KeySchema": describe_keys(stream.keys),
            "Shards": [describe_shard(shard) for shard in shards[:limit]],
        }
        if len(shards) > limit:
            described["LastEvaluatedShardId"] = shards[limit - 1].shard_id
        return {"StreamDescription": described}

    def _get_shard_iterator(self, request: Request, _context: CallContext) -> Answer:
        raise_unless_known(
            request,
            "GetShardIterator",
            frozenset(("StreamArn", "ShardId", "ShardIteratorType", "SequenceNumber")),
        )
        stream = self._iterators.stream(text(request, "StreamArn"))
        shard = shard_of(stream, text(request, "ShardId"))
        kind = choice(request, "ShardIteratorType", _ITERATOR_TYPES, "")
        if not kind:
            raise constraint(None, "shardIteratorType", "Member must not be null")
        changes = self._tables.changes
        changes.trim(self._tables.clock())
        if kind == "TRIM_HORIZON":
            sequence = shard.trimmed_before
        elif kind == "LATEST":
            sequence = changes.next_sequence
        else:
            sequence = parse_sequence(text(request, "SequenceNumber")) + (kind == "AFTER_SEQUENCE_NUMBER")
            if sequence < shard.trimmed_before:
                raise trimmed()
        return {"ShardIterator": self._iterators.at(stream, shard, sequence)}

    def _get_records(self, request: Request, context: CallContext) -> Answer:
        raise_unless_known(request, "GetRecords", frozenset(("ShardIterator", "Limit")))
        limit = whole_number(request, "Limit", at_least=1, at_most=MAX_RECORDS) or MAX_RECORDS
        stream, shard, sequence = self._iterators.position(text(request, "ShardIterator"))
        self._tables.meters.counter(DYNAMODB, stream.table_name, "stream_reads").value += 1
        if context.trace_id is not None:
            self._tables.meters.call(context.trace_id, DYNAMODB, "GetRecords", stream.table_name)
        self._tables.changes.trim(self._tables.clock())
        if sequence < shard.trimmed_before:
            raise trimmed()
        found = read_page(shard, sequence, limit)
        records = [render(stream, record) for record in found]
        if found:
            sequence = found[-1].sequence + 1
        answer: Answer = {"Records": records}
        if shard.last_sequence is None or shard.read(sequence, 1):
            answer["NextShardIterator"] = self._iterators.at(stream, shard, sequence)
        return answer
