"""One hosted environment: a sandbox that is replaced when its process has ended, under one name and one log.

Whoever owns it says when it runs what. A failed initialization is told as the result of the first invocation,
with the log lines that say why, as on AWS; only a provisioned environment must be initialized to be at all.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, TypeVar

from harness.emulator.services.lambda_.environments.process import Sweeps
from harness.emulator.services.lambda_.environments.runtime_api import Answer, Work
from harness.emulator.services.lambda_.environments.sandbox import (
    INIT_LIMIT_S,
    InitFailed,
    Program,
    Run,
    Sandbox,
    Usage,
    initialized,
)
from harness.emulator.services.lambda_.hosted.output import HeldOutput
from harness.emulator.services.lambda_.hosted.refusal import NotHosted
from harness.emulator.services.lambda_.hosted.specification import Specification
from harness.emulator.services.lambda_.logs import EnvironmentLog
from harness.emulator.services.lambda_.performing import perform, report_of

T = TypeVar("T")


class Invoked(NamedTuple):
    """An invocation's outcome. `init` is what an initialization took that nobody was told of before."""

    run: Run
    init: Usage | None
    logs: str
    waited_s: float
    """For a process to be started: this machine's wait, no part of any duration."""


@dataclass(frozen=True, slots=True)
class Means:
    """What hosted environments have in common. `turns` lets few start at once, in the order they came."""

    turns: asyncio.Semaphore
    sweeps: Sweeps
    clock: Callable[[], float]
    monotonic: Callable[[], float] = time.monotonic


class _Sandbox(Sandbox):
    async def start(self, limit_s: float) -> None:
        """Start when the one before is swept: a sweep knows both by their log stream, and by nothing else."""
        await self._sweeps.settled()
        await super().start(limit_s)


class HostedEnvironment:
    """An environment for as long as its owner wants it. `start`, `invoke` and `close` may overlap."""

    def __init__(self, specification: Specification, program: Program, means: Means) -> None:
        self.specification = specification
        self.closed = False
        self.ended = asyncio.Event()
        """Set when it is closed and nothing of it runs any more."""
        self._program = program
        self._means = means
        self._output = HeldOutput()
        self._sandbox: Sandbox | None = None
        self._failed: InitFailed | None = None
        self._task: asyncio.Task[Any] | None = None
        """What is under way: a start or an invocation."""
        self._has_begun = False
        """Whether an invocation runs, and not only starts its process."""
        self._retiring = False
        self._closing: asyncio.Task[None] | None = None

    @property
    def busy(self) -> bool:
        """Whether it is starting or runs an invocation."""
        return self._task is not None

    @property
    def usable(self) -> bool:
        """Whether its process lives."""
        return self._sandbox is not None and self._sandbox.usable

    def recent_logs(self) -> str:
        """Its last lines."""
        return self._output.recent()

    async def start(self, patience_s: float) -> bool:
        """Initialize it. Gives False when it was not its turn to start within `patience_s`: its first
        invocation starts it then; a provisioned environment waits for its turn. Raises InitFailed (a
        provisioned one only), NotHosted when it was closed meanwhile."""
        return await self._alone(self._start(patience_s))

    async def _start(self, patience_s: float) -> bool:
        turns = self._means.turns
        try:
            async with asyncio.timeout(None if self.specification.provisioned else patience_s):
                await turns.acquire()
        except TimeoutError:
            return False
        try:
            self._sandbox = self._make()
            await self._sandbox.start(INIT_LIMIT_S)
        except InitFailed as failed:
            self._sandbox = None
            if self.specification.provisioned:
                raise
            if failed.status != "timeout":  # that one is begun again under the function's own timeout
                self._failed = failed
        finally:
            turns.release()
        return True

    async def invoke(self, work: Work) -> Invoked:
        """Run `work`, in a new process when there is none; its deadline is set here. Raises NotHosted when it
        is busy or closed. Who stops waiting does not end what has begun."""
        return await self._alone(self._invoke(work))

    async def _invoke(self, work: Work) -> Invoked:
        failed, self._failed = self._failed, None
        waited_s = 0.0
        if failed is None and not self.usable:
            failed, waited_s = await self._replace()
        if failed is not None:
            return self._not_initialized(work, failed, waited_s)
        assert self._sandbox is not None
        self._has_begun = True
        subject = self.specification.subject
        deadline_ms = int((self._means.clock() + subject.timeout_s) * 1000)
        run, init = await perform(self._sandbox, replace(work, deadline_ms=deadline_ms), subject)
        return Invoked(run, init, self._output.take(), waited_s)

    async def _replace(self) -> tuple[InitFailed | None, float]:
        """A new process for the one that ended: cold, as on AWS. Gives how long it was not its turn, too."""
        ended, self._sandbox = self._sandbox, None
        if ended is not None:
            await ended.close()
        since_s = self._means.monotonic()
        async with self._means.turns:
            waited_s = self._means.monotonic() - since_s
            try:
                self._sandbox = await initialized(self._make, self.specification.subject.timeout_s)
            except InitFailed as failed:
                return failed, waited_s
        return None, waited_s

    def _make(self) -> Sandbox:
        wanted, means = self.specification, self._means
        log = EnvironmentLog(self._output, wanted.log_group, wanted.log_stream, means.clock)
        return _Sandbox(self._program, log, means.sweeps, means.clock)

    def _not_initialized(self, work: Work, failed: InitFailed, waited_s: float) -> Invoked:
        nothing = Usage(0.0, 0.0, failed.usage.peak_memory_mb)
        answer = Answer(failed.answer.payload, failed.answer.error_type or "Init")
        run = Run(answer, failed.status, self._means.clock(), nothing)
        subject = self.specification.subject
        report = report_of(work.request_id, subject, run, failed.usage).rstrip("\n\t")
        lines = (
            f"START RequestId: {work.request_id} Version: {subject.version}\n",
            f"END RequestId: {work.request_id}\n",
            f"{report}\t\n" if "Status:" in report else f"{report}\tStatus: error\t\n",
        )
        at_ms = int(self._means.clock() * 1000)
        for line in lines:
            self._output.write("", "", [(at_ms, line)])
        return Invoked(run, failed.usage, self._output.take(), waited_s)

    async def _alone(self, work: Coroutine[Any, Any, T]) -> T:
        """One thing at a time, as an environment runs. `close` cancels what is under way."""
        if self.closed or self._task is not None:
            work.close()
            state, status = ("was stopped", 410) if self.closed else ("is busy", 409)
            raise NotHosted(f"The environment {self.specification.id} {state}.", status)
        task = self._task = asyncio.get_running_loop().create_task(work)
        task.add_done_callback(self._done)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            if not task.cancelled():  # it is the caller who was cancelled
                raise
            raise NotHosted(f"The environment {self.specification.id} was stopped.", 410) from None

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._task = None
        self._has_begun = False
        if not task.cancelled():
            task.exception()  # whoever waited has it
        if self._retiring:
            self._closing = asyncio.get_running_loop().create_task(self.close())

    async def retire(self) -> None:
        """End it as soon as nothing runs in it: on AWS an update or a deletion lets an invocation finish."""
        if self._has_begun:
            self._retiring = True
        else:
            await self.close()

    async def close(self) -> None:
        """End it, and what runs in it. May be called twice."""
        self.closed, self._retiring = True, False
        task = self._task
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        sandbox, self._sandbox = self._sandbox, None
        if sandbox is not None:
            await sandbox.close()
        self.ended.set()
