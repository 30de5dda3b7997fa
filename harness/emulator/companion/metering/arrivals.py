"""What a Kinesis shard of LocalStack accepted, by sequence number, as far as somebody may have it to read."""

from __future__ import annotations

from bisect import bisect_right, insort

MAX_KEPT = 1_000_000
"""Records of one shard that are told apart, where LocalStack takes hours to accept as many. What is older is
only counted, and is behind a mapping all or not at all."""


class ShardArrivals:
    """Records by their sequence numbers, with the time each was accepted, in ms since the epoch. Of two that
    were accepted at once, either may be seen first."""

    def __init__(self, most: int = MAX_KEPT) -> None:
        self._most = most
        self._records: list[tuple[int, int]] = []
        self._older = 0
        self._older_to = -1

    @property
    def last(self) -> int:
        """The highest sequence number, or -1."""
        return self._records[-1][0] if self._records else self._older_to

    def accepted(self, sequence: int, at_ms: int) -> None:
        """A record was accepted."""
        if self._records and sequence < self._records[-1][0]:
            insort(self._records, (sequence, at_ms))
        else:
            self._records.append((sequence, at_ms))
        if len(self._records) > self._most:
            self._fold(len(self._records) // 2)

    def behind(self, done: int) -> int:
        """How many come after the sequence number `done`."""
        older = self._older if done < self._older_to else 0
        return older + len(self._records) - bisect_right(self._records, (done, 1 << 62))

    def at_ms(self, sequence: int) -> int | None:
        """When a record was accepted; None when it is not known."""
        place = bisect_right(self._records, (sequence, -1))
        found = self._records[place] if place < len(self._records) else None
        return found[1] if found is not None and found[0] == sequence else None

    def forget(self, done: int) -> None:
        """Every reader is done with those up to `done`. They are still there for one that begins anew."""
        self._fold(bisect_right(self._records, (done, 1 << 62)))

    def _fold(self, count: int) -> None:
        if count:
            self._older += count
            self._older_to = max(self._older_to, self._records[count - 1][0])
            del self._records[:count]
