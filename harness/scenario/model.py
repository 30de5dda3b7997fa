"""A scenario as a value: traffic from a population, what it must hold, and the day to set it beside."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import numpy as np

from harness.errors import UsageError
from harness.objectives import Objectives
from harness.scenario.checks import in_range, whole
from harness.scenario.population import MAX_ACCOUNTS, Population
from harness.scenario.reconnect import Reconnect
from harness.scenario.shapes import (
    LOCATION,
    LOCATION_FLUSH,
    MAX_DURATION_S,
    MAX_RATE_PER_S,
    REGISTRATION,
    STREAMS,
    Constant,
    FloatArray,
    Shape,
    Stages,
)
from harness.scenario.trace import Trace
from harness.scenario.watchers import Watchers

FLAWS = (
    "malformed",  # a field that cannot be
    "stale",  # recorded 25 hours ago
    "future",  # recorded in 10 minutes
    "accuracy",  # a fix of 250 m
    "speed",  # half a degree away from where the device was a moment ago
    "duplicate",  # the device's last fix again, as a new event
    "unchanged",  # the same place again within a minute
    "late",  # older than what the device sent last
    "resent",  # accepted, and sent again all the same
    "unanswered",  # the device hangs up once it has sent
    "poison",  # an event of the kind `poison`: bytes that are no event at all
)

MAX_CALLS = 100
"""Kinds of call in one scenario."""

POISON = "poison"
"""The kind of an event that is none."""

UNANSWERED = "unanswered"
"""The flaw of a device that hangs up."""

_GRID_POINTS = 2_001  # rates are smooth; a shape has no feature shorter than 1/2000 of its run


@dataclass(frozen=True, slots=True)
class Calls:
    """Requests that carry no event: a back end that polls, a front end that asks.

    `kind` is in the words of the pipeline, one of whose entrances takes it. `shape` says how many a second,
    and no more: what it is mixed of does not matter. Each asks for a device that is tracked, on behalf of
    the device's account."""

    kind: str
    shape: Constant | Stages

    def __post_init__(self) -> None:
        if not self.kind or self.kind in STREAMS:
            raise UsageError(f"'{self.kind}' is no kind of call: a stream of events has that name.")

    def rates(self, share_of_run: FloatArray, population: Population) -> FloatArray:
        """Requests a second at these moments, given as shares of the run (0 to 1)."""
        return _total(self.shape, share_of_run, population)


@dataclass(frozen=True, slots=True)
class Surge:
    """One account's devices register at the rates of `shape`, on top of all other traffic. Latency is kept
    apart for that account and for the `others`."""

    account: int
    shape: Constant | Stages

    def __post_init__(self) -> None:
        whole("the account of a surge", self.account, 0, MAX_ACCOUNTS - 1)

    @property
    def group(self) -> str:
        """How reports name the account."""
        return f"account {self.account}"

    def rates(self, share_of_run: FloatArray, population: Population) -> FloatArray:
        """Registrations a second at these moments, given as shares of the run (0 to 1)."""
        return _total(self.shape, share_of_run, population)


OTHERS = "other accounts"
"""How reports name the accounts that do not surge."""


def _total(shape: Shape, share_of_run: FloatArray, population: Population) -> FloatArray:
    rates: FloatArray = np.sum(list(shape.rates(share_of_run, population).values()), axis=0)
    return rates


