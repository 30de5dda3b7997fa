"""Shards: a range of hash keys, an order of records, and a place in a family of shards.

The hash key of a record is the MD5 of its partition key, a number of 128 bits; here it is kept as the 16
bytes of the digest, which sort as the numbers do.
"""

from __future__ import annotations

import logging
import re
from bisect import bisect_right
from typing import Any

from harness.aws.limits.profiles import Limits
from harness.emulator.services.arrivals import Arrivals
from harness.emulator.services.kinesis.sequence import (
    LAST_INDEX,
    format_sequence_number,
    sequence_base,
)
from harness.emulator.services.kinesis.store import SegmentStore, ShardLog
from harness.emulator.services.kinesis.throughput import ShardReadLimit, ShardWriteLimit

log = logging.getLogger(__name__)

HASH_KEYS = 1 << 128
_MAX_SHARD_NUMBER = 2**31 - 1
_SHARD_NUMBER = re.compile(r"(?:.*-)?0*(\d{1,10})", re.DOTALL)


def shard_id(number: int) -> str:
    """`shardId-000000000007`."""
    return f"shardId-{number:012d}"


def parse_shard_id(text: str) -> int | None:
    """The number of a shard id. AWS ignores what stands before its last dash; None when it is no shard id."""
    match = _SHARD_NUMBER.fullmatch(text)
    number = int(match[1]) if match else _MAX_SHARD_NUMBER + 1
    return number if number <= _MAX_SHARD_NUMBER else None


