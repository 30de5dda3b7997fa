"""API Gateway: integrations with services and functions."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from tests.conformance.behaviours.apigateway.rest_apis import (
    INTEGRATION_RESPONSES,
    PROXY,
    RESPONSE_TYPES,
    Api,
    allowed,
    guide,
    uri_of,
)
from tests.conformance.catalogue import behaviour
from tests.conformance.functions import Function, function, role
from tests.conformance.kit import until

# --- AWS integrations --------------------------------------------------------------------------------------


@behaviour(
    "apigateway.puts-into-kinesis",
    "An AWS integration calls an action of Kinesis with what the template makes of the request.",
    guide(
        "Tutorial: Create a REST API as an Amazon Kinesis proxy", "integrating-api-with-aws-services-kinesis"
    ),
)
def test_kinesis(api: Api) -> None:
    kinesis, name = api.aws.client("kinesis"), api.aws.name("stream")
    kinesis.create_stream(StreamName=name, ShardCount=1)
    api.cleanup.add(kinesis.delete_stream, StreamName=name)

    def active() -> bool:
        told = kinesis.describe_stream(StreamName=name)["StreamDescription"]
        return bool(told["StreamStatus"] == "ACTIVE")

    until(active, "the stream is active")
    template = (
        f'{{"StreamName": "{name}", "PartitionKey": "$input.path(\'$.device\')",'
        ' "Data": "$util.base64Encode($input.body)"}'
    )
    integration = kinesis_integration(api, "PutRecord", template)
    answer = '{"number": $input.json("$.SequenceNumber")}'
    api.method("/events", "POST", integration, {"200": {"responseTemplates": {"application/json": answer}}})
    api.deploy()
    sent = json.dumps({"device": "d-1", "said": "é"})
    reply = api.send("POST", "/events", sent, Content_Type="application/json")
    shard = kinesis.list_shards(StreamName=name)["Shards"][0]["ShardId"]
    iterator = kinesis.get_shard_iterator(StreamName=name, ShardId=shard, ShardIteratorType="TRIM_HORIZON")[
        "ShardIterator"
    ]
    (record,) = kinesis.get_records(ShardIterator=iterator)["Records"]
    assert (reply.status, reply.json["number"]) == (200, record["SequenceNumber"])
    assert (record["Data"].decode(), record["PartitionKey"]) == (sent, "d-1")


def kinesis_integration(api: Api, action: str, template: str) -> dict[str, Any]:
    return {
        "type": "AWS",
        "integrationHttpMethod": "POST",
        "uri": f"arn:aws:apigateway:{api.aws.region}:kinesis:action/{action}",
        "credentials": role(api.aws, api.cleanup),
        "requestTemplates": {"application/json": template},
        "passthroughBehavior": "NEVER",
    }


@behaviour(
    "apigateway.service-errors-select-a-response",
    "The status of a service's error selects the response whose pattern matches it, and its template.",
    INTEGRATION_RESPONSES,
)
def test_service_error(api: Api) -> None:
    missing = api.aws.name("missing")
    template = f'{{"StreamName": "{missing}", "PartitionKey": "k", "Data": "MQ=="}}'
    refused = {
        "selectionPattern": "4\\d{2}",
        "responseTemplates": {"application/json": '{"kind": $input.json("$.__type")}'},
    }
    api.method("/x", "POST", kinesis_integration(api, "PutRecord", template), {"200": {}, "400": refused})
    api.deploy()
    reply = api.send("POST", "/x", "{}", Content_Type="application/json")
    assert reply.status == 400
    assert reply.json["kind"].endswith("ResourceNotFoundException")


@behaviour(
    "apigateway.function-errors-select-a-response",
    "The message of a function's error selects the response of an AWS integration whose pattern matches it.",
    guide("Handle custom Lambda errors in API Gateway", "handle-errors-in-lambda-integration"),
)
def test_function_error(api: Api, backend: Function) -> None:
    integration = {
        "type": "AWS",
        "integrationHttpMethod": "POST",
        "uri": uri_of(api.aws, backend),
        "requestTemplates": {"application/json": '{"queryStringParameters": {"do": "$input.params("do")"}}'},
    }
    broken = {
        "selectionPattern": "brok.*",
        "responseTemplates": {"application/json": '{"message": $input.json("$.errorMessage")}'},
    }
    api.method("/x", "GET", integration, {"200": {}, "502": broken})
    api.deploy()
    assert api.get("/x?do=echo").status == 200
    reply = api.get("/x?do=raise")
    assert (reply.status, reply.json) == (502, {"message": "broken"})


# --- proxy integrations ------------------------------------------------------------------------------------


@pytest.fixture
def proxied(api: Api, backend: Function) -> Api:
    """Deployed, with the function behind `/x`."""
    api.proxy("/x", backend)
    api.deploy()
    return api


@behaviour(
    "apigateway.proxy-hands-the-request-over",
    "A proxy integration gives the function the whole request: path, verb, every value, body, context.",
    PROXY,
)
def test_proxy_event(api: Api, backend: Function) -> None:
    api.proxy("/x/{id}", backend)
    api.deploy(variables={"colour": "blue"})
    reply = api.send("POST", "/x/7?q=1&q=2&r=%C3%A9", "böd", X_Sent="yes")
    event = reply.json
    assert (event["resource"], event["path"], event["httpMethod"]) == ("/x/{id}", "/x/7", "POST")
    assert event["pathParameters"] == {"id": "7"}
    assert event["queryStringParameters"] == {"q": "2", "r": "é"}
    assert event["multiValueQueryStringParameters"] == {"q": ["1", "2"], "r": ["é"]}
    assert {name.lower(): value for name, value in event["headers"].items()}["x-sent"] == "yes"
    assert (event["body"], event["isBase64Encoded"]) == ("böd", False)
    assert event["stageVariables"] == {"colour": "blue"}
    context = event["requestContext"]
    assert (context["apiId"], context["stage"], context["resourcePath"]) == (api.id, "prod", "/x/{id}")
    assert context["requestId"] == reply.headers["x-amzn-requestid"]
    assert context["identity"]["sourceIp"]


@behaviour(
    "apigateway.proxy-hands-repeated-headers-over",
    "A header that came twice has both values in multiValueHeaders, and the last of them in headers.",
    PROXY,
)
def test_proxy_repeated_headers(proxied: Api) -> None:
    event = proxied.send("GET", "/x", lines=[("X-Twice", "a"), ("X-Once", "c"), ("X-Twice", "b")]).json
    assert event["multiValueHeaders"]["X-Twice"] == ["a", "b"]
    assert event["multiValueHeaders"]["X-Once"] == ["c"]
    assert (event["headers"]["X-Twice"], event["headers"]["X-Once"]) == ("b", "c")


@behaviour(
    "apigateway.proxy-event-without-values",
    "Where a request has no parameters or body, the event of a proxy integration has null for them.",
    PROXY,
)
def test_proxy_nulls(proxied: Api) -> None:
    event = proxied.get("/x").json
    names = (
        "queryStringParameters",
        "multiValueQueryStringParameters",
        "pathParameters",
        "stageVariables",
        "body",
    )
    assert {name: event[name] for name in names} == dict.fromkeys(names)


@behaviour(
    "apigateway.proxy-answers-what-the-function-says",
    "A proxy integration answers with the function's status, headers, repeated headers and body.",
    PROXY,
)
def test_proxy_answer(proxied: Api) -> None:
    reply = proxied.get("/x?do=answer")
    assert (reply.status, reply.body, reply.headers["x-one"]) == (418, b"short", "1")
    assert reply.headers["content-type"].startswith("text/plain")
    assert [value for name, value in reply.repeated if name == "set-cookie"] == ["a=1", "b=2"]


@behaviour(
    "apigateway.proxy-malformed-answer-is-502",
    "A function that raises, or returns no proxy response, is answered 502 Internal server error.",
    PROXY,
)
@pytest.mark.parametrize("do", ["raise", "text"])
def test_proxy_malformed(proxied: Api, do: str) -> None:
    reply = proxied.get(f"/x?do={do}")
    assert (reply.status, reply.json) == (502, {"message": "Internal server error"})


@behaviour(
    "apigateway.proxy-decodes-binary",
    "Where the API takes the media type as binary, a body in base64 is answered as its bytes.",
    guide("Return binary media from a Lambda proxy integration in API Gateway", "lambda-proxy-binary-media"),
)
def test_proxy_binary(api: Api, backend: Function) -> None:
    api.gateway.update_rest_api(
        restApiId=api.id, patchOperations=[{"op": "add", "path": "/binaryMediaTypes/*~1*"}]
    )
    api.proxy("/x", backend)
    api.deploy()
    assert api.get("/x?do=base64").body == b"\x00\x01\xff"
    event = api.send("POST", "/x", b"\xff\x00", Content_Type="application/octet-stream").json
    assert event["isBase64Encoded"] is True
    assert base64.b64decode(event["body"]) == b"\xff\x00"


@behaviour(
    "apigateway.integration-times-out",
    "An integration that does not answer within its timeout is answered 504 Endpoint request timed out.",
    RESPONSE_TYPES,
)
def test_timeout(api: Api) -> None:
    source = "import time\ndef handler(event, context):\n    time.sleep(3)\n"
    api.proxy("/x", allowed(function(api.aws, api.cleanup, source)), timeoutInMillis=400)
    api.deploy()
    reply = api.get("/x")
    assert (reply.status, reply.json) == (504, {"message": "Endpoint request timed out"})
