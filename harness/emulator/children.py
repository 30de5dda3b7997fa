"""The processes under a supervisor, each from its start to its end."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

from harness.emulator.child import ProcessConfig
from harness.emulator.machine import child_environment
from harness.errors import TargetError

_MAX_LOG_BYTES = 4_000_000
_LINE_LIMIT_BYTES = 1_000_000
_TAIL_LINES = 12
_LAST_LINES = 6


class BoundedLog:
    """A log file that is turned over to `<name>.1` when it is full: never more than twice its bound."""

    def __init__(self, path: Path, max_bytes: int = _MAX_LOG_BYTES) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._max_bytes = max_bytes
        self._file = path.open("ab", buffering=0)
        self._size = path.stat().st_size
        self.tail: deque[str] = deque(maxlen=_TAIL_LINES)

    def write(self, line: bytes) -> None:
        """Append `line`, which ends in a newline. A full disk loses the line, not the process."""
        self.tail.append(line.decode(errors="replace").rstrip())
        with contextlib.suppress(OSError):
            if self._size + len(line) > self._max_bytes:
                self._file.close()
                self._path.replace(self._path.with_name(self._path.name + ".1"))
                self._file = self._path.open("ab", buffering=0)
                self._size = 0
            self._size += self._file.write(line)

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class Process(ABC):
    """A process whose output is kept in a log, from its start to its end. Whoever derives from it starts it
    with `_spawn`, and sets `ready` once it serves."""

    ready_timeout_s = 60.0
    stop_timeout_s = 6.0

    def __init__(self, log_path: Path) -> None:
        self._process: asyncio.subprocess.Process | None = None
        self._pumps: list[asyncio.Task[None]] = []
        self._finished = False
        self.ready = asyncio.Event()
        self.log = BoundedLog(log_path)

    @property
    def pid(self) -> int | None:
        """Its process id, once started."""
        return self._process.pid if self._process is not None else None

    def last_words(self) -> str:
        """The last lines of its log, in one; empty when it has none."""
        lines = [line for line in self.log.tail if line]
        return " | ".join(lines[-_LAST_LINES:])

    async def _spawn(self, *command: str, stderr: int, **options: Any) -> asyncio.subprocess.Process:
        self.ready = asyncio.Event()
        self._finished = False
        self._process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=stderr,
            start_new_session=True,
            limit=_LINE_LIMIT_BYTES,
            **options,
        )
        return self._process

    async def until_ready(self) -> None:
        """Wait until the process serves. Raises TargetError, with the end of its log, when it does not."""
        assert self._process is not None
        ended = asyncio.create_task(self._exited())
        ready = asyncio.create_task(self.ready.wait())
        done, pending = await asyncio.wait(
            {ended, ready}, timeout=self.ready_timeout_s, return_when=asyncio.FIRST_COMPLETED
        )
        for task in pending:
            task.cancel()
        if ready in done:
            return
        if ended in done:
            await asyncio.gather(*self._pumps, return_exceptions=True)
            why = f"{describe_exit(ended.result())} before it was ready"
        else:
            why = f"was not ready after {self.ready_timeout_s:.0f} s"
        raise TargetError(self._not_ready(why))

    @abstractmethod
    def _not_ready(self, why: str) -> str:
        """The sentence that it is not, with its last words."""

    async def wait(self) -> int:
        """The process's exit code once it ends (negative: a signal); nothing that it started is left."""
        code = await self._exited()
        await self._finish()
        return code

    async def stop(self) -> None:
        """Ask the process to stop, and make it when it does not. Nothing that it started is left."""
        process = self._process
        if process is not None:
            if process.returncode is None:
                self._ask_to_stop(process)
                try:
                    await asyncio.wait_for(self._exited(), self.stop_timeout_s)
                except TimeoutError:
                    self.kill()
                    await self._exited()
            if not self._finished:  # or its id, and its group's, may be another's by now
                await self._finish()
        self.log.close()

    def kill(self) -> None:
        """End the process and its group now."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)

    def _ask_to_stop(self, process: asyncio.subprocess.Process) -> None:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()

    async def _exited(self) -> int:
        """The exit code, once there is one."""
        assert self._process is not None
        return await self._process.wait()

    async def _finish(self) -> None:
        """When it has ended: end what it started, and read its log to the end."""
        await self._end_the_rest()
        await asyncio.gather(*self._pumps, return_exceptions=True)
        self._finished = True

    async def _end_the_rest(self) -> None:
        self.kill()

    async def _keep_log(self, stream: asyncio.StreamReader) -> None:
        while True:
            try:
                line = await stream.readline()
            except ValueError:  # a line beyond the limit: what came of it is dropped
                continue
            if not line:
                return
            self.log.write(line)
            self._logged(line)

    def _logged(self, _line: bytes) -> None:
        """Told of each line of the log."""
        return


class Child(Process):
    """A process that serves `listening` and reports over pipes; see harness.emulator.child for its side."""

    def __init__(self, module: str, listening: socket.socket, log_path: Path) -> None:
        super().__init__(log_path)
        self._module = module
        self._listening = listening

    async def start(self, config: ProcessConfig, variables: Mapping[str, str] | None = None) -> None:
        """Start the process, with `variables` beside the usual ones; it is serving when `ready` is set."""
        process = await self._spawn(
            *(sys.executable, "-m", self._module),
            stderr=asyncio.subprocess.PIPE,
            pass_fds=(self._listening.fileno(),),
            env={**child_environment(), **(variables or {})},
        )
        self.tell(config.to_json())
        assert process.stdout is not None
        assert process.stderr is not None
        self._pumps = [
            asyncio.create_task(self._pump_events(process.stdout)),
            asyncio.create_task(self._keep_log(process.stderr)),
        ]

    def tell(self, line: bytes) -> None:
        """Send a line to the process, if it is there to read it."""
        if self._process is not None and self._process.stdin is not None:
            with contextlib.suppress(OSError, RuntimeError):
                self._process.stdin.write(line)

    def _not_ready(self, why: str) -> str:
        return f"The process {self._module} {why}: {self.last_words() or 'it said nothing'}"

    def _ask_to_stop(self, process: asyncio.subprocess.Process) -> None:
        if process.stdin is not None:
            process.stdin.close()
        super()._ask_to_stop(process)

    async def _pump_events(self, stream: asyncio.StreamReader) -> None:
        async for line in stream:
            event = orjson.loads(line)
            if event.get("event") == "ready":
                self.ready.set()


def describe_exit(code: int) -> str:
    """How a process ended, in words."""
    if code >= 0:
        return f"ended with exit code {code}"
    try:
        return f"was killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"was killed by signal {-code}"
