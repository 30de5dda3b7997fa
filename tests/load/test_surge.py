"""One account surges on top of the rest, and its latency is kept apart."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from harness.errors import UsageError
from harness.load.arrivals import Arrivals
from harness.load.chunk import REGISTRATION_CODE
from harness.load.events import events_of
from harness.load.recorder import Recorder
from harness.measure.acceptance import ACCEPTED, FAILED
from harness.scenario import (
    LOCATION,
    OTHERS,
    REGISTRATION,
    City,
    Constant,
    Population,
    Scenario,
    Stages,
    Surge,
    Traffic,
)

QUIET = Constant(40.0, ((LOCATION, 0.5), (REGISTRATION, 0.5)), cadence_s=2.0)


def scenario(surge: Surge | None, skew: float = 0.0) -> Scenario:
    return Scenario(
        name="noisy",
        summary="",
        traffic=Traffic(QUIET, surge=surge),
        population=Population(
            accounts=4, devices=400, cities=(City("A", 40.0, -74.0, utc_offset_h=-5),), tenant_skew=skew
        ),
        duration_s=20.0,
    )


def registrations(planned: Scenario) -> Counter[int]:
    return Counter(
        event.account for event in events_of(planned, planned.seed, "run") if event.kind == REGISTRATION
    )


def test_the_surge_is_on_top_of_the_rest_and_of_its_account_alone() -> None:
    quiet, noisy = registrations(scenario(None)), registrations(scenario(Surge(2, Constant(50.0))))
    assert noisy[2] == pytest.approx(quiet[2] + 1000, abs=4 * 1100**0.5)
    for account in (0, 1, 3):
        assert noisy[account] == pytest.approx(quiet[account], abs=4 * (2 * quiet[account]) ** 0.5)


def test_the_surge_is_spread_over_the_devices_of_its_account() -> None:
    planned = scenario(Surge(1, Constant(50.0)))
    devices = Counter(
        event.device_id
        for event in events_of(planned, 1, "run")
        if event.account == 1 and event.kind == REGISTRATION
    )
    assert len(devices) == pytest.approx(100, abs=30)
    assert max(devices.values()) < 40


def test_a_surge_that_has_not_begun_is_nowhere() -> None:
    surge = Surge(3, Stages(((10.0, 0.0), (0.1, 80.0), (9.9, 80.0))))
    planned = scenario(surge)
    chunks = list(Arrivals(planned))
    at_s = np.concatenate([c.at_s[(c.stream == REGISTRATION_CODE) & (c.account == 3)] for c in chunks])
    assert np.count_nonzero(at_s < 10.0) < 90
    assert np.count_nonzero(at_s >= 10.0) > 600


def test_a_scenario_counts_the_surge() -> None:
    planned = scenario(Surge(0, Constant(60.0)))
    assert planned.expected_requests()[REGISTRATION] == pytest.approx(20 * 80)
    assert planned.peak_per_s == pytest.approx(100)
    assert planned.groups == ("account 0", OTHERS)
    assert scenario(None).groups == ()


def test_a_scenario_without_a_surge_is_what_it_was() -> None:
    rows = [(c.at_s, c.device) for c in Arrivals(scenario(None))]
    assert all((device < 400).all() for _, device in rows)
    assert sum(len(at_s) for at_s, _ in rows) == pytest.approx(800, abs=4 * 800**0.5)


def test_the_account_must_be_there_and_have_devices() -> None:
    with pytest.raises(UsageError, match="no account 9"):
        scenario(Surge(9, Constant(1.0)))
    lonely = replace(scenario(Surge(3, Constant(1.0)), skew=10.0))
    with pytest.raises(UsageError, match="has no devices"):
        list(Arrivals(lonely))


def test_latency_is_kept_apart() -> None:
    planned = scenario(Surge(2, Constant(50.0)))
    recorder = Recorder(400, planned.traffic.surge)
    events = {event.account: event for event in events_of(planned, 1, "run")}
    for account, latency_s in ((2, 0.9), (0, 0.01), (1, 0.02)):
        recorder.sent(0, [events[account]], 0.0)
        recorder.ended("POST /v1/devices", [events[account]], [ACCEPTED], latency_s, latency_s)
    recorder.sent(0, [events[3]], 0.0)
    recorder.ended("POST /v1/devices", [events[3]], [FAILED], 5.0, 5.0)
    recorder.close_second(0)
    by_group = recorder.tally.durations["group_latency_ms"]
    assert by_group["account 2"].count == 1
    assert by_group[OTHERS].count == 2
    assert by_group[OTHERS].max_ms == pytest.approx(20, rel=0.01)
    assert recorder.tally.durations["latency_ms"]["POST /v1/devices"].count == 3
