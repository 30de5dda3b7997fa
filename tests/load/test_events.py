from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from harness.load.arrivals import Arrivals
from harness.load.events import EventBuilder, events_of
from harness.pipeline import Event
from harness.scenario import (
    LOCATION,
    LOCATION_FLUSH,
    REGISTRATION,
    City,
    Constant,
    Overrides,
    Population,
    Scenario,
    Traffic,
    load_scenario,
)

STARTED_AT_S = 1_700_000_000.0


def scenario(mix, flaws=(), seed: int = 1) -> Scenario:
    return Scenario(
        name="test",
        summary="",
        traffic=Traffic(Constant(20.0, mix, cadence_s=2.0, flush_events=5), flaws=flaws),
        population=Population(
            accounts=3,
            devices=200,
            cities=(City("A", 40.0, -74.0, utc_offset_h=-5),),
            activities=(("drive", 1.0),),
        ),
        duration_s=10.0,
        seed=seed,
    )


def instant(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def all_of(planned: Scenario) -> list[Event]:
    return list(events_of(planned, planned.seed, "run", STARTED_AT_S))


def test_a_registration_says_what_the_contract_wants() -> None:
    event = all_of(scenario(((REGISTRATION, 1.0),)))[0]
    assert event.kind == "registration"
    assert event.event_id == "run-0"
    assert set(event.fields) == {
        *("platform", "os_version", "app_version", "sdk_version", "push_token", "reason", "registered_at")
    }
    assert event.fields["reason"] == "app_launch"
    assert instant(event.fields["registered_at"]) == pytest.approx(event.at_s, abs=0.001)


def test_a_location_says_what_the_contract_wants() -> None:
    event = all_of(scenario(((LOCATION, 1.0),)))[0]
    assert event.kind == "location"
    assert set(event.fields) == {
        *("recorded_at", "lat", "lon", "accuracy", "speed", "bearing", "altitude", "activity"),
        *("battery", "permissions", "sdk_version"),
    }
    assert instant(event.fields["recorded_at"]) == pytest.approx(event.at_s, abs=0.001)
    assert 0 < event.fields["accuracy"] < 100
    assert event.fields["activity"] == "drive"
    assert set(event.fields["battery"]) == {"level", "charging"}


def test_a_flush_carries_what_was_gathered_one_cadence_apart() -> None:
    events = all_of(scenario(((LOCATION_FLUSH, 1.0),)))[:5]
    assert [event.ordinal for event in events] == [0, 1, 2, 3, 4]
    assert len({event.device_id for event in events}) == 1
    recorded = [instant(event.fields["recorded_at"]) - events[0].at_s for event in events]
    assert recorded == pytest.approx([-8, -6, -4, -2, 0], abs=0.001)


def test_ids_are_of_the_run_and_ordinals_have_no_gap() -> None:
    events = all_of(scenario(((REGISTRATION, 1.0), (LOCATION, 1.0), (LOCATION_FLUSH, 0.2))))
    assert [event.event_id for event in events] == [f"run-{number}" for number in range(len(events))]
    assert [event.ordinal for event in events] == list(range(len(events)))
    assert all(before.at_s <= after.at_s for before, after in itertools.pairwise(events))


def test_all_workers_together_build_what_one_builds() -> None:
    planned = scenario(((REGISTRATION, 1.0), (LOCATION, 1.0), (LOCATION_FLUSH, 0.2)), (("duplicate", 0.3),))
    arrivals = Arrivals(planned, STARTED_AT_S)
    built: list[Event] = []
    for k in range(3):
        builder = EventBuilder(planned, arrivals.devices, "run", STARTED_AT_S)
        for chunk in arrivals:
            built += [event for each in builder.arrivals(chunk.of_worker(k, 3)) for event in each.events]
    assert sorted(built, key=lambda event: event.ordinal) == all_of(planned)


@pytest.mark.parametrize(
    ("flaw", "sign"),
    [
        ("malformed", lambda event: event.fields["lat"] > 90),
        ("stale", lambda event: event.at_s - instant(event.fields["recorded_at"]) > 24 * 3600),
        ("future", lambda event: instant(event.fields["recorded_at"]) - event.at_s > 300),
        ("accuracy", lambda event: event.fields["accuracy"] > 100),
        ("poison", lambda event: event.kind == "poison"),
        ("late", lambda event: 0.5 < event.at_s - instant(event.fields["recorded_at"]) < 60),
    ],
)
def test_a_flaw_shows_in_its_share_of_events(flaw: str, sign) -> None:
    flawed = [sign(event) for event in all_of(scenario(((LOCATION, 1.0),), ((flaw, 0.25),)))]
    assert 0.1 < sum(flawed) / len(flawed) < 0.3


def test_how_a_device_behaves_is_with_the_arrival() -> None:
    planned = scenario(((LOCATION, 1.0),), (("resent", 0.2), ("unanswered", 0.2)))
    arrivals = Arrivals(planned, STARTED_AT_S)
    builder = EventBuilder(planned, arrivals.devices, "run", STARTED_AT_S)
    built = [arrival for chunk in arrivals for arrival in builder.arrivals(chunk)]
    assert 0.1 < sum(arrival.resent for arrival in built) / len(built) < 0.3
    assert 0.1 < sum(arrival.unanswered for arrival in built) / len(built) < 0.3
    assert not any(arrival.resent and arrival.unanswered for arrival in built)


def test_the_fixed_app_registers_at_the_start_of_tracking() -> None:
    fixed = Overrides(duration_s=10, rate=100).apply(load_scenario("mass_registration_fixed"))
    reasons = {event.fields["reason"] for event in all_of(fixed) if event.kind == "registration"}
    assert reasons == {"tracking_start"}


@pytest.fixture
def pickups(tmp_path: Path) -> Path:
    path = tmp_path / "pickups.csv"
    rows = [f"2014-04-01T{minute // 60:02d}:{minute % 60:02d}:00,40.7{minute},-73.9" for minute in (0, 7, 90)]
    path.write_text("picked_up_at,lat,lon\n" + "\n".join(rows))
    return path


def test_a_replayed_trace_keeps_its_rhythm_and_ends_as_the_run_ends(pickups: Path) -> None:
    replay = Overrides(trace=pickups, compress=600).apply(load_scenario("replay"))
    events = all_of(replay)
    assert [event.kind for event in events[:2]] == ["registration", "location"]
    assert len(events) == 3 * 5
    ends_at_s = STARTED_AT_S + replay.duration_s
    assert events[-1].at_s == pytest.approx(ends_at_s)
    assert instant(events[-1].fields["recorded_at"]) == pytest.approx(ends_at_s, abs=0.001)
    assert replay.duration_s == pytest.approx((90 * 60 + 90) / 600)
    by_device: dict[str, list[Event]] = {}
    for event in events:
        by_device.setdefault(event.device_id, []).append(event)
    assert len(by_device) == 3
    for trip in by_device.values():
        recorded = [instant(event.fields["recorded_at"]) for event in trip[1:]]
        assert [after - recorded[0] for after in recorded] == pytest.approx([0, 30, 60, 90], abs=0.002)
        assert instant(trip[0].fields["registered_at"]) == recorded[0]
        assert trip[-1].at_s - trip[0].at_s == pytest.approx(90 / 600)
    first = [events[1].fields["lat"], events[1].fields["lon"]]
    assert first == [40.70, -73.9]


def test_a_gps_track_is_its_vehicles_locations(tmp_path: Path) -> None:
    path = tmp_path / "bus.csv"
    path.write_text(
        '"vehicle_id","timestamp","latitude","longitude","bearing"\n'
        '"7","2026-01-26 15:57:22",53.4,-2.9,\n"8","2026-01-26 15:57:00",53.5,-2.8,90\n'
        '"7","2026-01-26 15:58:22",53.41,-2.9,10\n'
    )
    replay = Overrides(trace=path, compress=10).apply(load_scenario("replay"))
    events = all_of(replay)
    assert [event.kind for event in events] == ["location"] * 3
    assert [event.fields["lat"] for event in events] == [53.5, 53.4, 53.41]
    assert "bearing" not in events[1].fields
    assert events[2].fields["bearing"] == 10
    assert "speed" not in events[0].fields
    assert events[1].device_id == events[2].device_id != events[0].device_id


def test_another_seed_tells_of_other_devices() -> None:
    planned = scenario(((REGISTRATION, 1.0),))
    assert all_of(planned)[0].device_id != all_of(replace(planned, seed=2))[0].device_id
