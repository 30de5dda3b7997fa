"""Waiting for something new in a stream, so that an idle reader costs nothing: asked instead of polled."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

MAX_WAIT_S = 20.0


class Arrivals:
    """Those who wait for one stream. Whoever changes the stream says `tell` while somebody is `waiting`: to
    look whether somebody is costs a writer next to nothing."""

    __slots__ = ("waiting",)

    def __init__(self) -> None:
        self.waiting: list[asyncio.Future[None]] = []

    def tell(self) -> None:
        """Something is new."""
        told, self.waiting = self.waiting, []
        for future in told:
            if not future.done():
                future.set_result(None)

    async def wait_while(self, unchanged: Callable[[], bool], wait_s: float) -> None:
        """Return when `unchanged` is false or `wait_s` seconds (of the loop) have passed."""
        try:
            async with asyncio.timeout(wait_s):
                while unchanged():
                    future = asyncio.get_running_loop().create_future()
                    self.waiting.append(future)
                    try:
                        await future
                    finally:
                        if future in self.waiting:
                            self.waiting.remove(future)
        except TimeoutError:
            return
