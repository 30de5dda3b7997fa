"""All environments of this machine: lent to invocations, started and closed as placement decides."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections import Counter, deque
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager

import orjson

from harness.emulator.services.lambda_.environments.environment import Environment, Surroundings
from harness.emulator.services.lambda_.environments.placement import (
    Bounds,
    Demand,
    Refuse,
    Start,
    next_start,
)
from harness.emulator.services.lambda_.environments.runtime_api import Answer
from harness.emulator.services.lambda_.environments.sandbox import InitFailed, Usage, initialized
from harness.emulator.services.lambda_.errors import too_many_requests
from harness.emulator.services.lambda_.functions import Revision

IDLE_LIMIT_S = 300.0
"""AWS does not say how long it keeps an idle environment; minutes are what is seen (assumed)."""
_log = logging.getLogger(__name__)


def machine_bounds() -> Bounds:
    """Four processes a core, as functions mostly wait for other services; one interpreter starting a core, at
    most two, so that a surge leaves the machine to its work."""
    cores = os.cpu_count() or 1
    return Bounds(max_processes=4 * cores, max_starting=min(2, cores))


class _Waiter:
    __slots__ = ("granted", "nested", "since_s")

    def __init__(self, since_s: float, nested: bool) -> None:
        self.since_s = since_s
        self.nested = nested
        self.granted: asyncio.Future[Environment] = asyncio.get_running_loop().create_future()


class _Group:
    """The environments of one revision, and who waits for one."""

    def __init__(self, revision: Revision) -> None:
        self.revision = revision
        self.idle: list[Environment] = []
        self.waiters: deque[_Waiter] = deque()
        self.alive = 0
        self.starting = 0
        self.retired = False


class EnvironmentPool:
    """Lends environments. Whoever acquires one gives it back with `release`, on every way out."""

    def __init__(
        self,
        surroundings: Surroundings,
        bounds: Bounds | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._surroundings = surroundings
        self._bounds = bounds or machine_bounds()
        self._monotonic = monotonic
        self._groups: dict[str, _Group] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._starts: set[asyncio.Task[None]] = set()
        self._blocked: Counter[Environment] = Counter()
        """Environments whose invocation waits for others, by how many."""
        self._timer: asyncio.TimerHandle | None = None

    def environments(self, arn: str) -> int:
        """How many environments of the function there are, initialized or starting."""
        return sum(group.alive for group in self._groups.values() if group.revision.arn == arn)

    async def acquire(self, revision: Revision, *, nested: bool = False) -> tuple[Environment, float]:
        """An environment for one invocation, and the seconds spent waiting for it. `nested` says that a
        function made the invocation and waits for it: it goes before callers from outside, who hold nothing.

        Raises InitFailed, and AwsError TooManyRequestsException when no environment can come free because all
        wait for ever deeper invocations."""
        group = self._groups.get(revision.id)
        if group is None:
            group = self._groups[revision.id] = _Group(revision)
        while group.idle:
            environment = group.idle.pop()
            if environment.usable:
                return environment, 0.0
            self._discard(group, environment)
        waiter = _Waiter(self._monotonic(), nested)
        if nested:
            group.waiters.appendleft(waiter)
        else:
            group.waiters.append(waiter)
        self._place()
        try:
            environment = await waiter.granted
        except asyncio.CancelledError:
            self._abandon(group, waiter)
            raise
        return environment, self._monotonic() - waiter.since_s

    @contextmanager
    def blocked(self, environment: Environment) -> Iterator[None]:
        """While its invocation waits for one that it made."""
        self._blocked[environment] += 1
        try:
            yield
        finally:
            self._blocked[environment] -= 1
            if not self._blocked[environment]:
                del self._blocked[environment]

    def release(self, environment: Environment) -> None:
        """Take an environment back: the next waiter has it, or it is idle, or it is closed."""
        group = self._groups.get(environment.revision.id)
        if group is None or not environment.usable:
            self._discard(group, environment)
        elif not self._grant(group, environment):
            if group.retired:
                self._discard(group, environment)
            else:
                environment.idle_since_s = self._monotonic()
                group.idle.append(environment)
        self._place()

    def retire(self, revision_id: str) -> None:
        """A revision was replaced or deleted: its idle environments close, busy ones when they come back.
        Whoever waits for one of it still gets one."""
        group = self._groups.get(revision_id)
        if group is not None:
            group.retired = True
            while group.idle:
                self._discard(group, group.idle.pop())

    def reap(self) -> None:
        """Close what has been idle for long, and forget what has ended."""
        oldest_s = self._monotonic() - IDLE_LIMIT_S
        for revision_id, group in list(self._groups.items()):
            for environment in list(group.idle):
                if not environment.usable or environment.idle_since_s < oldest_s:
                    group.idle.remove(environment)
                    self._discard(group, environment)
            if not group.alive and not group.waiters:
                del self._groups[revision_id]

    async def close(self) -> None:
        """Close all environments; those who wait are cancelled."""
        if self._timer is not None:
            self._timer.cancel()
        for group in self._groups.values():
            for waiter in group.waiters:
                waiter.granted.cancel()
            group.waiters.clear()
            for environment in group.idle:
                self._discard(group, environment)
        self._groups.clear()
        for starting in self._starts:
            starting.cancel()
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._surroundings.sweeps.finished()

    def _grant(self, group: _Group, environment: Environment) -> bool:
        while group.waiters:
            waiter = group.waiters.popleft()
            if not waiter.granted.done():
                waiter.granted.set_result(environment)
                return True
        return False

    def _abandon(self, group: _Group, waiter: _Waiter) -> None:
        """The invocation was cancelled while it waited, perhaps just after it was granted one."""
        if waiter in group.waiters:
            group.waiters.remove(waiter)
        elif waiter.granted.done() and not waiter.granted.cancelled() and not waiter.granted.exception():
            self.release(waiter.granted.result())

    def _place(self) -> None:
        """Start what placement says, and come back when it says."""
        while True:
            now_s = self._monotonic()
            decision = next_start(
                now_s,
                [self._demand(group) for group in self._groups.values() if group.waiters],
                self._bounds,
                processes=sum(group.alive for group in self._groups.values()),
                starting=sum(group.starting for group in self._groups.values()),
                idle=sum(len(group.idle) for group in self._groups.values()),
            )
            if isinstance(decision, Refuse):
                _refuse_nested(self._groups[decision.revision])
                continue
            if not isinstance(decision, Start):
                self._look_again(None if decision.until_s is None else decision.until_s - now_s)
                return
            if decision.evict:
                self._evict()
            self._start(self._groups[decision.revision])

    def _demand(self, group: _Group) -> Demand:
        return Demand(
            group.revision.id,
            len(group.waiters),
            min(waiter.since_s for waiter in group.waiters),
            group.alive,
            group.starting,
            sum(1 for each in self._blocked if each.usable and each.revision.id == group.revision.id),
            any(waiter.nested for waiter in group.waiters),
        )

    def _look_again(self, delay_s: float | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if delay_s is not None:
            self._timer = asyncio.get_running_loop().call_later(delay_s, self._place)

    def _evict(self) -> None:
        group, environment = min(
            ((group, environment) for group in self._groups.values() for environment in group.idle),
            key=lambda pair: pair[1].idle_since_s,
        )
        group.idle.remove(environment)
        self._discard(group, environment)

    def _start(self, group: _Group) -> None:
        group.alive += 1
        group.starting += 1
        task = self._spawn(self._initialize(group))
        self._starts.add(task)
        task.add_done_callback(self._starts.discard)

    async def _initialize(self, group: _Group) -> None:
        try:
            environment = await initialized(
                lambda: Environment(group.revision, self._surroundings),
                group.revision.configuration.timeout_s,
            )
        except InitFailed as failed:
            self._not_initialized(group, failed)
        except Exception as error:  # a fault of ours must not keep the place, nor let anybody wait for ever
            _log.exception("an environment of %s could not be started", group.revision.name)
            answer = Answer(
                orjson.dumps({"errorType": "Runtime.Unknown", "errorMessage": str(error)}), "Init"
            )
            self._not_initialized(group, InitFailed(answer, "crash", Usage(0.0, 0.0, 0.0), b""))
        else:
            group.starting -= 1
            self.release(environment)

    def _not_initialized(self, group: _Group, failed: InitFailed) -> None:
        group.starting -= 1
        group.alive -= 1
        self._fail(group, failed)
        self._place()

    def _fail(self, group: _Group, failed: InitFailed) -> None:
        """One invocation has the failure as its result, as on AWS; the next tries another environment."""
        while group.waiters:
            waiter = group.waiters.popleft()
            if not waiter.granted.done():
                waiter.granted.set_exception(failed)
                return

    def _discard(self, group: _Group | None, environment: Environment) -> None:
        if group is not None:
            group.alive -= 1
        self._spawn(environment.close())

    def _spawn(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


def _refuse_nested(group: _Group) -> None:
    refused = [waiter for waiter in group.waiters if waiter.nested]
    group.waiters = deque(waiter for waiter in group.waiters if not waiter.nested)
    for waiter in refused:
        if not waiter.granted.done():
            waiter.granted.set_exception(too_many_requests("ConcurrentInvocationLimitExceeded"))
