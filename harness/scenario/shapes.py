"""How many requests a second, by stream, as a pure function of time.

A stream is what a request carries: `registration`, `location`, or `location_flush` (a device that was offline
sends what it gathered in one request). All rates are in requests a second, times in seconds since the start
of the run. A shape has a length of its own (`duration_s`) and is stretched or squeezed onto the run's; that
moves its curve through the run faster or slower and leaves its rates as they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from harness.errors import UsageError
from harness.scenario.checks import in_range, whole
from harness.scenario.population import Population

FloatArray = NDArray[np.float64]

REGISTRATION = "registration"
LOCATION = "location"
LOCATION_FLUSH = "location_flush"
STREAMS = (REGISTRATION, LOCATION, LOCATION_FLUSH)

MAX_RATE_PER_S = 1_000_000.0
MAX_DURATION_S = 7 * 86_400.0
DAY_S = 86_400.0


class Shape(Protocol):
    """The form of the traffic over time."""

    @property
    def duration_s(self) -> float:
        """How long it lasts when nobody says otherwise."""

    @property
    def cadence_s(self) -> float:
        """Seconds between two locations of a tracked device."""

    @property
    def flush_events(self) -> int:
        """How many events a `location_flush` carries."""

    def rates(self, share_of_run: FloatArray, population: Population) -> Mapping[str, FloatArray]:
        """Requests a second of each stream at these moments, given as shares of the run (0 to 1)."""


Mix = tuple[tuple[str, float], ...]


def _check_mix(mix: Mix) -> None:
    if not mix:
        raise UsageError("A mix needs at least one stream.")
    for stream, share in mix:
        if stream not in STREAMS:
            raise UsageError(f"'{stream}' is no stream.", f"Write one of {', '.join(STREAMS)}.")
        in_range(f"the share of {stream} in a mix", share, 0, 1e9)
    in_range("the sum of a mix", sum(share for _, share in mix), 1e-9, 1e12)


def _check_locations(cadence_s: float, flush_events: int) -> None:
    in_range("the location cadence, in seconds,", cadence_s, 0.1, DAY_S)
    whole("the number of locations in a flush", flush_events, 2, 500)


def _split(total: FloatArray, mix: Mix) -> dict[str, FloatArray]:
    whole_mix = sum(share for _, share in mix)
    return {stream: total * (share / whole_mix) for stream, share in mix}


@dataclass(frozen=True, slots=True)
class Constant:
    """The same rate from start to end."""

    per_s: float
    mix: Mix = ((LOCATION, 1.0),)
    duration_s: float = 60.0
    cadence_s: float = 10.0
    flush_events: int = 20

    def __post_init__(self) -> None:
        in_range("the rate, in requests a second,", self.per_s, 1e-6, MAX_RATE_PER_S)
        in_range("the duration, in seconds,", self.duration_s, 0.1, MAX_DURATION_S)
        _check_locations(self.cadence_s, self.flush_events)
        _check_mix(self.mix)

    def rates(self, share_of_run: FloatArray, population: Population) -> Mapping[str, FloatArray]:  # noqa: ARG002
        """See `Shape`."""
        return _split(np.full_like(share_of_run, self.per_s), self.mix)


@dataclass(frozen=True, slots=True)
class Stages:
    """A rate that moves in straight lines: from `start_per_s` over each (seconds, rate at its end)."""

    stages: tuple[tuple[float, float], ...]
    start_per_s: float = 0.0
    mix: Mix = ((LOCATION, 1.0),)
    cadence_s: float = 10.0
    flush_events: int = 20

    def __post_init__(self) -> None:
        if not self.stages:
            raise UsageError("Stages need at least one stage: (seconds, rate at its end).")
        for seconds, rate in self.stages:
            in_range("the length of a stage, in seconds,", seconds, 0.001, MAX_DURATION_S)
            in_range("the rate of a stage, in requests a second,", rate, 0, MAX_RATE_PER_S)
        in_range("the rate at the start, in requests a second,", self.start_per_s, 0, MAX_RATE_PER_S)
        in_range("the highest rate of all stages", max(rate for _, rate in self.stages), 1e-6, MAX_RATE_PER_S)
        _check_locations(self.cadence_s, self.flush_events)
        _check_mix(self.mix)

    @property
    def duration_s(self) -> float:
        """All stages together."""
        return sum(seconds for seconds, _ in self.stages)

    def rates(self, share_of_run: FloatArray, population: Population) -> Mapping[str, FloatArray]:  # noqa: ARG002
        """See `Shape`."""
        ends = np.cumsum([seconds for seconds, _ in self.stages])
        knots = np.concatenate(([0.0], ends / ends[-1]))
        values = np.array([self.start_per_s, *(rate for _, rate in self.stages)])
        return _split(np.interp(share_of_run, knots, values), self.mix)


# Relative activity of a ride-sharing app's users by local hour, from a quiet night over the morning
# commute to the evening. Assumed; the mean of the day is brought to 1 where it is used.
HOURLY_ACTIVITY = (
    0.35, 0.22, 0.15, 0.12, 0.18, 0.40, 0.80, 1.25, 1.40, 1.05, 0.90, 0.95,
    1.05, 1.00, 1.00, 1.10, 1.35, 1.75, 2.00, 1.85, 1.60, 1.35, 1.00, 0.60,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Launch:
    """A customer's launch: `devices` install its app over the day, on a logistic curve with its middle at
    `adoption_midpoint_h` (UTC) and e-folding time `adoption_width_h`.

    `registers` is when the app registers its device: at every `app_launch` (the bug), or at every
    `tracking_start` (as the SDK means it)."""

    devices: int
    registers: Literal["app_launch", "tracking_start"]
    app_launches_per_day: float
    adoption_midpoint_h: float = 8.0
    adoption_width_h: float = 1.5

    def __post_init__(self) -> None:
        whole("the number of devices of a launch", self.devices, 1, 1_000_000_000)
        if self.registers not in ("app_launch", "tracking_start"):
            raise UsageError(
                f"A launch registers at app_launch or at tracking_start, not {self.registers!r}."
            )
        in_range("the app launches per device and day", self.app_launches_per_day, 1e-3, 10_000)
        in_range("the hour of half adoption", self.adoption_midpoint_h, -240, 240)
        in_range("the width of the adoption curve, in hours,", self.adoption_width_h, 0.01, 240)

    def adopted(self, hour: FloatArray) -> FloatArray:
        """The share of devices that have the app at `hour`, UTC."""
        result: FloatArray = 1.0 / (1.0 + np.exp(-(hour - self.adoption_midpoint_h) / self.adoption_width_h))
        return result


@dataclass(frozen=True, slots=True)
class LaunchDay:
    """A day (UTC) of a platform with `resident_devices`, and a launch on it or none.

    A device starts tracking `tracking_starts_per_day` times for `tracking_session_s` each, and sends a
    location every `cadence_s` while it is tracked. `offline_share` of the locations are gathered offline
    and flushed in batches of `flush_events`. `hours` is the part of the day that is rehearsed."""

    resident_devices: int
    launch: Launch | None = None
    tracking_starts_per_day: float = 0.05
    tracking_session_s: float = 1200.0
    cadence_s: float = 10.0
    offline_share: float = 0.0
    flush_events: int = 20
    hours: tuple[float, float] = (0.0, 24.0)
    duration_s: float = 60.0

    def __post_init__(self) -> None:
        whole("the number of resident devices", self.resident_devices, 1, 1_000_000_000)
        in_range("the tracking starts per device and day", self.tracking_starts_per_day, 1e-6, 10_000)
        in_range("the length of a tracking session, in seconds,", self.tracking_session_s, 1, DAY_S)
        _check_locations(self.cadence_s, self.flush_events)
        in_range("the share of locations gathered offline", self.offline_share, 0, 1)
        in_range("the duration, in seconds,", self.duration_s, 0.1, MAX_DURATION_S)
        in_range("the first hour of the day", self.hours[0], 0, 24)
        in_range("the last hour of the day", self.hours[1], self.hours[0] + 0.01, 48)

    def rates(self, share_of_run: FloatArray, population: Population) -> Mapping[str, FloatArray]:
        """See `Shape`."""
        hour = self.hours[0] + share_of_run * (self.hours[1] - self.hours[0])
        activity = _activity(hour, population)
        active = np.full_like(hour, float(self.resident_devices))
        registrations = active * self.tracking_starts_per_day
        if self.launch is not None:
            adopted = self.launch.devices * self.launch.adopted(hour)
            at_launch = self.launch.registers == "app_launch"
            per_day = self.launch.app_launches_per_day if at_launch else self.tracking_starts_per_day
            registrations = registrations + adopted * per_day
            active = active + adopted
        tracked = active * self.tracking_starts_per_day * self.tracking_session_s / DAY_S * activity
        locations = tracked / self.cadence_s
        rates = {
            REGISTRATION: registrations * activity / DAY_S,
            LOCATION: locations * (1.0 - self.offline_share),
        }
        if self.offline_share > 0:
            rates[LOCATION_FLUSH] = locations * self.offline_share / self.flush_events
        return rates


def city_activity(hour: FloatArray, population: Population) -> FloatArray:
    """Relative activity by city (rows) at the hours (columns), UTC: its share of the devices times its
    local time of day. The mean over a day and all cities is 1."""
    profile = np.array([*HOURLY_ACTIVITY, HOURLY_ACTIVITY[0]])
    profile = profile / profile[:-1].mean()
    shares = np.array([city.share for city in population.cities])
    local = [
        np.interp((hour + city.utc_offset_h) % 24.0, np.arange(25), profile) for city in population.cities
    ]
    result: FloatArray = np.stack(local) * (shares / shares.sum())[:, None]
    return result


def _activity(hour: FloatArray, population: Population) -> FloatArray:
    result: FloatArray = city_activity(hour, population).sum(axis=0)
    return result
