from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.load.arrivals import Arrivals
from harness.load.chunk import FLAW_CODES, FLUSH_CODE, LOCATION_CODE, REGISTRATION_CODE, Chunk
from harness.load.devices import METRES_PER_DEGREE, make_devices
from harness.scenario import (
    LOCATION,
    LOCATION_FLUSH,
    REGISTRATION,
    City,
    Constant,
    Launch,
    LaunchDay,
    Population,
    Scenario,
    Shape,
    Stages,
    Traffic,
)

CITIES = (
    City("A", 40.0, -74.0, utc_offset_h=-5, share=2.0),
    City("B", 51.0, 0.0, utc_offset_h=0, share=1.0),
    City("C", -33.0, 151.0, utc_offset_h=10, share=1.0),
)
MIX = ((REGISTRATION, 0.5), (LOCATION, 0.4), (LOCATION_FLUSH, 0.1))


def scenario(
    shape: Shape, duration_s: float, *, devices: int = 1000, seed: int = 1, spacing: str = "poisson", flaws=()
) -> Scenario:
    return Scenario(
        name="test",
        summary="",
        traffic=Traffic(shape, spacing=spacing, flaws=flaws),  # type: ignore[arg-type]
        population=Population(accounts=7, devices=devices, cities=CITIES),
        duration_s=duration_s,
        seed=seed,
    )


def columns(chunks: Iterator[Chunk] | Arrivals) -> dict[str, np.ndarray]:
    parts = list(chunks)
    return {
        field.name: np.concatenate([getattr(part, field.name) for part in parts]) if parts else np.zeros(0)
        for field in fields(Chunk)
    }


shapes = st.one_of(
    st.builds(Constant, per_s=st.floats(min_value=1, max_value=300), mix=st.just(MIX)),
    st.builds(
        Stages,
        stages=st.lists(
            st.tuples(st.floats(min_value=0.5, max_value=20), st.floats(min_value=1, max_value=300)),
            min_size=1,
            max_size=4,
        ).map(tuple),
        start_per_s=st.floats(min_value=0, max_value=300),
        mix=st.just(MIX),
    ),
    st.builds(
        LaunchDay,
        resident_devices=st.integers(min_value=100, max_value=10**5),
        launch=st.one_of(
            st.none(),
            st.builds(
                Launch,
                devices=st.integers(min_value=1000, max_value=10**5),
                registers=st.sampled_from(["app_launch", "tracking_start"]),
                app_launches_per_day=st.floats(min_value=1, max_value=100),
            ),
        ),
        offline_share=st.sampled_from([0.0, 0.3]),
    ),
)
seeds = st.integers(min_value=0, max_value=2**40)


@settings(deadline=None, max_examples=40)
@given(shapes, st.floats(min_value=1, max_value=30), seeds, st.sampled_from(["poisson", "even"]))
def test_arrivals_follow_the_rates(shape: Shape, duration_s: float, seed: int, spacing: str) -> None:
    planned = scenario(shape, duration_s, seed=seed, spacing=spacing)
    got = columns(Arrivals(planned))
    expected = sum(planned.expected_requests().values())
    slack = 1.5 if spacing == "even" else 6 * expected**0.5 + 1
    assert abs(len(got["at_s"]) - expected) <= slack
    assert np.all(np.diff(got["at_s"]) >= 0)
    assert np.all((got["at_s"] >= 0) & (got["at_s"] <= duration_s))
    assert got["index"].tolist() == list(range(len(got["index"])))
    half = planned.traffic.rates(np.linspace(0, duration_s / 2, 5001), duration_s, planned.population)
    first_half = float(np.trapezoid(sum(half.values()), dx=duration_s / 2 / 5000))
    assert abs(np.count_nonzero(got["at_s"] < duration_s / 2) - first_half) <= slack


@settings(deadline=None, max_examples=20)
@given(shapes, seeds)
def test_ordinals_count_every_event_once(shape: Shape, seed: int) -> None:
    got = columns(Arrivals(scenario(shape, 10.0, seed=seed)))
    sizes = np.where(got["stream"] == FLUSH_CODE, shape.flush_events, 1)
    assert np.array_equal(got["events"], sizes)
    assert np.array_equal(got["ordinal"], np.concatenate(([0], np.cumsum(sizes)[:-1]))[: len(sizes)])


@settings(deadline=None, max_examples=20)
@given(shapes, seeds, st.integers(min_value=1, max_value=7))
def test_workers_share_the_arrivals_and_no_arrival_is_lost(shape: Shape, seed: int, workers: int) -> None:
    planned = scenario(shape, 20.0, seed=seed, flaws=(("late", 0.2), ("poison", 0.1)))
    whole = columns(Arrivals(planned))
    for k in range(workers):
        part = columns(chunk.of_worker(k, workers) for chunk in Arrivals(planned))
        for name, column in part.items():
            assert np.array_equal(column, whole[name][k::workers], equal_nan=column.dtype.kind == "f")


@given(seeds)
@settings(deadline=None, max_examples=10)
def test_the_same_seed_gives_the_same_arrivals_and_another_gives_others(seed: int) -> None:
    planned = scenario(Constant(100.0, MIX), 5.0, seed=seed)
    once, again = columns(Arrivals(planned)), columns(Arrivals(planned))
    assert all(np.array_equal(once[name], again[name], equal_nan=True) for name in once)
    other = columns(Arrivals(replace(planned, seed=seed + 1)))
    assert not np.array_equal(once["at_s"][:5], other["at_s"][:5])


def test_streams_have_their_shares() -> None:
    got = columns(Arrivals(scenario(Constant(2_000.0, MIX), 20.0)))
    shares = np.bincount(got["stream"], minlength=3) / len(got["stream"])
    assert shares == pytest.approx([0.5, 0.4, 0.1], abs=0.02)


