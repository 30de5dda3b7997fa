"""Where a shard's records live: newest in memory, older ones in files, the expired gone.

All streams share one memory budget. When it is used up, the oldest segment of all, whoever owns it, moves
into a file. When that fails (a full disk), records are refused until it works again: what was accepted
stays, in its order.
"""

from __future__ import annotations

import logging
import shutil
from bisect import bisect_right
from collections import deque
from operator import attrgetter
from pathlib import Path
from typing import NamedTuple

from harness.emulator.services.kinesis.segments import Batch, Segment

log = logging.getLogger(__name__)

MEMORY_BUDGET_BYTES = 64 * 1024 * 1024
SEGMENT_BYTES = 512 * 1024
"""A segment this long takes no more records. Writing it to the page cache takes about 0.2 ms."""
_RETRY_SPILL_AFTER_MS = 1_000
_SWEPT_AT_ONCE = 100  # about 1 ms


class StoreFull(Exception):
    """The memory budget is used up and the disk takes nothing."""


class SegmentStore:
    """The memory budget of all shards, and the folder that segments spill to."""

    def __init__(self, folder: Path, budget_bytes: int = MEMORY_BUDGET_BYTES) -> None:
        self._folder = folder
        self._budget_bytes = budget_bytes
        self._resident: deque[Segment] = deque()
        self._resident_bytes = 0
        self._forgotten: deque[Path] = deque()
        self._files = 0
        self._failing_since_ms: int | None = None
        self._retry_at_ms = 0

    @property
    def resident_bytes(self) -> int:
        """What the segments in memory take."""
        return self._resident_bytes

    def admit(self, extra_bytes: int, now_ms: int) -> None:
        """Make room for `extra_bytes` more. Raises StoreFull when there is none to be had."""
        if self._resident_bytes + extra_bytes > self._budget_bytes:
            self._make_room(extra_bytes, now_ms)

    def opened(self, segment: Segment) -> None:
        """A shard has begun a new segment."""
        self._resident.append(segment)

    def grown(self, extra_bytes: int) -> None:
        """A segment in memory took `extra_bytes` more."""
        self._resident_bytes += extra_bytes

    def forget(self, segment: Segment) -> None:
        """A shard lets go of a segment: all its records have expired."""
        if segment.path is None:
            self._resident.remove(segment)
            self._resident_bytes -= segment.resident_bytes
        else:
            self._forgotten.append(segment.path)

    def sweep(self) -> None:
        """Delete some files of forgotten segments. A deleted stream may leave thousands: not all at once."""
        for _ in range(min(len(self._forgotten), _SWEPT_AT_ONCE)):
            self._forgotten.popleft().unlink(missing_ok=True)

    def clear(self) -> None:
        """Forget every segment and delete the folder."""
        self._resident.clear()
        self._forgotten.clear()
        self._resident_bytes = 0
        self._failing_since_ms = None
        shutil.rmtree(self._folder, ignore_errors=True)

    def _make_room(self, extra_bytes: int, now_ms: int) -> None:
        if self._failing_since_ms is not None and now_ms < self._retry_at_ms:
            raise StoreFull
        while self._resident and self._resident_bytes + extra_bytes > self._budget_bytes:
            self._spill_oldest(now_ms)
        if self._failing_since_ms is not None:
            log.warning("Kinesis can write to %s again: records are accepted.", self._folder)
            self._failing_since_ms = None

    def _spill_oldest(self, now_ms: int) -> None:
        oldest = self._resident[0]
        held_bytes = oldest.resident_bytes
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            oldest.spill(self._folder / f"{self._files:010d}.segment")
        except OSError as error:
            if self._failing_since_ms is None:
                log.error("Kinesis cannot write to %s (%s): records are refused.", self._folder, error)
                self._failing_since_ms = now_ms
            self._retry_at_ms = now_ms + _RETRY_SPILL_AFTER_MS
            raise StoreFull from error
        self._files += 1
        self._resident.popleft()
        self._resident_bytes -= held_bytes


class Reading(NamedTuple):
    """What a read gave. `next_arrival_ms` is of the first record not read, None when there is none."""

    batches: list[Batch]
    next_index: int
    next_arrival_ms: int | None


