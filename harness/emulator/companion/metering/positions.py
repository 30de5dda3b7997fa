"""How far LocalStack's pollers have come in the shards of a stream, told from the requests they make.

A poller of LocalStack reads a shard, hands what it read to the function, tries again what failed until it is
done or given up, and only then reads the shard again. So a read of a shard says that what was read before it
is over. With a batching window a read is put by until the window has passed since the last batch; the first
read after that hands it over, and the one after that says that it is over.

An *iterator* stands for a place in a shard. What comes before the place of the oldest read that is not over
is behind the mapping; the rest is its backlog.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Generic, NamedTuple, TypeVar

from harness.emulator.companion.metering.rows import CallRow

MAX_ITERATORS = 10_000
Place = TypeVar("Place")


class ShardKey(NamedTuple):
    """A shard of a stream: `stream` is a Kinesis stream's name or a table stream's ARN."""

    stream: str
    shard: str


class Iterators:
    """Which shard an iterator is of. The least recently used are forgotten."""

    def __init__(self, most: int = MAX_ITERATORS) -> None:
        self._most = most
        self._known: OrderedDict[str, ShardKey] = OrderedDict()

    def give(self, iterator: str, shard: ShardKey) -> None:
        """`iterator` was given out."""
        self._known[iterator] = shard
        self._known.move_to_end(iterator)
        if len(self._known) > self._most:
            self._known.popitem(last=False)

    def shard_of(self, iterator: str) -> ShardKey | None:
        """The shard, or None when the iterator was never seen."""
        found = self._known.get(iterator)
        if found is not None:
            self._known.move_to_end(iterator)
        return found

    def follow(self, row: CallRow) -> None:
        """Learn from a call of Kinesis or DynamoDB Streams, before anybody asks about it."""
        detail = row.detail
        if row.status >= 300:
            return
        if row.operation == "GetShardIterator":
            self.give(detail["iterator"], ShardKey(detail["stream"] or row.resource, detail["shard"]))
        elif row.operation == "GetRecords" and detail["next"]:
            shard = self.shard_of(detail["iterator"])
            if shard is not None:
                self.give(detail["next"], shard)

    def clear(self) -> None:
        """Forget all."""
        self._known.clear()


@dataclass(slots=True)
class _Read(Generic[Place]):
    at_ms: int
    after: Place
    """The place after what was read."""
    last_at_ms: float | None
    """When the last record that was read arrived."""


@dataclass(slots=True)
class Reader(Generic[Place]):
    """A mapping in one shard. `done` is the place before which everything is over."""

    done: Place
    window_ms: float = 0.0
    _reads: list[_Read[Place]] = field(default_factory=list)
    _last_poll_ms: int | None = None
    _age_ms: float = 0.0
    _age_at_ms: int = 0

    def restarted(self, place: Place) -> None:
        """It begins at `place`."""
        self.done = place
        self._reads.clear()

    def polled(self, at_ms: int, after: Place | None, last_at_ms: float | None = None) -> None:
        """A read was answered, with records before the place `after`; None when there were none."""
        if self._last_poll_ms is not None:
            while self._reads and self._last_poll_ms >= self._reads[0].at_ms + self.window_ms:
                self.done = self._reads.pop(0).after
        self._last_poll_ms = at_ms
        if after is not None:
            self._reads.append(_Read(at_ms, after, last_at_ms))
            if last_at_ms is not None:
                self._age_ms, self._age_at_ms = max(0.0, at_ms - last_at_ms), at_ms

    def age_ms(self, now_ms: float, shown_ms: float) -> float:
        """The age of the last record of the last batch when it was read; while the batch is not over, the age
        that its last record has by now; 0 when nothing was read for `shown_ms`."""
        if self._reads:
            arrived_ms = self._reads[0].last_at_ms
            return self._age_ms if arrived_ms is None else max(self._age_ms, now_ms - arrived_ms)
        return self._age_ms if now_ms < self._age_at_ms + shown_ms else 0.0
