"""Which locations are flawed, and how: the same ones for the same seed, spread as evenly as shares allow.

A flaw that plays on the device's last good fix (`speed`, `duplicate`, `unchanged`, `late`) is left out where
the device has none that is recent enough for the flaw to be what it is called.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from harness.load.chunk import FLAW_CODES, FLAWLESS
from harness.load.devices import GOLDEN, IntArray
from harness.scenario.shapes import FloatArray

_ON_THE_LAST_FIX = tuple(FLAW_CODES[name] for name in ("speed", "duplicate", "unchanged", "late"))
_LEAVE_A_GOOD_FIX = (FLAWLESS, FLAW_CODES["resent"])
_RECENT_S = 55.0  # `unchanged` is within 60 s, `speed` is half a degree in at most this
_STALE_S = 25 * 3600.0
_FUTURE_S = 600.0


class Flaws:
    """Decides over the single locations in their order; location j is of tracking slot j modulo `slots`."""

    def __init__(self, shares: Sequence[tuple[str, float]], slots: int, cadence_s: float, seed: int) -> None:
        self._codes = np.array([*(FLAW_CODES[name] for name, _ in shares), FLAWLESS], dtype=np.uint8)
        self._upto = np.cumsum([share for _, share in shares])
        self._offset = float(np.random.default_rng([seed, 0xF1A75]).random())
        self._cadence_s = cadence_s
        self._last_good_s = np.full(slots, np.nan)

    def decide(self, first: int, at_s: FloatArray) -> tuple[NDArray[np.uint8], FloatArray, FloatArray]:
        """(flaw, recorded_s, placed_s) of the locations `first`, `first` + 1, … at `at_s`: the device says
        it recorded the fix at `recorded_s`, and is where it was at `placed_s`."""
        flaw = np.zeros(len(at_s), dtype=np.uint8)
        recorded_s, placed_s = at_s.copy(), at_s.copy()
        if not len(self._upto):
            return flaw, recorded_s, placed_s
        slots = len(self._last_good_s)
        for start in range(0, len(at_s), slots):  # within a round of all slots, each has one location
            part = slice(start, start + slots)
            number = np.arange(first + start, first + start + len(at_s[part]))
            flaw[part] = self._round(number, at_s[part], recorded_s[part], placed_s[part])
        return flaw, recorded_s, placed_s

    def _round(
        self, number: IntArray, at_s: FloatArray, recorded_s: FloatArray, placed_s: FloatArray
    ) -> NDArray[np.uint8]:
        slot = number % len(self._last_good_s)
        last_s = self._last_good_s[slot]
        even = (number * GOLDEN + self._offset) % 1.0
        flaw = self._codes[np.searchsorted(self._upto, even, side="right")]
        recent = at_s - last_s < _RECENT_S  # False where there is no last one
        flaw[np.isin(flaw, _ON_THE_LAST_FIX) & ~recent] = FLAWLESS

        recorded_s[flaw == FLAW_CODES["stale"]] -= _STALE_S
        recorded_s[flaw == FLAW_CODES["future"]] += _FUTURE_S
        duplicate = flaw == FLAW_CODES["duplicate"]
        recorded_s[duplicate] = placed_s[duplicate] = last_s[duplicate]
        late = flaw == FLAW_CODES["late"]
        recorded_s[late] = placed_s[late] = last_s[late] - self._cadence_s / 2
        unchanged = flaw == FLAW_CODES["unchanged"]
        placed_s[unchanged] = last_s[unchanged]

        good = np.isin(flaw, _LEAVE_A_GOOD_FIX)
        self._last_good_s[slot[good]] = at_s[good]
        self._last_good_s[slot[flaw == FLAW_CODES["unanswered"]]] = np.nan  # nobody knows whether it arrived
        return flaw
