"""What becomes of a shard's records: batches, retries, splits, discards, decided without a clock.

A shard has as many lanes as its parallelization factor; a record's lane follows from its partition key (of a
table: the item's key), so order per key holds while lanes run side by side.

Rules, each marked where it is applied. Those that AWS does not document are assumed, and say so.

1. A lane has one batch under way. A batch that failed blocks its lane, and no other.
2. A batch goes when it is full (BatchSize, or 6 MB of payload), or when its window has run out. A window
   begins when the previous invocation completes; an empty window is followed by the next (assumed).
   docs: Batching behavior of event source mappings (read 2026)
3. Records older than MaximumRecordAgeInSeconds when they would be handed over are discarded.
4. A batch that failed more often than MaximumRetryAttempts is discarded. A throttle is no attempt.
   docs: Retain discarded batch records for a Kinesis event source (read 2026)
5. BisectBatchOnFunctionError splits a failed batch in two, each retried on its own; splitting does not
   consume the retry quota. docs: as 4
6. With ReportBatchItemFailures the records before the lowest failed one are done and the rest is retried;
   with bisection on too, that split does not consume the quota either.
   docs: Configuring partial batch response with Kinesis (read 2026)
7. Retries wait 0.2 s, doubling up to 60 s; the parts of a split do not wait (assumed: AWS documents only that
   it backs off exponentially).
"""

from __future__ import annotations

import math
import zlib
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from harness.emulator.services.lambda_.mappings.configuration import BatchRules

MAX_PAYLOAD_BYTES = 6 * 1024 * 1024
FIRST_RETRY_DELAY_S = 0.2
LAST_RETRY_DELAY_S = 60.0

DiscardReason = Literal["RetryAttemptsExhausted", "RecordAgeExceeded"]


@dataclass(slots=True)
class Record:
    """A record of a stream. `size_bytes` is about what it takes in the event."""

    sequence_number: str
    partition_key: str
    arrival_s: float
    data: Any
    """What the source needs to put the record into an event."""
    size_bytes: int


@dataclass(slots=True)
class Batch:
    """Records of one lane on their way to the function."""

    lane: int
    records: list[Record]
    attempts: int = 0
    """Failed invocations that count against MaximumRetryAttempts."""
    invocations: int = 0
    """How often the function was invoked with these records."""


@dataclass(frozen=True, slots=True)
class HandOver:
    """Invoke the function with `batch`, then say what came of it."""

    batch: Batch


@dataclass(frozen=True, slots=True)
class Discard:
    """Tell the on-failure destination of `batch`, then say `done`."""

    batch: Batch
    reason: DiscardReason


@dataclass(slots=True)
class _Lane:
    idle_since_s: float
    queue: deque[Record] = field(default_factory=deque)
    queued_bytes: int = 0
    queued_since_s: float = 0.0
    """When the queue stopped being empty."""
    retries: deque[Batch] = field(default_factory=deque)
    """Batches to go before the queue does."""
    running: Batch | None = None
    not_before_s: float = 0.0
    throttles: int = 0


