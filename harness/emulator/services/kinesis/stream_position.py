"""LaunchdayStreamPosition: how far a reader is behind a stream, asked now or when that has changed.

Not AWS's: MillisBehindLatest is a time, and whether a pipeline is drained is a matter of records. And AWS's
pollers ask every shard all the time, which on one machine is work that keeps nothing going.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import orjson

from harness.emulator.services.arrivals import MAX_WAIT_S
from harness.emulator.services.base import CallContext
from harness.emulator.services.json_protocol import parse_body
from harness.emulator.services.kinesis.errors import invalid_argument
from harness.emulator.services.kinesis.registry import StreamRegistry, name_in_arn
from harness.emulator.services.kinesis.streams import Stream
from harness.emulator.services.kinesis.tokens import Tokens
from harness.measure.meters import Meters

OPERATION = "LaunchdayStreamPosition"
_EVER_MS = 0
"""Iterators are read as of this time, at which none has expired: a position stays one."""


class StreamPositions:
    """The operation."""

    def __init__(self, registry: StreamRegistry, meters: Meters) -> None:
        self._registry = registry
        self._meters = meters

    async def stream_position(self, raw: bytes, context: CallContext, clock: Callable[[], float]) -> bytes:
        """`{"StreamARN", "ShardIterators": {shard id: iterator}, "After": mark, "WaitSeconds": s}` to
        `{"RecordsBehind": {shard id: n}, "AcceptedRecords": n, "ClosedShards": [shard id], "Created": id,
        "Mark": mark}`, all at one moment.

        With `After`, the mark of an earlier answer, it is answered when the mark is another one, or after
        `WaitSeconds` at the latest: at every record, and when shards come, close or go. A shard without an
        iterator counts with all it retains. `AcceptedRecords` is the stream's meter `put_records`. `Created`
        differs for a stream made anew under the name. Raises AwsError."""
        body = parse_body(raw)
        arn, iterators = body.get("StreamARN"), body.get("ShardIterators")
        if not isinstance(arn, str) or arn.count(":") < 5 or not isinstance(iterators, dict):
            raise invalid_argument("StreamARN (an ARN) and ShardIterators (an object) must be given.")
        if not all(isinstance(each, str) for each in iterators.values()):
            raise invalid_argument("ShardIterators must be strings.")
        name = name_in_arn(arn, context)
        stream = self._registry.usable(name, context, clock())
        after, wait_s = body.get("After"), body.get("WaitSeconds") or 0.0
        if not isinstance(wait_s, int | float):
            raise invalid_argument("WaitSeconds must be a number.")
        if after is not None and wait_s > 0:
            await stream.arrivals.wait_while(lambda: after == self._mark(stream), min(wait_s, MAX_WAIT_S))
            stream = self._registry.usable(name, context, clock())
        return orjson.dumps(self._position(stream, iterators))

    def _position(self, stream: Stream, iterators: Mapping[str, str]) -> dict[str, Any]:
        return {
            "RecordsBehind": _records_behind(stream, iterators, self._registry.tokens),
            "AcceptedRecords": self._accepted(stream),
            "ClosedShards": [shard.id for shard in stream.shards.all() if not shard.is_open],
            "Created": f"{stream.created_at_s:.6f}",
            "Mark": self._mark(stream),
        }

    def _accepted(self, stream: Stream) -> int:
        return int(self._meters.counter("kinesis", stream.name, "put_records").value)

    def _mark(self, stream: Stream) -> str:
        return f"{stream.created_at_s:.6f}:{self._accepted(stream)}:{stream.shards.changes}:{stream.status}"


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
