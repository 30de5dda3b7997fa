"""What back ends and front ends ask: the requests that are made, and what an answer counts as."""

from __future__ import annotations

import json
from base64 import b64decode, urlsafe_b64encode
from typing import Any

import pytest

from deploy import sign_in
from deploy.accounts import account_id, password, secret_key, username
from deploy.pipeline import LiveLocation
from harness.aws.latencies.table import call_latencies
from harness.errors import TargetError
from harness.pipeline import Entrance, Event
from tests.deploy.test_entrances import OUTPUTS

KINDS = {
    *("list_devices", "get_device", "get_history", "list_webhooks"),
    *("graphql_device", "graphql_devices", "sign_in"),
}


def token(expires_s: float, mark: str = "") -> str:
    claims = urlsafe_b64encode(json.dumps({"exp": expires_s, "mark": mark}).encode()).decode().rstrip("=")
    return f"head.{claims}.signature"


FRESH = token(4_000_000_000)
LIVE = {**OUTPUTS, "live": {**OUTPUTS["live"], "tokens": {account_id(2): FRESH}}}


def entrance(kind: str, outputs: dict[str, Any] = LIVE) -> Entrance:
    [found] = [each for each in LiveLocation("local").entrances(outputs) if kind in each.kinds]
    return found


def call(kind: str, account: int = 2, device_id: str = "d1-7") -> Event:
    return Event(-3, "run--3", kind, account, device_id, 1_763_900_000.0, {})


def test_every_call_has_one_entrance_and_every_hop_a_latency() -> None:
    entrances = LiveLocation("local").entrances(LIVE)
    taken = [kind for each in entrances for kind in each.kinds]
    assert set(taken) >= KINDS
    assert {kind for kind in taken if taken.count(kind) > 1} == {"location"}
    assert len({each.route for each in entrances}) == len(entrances)
    assert {hop for each in entrances for hop in each.hops} <= call_latencies().keys()


@pytest.mark.parametrize(
    ("kind", "path"),
    [
        ("list_devices", "/v1/devices?limit=20"),
        ("get_device", "/v1/devices/d1-7"),
        (
            "get_history",
            "/v1/devices/d1-7/history?from=2025-11-23T12%3A08%3A20.000Z&to=2025-11-23T12%3A13%3A20.000Z",
        ),
        ("list_webhooks", "/v1/webhooks"),
    ],
)
def test_a_back_end_asks_with_its_secret_key(kind: str, path: str) -> None:
    request = entrance(kind).request([call(kind)])
    assert (request.method, request.body) == ("GET", b"")
    assert request.url == LIVE["access"]["url"] + path
    pair = b64decode(request.headers["Authorization"].removeprefix("Basic ")).decode()
    assert pair == f"{account_id(2)}:{secret_key('s', account_id(2))}"


@pytest.mark.parametrize(
    ("kind", "status", "said"),
    [
        ("get_device", 200, "accepted"),
        ("get_device", 404, "accepted"),  # it may not be known yet: that is an answer
        ("list_devices", 404, "failed"),
        ("get_history", 422, "failed"),
        ("list_webhooks", 429, "throttled"),
        ("list_webhooks", 401, "failed"),
        ("list_devices", 503, "failed"),
    ],
)
def test_a_back_ends_answer_counts_as(kind: str, status: int, said: str) -> None:
    assert list(entrance(kind).acceptance(status, b"{}", 1)) == [said]


def test_a_front_end_asks_as_its_accounts_user() -> None:
    request = entrance("graphql_device").request([call("graphql_device")])
    assert request.url == LIVE["live"]["graphql_url"]
    assert request.headers["Authorization"] == FRESH
    body = json.loads(request.body)
    assert body["variables"] == {"id": "d1-7"}
    assert body["query"].startswith("query Device(")
    listed = json.loads(entrance("graphql_devices").request([call("graphql_devices")]).body)
    assert listed["variables"] == {"limit": 20}
    nobody = entrance("graphql_device").request([call("graphql_device", account=9)])
    assert "Authorization" not in nobody.headers


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (200, '{"data":{"device":null}}', "accepted"),
        (200, '{"data":{"device":null},"errors":[{"errorType":"Unauthorized"}]}', "failed"),
        (200, '{"data":null,"errors":[{"errorType":"DynamoDB:ThrottlingException"}]}', "throttled"),
        (200, "not json", "failed"),
        (401, '{"errors":[{"errorType":"UnauthorizedException"}]}', "failed"),
        (429, "{}", "throttled"),
        (500, "", "failed"),
    ],
)
def test_a_graphql_answer_counts_as(status: int, body: str, said: str) -> None:
    assert list(entrance("graphql_device").acceptance(status, body.encode(), 1)) == [said]


def test_signing_in_is_a_password_and_no_more() -> None:
    request = entrance("sign_in").request([call("sign_in")])
    assert request.headers["X-Amz-Target"].endswith(".InitiateAuth")
    assert "Authorization" not in request.headers
    assert json.loads(request.body) == {
        "AuthFlow": "USER_PASSWORD_AUTH",
        "ClientId": "c",
        "AuthParameters": {
            "USERNAME": username(account_id(2)),
            "PASSWORD": password("s", account_id(2)),
        },
    }
    too_many = b'{"__type":"TooManyRequestsException"}'
    assert list(entrance("sign_in").acceptance(400, too_many, 1)) == ["throttled"]
    assert list(entrance("sign_in").acceptance(400, b'{"__type":"NotAuthorizedException"}', 1)) == ["failed"]
    assert list(entrance("sign_in").acceptance(200, b"{}", 1)) == ["accepted"]


def test_tokens_are_kept_until_shortly_before_they_end(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def new(_endpoint: str, client_id: str, seed: str, account: str) -> str:
        assert (client_id, seed) == ("c", "s")
        asked.append(account)
        return token(9000, account)

    monkeypatch.setattr(sign_in, "id_token", new)
    old = {account_id(n): token(5000) for n in range(3)}
    outputs = {**OUTPUTS, "live": {**OUTPUTS["live"], "tokens": old}}
    assert sign_in.Tokens(outputs, 4000.0).kept(1) == old[account_id(1)]
    assert asked == []
    again = sign_in.Tokens(outputs, 4500.0)
    assert sorted(asked) == sorted(old)
    assert again.kept(1) == token(9000, account_id(1))
    assert again.kept(3) is None
    assert again.of(3) == again.of(3) == token(9000, account_id(3))
    assert asked.count(account_id(3)) == 1


def test_a_sign_in_that_fails_says_what_to_do() -> None:
    with pytest.raises(TargetError, match="acct_000001 cannot sign in"):
        sign_in.id_token("http://127.0.0.1:9", "c", "s", account_id(0))
