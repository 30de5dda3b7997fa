"""A queue's messages, received, handed over in batches, and deleted when they were processed.

A failed message is left alone: it comes back when its visibility timeout has run out, and goes to the queue's
dead-letter queue when its redrive policy says so. Groups of a FIFO queue keep their order because SQS gives
out no message of a group while another one is in flight.

docs: Lambda Developer Guide, Using Lambda with Amazon SQS; Handling errors for an SQS event source in Lambda
(read 2026)
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Protocol

from harness.emulator.services.base import AwsError
from harness.emulator.services.lambda_.mappings.configuration import ENCODED_MEMBER, BatchRules
from harness.emulator.services.lambda_.mappings.filters import Filters
from harness.emulator.services.lambda_.mappings.lanes import retry_delay_s
from harness.emulator.services.lambda_.mappings.queue_policy import FillingBatch, QueueConcurrency
from harness.emulator.services.lambda_.mappings.queue_source import (
    MAX_RECEIVED,
    Message,
    QueueAttributes,
    QueueSource,
)
from harness.emulator.services.lambda_.mappings.shard_consumer import Throttled

IDLE_WAIT_S = 4
"""AWS's five pollers of an idle queue wait 20 s each: fifteen requests a minute on the queue's bill. Here it
is one poller, and as many requests."""
LOOK_EVERY_S = 1.0
RETRY_S = 1.0
_log = logging.getLogger(__name__)


class QueueSink(Protocol):
    """Where batches go."""

    async def process(self, messages: Sequence[Message]) -> Sequence[Message]:
        """Invoke the function; the messages that are done. Raises Throttled."""

    def filtered_out(self, records: int) -> None:
        """So many messages matched none of the mapping's filters."""


