"""What clients may say, how frames look, and where credentials are read from."""

from __future__ import annotations

import json
from base64 import b64encode, urlsafe_b64encode
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.emulator.services.appsync.contract import Operation, RequestRefused
from harness.emulator.services.appsync.realtime import handshake, protocol
from harness.emulator.services.appsync.realtime.protocol import Init, Start, Stop, Unusable

DATA = json.dumps({"query": "subscription S { a }", "variables": {"x": 1}, "operationName": "S"})
AUTHORIZATION = {"host": "h", "X-Api-Key": "k"}


def start(**changes: Any) -> str:
    payload = {"data": DATA, "extensions": {"authorization": AUTHORIZATION}}
    message = {"id": "1", "type": "start", "payload": {**payload, **changes.pop("payload", {})}}
    return json.dumps({**message, **changes})


def test_what_is_understood() -> None:
    assert protocol.read('{"type":"connection_init"}') == Init()
    assert protocol.read('{"type":"connection_init","payload":{}}') == Init()
    assert protocol.read('{"type":"stop","id":"7"}') == Stop("7")
    operation = Operation("subscription S { a }", {"x": 1}, "S")
    assert protocol.read(start()) == Start("1", DATA, operation, {"host": "h", "x-api-key": "k"})


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        "1",
        '"start"',
        "{}",
        '{"type":"start"}',
        '{"type":"stop"}',
        '{"type":"stop","id":7}',
        '{"type":"data","id":""}',
        '{"type":["start"]}',
        "[" * 100_000,
        '{"type":"connection_init","id":"' + "\ud800" + '"}',
        start(id=""),
        start(id="x" * 513),
        start(id=None),
    ],
)
def test_what_is_not_understood(text: str) -> None:
    assert protocol.read(text) == Unusable()


@pytest.mark.parametrize(
    "payload",
    [
        {"data": None},
        {"data": {"query": "{ a }"}},
        {"data": "{"},
        {"data": "[]"},
        {"data": "{}"},
        {"data": '{"query": 1}'},
        {"data": '{"query": "a", "variables": []}'},
        {"data": '{"query": "a", "operationName": 1}'},
        {"extensions": None},
        {"extensions": {}},
        {"extensions": {"authorization": None}},
        {"extensions": {"authorization": "k"}},
        {"extensions": {"authorization": {"host": 1}}},
    ],
)
def test_a_start_that_lacks_a_part_is_answered_under_its_id(payload: dict[str, Any]) -> None:
    assert protocol.read(start(payload=payload)) == Unusable("1")


@given(st.text() | st.binary().map(lambda raw: raw.decode("utf-8", "surrogateescape")))
def test_nothing_that_is_said_is_an_error_of_ours(text: str) -> None:
    protocol.read(text)


@pytest.mark.parametrize("length", [0, 125, 126, 65_535, 65_536])
def test_frames_are_as_the_standard_has_them(length: int) -> None:
    frame = protocol.text_frame(b"x" * length)
    sizes = {0: b"\x00", 125: b"\x7d", 126: b"\x7e\x00\x7e", 65_535: b"\x7e\xff\xff"}
    header = b"\x81" + sizes.get(length, b"\x7f" + length.to_bytes(8, "big"))
    assert frame == header + b"x" * length


# --- the handshake


CREDENTIALS = {"host": "h:1", "x-api-key": "~~~???>>>"}
PLAIN = b64encode(json.dumps(CREDENTIALS).encode()).decode()
URL_SAFE = urlsafe_b64encode(json.dumps(CREDENTIALS).encode()).decode()


@pytest.mark.parametrize(
    ("headers", "query"),
    [
        ({}, f"header={PLAIN}&payload=e30="),
        ({}, f"header={PLAIN.replace('=', '%3D').replace('+', '%2B').replace('/', '%2F')}&payload=e30%3D"),
        ({}, f"payload=e30=&header={PLAIN.rstrip('=')}"),
        ({}, f"header={URL_SAFE}"),
        ({"sec-websocket-protocol": f"graphql-ws, header-{URL_SAFE}"}, ""),
        ({"sec-websocket-protocol": f"header-{URL_SAFE.rstrip('=')},graphql-ws"}, ""),
        ({"x-api-key": "from the request", "host": "x"}, f"header={PLAIN}"),
    ],
)
def test_credentials_are_found_in_the_query_and_in_a_subprotocol(headers: dict[str, str], query: str) -> None:
    assert handshake.connection_headers(headers, query) == CREDENTIALS


def test_without_either_the_requests_own_headers_count() -> None:
    headers = {"host": "h", "x-api-key": "k", "sec-websocket-protocol": "graphql-ws"}
    assert handshake.connection_headers(headers, "payload=e30=") == headers


@pytest.mark.parametrize("encoded", ["!!!", "e30", "bnVsbA", "W10", "eyJhIjoxfQ", "A" * 10_001, "%FF"])
def test_credentials_that_cannot_be_read_open_nothing(encoded: str) -> None:
    if encoded == "e30":
        assert handshake.connection_headers({}, "header=e30") == {}
        return
    with pytest.raises(RequestRefused):
        handshake.connection_headers({}, f"header={encoded}")


@pytest.mark.parametrize(
    ("given_host", "connected"),
    [
        ("abc.appsync-api.us-east-1.amazonaws.com", "abc.appsync-realtime-api.us-east-1.amazonaws.com"),
        ("abc.appsync-api.us-east-1.amazonaws.com", "localhost:4566"),
        ("ABC.appsync-api.us-east-1.localhost:4566", "abc.appsync-realtime-api.us-east-1.localhost:4566"),
        ("localhost:4566", "localhost:4566"),
        ("localhost:4566", "127.0.0.1:4566"),
        ("127.0.0.1:4566", "[::1]:4566"),
        ("api.localhost.localstack.cloud:4566", "api.localhost.localstack.cloud:4566"),
    ],
)
def test_the_apis_own_host_is_good(given_host: str, connected: str) -> None:
    handshake.check_host(given_host, "abc", connected)


@pytest.mark.parametrize(
    ("given_host", "connected"),
    [
        ("other.appsync-api.us-east-1.amazonaws.com", "abc.appsync-realtime-api.us-east-1.amazonaws.com"),
        ("other.appsync-api.us-east-1.localhost:4566", "other.appsync-api.us-east-1.localhost:4566"),
        ("evil.example", "localhost:4566"),
        ("localhost:4567", "localhost:4566"),
        ("localhost", "localhost:4566"),
        ("abc.appsync-api.us-east-1.amazonaws.com.evil.example:1/x", "localhost:4566"),
        ("", "localhost:4566"),
        (None, "localhost:4566"),
        ("", ""),
    ],
)
def test_headers_made_for_another_host_are_refused(given_host: str | None, connected: str) -> None:
    with pytest.raises(RequestRefused) as caught:
        handshake.check_host(given_host, "abc", connected)
    assert caught.value.error_type == "UnauthorizedException"
