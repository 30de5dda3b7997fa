"""When each request starts and what it is, scheduled ahead in numpy and the same for the same seed.

Arrivals come in chunks, so that millions take no memory. Every worker generates all chunks and keeps its own
rows (i ≡ k mod n): what an arrival is never depends on how many workers there are.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from harness.errors import UsageError
from harness.load.chunk import (
    FIRST_CALL_CODE,
    FLAW_CODES,
    FLUSH_CODE,
    LOCATION_CODE,
    REGISTRATION_CODE,
    Chunk,
)
from harness.load.devices import GOLDEN, Devices, IntArray, make_devices
from harness.load.flaws import Flaws
from harness.load.replay import trace_chunks
from harness.scenario import STREAMS, LaunchDay, Reconnect, Scenario, Trace, Traffic
from harness.scenario.shapes import FloatArray

CHUNK = 1_024
"""Small enough that generating one (about 1 ms) makes no start late."""
_GRID_POINTS = 20_001
_SPEED_FLAW_DEGREES = 0.5


class Arrivals:
    """The arrivals of a scenario. `started_at_s` (since the epoch) is the moment that offsets count from: it
    decides where devices are, and nothing else."""

    def __init__(self, scenario: Scenario, started_at_s: float = 0.0) -> None:
        self.scenario = scenario
        self.started_at_s = started_at_s
        self.devices = make_devices(scenario.population, scenario.seed)

    def __iter__(self) -> Iterator[Chunk]:
        """All arrivals in the order of their planned start, from the beginning."""
        shape = self.scenario.traffic.shape
        if isinstance(shape, Trace):
            return trace_chunks(shape, self.devices, CHUNK, self.scenario.seed)
        return iter(_Modelled(self.scenario, self.devices, self.started_at_s))


class _Modelled:
    """Arrivals from rates. The grid turns unit-rate arrivals into those of the scenario: the n-th starts when
    the integral of the rate reaches its place."""

    def __init__(self, scenario: Scenario, devices: Devices, started_at_s: float) -> None:
        self._scenario = scenario
        self._devices = devices
        self._started_at_s = started_at_s
        traffic, seed = scenario.traffic, scenario.seed
        self._even = traffic.spacing == "even"
        self._turn = float(np.random.default_rng([seed, 0x7412]).random())
        self._grid_s = np.linspace(0.0, scenario.duration_s, _GRID_POINTS)
        rates = scenario.rates(self._grid_s)
        still = np.zeros(_GRID_POINTS)
        streams = (*STREAMS, *(call.kind for call in traffic.calls))
        by_stream = np.stack([rates.get(stream, still) for stream in streams])
        total = by_stream.sum(axis=0)
        self._upto = np.cumsum(by_stream, axis=0) / np.maximum(total, 1e-300)
        steps = (total[1:] + total[:-1]) / 2 * np.diff(self._grid_s)
        self._integral = np.concatenate(([0.0], np.cumsum(steps)))
        cadence_s, flush = traffic.shape.cadence_s, traffic.shape.flush_events
        tracked = float(by_stream[LOCATION_CODE].max()) * cadence_s
        offline = float(by_stream[FLUSH_CODE].max()) * cadence_s * flush
        self._slots, self._flush_slots = _tracking_slots(tracked, offline, len(devices))
        self._first_offline = min(self._slots, len(devices) - self._flush_slots)
        if isinstance(traffic.shape, Reconnect):  # the tracked devices themselves were offline
            self._slots = self._flush_slots = min(len(devices), max(1, math.ceil(tracked - 1e-6)))
            self._first_offline = 0
        self._surging = _devices_of(devices, traffic)
        self._flaws = Flaws(traffic.flaws, self._slots, cadence_s, seed)
        self._locations = self._flushes = 0

    def __iter__(self) -> Iterator[Chunk]:
        first = ordinal = number = 0
        reached = 0.0
        while True:
            random = np.random.default_rng([self._scenario.seed, 0xA441, number])
            number += 1
            gaps = np.ones(CHUNK) if self._even else random.exponential(size=CHUNK)
            if first == 0 and self._even:
                gaps[0] = 0.5
            places = reached + np.cumsum(gaps)
            reached = float(places[-1])
            places = places[places < self._integral[-1]]
            if len(places):
                chunk = self._chunk(places, random, first, ordinal)
                first += len(chunk)
                ordinal += int(chunk.events.sum())
                yield chunk
            if len(places) < CHUNK:
                return

    def _chunk(
        self, places: FloatArray, random: np.random.Generator, first: int, first_ordinal: int
    ) -> Chunk:
        count = len(places)
        chance = random.random((5, CHUNK))[:, :count]
        at_s = np.interp(places, self._integral, self._grid_s)
        if self._even:  # the streams take turns, too
            chance[0] = (np.arange(first, first + count) * GOLDEN + self._turn) % 1.0
        stream = self._streams(at_s, chance[0])
        device = self._registering(at_s, chance[1], chance[2])
        single, flush = stream == LOCATION_CODE, stream == FLUSH_CODE
        self._surge(device, stream == REGISTRATION_CODE, at_s, chance[4])
        device[single] = self._next_tracked(int(single.sum()))
        device[flush] = self._next_offline(int(flush.sum()))
        call = stream >= FIRST_CALL_CODE
        device[call] = self._devices.tracked((chance[1, call] * self._slots).astype(np.int64))
        events = np.where(flush, self._scenario.traffic.shape.flush_events, 1).astype(np.int32)
        events[call] = 0

        flaw = np.zeros(count, dtype=np.uint8)
        recorded_s, placed_s = at_s.copy(), at_s.copy()
        flaw[single], recorded_s[single], placed_s[single] = self._flaws.decide(
            self._locations - int(single.sum()), at_s[single]
        )
        lat, lon, speed, bearing = self._devices.places(device, self._started_at_s + placed_s)
        too_fast = flaw == FLAW_CODES["speed"]
        lat[too_fast] -= np.copysign(_SPEED_FLAW_DEGREES, lat[too_fast])
        return Chunk(
            index=np.arange(first, first + count),
            at_s=at_s,
            stream=stream,
            device=device,
            account=self._devices.account[device],
            ordinal=first_ordinal + np.concatenate(([0], np.cumsum(events[:-1]))),
            events=events,
            flaw=flaw,
            recorded_s=recorded_s,
            lat=lat,
            lon=lon,
            speed=speed,
            bearing=bearing,
            accuracy=np.full(count, np.nan),
            noise=chance[3],
        )

    def _streams(self, at_s: FloatArray, chance: FloatArray) -> NDArray[np.uint8]:
        upto = np.stack([np.interp(at_s, self._grid_s, row) for row in self._upto[:-1]])
        code: NDArray[np.uint8] = (chance >= upto).sum(axis=0).astype(np.uint8)
        return code

    def _registering(self, at_s: FloatArray, chance: FloatArray, city_chance: FloatArray) -> IntArray:
        """The device of each arrival as if it were an app launch."""
        shape = self._scenario.traffic.shape
        if not isinstance(shape, LaunchDay):
            return (chance * len(self._devices)).astype(np.int64)
        hour = shape.hours[0] + at_s / self._scenario.duration_s * (shape.hours[1] - shape.hours[0])
        city = self._devices.active_cities(hour, city_chance, self._scenario.population)
        adopted = np.ones_like(hour) if shape.launch is None else shape.launch.adopted(hour)
        return self._devices.launching(city, chance, adopted)

    def _surge(
        self, device: IntArray, registers: NDArray[np.bool_], at_s: FloatArray, chance: FloatArray
    ) -> None:
        """Give the surge's part of the registrations to the devices of its account."""
        if self._surging is None:
            return
        scenario = self._scenario
        share = scenario.traffic.surge_share(at_s, scenario.duration_s, scenario.population)
        surges = registers & (chance < share)
        place = (chance[surges] / share[surges] * len(self._surging)).astype(np.int64)
        device[surges] = self._surging[np.minimum(place, len(self._surging) - 1)]

    def _next_tracked(self, count: int) -> IntArray:
        """Tracked devices take turns, which gives each its cadence."""
        number = np.arange(self._locations, self._locations + count)
        self._locations += count
        return self._devices.tracked(number % self._slots)

    def _next_offline(self, count: int) -> IntArray:
        number = np.arange(self._flushes, self._flushes + count)
        self._flushes += count
        return self._devices.tracked(self._first_offline + number % self._flush_slots)


def _devices_of(devices: Devices, traffic: Traffic) -> IntArray | None:
    """The devices of the account that surges; None when none does. Raises UsageError when it has none."""
    if traffic.surge is None:
        return None
    its: IntArray = np.flatnonzero(devices.account == traffic.surge.account).astype(np.int64)
    if not len(its):
        raise UsageError(
            f"The surge is of {traffic.surge.group}, which has no devices.",
            "Give the population more devices, or less tenant skew.",
        )
    return its


def _tracking_slots(tracked: float, offline: float, devices: int) -> tuple[int, int]:
    """How many devices send locations one by one, and how many in flushes; apart from each other where there
    are two devices or more, and in proportion where there are fewer than it would take."""
    slots, flush_slots = max(1, math.ceil(tracked - 1e-6)), max(1, math.ceil(offline - 1e-6))
    if slots + flush_slots <= devices:
        return slots, flush_slots
    flush_slots = max(1, min(flush_slots, devices * flush_slots // (slots + flush_slots)))
    return max(1, min(slots, devices - flush_slots)), flush_slots
