"""A process on a Runtime API of its own, initialized once, then one invocation at a time: what every
execution environment is, whoever says which program it runs."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import orjson

from harness.emulator.services.lambda_.environments.accounting import ProcessAccount, open_account
from harness.emulator.services.lambda_.environments.process import ChildProcess, Exit, Sweeps
from harness.emulator.services.lambda_.environments.runtime_api import (
    RESPONSE_TOO_LARGE,
    Answer,
    InitError,
    RuntimeApi,
    Work,
)
from harness.emulator.services.lambda_.logs import EnvironmentLog
from harness.measure.observation import InvocationStatus

BOOTSTRAP = Path(__file__).with_name("bootstrap.py")
DEFAULT_CLIENT = "awslambdaric" if sys.platform == "linux" else "builtin"
MB = 1024 * 1024
S = TypeVar("S", bound="Sandbox")


INIT_LIMIT_S = 10.0
"""docs: Lambda runtime environment, the init phase is limited to 10 seconds (read 2026)."""


@dataclass(frozen=True, slots=True)
class Program:
    """What the process is to be. `client` is `awslambdaric` or `builtin`; `variables` are all that the
    process has, by the address of its Runtime API."""

    handler: str
    folder: Path
    """LAMBDA_TASK_ROOT, where it begins."""
    variables: Callable[[str], Mapping[str, str]]
    client: str = DEFAULT_CLIENT
    interpreter: str = sys.executable
    import_path: Sequence[Path] | None = None
    """Where modules come from between the function's folder and the standard library, and nowhere else; None
    is all that the interpreter has installed."""

    def arguments(self) -> list[str]:
        """The command line."""
        rest = [str(BOOTSTRAP), self.client, self.handler, str(os.getpid())]
        if self.import_path is None:
            return [self.interpreter, *rest]
        return [self.interpreter, "-S", *rest, os.pathsep.join(map(str, self.import_path))]


@dataclass(frozen=True, slots=True)
class Usage:
    """What a stretch of a process's life took: wall and CPU time in ms, peak memory in MB."""

    wall_ms: float
    cpu_ms: float
    peak_memory_mb: float


@dataclass(frozen=True, slots=True)
class Run:
    """One invocation as the environment saw it. `started_at_s` is when the runtime was given it."""

    answer: Answer
    status: InvocationStatus
    started_at_s: float
    usage: Usage


class InitFailed(Exception):
    """The environment could not be initialized; it has been closed."""

    def __init__(self, answer: Answer, status: InvocationStatus, usage: Usage, log_tail: bytes) -> None:
        super().__init__(answer.error_type)
        self.answer = answer
        self.status = status
        self.usage = usage
        self.log_tail = log_tail


