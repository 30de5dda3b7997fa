from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.services.processing.handlers.contract import Fix, Message
from deploy.services.processing.handlers.rules import (
    History,
    Thresholds,
    distance_m,
    implied_speed_m_per_s,
    judge,
)
from tests.deploy.stream import NOW_MS, location, registration

THRESHOLDS = Thresholds()
DEGREE_M = 111_195.08  # of latitude, on the IUGG's mean sphere


def message(event: dict[str, Any], received_ms: int = NOW_MS) -> Message:
    kind = "registration" if "registered_at" in event else "location"
    return Message(event.get("event_id", ""), kind, "a", "d", "r", received_ms, event, "a/d")


def outcomes(*events: dict[str, Any]) -> list[str]:
    history = History()
    verdicts = [judge(history, message(event), THRESHOLDS) for event in events]
    return [each.outcome + (" superseded" if each.superseded else "") for each in verdicts]


@pytest.mark.parametrize(
    ("event", "outcome"),
    [
        (location("e"), "archived"),
        (location("e", NOW_MS - 24 * 3600_000), "archived"),
        (location("e", NOW_MS - 24 * 3600_000 - 1), "discarded:stale"),
        (location("e", NOW_MS + 300_000), "archived"),
        (location("e", NOW_MS + 300_001), "discarded:future"),
        (location("e", accuracy=100), "archived"),
        (location("e", accuracy=100.5), "discarded:accuracy"),
        (location("e", accuracy=None), "archived"),
        (location("e", lat="north"), "discarded:malformed"),
        (location("e", lat=True), "discarded:malformed"),
        (location("e", lat=float("nan")), "discarded:malformed"),
        (location("e", lon=180.001), "discarded:malformed"),
        (location("e", lat=10**400), "discarded:malformed"),
        (location(""), "discarded:malformed"),
        (location("e", activity="fly"), "discarded:malformed"),
        (location("e", activity=["walk"]), "discarded:malformed"),
        (location("e", battery={"level": 0.5, "charging": True}), "archived"),
        (location("e", battery={"level": {}}), "discarded:malformed"),
        (location("e", recorded_at="2025-11-23 12:00:00"), "discarded:malformed"),
        (location("e", recorded_at=NOW_MS), "discarded:malformed"),
        ({}, "discarded:malformed"),
        (registration("e"), "registered"),
        (registration("e", platform=7), "discarded:malformed"),
        (registration("e", reason="whim"), "discarded:malformed"),
        (registration("e", push_token="x" * 4097), "discarded:malformed"),
    ],
)
def test_one_event_by_itself(event: dict[str, Any], outcome: str) -> None:
    assert outcomes(event) == [outcome]


def test_the_same_fix_under_another_id_is_a_duplicate() -> None:
    assert outcomes(location("e1"), location("e2")) == ["archived", "discarded:duplicate"]


def test_the_implied_speed_is_from_the_live_fix() -> None:
    too_far = 101 * 10 / DEGREE_M
    assert outcomes(
        location("e1", lat=50.0),
        location("e2", NOW_MS + 10_000, lat=50.0 + too_far),
        location("e3", NOW_MS + 11_000, lat=50.0 + too_far),
    ) == ["archived", "discarded:speed", "archived"]


def test_two_places_at_one_time_are_infinitely_fast() -> None:
    assert outcomes(location("e1", lat=50.0), location("e2", lat=50.1)) == ["archived", "discarded:speed"]


def test_standing_still_is_unchanged_until_a_minute_after_the_last_archived_fix() -> None:
    events = [location(f"e{n}", NOW_MS + n * 25_000) for n in range(5)]
    assert outcomes(*events) == [
        "archived",
        "discarded:unchanged",
        "discarded:unchanged",
        "archived",
        "discarded:unchanged",
    ]


def test_ten_metres_are_unchanged_and_eleven_are_not() -> None:
    assert outcomes(
        location("e1", lat=50.0),
        location("e2", NOW_MS + 10_000, lat=50.0 + 9.9 / DEGREE_M),
        location("e3", NOW_MS + 20_000, lat=50.0 + 10.1 / DEGREE_M),
    ) == ["archived", "discarded:unchanged", "archived"]


def test_an_older_fix_is_archived_and_leaves_the_live_one() -> None:
    assert outcomes(
        location("e1", NOW_MS),
        location("e2", NOW_MS - 50_000, lat=53.401),
        location("e3", NOW_MS),
    ) == ["archived", "archived superseded", "discarded:duplicate"]


def test_an_older_registration_is_registered_all_the_same() -> None:
    assert outcomes(registration("e1"), registration("e2", NOW_MS - 1), registration("e3")) == [
        "registered",
        "registered superseded",
        "registered",
    ]


def test_distance() -> None:
    assert distance_m(Fix(0, 0, 0), Fix(0, 0, 180)) == pytest.approx(20_015_115, rel=1e-6)
    assert distance_m(Fix(0, 50, 3), Fix(0, 51, 3)) == pytest.approx(DEGREE_M, rel=1e-6)


fixes = st.builds(
    Fix,
    st.integers(0, 4 * 10**12),
    st.floats(-90, 90, allow_nan=False),
    st.floats(-180, 180, allow_nan=False),
)


@given(fixes, fixes)
def test_speed_is_the_same_in_both_directions_of_time(one: Fix, other: Fix) -> None:
    assert implied_speed_m_per_s(one, other) == pytest.approx(implied_speed_m_per_s(other, one))


@given(st.permutations([registration(f"e{n}", NOW_MS + n) for n in range(5)]))
def test_registrations_end_alike_in_any_order_and_the_newest_is_live(events: list[dict[str, Any]]) -> None:
    history = History()
    assert {judge(history, message(event), THRESHOLDS).outcome for event in events} == {"registered"}
    assert history.registered_at_ms == NOW_MS + 4


scalars = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.sampled_from(["", "é", "still", "Z"])
)
json_values = st.one_of(scalars, st.lists(scalars, max_size=2), st.dictionaries(st.just("level"), scalars))
NAMES = [
    "event_id",
    "recorded_at",
    "registered_at",
    "lat",
    "lon",
    "accuracy",
    "activity",
    "battery",
    "platform",
]


@given(st.dictionaries(st.sampled_from(NAMES), json_values), st.booleans())
def test_no_event_can_break_the_rules(changes: dict[str, Any], registering: bool) -> None:
    event = {**(registration("e") if registering else location("e")), **changes}
    [outcome] = outcomes(event)
    assert outcome in ("archived", "registered") or outcome.startswith("discarded:")
