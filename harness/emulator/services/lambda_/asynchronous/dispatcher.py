"""The loop behind asynchronous invocation: takes events when they are due and does what the policy says."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter, deque
from collections.abc import Callable

from harness.emulator.services.base import AwsCalls, AwsError
from harness.emulator.services.lambda_.asynchronous.destinations import (
    Destinations,
    dead_letter_attributes,
    invocation_record,
)
from harness.emulator.services.lambda_.asynchronous.events import (
    Again,
    AsyncEvent,
    AsyncQueue,
    Done,
    RetryPolicy,
)
from harness.emulator.services.lambda_.errors import function_not_found, too_many_requests
from harness.emulator.services.lambda_.functions import EventInvokeConfig, Function, Functions
from harness.emulator.services.lambda_.invocation import Call, Completed, Runner, new_request_id
from harness.emulator.services.lambda_.names import LATEST
from harness.measure.meters import Meters

MAX_IN_FLIGHT = 32
"""Attempts of one function under way at once. More would wait for a process of this machine while holding a
lease; in the queue they hold none, and synchronous invocations do not stand behind them."""

_log = logging.getLogger(__name__)


class AsyncInvocations:
    """Queued events and the attempts to run them."""

    def __init__(
        self,
        functions: Functions,
        runner: Runner,
        calls: AwsCalls,
        meters: Meters,
        clock: Callable[[], float],
        retry_delay_scale: float,
    ) -> None:
        self._functions = functions
        self._runner = runner
        self._meters = meters
        self._clock = clock
        self._retry_delay_scale = retry_delay_scale
        self._queue = AsyncQueue()
        self._changed = asyncio.Event()
        self._in_flight: Counter[str] = Counter()
        self._parked: dict[str, deque[AsyncEvent]] = {}
        """Due, but their function has as many attempts under way as it may."""
        self._attempts: set[asyncio.Task[None]] = set()
        self._loop: asyncio.Task[None] | None = None
        self.destinations = Destinations(calls, self.invoke_function)

    def start(self) -> None:
        """Begin to work the queue off."""
        self._loop = asyncio.get_running_loop().create_task(self._work())

    async def close(self) -> None:
        """Stop; what is queued is forgotten."""
        tasks = [task for task in (self._loop, *self._attempts) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def add(self, function: Function, payload: bytes, request_id: str, source: str) -> bool:
        """Queue an event; False when the queue is full."""
        event = AsyncEvent(request_id, function.arn, payload, source, self._clock())
        taken = self._queue.add(event)
        if taken:
            self._changed.set()
        else:
            self._meters.counter("lambda", function.name, "throttles").value += 1
        return taken

    def backlog(self, function_arn: str) -> int:
        """Events of the function that are not at their end."""
        return self._queue.backlog(function_arn)

    async def invoke_function(self, arn: str, payload: bytes) -> None:
        """A function as the destination of a record. Raises AwsError."""
        function = self._functions.find(arn.removesuffix(f":{LATEST}"))
        if function is None:
            raise function_not_found(arn)
        if not self.add(function, payload, new_request_id(), "async"):
            raise too_many_requests("CallerRateLimitExceeded")

    async def _work(self) -> None:
        """The one loop that waits."""
        while True:
            self._changed.clear()
            while event := self._queue.due(self._clock()):
                if self._in_flight[event.function_arn] < MAX_IN_FLIGHT:
                    self._begin(event)
                else:
                    self._parked.setdefault(event.function_arn, deque()).append(event)
            at_s = self._queue.next_at_s()
            wait_s = None if at_s is None else max(0.0, at_s - self._clock())
            try:
                await asyncio.wait_for(self._changed.wait(), wait_s)
            except TimeoutError:
                continue

    def _begin(self, event: AsyncEvent) -> None:
        self._in_flight[event.function_arn] += 1
        task = asyncio.get_running_loop().create_task(self._attempt(event))
        self._attempts.add(task)
        task.add_done_callback(lambda task: self._attempt_done(task, event.function_arn))

    def _attempt_done(self, task: asyncio.Task[None], function_arn: str) -> None:
        self._attempts.discard(task)
        self._in_flight[function_arn] -= 1
        parked = self._parked.get(function_arn)
        if parked and not task.cancelled():
            self._begin(parked.popleft())
        self._changed.set()
        if not task.cancelled() and task.exception() is not None:
            _log.error("an asynchronous invocation failed within Lambda itself", exc_info=task.exception())

    async def _attempt(self, event: AsyncEvent) -> None:
        function = self._functions.find(event.function_arn)
        if function is None:  # deleted meanwhile: AWS drops its events too
            name = event.function_arn.rpartition(":")[2]
            self._meters.counter("lambda", name, "async_dropped").value += 1
            self._queue.finish(event)
            return
        policy = self._policy(function)
        last: Completed | None = None
        decision: Again | Done
        if self._clock() - event.queued_s > policy.maximum_age_s:
            decision = Done("EventAgeExceeded")
        elif function.reserved_concurrency == 0:
            decision = Done("ZeroReservedConcurrency")
        else:
            last, decision = await self._try(function, event, policy)
        if isinstance(decision, Again):
            self._queue.again(event, decision.at_s)
            return
        await self._end(function, event, decision, last)
        self._queue.finish(event)

    async def _try(
        self, function: Function, event: AsyncEvent, policy: RetryPolicy
    ) -> tuple[Completed | None, Again | Done]:
        call = Call(event.payload, event.request_id, event.source, synchronous=False)
        try:
            done = await self._runner.run(function, call)
        except AwsError:
            event.throttles += 1
            self._meters.counter("lambda", function.name, "throttles").value += 1
            return None, policy.after_throttle(event, self._clock())
        event.attempts += 1
        if done.function_error is None:
            return done, Done("Success")
        return done, policy.after_error(event, self._clock())

    def _policy(self, function: Function) -> RetryPolicy:
        config, default = function.event_invoke or EventInvokeConfig(), RetryPolicy()
        retries, age_s = config.maximum_retry_attempts, config.maximum_event_age_s
        return RetryPolicy(
            default.maximum_retry_attempts if retries is None else retries,
            default.maximum_age_s if age_s is None else age_s,
            self._retry_delay_scale,
        )

    async def _end(
        self, function: Function, event: AsyncEvent, decision: Done, last: Completed | None
    ) -> None:
        """Deliver the record of an event that is at its end."""
        config = function.event_invoke or EventInvokeConfig()
        record = invocation_record(event, decision.condition, last, self._clock())
        if decision.condition == "Success":
            if config.on_success:
                await self._deliver(function, config.on_success, record)
            return
        self._meters.counter("lambda", function.name, "async_dropped").value += 1
        if config.on_failure:
            await self._deliver(function, config.on_failure, record)
        dead_letters = function.configuration.dead_letter_arn
        if dead_letters:
            await self._deliver(function, dead_letters, event.payload, dead_letter_attributes(event, last))

    async def _deliver(
        self,
        function: Function,
        arn: str,
        record: bytes,
        attributes: dict[str, tuple[str, str]] | None = None,
    ) -> None:
        try:
            await self.destinations.deliver(arn, record, attributes)
        except Exception as error:  # whatever it is, the event is at its end
            self._meters.counter("lambda", function.name, "destination_failures").value += 1
            _log.error("a record of %s could not be delivered to %s: %r", function.name, arn, error)
        else:
            self._meters.counter("lambda", function.name, "destination_deliveries").value += 1
