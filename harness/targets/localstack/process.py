"""LocalStack's process, from its start to its end and that of all that it started."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from pathlib import Path

import psutil

from harness.emulator.children import Process
from harness.targets.localstack.variables import INSTANCE_VARIABLE

_LAUNCHER = Path(__file__).with_name("launcher.py")
_READY = b"Ready."
"""What LocalStack prints when it serves (localstack.constants.READY_MARKER_OUTPUT)."""
_LOOK_S = 0.05


class LocalStackProcess(Process):
    """LocalStack in `python`'s environment, with `variables` and nothing else in its own."""

    ready_timeout_s = 75.0
    stop_timeout_s = 12.0  # it takes about 5 s to stop in order

    def __init__(self, python: Path, variables: Mapping[str, str], folder: Path, log_path: Path) -> None:
        super().__init__(log_path)
        self._python = python
        self._variables = variables
        self._folder = folder
        self._log_path = log_path

    async def start(self) -> None:
        """Start the process; see `until_ready`."""
        process = await self._spawn(
            str(self._python),
            "-P",  # the launcher's folder holds modules of other names' sake
            str(_LAUNCHER),
            stderr=asyncio.subprocess.STDOUT,
            env=dict(self._variables),
            cwd=self._folder,
        )
        assert process.stdout is not None
        self._pumps = [asyncio.create_task(self._keep_log(process.stdout))]

    def _not_ready(self, why: str) -> str:
        last = self.last_words()
        says = f"ends with: {last}" if last else "is empty."
        return f"LocalStack {why}; its log, {self._log_path}, {says}"

    def _logged(self, line: bytes) -> None:
        if line.strip() == _READY:
            self.ready.set()

    async def _exited(self) -> int:
        """The exit code, as soon as there is one. asyncio waits for the end of its pipes,
        too, which something that LocalStack started may have inherited."""
        assert self._process is not None
        while self._process.returncode is None:
            await asyncio.sleep(_LOOK_S)
        return self._process.returncode

    async def _end_the_rest(self) -> None:
        """End what has this LocalStack's name in its environment: what it starts has sessions of its own."""
        await asyncio.to_thread(_end_instances, self._variables[INSTANCE_VARIABLE], self.stop_timeout_s)


def _end_instances(name: str, within_s: float) -> None:
    for process in instances(name):
        with contextlib.suppress(psutil.Error):
            process.kill()
            process.wait(within_s)


def instances(name: str) -> list[psutil.Process]:
    """The processes that LocalStack of the instance `name` is and started."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.environ().get(INSTANCE_VARIABLE) == name:
                found.append(process)
    return found
