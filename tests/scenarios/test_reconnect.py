"""An outage: nothing arrives, and then every device comes back with what it gathered."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from harness.errors import UsageError
from harness.load.arrivals import Arrivals
from harness.load.chunk import FLUSH_CODE, LOCATION_CODE
from harness.load.events import events_of
from harness.scenario import City, Overrides, Population, Reconnect, Scenario, Traffic

SHAPE = Reconnect(per_s=40.0, before_s=10.0, outage_s=20.0, after_s=20.0, within_s=2.0, cadence_s=2.0)


def scenario(shape: Reconnect = SHAPE) -> Scenario:
    return Scenario(
        name="reconnect",
        summary="",
        traffic=Traffic(shape, spacing="even"),
        population=Population(accounts=4, devices=500, cities=(City("A", 40.0, -74.0, utc_offset_h=-5),)),
    )


def columns(shape: Reconnect = SHAPE) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    chunks = list(Arrivals(scenario(shape)))
    return tuple(np.concatenate([getattr(c, name) for c in chunks]) for name in ("at_s", "stream", "device"))


def test_nothing_arrives_in_the_outage() -> None:
    at_s, _, _ = columns()
    assert not np.any((at_s > 10.1) & (at_s < 29.9))


def test_every_tracked_device_flushes_within_the_time() -> None:
    at_s, stream, device = columns()
    flush = stream == FLUSH_CODE
    assert np.all((at_s[flush] >= 29.9) & (at_s[flush] <= 32.1))
    flushed = Counter(device[flush].tolist())
    tracked = set(device[stream == LOCATION_CODE].tolist())
    assert len(tracked) == 80
    assert len(set(flushed) & tracked) >= 76
    assert sum(flushed.values()) == pytest.approx(80, abs=4)


def test_a_flush_carries_what_was_gathered_in_the_outage() -> None:
    planned = scenario()
    assert planned.traffic.shape.flush_events == 10
    events = list(events_of(planned, 1, "run"))
    assert [event.ordinal for event in events] == list(range(len(events)))
    expected = planned.expected_events()
    assert sum(expected.values()) == pytest.approx(len(events), rel=0.03)


def test_without_jitter_the_peak_is_as_much_higher_as_the_time_is_shorter() -> None:
    slow = scenario(Reconnect(per_s=40.0, after_s=20.0, within_s=20.0))
    fast = scenario(Reconnect(per_s=40.0, after_s=20.0, within_s=1.0))
    assert fast.peak_events_per_s == pytest.approx(80 * 10 + 40, rel=0.06)
    assert slow.peak_events_per_s == pytest.approx(80 * 10 / 20 + 40, rel=0.06)


def test_its_phases_are_its_own() -> None:
    with pytest.raises(UsageError, match="outage of its own length"):
        Overrides(duration_s=100.0).apply(scenario())


def test_its_rate_scales_with_its_devices() -> None:
    planned = Overrides(rate=scenario().peak_per_s * 2).apply(scenario())
    devices = {event.device_id for event in events_of(planned, 1, "run")}
    assert len(devices) == pytest.approx(160, abs=4)


@pytest.mark.parametrize(
    "mistake",
    [
        {"per_s": 0.0},
        {"outage_s": 1.0, "cadence_s": 2.0},
        {"outage_s": 2000.0, "cadence_s": 2.0},
        {"within_s": 30.0},
        {"before_s": float("nan")},
    ],
)
def test_what_cannot_be_is_refused(mistake) -> None:
    with pytest.raises(UsageError):
        Reconnect(**{"per_s": 10.0, **mistake})