def uniform_starts(count: int) -> list[int]:
    """The first hash keys of `count` shards that share the hash keys evenly."""
    return [HASH_KEYS // count * i for i in range(count)]


class Shard:
    """One shard. Its first and last hash key are its own; times are seconds since the epoch."""

    __slots__ = (
        "accepted_bytes",
        "accepted_records",
        "closed_at_s",
        "created_at_s",
        "created_ms",
        "ending_hash_key",
        "id",
        "log",
        "number",
        "parents",
        "reads",
        "sequence_base",
        "starting_hash_key",
        "writes",
    )

    def __init__(
        self,
        number: int,
        hash_keys: tuple[int, int],
        parents: tuple[Shard, ...],
        created_at_s: float,
        store: SegmentStore,
        limits: Limits,
    ) -> None:
        self.number = number
        self.id = shard_id(number)
        self.starting_hash_key, self.ending_hash_key = hash_keys
        self.parents = tuple(parent.id for parent in parents)
        self.created_at_s = created_at_s
        self.created_ms = int(created_at_s * 1000)
        self.closed_at_s: float | None = None
        self.sequence_base = sequence_base(number, int(created_at_s))
        self.log = ShardLog(store)
        self.writes = ShardWriteLimit(limits, created_at_s)
        self.reads = ShardReadLimit(limits, created_at_s)
        self.accepted_bytes = 0
        self.accepted_records = 0

    @property
    def is_open(self) -> bool:
        """Whether records are still written to it."""
        return self.closed_at_s is None

    def hash_key_range(self) -> dict[str, str]:
        """HashKeyRange, as the API gives it."""
        return {
            "StartingHashKey": str(self.starting_hash_key),
            "EndingHashKey": str(self.ending_hash_key),
        }

    def describe(self) -> dict[str, Any]:
        """Shard, as the API gives it."""
        sequence_numbers = {
            "StartingSequenceNumber": format_sequence_number(self.sequence_base, 0, int(self.created_at_s))
        }
        if self.closed_at_s is not None:
            ending = format_sequence_number(self.sequence_base, LAST_INDEX, int(self.closed_at_s))
            sequence_numbers["EndingSequenceNumber"] = ending
        return {
            "ShardId": self.id,
            **dict(zip(("ParentShardId", "AdjacentParentShardId"), self.parents, strict=False)),
            "HashKeyRange": self.hash_key_range(),
            "SequenceNumberRange": sequence_numbers,
        }


class ShardMap:
    """All shards of a stream. The open ones always partition the hash keys."""

    def __init__(self, store: SegmentStore, limits: Limits, arrivals: Arrivals) -> None:
        self.changes = 0
        """How often shards came, closed or went."""
        self._arrivals = arrivals
        self._store = store
        self._limits = limits
        self._shards: dict[int, Shard] = {}
        self._next_number = 0
        self._open: list[Shard] = []
        self._open_starts: list[bytes] = []

    def create_uniform(self, count: int, now_s: float) -> None:
        """The first shards of a stream."""
        starts = uniform_starts(count)
        for start, following in zip(starts, [*starts[1:], HASH_KEYS], strict=True):
            self._add((start, following - 1), (), now_s)
        self._index_open()

    def all(self) -> list[Shard]:
        """Every shard that still has a place in the stream, oldest first."""
        return list(self._shards.values())

    @property
    def open(self) -> list[Shard]:
        """The open shards, by hash key."""
        return self._open

    def get(self, number: int) -> Shard | None:
        """The shard of that number, open or closed."""
        return self._shards.get(number)

    def route(self, hash_key: bytes) -> Shard:
        """The open shard that takes records of that hash key (16 bytes)."""
        return self._open[bisect_right(self._open_starts, hash_key) - 1]

    def children(self, parent: Shard) -> list[Shard]:
        """The shards that a closed one was split or merged into."""
        return [shard for shard in self._shards.values() if parent.id in shard.parents]

    def split(self, shard: Shard, new_start: int, now_s: float) -> None:
        """Close an open shard; two new ones share its hash keys, the second from `new_start` on."""
        low, high = shard.starting_hash_key, shard.ending_hash_key
        shard.closed_at_s = now_s
        self._add((low, new_start - 1), (shard,), now_s)
        self._add((new_start, high), (shard,), now_s)
        self._index_open()

    def merge(self, lower: Shard, upper: Shard, now_s: float) -> None:
        """Close two adjacent open shards; a new one takes the hash keys of both."""
        lower.closed_at_s = upper.closed_at_s = now_s
        self._add((lower.starting_hash_key, upper.ending_hash_key), (lower, upper), now_s)
        self._index_open()

    def scale_to(self, count: int, now_s: float) -> None:
        """Split and merge until `count` open shards share the hash keys evenly."""
        starts = uniform_starts(count)
        for start in starts:
            shard = self.route(start.to_bytes(16, "big"))
            if shard.starting_hash_key != start:
                self.split(shard, start, now_s)
        for start, following in zip(starts, [*starts[1:], HASH_KEYS], strict=True):
            while (first := self.route(start.to_bytes(16, "big"))).ending_hash_key < following - 1:
                upper = self.route((first.ending_hash_key + 1).to_bytes(16, "big"))
                self.merge(first, upper, now_s)

    def expire(self, before_s: float) -> None:
        """Trim records that arrived before that time, and forget closed shards that hold nothing any more."""
        before_ms = int(before_s * 1000)
        for shard in self.all():
            try:
                shard.log.trim(before_ms)
            except OSError as error:  # its first segment is lost; it goes when all of it has expired
                log.error("Kinesis cannot trim %s: %s.", shard.id, error)
            if shard.closed_at_s is not None and shard.closed_at_s < before_s:
                shard.log.drop()
                del self._shards[shard.number]
                self._changed()

    def drop(self) -> None:
        """Forget all records."""
        for shard in self._shards.values():
            shard.log.drop()
        self._changed()

    def _add(self, hash_keys: tuple[int, int], parents: tuple[Shard, ...], now_s: float) -> None:
        number = self._next_number
        self._next_number += 1
        self._shards[number] = Shard(number, hash_keys, parents, now_s, self._store, self._limits)

    def _index_open(self) -> None:
        self._open = sorted(
            (shard for shard in self._shards.values() if shard.is_open),
            key=lambda shard: shard.starting_hash_key,
        )
        self._open_starts = [shard.starting_hash_key.to_bytes(16, "big") for shard in self._open]
        self._changed()

    def _changed(self) -> None:
        self.changes += 1
        self._arrivals.tell()
