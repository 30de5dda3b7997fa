"""What accounts' front ends ask: signing in, and queries of the GraphQL API. Calls, which carry no event.

A query is asked as the account's user, with a token that was minted beforehand; an account without a user is
refused by the API, and shows as such.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from deploy import sign_in
from deploy.accounts import account_id
from harness.pipeline import Acceptance, Event, HttpRequest

GRAPHQL_DEVICE = "graphql_device"
GRAPHQL_DEVICES = "graphql_devices"
SIGN_IN = "sign_in"

PAGE = 20
_LOCATION = "location { event_id lat lon speed bearing activity context recorded_at received_at }"
_DEVICE = f"query Device($id: ID!) {{ device(id: $id) {{ device_id platform registered_at {_LOCATION} }} }}"
_DEVICES = (
    "query Devices($limit: Int) "
    f"{{ devices(limit: $limit) {{ devices {{ device_id {_LOCATION} }} nextToken }} }}"
)
_THROTTLED = ("ThrottlingException", "TooManyRequestsException", "LimitExceededException")


@dataclass(slots=True)
class Query:
    """A GraphQL query, `POST`ed as the account's user; its variables may be of the device."""

    route: str
    kinds: frozenset[str]
    url: str
    document: str
    tokens: sign_in.Tokens
    hops: Sequence[str]
    limit: int | None = None
    max_events: int = 1
    _headers: dict[int, Mapping[str, str]] = field(default_factory=dict)

    def request(self, events: Sequence[Event]) -> HttpRequest:
        """The request of the one call."""
        event = events[0]
        variables = {"limit": self.limit} if self.limit else {"id": event.device_id}
        body = orjson.dumps({"query": self.document, "variables": variables})
        return HttpRequest("POST", self.url, self._of(event.account), body)

    def _of(self, account: int) -> Mapping[str, str]:
        headers = self._headers.get(account)
        if headers is None:
            token = self.tokens.kept(account)
            headers = {"Content-Type": "application/json", **({"Authorization": token} if token else {})}
            self._headers[account] = headers
        return headers

    def acceptance(self, status: int, body: bytes, events: int) -> Sequence[Acceptance]:  # noqa: ARG002
        """GraphQL answers 200 for what failed as well: an answer with errors is none."""
        if status == 429:
            return ("throttled",)
        answer = _object(body)
        if status == 200 and "errors" not in answer and answer.get("data") is not None:
            return ("accepted",)
        return ("throttled",) if any(each in str(answer) for each in _THROTTLED) else ("failed",)


@dataclass(slots=True)
class SignIn:
    """Cognito's InitiateAuth with user name and password, as a front end sends it."""

    route: str
    kinds: frozenset[str]
    url: str
    client_id: str
    seed: str
    hops: Sequence[str] = ("cognito-idp:InitiateAuth",)
    max_events: int = 1
    _bodies: dict[int, bytes] = field(default_factory=dict)

    def request(self, events: Sequence[Event]) -> HttpRequest:
        """The request of the one call."""
        account = events[0].account
        body = self._bodies.get(account)
        if body is None:
            body = orjson.dumps(sign_in.parameters(self.client_id, self.seed, account_id(account)))
            self._bodies[account] = body
        return HttpRequest("POST", self.url, sign_in.HEADERS, body)

    def acceptance(self, status: int, body: bytes, events: int) -> Sequence[Acceptance]:  # noqa: ARG002
        """What Cognito says: a throttled call is a 400 of its own kind."""
        if status == 200:
            return ("accepted",)
        return ("throttled",) if _object(body).get("__type") in _THROTTLED else ("failed",)


def calls(outputs: Mapping[str, Any]) -> list[Query | SignIn]:
    """Every call of the front ends of a deployment."""
    live, seed = outputs["live"], outputs["accounts"]["seed"]
    tokens, url = sign_in.Tokens(outputs), live["graphql_url"]
    return [
        Query(
            "query device", frozenset({GRAPHQL_DEVICE}), url, _DEVICE, tokens,
            ("appsync:GraphQL", "dynamodb:GetItem"),
        ),
        Query(
            "query devices", frozenset({GRAPHQL_DEVICES}), url, _DEVICES, tokens,
            ("appsync:GraphQL", "dynamodb:Query", "dynamodb:BatchGetItem"), limit=PAGE,
        ),
        SignIn("InitiateAuth users", frozenset({SIGN_IN}), live["sign_in_url"], live["client_id"], seed),
    ]  # fmt: skip


def _object(body: bytes) -> dict[str, Any]:
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    return value if isinstance(value, dict) else {}
