"""Errors in the shape that the caller's protocol has for them.

docs: Smithy AWS protocols; Amazon S3 REST error responses (read 2026).
"""

from __future__ import annotations

from xml.sax.saxutils import escape

import orjson

from harness.emulator.services.base import AwsError, AwsRequest, AwsResponse
from harness.emulator.services.json_protocol import JSON_1_0, JSON_1_1

_REST_XML = frozenset({"s3", "s3-control", "cloudfront", "route53"})


def render_error(service: str, request: AwsRequest, error: AwsError) -> AwsResponse:
    """`error` as a client of `service` that sent `request` can read it."""
    request_id = request.context.request_id
    if "x-amz-target" in request.headers:
        return _json(request, error, request_id)
    if service in _REST_XML:
        return _rest_xml(error, request_id)
    if request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        return _ec2(error, request_id) if service == "ec2" else _query(error, request_id)
    return _rest_json(error, request_id)


def _json(request: AwsRequest, error: AwsError, request_id: str) -> AwsResponse:
    content_type = JSON_1_0 if request.headers.get("content-type") == JSON_1_0 else JSON_1_1
    return AwsResponse(
        error.status,
        orjson.dumps({"__type": error.code, "message": error.message, **error.fields}),
        {"content-type": content_type, "x-amzn-requestid": request_id, "x-amzn-errortype": error.code},
    )


def _rest_json(error: AwsError, request_id: str) -> AwsResponse:
    return AwsResponse(
        error.status,
        orjson.dumps({"message": error.message, **error.fields}),
        {"content-type": "application/json", "x-amzn-requestid": request_id, "x-amzn-errortype": error.code},
    )


def _rest_xml(error: AwsError, request_id: str) -> AwsResponse:
    body = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f"<Error><Code>{escape(error.code)}</Code><Message>{escape(error.message)}</Message>"
        f"<RequestId>{request_id}</RequestId></Error>"
    )
    return AwsResponse(
        error.status, body.encode(), {"content-type": "application/xml", "x-amz-request-id": request_id}
    )


def _query(error: AwsError, request_id: str) -> AwsResponse:
    kind = "Sender" if error.status < 500 else "Receiver"
    body = (
        f"<ErrorResponse><Error><Type>{kind}</Type><Code>{escape(error.code)}</Code>"
        f"<Message>{escape(error.message)}</Message></Error><RequestId>{request_id}</RequestId></ErrorResponse>"
    )
    return AwsResponse(
        error.status, body.encode(), {"content-type": "text/xml", "x-amzn-requestid": request_id}
    )


def _ec2(error: AwsError, request_id: str) -> AwsResponse:
    body = (
        f"<Response><Errors><Error><Code>{escape(error.code)}</Code>"
        f"<Message>{escape(error.message)}</Message></Error></Errors>"
        f"<RequestID>{request_id}</RequestID></Response>"
    )
    return AwsResponse(error.status, body.encode(), {"content-type": "text/xml"})
