"""What every supervisor is: it starts processes, is told to stop by a signal or by its lifeline, and leaves
nothing behind."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sys
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.aws.limits.profiles import Limits
from harness.emulator.machine import claim_data_dir, raise_file_limit

Say = Callable[[Mapping[str, Any]], None]


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What a person chooses. `port` 0 is any free one; `lifeline`: end when standard input does; `temporary`:
    remove the data directory at the end."""

    port: int
    data_dir: Path
    logs_dir: Path
    limits: Limits
    region: str = "us-east-1"
    allow_origins: tuple[str, ...] = ()
    lifeline: bool = False
    temporary: bool = False


class Supervising(ABC):
    """A supervisor, while `run` runs. `say` is told of events (ready, incident, warning)."""

    def __init__(self, settings: Settings, say: Say) -> None:
        self._settings = settings
        self._say = say
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Serve until a signal or the lifeline says to stop. Raises what `_serve` does; nothing is left
        running then."""
        warning = raise_file_limit()
        if warning is not None:
            self._say({"event": "warning", "message": warning})
        self._watch_signals()
        with claim_data_dir(self._settings.data_dir):
            try:
                await self._serve()
            finally:
                self._stopping.set()
                await self._stop()
                if self._settings.temporary:
                    shutil.rmtree(self._settings.data_dir, ignore_errors=True)

    @abstractmethod
    async def _serve(self) -> None:
        """Start everything, say that it is ready, and be there until `_stopping`. Raises PortInUse or
        TargetError when it cannot be started."""

    @abstractmethod
    async def _stop(self) -> None:
        """End everything in order."""

    @abstractmethod
    def _kill(self) -> None:
        """End every process now: somebody asked twice."""

    async def _before_stopping(self, work: Awaitable[object]) -> bool:
        """Whether `work` was done before we were told to stop; it is cancelled if not. Raises what it did."""
        task = asyncio.ensure_future(work)
        stopping = asyncio.ensure_future(self._stopping.wait())
        waited: set[asyncio.Future[Any]] = {task, stopping}
        await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if task.done():
            task.result()
            return True
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        return False

    def _watch_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._on_signal)
        if self._settings.lifeline:
            loop.add_reader(sys.stdin.fileno(), self._on_lifeline)

    def _on_signal(self) -> None:
        if self._stopping.is_set():
            self._kill()
        self._stopping.set()

    def _on_lifeline(self) -> None:
        if not os.read(sys.stdin.fileno(), 4096):
            asyncio.get_running_loop().remove_reader(sys.stdin.fileno())
            self._stopping.set()
