from __future__ import annotations

from typing import Any

import orjson
import pytest

from harness.emulator.services.base import AwsError
from harness.emulator.services.kinesis.shapes import INPUTS, NOT_OFFERED

NAME_PATTERN = "Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+"
LONG_NAME = "a" * 129


def at(path: str, constraint: str, value: str = "''") -> str:
    return f"Value {value} at '{path}' failed to satisfy constraint: {constraint}"


@pytest.mark.parametrize(
    ("operation", "members", "broken"),
    [
        (
            "CreateStream",
            {"ShardCount": 0},
            [
                at("streamName", "Member must not be null", "null"),
                at("shardCount", "Member must have value greater than or equal to 1", "'0'"),
            ],
        ),
        (
            "CreateStream",
            {"StreamName": "", "ShardCount": 1},
            [
                at("streamName", NAME_PATTERN),
                at("streamName", "Member must have length greater than or equal to 1"),
            ],
        ),
        (
            "CreateStream",
            {"StreamName": LONG_NAME, "ShardCount": 1},
            [at("streamName", "Member must have length less than or equal to 128", f"'{LONG_NAME}'")],
        ),
        (
            "CreateStream",
            {"StreamName": "a", "StreamModeDetails": {"StreamMode": "MANUAL"}},
            [
                at(
                    "streamModeDetails.streamMode",
                    "Member must satisfy enum value set: [PROVISIONED, ON_DEMAND]",
                    "'MANUAL'",
                )
            ],
        ),
        (
            "PutRecord",
            {"StreamName": "a"},
            [
                at("data", "Member must not be null", "null"),
                at("partitionKey", "Member must not be null", "null"),
            ],
        ),
        (
            "PutRecord",
            {"StreamName": "a", "Data": "", "PartitionKey": ""},
            [at("partitionKey", "Member must have length greater than or equal to 1")],
        ),
        (
            "PutRecord",
            {"StreamName": "a", "Data": "", "PartitionKey": "k" * 257},
            [at("partitionKey", "Member must have length less than or equal to 256", f"'{'k' * 257}'")],
        ),
        (
            "PutRecord",
            {"StreamName": "a", "Data": "", "PartitionKey": "k", "ExplicitHashKey": "01"},
            [
                at(
                    "explicitHashKey",
                    "Member must satisfy regular expression pattern: 0|([1-9]\\d{0,38})",
                    "'01'",
                )
            ],
        ),
        (
            "PutRecord",
            {"StreamName": "a", "Data": "", "PartitionKey": "k", "SequenceNumberForOrdering": "x"},
            [
                at(
                    "sequenceNumberForOrdering",
                    "Member must satisfy regular expression pattern: 0|([1-9]\\d{0,128})",
                    "'x'",
                )
            ],
        ),
        (
            "PutRecords",
            {"StreamName": "a", "Records": []},
            [at("records", "Member must have length greater than or equal to 1", "'[]'")],
        ),
        (
            "PutRecords",
            {"StreamName": "a", "Records": [{"PartitionKey": "k", "Data": ""}] * 501},
            [
                at(
                    "records",
                    "Member must have length less than or equal to 500",
                    "'[501 structures]'",
                )
            ],
        ),
        (
            "PutRecords",
            {"StreamName": "a", "Records": [{"PartitionKey": "k", "Data": ""}, {"Data": ""}]},
            [at("records.2.member.partitionKey", "Member must not be null", "null")],
        ),
        (
            "GetRecords",
            {"ShardIterator": "", "Limit": 0},
            [
                at("shardIterator", "Member must have length greater than or equal to 1"),
                at("limit", "Member must have value greater than or equal to 1", "'0'"),
            ],
        ),
        (
            "GetRecords",
            {"ShardIterator": "a", "Limit": 10_001},
            [at("limit", "Member must have value less than or equal to 10000", "'10001'")],
        ),
        (
            "GetShardIterator",
            {"StreamName": "a", "ShardId": "s", "ShardIteratorType": "FIRST"},
            [
                at(
                    "shardIteratorType",
                    "Member must satisfy enum value set: [AFTER_SEQUENCE_NUMBER, LATEST, "
                    "AT_SEQUENCE_NUMBER, AT_TIMESTAMP, TRIM_HORIZON]",
                    "'FIRST'",
                )
            ],
        ),
        (
            "AddTagsToStream",
            {"StreamName": "a", "Tags": {}},
            [at("tags", "Member must have length greater than or equal to 1", "'{}'")],
        ),
        (
            "AddTagsToStream",
            {"StreamName": "a", "Tags": {"": "v"}},
            [at("tags..key", "Member must have length greater than or equal to 1")],
        ),
        (
            "RemoveTagsFromStream",
            {"StreamName": "a", "TagKeys": ["x"] * 51},
            [
                at(
                    "tagKeys",
                    "Member must have length less than or equal to 50",
                    f"'[{', '.join(['x'] * 51)}]'",
                )
            ],
        ),
        (
            "UpdateShardCount",
            {"StreamName": "a", "TargetShardCount": 2, "ScalingType": "OTHER"},
            [at("scalingType", "Member must satisfy enum value set: [UNIFORM_SCALING]", "'OTHER'")],
        ),
    ],
)
def test_constraints_are_told_in_aws_words(
    kinesis: Any, operation: str, members: dict[str, Any], broken: list[str]
) -> None:
    errors = "error" if len(broken) == 1 else "errors"
    error = kinesis.fails(operation, **members)
    assert (error.code, error.status) == ("ValidationException", 400)
    assert error.message == f"{len(broken)} validation {errors} detected: {'; '.join(broken)}"


