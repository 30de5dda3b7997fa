"""What all AWS JSON protocols (1.0 and 1.1) share on the wire: the target header, answers and errors.

An operation is named by `X-Amz-Target: <service version>.<Operation>`; its input and output are JSON objects,
and an error is `{"__type": "<Code>", "message": "..."}` with the HTTP status of that error.
docs: Smithy, AWS JSON 1.1 protocol (read 2026)
"""

from __future__ import annotations

import uuid
import zlib
from collections.abc import Mapping
from typing import Any, NamedTuple

import orjson

from harness.emulator.services.base import AwsError, AwsRequest, AwsResponse

JSON_1_0 = "application/x-amz-json-1.0"
JSON_1_1 = "application/x-amz-json-1.1"


class Target(NamedTuple):
    """The two halves of X-Amz-Target: `Kinesis_20131202` and `PutRecord`."""

    service: str
    operation: str


def parse_target(headers: Mapping[str, str]) -> Target:
    """The target that the (lower case) headers name.

    Raises AwsError UnknownOperationException when there is none, or it has no operation."""
    service, dot, operation = headers.get("x-amz-target", "").rpartition(".")
    if not dot or not service or not operation:
        raise AwsError("UnknownOperationException", "The request has no valid X-Amz-Target header.")
    return Target(service, operation)


def parse_body(body: bytes) -> dict[str, Any]:
    """The operation's input; an empty body is an empty object.

    Raises AwsError SerializationException when the body is not a JSON object."""
    if not body:
        return {}
    try:
        parsed = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise AwsError("SerializationException", f"The request body is not valid JSON: {error}") from None
    if not isinstance(parsed, dict):
        raise AwsError("SerializationException", "The request body must be a JSON object.")
    return parsed


def new_request_id() -> str:
    """A fresh request id, in AWS's form."""
    return str(uuid.uuid4())


def json_response(
    body: bytes,
    request: AwsRequest | None = None,
    *,
    status: int = 200,
    content_type: str = JSON_1_1,
    crc32: bool = False,
) -> AwsResponse:
    """`body` as a service answers it, with the request's id (a new one when it has none).

    `crc32` adds `x-amz-crc32`, which SDKs check in DynamoDB's answers."""
    headers = {
        "content-type": content_type,
        "x-amzn-requestid": (request.context.request_id if request else "") or new_request_id(),
    }
    if crc32:
        headers["x-amz-crc32"] = str(zlib.crc32(body))
    return AwsResponse(status, body, headers)


def error_response(
    error: AwsError,
    request: AwsRequest | None = None,
    *,
    type_prefix: str = "",
    content_type: str = JSON_1_1,
    crc32: bool = False,
) -> AwsResponse:
    """`error` as it goes over the wire. `type_prefix` is put before the code in `__type`
    (`com.amazonaws.dynamodb.v20120810#`)."""
    body = error_body(error, type_prefix=type_prefix)
    return json_response(body, request, status=error.status, content_type=content_type, crc32=crc32)


def error_body(error: AwsError, *, type_prefix: str = "") -> bytes:
    """The JSON object that says what went wrong."""
    return orjson.dumps({"__type": type_prefix + error.code, "message": error.message, **error.fields})
