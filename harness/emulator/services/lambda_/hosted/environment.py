"""One hosted environment: a process that is replaced when it has ended, under one name.

Whoever owns it says when it runs what. A failed initialization is told as the result of the first invocation,
with the log lines that say why, as on AWS; only a provisioned environment must be initialized to be at all.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import replace
from typing import Any, NamedTuple, TypeVar

from harness.emulator.services.lambda_.environments.runtime_api import Answer, Work
from harness.emulator.services.lambda_.environments.sandbox import (
    INIT_LIMIT_S,
    InitFailed,
    Program,
    Run,
    Usage,
    initialized,
)
from harness.emulator.services.lambda_.hosted.output import HeldOutput
from harness.emulator.services.lambda_.hosted.process import HostedProcess, Means
from harness.emulator.services.lambda_.hosted.refusal import NotHosted
from harness.emulator.services.lambda_.hosted.siblings import PATIENCE_S, Siblings
from harness.emulator.services.lambda_.hosted.specification import Specification
from harness.emulator.services.lambda_.performing import perform, report_of

T = TypeVar("T")


class Invoked(NamedTuple):
    """An invocation's outcome. `init` is what an initialization took that nobody was told of before."""

    run: Run
    init: Usage | None
    logs: str
    waited_s: float
    """For a process to be started: this machine's wait, no part of any duration."""


class HostedEnvironment:
    """An environment for as long as its owner wants it. `start`, `invoke` and `close` may overlap."""

    def __init__(
        self, specification: Specification, program: Program, means: Means, siblings: Siblings
    ) -> None:
        self.specification = specification
        self.closed = False
        self.ended = asyncio.Event()
        """Set when it is closed and nothing of it runs any more."""
        self._program = program
        self._means = means
        self._siblings = siblings
        self._output = HeldOutput()
        self._process: HostedProcess | None = None
        self._failed: InitFailed | None = None
        self._task: asyncio.Task[Any] | None = None
        """What is under way: a start or an invocation."""
        self._starting = False
        self._has_begun = False
        """Whether an invocation is under way, and not only a start."""
        self._retiring = False
        self._closing: asyncio.Task[None] | None = None
        if not specification.provisioned:
            siblings.add(self)

    @property
    def busy(self) -> bool:
        """Whether it is starting or runs an invocation."""
        return self._task is not None

    @property
    def usable(self) -> bool:
        """Whether its process lives."""
        return self._process is not None and self._process.usable

    @property
    def alive(self) -> bool:
        """Whether it has a process, or is starting one."""
        return self._starting or self.usable

    def lend(self) -> HostedProcess | None:
        """Its process, if it has one that has nothing to do; it has none then."""
        if self.busy or not self.usable or self.specification.provisioned:
            return None
        process, self._process = self._process, None
        return process

    def recent_logs(self) -> str:
        """Its last lines."""
        return self._output.recent()

    async def start(self) -> bool:
        """Initialize it. Gives False when it is not its turn to start, or when there are siblings, one of
        which may come free sooner: its first invocation sees to it then. A provisioned environment waits for
        its turn. Raises InitFailed (a provisioned one only), NotHosted when it was closed meanwhile."""
        if not self.specification.provisioned and (self._means.turns.locked() or self._siblings.alive):
            return False
        return await self._alone(self._start())

    async def _start(self) -> bool:
        async with self._means.turns:
            try:
                await self._begin(INIT_LIMIT_S)
            except InitFailed as failed:
                if self.specification.provisioned:
                    raise
                if failed.status != "timeout":  # that is begun again under the function's own timeout
                    self._failed = failed
        return True

    async def _begin(self, limit_s: float) -> None:
        self._starting = True
        try:
            process = self._make()
            await process.start(limit_s)
            self._process = process
        finally:
            self._starting = False

    async def invoke(self, work: Work) -> Invoked:
        """Run `work`, in a new process when there is none; its deadline is set here. Raises NotHosted when it
        is busy or closed. Who stops waiting does not end what has begun."""
        return await self._alone(self._invoke(work))

    async def _invoke(self, work: Work) -> Invoked:
        self._has_begun = True
        failed, self._failed = self._failed, None
        since_s = begun_s = self._means.monotonic()
        if failed is None and not self.usable:
            try:
                begun_s = await self._obtain()
            except InitFailed as again:
                failed = again
        waited_s = begun_s - since_s
        if failed is not None:
            return self._not_initialized(work, failed, waited_s)
        assert self._process is not None
        subject = self.specification.subject
        deadline_ms = int((self._means.clock() + subject.timeout_s) * 1000)
        run, init = await perform(self._process, replace(work, deadline_ms=deadline_ms), subject)
        return Invoked(run, init, self._output.take(), waited_s)

    async def _obtain(self) -> float:
        """Get a process: a sibling's, or a new one, cold, as on AWS. Gives the time when the wait for either
        was over. Raises InitFailed."""
        ended, self._process = self._process, None
        if ended is not None:
            await ended.close()
        while True:
            process = self._siblings.idle() or await self._lent_or_turn()
            begun_s = self._means.monotonic()
            if process is None:
                await self._take_turn()
                return begun_s
            process.speak_to(self._output)
            self._process = process
            if process.usable:
                return begun_s
            await process.close()

    async def _take_turn(self) -> None:
        self._starting = True
        try:
            self._process = await initialized(self._make, self.specification.subject.timeout_s)
        finally:
            self._starting = False
            self._means.turns.release()

    async def _lent_or_turn(self) -> HostedProcess | None:
        """A sibling's process; None when it is our turn to start one: whoever asked gives the turn back."""
        lent, turn = self._siblings.wait(), None
        try:
            if self._siblings.alive:
                await asyncio.wait({lent}, timeout=PATIENCE_S)
            if not lent.done():
                turn = asyncio.get_running_loop().create_task(self._means.turns.acquire())
                either: set[asyncio.Future[Any]] = {lent, turn}
                await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            if turn is not None:
                self._give_up(turn)
            if lent.done():
                self._process = lent.result()  # to be closed with the environment
            lent.cancel()
            raise
        if not lent.done():
            lent.cancel()
            return None
        if turn is not None:
            self._give_up(turn)
        return lent.result()

    def _give_up(self, turn: asyncio.Task[Any]) -> None:
        """Want the turn no longer, and give it back if it came."""
        turn.cancel()
        turn.add_done_callback(lambda ended: None if ended.cancelled() else self._means.turns.release())

    def _make(self) -> HostedProcess:
        return HostedProcess(self.specification, self._program, self._means, self._output)

    def _not_initialized(self, work: Work, failed: InitFailed, waited_s: float) -> Invoked:
        nothing = Usage(0.0, 0.0, failed.usage.peak_memory_mb)
        answer = Answer(failed.answer.payload, failed.answer.error_type or "Init")
        run = Run(answer, failed.status, self._means.clock(), nothing)
        subject = self.specification.subject
        status = "timeout" if failed.status == "timeout" else "error"
        lines = (
            f"START RequestId: {work.request_id} Version: {subject.version}\n",
            f"END RequestId: {work.request_id}\n",
            report_of(work.request_id, subject, run, failed.usage, status),
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
        if not self.closed:
            self._siblings.offer(self)
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
        self._siblings.offer(self)
        self._siblings.remove(self)
        task = self._task
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        process, self._process = self._process, None
        if process is not None:
            await process.close()
        self.ended.set()
