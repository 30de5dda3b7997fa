"""What a device says, from an arrival's row: events in the words of the pipeline's contract with devices."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from harness.load.arrivals import Arrivals
from harness.load.chunk import FIRST_CALL_CODE, FLAW_CODES, FLUSH_CODE, REGISTRATION_CODE, Chunk
from harness.load.devices import PLATFORMS, Devices
from harness.measure.deliveries import EventColumns
from harness.pipeline import Event
from harness.scenario import LOCATION, POISON, REGISTRATION, LaunchDay, Scenario
from harness.scenario.population import SPEED_M_PER_S

_IMPOSSIBLE_LATITUDE = 123.4
_BAD_ACCURACY_M = 250.0
_OS_VERSIONS = {"ios": ("17.6.1", "18.5", "26.0"), "android": ("13", "14", "15")}
_APP_VERSIONS = ("4.11.0", "4.12.0", "4.12.1")
_SDK_VERSION = "3.9.0"
_STILL_BELOW_M_PER_S = 0.3
_MALFORMED, _ACCURACY, _POISON = FLAW_CODES["malformed"], FLAW_CODES["accuracy"], FLAW_CODES["poison"]
_RESENT, _UNANSWERED = FLAW_CODES["resent"], FLAW_CODES["unanswered"]


def device_id(run_id: str, device: int) -> str:
    """What the device in row `device` calls itself. Each run has devices of its own: on a pipeline that stays
    up, the last run's would have a history, and a run's events end by that history too."""
    return f"d{run_id}-{device:07d}"


@dataclass(frozen=True, slots=True)
class Arrival:
    """A request to be sent: when (seconds since the start), with which events, of which device, and how the
    device behaves."""

    at_s: float
    stream: int
    device: int
    events: list[Event]
    resent: bool = False
    """Sent again though it was accepted."""
    unanswered: bool = False
    """The device hangs up once it has sent."""


class EventBuilder:
    """Builds the events of arrivals. All about them is in the chunk's row, so order is of no matter."""

    def __init__(self, scenario: Scenario, devices: Devices, run_id: str, started_at_s: float) -> None:
        shape = scenario.traffic.shape
        registers = "app_launch"
        if isinstance(shape, LaunchDay) and (shape.launch is None or shape.launch.registers != registers):
            registers = "tracking_start"
        self._reason = registers
        self._cadence_s = shape.cadence_s
        self._calls = [call.kind for call in scenario.traffic.calls]
        self._devices = devices
        self._run_id = run_id
        self._started_at_s = started_at_s
        self._second = -1
        self._second_text = ""

    def arrivals(self, chunk: Chunk) -> Iterator[Arrival]:
        """The arrivals in `chunk`; each is built when it is asked for."""
        columns = (
            chunk.index, chunk.at_s, chunk.stream, chunk.device, chunk.account, chunk.ordinal, chunk.events,
            chunk.flaw, chunk.recorded_s, chunk.lat, chunk.lon, chunk.speed, chunk.bearing, chunk.accuracy,
            chunk.noise,
        )  # fmt: skip
        for row in zip(*(column.tolist() for column in columns), strict=True):
            index, at_s, stream, device, account, ordinal, count, flaw, *fix = row
            if stream >= FIRST_CALL_CODE:
                kind = self._calls[stream - FIRST_CALL_CODE]
                events = [self._event(kind, at_s, device, account, -1 - index, {})]
            elif stream == REGISTRATION_CODE:
                events = [self._registration(at_s, device, account, ordinal, fix[0], fix[-1])]
            elif stream == FLUSH_CODE:
                events = self._flush(at_s, device, account, ordinal, count, fix[-1])
            else:
                events = [self._location(at_s, device, account, ordinal, flaw, fix)]
            yield Arrival(at_s, stream, device, events, flaw == _RESENT, flaw == _UNANSWERED)

    def _event(
        self, kind: str, at_s: float, device: int, account: int, ordinal: int, fields: dict[str, Any]
    ) -> Event:
        return Event(
            ordinal,
            f"{self._run_id}-{ordinal}",
            kind,
            account,
            device_id(self._run_id, device),
            self._started_at_s + at_s,
            fields,
        )

    def _registration(
        self, at_s: float, device: int, account: int, ordinal: int, registered_s: float, noise: float
    ) -> Event:
        platform = PLATFORMS[self._devices.platform[device]]
        fields = {
            "platform": platform,
            "os_version": _OS_VERSIONS[platform][device % 3],
            "app_version": _APP_VERSIONS[int(noise * 3)],
            "sdk_version": _SDK_VERSION,
            "push_token": f"{device * 0x9E3779B97F4A7C15 & 0xFFFFFFFFFFFFFFFF:064x}",
            "reason": self._reason,
            "registered_at": self._time(registered_s),
        }
        return self._event(REGISTRATION, at_s, device, account, ordinal, fields)

    def _location(
        self, at_s: float, device: int, account: int, ordinal: int, flaw: int, fix: list[float]
    ) -> Event:
        fields = self._fix(*fix)
        kind = LOCATION
        if flaw == _MALFORMED:
            fields["lat"] = _IMPOSSIBLE_LATITUDE
        elif flaw == _ACCURACY:
            fields["accuracy"] = _BAD_ACCURACY_M
        elif flaw == _POISON:
            kind = POISON
        return self._event(kind, at_s, device, account, ordinal, fields)

    def _flush(
        self, at_s: float, device: int, account: int, ordinal: int, count: int, noise: float
    ) -> list[Event]:
        """Fixes one cadence apart, the last one now."""
        recorded_s = at_s - np.arange(count - 1, -1, -1, dtype=np.float64) * self._cadence_s
        places = self._devices.places(np.full(count, device), self._started_at_s + recorded_s)
        rows = zip(recorded_s.tolist(), *(place.tolist() for place in places), strict=True)
        return [
            self._event(
                LOCATION,
                at_s,
                device,
                account,
                ordinal + number,
                self._fix(recorded, lat, lon, speed, bearing, math.nan, noise),
            )
            for number, (recorded, lat, lon, speed, bearing) in enumerate(rows)
        ]

    def _fix(
        self,
        recorded_s: float,
        lat: float,
        lon: float,
        speed: float,
        bearing: float,
        accuracy: float,
        noise: float,
    ) -> dict[str, Any]:
        """A location's fields. What a trace leaves open (NaN) is left out, but for the accuracy."""
        fields: dict[str, Any] = {
            "recorded_at": self._time(recorded_s),
            "lat": round(lat, 6),
            "lon": round(lon, 6),
            "accuracy": round(4.0 + 30.0 * noise, 1) if math.isnan(accuracy) else accuracy,
            "altitude": round(20.0 + noise * 10.0, 1),
            "battery": {"level": round(0.15 + 0.8 * noise, 2), "charging": noise > 0.8},
            "permissions": {"location": "always", "activity": True},
            "sdk_version": _SDK_VERSION,
        }
        if not math.isnan(speed):
            fields["speed"] = round(speed, 2)
            fields["activity"] = _activity(speed)
        if not math.isnan(bearing):
            fields["bearing"] = round(bearing, 1)
        return fields

    def _time(self, offset_s: float) -> str:
        """RFC 3339 with milliseconds, of a moment given in seconds since the start."""
        at_ms = round((self._started_at_s + offset_s) * 1000)
        second, ms = divmod(at_ms, 1000)
        if second != self._second:
            self._second = second
            self._second_text = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))
        return f"{self._second_text}.{ms:03d}Z"