@dataclass(frozen=True, slots=True)
class Traffic:
    """Arrivals over time. `scale` multiplies every rate. `flaws` are shares of the single locations."""

    shape: Shape
    spacing: Literal["poisson", "even"] = "poisson"
    scale: float = 1.0
    flaws: tuple[tuple[str, float], ...] = ()
    calls: tuple[Calls, ...] = ()
    surge: Surge | None = None

    @property
    def hangs_up(self) -> bool:
        """Whether some devices hang up on purpose, so that nobody knows of an answer."""
        return dict(self.flaws).get(UNANSWERED, 0.0) > 0

    def __post_init__(self) -> None:
        if self.spacing not in ("poisson", "even"):
            raise UsageError(f"Arrivals are spaced poisson or even, not {self.spacing!r}.")
        in_range("the scale of the traffic", self.scale, 1e-9, 1e9)
        for flaw, share in self.flaws:
            if flaw not in FLAWS:
                raise UsageError(f"'{flaw}' is no flaw.", f"Write one of {', '.join(FLAWS)}.")
            in_range(f"the share of the flaw '{flaw}'", share, 0, 1)
        in_range("the share of all flaws together", sum(share for _, share in self.flaws), 0, 1)
        if self.calls and isinstance(self.shape, Trace):
            raise UsageError("A replay sends what is in its trace, and no calls beside it.")
        if self.surge is not None and isinstance(self.shape, Trace):
            raise UsageError("A replay sends what is in its trace, and no surge beside it.")
        if len({call.kind for call in self.calls}) < len(self.calls):
            raise UsageError("A kind of call stands once in a scenario's traffic.")
        whole("the number of kinds of call", len(self.calls), 0, MAX_CALLS)

    def rates(self, at_s: FloatArray, duration_s: float, population: Population) -> dict[str, FloatArray]:
        """Requests a second by stream at `at_s`, in a run of `duration_s`; a kind of call is a stream too."""
        shares = np.clip(np.asarray(at_s, dtype=np.float64) / duration_s, 0.0, 1.0)
        rates = {
            **self.shape.rates(shares, population),
            **{call.kind: call.rates(shares, population) for call in self.calls},
        }
        if self.surge is not None:
            surging = self.surge.rates(shares, population)
            rates[REGISTRATION] = rates.get(REGISTRATION, 0.0) + surging
        return {stream: rate * self.scale for stream, rate in rates.items()}

    def surge_share(self, at_s: FloatArray, duration_s: float, population: Population) -> FloatArray:
        """The part of the registrations at `at_s` that is the surge's."""
        if self.surge is None:
            return np.zeros_like(at_s)
        shares = np.clip(at_s / duration_s, 0.0, 1.0)
        surging = self.surge.rates(shares, population) * self.scale
        return surging / np.maximum(self.rates(at_s, duration_s, population)[REGISTRATION], 1e-300)

    def streams(self, population: Population) -> frozenset[str]:
        """The streams that have any traffic at all."""
        expected = self.expected_requests(1.0, population)
        return frozenset(stream for stream, count in expected.items() if count > 0)

    def expected_requests(self, duration_s: float, population: Population) -> dict[str, float]:
        """Requests by stream in a whole run: the integral of the rates, or the count of a trace's rows."""
        if isinstance(self.shape, Trace):
            return self.shape.expected_requests()
        grid = np.linspace(0.0, duration_s, _GRID_POINTS)
        rates = self.rates(grid, duration_s, population)
        return {stream: float(np.trapezoid(rate, grid)) for stream, rate in rates.items()}

    def expected_events(self, duration_s: float, population: Population) -> dict[str, float]:
        """Events by stream in a whole run: a flush counts as what it carries, a call not at all."""
        requests = self.expected_requests(duration_s, population)
        return {
            stream: count * (self.shape.flush_events if stream == LOCATION_FLUSH else 1)
            for stream, count in requests.items()
            if stream in STREAMS
        }

    def expected_kinds(self, duration_s: float, population: Population) -> dict[str, float]:
        """Events by kind in a whole run: what a flush carries are locations, and some of those sent one by
        one are poison."""
        events = self.expected_events(duration_s, population)
        poison = events.get(LOCATION, 0.0) * dict(self.flaws).get(POISON, 0.0)
        kinds = {
            REGISTRATION: events.get(REGISTRATION, 0.0),
            LOCATION: events.get(LOCATION, 0.0) + events.get(LOCATION_FLUSH, 0.0) - poison,
            POISON: poison,
        }
        return {kind: n for kind, n in kinds.items() if n}


@dataclass(frozen=True, slots=True)
class Hour:
    """The mean hour of a traffic: requests, and the events in them, altogether and by kind."""

    requests: float
    events: float
    kinds: Mapping[str, float]


