"""Connections and subscriptions over transports without sockets, with a clock that is set by hand."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from harness.aws.limits.profiles import FRESH, NONE, Limits
from harness.emulator.services.appsync.contract import RequestRefused
from harness.emulator.services.appsync.realtime.connection import MAX_WAITING_BYTES
from harness.emulator.services.appsync.realtime.hub import KEEP_ALIVE_S, LIFETIME_S
from tests.emulator.services.appsync.realtime_parts import GOOD, HOST, Place, request, settled, start
from tests.emulator.services.appsync.test_realtime_filters import group

KEEP = {"type": "ka"}
UNAUTHORIZED = {
    "errorType": "UnauthorizedException",
    "message": "You are not authorized to make this call.",
}


def in_place(limits: Limits = FRESH) -> Callable[[Callable[[Place], Awaitable[None]]], None]:
    """Run the test at once: it is given a place of its own."""

    def run(test: Callable[[Place], Awaitable[None]]) -> Callable[[], None]:
        def wrapped() -> None:
            asyncio.run(test(Place(limits)))

        wrapped.__name__ = test.__name__
        return wrapped

    return run  # type: ignore[return-value]


@in_place()
async def test_a_whole_conversation(place: Place) -> None:
    connection, client = place.connect()
    await connection.receive('{"type":"connection_init"}')
    assert client.take() == [
        {"type": "connection_ack", "payload": {"connectionTimeoutMs": 300000}},
        KEEP,
    ]
    await connection.receive(start("s-1"))
    await settled(connection)
    assert client.take() == [{"id": "s-1", "type": "start_ack"}]
    place.publish({"device_id": "d", "lat": 1.5})
    update = {"onLocation": {"device_id": "d", "lat": 1.5}}
    assert client.take() == [{"id": "s-1", "type": "data", "payload": {"data": update}}]
    await connection.receive('{"type":"stop","id":"s-1"}')
    assert client.take() == [{"id": "s-1", "type": "complete"}]
    place.publish({"device_id": "d"})
    assert client.take() == []
    await connection.receive(start("s-1"))  # the id is free again
    await settled(connection)
    assert client.take() == [{"id": "s-1", "type": "start_ack"}]


@in_place()
async def test_connection_init_may_be_left_out(place: Place) -> None:
    _, client = await place.subscribed()
    place.publish({"a": 1})
    assert client.data() == [{"onLocation": {"a": 1}}]


@in_place()
async def test_each_start_is_authorized_by_its_own_headers(place: Place) -> None:
    connection, client = place.connect()
    await connection.receive(start("1", variables={"x": 1}))
    await settled(connection)
    (asked,) = place.authorizer.asked
    assert (asked["api_id"], asked["headers"], asked["method"]) == ("abc", GOOD, "POST")
    assert asked["path"] == "/graphql/abc"
    assert json.loads(asked["body"]) == {"query": "all", "variables": {"x": 1}}
    assert (asked["operation"].query, asked["source_ip"]) == ("all", "10.0.0.9")
    client.take()
    for bad in (
        {},
        {"host": HOST},
        {"host": HOST, "x-api-key": "bad"},
        {"x-api-key": "good"},  # no host
        {**GOOD, "host": "other.appsync-api.us-east-1.amazonaws.com"},
        {**GOOD, "host": "localhost:1"},
    ):
        await connection.receive(start("2", authorization=bad))
        await settled(connection)
        assert client.take() == [{"id": "2", "type": "error", "payload": {"errors": [UNAUTHORIZED]}}]
    place.publish({"x": 1})
    assert len(client.take()) == 1
    assert place.counted("subscriptions_refused") == 6


@in_place()
async def test_what_the_executor_refuses_is_told_in_its_words(place: Place) -> None:
    connection, client = place.connect()
    await connection.receive(start("1", "unknown"))
    await settled(connection)
    errors = [{"errorType": "ValidationError", "message": "no such field"}]
    assert client.take() == [{"id": "1", "type": "error", "payload": {"errors": errors}}]


@in_place()
async def test_a_filter_that_is_none_is_an_error_of_the_subscription(place: Place) -> None:
    place.executor.known["odd"] = request(filter={"filterGroup": []})
    connection, client = place.connect()
    await connection.receive(start("1", "odd"))
    await settled(connection)
    (message,) = client.take()
    assert message["payload"]["errors"][0]["errorType"] == "BadRequestException"


@pytest.mark.parametrize("text", ["", "{", '{"type":"start","id":"9"}', '{"type":"subscribe","id":"9"}'])
def test_what_cannot_be_understood_is_said_to_be(text: str) -> None:
    async def scenario() -> None:
        place = Place()
        connection, client = place.connect()
        await connection.receive(text)
        error = {
            "errorType": "UnsupportedOperation",
            "message": "unknown not supported through the realtime channel",
        }
        given = {"id": "9"} if "9" in text else {}
        assert client.take() == [{**given, "type": "error", "payload": {"errors": [error]}}]
        assert not connection.closed

    asyncio.run(scenario())


@in_place()
async def test_an_id_is_used_once_even_while_it_is_being_authorized(place: Place) -> None:
    connection, client = place.connect()
    for _ in range(3):
        await connection.receive(start("1"))
    await settled(connection)
    kinds = [(message["type"], message["id"]) for message in client.take()]
    assert kinds == [("error", "1"), ("error", "1"), ("start_ack", "1")]
    await connection.receive(start("1"))
    (message,) = client.take()
    assert message["payload"]["errors"][0]["errorType"] == "DuplicatedOperationError"
    place.publish({})
    assert len(client.take()) == 1


@in_place(replace(FRESH, appsync_subscriptions_per_connection=3))
async def test_a_connection_has_so_many_subscriptions(place: Place) -> None:
    connection, client = place.connect()
    for number in range(5):
        await connection.receive(start(str(number)))
    await settled(connection)
    refused = [message for message in client.take() if message["type"] == "error"]
    assert [message["id"] for message in refused] == ["3", "4"]
    assert refused[0]["payload"]["errors"][0] == {
        "errorType": "MaxSubscriptionsReachedError",
        "message": "Max number of 3 subscriptions reached",
    }
    await connection.receive('{"type":"stop","id":"0"}')
    await connection.receive(start("5"))
    await settled(connection)
    assert client.take()[-1] == {"id": "5", "type": "start_ack"}


@in_place(NONE)
async def test_thousands_of_starts_are_taken_a_few_at_a_time(place: Place) -> None:
    connection, _ = place.connect()
    most = 0
    for number in range(2_000):
        await connection.receive(start(str(number)))
        most = max(most, len(connection._starting))
    await settled(connection)
    assert most < 16
    assert place.gauge("subscribers") == 2_000


@in_place()
async def test_a_stop_during_authorization_ends_it(place: Place) -> None:
    connection, client = place.connect()
    await connection.receive(start("1"))
    await connection.receive('{"type":"stop","id":"1"}')
    await connection.receive(start("1"))
    await settled(connection)
    for _ in range(5):
        await asyncio.sleep(0)
    assert [message["type"] for message in client.take()] == ["complete", "start_ack"]
    assert place.gauge("subscribers") == 1


@in_place()
async def test_a_client_that_goes_during_authorization_leaves_nothing(place: Place) -> None:
    connection, client = place.connect()
    await connection.receive(start("1"))
    place.realtime.disconnected(connection)
    for _ in range(5):
        await asyncio.sleep(0)
    assert client.take() == []
    assert (place.gauge("subscribers"), place.gauge("connections")) == (0, 0)


@in_place()
async def test_a_client_that_goes_is_told_no_more(place: Place) -> None:
    connection, client = await place.subscribed()
    assert (place.gauge("subscribers"), place.gauge("connections")) == (1, 1)
    place.realtime.disconnected(connection)
    place.publish({})
    assert client.take() == []
    assert (place.gauge("subscribers"), place.gauge("connections")) == (0, 0)


@in_place()
async def test_binary_messages_end_the_connection(place: Place) -> None:
    connection, client = place.connect()
    connection.receive_bytes()
    assert client.take()[0]["type"] == "error"
    assert client.closed_with == 1003


# --- who is told


@in_place()
async def test_arguments_choose_and_null_asks_for_what_is_not_there(place: Place) -> None:
    _, everything = await place.subscribed()
    _, one = await place.subscribed(device_id="d-1")
    _, both = await place.subscribed(device_id="d-1", account_id="a-1")
    _, nobodys = await place.subscribed(owner=None)
    place.publish({"device_id": "d-1", "account_id": "a-2", "owner": "x"})
    place.publish({"device_id": "d-1", "account_id": "a-1"})
    place.publish({"device_id": "d-2", "owner": None})
    assert len(everything.take()) == 3
    assert len(one.take()) == 2
    assert len(both.take()) == 1
    assert len(nobodys.take()) == 2


@in_place()
async def test_other_apis_and_mutations_are_not_told(place: Place) -> None:
    _, client = await place.subscribed()
    place.publish({}, api_id="other")
    place.publish({}, "otherMutation")
    assert client.take() == []


@in_place()
async def test_filters_stand_instead_of_arguments(place: Place) -> None:
    place.executor.known["filtered"] = request(filter=group([("speed", "ge", 10)]))
    _, client = await place.subscribed("filtered", device_id="d-1")
    place.publish({"device_id": "d-2", "speed": 12})
    place.publish({"device_id": "d-1", "speed": 2})
    assert client.data() == [{"onLocation": {"device_id": "d-2", "speed": 12}}]


@in_place()
async def test_a_result_is_shaped_once_for_each_selection(place: Place) -> None:
    place.executor.known["some"] = request(projection=("device_id",))
    clients = [(await place.subscribed())[1] for _ in range(10)]
    chosen = [(await place.subscribed("some"))[1] for _ in range(10)]
    place.publish({"device_id": "d", "lat": 1})
    assert place.executor.projections == 2
    assert all(client.data() == [{"onLocation": {"device_id": "d", "lat": 1}}] for client in clients)
    assert all(client.data() == [{"onLocation": {"device_id": "d"}}] for client in chosen)


@in_place()
async def test_updates_come_in_order(place: Place) -> None:
    _, client = await place.subscribed()
    for number in range(100):
        place.publish({"n": number})
    assert [update["onLocation"]["n"] for update in client.data()] == list(range(100))


# --- invalidation


@in_place()
async def test_a_mutation_can_end_subscriptions_and_their_connections(place: Place) -> None:
    for user in ("u-1", "u-2"):
        place.executor.known[user] = request(invalidation_filter=group([("userId", "eq", user)]))
    _, first = await place.subscribed("u-1")
    _, second = await place.subscribed("u-2")
    _, third = await place.subscribed()
    place.realtime.invalidate("abc", "onLocation", {"userId": "u-1"})
    place.realtime.invalidate("abc", "anotherField", {"userId": "u-2"})
    place.realtime.invalidate("nowhere", "onLocation", {"userId": "u-2"})
    (message,) = first.take()
    assert message == {"id": "1", "type": "complete", "payload": {"message": "Subscription complete."}}
    assert first.closed_with == 1000
    place.publish({})
    assert first.take() == []
    assert len(second.take()) == len(third.take()) == 1


@in_place()
async def test_an_api_that_is_deleted_takes_its_connections_with_it(place: Place) -> None:
    connection, client = await place.subscribed()
    place.realtime.drop_api("abc")
    assert client.closed_with == 1001
    place.realtime.disconnected(connection)
    assert list(place.meters.gauges()) == []


# --- time


@in_place()
async def test_connections_are_kept_alive_and_their_minutes_counted(place: Place) -> None:
    connection, client = place.connect()
    assert place.counted("connection_minutes") == 1
    for minute in range(1, 4):
        place.now_s += KEEP_ALIVE_S - 1
        place.realtime.tick(place.now_s)
        assert client.take() == []
        place.now_s += 1
        place.realtime.tick(place.now_s)
        assert client.take() == [KEEP]
        assert place.counted("connection_minutes") == 1 + minute
    place.realtime.disconnected(connection)
    place.now_s += 10 * KEEP_ALIVE_S
    place.realtime.tick(place.now_s)
    assert place.counted("connection_minutes") == 4


@in_place()
async def test_a_connection_lasts_a_day(place: Place) -> None:
    _, client = place.connect()
    for _ in range(int(LIFETIME_S / KEEP_ALIVE_S) - 1):
        place.now_s += KEEP_ALIVE_S
        place.realtime.tick(place.now_s)
    assert client.closed_with is None
    place.now_s += KEEP_ALIVE_S
    place.realtime.tick(place.now_s)
    assert client.closed_with == 1001
    assert place.counted("connection_minutes") == 24 * 60


@in_place()
async def test_a_machine_that_slept_sends_one_keep_alive(place: Place) -> None:
    _, client = place.connect()
    place.now_s += 30 * KEEP_ALIVE_S
    place.realtime.tick(place.now_s)
    assert client.take() == [KEEP]


# --- slow clients


@in_place()
async def test_a_client_that_does_not_read_is_cut_off_and_nobody_waits_for_it(place: Place) -> None:
    slow, taken = place.connect(takes=False)
    await slow.receive(start("1"))
    await settled(slow)
    _, fast = await place.subscribed()
    text = "x" * 100_000
    count = MAX_WAITING_BYTES // 100_000 + 2
    for _ in range(count):
        place.publish({"text": text})
    assert taken.aborted
    assert slow.closed
    assert len(taken.take()) <= count
    assert len(fast.take()) == count
    assert place.counted("connections_closed_slow") == 1
    place.realtime.disconnected(slow)
    assert place.gauge("subscribers") == 1


# --- limits and meters


@in_place()
async def test_updates_are_counted_by_five_kilobytes(place: Place) -> None:
    await place.subscribed()
    overhead = len(json.dumps({"data": {"onLocation": {"t": ""}}}, separators=(",", ":")))
    for size, units in ((0, 1), (5 * 1024 - overhead, 1), (5 * 1024 - overhead + 1, 2), (51_200, 11)):
        before = place.counted("realtime_updates")
        place.publish({"t": "x" * size})
        assert place.counted("realtime_updates") - before == units
    assert (place.counted("connects"), place.counted("subscriptions")) == (1, 1)


@in_place()
async def test_a_payload_that_is_too_large_is_not_sent_and_counted(place: Place) -> None:
    _, client = await place.subscribed()
    place.publish({"t": "x" * 240 * 1024})
    assert client.take() == []
    assert place.counted("updates_too_large") == 1
    place.publish({"t": "x"})
    assert len(client.take()) == 1


@in_place(replace(FRESH, appsync_connects_per_s=2.0))
async def test_connects_are_limited_by_api(place: Place) -> None:
    async def connect(api_id: str = "abc") -> str:
        try:
            await place.realtime.admit(api_id, GOOD, "", source_ip="", request_id="")
        except RequestRefused as refused:
            return refused.error_type
        return "in"

    assert [await connect() for _ in range(3)] == ["in", "in", "LimitExceededError"]
    assert await connect("other") == "in"
    place.now_s += 0.5
    assert [await connect() for _ in range(2)] == ["in", "LimitExceededError"]
    assert place.counted("connects_refused") == 2


@in_place(replace(FRESH, appsync_inbound_messages_per_s=2.0))
async def test_inbound_messages_are_one_for_each_field_that_a_mutation_triggers(place: Place) -> None:
    place.executor.known["activity"] = request(name="onActivity")
    _, location = await place.subscribed()
    _, activity = await place.subscribed("activity")
    place.publish({})
    assert (len(location.take()), len(activity.take())) == (1, 1)
    place.publish({})
    assert location.take() == activity.take() == []
    assert place.counted("updates_throttled") == 2
    place.now_s += 1
    place.publish({})
    assert len(location.take()) == 1


@in_place(replace(FRESH, appsync_outbound_messages_per_s=3.0))
async def test_outbound_messages_are_one_for_each_five_kilobytes(place: Place) -> None:
    clients = [(await place.subscribed())[1] for _ in range(3)]
    place.publish({"t": "x" * 6_000})
    assert [len(client.take()) for client in clients] == [1, 0, 0]
    assert (place.counted("realtime_updates"), place.counted("updates_throttled")) == (2, 2)


# --- admission


def admission(headers: dict[str, str], query: str = "", api_id: str = "abc") -> tuple[Place, Any]:
    place = Place()
    try:
        asyncio.run(place.realtime.admit(api_id, headers, query, source_ip="10.0.0.9", request_id="r"))
    except RequestRefused as refused:
        return place, (refused.error_type, refused.status)
    return place, "in"


def test_a_connection_is_authorized_as_a_call_to_connect() -> None:
    place, outcome = admission(GOOD)
    assert outcome == "in"
    (asked,) = place.authorizer.asked
    assert (asked["method"], asked["path"], asked["body"]) == ("POST", "/graphql/abc/connect", b"{}")
    assert (asked.get("operation"), asked["source_ip"], asked["request_id"]) == (None, "10.0.0.9", "r")


@pytest.mark.parametrize(
    ("headers", "query", "api_id", "expected"),
    [
        ({"host": HOST}, "", "abc", ("UnauthorizedException", 401)),
        ({"host": HOST, "x-api-key": "bad"}, "", "abc", ("UnauthorizedException", 401)),
        ({"host": HOST}, "header=!!", "abc", ("BadRequestException", 400)),
        (GOOD, "header=e30=", "abc", ("UnauthorizedException", 401)),  # what the query says counts alone
        (
            {**GOOD, "host": "other.appsync-api.eu-west-1.localhost"},
            "",
            "abc",
            ("UnauthorizedException", 401),
        ),
        (GOOD, "", "nowhere", ("NotFoundException", 404)),
    ],
)
def test_who_is_not_admitted(
    headers: dict[str, str], query: str, api_id: str, expected: tuple[str, int]
) -> None:
    assert admission(headers, query, api_id)[1] == expected
