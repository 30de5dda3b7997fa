from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import UsageError
from harness.scenario import (
    LOCATION,
    LOCATION_FLUSH,
    REGISTRATION,
    City,
    Constant,
    Launch,
    LaunchDay,
    Population,
    Stages,
    Traffic,
)

ONE_CITY = Population(10, 1000, (City("A", 0.0, 0.0, utc_offset_h=0),))
THREE = Population(10, 1000, tuple(City(str(h), 0.0, 0.0, utc_offset_h=h) for h in (-5, 0, 8)))
hours = st.floats(min_value=0, max_value=1)


def rates(shape, share: float, population: Population = ONE_CITY) -> dict[str, float]:
    return {stream: float(rate[0]) for stream, rate in shape.rates(np.array([share]), population).items()}


@given(hours)
def test_constant_is_constant_and_splits_by_its_mix(share: float) -> None:
    shape = Constant(per_s=8.0, mix=((REGISTRATION, 1.0), (LOCATION, 3.0)))
    assert rates(shape, share) == {REGISTRATION: 2.0, LOCATION: 6.0}


@pytest.mark.parametrize(
    ("share", "rate"), [(0.0, 0.0), (0.125, 50.0), (0.25, 100.0), (0.5, 100.0), (0.75, 100.0), (1.0, 20.0)]
)
def test_stages_go_in_straight_lines(share: float, rate: float) -> None:
    shape = Stages(((10.0, 100.0), (20.0, 100.0), (10.0, 20.0)))
    assert shape.duration_s == 40.0
    assert rates(shape, share)[LOCATION] == pytest.approx(rate)


def test_a_quiet_day_has_the_registrations_and_locations_of_its_devices() -> None:
    day = LaunchDay(
        resident_devices=86_400,
        tracking_starts_per_day=1.0,
        tracking_session_s=600.0,
        cadence_s=10.0,
        offline_share=0.5,
        flush_events=20,
    )
    requests = Traffic(day).expected_requests(86_400.0, ONE_CITY)
    assert requests[REGISTRATION] == pytest.approx(86_400, rel=1e-3)
    assert requests[LOCATION] == pytest.approx(86_400 * 60 / 2, rel=1e-3)
    assert requests[LOCATION_FLUSH] == pytest.approx(86_400 * 60 / 2 / 20, rel=1e-3)
    assert Traffic(day).expected_events(86_400.0, ONE_CITY)[LOCATION_FLUSH] == pytest.approx(
        86_400 * 30, rel=1e-3
    )


def test_the_bug_registers_at_every_launch_and_the_fix_at_every_start_of_tracking() -> None:
    def registrations(registers: str) -> float:
        launch = Launch(10_000, registers, 50.0, adoption_midpoint_h=-200)  # type: ignore[arg-type]
        day = LaunchDay(resident_devices=1, launch=launch, tracking_starts_per_day=0.5)
        return Traffic(day).expected_requests(60.0, ONE_CITY)[REGISTRATION]

    assert registrations("app_launch") / registrations("tracking_start") == pytest.approx(100, rel=0.01)


@given(hours, hours)
def test_adoption_only_grows(one: float, other: float) -> None:
    launch = Launch(1000, "app_launch", 1.0)
    early, late = sorted((24 * one, 24 * other))
    adopted = launch.adopted(np.array([early, late]))
    assert 0 <= adopted[0] <= adopted[1] <= 1
    assert launch.adopted(np.array([launch.adoption_midpoint_h]))[0] == 0.5


def test_each_city_lives_by_its_own_clock() -> None:
    day = LaunchDay(resident_devices=10**6)
    by_hour = [rates(day, hour / 24, ONE_CITY)[LOCATION] for hour in range(24)]
    assert by_hour.index(max(by_hour)) == 18
    assert by_hour.index(min(by_hour)) == 3
    spread = [rates(day, hour / 24, THREE)[LOCATION] for hour in range(24)]
    assert max(spread) < max(by_hour)
    assert np.mean(spread) == pytest.approx(np.mean(by_hour), rel=1e-6)
    east = Population(10, 1000, (City("A", 0.0, 0.0, utc_offset_h=6),))
    assert rates(day, 12 / 24, east)[LOCATION] == pytest.approx(by_hour[18])


@given(hours, st.floats(min_value=1, max_value=5000))
def test_the_length_of_the_run_moves_the_curve_and_leaves_the_rates(share: float, duration_s: float) -> None:
    traffic = Traffic(LaunchDay(resident_devices=10**6), scale=0.5)
    at = traffic.rates(np.array([share * duration_s]), duration_s, THREE)
    assert at[LOCATION][0] == pytest.approx(0.5 * rates(traffic.shape, share, THREE)[LOCATION])


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Constant(per_s=0), "rate"),
        (lambda: Constant(per_s=-5), "rate"),
        (lambda: Constant(per_s=math.nan), "must be a number"),
        (lambda: Constant(per_s=math.inf), "rate"),
        (lambda: Constant(per_s=1, mix=()), "mix"),
        (lambda: Constant(per_s=1, mix=(("walk", 1.0),)), "'walk' is no stream"),
        (lambda: Constant(per_s=1, mix=((LOCATION, 0.0),)), "sum of a mix"),
        (lambda: Stages(()), "at least one stage"),
        (lambda: Stages(((1.0, 0.0),)), "highest rate"),
        (lambda: Stages(((0.0, 5.0),)), "length of a stage"),
        (lambda: Launch(0, "app_launch", 1.0), "number of devices"),
        (lambda: Launch(5, "sometimes", 1.0), "sometimes"),  # type: ignore[arg-type]
        (lambda: LaunchDay(resident_devices=5, hours=(12.0, 3.0)), "last hour"),
        (lambda: City("A", 91.0, 0.0, utc_offset_h=0), "latitude"),
        (lambda: Population(0, 5, ONE_CITY.cities), "accounts"),
        (lambda: Population(5, 5, ()), "cities"),
        (lambda: Population(5, 5, ONE_CITY.cities, activities=(("fly", 1.0),)), "'fly' is no activity"),
        (lambda: Traffic(Constant(1.0), spacing="odd"), "odd"),  # type: ignore[arg-type]
        (lambda: Traffic(Constant(1.0), flaws=(("rude", 0.1),)), "'rude' is no flaw"),
        (lambda: Traffic(Constant(1.0), flaws=(("late", 0.6), ("stale", 0.6))), "all flaws"),
    ],
)
def test_what_cannot_be_is_one_clear_sentence(make, words: str) -> None:
    with pytest.raises(UsageError, match=words) as caught:
        make()
    assert caught.value.message.count("\n") == 0
    assert caught.value.message.endswith(".")
