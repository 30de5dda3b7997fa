"""All hosted environments: started, invoked and stopped as their owners say, and ended with their owners."""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
from collections import Counter
from collections.abc import Callable, Coroutine, Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from harness.emulator.services.lambda_.environments.process import Sweeps
from harness.emulator.services.lambda_.environments.runtime_api import Work
from harness.emulator.services.lambda_.hosted.environment import HostedEnvironment, Invoked
from harness.emulator.services.lambda_.hosted.events import origin_of
from harness.emulator.services.lambda_.hosted.guardian import Guardian
from harness.emulator.services.lambda_.hosted.marks import Marks
from harness.emulator.services.lambda_.hosted.owners import Owners
from harness.emulator.services.lambda_.hosted.process import CountedKeys, Keys, Means
from harness.emulator.services.lambda_.hosted.refusal import NotHosted
from harness.emulator.services.lambda_.hosted.siblings import Siblings
from harness.emulator.services.lambda_.hosted.specification import (
    LOG_STREAM,
    Code,
    Programs,
    Specification,
)
from harness.emulator.services.lambda_.invocation import new_trace_root
from harness.emulator.services.lambda_.performing import Notes
from harness.measure.meters import Gauge, Meters
from harness.measure.observation import Invocation

MAX_STARTING = min(2, os.cpu_count() or 1)
"""As in the embedded AWS (placement): a surge of starts leaves the machine to its work."""
LARGE_EVENT_BYTES = 256 * 1024
_log = logging.getLogger(__name__)


class Started(NamedTuple):
    """`is_ready` is False for an environment that its first invocation will start; `notes` are what is not as
    on AWS, a sentence each."""

    is_ready: bool
    notes: list[str]


