"""Traffic from a recording: any CSV of time and place.

A row of a file without a vehicle column is a pickup: an app launch at that time and place (a registration),
then the locations of a trip that starts there. A row with a vehicle is that device's location. Arrivals are
compressed; what each event says of its own time keeps the trace's spacing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harness.errors import UsageError
from harness.scenario.checks import in_range, whole
from harness.scenario.population import Population
from harness.scenario.shapes import LOCATION, REGISTRATION, FloatArray
from harness.scenario.trace_file import TraceRows, read_trace

IntArray = NDArray[np.int64]

_BINS = 120
_DEFAULT_MEAN_PER_S = 250.0  # what two cores hold with the whole product on them
_DEFAULT_SHORTEST_S = 60.0
_METRES_PER_DEGREE = 111_320.0


@dataclass(frozen=True, slots=True)
class TraceEvents:
    """The events of a trace in the order of their time, a row each. `time_s` on the trace's own clock;
    `speed` in m/s, `bearing` in degrees, `accuracy` in m, NaN where the trace does not say."""

    time_s: FloatArray
    registration: NDArray[np.bool_]
    device: IntArray
    lat: FloatArray
    lon: FloatArray
    speed: FloatArray
    bearing: FloatArray
    accuracy: FloatArray
    devices: int


@dataclass(frozen=True)
class Trace:
    """A recording, replayed `compress` times as fast as it was. Without a path it is waiting for one.

    A pickup goes on as a trip: `trip_locations` fixes, one each `cadence_s` of the trace's clock, at
    `trip_speed` m/s in a direction of its own. Without `compress`, the run takes a minute or as long as keeps
    the mean at 250 requests a second, whichever is longer."""

    path: Path | None = None
    compress: float | None = None
    trip_locations: int = 4
    trip_speed: float = 8.0
    cadence_s: float = 30.0
    rows: TraceRows | None = field(default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        whole("the number of locations of a trip", self.trip_locations, 1, 1_000)
        in_range("the speed of a trip, in m/s,", self.trip_speed, 0.1, 90)
        in_range("the location cadence, in seconds,", self.cadence_s, 0.1, 86_400)
        if self.compress is not None:
            in_range("the compression of a trace", self.compress, 1, 1e7)

    @property
    def flush_events(self) -> int:
        """A trace has no flushes."""
        return 1

    def of(self, path: Path, compress: float | None = None) -> Trace:
        """The same from the file at `path`, read now. Raises UsageError: see `read_trace`."""
        rows = read_trace(path)
        read = Trace(path, compress, self.trip_locations, self.trip_speed, self.cadence_s, rows)
        if compress is not None:
            return read
        shortest_s = max(_DEFAULT_SHORTEST_S, len(read.events.time_s) / _DEFAULT_MEAN_PER_S)
        return Trace(
            path,
            max(1.0, read.span_s / shortest_s),
            self.trip_locations,
            self.trip_speed,
            self.cadence_s,
            rows,
        )

    @property
    def span_s(self) -> float:
        """From the first event to the last, on the trace's clock."""
        return float(self.events.time_s[-1] - self.events.time_s[0])

    @property
    def duration_s(self) -> float:
        """How long the replay takes."""
        return self.span_s / (self.compress or 1.0)

    @cached_property
    def events(self) -> TraceEvents:
        """What the rows amount to. Raises UsageError when there is no file yet."""
        if self.rows is None:
            raise UsageError("A replay needs a trace.", "Name a CSV of time and place: --trace FILE.")
        rows = self.rows
        return _tracks(rows) if rows.vehicle is not None else self._trips(rows)

    def _trips(self, rows: TraceRows) -> TraceEvents:
        """A registration and `trip_locations` fixes for each pickup, which is a device of its own."""
        pickups, fixes = len(rows.time_s), self.trip_locations
        step = np.concatenate(([0.0], np.arange(fixes)))  # the registration, then fixes from the same place
        bearing = (np.arange(pickups) * 222.49223594996215) % 360.0  # a golden turn from one to the next
        run_m = step[None, :] * self.cadence_s * self.trip_speed
        turn = np.radians(bearing)[:, None]
        lat = rows.lat[:, None] + run_m * np.cos(turn) / _METRES_PER_DEGREE
        narrowing = np.cos(np.radians(rows.lat))[:, None].clip(0.01)
        lon = rows.lon[:, None] + run_m * np.sin(turn) / (_METRES_PER_DEGREE * narrowing)
        time_s = rows.time_s[:, None] + step[None, :] * self.cadence_s
        shape = (pickups, fixes + 1)
        order = np.argsort(time_s.ravel(), kind="stable")
        return TraceEvents(
            time_s=time_s.ravel()[order],
            registration=np.broadcast_to(np.arange(fixes + 1) == 0, shape).ravel()[order],
            device=np.repeat(np.arange(pickups), fixes + 1)[order],
            lat=lat.ravel()[order].clip(-90, 90),
            lon=((lon.ravel()[order] + 180.0) % 360.0) - 180.0,
            speed=np.full(time_s.size, self.trip_speed),
            bearing=np.repeat(bearing, fixes + 1)[order],
            accuracy=np.full(time_s.size, np.nan),
            devices=pickups,
        )

    def expected_requests(self) -> dict[str, float]:
        """Requests by stream in the whole trace."""
        registrations = int(self.events.registration.sum())
        return {
            REGISTRATION: float(registrations),
            LOCATION: float(len(self.events.time_s) - registrations),
        }

    def rates(self, share_of_run: FloatArray, population: Population) -> Mapping[str, FloatArray]:  # noqa: ARG002
        """See `Shape`: how many of the trace's events fall into each of 120 equal parts."""
        events = self.events
        share = (events.time_s - events.time_s[0]) / max(self.span_s, 1e-9)
        part_s = self.duration_s / _BINS
        at = np.minimum((share_of_run * _BINS).astype(np.int64), _BINS - 1)
        rates = {}
        for stream, chosen in ((REGISTRATION, events.registration), (LOCATION, ~events.registration)):
            counts = np.histogram(share[chosen], bins=_BINS, range=(0.0, 1.0))[0]
            rates[stream] = counts[at] / part_s
        return rates


def _tracks(rows: TraceRows) -> TraceEvents:
    assert rows.vehicle is not None
    order = np.argsort(rows.time_s, kind="stable")
    names, device = np.unique(rows.vehicle, return_inverse=True)
    return TraceEvents(
        time_s=rows.time_s[order],
        registration=np.zeros(len(order), dtype=np.bool_),
        device=device[order].astype(np.int64),
        lat=rows.lat[order],
        lon=rows.lon[order],
        speed=rows.speed[order],
        bearing=rows.bearing[order],
        accuracy=rows.accuracy[order],
        devices=len(names),
    )