class Sandbox:
    """One process. `usable` ends when it does."""

    def __init__(
        self, program: Program, log: EnvironmentLog, sweeps: Sweeps, clock: Callable[[], float]
    ) -> None:
        self.log = log
        self.init: Usage | None = None
        """What the initialization took, until the first invocation has told of it."""
        self._program = program
        self._sweeps = sweeps
        self._clock = clock
        self._process = ChildProcess(self.log.feed)
        self._api = RuntimeApi(self._delivered)
        self._swept = False
        self._account: ProcessAccount | None = None
        self._started_at_s = 0.0
        self._wall_start = 0.0
        self._cpu_start_s = 0.0

    @property
    def usable(self) -> bool:
        """Whether its process lives."""
        return self._account is not None and not self._process.exited.done()

    async def start(self, limit_s: float) -> None:
        """Start and initialize within `limit_s`. Raises InitFailed; the environment is closed then."""
        self._wall_start = time.perf_counter()
        try:
            await self._spawn()
            async with asyncio.timeout(limit_s):
                await self._either(self._api.ready)
            self._process.drain()
            self.init = self._usage()
        except InitError as error:
            raise await self._init_failed(error.answer, "error") from None
        except TimeoutError:
            raise await self._init_failed(timeout_answer("", limit_s), "timeout") from None
        except _Ended as ended:
            raise await self._init_failed(exit_answer("", ended.exit), "crash") from None
        except OSError as error:
            answer = _platform_error("", "Runtime.InvalidEntrypoint", f"Error: {error}")
            raise await self._init_failed(answer, "crash") from None
        except asyncio.CancelledError:
            await self.close()
            raise

    async def _spawn(self) -> None:
        program = self._program
        variables = program.variables(await self._api.start())
        pid = await self._process.start(program.arguments(), program.folder, variables)
        with contextlib.suppress(OSError):  # it has ended already, and `exited` will say so
            self._account = open_account(pid)

    async def _init_failed(self, answer: Answer, status: InvocationStatus) -> InitFailed:
        usage = (
            self._usage()
            if self._account
            else Usage((time.perf_counter() - self._wall_start) * 1000, 0.0, 0.0)
        )
        await self.close()
        self.log.platform(
            f"INIT_REPORT Init Duration: {usage.wall_ms:.2f} ms\tPhase: init\t"
            f"Status: {'timeout' if status == 'timeout' else 'error'}\tError Type: {answer.error_type}\n"
        )
        return InitFailed(answer, status, usage, self.log.tail())

    async def run(self, work: Work, timeout_s: float) -> Run:
        """One invocation. A time-out, a crash and a cancellation leave the environment closed."""
        account = self._account
        assert account is not None
        account.reset_peak()
        self._delivered()
        answered = self._api.offer(work)
        try:
            async with asyncio.timeout(timeout_s):
                await self._either(answered)
            answer = answered.result()
            status: InvocationStatus = "error" if answer.error_type else "ok"
        except TimeoutError:
            answer, status = timeout_answer(work.request_id, timeout_s), "timeout"
            self.log.platform(_timeout_line(work.request_id, timeout_s, self._clock()))
        except _Ended as ended:
            answer, status = exit_answer(work.request_id, ended.exit), "crash"
        except asyncio.CancelledError:
            await self.close()
            raise
        self._process.drain()
        run = Run(answer, status, self._started_at_s, self._usage())
        if status in ("timeout", "crash") or answer.error_type == RESPONSE_TOO_LARGE:
            await self.close()  # awslambdaric ends itself when its response was refused
        return run

    def _delivered(self) -> None:
        """The runtime has the work: from here its time and CPU are the invocation's."""
        self._started_at_s = self._clock()
        self._wall_start = time.perf_counter()
        with contextlib.suppress(ProcessLookupError):
            self._cpu_start_s = self._account.cpu_s() if self._account else 0.0

    def _usage(self) -> Usage:
        wall_ms = (time.perf_counter() - self._wall_start) * 1000
        account, peak_bytes = self._account, 0
        try:
            cpu_s = account.cpu_s() if account else 0.0
            peak_bytes = account.peak_bytes() if account else 0
        except ProcessLookupError:
            exited = self._process.exited
            cpu_s = self._cpu_start_s
            if exited.done():
                cpu_s, peak_bytes = exited.result().cpu_s, exited.result().peak_bytes
        return Usage(wall_ms, max(0.0, cpu_s - self._cpu_start_s) * 1000, peak_bytes / MB)

    async def _either(
        self, wanted: asyncio.Future[object] | asyncio.Future[None] | asyncio.Future[Answer]
    ) -> None:
        """Wait until `wanted` is done. Raises _Ended when the process ended first."""
        exited = self._process.exited
        await asyncio.wait((wanted, exited), return_when=asyncio.FIRST_COMPLETED)
        if wanted.done():
            wanted.result()
            return
        raise _Ended(exited.result())

    async def close(self) -> None:
        """End the process and its port. May be called twice."""
        await self._process.end()
        if not self._swept:
            self._swept = True
            self._sweeps.sweep(self.log.stream)
        self.log.end_of_output()
        if self._account is not None:
            self._account.close()
            self._account = None
        await self._api.close()


async def initialized(make: Callable[[], S], timeout_s: float) -> S:
    """A new sandbox, initialized. An init phase that takes too long is begun again within the invocation,
    under the function's own timeout. Raises InitFailed.
    docs: Lambda runtime environment, Init phase (read 2026)"""
    sandbox = make()
    try:
        await sandbox.start(INIT_LIMIT_S)
    except InitFailed as failed:
        if failed.status != "timeout":
            raise
        sandbox = make()
        await sandbox.start(timeout_s)
    return sandbox


class _Ended(Exception):
    def __init__(self, exit_: Exit) -> None:
        self.exit = exit_


def _platform_error(request_id: str, error_type: str, message: str) -> Answer:
    prefix = f"RequestId: {request_id} " if request_id else ""
    return Answer(orjson.dumps({"errorType": error_type, "errorMessage": prefix + message}), error_type)


def timeout_answer(request_id: str, timeout_s: float) -> Answer:
    """What the caller gets when the function ran out of time."""
    return _platform_error(
        request_id, "Sandbox.Timedout", f"Error: Task timed out after {timeout_s:.2f} seconds"
    )


def exit_answer(request_id: str, exit_: Exit) -> Answer:
    """What the caller gets when the runtime's process ended."""
    if exit_.code == 0:
        return _platform_error(
            request_id, "Runtime.ExitError", "Error: Runtime exited without providing a reason"
        )
    reason = f"Error: Runtime exited with error: {exit_.description}"
    return _platform_error(request_id, "Runtime.ExitError", reason)


def _timeout_line(request_id: str, timeout_s: float, now_s: float) -> str:
    at = datetime.fromtimestamp(now_s, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3]
    return f"{at}Z {request_id} Task timed out after {timeout_s:.2f} seconds\n\n"
