"""The operations of DynamoDB Streams: reading what the tables' changes were.

docs: DynamoDB Streams API Reference (read 2026-11): an iterator expires after 15 minutes; a GetRecords answer
holds up to 1,000 records and 1 MB.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from typing import Any

import orjson

from harness.emulator.services.base import AwsError, CallContext
from harness.emulator.services.dynamodb.errors import constraint, invalid, raise_unless_known
from harness.emulator.services.dynamodb.items import raw_json, size_of, unpack
from harness.emulator.services.dynamodb.request import Answer, Request, choice, text, whole_number
from harness.emulator.services.dynamodb.schema import describe_keys
from harness.emulator.services.dynamodb.streams.capture import Record, Shard, TableStream
from harness.emulator.services.dynamodb.tables import SERVICE as DYNAMODB
from harness.emulator.services.dynamodb.tables import Tables
from harness.emulator.services.dynamodb.values import stored_bytes
from harness.emulator.services.json_protocol import parse_body

ITERATOR_VALID_S = 900.0
MAX_RECORDS = 1_000
MAX_ANSWER_BYTES = 1024 * 1024
_MAX_LISTED = 100
_ITERATOR_TYPES = ("AFTER_SEQUENCE_NUMBER", "LATEST", "AT_SEQUENCE_NUMBER", "TRIM_HORIZON")
# AWS's sequence numbers are of 21 digits or more, and compare as numbers.
_SEQUENCE_BASE = 10**20


class StreamOperations:
    """What can be asked of the streams of `tables`."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
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
        stream = self._stream(request)
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
            "Shards": [_describe_shard(shard) for shard in shards[:limit]],
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
        stream = self._stream(request)
        shard = _shard(stream, text(request, "ShardId"))
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
            sequence = _sequence(request) + (kind == "AFTER_SEQUENCE_NUMBER")
            if sequence < shard.trimmed_before:
                raise _trimmed()
        return {"ShardIterator": self._iterator(stream, shard, sequence)}

    def _get_records(self, request: Request, context: CallContext) -> Answer:
        raise_unless_known(request, "GetRecords", frozenset(("ShardIterator", "Limit")))
        limit = whole_number(request, "Limit", at_least=1, at_most=MAX_RECORDS) or MAX_RECORDS
        stream, shard, sequence = self._position(text(request, "ShardIterator"))
        self._tables.meters.counter(DYNAMODB, stream.table_name, "stream_reads").value += 1
        if context.trace_id is not None:
            self._tables.meters.call(context.trace_id, DYNAMODB, "GetRecords", stream.table_name)
        self._tables.changes.trim(self._tables.clock())
        if sequence < shard.trimmed_before:
            raise _trimmed()
        records: list[dict[str, Any]] = []
        total = 0
        for record in shard.read(sequence, limit):
            total += record.size_bytes
            if records and total > MAX_ANSWER_BYTES:
                break
            records.append(_render(stream, record))
            sequence = record.sequence + 1
        answer: Answer = {"Records": records}
        if shard.last_sequence is None or shard.read(sequence, 1):
            answer["NextShardIterator"] = self._iterator(stream, shard, sequence)
        return answer

    def _stream(self, request: Request) -> TableStream:
        arn = text(request, "StreamArn")
        if arn is None:
            raise constraint(None, "streamArn", "Member must not be null")
        return self._stream_of(arn)

    def _stream_of(self, arn: str) -> TableStream:
        stream = self._tables.changes.streams.get(arn)
        if stream is None:
            raise AwsError(
                "ResourceNotFoundException", f"Requested resource not found: Stream: {arn} not found"
            )
        return stream

    def _iterator(self, stream: TableStream, shard: Shard, sequence: int) -> str:
        expires_s = self._tables.clock() + ITERATOR_VALID_S
        token = orjson.dumps([stream.arn, shard.shard_id, sequence, expires_s])
        return base64.urlsafe_b64encode(token).decode()

    def _position(self, iterator: str | None) -> tuple[TableStream, Shard, int]:
        if iterator is None:
            raise constraint(None, "shardIterator", "Member must not be null")
        try:
            arn, shard_id, sequence, expires_s = orjson.loads(base64.urlsafe_b64decode(iterator))
        except (binascii.Error, ValueError):
            raise invalid("Invalid ShardIterator") from None
        if self._tables.clock() > expires_s:
            raise AwsError(
                "ExpiredIteratorException", "Iterator expired. The iterator was created too long ago."
            )
        stream = self._stream_of(arn)
        return stream, _shard(stream, shard_id), sequence


def _trimmed() -> AwsError:
    return AwsError(
        "TrimmedDataAccessException",
        "The operation attempted to read past the oldest stream record in a shard.",
    )


def _shard(stream: TableStream, shard_id: str | None) -> Shard:
    for shard in stream.shards:
        if shard.shard_id == shard_id:
            return shard
    raise AwsError(
        "ResourceNotFoundException", f"Requested resource not found: Shard does not exist: {shard_id}"
    )


def _sequence(request: Request) -> int:
    given = text(request, "SequenceNumber")
    if given is None or not given.isdecimal() or int(given) < _SEQUENCE_BASE:
        raise invalid(f"Invalid SequenceNumber: {given}")
    return int(given) - _SEQUENCE_BASE


def _shown(sequence: int) -> str:
    return str(_SEQUENCE_BASE + sequence)


def _describe_shard(shard: Shard) -> dict[str, Any]:
    numbers = {"StartingSequenceNumber": _shown(shard.first_sequence)}
    if shard.last_sequence is not None:
        numbers["EndingSequenceNumber"] = _shown(max(shard.last_sequence, shard.first_sequence))
    return {"ShardId": shard.shard_id, "SequenceNumberRange": numbers}


def _render(stream: TableStream, record: Record) -> dict[str, Any]:
    """A record as GetRecords answers it, and as Lambda functions get it."""
    stored = record.new if record.new is not None else record.old
    keys = stream.keys.pick(unpack(stored)) if stored is not None else {}
    change: dict[str, Any] = {
        "ApproximateCreationDateTime": int(record.at_s),
        "Keys": keys,
        "SequenceNumber": _shown(record.sequence),
        "StreamViewType": stream.view_type,
    }
    size = stored_bytes(keys)
    for member, image, views in (
        ("NewImage", record.new, ("NEW_IMAGE", "NEW_AND_OLD_IMAGES")),
        ("OldImage", record.old, ("OLD_IMAGE", "NEW_AND_OLD_IMAGES")),
    ):
        if image is not None and stream.view_type in views:
            change[member] = raw_json(image)
            size += size_of(image)
    change["SizeBytes"] = size
    rendered = {
        "eventID": f"{record.sequence:032x}",
        "eventName": "INSERT" if record.old is None else "REMOVE" if record.new is None else "MODIFY",
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": stream.region,
        "dynamodb": change,
    }
    if record.expired:
        rendered["userIdentity"] = {"Type": "Service", "PrincipalId": "dynamodb.amazonaws.com"}
    return rendered
