"""GetShardIterator and GetRecords.

docs: GetShardIterator, GetRecords API references (read 2026)
"""

from __future__ import annotations

import logging
from typing import Any

import orjson

from harness.emulator.services.base import CallContext
from harness.emulator.services.json_protocol import parse_body
from harness.emulator.services.kinesis.errors import (
    internal_failure,
    invalid_argument,
    shard_does_not_exist,
    shard_not_found,
    throughput_exceeded,
)
from harness.emulator.services.kinesis.inputs import check_input
from harness.emulator.services.kinesis.registry import StreamRegistry, name_in_arn, stream_name
from harness.emulator.services.kinesis.sequence import LAST_INDEX, parse_sequence_number
from harness.emulator.services.kinesis.shards import Shard, parse_shard_id, shard_id
from harness.emulator.services.kinesis.store import Reading
from harness.emulator.services.kinesis.streams import Stream
from harness.emulator.services.kinesis.tokens import Position
from harness.measure.meters import Meters

log = logging.getLogger(__name__)

MAX_RECORDS = 10_000
MAX_ANSWER_BYTES = 10 * 1_048_576
_BY_SEQUENCE_NUMBER = ("AT_SEQUENCE_NUMBER", "AFTER_SEQUENCE_NUMBER")


class Reads:
    """The operations that read records."""

    def __init__(self, registry: StreamRegistry, meters: Meters) -> None:
        self._registry = registry
        self._meters = meters

    def get_shard_iterator(self, body: dict[str, Any], context: CallContext, now_s: float) -> dict[str, str]:
        """GetShardIterator."""
        name = stream_name(body, context)
        number = parse_shard_id(body["ShardId"])
        if number is None:
            raise shard_not_found(body["ShardId"], name, context)
        stream = self._registry.usable(name, context, now_s)
        self._meters.call(context.trace_id, "kinesis", "GetShardIterator", stream.name)
        shard = stream.shards.get(number)
        if shard is None:
            raise shard_does_not_exist(shard_id(number), name, context)
        index = _start_index(body, stream, shard, context, now_s)
        return {"ShardIterator": self._iterator(stream, shard, index, context, now_s)}

    def get_records(self, raw: bytes, context: CallContext, now_s: float) -> bytes:
        """GetRecords. Raises AwsError."""
        body = check_input("GetRecords", parse_body(raw))
        position = self._registry.tokens.read_iterator(body["ShardIterator"], int(now_s * 1000))
        arn = body.get("StreamARN")
        foreign = (position.account_id, position.region) != (context.account_id, context.region)
        if foreign or (arn is not None and name_in_arn(arn, context) != position.stream):
            raise invalid_argument("Invalid ShardIterator.")
        stream, shard = self._find(position, context, now_s)
        self._meters.call(context.trace_id, "kinesis", "GetRecords", stream.name)
        if not shard.reads.admits(now_s):
            raise throughput_exceeded(shard.id, stream.name, context)
        reading = _read(stream, shard, position.record_index, int(body.get("Limit") or MAX_RECORDS), now_s)
        payload_bytes = sum(batch.payload_bytes for batch in reading.batches)
        shard.reads.returned(now_s, payload_bytes)
        stream.meters.read(sum(batch.records for batch in reading.batches), payload_bytes)
        return self._answer(reading, stream, shard, context, now_s)

    def _find(self, position: Position, context: CallContext, now_s: float) -> tuple[Stream, Shard]:
        key = (position.account_id, position.region, position.stream)
        stream = self._registry.streams.get(key)
        if stream is not None and stream.in_transition:
            stream.settle(now_s)
            stream = self._registry.streams.get(key)
        shard = stream.shards.get(position.shard_number) if stream is not None else None
        if stream is None or shard is None or shard.created_ms != position.shard_created_ms:
            raise shard_does_not_exist(shard_id(position.shard_number), position.stream, context)
        return stream, shard

    def _iterator(self, stream: Stream, shard: Shard, index: int, context: CallContext, now_s: float) -> str:
        position = Position(
            context.account_id, context.region, stream.name, shard.number, shard.created_ms, index
        )
        return self._registry.tokens.iterator(position, int(now_s * 1000))

    def _answer(
        self, reading: Reading, stream: Stream, shard: Shard, context: CallContext, now_s: float
    ) -> bytes:
        at_end = not shard.is_open and reading.next_index >= shard.log.next_index
        rest: dict[str, Any] = {
            "NextShardIterator": None
            if at_end
            else self._iterator(stream, shard, reading.next_index, context, now_s),
            "MillisBehindLatest": _millis_behind(reading, now_s),
        }
        if at_end:
            rest["ChildShards"] = [
                {
                    "ShardId": child.id,
                    "ParentShards": list(child.parents),
                    "HashKeyRange": child.hash_key_range(),
                }
                for child in stream.shards.children(shard)
            ]
        records = b",".join(batch.text for batch in reading.batches)
        return b'{"Records":[' + records + b"]," + orjson.dumps(rest)[1:]


