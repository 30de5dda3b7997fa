"""What LocalStack's extension notes of a request, read from JSON. The forms stand in the extension:
launchday_localstack.metering.rows, details and deliveries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple


class BadRow(ValueError):
    """A row that is none: the extension is of another version than the companion."""


class CallRow(NamedTuple):
    """An AWS call. `trace` is set when a function made it, `principal` when LocalStack itself did."""

    at_ms: int
    service: str
    operation: str
    resource: str
    status: int
    error: str
    trace: str
    principal: str
    source: str
    detail: Mapping[str, Any]


class StageRow(NamedTuple):
    """A request to a stage of a REST API. `error` is the type of a gateway response."""

    at_ms: int
    api_id: str
    status: int
    error: str
    body_bytes: int
    headers: int
    header_characters: int


class DeliveryRow(NamedTuple):
    """An attempt of SNS to deliver to an HTTP endpoint has ended."""

    at_ms: int
    topic: str
    protocol: str
    body_bytes: int


class FilterRow(NamedTuple):
    """SNS looked at a subscription's filter policy: whether the message was kept from it (1 or 0), and the
    bytes of the body that the policy looked into."""

    at_ms: int
    topic: str
    kept_from: int
    body_bytes: int


Row = CallRow | StageRow | DeliveryRow | FilterRow

_KINDS: Mapping[str, type[CallRow] | type[StageRow] | type[DeliveryRow] | type[FilterRow]] = {
    "call": CallRow,
    "stage": StageRow,
    "delivery": DeliveryRow,
    "filter": FilterRow,
}


def read_row(row: Sequence[Any]) -> Row:
    """The row that JSON held. Raises BadRow."""
    try:
        kind, *members = row
        return _KINDS[kind](*members)
    except (KeyError, TypeError, ValueError) as error:
        raise BadRow(f"{str(row)[:200]} is no row of a request.") from error
