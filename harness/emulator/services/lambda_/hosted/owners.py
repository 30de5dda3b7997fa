"""Who owns environments: processes of this machine, whose end is noticed however it comes about."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import Callable

import psutil

from harness.emulator.services.lambda_.hosted.refusal import NotHosted

LOOK_EVERY_S = 1.0


class Owners:
    """Watches processes, and calls `on_end` with the pid of each once when it has ended."""

    def __init__(self, on_end: Callable[[int], None]) -> None:
        self._on_end = on_end
        self._watched: dict[int, Callable[[], None]] = {}
        """What to do to watch each no longer."""

    def watch(self, pid: int) -> None:
        """Watch a process from now on. Raises NotHosted when there is none."""
        if pid in self._watched:
            return
        if sys.platform == "linux":
            self._watch_descriptor(pid)
        else:
            self._watch_by_looking(pid)

    def close(self) -> None:
        """Watch none any longer."""
        for stop in self._watched.values():
            stop()
        self._watched.clear()

    def _ended(self, pid: int) -> None:
        self._watched.pop(pid)()
        self._on_end(pid)

    def _watch_descriptor(self, pid: int) -> None:
        """man: pidfd_open(2): the descriptor can be read when the process has ended."""
        loop = asyncio.get_running_loop()
        try:
            descriptor = os.pidfd_open(pid)
        except OSError as error:
            raise _no_process(pid) from error
        loop.add_reader(descriptor, self._ended, pid)

        def stop() -> None:
            loop.remove_reader(descriptor)
            with contextlib.suppress(OSError):
                os.close(descriptor)

        self._watched[pid] = stop

    def _watch_by_looking(self, pid: int) -> None:
        try:
            process = psutil.Process(pid)
        except psutil.NoSuchProcess as error:
            raise _no_process(pid) from error
        task = asyncio.get_running_loop().create_task(self._look(process))

        def stop() -> None:
            task.cancel()

        self._watched[pid] = stop

    async def _look(self, process: psutil.Process) -> None:
        with contextlib.suppress(psutil.NoSuchProcess):  # it ended between the two questions
            while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
                await asyncio.sleep(LOOK_EVERY_S)
        self._ended(process.pid)


def _no_process(pid: int) -> NotHosted:
    return NotHosted(f"There is no process {pid} on this machine that could own an environment.")
