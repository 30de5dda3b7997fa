"""LaunchdayStreamPosition: how far a reader is behind a stream. Not AWS's: MillisBehindLatest is a time, and
whether a pipeline is drained is a matter of records."""

from __future__ import annotations

from collections.abc import Mapping

import orjson

from harness.emulator.services.base import CallContext
from harness.emulator.services.json_protocol import parse_body
from harness.emulator.services.kinesis.errors import invalid_argument
from harness.emulator.services.kinesis.registry import StreamRegistry, name_in_arn
from harness.emulator.services.kinesis.streams import Stream
from harness.emulator.services.kinesis.tokens import Tokens
from harness.measure.meters import Meters

_EVER_MS = 0
"""Iterators are read as of this time, at which none has expired: a position stays one."""


class StreamPositions:
    """The operation."""

    def __init__(self, registry: StreamRegistry, meters: Meters) -> None:
        self._registry = registry
        self._meters = meters

    def stream_position(self, raw: bytes, context: CallContext, now_s: float) -> bytes:
        """`{"StreamARN", "ShardIterators": {shard id: iterator}}` to `{"RecordsBehind": {shard id: n},
        "AcceptedRecords": n}`, all at one moment. A shard without an iterator counts with all it retains.
        `AcceptedRecords` is the stream's meter `put_records`. Raises AwsError."""
        body = parse_body(raw)
        if not isinstance(body.get("StreamARN"), str) or not isinstance(body.get("ShardIterators"), dict):
            raise invalid_argument("StreamARN (a string) and ShardIterators (an object) must be given.")
        stream = self._registry.usable(name_in_arn(body["StreamARN"], context), context, now_s)
        answer = {
            "RecordsBehind": _records_behind(stream, body["ShardIterators"], self._registry.tokens),
            "AcceptedRecords": int(self._meters.counter("kinesis", stream.name, "put_records").value),
        }
        return orjson.dumps(answer)


def _records_behind(stream: Stream, iterators: Mapping[str, str], tokens: Tokens) -> dict[str, int]:
    behind = {}
    for shard in stream.shards.all():
        iterator = iterators.get(shard.id)
        start = shard.log.first_index
        if iterator is not None:
            position = tokens.read_iterator(iterator, _EVER_MS)
            if position.shard_created_ms == shard.created_ms:
                start = max(start, position.record_index)
        behind[shard.id] = shard.log.next_index - start
    return behind
