"""What is checked before anything is sent: routes, descriptors, plans, shares."""

from __future__ import annotations

import resource
from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.load.descriptors import ensure_descriptors
from harness.load.plan import LoadPlan
from harness.load.routes import Routes
from harness.load.worker import Share, cap_of
from harness.scenario import Overrides, load_scenario
from tests.load.simulation import Way, arrival

LOCATION = frozenset({"location"})


def test_a_single_event_takes_the_narrowest_entrance_and_a_batch_the_widest() -> None:
    routes = Routes([Way("wide", LOCATION, 500), Way("narrow", LOCATION, 1), Way("middle", LOCATION, 10)])
    assert [way.route for way, _ in routes.requests(arrival(0, 0.0).events)] == ["narrow"]
    assert [(way.route, len(part)) for way, part in routes.requests(arrival(0, 0.0, events=700).events)] == [
        ("wide", 500),
        ("wide", 200),
    ]


@pytest.mark.parametrize(
    ("ways", "scenario", "missing"),
    [
        ([Way("x", LOCATION)], "mass_registration", "registration"),
        ([Way("x", frozenset({"registration"}))], "baseline_day", "location"),
        ([Way()], "every_outcome", "poison"),
        ([], "baseline_day", "location and registration"),
    ],
)
def test_a_kind_without_an_entrance_is_named_before_the_start(
    ways: list[Way], scenario: str, missing: str
) -> None:
    with pytest.raises(UsageError, match=f"of the kind {missing}, which no entrance"):
        Routes(ways).check(load_scenario(scenario))


def test_a_stream_without_traffic_needs_no_entrance(tmp_path: Path) -> None:
    path = tmp_path / "bus.csv"
    path.write_text("vehicle,time,lat,lon\n1,1396311060,1,2\n1,1396311090,1,2\n")
    Routes([Way("x", LOCATION)]).check(Overrides(trace=path).apply(load_scenario("replay")))


def test_the_soft_limit_of_open_files_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[int, int]] = []
    monkeypatch.setattr(resource, "getrlimit", lambda _: (256, 100_000))
    monkeypatch.setattr(resource, "setrlimit", lambda _, limits: asked.append(limits))
    ensure_descriptors(100)
    assert asked == []
    ensure_descriptors(1000)
    assert asked == [(1128, 100_000)]


def test_a_hard_limit_that_is_too_low_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (256, 1024))
    with pytest.raises(UsageError) as caught:
        ensure_descriptors(1000)
    assert caught.value.message == "1000 requests in flight take 1128 open files; a process may have 1024."
    assert caught.value.remedy == "Raise the limit (ulimit -n 1128), or lower --in-flight."


def test_a_system_that_does_not_let_the_limit_be_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise ValueError("not allowed")

    monkeypatch.setattr(resource, "getrlimit", lambda _: (256, resource.RLIM_INFINITY))
    monkeypatch.setattr(resource, "setrlimit", refuse)
    with pytest.raises(UsageError, match="may have 256"):
        ensure_descriptors(1000)


def test_a_plan_travels_as_json() -> None:
    plan = LoadPlan(Path("/s.py"), "run", Path("/p"), {"url": "x"}, Overrides(rate=5.0), 10, 2)
    assert LoadPlan.from_json(plan.to_json()) == plan
    with pytest.raises(UsageError, match="does not say its run_id"):
        LoadPlan.from_json({"scenario": "x"})
    with pytest.raises(UsageError, match="4 workers cannot share 3"):
        LoadPlan(Path("/s.py"), "run", Path("/p"), {}, in_flight_cap=3, workers=4)
    with pytest.raises(UsageError, match="number of workers"):
        LoadPlan(Path("/s.py"), "run", Path("/p"), {}, workers=0)


@pytest.mark.parametrize(("cap", "n"), [(10, 1), (10, 3), (64, 64), (1000, 7)])
def test_the_parts_of_the_cap_add_up(cap: int, n: int) -> None:
    parts = [cap_of(cap, k, n) for k in range(n)]
    assert sum(parts) == cap
    assert min(parts) >= 1


def test_the_chance_of_a_retry_is_the_requests_own() -> None:
    scenario = load_scenario("mass_registration")
    one, other = Share(scenario, "r", 0.0, 10, 0, 1), Share(scenario, "r", 0.0, 10, 2, 3)
    assert one.chance(5, 1) == other.chance(5, 1)
    assert len({one.chance(ordinal, attempt) for ordinal in range(10) for attempt in range(3)}) == 30
    assert all(0 <= one.chance(ordinal, 1) < 1 for ordinal in range(100))
