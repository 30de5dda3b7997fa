"""Devices and their history, as an account's own back end asks for them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from moto import mock_aws

from deploy.services.access.handlers import devices, history
from deploy.services.processing.handlers import live_state
from tests.deploy.access import MINE, THEIRS, World, code
from tests.deploy.stream import NOW_MS, envelope, location, registration, rfc3339

DEVICES, DEVICE, HISTORY = "/v1/devices", "/v1/devices/{device_id}", "/v1/devices/{device_id}/history"
SPAN = {"from": rfc3339(NOW_MS - 60_000), "to": rfc3339(NOW_MS + 60_000)}


@pytest.fixture
def world() -> Iterator[World]:
    with mock_aws():
        yield World()


def test_a_device_is_shown_with_what_it_told_last(world: World) -> None:
    world.receive(
        envelope(registration("e0", app_version="7", push_token="secret-token")),
        envelope(location("e1", battery={"level": 0.5}, speed=4), received_ms=NOW_MS + 20),
    )
    assert world.ask("GET", DEVICE, path={"device_id": "d1"}) == (
        200,
        {
            "device_id": "d1",
            "platform": "android",
            "app_version": "7",
            "registered_at": "2025-11-23T12:13:20.000Z",
            "location": {
                "event_id": "e1",
                "recorded_at": "2025-11-23T12:13:20.000Z",
                "received_at": "2025-11-23T12:13:20.020Z",
                "lat": 53.4,
                "lon": -2.9,
                "accuracy": 5.0,
                "speed": 4.0,
                "battery": 0.5,
                "context": "moving",
            },
        },
    )


def test_a_device_that_only_registered_is_nowhere(world: World) -> None:
    world.receive(envelope(registration("e0")))
    assert world.ask("GET", DEVICE, path={"device_id": "d1"})[1]["location"] is None


def test_another_accounts_device_is_not_there(world: World) -> None:
    world.receive(envelope(location("e1"), account=THEIRS), envelope(location("e2"), device="d2"))
    for device_id in ("d1", f"{THEIRS}", "nobody"):
        assert code(world.ask("GET", DEVICE, path={"device_id": device_id})) == (404, "not_found")
    assert [each["device_id"] for each in world.ask("GET", DEVICES)[1]["devices"]] == ["d2"]
    assert world.ask("GET", HISTORY, path={"device_id": "d1"}, query=SPAN)[1]["locations"] == []
    assert world.ask("GET", DEVICE, account=THEIRS, path={"device_id": "d1"})[0] == 200


@pytest.mark.parametrize("page", [1, 3, 7, 100])
def test_every_device_is_listed_once_whatever_the_page(world: World, page: int) -> None:
    ids = [f"d{n}" for n in range(23)]
    world.receive(*(envelope(registration(f"e{n}"), device=each) for n, each in enumerate(ids)))
    world.receive(*(envelope(registration(f"f{n}"), device=f"x{n}", account=THEIRS) for n in range(9)))
    listed: list[str] = []
    query = {"limit": str(page)}
    for _ in range(100):
        status, answer = world.ask("GET", DEVICES, query=query)
        assert status == 200
        assert len(answer["devices"]) <= page
        listed += [each["device_id"] for each in answer["devices"]]
        if answer["cursor"] is None:
            break
        query["cursor"] = answer["cursor"]
    assert sorted(listed) == sorted(ids)


def test_a_cursor_of_another_account_gives_the_callers_own(world: World) -> None:
    world.receive(*(envelope(registration(f"e{n}"), device=f"d{n}", account=THEIRS) for n in range(9)))
    world.receive(envelope(registration("f"), device="mine"))
    theirs = world.ask("GET", DEVICES, account=THEIRS, query={"limit": "1"})[1]["cursor"]
    answer = world.ask("GET", DEVICES, query={"cursor": theirs})[1]
    assert {each["device_id"] for each in answer["devices"]} <= {"mine"}


def test_writer_and_reader_know_the_same_partitions() -> None:
    assert devices.LIST_PARTITIONS == live_state.LIST_PARTITIONS


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"limit": "0"}, "invalid_limit"),
        ({"limit": "101"}, "invalid_limit"),
        ({"limit": "-1"}, "invalid_limit"),
        ({"limit": "١"}, "invalid_limit"),
        ({"limit": "1e1"}, "invalid_limit"),
        ({"limit": ["1", "2"]}, "repeated_parameter"),
        ({"account_id": THEIRS}, "unknown_parameter"),
        ({"cursor": ""}, "invalid_cursor"),
        ({"cursor": "é"}, "invalid_cursor"),
        ({"cursor": "W10"}, "invalid_cursor"),
        ({"cursor": "Wzk5LG51bGxd"}, "invalid_cursor"),
        ({"cursor": "WzAsIiJd"}, "invalid_cursor"),
        ({"cursor": "bm90IGpzb24"}, "invalid_cursor"),
        ({"cursor": "W" * 2000}, "invalid_cursor"),
    ],
)
def test_a_wrong_query_is_refused(world: World, query: dict[str, Any], said: str) -> None:
    assert code(world.ask("GET", DEVICES, query=query)) == (400, said)


@pytest.mark.parametrize(
    "device_id",
    ["", "..", "../d1", f"../{THEIRS}/d1", "a/b", "a%2Fb", "d1\x00", "d 1", "d1'--", "$ctx", "x" * 129, "é"],
)
def test_a_strange_device_id_reaches_nothing(world: World, device_id: str) -> None:
    world.receive(envelope(location("e1")))
    for resource, query in ((DEVICE, {}), (HISTORY, SPAN)):
        status, answer = world.ask("GET", resource, path={"device_id": device_id}, query=query)
        if device_id == "..":  # an id like any other here: no path is made of it
            assert answer.get("locations", []) == []
        else:
            assert (status, answer["error"]["code"]) == (400, "invalid_device_id")


def test_history_is_in_order_and_tells_each_event_once(world: World) -> None:
    world.receive(
        envelope(location("e2", NOW_MS + 1000, lat=53.4003)),
        envelope(location("e1", NOW_MS - 5000, lat=53.4), received_ms=NOW_MS + 10),
        envelope(location("x"), account=THEIRS),
        envelope(location("y"), device="d2"),
        envelope(location("late", NOW_MS + 3000, lat=53.4006), received_ms=NOW_MS + 90_000),
    )
    key = f"archive/date=2025-11-23/hour=12/{NOW_MS}-{NOW_MS}-shardId-0-9-9-0.ndjson.gz"
    copies = [
        {"event_id": each, "account_id": MINE, "device_id": "d1", "received_at": NOW_MS, "lat": 53.4,
         "lon": -2.9, "recorded_at": rfc3339(at_ms), "context": "stopped"}
        for each, at_ms in (("e1", NOW_MS - 5000), ("e0", NOW_MS - 9000))
    ]  # fmt: skip
    world.archive(key, *copies)
    status, answer = world.ask("GET", HISTORY, path={"device_id": "d1"}, query=SPAN)
    assert status == 200
    assert [each["event_id"] for each in answer["locations"]] == ["e0", "e1", "e2"]
    assert answer["locations"][1]["recorded_at"] == rfc3339(NOW_MS - 5000)


def test_a_range_ends_before_its_end_and_spans_hours(world: World) -> None:
    hour_ms = 3_600_000
    world.receive(
        envelope(location("e1"), received_ms=NOW_MS),
        envelope(location("e2", NOW_MS + hour_ms, lat=53.5), received_ms=NOW_MS + hour_ms),
    )

    def events(start_ms: int, end_ms: int) -> list[str]:
        query = {"from": rfc3339(start_ms), "to": rfc3339(end_ms)}
        answer = world.ask("GET", HISTORY, path={"device_id": "d1"}, query=query)[1]
        return [each["event_id"] for each in answer["locations"]]

    assert events(NOW_MS, NOW_MS + hour_ms) == ["e1"]
    assert events(NOW_MS, NOW_MS + hour_ms + 1) == ["e1", "e2"]
    assert events(NOW_MS + 1, NOW_MS + hour_ms) == []


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({}, "missing_parameter"),
        ({"from": SPAN["from"]}, "missing_parameter"),
        ({"from": "yesterday", "to": SPAN["to"]}, "invalid_from"),
        ({"from": "2025-11-23T12:00:00", "to": SPAN["to"]}, "invalid_from"),
        ({"from": "../../secret", "to": SPAN["to"]}, "invalid_from"),
        ({"from": SPAN["from"], "to": "9" * 50}, "invalid_to"),
        ({"from": "1969-01-01T00:00:00Z", "to": SPAN["to"]}, "invalid_from"),
        ({"from": SPAN["to"], "to": SPAN["from"]}, "invalid_range"),
        ({"from": SPAN["from"], "to": SPAN["from"]}, "invalid_range"),
        ({"from": "2025-11-22T12:00:00Z", "to": "2025-11-23T12:00:00.001Z"}, "range_too_long"),
        ({**SPAN, "account_id": THEIRS}, "unknown_parameter"),
        ({**SPAN, "prefix": "audit/"}, "unknown_parameter"),
    ],
)
def test_a_wrong_range_is_refused(world: World, query: dict[str, Any], said: str) -> None:
    assert code(world.ask("GET", HISTORY, path={"device_id": "d1"}, query=query)) == (400, said)


@pytest.mark.parametrize(("limit", "value"), [("MAX_OBJECTS", 1), ("MAX_BYTES", 10), ("MAX_LISTED", 1),
                                              ("MAX_ROWS", 1)])  # fmt: skip
def test_what_would_take_too_much_is_refused(
    world: World, limit: str, value: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.receive(envelope(location("e1")))
    world.receive(envelope(location("e2", NOW_MS + 1000, lat=53.4003)), first=2)
    monkeypatch.setattr(history, limit, value)
    asked = world.ask("GET", HISTORY, path={"device_id": "d1"}, query=SPAN)
    assert code(asked) == (422, "too_much_history")


def test_a_throttled_table_is_no_error_of_ours(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    from botocore.exceptions import ClientError

    def throttled(**_given: Any) -> None:
        raise ClientError({"Error": {"Code": "ThrottlingException"}}, "GetItem")

    monkeypatch.setattr(world.clients("dynamodb"), "get_item", throttled)
    assert code(world.ask("GET", DEVICE, path={"device_id": "d1"})) == (503, "unavailable")


def test_an_unknown_route_is_not_found(world: World) -> None:
    assert code(world.ask("PATCH", DEVICES)) == (404, "not_found")