def _activity(speed: float) -> str:
    if speed < _STILL_BELOW_M_PER_S:
        return "still"
    return next((name for name, (_, fastest) in SPEED_M_PER_S.items() if speed <= fastest), "drive")


def events_of(scenario: Scenario, seed: int, run_id: str, started_at_s: float = 0.0) -> Iterator[Event]:
    """All events of a run again, in the order of their ordinals, whether they came to be sent or not. Calls
    are none.

    `scenario` as it was run. `started_at_s` is in the generator's summary.json; without it, times are as if
    the run had started in 1970, and all between them is as it was."""
    scenario = replace(scenario, seed=seed)
    arrivals = Arrivals(scenario, started_at_s)
    builder = EventBuilder(scenario, arrivals.devices, run_id, started_at_s)
    for chunk in arrivals:
        for arrival in builder.arrivals(chunk):
            yield from (event for event in arrival.events if event.ordinal >= 0)


def columns_of(scenario: Scenario, seed: int, started_at_s: float = 0.0) -> EventColumns:
    """Whose the events of a run are, and what, by ordinal; the same events as `events_of` gives."""
    kinds = (LOCATION, REGISTRATION, POISON)
    devices, accounts, kind = [], [], []
    for chunk in Arrivals(replace(scenario, seed=seed), started_at_s):
        code = np.where(chunk.stream == REGISTRATION_CODE, 1, 0)
        code[chunk.flaw == _POISON] = 2
        devices.append(np.repeat(chunk.device, chunk.events))
        accounts.append(np.repeat(chunk.account, chunk.events))
        kind.append(np.repeat(code, chunk.events))
    return EventColumns(
        np.concatenate(devices) if devices else np.zeros(0, dtype=np.int64),
        np.concatenate(accounts) if accounts else np.zeros(0, dtype=np.int32),
        (np.concatenate(kind) if kind else np.zeros(0)).astype(np.uint8),
        kinds,
    )
