"""One child process of the supervisor, from its start to its end."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
from collections import deque
from collections.abc import Mapping
from pathlib import Path

import orjson

from harness.emulator.child import ProcessConfig
from harness.emulator.machine import child_environment
from harness.errors import TargetError

READY_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 6.0
_MAX_LOG_BYTES = 4_000_000
_LINE_LIMIT_BYTES = 1_000_000
_TAIL_LINES = 12


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


class Child:
    """A process that serves `listening` and reports over pipes; see harness.emulator.child for its side."""

    def __init__(self, module: str, listening: socket.socket, log_path: Path) -> None:
        self._module = module
        self._listening = listening
        self._process: asyncio.subprocess.Process | None = None
        self._pumps: list[asyncio.Task[None]] = []
        self.ready = asyncio.Event()
        self.log = BoundedLog(log_path)

    @property
    def pid(self) -> int | None:
        """Its process id, while it runs."""
        return self._process.pid if self._process is not None else None

    async def start(self, config: ProcessConfig, variables: Mapping[str, str] | None = None) -> None:
        """Start the process, with `variables` beside the usual ones; it is serving when `ready` is set."""
        self.ready = asyncio.Event()
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            self._module,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            pass_fds=(self._listening.fileno(),),
            start_new_session=True,
            env={**child_environment(), **(variables or {})},
            limit=_LINE_LIMIT_BYTES,
        )
        self.tell(config.to_json())
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        self._pumps = [
            asyncio.create_task(self._pump_events(self._process.stdout)),
            asyncio.create_task(self._pump_log(self._process.stderr)),
        ]

    def tell(self, line: bytes) -> None:
        """Send a line to the process, if it is there to read it."""
        if self._process is not None and self._process.stdin is not None:
            with contextlib.suppress(OSError, RuntimeError):
                self._process.stdin.write(line)

    async def until_ready(self) -> None:
        """Wait until the process serves. Raises TargetError, with the end of its log, when it does not."""
        assert self._process is not None
        ended = asyncio.create_task(self._process.wait())
        ready = asyncio.create_task(self.ready.wait())
        done, pending = await asyncio.wait(
            {ended, ready}, timeout=READY_TIMEOUT_S, return_when=asyncio.FIRST_COMPLETED
        )
        for task in pending:
            task.cancel()
        if ready in done:
            return
        if ended in done:
            await asyncio.gather(*self._pumps, return_exceptions=True)
            why = f"{describe_exit(self._process.returncode or 0)} before it was ready"
        else:
            why = f"was not ready after {READY_TIMEOUT_S:.0f} s"
        last = " | ".join(line for line in list(self.log.tail)[-3:] if line)
        raise TargetError(f"The process {self._module} {why}: {last or 'it said nothing'}")

    async def wait(self) -> int:
        """The process's exit code once it ends (negative: a signal); nothing that it started is left."""
        assert self._process is not None
        code = await self._process.wait()
        self._end_group()
        await asyncio.gather(*self._pumps, return_exceptions=True)
        return code

    async def stop(self) -> None:
        """Ask the process to stop, and make it when it does not."""
        process = self._process
        if process is None or process.returncode is not None:
            return
        if process.stdin is not None:
            process.stdin.close()
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        try:
            await asyncio.wait_for(process.wait(), STOP_TIMEOUT_S)
        except TimeoutError:
            self.kill()
            await process.wait()
        self._end_group()

    def kill(self) -> None:
        """End the process and all that it started, now."""
        self._end_group()

    def _end_group(self) -> None:
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)

    async def _pump_events(self, stream: asyncio.StreamReader) -> None:
        async for line in stream:
            event = orjson.loads(line)
            if event.get("event") == "ready":
                self.ready.set()

    async def _pump_log(self, stream: asyncio.StreamReader) -> None:
        while True:
            try:
                line = await stream.readline()
            except ValueError:  # a line beyond the limit: what came of it is dropped
                continue
            if not line:
                return
            self.log.write(line)


def describe_exit(code: int) -> str:
    """How a process ended, in words."""
    if code >= 0:
        return f"ended with exit code {code}"
    try:
        return f"was killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"was killed by signal {-code}"