def _read(stream: Stream, shard: Shard, index: int, limit: int, now_s: float) -> Reading:
    try:
        shard.log.trim(int(stream.trim_horizon_s(now_s) * 1000))
        return shard.log.read(index, limit, MAX_ANSWER_BYTES)
    except OSError as error:
        log.error("Kinesis cannot read %s of the stream %s: %s.", shard.id, stream.name, error)
        raise internal_failure() from error


def _millis_behind(reading: Reading, now_s: float) -> int:
    """How long the next record has waited; 0 only when there is none."""
    if reading.next_arrival_ms is None:
        return 0
    return max(1, int(now_s * 1000) - reading.next_arrival_ms)


def _start_index(
    body: dict[str, Any], stream: Stream, shard: Shard, context: CallContext, now_s: float
) -> int:
    """The index of the first record that the iterator is to give."""
    iterator_type: str = body["ShardIteratorType"]
    sequence_number: str | None = body.get("StartingSequenceNumber")
    if (iterator_type in _BY_SEQUENCE_NUMBER) != (sequence_number is not None):
        requested = "no" if sequence_number is None else "also a"
        raise invalid_argument(
            "Must either specify (1) AT_SEQUENCE_NUMBER or AFTER_SEQUENCE_NUMBER and StartingSequenceNumber "
            "or (2) TRIM_HORIZON or LATEST and no StartingSequenceNumber. Request specified "
            f"{iterator_type} and {requested} StartingSequenceNumber."
        )
    if sequence_number is not None:
        index = _index_of(sequence_number, stream, shard, context, now_s)
        return min(index + (iterator_type == "AFTER_SEQUENCE_NUMBER"), shard.log.next_index)
    if iterator_type == "AT_TIMESTAMP":
        return _index_at(body.get("Timestamp"), stream, shard, now_s)
    if body.get("Timestamp") is not None:
        raise invalid_argument(f"Timestamp must not be given for the iterator type {iterator_type}.")
    return shard.log.next_index if iterator_type == "LATEST" else 0


def _index_of(text: str, stream: Stream, shard: Shard, context: CallContext, now_s: float) -> int:
    parsed = parse_sequence_number(text)
    where = (
        f"StartingSequenceNumber {text} used in GetShardIterator on shard {shard.id} in stream {stream.name} "
        f"under account {context.account_id} is invalid"
    )
    if parsed is None or parsed.arrival_s > max(now_s, shard.closed_at_s or 0):
        raise invalid_argument(f"{where}.")
    if parsed.shard_number != shard.number:
        raise invalid_argument(
            f"Invalid StartingSequenceNumber. It encodes {shard_id(parsed.shard_number)}, while it was "
            f"used in a call to a shard with {shard.id}"
        )
    known = parsed.record_index < shard.log.next_index or (
        parsed.record_index == LAST_INDEX and not shard.is_open
    )
    if parsed.shard_created_s != int(shard.created_at_s) or not known:
        raise invalid_argument(f"{where} because it did not come from this stream.")
    return parsed.record_index


def _index_at(timestamp: float | None, stream: Stream, shard: Shard, now_s: float) -> int:
    if timestamp is None:
        raise invalid_argument("Must specify timestampInMillis parameter for iterator of type AT_TIMESTAMP.")
    at_ms, now_ms = int(timestamp * 1000), int(now_s * 1000)
    if at_ms > now_ms:
        raise invalid_argument(
            "The timestampInMillis parameter cannot be greater than the currentTimestampInMillis. "
            f"timestampInMillis: {at_ms}, currentTimestampInMillis: {now_ms}"
        )
    try:
        return shard.log.index_at(at_ms)
    except OSError as error:
        log.error("Kinesis cannot read %s of the stream %s: %s.", shard.id, stream.name, error)
        raise internal_failure() from error
