"""Waiting for another process, with a deadline: there is no clock of it that a test could move on."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

_T = TypeVar("_T")


def until(look: Callable[[], _T | None], what: str, *, within_s: float = 60.0, every_s: float = 0.05) -> _T:
    """Look again and again until what is seen is true, and return it. AssertionError names `what` when the
    time is over."""
    deadline = time.monotonic() + within_s
    while True:
        seen = look()
        if seen:
            return seen
        assert time.monotonic() < deadline, f"not within {within_s:.0f} s: {what}"
        time.sleep(every_s)
