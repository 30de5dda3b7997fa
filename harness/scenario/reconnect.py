"""The shape of an outage: devices track on, gather what they cannot send, and all come back with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from harness.errors import UsageError
from harness.scenario.checks import in_range
from harness.scenario.population import Population
from harness.scenario.shapes import DAY_S, LOCATION, LOCATION_FLUSH, MAX_RATE_PER_S, FloatArray

MAX_FLUSH_EVENTS = 500


@dataclass(frozen=True, slots=True)
class Reconnect:
    """`per_s` locations a second, one each `cadence_s` from every tracked device, for `before_s`. Then
    nothing arrives for `outage_s`. Then each of these devices sends what it gathered, in one request, at a
    moment of its own within `within_s`, and goes on as before for the rest of `after_s`.

    `within_s` is what a client's jitter is: devices without any come back within a second, as fast as they
    notice."""

    per_s: float
    before_s: float = 10.0
    outage_s: float = 20.0
    after_s: float = 20.0
    within_s: float = 1.0
    cadence_s: float = 2.0

    def __post_init__(self) -> None:
        in_range("the rate, in requests a second,", self.per_s, 1e-6, MAX_RATE_PER_S)
        in_range("the location cadence, in seconds,", self.cadence_s, 0.1, DAY_S)
        for what, seconds in (
            ("the time before an outage", self.before_s),
            ("an outage", self.outage_s),
            ("the time after an outage", self.after_s),
            ("the time within which devices come back", self.within_s),
        ):
            in_range(f"{what}, in seconds,", seconds, 0.1, DAY_S)
        if not 2 <= self.flush_events <= MAX_FLUSH_EVENTS:
            raise UsageError(
                f"In an outage of {self.outage_s:g} s a device gathers {self.flush_events} locations; "
                f"a flush carries from 2 to {MAX_FLUSH_EVENTS}.",
                "Change the outage or the cadence.",
            )
        if self.within_s > self.after_s:
            raise UsageError("Devices come back within the time after the outage, and not later.")

    @property
    def duration_s(self) -> float:
        """Before, outage and after."""
        return self.before_s + self.outage_s + self.after_s

    @property
    def flush_events(self) -> int:
        """What a device gathers in the outage."""
        return int(self.outage_s / self.cadence_s + 1e-9)

    def rates(self, share_of_run: FloatArray, population: Population) -> Mapping[str, FloatArray]:  # noqa: ARG002
        """See `Shape`."""
        at_s = share_of_run * self.duration_s
        back_s = at_s - self.before_s - self.outage_s
        returned = np.clip(back_s / self.within_s, 0.0, 1.0)
        tracked = self.per_s * self.cadence_s
        coming = (back_s >= 0.0) & (back_s < self.within_s)
        return {
            LOCATION: self.per_s * np.where(at_s < self.before_s, 1.0, returned),
            LOCATION_FLUSH: np.where(coming, tracked / self.within_s, 0.0),
        }