class QueueConsumer:
    """Consumes a queue. `start` until it has returned is AWS's Creating."""

    def __init__(
        self, source: QueueSource, sink: QueueSink, rules: BatchRules, clock: Callable[[], float]
    ) -> None:
        self._source = source
        self._sink = sink
        self._clock = clock
        self._attributes = QueueAttributes(30, False)
        self._scaling = QueueConcurrency()
        self._kept_back: list[Message] = []
        self._batches: dict[asyncio.Task[None], int] = {}
        self._ended = asyncio.Event()
        self._active = asyncio.Event()
        self._stopping = False
        self._depth = 0
        self._loops: list[asyncio.Task[None]] = []
        self.change_rules(rules)

    async def start(self) -> None:
        """Begin to receive. Raises AwsError when there is no such queue."""
        self._attributes = await self._source.attributes()
        self._depth = await self._source.depth()
        self._stopping = False
        self._active.set()
        loop = asyncio.get_running_loop()
        self._loops = [loop.create_task(self._receive()), loop.create_task(self._look())]

    async def stop(self) -> None:
        """Receive no more, and let what is under way end."""
        self._stopping = True
        self._ended.set()
        if self._loops:
            receiving, looking = self._loops
            looking.cancel()
            await asyncio.gather(receiving, looking, return_exceptions=True)
            self._loops = []
        await asyncio.gather(*self._batches, return_exceptions=True)
        if self._kept_back:
            kept_back, self._kept_back = self._kept_back, []
            await self._source.let_go(kept_back)

    async def abandon(self) -> None:
        """End at once: what is under way is cancelled."""
        tasks = [*self._loops, *self._batches]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._loops = []

    def backlog_records(self) -> int:
        """Messages of the queue that are not processed, those that failed and wait among them; as old as the
        last look, but never less than what is being processed here."""
        return max(self._depth, sum(self._batches.values()) + len(self._kept_back))

    def iterator_age_ms(self) -> float | None:
        """A queue has no iterator."""
        return None

    def change_rules(self, rules: BatchRules) -> None:
        """Take rules while running."""
        self.rules = rules
        self._filters = Filters(rules.filters, ENCODED_MEMBER["sqs"])
        self._scaling.most = rules.maximum_concurrency

    async def _receive(self) -> None:
        """The loop that waits for messages and for room to run them."""
        while not self._stopping:
            self._ended.clear()
            if len(self._batches) >= self._scaling.allowed(self._clock()):
                await self._wait_for_an_end()
                continue
            try:
                messages = await self._gather()
            except AwsError as error:
                _log.warning("%s could not be received from: %s", self._source.arn, error)
                await self._wait_for_an_end()
                continue
            if messages:
                self._hand_over(messages)
            elif self._groups_are_held:
                await self._wait_for_an_end()

    @property
    def _groups_are_held(self) -> bool:
        """Whether messages may be there that are not given out because of batches under way. A receive that
        waits would not see them come free: SQS here looks at the groups once for each receive."""
        return self._attributes.is_fifo and bool(self._batches)

    async def _wait_for_an_end(self) -> None:
        """Until a batch has ended; a second at most, for the bound grows by itself."""
        try:
            async with asyncio.timeout(RETRY_S):
                await self._ended.wait()
        except TimeoutError:
            return

    async def _gather(self) -> list[Message]:
        """The next batch; none when nothing came."""
        rules = self.rules
        batch = FillingBatch(rules.batch_size, rules.batching_window_s)
        self._kept_back = batch.add(self._kept_back, self._clock())
        while batch.room and not self._stopping:
            wait_s = 0 if self._groups_are_held else IDLE_WAIT_S
            if batch.messages:
                left_s = batch.left_s(self._clock())
                if left_s < 1:  # receives wait for whole seconds
                    await asyncio.sleep(left_s)
                wait_s = min(IDLE_WAIT_S, int(left_s))
            asked = min(batch.room, MAX_RECEIVED)
            try:
                received = await self._source.receive(asked, wait_s)
            except AwsError:
                if batch.messages:
                    break
                raise
            now_s = self._clock()
            if not batch.messages:
                self._scaling.received(now_s, len(received))
            if received:
                self._active.set()
                self._depth = max(self._depth, len(received))
            self._kept_back += batch.add(await self._wanted(received), now_s)
            if len(received) < asked and batch.left_s(now_s) <= 0:
                break  # nothing more is there, and there is no time to wait for more
        return batch.messages

    async def _wanted(self, messages: list[Message]) -> list[Message]:
        """Those that match the filters; the others are deleted."""
        if not self._filters:
            return messages
        wanted: list[Message] = []
        unwanted: list[Message] = []
        for message in messages:
            (wanted if self._filters.match(message.event) else unwanted).append(message)
        if unwanted:
            self._sink.filtered_out(len(unwanted))
            await self._source.delete(unwanted)
        return wanted

    def _hand_over(self, messages: list[Message]) -> None:
        task = asyncio.get_running_loop().create_task(self._process(messages))
        self._batches[task] = len(messages)
        task.add_done_callback(self._batch_ended)

    def _batch_ended(self, task: asyncio.Task[None]) -> None:
        self._batches.pop(task, None)
        self._ended.set()
        self._active.set()
        if not task.cancelled() and task.exception() is not None:
            _log.error(
                "a batch of %s failed within Lambda itself", self._source.arn, exc_info=task.exception()
            )

    async def _process(self, messages: list[Message]) -> None:
        """Invoke, and delete what is done. A throttled batch is tried again as long as it is invisible to
        others (assumed: AWS says that it backs off, and that messages may return to the queue)."""
        until_s = self._clock() + self._attributes.visibility_timeout_s
        throttles = 0
        while True:
            try:
                done = await self._sink.process(messages)
                break
            except Throttled:
                throttles += 1
                delay_s = retry_delay_s(throttles)
                if self._stopping or self._clock() + delay_s >= until_s:
                    return
                await asyncio.sleep(delay_s)
        if done:
            await self._source.delete(done)

    async def _look(self) -> None:
        """Count the queue's messages while there are any; an idle queue is not asked."""
        while True:
            await self._active.wait()
            self._active.clear()
            try:
                self._depth = await self._source.depth()
            except AwsError as error:
                _log.warning("the messages of %s could not be counted: %s", self._source.arn, error)
            if self._depth or self._batches:
                self._active.set()
            await asyncio.sleep(LOOK_EVERY_S)
