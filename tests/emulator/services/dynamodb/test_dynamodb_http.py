from __future__ import annotations

import asyncio
import zlib
from typing import Any

import botocore.session
import orjson
import pytest

from harness.aws.limits.profiles import NONE
from harness.emulator.services.base import AwsRequest, AwsResponse, CallContext
from harness.emulator.services.dynamodb import DynamoDbService
from harness.emulator.services.dynamodb.service import OPERATIONS
from harness.measure.meters import Meters


def send(db: Any, operation: str, body: bytes, target: str = "DynamoDB_20120810") -> AwsResponse:
    headers = {"x-amz-target": f"{target}.{operation}", "host": "127.0.0.1:4566"}
    context = CallContext(account_id="123456789012", request_id="the-request")
    answer: AwsResponse = db.run(db.service.handle(AwsRequest("POST", "/", "", headers, body, context)))
    return answer


def test_answers_carry_what_sdks_check(db: Any) -> None:
    answer = send(db, "ListTables", b"{}")
    assert answer.status == 200
    assert answer.body == b'{"TableNames":[]}'
    assert answer.headers == {
        "content-type": "application/x-amz-json-1.0",
        "x-amzn-requestid": "the-request",
        "x-amz-crc32": str(zlib.crc32(answer.body)),
    }


@pytest.mark.parametrize(
    ("operation", "body", "type_"),
    [
        (
            "DescribeTable",
            b'{"TableName":"nope"}',
            "com.amazonaws.dynamodb.v20120810#ResourceNotFoundException",
        ),
        ("DescribeTable", b"{}", "com.amazon.coral.validate#ValidationException"),
        ("DescribeTable", b"[", "com.amazon.coral.service#SerializationException"),
        ("ExecuteStatement", b"{}", "com.amazon.coral.service#UnknownOperationException"),
    ],
)
def test_errors_have_awss_names(db: Any, operation: str, body: bytes, type_: str) -> None:
    answer = send(db, operation, body)
    assert answer.status == 400
    assert orjson.loads(answer.body)["__type"] == type_
    assert answer.headers["x-amz-crc32"] == str(zlib.crc32(answer.body))


def test_the_targets_of_streams_are_answered_too(db: Any) -> None:
    assert send(db, "ListStreams", b"{}", "DynamoDBStreams_20120810").body == b'{"Streams":[]}'
    assert send(db, "ListStreams", b"{}", "Kinesis_20131202").status == 400


def test_endpoints_are_where_the_caller_is(db: Any) -> None:
    endpoints = orjson.loads(send(db, "DescribeEndpoints", b"{}").body)["Endpoints"]
    assert endpoints == [{"Address": "127.0.0.1:4566", "CachePeriodInMinutes": 1440}]


def test_operations_and_their_parameters_are_awss(db: Any) -> None:
    model = botocore.session.get_session().get_service_model("dynamodb")
    assert set(OPERATIONS) <= set(model.operation_names)


def test_the_service_sweeps_while_it_runs_and_stops() -> None:
    async def live() -> None:
        service = DynamoDbService(meters=Meters(), limits=NONE)
        await service.start()
        await service.close()
        await service.close()

    asyncio.run(live())
