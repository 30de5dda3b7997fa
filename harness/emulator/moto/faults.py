"""Whose fault it was that moto failed: of a request that AWS would have refused before it did anything, or
moto's own.

AWS holds each request to its service's model first, and moto does not. Holding all of them would cost every
request; so only one that moto failed at is held, to the model that botocore ships. What breaks it is refused
as AWS refuses it; a request that keeps to it stays a failure of the embedded AWS.

docs: AWS common errors (IncompleteSignature, SerializationException, ValidationError; read 2026-11).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any
from xml.parsers.expat import ExpatError

import orjson
from botocore.exceptions import DataNotFoundError, UnknownServiceError
from botocore.loaders import Loader
from botocore.model import OperationModel, OperationNotFoundError, ServiceModel, StructureShape
from botocore.validate import ParamValidator

from harness.emulator.moto.operations import Operation
from harness.emulator.services.base import AwsError, AwsRequest

_SIGNED = re.compile(r"AWS4-HMAC-SHA256 +Credential=([^/,\s]*/){4}aws4_request,?.*", re.S)
_MISSING = "missing required field"
_JSON_PROTOCOLS = ("json", "rest-json")


def without_nulls(request: AwsRequest) -> bytes:
    """The body; of a JSON protocol without members that are null, which stand for nothing."""
    if b"null" not in request.body or "x-amz-target" not in request.headers:
        return request.body
    try:
        value = orjson.loads(request.body)
    except orjson.JSONDecodeError:
        return request.body
    if not isinstance(value, dict) or None not in value.values():
        return request.body
    return orjson.dumps({name: each for name, each in value.items() if each is not None})


def refusal(operation: Operation, request: AwsRequest, error: Exception) -> AwsError | None:
    """What AWS would have said to a request that moto failed at with `error`; None where moto is to blame."""
    return _of_signature(operation, request) or _of_coding(operation, error) or _of_model(operation, request)


def _of_signature(operation: Operation, request: AwsRequest) -> AwsError | None:
    header = request.headers.get("authorization", "")
    if not header and operation.service != "s3" and "X-Amz-Signature=" not in request.query:
        return AwsError("MissingAuthenticationToken", "Missing Authentication Token", 403)
    if header.startswith("AWS4-") and _SIGNED.fullmatch(header) is None:
        return AwsError("IncompleteSignature", "The Authorization header is not of the form of Signature V4.")
    if header and not header.startswith("AWS"):
        return AwsError("InvalidArgument", "Unsupported Authorization Type")
    return None


def _of_coding(operation: Operation, error: Exception) -> AwsError | None:
    if operation.service == "s3" and operation.name == "PostObject" and isinstance(error, KeyError):
        return AwsError("MalformedPOSTRequest", "The body is not well-formed multipart/form-data.")
    if isinstance(error, OperationNotFoundError):
        return AwsError("InvalidAction", f"There is no action {operation.name}.")
    if isinstance(error, ExpatError):
        return AwsError("MalformedXML", "The body is not well-formed XML.")
    if isinstance(error, UnicodeError):
        return AwsError("SerializationException", "The request is not UTF-8.")
    if isinstance(error, RecursionError):
        return AwsError("SerializationException", "The request is nested too deep.")
    if isinstance(error, ValueError) and "invalid literal for int()" in str(error):
        code = "InvalidArgument" if operation.service == "s3" else "ValidationError"
        return AwsError(code, "A number was expected.")
    return None


def _of_model(operation: Operation, request: AwsRequest) -> AwsError | None:
    model = _model(operation.service)
    if model is None or model.metadata.get("protocol") not in _JSON_PROTOCOLS:
        return None
    described = _operation(model, operation.name, request)
    if described is not None:
        return _of_json(described, request.body)
    return AwsError("UnknownOperationException", f"There is no operation {operation.name}.", 404)


def _of_json(operation: OperationModel, body: bytes) -> AwsError | None:
    """What is wrong with the members that come in a JSON body."""
    shape = operation.input_shape
    try:
        value = orjson.loads(body) if body else {}
    except orjson.JSONDecodeError:
        return AwsError("SerializationException", "The body is not JSON.")
    if not isinstance(value, dict):
        return AwsError("SerializationException", "The body is not a JSON object.")
    if not isinstance(shape, StructureShape) or shape.serialization.get("payload"):
        return None
    elsewhere = {name for name, member in shape.members.items() if member.serialization.get("location")}
    for name, reason, what in _broken(value, shape):
        if name in elsewhere and reason == _MISSING:
            continue  # it is in the path, the query or a header
        code = "ValidationException" if reason == _MISSING else "SerializationException"
        return AwsError(code, f"{reason}: {what}")
    return None


def _broken(value: dict[str, Any], shape: StructureShape) -> Iterator[tuple[str, str, str]]:
    """Name of the member, reason, and the reason in a sentence; of nulls, which stand for nothing, none."""
    names = {member.serialization.get("name", name): name for name, member in shape.members.items()}
    given = {names.get(name, name): each for name, each in value.items() if each is not None}
    report = ParamValidator().validate(given, shape)
    for reason, path, details in report._errors:
        name = details.get("required_name", path.split(".")[1] if "." in path else path)
        yield str(name), str(reason), report._format_error((reason, path, details))


@cache
def _model(service: str) -> ServiceModel | None:
    try:
        return ServiceModel(Loader().load_service_model(service, "service-2"), service)
    except (DataNotFoundError, UnknownServiceError):
        return None


def _operation(model: ServiceModel, name: str, request: AwsRequest) -> OperationModel | None:
    """By its name, or by method and path where the operation was not named."""
    if name in model.operation_names:
        return model.operation_model(name)
    for method, pattern, known in _paths(model.service_name):
        if method == request.method and pattern.fullmatch(request.path):
            return model.operation_model(known)
    return None


@cache
def _paths(service: str) -> list[tuple[str, re.Pattern[str], str]]:
    """Method, path and name of each operation; those with fewer parameters first."""
    model, found = _model(service), []
    for name in model.operation_names if model else ():
        http = model.operation_model(name).http if model else {}
        path = re.escape(str(http["requestUri"]).partition("?")[0])
        path = re.sub(r"\\{[^}]*?\\\+\\}", ".+", path)
        path = re.sub(r"\\{[^}]*?\\}", "[^/]+", path)
        found.append((str(http["method"]), re.compile(path), name))
    return sorted(found, key=lambda each: each[1].pattern.count("[^/]+"))
