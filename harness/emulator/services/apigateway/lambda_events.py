"""The events that functions are given, and the answers that proxied functions give.

docs: API Gateway Developer Guide, Lambda proxy integrations in API Gateway (payload format 1.0); Input to an
API Gateway Lambda authorizer (read 2026-11)
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any

import orjson

from harness.emulator.services.apigateway.context_values import request_context
from harness.emulator.services.apigateway.errors import GatewayError, internal_server_error
from harness.emulator.services.apigateway.exchange import Exchange
from harness.emulator.services.apigateway.headers import outgoing
from harness.emulator.services.base import AwsResponse

_ANSWER_MEMBERS = frozenset({"statusCode", "headers", "multiValueHeaders", "body", "isBase64Encoded"})


def token_event(exchange: Exchange, key: tuple[str, ...]) -> dict[str, Any]:
    """What a TOKEN authorizer is given."""
    return {"type": "TOKEN", "methodArn": exchange.method_arn, "authorizationToken": key[0]}


def request_event(exchange: Exchange, _key: tuple[str, ...]) -> dict[str, Any]:
    """What a REQUEST authorizer is given."""
    event = _common(exchange)
    for member in (
        "queryStringParameters",
        "multiValueQueryStringParameters",
        "pathParameters",
        "stageVariables",
    ):
        event[member] = event[member] or {}
    return {"type": "REQUEST", "methodArn": exchange.method_arn, **event}


def proxy_event(exchange: Exchange, *, binary: bool) -> bytes:
    """What a proxied function is given; `binary` puts the body in base64."""
    body = exchange.request.body
    text: str | None = None
    if body:
        text = base64.b64encode(body).decode() if binary else body.decode("utf-8", "replace")
    event = {**_common(exchange), "body": text, "isBase64Encoded": bool(body) and binary}
    return orjson.dumps(event)


def _common(exchange: Exchange) -> dict[str, Any]:
    return {
        "resource": exchange.resource_path,
        "path": exchange.decoded_path,
        "httpMethod": exchange.request.method,
        "headers": exchange.headers,
        "multiValueHeaders": exchange.multi_headers,
        "queryStringParameters": exchange.query or None,
        "multiValueQueryStringParameters": exchange.multi_query or None,
        "pathParameters": dict(exchange.path_parameters) or None,
        "stageVariables": exchange.stage.variables or None,
        "requestContext": request_context(exchange),
    }


def read_answer(payload: bytes, *, accepts_binary: bool) -> AwsResponse:
    """The response that a proxied function's answer describes.

    Raises GatewayError 502 when it is malformed, and API_CONFIGURATION_ERROR when its base64 is."""
    try:
        answer = orjson.loads(payload)
    except orjson.JSONDecodeError:
        raise internal_server_error(502) from None
    if not isinstance(answer, dict) or not answer.keys() <= _ANSWER_MEMBERS:
        raise internal_server_error(502)
    body, encoded = answer.get("body"), answer.get("isBase64Encoded")
    if not isinstance(body, str | None) or not isinstance(encoded, bool | None):
        raise internal_server_error(502)
    content = (body or "").encode("utf-8", "surrogatepass")
    if encoded and accepts_binary:
        try:
            content = base64.b64decode(content, validate=True)
        except binascii.Error:
            raise GatewayError("API_CONFIGURATION_ERROR") from None
    headers, repeats = _headers(answer)
    return AwsResponse(_status(answer.get("statusCode")), content, headers, repeats)


def _status(given: object) -> int:
    try:
        status = 200 if given is None else int(given) if isinstance(given, str | int) else 0
    except ValueError:
        status = 0
    if isinstance(given, bool) or not 200 <= status <= 599:  # 1xx would not end the exchange on the wire
        raise internal_server_error(502)
    return status


def _headers(answer: Mapping[str, Any]) -> tuple[dict[str, str], list[tuple[str, str]]]:
    """Names in lower case; each header's first line, and the further lines of those that have several. Where
    a name is in both members, `multiValueHeaders` counts.

    docs: API Gateway Developer Guide, Lambda proxy integrations, Output format (read 2026-11)."""
    single, multi = answer.get("headers") or {}, answer.get("multiValueHeaders") or {}
    if not isinstance(single, dict) or not isinstance(multi, dict):
        raise internal_server_error(502)
    pairs = [(name, _header_value(value)) for name, value in single.items() if value is not None]
    further: list[tuple[str, str]] = []
    for name, values in multi.items():
        if not isinstance(values, list):
            raise internal_server_error(502)
        lines = [(name, _header_value(value)) for value in values]
        pairs += lines[:1]
        further += lines[1:]
    repeats = [line for pair in further for line in outgoing([pair]).items()]
    return {"content-type": "application/json", **outgoing(pairs)}, repeats


def _header_value(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, str | int | float):
        raise internal_server_error(502)
    return str(value)
