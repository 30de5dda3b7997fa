"""Whatever a stranger sends, to authorization or over a connection, is refused and is no error of ours."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.emulator.services.appsync.auth import ApiAuthorizer
from harness.emulator.services.appsync.contract import RequestRefused
from harness.emulator.services.appsync.realtime import handshake
from harness.emulator.services.credentials import AccessKeys
from tests.emulator.services.appsync.auth_parts import NOW_S, Function, Pool, an_api, unsigned
from tests.emulator.services.appsync.realtime_parts import GOOD, Place, settled
from tests.emulator.services.appsync.test_auth_sigv4 import signed

TEXT = st.text(st.characters(codec="utf-8"), max_size=60)
POOL = Pool()
TOKEN_PART = st.sampled_from([*POOL.token().split("."), "e30", "bnVsbA", "W10", ""]) | TEXT
CLAIMS = st.dictionaries(
    st.sampled_from(["iss", "exp", "nbf", "iat", "aud", "token_use", "cognito:groups", "sub"]),
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT | st.just(POOL.issuer) | st.lists(TEXT),
)
HEADS = st.fixed_dictionaries({"alg": st.sampled_from(["RS256", "none", "HS256", "ES256", 1]), "kid": TEXT})
SIGNED = signed(at_s=NOW_S)
FIELDS = (
    "Credential=",
    "SignedHeaders=",
    "Signature=",
    "/",
    ",",
    ";",
    "test",
    "20260401",
    "us-east-1",
    "appsync",
)
AUTHORIZATION = (
    TEXT
    | st.lists(TOKEN_PART, min_size=2, max_size=4).map(".".join)
    | st.builds(unsigned, HEADS, CLAIMS, st.binary(max_size=300)).map(str)
    | TEXT.map("Bearer {}".format)
    | st.lists(st.sampled_from(FIELDS) | TEXT, max_size=8).map(lambda p: "AWS4-HMAC-SHA256 " + "".join(p))
    | st.just(SIGNED["authorization"])
)
HEADERS = st.fixed_dictionaries(
    {},
    optional={
        "authorization": AUTHORIZATION,
        "x-api-key": TEXT,
        "host": TEXT | st.just(SIGNED["host"]),
        "x-amz-date": TEXT | st.just(SIGNED["x-amz-date"]),
        "x-amz-security-token": TEXT,
    },
)
API = an_api(
    "API_KEY", "AWS_IAM", "AMAZON_COGNITO_USER_POOLS", "AWS_LAMBDA", keys={"da2-good": int(NOW_S) + 9}
)


def said_no(_event: Any) -> dict[str, Any]:
    return {"isAuthorized": False}


@settings(max_examples=400, deadline=None)
@given(HEADERS, st.binary(max_size=50))
def test_authorization_refuses_what_it_does_not_know(headers: dict[str, str], body: bytes) -> None:
    async def ask() -> None:
        authorizer = ApiAuthorizer(
            keys=AccessKeys("secret"), fetch_pool_keys=POOL.fetch, invoker=Function(said_no)
        )
        await authorizer.authorize(API, headers, method="POST", path="/graphql/abc", body=body, now_s=NOW_S)

    with pytest.raises(RequestRefused) as caught:
        asyncio.run(ask())
    assert caught.value.status in (401, 403)


@given(st.dictionaries(st.sampled_from(["sec-websocket-protocol", "host", "x-api-key"]), TEXT), TEXT)
def test_a_handshake_is_read_or_refused(headers: dict[str, str], query: str) -> None:
    for asked in (query, f"header={query}"):
        try:
            found = handshake.connection_headers(headers, asked)
            handshake.check_host(found.get("host"), "abc", headers.get("host", ""))
        except RequestRefused:
            continue


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
PAYLOADS = st.fixed_dictionaries(
    {},
    optional={
        "data": TEXT | JSON.map(json.dumps) | st.just('{"query":"all"}') | JSON,
        "extensions": st.just({"authorization": GOOD})
        | st.fixed_dictionaries({"authorization": JSON})
        | JSON,
    },
)
MESSAGES = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(["connection_init", "start", "stop", "ka", "data"]) | JSON,
        "id": st.sampled_from(["1", "2", ""]) | JSON,
        "payload": PAYLOADS | JSON,
    },
)


@settings(max_examples=150, deadline=None)
@given(st.lists(MESSAGES.map(json.dumps) | TEXT, max_size=12))
def test_any_conversation_leaves_the_connection_in_order(conversation: list[str]) -> None:
    async def scenario() -> None:
        place = Place()
        connection, client = place.connect()
        for message in conversation:
            await connection.receive(message)
        await settled(connection)
        registered = len(connection.subscriptions)
        assert place.gauge("subscribers") == registered <= 2 + len(conversation)
        client.take()
        place.publish({})
        assert len(client.take()) == registered
        place.realtime.disconnected(connection)
        assert place.gauge("subscribers") == place.gauge("connections") == 0
        place.publish({})
        assert client.take() == []

    asyncio.run(scenario())
