"""A time limit that costs nothing until something waits.

A stream in this process answers without ever waiting, and setting and clearing a timer would cost it as much
as a quarter of the whole execution. So the work is begun first, and the timer set when it waits.
"""

from __future__ import annotations

import asyncio
import types
from collections.abc import Coroutine, Generator
from functools import partial
from typing import Any, TypeVar

T = TypeVar("T")


async def within(timeout_s: float, work: Coroutine[Any, Any, T]) -> T:
    """What `work` gives. Raises TimeoutError, and cancels it, when it waits for longer."""
    try:
        pending = work.send(None)
    except StopIteration as done:
        value: T = done.value
        return value
    async with asyncio.timeout(timeout_s):
        return await _resumed(pending, work)


@types.coroutine
def _resumed(pending: Any, work: Coroutine[Any, Any, T]) -> Generator[Any, Any, T]:
    """Go on with `work`, which waits for `pending`, as `await work` would."""
    while True:
        try:
            sent = yield pending
        except BaseException as error:
            resume = partial(work.throw, error)
        else:
            resume = partial(work.send, sent)
        try:
            pending = resume()
        except StopIteration as done:
            value: T = done.value
            return value