class ShardLanes:
    """The lanes of one shard. `rules` may be replaced at any time, but for its parallelization factor."""

    def __init__(self, rules: BatchRules, now_s: float, read_ahead_records: int) -> None:
        self.rules = rules
        self._read_ahead_records = read_ahead_records
        self._lanes = [_Lane(idle_since_s=now_s) for _ in range(rules.parallelization_factor)]
        self.unacknowledged = 0
        """Records accepted and not yet acknowledged or discarded."""
        self._waiting_bytes = 0
        self._waiting = 0
        self._mean_record_bytes = 1.0

    @property
    def room(self) -> int:
        """How many more records it will take. There is room for each lane to fill a batch, so a blocked lane
        does not starve the others before it holds several batches itself."""
        lanes = len(self._lanes)
        records = max(self._read_ahead_records, 2 * self.rules.batch_size * lanes) - self._waiting
        bytes_left = MAX_PAYLOAD_BYTES * lanes - self._waiting_bytes
        return max(0, min(records, int(bytes_left / self._mean_record_bytes)))

    def accept(self, records: Iterable[Record], now_s: float) -> None:
        """Take records in the shard's order."""
        lanes = self._lanes
        for record in records:
            lane = (
                lanes[0] if len(lanes) == 1 else lanes[zlib.crc32(record.partition_key.encode()) % len(lanes)]
            )
            if not lane.queue:
                lane.queued_since_s = now_s
            lane.queue.append(record)
            lane.queued_bytes += record.size_bytes
            self._count(1, record.size_bytes)
            self.unacknowledged += 1
        if self._waiting:
            self._mean_record_bytes = self._waiting_bytes / self._waiting

    def next(self, now_s: float) -> HandOver | Discard | None:
        """The next thing to do, or None; ask again until it is None. Lanes come in their order."""
        for index, lane in enumerate(self._lanes):
            if lane.running is not None or now_s < lane.not_before_s:  # rule 1
                continue
            batch = lane.retries.popleft() if lane.retries else self._form(index, lane, now_s)
            if batch is not None:
                return self._decide(lane, batch, now_s)
        return None

    def wake_at_s(self) -> float | None:
        """When `next` should be asked again though nothing has happened; None when only an event can help."""
        times = []
        for lane in self._lanes:
            if lane.running is None:
                if lane.retries:
                    times.append(lane.not_before_s)
                elif lane.queue:
                    times.append(max(lane.not_before_s, self._window_end_s(lane)))
        return min(times, default=None)

    def done(self, batch: Batch, now_s: float) -> None:
        """The batch was processed, or its discard was told of."""
        lane = self._lanes[batch.lane]
        self._acknowledge(batch.records)
        self._idle(lane, now_s, now_s)

    def failed(self, batch: Batch, now_s: float, from_index: int = 0) -> None:
        """The function failed; from `from_index` on (the lowest failed record) when it reported that."""
        lane = self._lanes[batch.lane]
        split = False
        if from_index > 0:  # rule 6
            self._acknowledge(batch.records[:from_index])
            batch.records = batch.records[from_index:]
            split = self.rules.bisect_on_error
        elif self.rules.bisect_on_error and len(batch.records) > 1:  # rule 5
            middle = len(batch.records) // 2
            second = Batch(batch.lane, batch.records[middle:], batch.attempts, batch.invocations)
            self._retry(lane, second)
            batch.records = batch.records[:middle]
            split = True
        self._retry(lane, batch)
        if split:
            self._idle(lane, now_s, now_s)
            return
        batch.attempts += 1
        last = 0 <= self.rules.maximum_retry_attempts < batch.attempts
        self._idle(lane, now_s, now_s if last else now_s + retry_delay_s(batch.attempts))  # rule 7

    def throttled(self, batch: Batch, now_s: float) -> None:
        """The function was not invoked: throttled, or not there. No attempt is counted."""  # rule 4
        lane = self._lanes[batch.lane]
        batch.invocations -= 1
        throttles = lane.throttles + 1
        self._retry(lane, batch)
        self._idle(lane, now_s, now_s + retry_delay_s(throttles))
        lane.throttles = throttles

    def oldest_blocked_arrival_s(self) -> float | None:
        """Arrival of the oldest record that waits behind a failure; None when nothing is blocked."""
        blocked = [lane.retries[0].records[0].arrival_s for lane in self._lanes if lane.retries]
        blocked += [
            lane.running.records[0].arrival_s
            for lane in self._lanes
            if lane.running and lane.running.invocations > 1
        ]
        return min(blocked, default=None)

    def unfinished(self) -> Iterator[Record]:
        """Every record that is not acknowledged, in no order."""
        for lane in self._lanes:
            if lane.running:
                yield from lane.running.records
            for batch in lane.retries:
                yield from batch.records
            yield from lane.queue

    def _form(self, index: int, lane: _Lane, now_s: float) -> Batch | None:
        if not lane.queue or now_s < self._window_end_s(lane):
            return None
        records: list[Record] = []
        size = 0
        while lane.queue and len(records) < self.rules.batch_size:
            if records and size + lane.queue[0].size_bytes > MAX_PAYLOAD_BYTES:
                break
            record = lane.queue.popleft()
            size += record.size_bytes
            records.append(record)
        lane.queued_bytes -= size
        lane.queued_since_s = now_s
        self._count(-len(records), -size)
        return Batch(index, records)

    def _window_end_s(self, lane: _Lane) -> float:
        """When what is queued may go."""  # rule 2
        window_s = self.rules.batching_window_s
        full = len(lane.queue) >= self.rules.batch_size or lane.queued_bytes >= MAX_PAYLOAD_BYTES
        if full or not window_s:
            return lane.queued_since_s
        windows = max(1, math.ceil((lane.queued_since_s - lane.idle_since_s) / window_s))
        return lane.idle_since_s + windows * window_s

    def _decide(self, lane: _Lane, batch: Batch, now_s: float) -> HandOver | Discard:
        maximum_age_s = self.rules.maximum_record_age_s
        if maximum_age_s >= 0:  # rule 3
            old = sum(1 for record in batch.records if now_s - record.arrival_s > maximum_age_s)
            if old:
                if old < len(batch.records):  # arrivals ascend, so the old ones are the first
                    rest = Batch(batch.lane, batch.records[old:], batch.attempts, batch.invocations)
                    lane.retries.appendleft(rest)
                    batch.records = batch.records[:old]
                lane.running = batch
                return Discard(batch, "RecordAgeExceeded")
        lane.running = batch
        if 0 <= self.rules.maximum_retry_attempts < batch.attempts:  # rule 4
            return Discard(batch, "RetryAttemptsExhausted")
        batch.invocations += 1
        return HandOver(batch)

    def _retry(self, lane: _Lane, batch: Batch) -> None:
        lane.retries.appendleft(batch)

    def _idle(self, lane: _Lane, now_s: float, not_before_s: float) -> None:
        lane.running = None
        lane.idle_since_s = now_s
        lane.not_before_s = not_before_s
        lane.throttles = 0

    def _acknowledge(self, records: list[Record]) -> None:
        self.unacknowledged -= len(records)

    def _count(self, records: int, size_bytes: int) -> None:
        self._waiting += records
        self._waiting_bytes += size_bytes


def retry_delay_s(failures: int) -> float:
    """Rule 7: the wait before the retry that follows failure number `failures` (from 1)."""
    return float(min(LAST_RETRY_DELAY_S, FIRST_RETRY_DELAY_S * 2.0 ** min(failures - 1, 20)))
