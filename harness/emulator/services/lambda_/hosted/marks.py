"""By what the processes of an environment are told from all others: the value of one environment variable."""

from __future__ import annotations

import asyncio
import secrets

from harness.emulator.services.lambda_.environments.process import Sweeps
from harness.emulator.services.lambda_.hosted.guardian import Guardian


class Marks:
    """Marks in use: from a process's start until all that it left is swept. The guardian knows them, too."""

    def __init__(self, sweeps: Sweeps, guardian: Guardian) -> None:
        self._sweeps = sweeps
        self._guardian = guardian
        self._held: dict[str, asyncio.Task[None] | None] = {}
        """Each with the sweep that it waits for, when its process has ended."""

    async def claim(self, wished: str) -> str:
        """A mark that nothing else has: `wished`, after the sweep for the one that had it; while that one
        lives, `wished` with an ending."""
        sweeping = self._held.get(wished)
        if sweeping is not None:
            await asyncio.shield(sweeping)
        mark = wished
        while mark in self._held:
            mark = f"{wished}-{secrets.token_hex(4)}"
        self._held[mark] = None
        self._guardian.begin(mark)
        return mark

    def release(self, mark: str) -> None:
        """Its process has ended, and a sweep for it was asked for."""
        if mark in self._held and self._held[mark] is None:
            self._held[mark] = asyncio.get_running_loop().create_task(self._forget(mark))

    async def _forget(self, mark: str) -> None:
        await self._sweeps.settled()
        del self._held[mark]
        self._guardian.end(mark)

    async def close(self) -> None:
        """Wait for the sweeps of what has ended; the guardian ends, and with it what has not."""
        await asyncio.gather(*filter(None, self._held.values()), return_exceptions=True)
        await asyncio.to_thread(self._guardian.close)
