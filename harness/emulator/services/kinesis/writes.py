"""PutRecord and PutRecords: the hot path of the whole product.

PutRecord's common form (a stream, a key, some data) is checked inline; whatever is unusual about an input,
wrong or not, takes the same way as every other operation's, through the rules.
"""

from __future__ import annotations

import binascii
import hashlib
from collections.abc import Mapping
from typing import Any

import orjson

from harness.emulator.services.base import AwsError, CallContext
from harness.emulator.services.json_protocol import parse_body
from harness.emulator.services.kinesis.errors import (
    INTERNAL_FAILURE_MESSAGE,
    internal_failure,
    invalid_argument,
    rate_exceeded_message,
    throughput_exceeded,
)
from harness.emulator.services.kinesis.inputs import check_input
from harness.emulator.services.kinesis.registry import StreamRegistry, stream_name
from harness.emulator.services.kinesis.sequence import (
    ARRIVAL_SHIFT,
    INDEX_SHIFT,
    parse_sequence_number,
)
from harness.emulator.services.kinesis.shapes import DEFAULT_MAX_RECORD_BYTES
from harness.emulator.services.kinesis.shards import HASH_KEYS, Shard
from harness.emulator.services.kinesis.store import StoreFull
from harness.emulator.services.kinesis.streams import Stream
from harness.emulator.services.kinesis.validation import ends_canonically
from harness.measure.meters import Meters

MAX_REQUEST_BYTES = 10 * 1_048_576
MAX_RECORDS = 500
_MAX_KEY_CHARS = 256


class Throttled(Exception):
    """The shard's write limit is used up."""


class Writes:
    """The operations that write records."""

    def __init__(self, registry: StreamRegistry, meters: Meters) -> None:
        self._registry = registry
        self._meters = meters

    def put_record(self, raw: bytes, context: CallContext, now_s: float) -> bytes:
        """PutRecord. Raises AwsError."""
        body = parse_body(raw)
        payload_bytes = _plain_record_bytes(body) if len(body) == 3 else None
        name = body.get("StreamName")
        if payload_bytes is not None and isinstance(name, str):
            stream = self._registry.streams.get((context.account_id, context.region, name))
            if stream is not None and not stream.in_transition:
                key: str = body["PartitionKey"]
                shard = stream.shards.route(_hash_key(key))
                return self._put(stream, shard, key, body["Data"], payload_bytes, context, now_s)
        return self._put_unusual_record(body, context, now_s)

    def put_records(self, raw: bytes, context: CallContext, now_s: float) -> bytes:
        """PutRecords: each record is accepted or refused by itself. Raises AwsError."""
        body = parse_body(raw)
        sizes = _plain_sizes(body.get("Records"))
        if sizes is None:
            check_input("PutRecords", body)
            sizes = [
                _record_bytes(record, f"records.{i}.member.data")
                for i, record in enumerate(body["Records"], 1)
            ]
        elif len(body) > 2 or not isinstance(body.get("StreamName"), str):
            check_input("PutRecords", body)
        records: list[Mapping[str, str]] = body["Records"]
        name = stream_name(body, context)
        if sum(sizes) > MAX_REQUEST_BYTES:
            raise invalid_argument("Records size exceeds 10 MB limit")
        stream = self._registry.usable(name, context, now_s)
        shards = [_shard_of(stream, record) for record in records]
        self._meters.call(context.trace_id, "kinesis", "PutRecords", stream.name)
        entries: list[str] = []
        failed = 0
        for record, size, shard in zip(records, sizes, shards, strict=True):
            try:
                sequence_number = _write(stream, shard, record["PartitionKey"], record["Data"], size, now_s)
                entries.append(f'{{"SequenceNumber":"{sequence_number}","ShardId":"{shard.id}"}}')
            except (Throttled, StoreFull) as refusal:
                failed += 1
                entries.append(_refused_entry(refusal, stream, shard, context))
        return f'{{"FailedRecordCount":{failed},"Records":[{",".join(entries)}]}}'.encode()

    def _put_unusual_record(self, body: dict[str, Any], context: CallContext, now_s: float) -> bytes:
        check_input("PutRecord", body)
        name = stream_name(body, context)
        payload_bytes = _record_bytes(body, "data")
        stream = self._registry.usable(name, context, now_s)
        shard = _shard_of(stream, body)
        ordering: str | None = body.get("SequenceNumberForOrdering")
        if ordering is not None:
            _check_ordering(ordering, stream, context, now_s)
        return self._put(stream, shard, body["PartitionKey"], body["Data"], payload_bytes, context, now_s)

    def _put(
        self,
        stream: Stream,
        shard: Shard,
        key: str,
        data: str,
        payload_bytes: int,
        context: CallContext,
        now_s: float,
    ) -> bytes:
        if context.trace_id is not None:
            self._meters.call(context.trace_id, "kinesis", "PutRecord", stream.name)
        try:
            sequence_number = _write(stream, shard, key, data, payload_bytes, now_s)
        except Throttled:
            raise throughput_exceeded(shard.id, stream.name, context) from None
        except StoreFull:
            raise internal_failure() from None
        return f'{{"ShardId":"{shard.id}","SequenceNumber":"{sequence_number}"}}'.encode()


