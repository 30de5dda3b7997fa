"""What the tests of the real-time half share: clients without sockets, and execution by rote."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from harness.aws.limits.profiles import FRESH, Limits
from harness.emulator.services.appsync.contract import (
    Operation,
    OperationRefused,
    RequestInfo,
    RequestRefused,
    SubscriptionRequest,
)
from harness.emulator.services.appsync.identity import Identity
from harness.emulator.services.appsync.model import ApiAuth
from harness.emulator.services.appsync.realtime import RealTime
from harness.emulator.services.appsync.realtime.connection import Connection
from harness.measure.meters import Meters
from tests.emulator.services.appsync.auth_parts import an_api

HOST = "localhost:4566"
GOOD = {"host": HOST, "x-api-key": "good"}


def request(
    api_id: str = "abc",
    name: str = "onLocation",
    mutations: tuple[str, ...] = ("publishLocation",),
    arguments: Mapping[str, Any] | None = None,
    projection: Any = "all",
    **more: Any,
) -> SubscriptionRequest:
    return SubscriptionRequest(
        api_id, name, name, frozenset(mutations), arguments or {}, Identity("API_KEY"), projection, **more
    )


@dataclass
class FakeTransport:
    """A client's end: what was sent, decoded, and how the connection ended. `takes`: it reads at all."""

    takes: bool = True
    messages: list[dict[str, Any]] = field(default_factory=list)
    closed_with: int | None = None
    aborted: bool = False
    waiting: int = 0

    def send(self, frame: bytes) -> int:
        while frame:
            assert frame[0] == 0x81, "a final text frame"
            length, start = frame[1], 2
            if length == 126:
                length, start = int.from_bytes(frame[2:4], "big"), 4
            elif length == 127:
                length, start = int.from_bytes(frame[2:10], "big"), 10
            content, frame = frame[start : start + length], frame[start + length :]
            assert len(content) == length
            self.messages.append(json.loads(content))
            if not self.takes:
                self.waiting += len(content)
        return self.waiting

    def close(self, code: int, reason: str) -> None:
        self.closed_with = code

    def abort(self) -> None:
        self.aborted = True

    def take(self) -> list[dict[str, Any]]:
        taken, self.messages = self.messages, []
        return taken

    def data(self) -> list[Any]:
        return [message["payload"]["data"] for message in self.take() if message["type"] == "data"]


@dataclass
class FakeExecutor:
    """Subscriptions by the query's text; what is projected is the fields that the projection names."""

    known: dict[str, SubscriptionRequest] = field(default_factory=dict)
    projections: int = 0
    asked: list[tuple[str, Identity, Operation, RequestInfo]] = field(default_factory=list)

    async def subscribe(
        self, api_id: str, identity: Identity, operation: Operation, request: RequestInfo
    ) -> SubscriptionRequest:
        self.asked.append((api_id, identity, operation, request))
        found = self.known.get(operation.query)
        if found is None:
            raise OperationRefused(({"errorType": "ValidationError", "message": "no such field"},))
        return replace(found, arguments={**found.arguments, **operation.variables}, identity=identity)

    def project(self, subscription: SubscriptionRequest, result: Any) -> Mapping[str, Any]:
        self.projections += 1
        if subscription.projection == "all":
            return {"data": {subscription.response_key: result}}
        names = subscription.projection
        return {"data": {subscription.response_key: {name: result.get(name) for name in names}}}


@dataclass
class FakeAuthorizer:
    """Lets in whoever has the key `good`, and notes what it was asked."""

    asked: list[dict[str, Any]] = field(default_factory=list)

    async def authorize(self, api: ApiAuth, headers: Mapping[str, str], **more: Any) -> Identity:
        self.asked.append({"api_id": api.api_id, "headers": dict(headers), **more})
        if headers.get("x-api-key") != "good":
            raise RequestRefused("UnauthorizedException", "You are not authorized to make this call.")
        return Identity("API_KEY")


class Place:
    """A real-time half with a clock that is set by hand."""

    def __init__(self, limits: Limits = FRESH) -> None:
        self.now_s = 1_775_000_000.0
        self.apis = {"abc": an_api("API_KEY"), "other": an_api("API_KEY", api_id="other")}
        self.executor = FakeExecutor({"all": request()})
        self.authorizer = FakeAuthorizer()
        self.meters = Meters()
        self.realtime = RealTime(
            apis=self,
            authorizer=self.authorizer,
            executor=self.executor,
            meters=self.meters,
            limits=limits,
            clock=lambda: self.now_s,
        )

    def auth(self, api_id: str) -> ApiAuth | None:
        return self.apis.get(api_id)

    def connect(self, api_id: str = "abc", *, takes: bool = True) -> tuple[Connection, FakeTransport]:
        transport = FakeTransport(takes)
        return self.realtime.connect(api_id, transport, {"host": HOST}, "10.0.0.9"), transport

    async def subscribed(
        self, query: str = "all", subscription_id: str = "1", **variables: Any
    ) -> tuple[Connection, FakeTransport]:
        connection, transport = self.connect()
        await connection.receive(start(subscription_id, query, variables))
        await settled(connection)
        assert transport.take() == [{"id": subscription_id, "type": "start_ack"}]
        return connection, transport

    def publish(self, result: Any, mutation: str = "publishLocation", api_id: str = "abc") -> None:
        self.realtime.publish(api_id, mutation, {}, result)

    def counted(self, unit: str) -> float:
        return sum(usage.quantity for usage in self.meters.usage() if usage.unit == unit)

    def gauge(self, name: str) -> float:
        return sum(gauge.value for gauge in self.meters.gauges() if gauge.name == name)


def start(
    subscription_id: str,
    query: str = "all",
    variables: Mapping[str, Any] | None = None,
    authorization: Mapping[str, str] | None = None,
) -> str:
    data = json.dumps({"query": query, "variables": variables or {}})
    extensions = {"authorization": GOOD if authorization is None else authorization}
    payload = {"data": data, "extensions": extensions}
    return json.dumps({"id": subscription_id, "type": "start", "payload": payload})


async def settled(connection: Connection) -> None:
    """Wait until nothing that the connection began is going on."""
    while connection._starting:
        await asyncio.gather(*connection._starting.values(), return_exceptions=True)
