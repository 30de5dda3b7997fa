"""Useful locations, on their way to the archiver: packed by hour, under the limits of an asynchronous Invoke.

A hand-over is `{"key": "date=…/hour=…/<first>-<last>-<batch>-<n>.ndjson.gz", "partition": "date=…/hour=…",
"processed_at": ms, "events": [[event_id, received_at, flags], …], "body": base64 of gzip NDJSON}`.

`first` and `last` are the earliest and the latest time of receipt in it, in ms, so that a reader of some
minutes need not open the whole hour.

It is kept under 240 KB: an event of up to 256 KB is billed as one asynchronous request, and the message
of the on-failure destination, which carries it, must fit into SQS as well.
"""

from __future__ import annotations

import gzip
import json
from base64 import b64encode
from collections.abc import Iterator
from datetime import UTC, datetime

from .audit import SUPERSEDED
from .contract import Fix, Message
from .live_state import context

MAX_PAYLOAD_BYTES = 240_000

_AS_SENT = (
    "recorded_at", "lat", "lon", "accuracy", "speed", "bearing", "altitude", "activity", "battery",
    "permissions", "sdk_version",
)  # fmt: skip
_REST_BYTES = 1000  # of a payload: the key, the partition, the punctuation

_Entry = tuple[str, int, int]
_Row = tuple[_Entry, bytes]


class Handover:
    """The useful locations of one batch."""

    def __init__(self) -> None:
        self._by_partition: dict[str, list[_Row]] = {}

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
        entry = (message.event_id, message.received_at_ms, SUPERSEDED if superseded else 0)
        line = json.dumps(row, separators=(",", ":")).encode()
        self._by_partition.setdefault(partition_of(message.received_at_ms), []).append((entry, line))

    def payloads(self, batch: str, processed_at_ms: int) -> list[bytes]:
        """The events to invoke the archiver with; the same for the same batch."""
        payloads: list[bytes] = []
        for partition, rows in self._by_partition.items():
            for number, chunk in enumerate(_chunks(rows)):
                body, events = chunk
                received = [entry[1] for entry in events]
                times = f"{min(received)}-{max(received)}"
                payload = {
                    "key": f"{partition}/{times}-{batch}-{number}.ndjson.gz",
                    "partition": partition,
                    "processed_at": processed_at_ms,
                    "events": events,
                    "body": body,
                }
                payloads.append(json.dumps(payload, separators=(",", ":")).encode())
        return payloads


def partition_of(received_at_ms: int) -> str:
    """Where the archive keeps what was received then (UTC)."""
    return datetime.fromtimestamp(received_at_ms / 1000, UTC).strftime("date=%Y-%m-%d/hour=%H")


def _chunks(rows: list[_Row]) -> Iterator[tuple[str, list[_Entry]]]:
    """(body, entries) of all rows, or of halves of them where all are too much for one payload."""
    body = b64encode(gzip.compress(b"\n".join([line for _, line in rows]) + b"\n", 1, mtime=0)).decode()
    entries = [entry for entry, _ in rows]
    if len(rows) > 1 and len(body) + len(json.dumps(entries)) + _REST_BYTES > MAX_PAYLOAD_BYTES:
        half = len(rows) // 2
        yield from _chunks(rows[:half])
        yield from _chunks(rows[half:])
    else:
        yield body, entries
