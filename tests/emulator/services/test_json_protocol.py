from __future__ import annotations

import zlib

import orjson
import pytest

from harness.emulator.services.base import AwsError, AwsRequest, CallContext
from harness.emulator.services.json_protocol import (
    JSON_1_0,
    JSON_1_1,
    Target,
    error_response,
    json_response,
    parse_body,
    parse_target,
)


def test_a_target_is_split_at_its_last_dot() -> None:
    assert parse_target({"x-amz-target": "Kinesis_20131202.PutRecord"}) == Target(
        "Kinesis_20131202", "PutRecord"
    )


@pytest.mark.parametrize("value", [None, "", "PutRecord", ".PutRecord", "Kinesis_20131202."])
def test_a_missing_or_half_target_is_an_unknown_operation(value: str | None) -> None:
    with pytest.raises(AwsError) as caught:
        parse_target({} if value is None else {"x-amz-target": value})
    assert caught.value.code == "UnknownOperationException"


def test_an_empty_body_is_an_empty_object() -> None:
    assert parse_body(b"") == {}


@pytest.mark.parametrize("body", [b"{", b"[]", b'"text"', b"\xff"])
def test_a_body_that_is_no_json_object_cannot_be_deserialized(body: bytes) -> None:
    with pytest.raises(AwsError) as caught:
        parse_body(body)
    assert caught.value.code == "SerializationException"


def test_an_answer_carries_the_request_id_of_its_request() -> None:
    request = AwsRequest("POST", "/", "", {}, b"", CallContext(request_id="r-1"))
    response = json_response(b"{}", request)
    assert response.headers == {"content-type": JSON_1_1, "x-amzn-requestid": "r-1"}


def test_an_answer_without_a_request_gets_a_new_request_id() -> None:
    first, second = json_response(b"{}"), json_response(b"{}")
    assert len(first.headers["x-amzn-requestid"]) == 36
    assert first.headers["x-amzn-requestid"] != second.headers["x-amzn-requestid"]


def test_an_error_names_its_type_its_message_and_its_fields() -> None:
    error = AwsError("SomeException", "Said.", 418, {"Type": "User"})
    response = error_response(error, type_prefix="com.amazonaws#", content_type=JSON_1_0, crc32=True)
    assert response.status == 418
    assert orjson.loads(response.body) == {
        "__type": "com.amazonaws#SomeException",
        "message": "Said.",
        "Type": "User",
    }
    assert response.headers["x-amz-crc32"] == str(zlib.crc32(response.body))
    assert response.headers["content-type"] == JSON_1_0
