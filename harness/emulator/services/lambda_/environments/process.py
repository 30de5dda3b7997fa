"""One operating system process: started, read, waited for and killed without blocking the event loop.

A thread of its own starts it and waits for it. That keeps fork and exec off the loop, gives exact resource
usage at its end (wait4), and makes the process end with this one on Linux, where the parent-death signal is
tied to the thread that forked.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

READ_BYTES = 65_536
SWEEP_TOGETHER_S = 0.1
MAXRSS_UNIT_BYTES = 1 if sys.platform == "darwin" else 1024
"""getrusage(2): ru_maxrss is in KB on Linux, in bytes on macOS."""


@dataclass(frozen=True, slots=True)
class Exit:
    """How a process ended. `code` is negative for a signal, as in subprocess."""

    code: int
    cpu_s: float
    peak_bytes: int

    @property
    def description(self) -> str:
        """In the words of Lambda's platform."""
        if self.code < 0:
            return f"signal: {signal.strsignal(-self.code) or -self.code}".lower()
        return f"exit status {self.code}"


class ChildProcess:
    """A process with its output in one pipe. `exited` is done when it has ended and been reaped."""

    def __init__(self, on_output: Callable[[bytes], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._on_output = on_output
        self._read_fd: int | None = None
        self._started: asyncio.Future[int] = self._loop.create_future()
        self.exited: asyncio.Future[Exit] = self._loop.create_future()
        self._thread: threading.Thread | None = None

    async def start(self, arguments: Sequence[str], folder: Path, environment: Mapping[str, str]) -> int:
        """Start it and return its pid. Raises OSError when it cannot be started."""
        self._read_fd, write_fd = os.pipe()
        os.set_blocking(self._read_fd, False)
        self._loop.add_reader(self._read_fd, self.drain)
        self._thread = threading.Thread(
            target=self._run,
            args=(list(arguments), folder, dict(environment), write_fd),
            name="lambda-environment",
            daemon=True,
        )
        self._thread.start()
        try:
            return await asyncio.shield(self._started)
        except OSError:
            self._close_pipe()
            raise

    def _run(self, arguments: list[str], folder: Path, environment: dict[str, str], write_fd: int) -> None:
        """The thread: start, tell the loop, wait, tell the loop."""
        try:
            child = subprocess.Popen(
                arguments,
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=write_fd,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:  # ValueError: a NUL in a variable or an argument
            self._tell(self._started.set_exception, OSError(str(error)))
            return
        finally:
            os.close(write_fd)
        self._tell(self._started.set_result, child.pid)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        self._tell(
            self._ended,
            Exit(child.returncode, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * MAXRSS_UNIT_BYTES),
        )

    def _tell(self, action: Callable[..., object], value: object) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody is left to tell
            self._loop.call_soon_threadsafe(action, value)

    def _ended(self, exit_: Exit) -> None:
        self.drain()
        self._close_pipe()
        if not self.exited.done():
            self.exited.set_result(exit_)

    def drain(self) -> None:
        """Hand over all output that is there now."""
        while self._read_fd is not None:
            try:
                chunk = os.read(self._read_fd, READ_BYTES)
            except BlockingIOError:
                return
            if not chunk:
                self._close_pipe()
                return
            self._on_output(chunk)
            if len(chunk) < READ_BYTES:
                return

    def _close_pipe(self) -> None:
        if self._read_fd is not None:
            self._loop.remove_reader(self._read_fd)
            os.close(self._read_fd)
            self._read_fd = None

    async def end(self) -> None:
        """Kill it, its group and its descendants, even if it is only just starting, and wait until it has
        ended. What it started and is neither is for `Sweeps`."""
        if self._thread is None:
            return
        try:
            pid = await asyncio.shield(self._started)
        except OSError:  # it never began
            return
        if not self.exited.done():
            descendants = _descendants(pid)
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(pid, signal.SIGKILL)
            _kill(descendants)
        await asyncio.shield(self.exited)


def _descendants(pid: int) -> list[psutil.Process]:
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.Error:
        return []


def _kill(processes: Iterable[psutil.Process]) -> None:
    for process in processes:
        with contextlib.suppress(psutil.Error):
            process.kill()  # psutil looks whether the pid is that process still


class Sweeps:
    """Ends what ended processes left in sessions of their own. Such a process is in no group and no family of
    ours any more, but has the environment variables that it began with. To look for it is to look at every
    process of the machine, so all that is to be looked for at about the same time is looked for together."""

    def __init__(self, variable: str) -> None:
        """`variable` has a value of its own in each process that is started here."""
        self._variable = variable
        self._wanted: set[str] = set()
        self._sweeps: set[asyncio.Task[None]] = set()

    def sweep(self, value: str) -> None:
        """Soon end every process whose variable was `value` when it began."""
        if not self._wanted:
            task = asyncio.get_running_loop().create_task(self._sweep())
            self._sweeps.add(task)
            task.add_done_callback(self._sweeps.discard)
        self._wanted.add(value)

    async def settled(self) -> None:
        """Wait until all that was asked for by now is done."""
        await asyncio.gather(*self._sweeps, return_exceptions=True)

    async def finished(self) -> None:
        """Wait until all that was asked for is done, and nothing more is."""
        while self._sweeps:
            await asyncio.gather(*self._sweeps, return_exceptions=True)

    async def _sweep(self) -> None:
        await asyncio.sleep(SWEEP_TOGETHER_S)
        wanted, self._wanted = self._wanted, set()
        await asyncio.to_thread(kill_marked, self._variable, wanted)


def kill_marked(variable: str, values: Collection[str]) -> None:
    """End every process of this user whose `variable` was one of `values` when it began."""
    user = os.getuid()
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.uids().real == user and process.environ().get(variable) in values:
                process.kill()