@pytest.mark.parametrize(
    ("operation", "members", "said"),
    [
        (
            "DescribeStream",
            {"StreamName": 23},
            "class com.amazon.coral.value.json.numbers.TruncatingBigNumber can not be converted to an String",
        ),
        ("DescribeStream", {"StreamName": True}, "class java.lang.Boolean can not be converted to an String"),
        ("DescribeStream", {"StreamName": []}, "Start of list found where not expected"),
        ("DescribeStream", {"StreamName": {}}, "Start of structure or map found where not expected."),
        ("DescribeStream", {"Limit": "5"}, "class java.lang.String can not be converted to an Integer"),
        ("PutRecord", {"Data": True}, "class java.lang.Boolean can not be converted to a Blob"),
        (
            "PutRecord",
            {"Data": "23456"},
            "'23456' can not be converted to a Blob: "
            "Base64 encoded length is expected a multiple of 4 bytes but found: 5",
        ),
        (
            "PutRecord",
            {"Data": "=+/="},
            "'=+/=' can not be converted to a Blob: Invalid Base64 character: '='",
        ),
        (
            "PutRecord",
            {"Data": "ab!="},
            "'ab!=' can not be converted to a Blob: Invalid Base64 character: '!'",
        ),
        (
            "PutRecord",
            {"StreamName": "events", "PartitionKey": "k", "Data": "+/+="},
            "'+/+=' can not be converted to a Blob: Invalid last non-pad Base64 character dectected",
        ),
        (
            "PutRecords",
            {"StreamName": "events", "Records": [{"PartitionKey": "k", "Data": "ab=="}]},
            "'ab==' can not be converted to a Blob: Invalid last non-pad Base64 character dectected",
        ),
        ("PutRecords", {"Records": "x"}, "Expected list or null"),
        ("PutRecords", {"Records": ["x"]}, "Expected null"),
        ("PutRecords", {"Records": [[]]}, "Start of list found where not expected"),
        (
            "PutRecords",
            {"Records": [{"PartitionKey": 1}]},
            "class com.amazon.coral.value.json.numbers.TruncatingBigNumber can not be converted to an String",
        ),
        ("AddTagsToStream", {"Tags": "x"}, "Expected map or null"),
        (
            "AddTagsToStream",
            {"Tags": {"a": True}},
            "class java.lang.Boolean can not be converted to an String",
        ),
        ("RemoveTagsFromStream", {"TagKeys": "x"}, "Expected list or null"),
        (
            "GetShardIterator",
            {"Timestamp": "yesterday"},
            "class java.lang.String can not be converted to an Date",
        ),
    ],
)
def test_wrong_types_are_told_before_anything_else(
    kinesis: Any, operation: str, members: dict[str, Any], said: str
) -> None:
    error = kinesis.fails(operation, **members)
    assert (error.code, error.message) == ("SerializationException", said)


@pytest.mark.parametrize("body", [b"{", b"[]", b"\xa1aaab"])
@pytest.mark.parametrize("operation", ["PutRecord", "PutRecords", "GetRecords", "CreateStream"])
def test_a_body_that_is_no_json_object(kinesis: Any, operation: str, body: bytes) -> None:
    with pytest.raises(AwsError) as caught:
        kinesis.service.call(operation, body, kinesis.context).send(None)
    assert caught.value.code == "SerializationException"


@pytest.mark.parametrize("operation", sorted(NOT_OFFERED))
def test_an_operation_that_is_not_offered_is_named(kinesis: Any, operation: str) -> None:
    error = kinesis.fails(operation)
    assert error.code == "UnknownOperationException"
    assert f"does not offer {operation}." in error.message


def test_an_operation_that_kinesis_does_not_have(kinesis: Any) -> None:
    error = kinesis.fails("PutRecrod")
    assert (error.code, error.message) == (
        "UnknownOperationException",
        "Kinesis has no operation PutRecrod.",
    )


@pytest.mark.parametrize(
    ("operation", "members"),
    [
        ("PutRecord", {"StreamName": "a", "PartitionKey": "k", "Data": "", "DryRun": True}),
        (
            "PutRecords",
            {"StreamName": "a", "Records": [{"PartitionKey": "k", "Data": ""}], "DryRun": True},
        ),
        ("CreateStream", {"StreamName": "a", "ShardCount": 1, "MaxRecordSizeInKiB": 2048}),
    ],
)
def test_a_member_that_is_not_offered_is_named(kinesis: Any, operation: str, members: dict[str, Any]) -> None:
    error = kinesis.fails(operation, **members)
    assert error.code == "InvalidArgumentException"
    assert error.message == f"The embedded Kinesis does not offer {list(members)[-1]} in {operation}."


def test_every_operation_is_either_offered_or_not() -> None:
    """The table covers what the SDK knows, so that an operation AWS adds is noticed."""
    botocore_loaders = pytest.importorskip("botocore.loaders")
    model = botocore_loaders.Loader().load_service_model("kinesis", "service-2")
    known = set(model["operations"])
    assert not set(INPUTS) & NOT_OFFERED
    assert known <= set(INPUTS) | NOT_OFFERED


def test_a_null_member_is_an_absent_one(kinesis: Any) -> None:
    kinesis.create()
    body = b'{"StreamName":"events","PartitionKey":"k","Data":"","ExplicitHashKey":null}'
    with pytest.raises(StopIteration) as stop:
        kinesis.service.call("PutRecord", body, kinesis.context).send(None)
    assert orjson.loads(stop.value.value)["ShardId"] == "shardId-000000000000"
