"""The time that the emulator's services go by: the machine's, until somebody sets it back.

Rates, windows, retries and expiry are computed from it. Were it to fall back by an hour, streams would be
throttled, shards unread and retries asleep for that hour. AWS's clock does not follow a laptop's.
"""

from __future__ import annotations

import time
from collections.abc import Callable

TOLERANCE_S = 1.0
"""Steps back up to this, as time servers ask for them, are followed."""


class SteadyClock:
    """Seconds since the epoch. Steps forward (a machine that slept) are followed; after a step back time goes
    on from where it was, until the machine's has caught up."""

    def __init__(
        self, wall: Callable[[], float] = time.time, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._wall = wall
        self._monotonic = monotonic
        self._ahead_s = wall() - monotonic()

    def __call__(self) -> float:
        """The time now."""
        wall_s = self._wall()
        since_s = (
            self._monotonic()
        )  # read second: a pause between the two looks like a step back, not forward
        ahead_s = wall_s - since_s
        if ahead_s < self._ahead_s - TOLERANCE_S:
            return self._ahead_s + since_s
        self._ahead_s = ahead_s
        return wall_s
