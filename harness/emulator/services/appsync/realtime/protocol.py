"""AppSync's real-time protocol on the wire: what clients say, read without trust, and what they are told.

docs: AppSync Developer Guide, Building a real-time WebSocket client, Real-time WebSocket operation (read
2026-11). Errors that it does not show are as clients report them from AWS: `UnsupportedOperation` for what
cannot be understood, `DuplicatedOperationError`, `MaxSubscriptionsReachedError`, and `connection_error` with
an `errorCode` when a connection is refused. The wording of some is ours.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from harness.emulator.services.appsync.contract import Operation

SUBPROTOCOL = "graphql-ws"
CONNECTION_TIMEOUT_MS = 300_000
MAX_ID_CHARS = 512
"""Of a subscription's id. AWS documents no limit: ours keeps what a client can have us remember bounded."""
Errors = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Init:
    """`connection_init`."""


@dataclass(frozen=True, slots=True)
class Start:
    """`start`. `data` is the operation as it was sent, which is what a signature covers; header names in
    `authorization` are lower case."""

    id: str
    data: str
    operation: Operation
    authorization: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Stop:
    """`stop`."""

    id: str


@dataclass(frozen=True, slots=True)
class Unusable:
    """What cannot be understood; `id` is the one it gives, or nothing."""

    id: str = ""


Message = Init | Start | Stop | Unusable


def read(text: str) -> Message:
    """What a client's message says."""
    try:
        message = orjson.loads(text)
    except ValueError:
        return Unusable()
    if not isinstance(message, dict):
        return Unusable()
    given = message.get("id")
    subscription_id = given if isinstance(given, str) and 0 < len(given) <= MAX_ID_CHARS else ""
    kind = message.get("type")
    if kind == "connection_init":
        return Init()
    if kind == "stop" and subscription_id:
        return Stop(subscription_id)
    if kind == "start" and subscription_id:
        return _start(subscription_id, message.get("payload")) or Unusable(subscription_id)
    return Unusable(subscription_id)


def _start(subscription_id: str, payload: Any) -> Start | None:
    """None unless the payload has `data`, a string of JSON, and `extensions.authorization`."""
    if not isinstance(payload, dict):
        return None
    data, extensions = payload.get("data"), payload.get("extensions")
    if not isinstance(data, str) or not isinstance(extensions, dict):
        return None
    headers = header_map(extensions.get("authorization"))
    operation = _operation(data)
    if headers is None or operation is None:
        return None
    return Start(subscription_id, data, operation, headers)


def _operation(data: str) -> Operation | None:
    try:
        given = orjson.loads(data)
    except ValueError:
        return None
    if not isinstance(given, dict):
        return None
    query, variables, name = given.get("query"), given.get("variables"), given.get("operationName")
    if not isinstance(query, str) or not isinstance(variables, dict | None):
        return None
    if not isinstance(name, str | None):
        return None
    return Operation(query, variables or {}, name or None)


def header_map(given: Any) -> dict[str, str] | None:
    """Headers given as a JSON object, names in lower case; None for what is no such object."""
    if not isinstance(given, dict) or not all(isinstance(value, str) for value in given.values()):
        return None
    return {name.lower(): value for name, value in given.items()}


def text_frame(content: bytes) -> bytes:
    """A WebSocket text frame from a server: final, not masked (RFC 6455, 5.2)."""
    length = len(content)
    if length < 126:
        return bytes((0x81, length)) + content
    if length < 65_536:
        return b"\x81\x7e" + length.to_bytes(2, "big") + content
    return b"\x81\x7f" + length.to_bytes(8, "big") + content


def _frame(message: Mapping[str, Any]) -> bytes:
    return text_frame(orjson.dumps(message, default=str))


ACK = _frame({"type": "connection_ack", "payload": {"connectionTimeoutMs": CONNECTION_TIMEOUT_MS}})
KEEP_ALIVE = _frame({"type": "ka"})


def start_ack(subscription_id: str) -> bytes:
    """The subscription is registered."""
    return _frame({"id": subscription_id, "type": "start_ack"})


def complete(subscription_id: str) -> bytes:
    """The subscription is over, as the client asked."""
    return _frame({"id": subscription_id, "type": "complete"})


def invalidated(subscription_id: str) -> bytes:
    """The subscription is over because a mutation ended it. docs: Unsubscribing WebSocket connections using
    filters: "the client receives a message confirming that they are unsubscribed"."""
    return _frame(
        {"id": subscription_id, "type": "complete", "payload": {"message": "Subscription complete."}}
    )


def error(subscription_id: str, errors: Errors) -> bytes:
    """A subscription cannot be had, or is ended; without an id, a message could not be understood."""
    message: dict[str, Any] = {"id": subscription_id} if subscription_id else {}
    return _frame({**message, "type": "error", "payload": {"errors": list(errors)}})


def connection_error(error_type: str, message: str, error_code: int) -> bytes:
    """The connection is refused, and closed after this."""
    refused = {"errorType": error_type, "message": message, "errorCode": error_code}
    return _frame({"type": "connection_error", "payload": {"errors": [refused]}})


def data_prefix(subscription_id: str) -> bytes:
    """What stands before the payload of each `data` message to a subscription, `}` after it."""
    return b'{"id":' + orjson.dumps(subscription_id) + b',"type":"data","payload":'


UNSUPPORTED = (
    {"errorType": "UnsupportedOperation", "message": "unknown not supported through the realtime channel"},
)
DUPLICATED = (
    {"errorType": "DuplicatedOperationError", "message": "A subscription with this id exists already."},
)


def too_many_subscriptions(limit: float) -> Errors:
    """A connection has as many subscriptions as it may."""
    return (
        {
            "errorType": "MaxSubscriptionsReachedError",
            "message": f"Max number of {limit:.0f} subscriptions reached",
        },
    )