class ShardLog:
    """The records of one shard, by index. The first index is 1; trimmed indexes are never used again."""

    __slots__ = (
        "_segments",
        "_store",
        "_trimmed_payload_bytes",
        "first_index",
        "last_arrival_ms",
        "next_index",
        "payload_bytes",
    )

    def __init__(self, store: SegmentStore) -> None:
        self._store = store
        self._segments: deque[Segment] = deque()
        self.first_index = 1
        self.next_index = 1
        self.last_arrival_ms = 0
        self.payload_bytes = 0
        """Data and partition keys of the retained records."""
        self._trimmed_payload_bytes = 0  # of the expired records in the first segment

    def append(self, text: bytes, payload_bytes: int, arrival_ms: int) -> None:
        """Take the record whose index is `next_index`. `arrival_ms` must not be before `last_arrival_ms`.

        Raises StoreFull, and takes nothing, when neither memory nor disk has room."""
        store = self._store
        added_bytes = len(text) + 12  # the text and its three numbers
        store.admit(added_bytes, arrival_ms)
        last = self._segments[-1] if self._segments else None
        if last is None or last.path is not None or last.text_bytes >= SEGMENT_BYTES:
            last = Segment(self.next_index, arrival_ms)
            self._segments.append(last)
            store.opened(last)
        last.append(text, payload_bytes, arrival_ms)
        store.grown(added_bytes)
        self.payload_bytes += payload_bytes
        self.next_index += 1
        self.last_arrival_ms = arrival_ms

    def read(self, index: int, limit: int, max_payload_bytes: int) -> Reading:
        """The records from `index` on (from the first there is, when that one is gone): at most `limit`, and
        as many as fit `max_payload_bytes`. Raises OSError when a file cannot be read."""
        index = max(index, self.first_index)
        batches: list[Batch] = []
        for at in range(self._holding(index), len(self._segments)):
            segment = self._segments[at]
            start = index - segment.first_index
            if start >= segment.count:
                continue
            batch = segment.read(start, limit, max_payload_bytes)
            if batch.records:
                batches.append(batch)
                index += batch.records
                limit -= batch.records
                max_payload_bytes -= batch.payload_bytes
            if start + batch.records < segment.count:
                break
        return Reading(batches, index, self._arrival_ms(index))

    def index_at(self, arrival_ms: int) -> int:
        """The index of the first record that arrived at or after that time; `next_index` when none did.
        Raises OSError as `read`."""
        for segment in self._segments:
            if segment.last_arrival_ms >= arrival_ms:
                found = segment.first_index + segment.first_at_or_after(arrival_ms)
                return max(found, self.first_index)
        return self.next_index

    def trim(self, before_ms: int) -> None:
        """Drop the records that arrived before that time. Raises OSError as `read`."""
        segments = self._segments
        while segments and segments[0].last_arrival_ms < before_ms:
            gone = segments.popleft()
            self.payload_bytes -= gone.payload_bytes - self._trimmed_payload_bytes
            self._trimmed_payload_bytes = 0
            self.first_index = gone.first_index + gone.count
            self._store.forget(gone)
        if segments and segments[0].first_arrival_ms < before_ms:
            first = segments[0]
            expired = first.first_at_or_after(before_ms)
            if first.first_index + expired > self.first_index:
                self.first_index = first.first_index + expired
                trimmed_payload_bytes = first.payload_before(expired)
                self.payload_bytes -= trimmed_payload_bytes - self._trimmed_payload_bytes
                self._trimmed_payload_bytes = trimmed_payload_bytes

    def drop(self) -> None:
        """Forget every record."""
        while self._segments:
            self._store.forget(self._segments.popleft())
        self.payload_bytes = self._trimmed_payload_bytes = 0
        self.first_index = self.next_index

    @property
    def record_count(self) -> int:
        """How many records are retained."""
        return self.next_index - self.first_index

    def _holding(self, index: int) -> int:
        """Where the segment of that index is: hours of load are thousands of segments, and most reads are of
        the last one."""
        return max(0, bisect_right(self._segments, index, key=attrgetter("first_index")) - 1)

    def _arrival_ms(self, index: int) -> int | None:
        if index >= self.next_index:
            return None
        segment = self._segments[self._holding(index)]
        return segment.arrival_ms(index - segment.first_index)
