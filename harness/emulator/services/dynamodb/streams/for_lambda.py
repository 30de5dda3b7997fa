"""What Lambda's pollers ask of a stream, across the border of two processes. Neither operation is AWS's.

On AWS pollers ask each shard four times a second, and are not billed for it. Here an answer waits until there
is something to say, and says when each change was to the millisecond: the API's own times are whole seconds,
and an iterator age of less than one could not be seen.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from harness.emulator.services.arrivals import MAX_WAIT_S
from harness.emulator.services.dynamodb.errors import invalid
from harness.emulator.services.dynamodb.request import Request, text, whole_number
from harness.emulator.services.dynamodb.streams.capture import TableStream
from harness.emulator.services.dynamodb.streams.iterators import Iterators, show_sequence, trimmed
from harness.emulator.services.dynamodb.streams.records import MAX_RECORDS, keys_of, read_page, render
from harness.emulator.services.dynamodb.tables import SERVICE, Tables
from harness.emulator.services.json_protocol import parse_body

POSITION = "LaunchdayStreamPosition"
READ = "LaunchdayStreamRead"


class LambdaReads:
    """The operations, by name in `answer`."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self._iterators = Iterators(tables)

    async def answer(self, operation: str, body: bytes) -> bytes:
        """Answer POSITION or READ. Raises AwsError."""
        request = parse_body(body)
        return await self._position(request) if operation == POSITION else self._read(request)

    async def _position(self, request: Request) -> bytes:
        """`{"StreamArn", "ShardIterators": {shard id: iterator}, "After": mark, "WaitSeconds": s}` to
        `{"RecordsBehind": {shard id: n}, "AcceptedRecords": n, "ClosedShards": [shard id], "Created": id,
        "Mark": mark}`, all at one moment.

        With `After`, the mark of an earlier answer, it is answered when the mark is another one, or after
        `WaitSeconds` at the latest: at every change of the table, and when the stream is disabled. A shard
        without an iterator counts with all it retains."""
        stream = self._iterators.stream(text(request, "StreamArn"))
        after, wait_s = text(request, "After"), request.get("WaitSeconds") or 0.0
        iterators = request.get("ShardIterators")
        if not isinstance(iterators, dict) or not all(isinstance(each, str) for each in iterators.values()):
            raise invalid("ShardIterators must be an object of strings.")
        if not isinstance(wait_s, int | float):
            raise invalid("WaitSeconds must be a number.")
        if after is not None and wait_s > 0:
            await stream.arrivals.wait_while(lambda: after == _mark(stream), min(wait_s, MAX_WAIT_S))
        self._tables.changes.trim(self._tables.clock())
        return orjson.dumps(
            {
                "RecordsBehind": self._records_behind(stream, iterators),
                "AcceptedRecords": stream.captured,
                "ClosedShards": [each.shard_id for each in stream.shards if each.last_sequence is not None],
                "Created": stream.label,
                "Mark": _mark(stream),
            }
        )

    def _records_behind(self, stream: TableStream, iterators: Mapping[str, str]) -> dict[str, int]:
        behind = {}
        for shard in stream.shards:
            iterator = iterators.get(shard.shard_id)
            sequence = 0 if iterator is None else self._iterators.position(iterator, expired_too=True)[2]
            behind[shard.shard_id] = shard.count_from(sequence)
        return behind

    def _read(self, request: Request) -> bytes:
        """`{"ShardIterator", "Limit"}` to `{"Records": [[sequence number, keys, seconds since the epoch,
        record as GetRecords answers it]], "NextShardIterator": iterator, "RecordsBehind": n}`. Limits are
        those of GetRecords; so are the errors."""
        limit = whole_number(request, "Limit", at_least=1, at_most=MAX_RECORDS) or MAX_RECORDS
        stream, shard, sequence = self._iterators.position(text(request, "ShardIterator"))
        self._tables.meters.counter(SERVICE, stream.table_name, "stream_reads").value += 1
        self._tables.changes.trim(self._tables.clock())
        if sequence < shard.trimmed_before:
            raise trimmed()
        found = read_page(shard, sequence, limit)
        if found:
            sequence = found[-1].sequence + 1
        behind = shard.count_from(sequence)
        answer: dict[str, Any] = {
            "Records": [
                [show_sequence(each.sequence), keys_of(stream, each), each.at_s, render(stream, each)]
                for each in found
            ],
            "RecordsBehind": behind,
        }
        if shard.last_sequence is None or behind:
            answer["NextShardIterator"] = self._iterators.at(stream, shard, sequence)
        return orjson.dumps(answer)


def _mark(stream: TableStream) -> str:
    return f"{stream.captured}:{stream.status}"