class EnvironmentHost:
    """The environments of all owners. `home` is a folder of this process's own."""

    def __init__(
        self,
        *,
        meters: Meters,
        home: Path,
        keys: Keys | None,
        clock: Callable[[], float],
        programs: Programs,
    ) -> None:
        shutil.rmtree(home, ignore_errors=True)  # nothing refers to what an earlier process left there
        self._meters = meters
        self._clock = clock
        self._keys = CountedKeys(keys) if keys else None
        self._programs = programs
        self._environments: dict[str, HostedEnvironment] = {}
        self._preparing: set[str] = set()
        self._leaving: set[HostedEnvironment] = set()
        """Stopped ones, in which an invocation goes on to its end."""
        self._siblings: dict[object, Siblings] = {}
        """By version."""
        self._running: Counter[str] = Counter()
        self._notes = Notes(meters)
        self._tasks: set[asyncio.Task[None]] = set()
        meters.watch(self._gauges)

    async def start(self) -> None:
        """Be ready for environments."""
        sweeps = Sweeps(LOG_STREAM)
        self._marks = Marks(sweeps, Guardian(LOG_STREAM))
        turns = asyncio.Semaphore(MAX_STARTING)
        self._means = Means(turns, sweeps, self._marks, self._clock, self._keys)
        self._owners = Owners(self._owner_ended)

    async def check(self, code: Code) -> list[str]:
        """See that functions of `code` can be hosted; what is not as on AWS, a sentence each. Raises
        NotHosted."""
        return await asyncio.to_thread(self._programs.check, code)

    async def start_environment(self, wanted: Specification) -> Started:
        """Begin an environment; it is initialized when this returns, or its first invocation will do that or
        tell why it cannot be done. Raises NotHosted, InitFailed (a provisioned one only)."""
        if wanted.id in self._environments or wanted.id in self._preparing:
            raise NotHosted(f"There is an environment {wanted.id} already.", 409)
        self._owners.watch(wanted.owner_pid)
        self._preparing.add(wanted.id)
        try:
            prepared = await asyncio.to_thread(self._programs.prepare, wanted)
        finally:
            was_stopped = wanted.id not in self._preparing
            self._preparing.discard(wanted.id)
        if was_stopped:
            raise NotHosted(f"The environment {wanted.id} was stopped.", 410)
        siblings = self._siblings.setdefault(wanted.version, Siblings())
        environment = HostedEnvironment(wanted, prepared.program, self._means, siblings)
        self._environments[wanted.id] = environment
        try:
            is_ready = await environment.start()
        except Exception:
            await self._end(environment)
            raise
        return Started(is_ready, list(prepared.notes))

    async def invoke(self, id_: str, work: Work) -> Invoked:
        """Run `work` in an environment. Raises NotHosted: 404 when there is no such environment, 409 when it
        is busy, 410 when it was stopped meanwhile."""
        environment = self._get(id_)
        subject = environment.specification.subject
        payload = work.payload
        origin = (
            await asyncio.to_thread(origin_of, payload)
            if len(payload) > LARGE_EVENT_BYTES
            else origin_of(payload)
        )
        self._running[subject.name] += 1
        try:
            invoked = await environment.invoke(work)
        finally:
            self._running[subject.name] -= 1
        self._meters.counter("lambda", subject.name, "requests").value += 1
        if invoked.waited_s:
            self._meters.counter("lambda", subject.name, "process_wait_ms").value += invoked.waited_s * 1000
        self._notes.add(
            subject,
            invoked.run,
            invoked.init,
            request_id=work.request_id,
            trace_root=_root_of(work.trace_header) or new_trace_root(self._clock()),
            source=origin.source,
            records=origin.records,
        )
        return invoked

    async def stop_environment(self, id_: str) -> None:
        """End an environment when what runs in it has ended; at once when that is only starting. One that is
        not there is stopped already."""
        self._preparing.discard(id_)
        environment = self._environments.pop(id_, None)
        if environment is not None:
            self._depart(environment)
            await environment.retire()

    def recent_logs(self, id_: str) -> str:
        """The last lines of an environment. Raises NotHosted (404)."""
        return self._get(id_).recent_logs()

    def listing(self) -> list[Mapping[str, Any]]:
        """All environments, in a few words each."""
        return [
            {
                "id": id_,
                "function": each.specification.arn,
                "owner_pid": each.specification.owner_pid,
                "busy": each.busy,
                "usable": each.usable,
            }
            for id_, each in self._environments.items()
        ]

    def take_invocations(self) -> list[Invocation]:
        """The invocations since the last take; each is given once."""
        return self._notes.records.take()

    @property
    def invocations_lost(self) -> int:
        """How many were dropped because nobody took them in time."""
        return self._notes.records.lost

    async def reset(self) -> None:
        """End every environment, and forget what was noted."""
        await self._end_all(self._all())
        self._notes.records.clear()

    async def close(self) -> None:
        """End every environment, and all that watches them."""
        await self._end_all(self._all())
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._marks.close()
        self._owners.close()

    def _all(self) -> list[HostedEnvironment]:
        return [*self._environments.values(), *self._leaving]

    def _get(self, id_: str) -> HostedEnvironment:
        environment = self._environments.get(id_)
        if environment is None:
            raise NotHosted(f"There is no environment {id_}.", 404)
        return environment

    async def _end_all(self, environments: Iterable[HostedEnvironment]) -> None:
        await asyncio.gather(*(self._end(each) for each in environments))

    async def _end(self, environment: HostedEnvironment) -> None:
        if self._environments.get(environment.specification.id) is environment:
            del self._environments[environment.specification.id]
        await environment.close()
        self._forget(environment)

    def _depart(self, environment: HostedEnvironment) -> None:
        """Know it until it has ended."""
        self._leaving.add(environment)
        self._spawn(self._ended(environment))

    async def _ended(self, environment: HostedEnvironment) -> None:
        await environment.ended.wait()
        self._forget(environment)

    def _forget(self, environment: HostedEnvironment) -> None:
        self._leaving.discard(environment)
        version, code = environment.specification.version, environment.specification.code
        if version in self._siblings and self._siblings[version].empty:
            del self._siblings[version]
        if not any(each.specification.code.folder == code.folder for each in self._all()):
            self._spawn(asyncio.to_thread(self._programs.let_go, code))

    def _owner_ended(self, pid: int) -> None:
        left = [each for each in self._all() if each.specification.owner_pid == pid]
        if left:
            _log.warning("Process %d has ended, and the %d environments that it had end too.", pid, len(left))
        self._spawn(self._end_all(left))

    def _gauges(self) -> Iterable[Gauge]:
        alive = Counter(each.specification.subject.name for each in self._all() if each.usable)
        for name in sorted({*alive, *self._running}):
            yield Gauge("lambda", name, "concurrent_executions", self._running[name])
            yield Gauge("lambda", name, "environments", alive[name])

    def _spawn(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


def _root_of(trace_header: str) -> str | None:
    for field in trace_header.split(";"):
        name, _, value = field.strip().partition("=")
        if name.lower() == "root":
            return value
    return None
