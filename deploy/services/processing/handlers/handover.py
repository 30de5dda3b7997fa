"""Useful locations, on their way to the archiver: packed by hour, under the limits of an asynchronous Invoke.

A hand-over is `{"key": "date=…/hour=…/<batch>-<n>.ndjson.gz", "partition": "date=…/hour=…",
"processed_at": ms, "events": [[event_id, received_at, flags], …], "body": base64 of gzip NDJSON}`.

It is kept under 240 KB: an event of up to 256 KB is billed as one asynchronous request, and the message
of the on-failure destination, which carries it, must fit into SQS as well.
"""

from __future__ import annotations

import gzip
import json
from base64 import b64encode
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from .audit import SUPERSEDED
from .contract import Fix, Message
from .live_state import context

MAX_NDJSON_BYTES = 150_000
"""Before compression: base64 of it stays under 200 KB even where nothing compresses."""
MAX_EVENTS = 800
MAX_PAYLOAD_BYTES = 240_000

_AS_SENT = (
    "recorded_at", "lat", "lon", "accuracy", "speed", "bearing", "altitude", "activity", "battery",
    "permissions", "sdk_version",
)  # fmt: skip


class Handover:
    """The useful locations of one batch."""

    def __init__(self) -> None:
        self._by_partition: dict[str, list[tuple[list[Any], bytes]]] = {}

    def add(self, message: Message, fix: Fix, superseded: bool) -> None:
        """Add a location that is to be archived."""
        row = {
            "event_id": message.event_id,
            "account_id": message.account_id,
            "device_id": message.device_id,
            "received_at": message.received_at_ms,
            "context": context(message, fix),
        }
        event = message.event
        for name in _AS_SENT:
            value = event.get(name)
            if value is not None:
                row[name] = value
        if superseded:
            row["superseded"] = True
        entry = [message.event_id, message.received_at_ms, SUPERSEDED if superseded else 0]
        line = json.dumps(row, separators=(",", ":")).encode()
        self._by_partition.setdefault(partition_of(message.received_at_ms), []).append((entry, line))

    def payloads(self, batch: str, processed_at_ms: int) -> Iterator[bytes]:
        """The events to invoke the archiver with; the same for the same batch."""
        for partition, rows in self._by_partition.items():
            for number, chunk in enumerate(_chunks(rows)):
                body = gzip.compress(
                    b"\n".join([line for _, line in chunk]) + b"\n", compresslevel=1, mtime=0
                )
                payload = {
                    "key": f"{partition}/{batch}-{number}.ndjson.gz",
                    "partition": partition,
                    "processed_at": processed_at_ms,
                    "events": [entry for entry, _ in chunk],
                    "body": b64encode(body).decode(),
                }
                yield json.dumps(payload, separators=(",", ":")).encode()


def partition_of(received_at_ms: int) -> str:
    """Where the archive keeps what was received then (UTC)."""
    return datetime.fromtimestamp(received_at_ms / 1000, UTC).strftime("date=%Y-%m-%d/hour=%H")


def _chunks(rows: list[tuple[list[Any], bytes]]) -> Iterator[list[tuple[list[Any], bytes]]]:
    chunk: list[tuple[list[Any], bytes]] = []
    size = 0
    for row in rows:
        if chunk and (size + len(row[1]) > MAX_NDJSON_BYTES or len(chunk) >= MAX_EVENTS):
            yield chunk
            chunk, size = [], 0
        chunk.append(row)
        size += len(row[1]) + 1
    if chunk:
        yield chunk
