"""A token bucket that takes the time and answers with a wait; it never sleeps and never reads a clock."""

from __future__ import annotations

import math


class TokenBucket:
    """`rate_per_s` tokens a second, at most `burst` at once. An infinite rate always grants.

    Raises ValueError for a negative rate or a burst below zero.
    """

    __slots__ = ("_level", "_updated_s", "burst", "rate_per_s")

    def __init__(self, rate_per_s: float, burst: float, now_s: float = 0.0) -> None:
        if rate_per_s < 0 or burst < 0:
            raise ValueError(f"a bucket needs a rate and a burst of 0 or more, not {rate_per_s}, {burst}")
        self.rate_per_s = rate_per_s
        self.burst = burst
        self._level = burst
        self._updated_s = now_s

    def take(self, now_s: float, tokens: float = 1.0) -> float:
        """Take `tokens` and return 0.0, or take none and return the seconds until they could be had
        (infinity when they never can). Time that runs backwards adds nothing."""
        if self.rate_per_s == math.inf:
            return 0.0
        if now_s > self._updated_s:
            self._level = min(self.burst, self._level + (now_s - self._updated_s) * self.rate_per_s)
            self._updated_s = now_s
        if tokens <= self._level:
            self._level -= tokens
            return 0.0
        if tokens > self.burst or self.rate_per_s == 0:
            return math.inf
        return (tokens - self._level) / self.rate_per_s

    def level(self, now_s: float) -> float:
        """Tokens that could be taken at `now_s`."""
        if self.rate_per_s == math.inf:
            return math.inf
        return min(self.burst, self._level + max(0.0, now_s - self._updated_s) * self.rate_per_s)
