"""The wire shape of an error in each protocol, readable as a client would get it."""

from __future__ import annotations

import pytest

from harness.emulator.gateway.errors import render_error
from harness.emulator.services.base import AwsError, AwsRequest, CallContext

ERROR = AwsError("NotImplemented", "It does not <do> that.", 501)
FORM = {"content-type": "application/x-www-form-urlencoded; charset=utf-8"}

SHAPES = [
    (
        "kinesis",
        {"x-amz-target": "Kinesis_20131202.Nope", "content-type": "application/x-amz-json-1.1"},
        b'{"__type":"NotImplemented","message":"It does not <do> that."}',
        {
            "content-type": "application/x-amz-json-1.1",
            "x-amzn-requestid": "id-1",
            "x-amzn-errortype": "NotImplemented",
        },
    ),
    (
        "dynamodb",
        {"x-amz-target": "DynamoDB_20120810.Nope", "content-type": "application/x-amz-json-1.0"},
        b'{"__type":"NotImplemented","message":"It does not <do> that."}',
        {
            "content-type": "application/x-amz-json-1.0",
            "x-amzn-requestid": "id-1",
            "x-amzn-errortype": "NotImplemented",
        },
    ),
    (
        "lambda",
        {},
        b'{"message":"It does not <do> that."}',
        {
            "content-type": "application/json",
            "x-amzn-requestid": "id-1",
            "x-amzn-errortype": "NotImplemented",
        },
    ),
    (
        "s3",
        {},
        b'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>NotImplemented</Code>'
        b"<Message>It does not &lt;do&gt; that.</Message><RequestId>id-1</RequestId></Error>",
        {"content-type": "application/xml", "x-amz-request-id": "id-1"},
    ),
    (
        "iam",
        FORM,
        b"<ErrorResponse><Error><Type>Receiver</Type><Code>NotImplemented</Code>"
        b"<Message>It does not &lt;do&gt; that.</Message></Error><RequestId>id-1</RequestId></ErrorResponse>",
        {"content-type": "text/xml", "x-amzn-requestid": "id-1"},
    ),
    (
        "ec2",
        FORM,
        b"<Response><Errors><Error><Code>NotImplemented</Code>"
        b"<Message>It does not &lt;do&gt; that.</Message></Error></Errors>"
        b"<RequestID>id-1</RequestID></Response>",
        {"content-type": "text/xml"},
    ),
]


@pytest.mark.parametrize(("service", "headers", "body", "answered"), SHAPES, ids=[s[0] for s in SHAPES])
def test_an_error_has_the_shape_of_its_protocol(
    service: str, headers: dict[str, str], body: bytes, answered: dict[str, str]
) -> None:
    request = AwsRequest("POST", "/", "", headers, b"", CallContext(request_id="id-1"))
    response = render_error(service, request, ERROR)
    assert (response.status, response.body, response.headers) == (501, body, answered)
