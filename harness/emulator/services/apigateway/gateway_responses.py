"""Gateway responses as an API may customise them: status, headers, and bodies by plain substitution.

docs: API Gateway Developer Guide, Gateway responses in API Gateway; Gateway response types (read 2026-11).
Templates of gateway responses are not VTL: only simple variables are replaced in them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from harness.emulator.services.apigateway.errors import GatewayError, NotDeployable
from harness.emulator.services.apigateway.exchange import Exchange
from harness.emulator.services.apigateway.headers import outgoing
from harness.emulator.services.apigateway.mapping import Source, compile_source
from harness.emulator.services.base import AwsResponse
from harness.emulator.vtl import to_text

_VARIABLE = re.compile(r"\$(context|stageVariables|method\.request)((?:\.[A-Za-z0-9_-]+)+)")
_HEADER_TARGET = "gatewayresponse.header."
_JSON = "application/json"


@dataclass(frozen=True, slots=True)
class CustomResponse:
    """What an API says of one response type. `status` None keeps the type's own."""

    status: int | None
    headers: tuple[tuple[str, Source], ...]
    templates: Mapping[str, tuple[str | Source, ...]]


def compile_responses(items: Sequence[Mapping[str, Any]]) -> dict[str, CustomResponse]:
    """The responses that GetGatewayResponses says are customised. Raises NotDeployable."""
    custom: dict[str, CustomResponse] = {}
    for item in items:
        if item.get("defaultResponse"):
            continue
        headers: list[tuple[str, Source]] = []
        for target, source in (item.get("responseParameters") or {}).items():
            if not target.startswith(_HEADER_TARGET):
                raise NotDeployable(f"the gateway response parameter '{target}' is not supported")
            headers.append((target.removeprefix(_HEADER_TARGET), compile_source(source)))
        templates = {
            content_type: _pieces(template)
            for content_type, template in (item.get("responseTemplates") or {}).items()
        }
        status = item.get("statusCode")
        custom[str(item["responseType"])] = CustomResponse(
            int(status) if status else None, tuple(headers), templates
        )
    return custom


def _pieces(template: str) -> tuple[str | Source, ...]:
    pieces: list[str | Source] = []
    at = 0
    for found in _VARIABLE.finditer(template):
        pieces += [template[at : found.start()], compile_source(found[1] + found[2])]
        at = found.end()
    return (*pieces, template[at:])


def render(error: GatewayError, custom: Mapping[str, CustomResponse], exchange: Exchange) -> AwsResponse:
    """The answer for `error`: by the API's response for its type, else its DEFAULT_4XX or DEFAULT_5XX, else
    AWS's own."""
    kind = error.kind
    family = "DEFAULT_4XX" if error.status < 500 else "DEFAULT_5XX"
    response = custom.get(kind.name) or custom.get(family)
    headers = {"x-amzn-errortype": kind.error_type, "content-type": _JSON}
    if response is None:
        return AwsResponse(error.status, _default_body(error, headers), headers)
    exchange.error = {
        "message": error.message,
        "messageString": orjson.dumps(error.message).decode(),
        "responseType": kind.name,
    }
    content_type = _content_type(response, exchange)
    body = _default_body(error, headers)
    if content_type is not None:
        headers["content-type"] = content_type
        body = "".join(
            piece if isinstance(piece, str) else to_text(piece(exchange, None))
            for piece in response.templates[content_type]
        ).encode()
    mapped = ((name, source(exchange, None)) for name, source in response.headers)
    texts = ((name, to_text(value)) for name, value in mapped if value is not None)
    headers |= outgoing(texts, challenges=True)
    return AwsResponse(response.status or error.status, body, headers)


def _content_type(response: CustomResponse, exchange: Exchange) -> str | None:
    accept = (exchange.header("accept") or "").partition(",")[0].partition(";")[0].strip()
    if accept in response.templates:
        return accept
    return _JSON if _JSON in response.templates else next(iter(response.templates), None)


def _default_body(error: GatewayError, headers: dict[str, str]) -> bytes:
    """`{"message": ...}`. Two are special: ACCESS_DENIED capitalises `Message` (most captures of real answers
    do), and REQUEST_TOO_LARGE is plain text (so says its documentation)."""
    if error.kind.name == "REQUEST_TOO_LARGE":
        headers["content-type"] = "text/plain"
        return (error.message or "").encode()
    key = "Message" if error.kind.name == "ACCESS_DENIED" else "message"
    return orjson.dumps({key: error.message})
