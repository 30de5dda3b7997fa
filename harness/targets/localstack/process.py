"""LocalStack's process, from its start to its end and that of all that it started."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Mapping
from pathlib import Path

import psutil

from harness.emulator.children import BoundedLog, describe_exit
from harness.errors import TargetError
from harness.targets.localstack.variables import INSTANCE_VARIABLE

READY_TIMEOUT_S = 75.0
STOP_TIMEOUT_S = 12.0
"""LocalStack takes about 5 s to stop in order."""
_LAUNCHER = Path(__file__).with_name("launcher.py")
_READY = b"Ready."
"""What LocalStack prints when it serves (localstack.constants.READY_MARKER_OUTPUT)."""
_LOOK_S = 0.05
_LINE_LIMIT_BYTES = 1_000_000
_LAST_LINES = 6


class LocalStackProcess:
    """LocalStack in `python`'s environment, with `variables` and nothing else in its own."""

    def __init__(self, python: Path, variables: Mapping[str, str], folder: Path, log_path: Path) -> None:
        self._python = python
        self._variables = variables
        self._folder = folder
        self._process: asyncio.subprocess.Process | None = None
        self._pump: asyncio.Task[None] | None = None
        self._ready = asyncio.Event()
        self._log_path = log_path
        self._log = BoundedLog(log_path)

    @property
    def pid(self) -> int | None:
        """Its process id, once started."""
        return self._process.pid if self._process is not None else None

    async def start(self) -> None:
        """Start the process; see `until_ready`."""
        self._process = await asyncio.create_subprocess_exec(
            str(self._python),
            "-P",  # the launcher's folder holds modules of other names' sake
            str(_LAUNCHER),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
            env=dict(self._variables),
            cwd=self._folder,
            limit=_LINE_LIMIT_BYTES,
        )
        assert self._process.stdout is not None
        self._pump = asyncio.create_task(self._read(self._process.stdout))

    async def until_ready(self) -> None:
        """Wait until it serves. Raises TargetError, with the last lines of its log, when it does not."""
        assert self._process is not None
        assert self._pump is not None
        ended = asyncio.create_task(self._exited())
        ready = asyncio.create_task(self._ready.wait())
        done, pending = await asyncio.wait(
            {ended, ready}, timeout=READY_TIMEOUT_S, return_when=asyncio.FIRST_COMPLETED
        )
        for task in pending:
            task.cancel()
        if ready in done:
            return
        if ended in done:
            await asyncio.gather(self._pump, return_exceptions=True)
            why = f"{describe_exit(self._process.returncode or 0)} before it was ready"
        else:
            why = f"was not ready after {READY_TIMEOUT_S:.0f} s"
        last = self.last_words()
        says = f"ends with: {last}" if last else "is empty."
        raise TargetError(f"LocalStack {why}; its log, {self._log_path}, {says}")

    def last_words(self) -> str:
        """The last lines of its log, in one; empty when it has none."""
        lines = [line for line in self._log.tail if line]
        return " | ".join(lines[-_LAST_LINES:])

    async def wait(self) -> int:
        """Its exit code once it ends (negative: a signal); nothing that it started is left."""
        code = await self._exited()
        await asyncio.to_thread(self._end_the_rest)
        if self._pump is not None:
            await asyncio.gather(self._pump, return_exceptions=True)
        return code

    async def stop(self) -> None:
        """Ask it to stop, and make it when it does not. Nothing that it started is left."""
        process = self._process
        if process is None:
            return
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
            try:
                await asyncio.wait_for(self._exited(), STOP_TIMEOUT_S)
            except TimeoutError:
                self.kill()
                await self._exited()
        await asyncio.to_thread(self._end_the_rest)
        if self._pump is not None:
            await asyncio.gather(self._pump, return_exceptions=True)
        self._log.close()

    def kill(self) -> None:
        """End the process now."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)

    async def _exited(self) -> int:
        """The exit code, as soon as there is one. `Process.wait` waits for the end of its pipes, too, which
        something that LocalStack started may have inherited."""
        assert self._process is not None
        while self._process.returncode is None:
            await asyncio.sleep(_LOOK_S)
        return self._process.returncode

    def _end_the_rest(self) -> None:
        """End what has this LocalStack's name in its environment: what it starts has sessions of its own."""
        for process in instances(self._variables[INSTANCE_VARIABLE]):
            with contextlib.suppress(psutil.Error):
                process.kill()
                process.wait(STOP_TIMEOUT_S)

    async def _read(self, stream: asyncio.StreamReader) -> None:
        while True:
            try:
                line = await stream.readline()
            except ValueError:  # a line beyond the limit: what came of it is dropped
                continue
            if not line:
                return
            self._log.write(line)
            if line.strip() == _READY:
                self._ready.set()


def instances(name: str) -> list[psutil.Process]:
    """The processes that LocalStack of the instance `name` is and started."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.environ().get(INSTANCE_VARIABLE) == name:
                found.append(process)
    return found
