"""What the answers said of each event, as `load/acceptance.npy` keeps it: one uint8 by ordinal."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

NOT_SENT: Final = 0
"""The event was never sent: its start was dropped, or the run ended before it."""
ACCEPTED: Final = 1
THROTTLED: Final = 2
FAILED: Final = 3
INDETERMINATE: Final = 4
"""It was sent and never answered: it may have arrived or not."""

NAMES: Final = ("not_sent", "accepted", "throttled", "failed", "indeterminate")
"""The words for the codes, by code."""

AcceptanceArray = NDArray[np.uint8]


def count(acceptance: AcceptanceArray) -> dict[str, int]:
    """How many events have each code, by name. Raises ValueError for a code that is none of them."""
    counts = np.bincount(acceptance, minlength=len(NAMES))
    if len(counts) > len(NAMES):
        raise ValueError(f"acceptance codes go to {len(NAMES) - 1}, not {len(counts) - 1}")
    return {name: int(n) for name, n in zip(NAMES, counts, strict=True)}
