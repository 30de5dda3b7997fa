"""Some consecutive arrivals as arrays."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from harness.load.devices import IntArray
from harness.scenario import FLAWS, LOCATION, LOCATION_FLUSH, REGISTRATION, STREAMS
from harness.scenario.shapes import FloatArray

REGISTRATION_CODE = STREAMS.index(REGISTRATION)
LOCATION_CODE = STREAMS.index(LOCATION)
FLUSH_CODE = STREAMS.index(LOCATION_FLUSH)
FIRST_CALL_CODE = len(STREAMS)

FLAWLESS = 0
FLAW_CODES = {flaw: code for code, flaw in enumerate(FLAWS, start=1)}


@dataclass(frozen=True, slots=True)
class Chunk:
    """A row an arrival. Times are in seconds since the start of the run.

    `index` counts arrivals, `ordinal` is that of the arrival's first event, of `events` in a row. `stream` is
    an index into STREAMS, or beyond them into the scenario's calls, which carry no events; `flaw` is a
    FLAW_CODES code or 0. `recorded_s` is when it happened,
    as the device says, and what follows where the device was then (the last of the fixes, for a flush).
    `accuracy` is NaN where the device may choose; `noise` in [0, 1) is what it chooses by."""

    index: IntArray
    at_s: FloatArray
    stream: NDArray[np.uint8]
    device: IntArray
    account: NDArray[np.int32]
    ordinal: IntArray
    events: NDArray[np.int32]
    flaw: NDArray[np.uint8]
    recorded_s: FloatArray
    lat: FloatArray
    lon: FloatArray
    speed: FloatArray
    bearing: FloatArray
    accuracy: FloatArray
    noise: FloatArray

    def __len__(self) -> int:
        return len(self.index)

    def of_worker(self, k: int, n: int) -> Chunk:
        """The rows that worker `k` of `n` takes: those whose index is k modulo n."""
        if n == 1:
            return self
        mine = slice((k - int(self.index[0])) % n, None, n)
        return Chunk(**{field.name: getattr(self, field.name)[mine] for field in fields(self)})
