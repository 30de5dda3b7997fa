"""A request that LocalStack answered, as a row for the companion: a JSON array, its kind first.

    ["call", at_ms, service, operation, resource, status, error, trace, principal, source, detail]
    ["stage", at_ms, api_id, status, error, body_bytes, headers, header_characters]

`error` is the code of an error, `trace` the Root of the trace that a function's SDK sends along. `principal`
is who called when it was LocalStack itself (`lambda` for a poller, `sns` for a delivery, `internal` where it
does not say), and `source` the ARN it called for. A call of LocalStack's own has no trace: it is no
function's.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from launchday_localstack.metering.details import Served, detail_of, resource_of

Row = list[Any]

OWN_CALLS = frozenset({"apigateway", "dynamodbstreams", "kinesis", "lambda", "logs", "s3", "sns", "sqs"})
"""The services whose calls matter when LocalStack makes them itself: AWS bills a poll of a stream or a
delivery to a queue, too. Of others (AssumeRole for a function, metrics) it bills nothing."""
_HOSTED_STAGE = re.compile(r"^([a-z0-9]+)(?:-vpce-[^.]+)?\.execute-api\.", re.IGNORECASE)
_STAGE_PATH = re.compile(r"^/_aws/execute-api/([^/]+)/|^/restapis/([^/]+)/[^/]+/_user_request_(?:/|$)")
_BY_THE_SERVER = frozenset(
    {"connection", "content-length", "date", "keep-alive", "server", "transfer-encoding", "x-localstack"}
)
"""Headers that a server adds by itself, or LocalStack but not AWS."""
_NOBODY: Mapping[str, Any] = {}


def row_of(context: Any, response: Any, at_ms: int) -> Row | None:
    """The row of an answered request, or None when nothing is to be noted. `context` is LocalStack's
    RequestContext, `response` its Response."""
    if context.operation is not None:
        return _call_row(context, response, at_ms)
    api_id = stage_api(context.request.host, context.request.path)
    # An API that is not deployed answers without a request id, and AWS does not bill it.
    return _stage_row(api_id, response, at_ms) if api_id and "x-amzn-requestid" in response.headers else None


def stage_api(host: str, path: str) -> str | None:
    """The id of the REST API that a request is for, or None."""
    found = _HOSTED_STAGE.match(host) or _STAGE_PATH.match(path)
    return next((group for group in found.groups() if group), "").lower() if found else None


def trace_root(header: str | None) -> str:
    """The Root of an X-Amzn-Trace-Id header, or nothing."""
    for part in (header or "").split(";"):
        name, _, value = part.strip().partition("=")
        if name == "Root":
            return value
    return ""


def _call_row(context: Any, response: Any, at_ms: int) -> Row | None:
    service = context.service.service_name
    own = context.internal_request_params
    if own is not None and service not in OWN_CALLS:
        return None
    request, status = context.request, response.status_code
    call = Served(
        service,
        context.operation.name,
        context.service_request or _NOBODY,
        _answered(context, response) if status < 400 else _NOBODY,
        request.method,
        _body_bytes(request.headers),
        _answer_bytes(context, response),
    )
    principal = "" if own is None else own.get("service_principal") or "internal"
    return [
        "call",
        at_ms,
        service,
        call.operation,
        resource_of(call),
        status,
        _error_code(context),
        trace_root(request.headers.get("X-Amzn-Trace-Id")) if own is None else "",
        principal,
        "" if own is None else own.get("source_arn") or "",
        detail_of(call),
    ]


def _answered(context: Any, response: Any) -> Mapping[str, Any]:
    answered = context.service_response or _NOBODY
    polled = context.service.service_name == "dynamodbstreams" and context.internal_request_params is not None
    if polled and not answered.keys() - {"ResponseMetadata"}:  # the companion's answer, handed on unparsed
        return dict(json.loads(response.data))
    return answered


def _error_code(context: Any) -> str:
    error = context.service_exception
    return "" if error is None else str(getattr(error, "code", "") or type(error).__name__)


def _body_bytes(headers: Mapping[str, str]) -> int:
    """The body's length, without the framing of a signed or trailing-checksum upload."""
    for name in ("x-amz-decoded-content-length", "content-length"):
        length = headers.get(name, "")
        if length.isdecimal():
            return int(length)
    return 0


def _answer_bytes(context: Any, response: Any) -> int:
    if response.content_length is not None:
        return int(response.content_length)
    answered = context.service_response
    length = answered.get("ContentLength") if isinstance(answered, Mapping) else None
    return int(length or 0)


def _stage_row(api_id: str, response: Any, at_ms: int) -> Row:
    own = [(name, value) for name, value in response.headers.items() if name.lower() not in _BY_THE_SERVER]
    length = response.content_length
    return [
        "stage",
        at_ms,
        api_id,
        response.status_code,
        response.headers.get("x-amzn-errortype", ""),
        len(response.data) if length is None else int(length),
        len(own),
        sum(len(name) + len(value) for name, value in own),
    ]
