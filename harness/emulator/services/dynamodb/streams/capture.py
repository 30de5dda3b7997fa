"""Changes of tables, kept for 24 hours or until a byte budget is spent, oldest out first.

A record refers to the item's bytes as the table holds them and is rendered only when somebody reads it. Until
the item changes again a new image costs no memory of its own; the budget counts it all the same.

docs: DynamoDB Developer Guide, Change data capture for DynamoDB Streams: 24 hours, one record a change, in
order for each item, none for a write that changes nothing (read 2026-11). AWS rolls shards over every few
hours; here the shards of a stream stay open as long as the stream is.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from dataclasses import dataclass, field
from typing import NamedTuple

from harness.emulator.services.arrivals import Arrivals
from harness.emulator.services.dynamodb.items import BUCKETS
from harness.emulator.services.dynamodb.keys import KeySchema

RETENTION_S = 24 * 3600.0
BUDGET_BYTES = 256 * 1024 * 1024
RECORD_OVERHEAD_BYTES = 200
VIEW_TYPES = ("NEW_IMAGE", "OLD_IMAGE", "NEW_AND_OLD_IMAGES", "KEYS_ONLY")
_COMPACT_AT = 1024


class Record(NamedTuple):
    """One change: the item as it was held before and after; None where there was none."""

    sequence: int
    at_s: float
    old: bytes | None
    new: bytes | None
    expired: bool
    """Whether Time to Live removed the item."""

    @property
    def size_bytes(self) -> int:
        """What the record counts against the budget."""
        return len(self.old or b"") + len(self.new or b"") + RECORD_OVERHEAD_BYTES


class Shard:
    """The records of one part of a table's key ranges, in order."""

    def __init__(self, shard_id: str, first_sequence: int) -> None:
        self.shard_id = shard_id
        self.first_sequence = first_sequence
        self.last_sequence: int | None = None
        """Set when the shard is closed."""
        self.trimmed_before = first_sequence
        """Records below this sequence number are gone."""
        self.trimmed_early = 0
        """Records that AWS would still have had: let go of because the budget was spent."""
        self._records: list[Record] = []
        self._first = 0

    def append(self, record: Record) -> None:
        """Add the newest record."""
        self._records.append(record)

    def oldest(self) -> Record:
        """The oldest record that is kept. Raises IndexError when there is none."""
        return self._records[self._first]

    def drop_oldest(self) -> Record:
        """Let go of the oldest record; returns it."""
        dropped = self._records[self._first]
        self._first += 1
        self.trimmed_before = dropped.sequence + 1
        if self._first >= _COMPACT_AT and self._first * 2 >= len(self._records):
            del self._records[: self._first]
            self._first = 0
        return dropped

    def count_from(self, sequence: int) -> int:
        """How many records are kept from `sequence` on."""
        return len(self._records) - self._index(sequence)

    def read(self, sequence: int, limit: int) -> list[Record]:
        """Up to `limit` records from `sequence` on."""
        at = self._index(sequence)
        return self._records[at : at + limit]

    def _index(self, sequence: int) -> int:
        if not self._records or sequence > self._records[-1].sequence:
            return len(self._records)
        return bisect_left(self._records, sequence, lo=self._first, key=lambda record: record.sequence)


@dataclass(slots=True)
class TableStream:
    """The stream of one table, from when it was enabled."""

    arn: str
    label: str
    table_name: str
    view_type: str
    keys: KeySchema
    region: str
    created_s: float
    shards: list[Shard]
    closed_s: float | None = None
    captured: int = 0
    """How many changes it ever took."""
    arrivals: Arrivals = field(default_factory=Arrivals)

    @property
    def status(self) -> str:
        """ENABLED or DISABLED; a disabled stream can be read until its records are gone."""
        return "ENABLED" if self.closed_s is None else "DISABLED"

    @property
    def trimmed_early(self) -> int:
        """How many records were let go of before AWS would have."""
        return sum(shard.trimmed_early for shard in self.shards)

    def shard_of(self, key_range: int) -> Shard:
        """The shard that holds the changes of a key range."""
        return self.shards[key_range * len(self.shards) // BUCKETS]


@dataclass(slots=True)
class CapturedChanges:
    """The streams of all tables, under one budget."""

    budget_bytes: int = BUDGET_BYTES
    streams: dict[str, TableStream] = field(default_factory=dict)
    """By ARN."""
    held_bytes: int = 0
    next_sequence: int = 1
    _order: deque[Shard] = field(default_factory=deque)
    """A shard for each record, oldest first: whose oldest record is the next to go."""

    def open(self, stream: TableStream) -> None:
        """Begin to keep a stream."""
        self.streams[stream.arn] = stream

    def close(self, stream: TableStream, now_s: float) -> None:
        """Take no more records for a stream; what it holds stays readable for 24 hours."""
        stream.closed_s = now_s
        for shard in stream.shards:
            shard.last_sequence = self.next_sequence - 1
        stream.arrivals.tell()

    def capture(
        self,
        stream: TableStream,
        key_range: int,
        old: bytes | None,
        new: bytes | None,
        now_s: float,
        *,
        expired: bool = False,
    ) -> None:
        """Keep a change."""
        record = Record(self.next_sequence, now_s, old, new, expired)
        self.next_sequence += 1
        shard = stream.shard_of(key_range)
        shard.append(record)
        stream.captured += 1
        if stream.arrivals.waiting:
            stream.arrivals.tell()
        self._order.append(shard)
        self.held_bytes += record.size_bytes
        if self.held_bytes > self.budget_bytes or len(self._order) % _COMPACT_AT == 0:
            self.trim(now_s)

    def trim(self, now_s: float) -> None:
        """Let go of what is older than 24 hours, and of the oldest while the budget is overspent."""
        horizon_s = now_s - RETENTION_S
        while self._order:
            shard = self._order[0]
            too_old = shard.oldest().at_s <= horizon_s
            if not too_old and self.held_bytes <= self.budget_bytes:
                break
            self._order.popleft()
            self.held_bytes -= shard.drop_oldest().size_bytes
            shard.trimmed_early += not too_old
        for arn in [
            arn for arn, s in self.streams.items() if s.closed_s is not None and s.closed_s <= horizon_s
        ]:
            del self.streams[arn]
