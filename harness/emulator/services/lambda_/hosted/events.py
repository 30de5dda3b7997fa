"""What an invocation's event tells of where it came from.

Whoever hosts functions for another Lambda sees payloads only. Those of event sources say what they are.

docs: Lambda Developer Guide, the example event of each service (read 2026)
"""

from __future__ import annotations

from typing import Any, NamedTuple

import orjson

_TELLING = (b'"Records"', b'"requestContext"', b'"methodArn"')
_BATCHED = {"aws:kinesis": "kinesis", "aws:dynamodb": "dynamodb", "aws:sqs": "sqs"}
_SINGLE = {"aws:sns": "sns", "aws:s3": "s3"}


class Origin(NamedTuple):
    """`source` as the observer names it; `records`, where it is a batch."""

    source: str
    records: int = 0


API = Origin("api")


def origin_of(payload: bytes) -> Origin:
    """Where an event came from; one that says nothing of it is a caller's own."""
    if payload.lstrip()[:1] != b"{" or not any(name in payload for name in _TELLING):
        return API
    try:
        event = orjson.loads(payload)
    except orjson.JSONDecodeError:
        return API
    records = event.get("Records")
    if isinstance(records, list) and records and isinstance(records[-1], dict):
        return _of_records(records)
    context = event.get("requestContext")
    is_proxied = isinstance(context, dict) and "apiId" in context
    is_authorization = "execute-api" in str(event.get("methodArn", ""))
    return Origin("apigateway") if is_proxied or is_authorization else API


def _of_records(records: list[Any]) -> Origin:
    last = records[-1]
    kind = str(last.get("eventSource") or last.get("EventSource") or "")
    if kind in _SINGLE:
        return Origin(_SINGLE[kind])
    if kind not in _BATCHED:
        return API
    arn = str(last.get("eventSourceARN", ""))
    resource = arn.split(":", 5)[-1]
    name = resource.split("/")[1] if "/" in resource else resource
    return Origin(f"{_BATCHED[kind]}:{name}", len(records))