@dataclass(frozen=True)
class Scenario:
    """A surge to rehearse. See docs/ for how to write one."""

    name: str
    summary: str
    traffic: Traffic
    population: Population
    objectives: Objectives = field(default_factory=Objectives)
    duration_s: float = 0.0
    """How long the load lasts; left out, as long as the traffic's shape does."""
    seed: int = 1
    day_before: Traffic | None = None
    """The same platform on the day before, at the same scale: what the run is set beside."""
    settings: Mapping[str, str] = field(default_factory=dict)
    """Parameters of the pipeline that this scenario needs (`DeployParameters.settings`)."""
    watchers: Watchers | None = None
    """Who is told of what happens; the pipeline has to be one that tells."""
    path: Path | None = None
    """Where it was loaded from."""

    def __post_init__(self) -> None:
        if not self.name:
            raise UsageError("A scenario needs a name.")
        surge = self.traffic.surge
        if surge is not None and surge.account >= self.population.accounts:
            raise UsageError(f"There is no {surge.group} to surge: there are {self.population.accounts}.")
        if self.duration_known:
            if self.duration_s == 0.0:
                object.__setattr__(self, "duration_s", self.traffic.shape.duration_s)
            in_range("the duration, in seconds,", self.duration_s, 0.1, MAX_DURATION_S)
        whole("the seed", self.seed, 0, 2**63 - 1)

    @property
    def groups(self) -> tuple[str, ...]:
        """The groups of accounts whose latency is kept apart, as reports name them; none without a surge."""
        surge = self.traffic.surge
        return () if surge is None else (surge.group, OTHERS)

    @property
    def duration_known(self) -> bool:
        """False for a replay that has no trace yet: it has neither duration nor rates."""
        shape = self.traffic.shape
        return not isinstance(shape, Trace) or shape.rows is not None

    def rates(self, at_s: FloatArray) -> dict[str, FloatArray]:
        """Requests a second by stream at `at_s`, seconds since the start of the run."""
        return self.traffic.rates(at_s, self.duration_s, self.population)

    def _peak(self, events: bool) -> float:
        grid = np.linspace(0.0, self.duration_s, _GRID_POINTS)
        rates = self.rates(grid)
        flush = self.traffic.shape.flush_events if events else 1
        total = sum(
            rate * (flush if stream == LOCATION_FLUSH else 1)
            for stream, rate in rates.items()
            if not events or stream in STREAMS
        )
        return float(np.max(total))

    @property
    def peak_per_s(self) -> float:
        """The highest rate of the run, in requests a second."""
        return self._peak(events=False)

    @property
    def peak_events_per_s(self) -> float:
        """The highest rate of the run, in events a second: what a deployment is to be sized for."""
        return self._peak(events=True)

    def expected_events(self) -> dict[str, float]:
        """Events by stream in the whole run."""
        return self.traffic.expected_events(self.duration_s, self.population)

    def expected_requests(self) -> dict[str, float]:
        """Requests by stream in the whole run."""
        return self.traffic.expected_requests(self.duration_s, self.population)

    def hour(self, traffic: Traffic | None = None) -> Hour:
        """The mean hour of this run, or of another traffic on the same population."""
        traffic = traffic or self.traffic
        hours = self.duration_s / 3600
        requests = traffic.expected_requests(self.duration_s, self.population)
        kinds = {
            kind: n / hours for kind, n in traffic.expected_kinds(self.duration_s, self.population).items()
        }
        return Hour(sum(requests.values()) / hours, sum(kinds.values()), kinds)

    def times_the_day_before(self) -> float | None:
        """How many times as many requests as in the same hours of the day before."""
        if self.day_before is None:
            return None
        before = self.day_before.expected_requests(self.duration_s, self.population)
        return sum(self.expected_requests().values()) / sum(before.values())

    def with_peak(self, per_s: float) -> Scenario:
        """The same, its traffic and its day before scaled so that the peak is `per_s` requests a second."""
        in_range("the rate, in requests a second,", per_s, 1e-3, MAX_RATE_PER_S)
        if isinstance(self.traffic.shape, Trace):
            raise UsageError("A trace has a rate of its own.", "Use --compress or --duration to change it.")
        return self.scaled(per_s / self.peak_per_s)

    def scaled(self, factor: float) -> Scenario:
        """The same with every rate, of the day before too, times `factor`."""
        before = self.day_before
        return replace(
            self,
            traffic=replace(self.traffic, scale=self.traffic.scale * factor),
            day_before=before and replace(before, scale=before.scale * factor),
        )

    def with_duration(self, duration_s: float) -> Scenario:
        """The same curve on a run of `duration_s`. A trace is compressed to it."""
        in_range("the duration, in seconds,", duration_s, 1, MAX_DURATION_S)
        shape = self.traffic.shape
        if isinstance(shape, Reconnect):
            raise UsageError(
                f"{self.name} has an outage of its own length.", "Change it in the scenario's file."
            )
        if isinstance(shape, Trace):
            return replace(
                self,
                traffic=replace(self.traffic, shape=replace(shape, compress=shape.span_s / duration_s)),
                duration_s=duration_s,
            )
        return replace(self, duration_s=duration_s)