def _write(stream: Stream, shard: Shard, key: str, data: str, payload_bytes: int, now_s: float) -> int:
    """Append a record to its shard and meter it; the answer is its sequence number.

    Raises Throttled, StoreFull; nothing is written then."""
    if not (shard.writes.unlimited or shard.writes.admits(now_s, payload_bytes)):
        stream.meters.throttled_records.value += 1
        raise Throttled
    log = shard.log
    arrival_ms = max(int(now_s * 1000), log.last_arrival_ms)  # a clock set back does not disorder a shard
    arrival_s = arrival_ms // 1000
    sequence_number = shard.sequence_base + (log.next_index << INDEX_SHIFT) + (arrival_s << ARRIVAL_SHIFT)
    text = (
        (
            f',{{"SequenceNumber":"{sequence_number}",'
            f'"ApproximateArrivalTimestamp":{arrival_s}.{arrival_ms % 1000:03d},'
            f'"Data":"{data}","PartitionKey":'
        ).encode()
        + orjson.dumps(key)
        + b"}"
    )
    log.append(text, payload_bytes, arrival_ms)
    shard.accepted_records += 1
    shard.accepted_bytes += payload_bytes
    stream.meters.accepted(payload_bytes)
    if stream.arrivals.waiting:
        stream.arrivals.tell()
    return sequence_number


def _plain_record_bytes(record: Mapping[str, Any]) -> int | None:
    """The size of a record's data and partition key when both are there and as the rules want them; None
    sends the input to the rules, which say what is wrong or find that nothing is."""
    try:
        key: str = record["PartitionKey"]
        size = len(binascii.a2b_base64(record["Data"], strict_mode=True)) + len(key.encode())
    except (KeyError, ValueError, TypeError, AttributeError):
        return None
    plain = 0 < len(key) <= _MAX_KEY_CHARS and size <= DEFAULT_MAX_RECORD_BYTES
    return size if plain and ends_canonically(record["Data"]) else None


def _plain_sizes(records: object) -> list[int] | None:
    """The size of each record of PutRecords, when all are plain ones and as many as may be; else None."""
    if not isinstance(records, list) or not 0 < len(records) <= MAX_RECORDS:
        return None
    sizes: list[int] = []
    for record in records:
        size = _plain_record_bytes(record) if isinstance(record, dict) and len(record) == 2 else None
        if size is None:
            return None
        sizes.append(size)
    return sizes


def _hash_key(partition_key: str) -> bytes:
    return hashlib.md5(partition_key.encode(), usedforsecurity=False).digest()


def _shard_of(stream: Stream, record: Mapping[str, str]) -> Shard:
    explicit = record.get("ExplicitHashKey")
    if explicit is None:
        return stream.shards.route(_hash_key(record["PartitionKey"]))
    hash_key = int(explicit)
    if hash_key >= HASH_KEYS:
        raise invalid_argument(
            "Invalid ExplicitHashKey. ExplicitHashKey must be in the range: [0, 2^128-1]. Specified value "
            f"was {explicit}"
        )
    return stream.shards.route(hash_key.to_bytes(16, "big"))


def _record_bytes(record: Mapping[str, str], path: str) -> int:
    """Data and partition key. Raises AwsError ValidationException when they are more than a record may be."""
    data_bytes = len(binascii.a2b_base64(record["Data"]))
    size = data_bytes + len(record["PartitionKey"].encode())
    if size > DEFAULT_MAX_RECORD_BYTES:
        raise AwsError(
            "ValidationException",
            f"1 validation error detected: Value 'java.nio.HeapByteBuffer[pos=0 lim={data_bytes} "
            f"cap={data_bytes}]' at '{path}' failed to satisfy constraint: Member must have length less than "
            f"or equal to {DEFAULT_MAX_RECORD_BYTES}",
        )
    return size


def _check_ordering(text: str, stream: Stream, context: CallContext, now_s: float) -> None:
    """SequenceNumberForOrdering asks for what is always so here: a later record of a shard has a higher
    number. It must be a number that a stream could have given, and not of the future."""
    parsed = parse_sequence_number(text)
    if parsed is None or parsed.arrival_s > now_s:
        raise invalid_argument(
            f"ExclusiveMinimumSequenceNumber {text} used in PutRecord on stream {stream.name} under account "
            f"{context.account_id} is invalid."
        )


def _refused_entry(refusal: Exception, stream: Stream, shard: Shard, context: CallContext) -> str:
    if isinstance(refusal, Throttled):
        code = "ProvisionedThroughputExceededException"
        message = rate_exceeded_message(shard.id, stream.name, context.account_id)
    else:
        code, message = "InternalFailure", INTERNAL_FAILURE_MESSAGE
    return f'{{"ErrorCode":"{code}","ErrorMessage":"{message}"}}'
