"""Requests that moto fails at: whose fault it was."""

from __future__ import annotations

import json
from xml.parsers.expat import ExpatError

import pytest
from botocore.model import OperationNotFoundError

from harness.emulator.moto.faults import refusal, without_nulls
from harness.emulator.moto.operations import Operation
from harness.emulator.services.base import AwsRequest, CallContext

FAILED = TypeError("'NoneType' is not iterable")
SIGNED = "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/sqs/aws4_request, Signature=0"


def request(
    body: bytes, method: str = "POST", path: str = "/", authorization: str = SIGNED, target: str = "X.Y"
) -> AwsRequest:
    headers = {"authorization": authorization, "x-amz-target": target}
    return AwsRequest(method, path, "", headers, body, CallContext())


def refused(operation: Operation, asked: AwsRequest, error: Exception = FAILED) -> str | None:
    answer = refusal(operation, asked, error)
    return answer and answer.code


SEND = Operation("sqs", "SendMessage")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{", "SerializationException"),
        (b"[]", "SerializationException"),
        (b'{"QueueUrl": 1, "MessageBody": "m"}', "SerializationException"),
        (b'{"QueueUrl": "u"}', "ValidationException"),
        (b'{"QueueUrl": "u", "MessageBody": null}', "ValidationException"),
        (b'{"QueueUrl": "u", "MessageBody": "m"}', None),
        (b'{"QueueUrl": "u", "MessageBody": "m", "DelaySeconds": null}', None),
    ],
)
def test_a_body_is_held_to_the_services_model(body: bytes, code: str | None) -> None:
    assert refused(SEND, request(body)) == code


def test_what_comes_in_the_path_is_not_missed_in_the_body() -> None:
    named = Operation("apigateway", "PATCH /restapis/a")
    assert refused(named, request(b'{"patchOperations": []}', "PATCH", "/restapis/a")) is None
    assert refused(named, request(b'{"patchOperations": 1}', "PATCH", "/restapis/a")) == (
        "SerializationException"
    )
    assert refused(named, request(b"", "PATCH", "/restapis/a/nothing")) == "UnknownOperationException"


def test_signatures_numbers_and_codings_that_are_none_are_the_callers() -> None:
    whole = b'{"QueueUrl": "u", "MessageBody": "m"}'
    assert refused(SEND, request(whole, authorization="AWS4-HMAC-SHA256 x")) == "IncompleteSignature"
    assert refused(SEND, request(whole, authorization="")) == "MissingAuthenticationToken"
    assert refused(SEND, request(whole, authorization="Bearer x")) == "InvalidArgument"
    assert refused(SEND, request(whole), RecursionError()) == "SerializationException"
    assert refused(SEND, request(whole), UnicodeDecodeError("utf-8", b"", 0, 1, "")) == (
        "SerializationException"
    )
    assert refused(Operation("sts", "Nothing"), request(b""), OperationNotFoundError()) == "InvalidAction"
    assert refused(Operation("s3", "PutBucketTagging"), request(b"%"), ExpatError()) == "MalformedXML"
    assert refused(Operation("s3", "PostObject"), request(b""), KeyError("key")) == "MalformedPOSTRequest"
    number = ValueError("invalid literal for int() with base 10: 'x'")
    assert refused(Operation("s3", "ListObjectsV2"), request(b""), number) == "InvalidArgument"
    assert refused(Operation("s3", "GetObject"), request(b""), ValueError("other")) is None


def test_null_members_stand_for_nothing() -> None:
    assert json.loads(without_nulls(request(b'{"limit": null, "a": [null]}'))) == {"a": [None]}
    for body in (b'{"a": "null"}', b"null", b"{null", b""):
        assert without_nulls(request(body)) == body