def test_even_spacing_is_even() -> None:
    got = columns(Arrivals(scenario(Constant(10.0), 3.0, spacing="even")))
    assert got["at_s"] == pytest.approx(np.arange(30) / 10 + 0.05)


def test_tracked_devices_keep_their_cadence() -> None:
    planned = scenario(Constant(50.0, cadence_s=2.0), 20.0, spacing="even")
    got = columns(Arrivals(planned))
    assert len(set(got["device"])) == 100
    for device in set(got["device"]):
        assert np.diff(got["at_s"][got["device"] == device]) == pytest.approx(2.0)


def test_offline_devices_are_others_than_those_that_send_one_by_one() -> None:
    got = columns(Arrivals(scenario(Constant(20.0, MIX), 30.0, devices=2000)))
    single = set(got["device"][got["stream"] == LOCATION_CODE])
    offline = set(got["device"][got["stream"] == FLUSH_CODE])
    assert single
    assert offline
    assert not single & offline


@pytest.mark.parametrize("devices", [1, 2, 3, 10])
def test_a_handful_of_devices_is_enough(devices: int) -> None:
    got = columns(Arrivals(scenario(Constant(50.0, MIX), 5.0, devices=devices)))
    assert got["device"].min() >= 0
    assert got["device"].max() < devices


def test_an_app_is_launched_on_devices_that_have_it_where_it_is_day() -> None:
    launch = Launch(10**6, "app_launch", 10.0, adoption_midpoint_h=12.0, adoption_width_h=2.0)
    day = LaunchDay(resident_devices=1, launch=launch, tracking_starts_per_day=1e-6)
    planned = scenario(day, 240.0, devices=40_000)
    got = columns(Arrivals(planned))
    hour, device = got["at_s"] / 10, got["device"]
    start = make_devices(planned.population, planned.seed).city_start
    assert np.all(got["stream"] == REGISTRATION_CODE)
    early = device[hour < 8]
    adopted = float(launch.adopted(np.array([8.0]))[0])
    for begin, end in itertools.pairwise(start):
        in_city = early[(early >= begin) & (early < end)]
        assert np.all(in_city < begin + adopted * (end - begin) + 1)
    evening_in_sydney, night_in_sydney = device[(hour > 7) & (hour < 9)], device[(hour > 16) & (hour < 18)]
    assert np.mean(evening_in_sydney >= start[2]) > 3 * np.mean(night_in_sydney >= start[2])


def test_devices_never_imply_more_than_their_speed() -> None:
    devices = make_devices(Population(accounts=3, devices=500, cities=CITIES), 1)
    every = np.arange(500)
    for gap_s in (0.5, 10.0, 300.0):
        lat, lon, speed, _ = devices.places(every, np.full(500, 1.7e9))
        lat2, lon2, _, _ = devices.places(every, np.full(500, 1.7e9 + gap_s))
        north = (lat2 - lat) * METRES_PER_DEGREE
        east = (lon2 - lon) * METRES_PER_DEGREE * np.cos(np.radians(lat))
        assert np.all(np.hypot(north, east) <= speed * gap_s * 1.01 + 0.5)
    moved = np.hypot(north, east)
    assert moved.max() > 100


def test_accounts_follow_zipf() -> None:
    population = Population(accounts=50, devices=100_000, cities=CITIES, tenant_skew=3.0)
    share = np.bincount(make_devices(population, 5).account, minlength=50) / 100_000
    assert share[0] == pytest.approx(0.832, abs=0.01)
    assert share[1] == pytest.approx(0.104, abs=0.01)
    even = Population(accounts=4, devices=100_000, cities=CITIES, tenant_skew=0.0)
    assert np.bincount(make_devices(even, 5).account) / 100_000 == pytest.approx([0.25] * 4, abs=0.01)


@settings(deadline=None, max_examples=20)
@given(seeds)
def test_flaws_come_in_their_shares_and_only_where_they_are_what_they_are_called(seed: int) -> None:
    flaws = tuple((name, 0.05) for name in FLAW_CODES)
    got = columns(Arrivals(scenario(Constant(40.0, cadence_s=5.0), 60.0, seed=seed, flaws=flaws)))
    counts = np.bincount(got["flaw"], minlength=len(FLAW_CODES) + 1)
    total = len(got["flaw"])
    for name, code in FLAW_CODES.items():
        on_the_last_fix = name in ("speed", "duplicate", "unchanged", "late")
        assert counts[code] <= 0.05 * total + 3
        assert counts[code] >= (0.03 if on_the_last_fix else 0.05) * total - 3
    last_good: dict[int, tuple[float, float]] = {}
    for row in range(total):
        flaw, device = got["flaw"][row], int(got["device"][row])
        at_s, recorded_s, lat = got["at_s"][row], got["recorded_s"][row], got["lat"][row]
        if flaw in (
            FLAW_CODES["speed"],
            FLAW_CODES["duplicate"],
            FLAW_CODES["unchanged"],
            FLAW_CODES["late"],
        ):
            good_s, good_lat = last_good[device]
            assert at_s - good_s < 60
            if flaw == FLAW_CODES["duplicate"]:
                assert (recorded_s, lat) == (good_s, good_lat)
            if flaw == FLAW_CODES["unchanged"]:
                assert (recorded_s, lat) == (at_s, good_lat)
            if flaw == FLAW_CODES["late"]:
                assert recorded_s < good_s
            if flaw == FLAW_CODES["speed"]:
                assert abs(lat - good_lat) > 0.4
        if flaw in (0, FLAW_CODES["resent"]):
            last_good[device] = (recorded_s, lat)
