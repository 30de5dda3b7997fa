"""Decides when the next request starts; never reads a clock and never waits."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

from harness.load.events import Arrival


class Pace(NamedTuple):
    """What to do now: stop; or start the next request after `wait_s` (0: at once)."""

    wait_s: float
    stop: bool


_STOP = Pace(0.0, True)


class Pacer:
    """Goes through `arrivals`, which are in the order of their planned start.

    1. An arrival whose time has come is due at once, however late; none is skipped.
    2. Before the start (a negative time) the wait is to the first arrival.
    3. After the last arrival, and once stopped, there is nothing more: stop.
    """

    def __init__(self, arrivals: Iterator[Arrival]) -> None:
        self._arrivals = arrivals
        self._next = next(arrivals, None)

    def pace(self, elapsed_s: float) -> Pace:
        """What to do `elapsed_s` after the start. Raises ValueError when that is not a number."""
        if self._next is None:
            return _STOP
        if math.isnan(elapsed_s):
            raise ValueError("the time since the start is not a number")
        return Pace(max(0.0, self._next.at_s - elapsed_s), False)

    def take(self) -> Arrival:
        """The arrival that `pace` spoke of; from now on it speaks of the one after. Raises IndexError when
        there is none."""
        taken = self._next
        if taken is None:
            raise IndexError("no arrival is left")
        self._next = next(self._arrivals, None)
        return taken

    def stop(self) -> None:
        """Let nothing more start."""
        self._next = None
