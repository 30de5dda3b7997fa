"""One shard, read and handed over: the loop that waits, around the policies that decide."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Callable
from typing import Protocol

from harness.emulator.services.base import AwsError
from harness.emulator.services.lambda_.mappings.lanes import Batch, Discard, HandOver, Record, ShardLanes
from harness.emulator.services.lambda_.mappings.polling import READ_ANYWAY_S
from harness.emulator.services.lambda_.mappings.sources import TRIM_HORIZON, Position, StreamSource

RETRY_S = 1.0
AGE_SHOWN_S = 1.5
"""How long the last batch's age is shown of a shard that is idle by now, for whoever looks once a second."""
_log = logging.getLogger(__name__)


class Throttled(Exception):
    """The function was not invoked: no concurrency, or no such function."""


class BatchSink(Protocol):
    """Where a shard's batches go."""

    async def process(self, shard_id: str, batch: Batch) -> int | None:
        """Invoke the function: None when all was processed, else the index of the lowest failed record.
        Raises Throttled."""

    def filtered_out(self, records: int) -> None:
        """So many records matched none of the mapping's filters."""

    async def discard(self, shard_id: str, discard: Discard) -> None:
        """Tell the on-failure destination, if there is one."""


class ShardConsumer:
    """Consumes one shard from `position` on. `run` ends when the shard is closed and all is acknowledged, or
    after `stop`. A shard that had nothing to read is read again after `tell`. `wanted` picks the records that
    the function is to get; the others are done with."""

    def __init__(
        self,
        shard_id: str,
        position: Position,
        source: StreamSource,
        sink: BatchSink,
        lanes: ShardLanes,
        clock: Callable[[], float],
        first_read_s: float,
        wanted: Callable[[list[Record]], list[Record]] = lambda records: records,
    ) -> None:
        self.shard_id = shard_id
        self.lanes = lanes
        self.iterator: str | None = None
        self.ended = False
        """Whether the shard is closed and has been read to its end."""
        self.is_lost = False
        """Whether the shard was not there at the last read; it is not read until `find` or `end`."""
        self.records_read = 0
        self._position = position
        self._source = source
        self._sink = sink
        self._clock = clock
        self._next_read_s = first_read_s
        self._last_read_s = first_read_s
        self._awaits_news = False
        self._has_news = False
        self._wanted = wanted
        self._handed_over_s = -math.inf
        self._handed_over_age_ms = 0.0
        self._changed = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopping = False
        self._refused_with: str | None = None

    async def open(self) -> None:
        """Get the first iterator. Raises AwsError."""
        try:
            self.iterator = await self._source.iterator(self.shard_id, self._position)
        except AwsError as error:
            if error.code != "TrimmedDataAccessException":
                raise
            self._note_refusal(error)
            self._position = TRIM_HORIZON  # too far behind: what is left is what there is
            self.iterator = await self._source.iterator(self.shard_id, self._position)

    async def run(self) -> None:
        """Consume. The one loop that waits."""
        try:
            while True:
                self._changed.clear()
                now_s = self._clock()
                if not self._stopping:
                    self._hand_over(now_s)
                if not self._tasks and (self._stopping or (self.ended and not self.lanes.unacknowledged)):
                    return
                if self._may_read() and now_s >= self._next_read_s:
                    await self._read()
                else:
                    await self._wait(now_s)
        finally:
            for task in self._tasks:
                task.cancel()

    def stop(self) -> None:
        """Hand over nothing more; `run` ends when what is under way has ended."""
        self._stopping = True
        self._changed.set()

    def tell(self) -> None:
        """The stream has something new in this shard."""
        self._has_news = True
        if self._awaits_news:
            self._awaits_news = False
            self._next_read_s = self._source.polling.after_news(self._last_read_s, self._clock())
            self._changed.set()

    def find(self) -> None:
        """The shard is there after all."""
        self.is_lost = False
        self._changed.set()

    def end(self) -> None:
        """The shard has expired: there is nothing more to read."""
        self.ended = True
        self._changed.set()

    def checkpoint(self) -> Position:
        """Where to go on after `run` has ended: at the oldest record not acknowledged."""
        oldest = min(self.lanes.unfinished(), key=lambda record: int(record.sequence_number), default=None)
        return self._position if oldest is None else Position("AT_SEQUENCE_NUMBER", oldest.sequence_number)

    def iterator_age_ms(self) -> float:
        """Age of the last record of the last batch when it was handed over; while a failure blocks a lane,
        the age of the oldest record behind it; 0 when the shard is idle."""
        now_s = self._clock()
        is_idle = self._awaits_news and not self.lanes.unacknowledged
        if is_idle and now_s >= self._handed_over_s + AGE_SHOWN_S:
            return 0.0
        blocked_s = self.lanes.oldest_blocked_arrival_s()
        blocked_ms = 0.0 if blocked_s is None else (now_s - blocked_s) * 1000
        return max(0.0, blocked_ms, self._handed_over_age_ms)

    def _may_read(self) -> bool:
        return not (self._stopping or self.ended or self.is_lost) and self.lanes.room > 0

    async def _wait(self, now_s: float) -> None:
        times = []
        if not self._stopping and (wake_s := self.lanes.wake_at_s()) is not None:
            times.append(wake_s)
        if self._may_read():
            times.append(self._next_read_s)
        timeout_s = max(0.0, min(times) - now_s) if times else None
        try:
            async with asyncio.timeout(timeout_s):
                await self._changed.wait()
        except TimeoutError:
            return

    async def _read(self) -> None:
        self._has_news = self._awaits_news = False  # this read may be too early for what is told from here on
        try:
            if self.iterator is None:
                await self.open()
            assert self.iterator is not None
            read = await self._source.read(self.iterator, self.lanes.room)
        except AwsError as error:
            self._refused(error)
            return
        self._refused_with = None
        now_s = self._clock()
        self.iterator = read.next_iterator
        self.ended = read.next_iterator is None
        self._last_read_s = now_s
        self._next_read_s = self._source.polling.after_read(now_s, is_behind=read.is_behind)
        if read.records:
            self._position = Position("AFTER_SEQUENCE_NUMBER", read.records[-1].sequence_number)
            self.records_read += len(read.records)
            self.lanes.accept(self._wanted(read.records), now_s)
            return
        if not (read.is_behind or self._has_news):
            self._awaits_news = True
            self._next_read_s = now_s + READ_ANYWAY_S

    def _refused(self, error: AwsError) -> None:
        """A read failed: what to try next, and when."""
        if error.code == "ExpiredIteratorException":  # a failure blocked the shard for five minutes
            self.iterator = None
            return
        if error.code == "TrimmedDataAccessException":
            self.iterator, self._position = None, TRIM_HORIZON
        elif error.code == "ResourceNotFoundException" or (
            error.code == "InvalidArgumentException" and self.iterator is None
        ):  # the stream is gone, or another one has come in its place: not ours to read
            self.iterator, self.is_lost = None, True
        self._note_refusal(error)
        self._next_read_s = self._clock() + max(RETRY_S, self._source.polling.base_interval_s)

    def _note_refusal(self, error: AwsError) -> None:
        """Say why the shard cannot be read, once for each reason; the shard's own read limit is no news."""
        if error.code not in ("ProvisionedThroughputExceededException", self._refused_with):
            _log.warning("%s of %s could not be read: %s", self.shard_id, self._source.arn, error)
        self._refused_with = error.code

    def _hand_over(self, now_s: float) -> None:
        while (step := self.lanes.next(now_s)) is not None:
            work = self._process(step) if isinstance(step, HandOver) else self._discard(step)
            if isinstance(step, HandOver):
                self._handed_over_s = now_s
                self._handed_over_age_ms = (now_s - step.batch.records[-1].arrival_s) * 1000
            task = asyncio.get_running_loop().create_task(work)
            self._tasks.add(task)
            task.add_done_callback(self._task_done)

    def _task_done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._changed.set()

    async def _process(self, step: HandOver) -> None:
        batch = step.batch
        try:
            failed_from = await self._sink.process(self.shard_id, batch)
        except Throttled:
            self.lanes.throttled(batch, self._clock())
            return
        except Exception:  # an error of the service, not of the function: no attempt, but another try
            _log.exception("a batch of %s failed within Lambda itself", self.shard_id)
            self.lanes.throttled(batch, self._clock())
            return
        if failed_from is None:
            self.lanes.done(batch, self._clock())
        else:
            self.lanes.failed(batch, self._clock(), failed_from)

    async def _discard(self, step: Discard) -> None:
        await self._sink.discard(self.shard_id, step)
        self.lanes.done(step.batch, self._clock())
