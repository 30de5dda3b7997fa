"""Lambda behind methods: custom and proxied."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from multidict import CIMultiDict

from harness.emulator.services.base import AwsError


def custom(account: Any, **settings: Any) -> dict[str, Any]:
    return {"type": "AWS", "integrationHttpMethod": "POST", "uri": account.lambda_uri("backend"), **settings}


def test_a_function_is_given_the_mapped_body(account: Any) -> None:
    account.functions.functions["backend"] = lambda event: {"got": event}
    integration = custom(account, requestTemplates={"application/json": '{"who": "$context.httpMethod"}'})
    api = account.stand_up(integration)
    assert json.loads(account.execute(api, "POST", "/x", {}).body) == {"got": {"who": "POST"}}


def failing(message: str) -> Any:
    def function(_event: Any) -> Any:
        raise ValueError(message)

    return function


@pytest.mark.parametrize(
    ("message", "status"), [("NotFound: 7", 404), ("it is NotFound", 200), ("other", 200), ("", 200)]
)
def test_a_functions_error_selects_by_its_whole_message(account: Any, message: str, status: int) -> None:
    account.functions.functions["backend"] = failing(message)
    responses = {"200": {}, "404": {"selectionPattern": "NotFound.*"}}
    api = account.stand_up(custom(account), responses)
    response = account.execute(api, "POST", "/x", {})
    assert (response.status, json.loads(response.body)["errorMessage"]) == (status, message)


def test_a_functions_answer_without_an_error_is_never_selected_by_a_pattern(account: Any) -> None:
    account.functions.functions["backend"] = lambda _: {"errorMessage": "NotFound"}
    api = account.stand_up(custom(account), {"200": {}, "404": {"selectionPattern": ".*"}})
    assert account.execute(api, "POST", "/x", {}).status == 200


def test_a_function_can_be_invoked_without_waiting(account: Any) -> None:
    account.functions.functions["backend"] = lambda event: event
    parameters = {"integration.request.header.X-Amz-Invocation-Type": "'Event'"}
    api = account.stand_up(custom(account, requestParameters=parameters))
    assert account.execute(api, "POST", "/x", {}).body == b""
    assert account.functions.invocations == [("backend", "Event", {})]


def test_a_throttled_function_is_an_internal_error(account: Any) -> None:
    account.functions.functions["backend"] = account.refusing(AwsError("TooManyRequestsException", "x", 429))
    for integration in (custom(account), account.proxy()):
        api = account.stand_up(integration)
        response = account.execute(api, "POST", "/x", {})
        assert (response.status, response.body) == (500, b'{"message":"Internal server error"}')


def test_a_proxied_function_is_given_the_whole_request(account: Any) -> None:
    account.functions.functions["backend"] = lambda event: {"statusCode": 200, "body": json.dumps(event)}
    api = account.stand_up(account.proxy(), path="/things/{id}", stage_variables={"v": "1"})
    response = account.execute(
        api,
        "POST",
        "/things/a%20b",
        b"text",
        query="a=1&a=2&b=",
        content_type="text/plain",
        user_agent="curl",
    )
    event = json.loads(response.body)
    context = event.pop("requestContext")
    assert event == {
        "resource": "/things/{id}",
        "path": "/things/a b",
        "httpMethod": "POST",
        "headers": {"Host": "abc.execute-api.localhost", "Content-Type": "text/plain", "User-Agent": "curl"},
        "multiValueHeaders": {
            "Host": ["abc.execute-api.localhost"], "Content-Type": ["text/plain"], "User-Agent": ["curl"],
        },
        "queryStringParameters": {"a": "2", "b": ""},
        "multiValueQueryStringParameters": {"a": ["1", "2"], "b": [""]},
        "pathParameters": {"id": "a b"},
        "stageVariables": {"v": "1"},
        "body": "text",
        "isBase64Encoded": False,
    }  # fmt: skip
    assert context["requestId"] == response.headers["x-amzn-requestid"]
    assert (context["apiId"], context["stage"], context["resourcePath"]) == (api, "prod", "/things/{id}")
    assert context["path"] == "/prod/things/a%20b"
    assert context["requestTimeEpoch"] == 1_790_000_000_000
    assert context["identity"]["sourceIp"] == "127.0.0.1"
    assert context["identity"]["caller"] is None


def test_what_a_request_lacks_is_null_to_a_proxied_function(account: Any) -> None:
    account.functions.functions["backend"] = lambda event: {"body": json.dumps(event)}
    api = account.stand_up(account.proxy())
    event = json.loads(account.execute(api, "POST", "/x").body)
    lacking = (
        "body",
        "queryStringParameters",
        "multiValueQueryStringParameters",
        "pathParameters",
        "stageVariables",
    )
    assert {event[member] for member in lacking} == {None}


def test_a_proxied_functions_answer_is_the_response(account: Any) -> None:
    account.functions.functions["backend"] = lambda _: {
        "statusCode": "201",
        "headers": {"X-A": "1", "X-N": 2, "X-B": True, "X-None": None, "Content-Length": "0"},
        "multiValueHeaders": {"X-M": ["a", "b"]},
        "body": "é",
    }
    api = account.stand_up(account.proxy())
    response = account.execute(api, "POST", "/x")
    assert (response.status, response.body) == (201, "é".encode())
    own = {
        k: v
        for k, v in response.headers.items()
        if k.startswith("x-") and "amz-" not in k and "requestid" not in k
    }
    own.pop("x-amzn-trace-id", None)
    assert own == {
        "x-a": "1",
        "x-n": "2",
        "x-b": "true",
        "x-m": "a",
        "x-amzn-remapped-content-length": "0",
    }
    assert response.repeats == [("x-m", "b")]
    assert response.headers["content-type"] == "application/json"


def test_a_proxied_function_is_given_headers_as_they_were_spelt_and_all_of_their_values(account: Any) -> None:
    account.functions.functions["backend"] = lambda event: {"statusCode": 200, "body": json.dumps(event)}
    api = account.stand_up(account.proxy())
    request = account.request("POST", b"", x_sdk="a, b")
    request.lines = CIMultiDict([("X-SDK", "a"), ("host", "h"), ("x-sdk", "b")]).items()
    event = json.loads(account.run(account.service.execute(api, "prod", "/x", request)).body)
    assert event["multiValueHeaders"] == {"X-SDK": ["a", "b"], "host": ["h"]}
    assert event["headers"] == {"X-SDK": "b", "host": "h"}


def test_a_header_in_both_members_has_the_values_of_the_second(account: Any) -> None:
    account.functions.functions["backend"] = lambda _: {
        "headers": {"Set-Cookie": "one=1", "X-A": "1"},
        "multiValueHeaders": {"Set-Cookie": ["a=1", "b=2\r\nx: y"], "Content-Length": ["1", "2"]},
    }
    response = account.execute(account.stand_up(account.proxy()), "POST", "/x")
    assert (response.headers["set-cookie"], response.headers["x-a"]) == ("a=1", "1")
    assert response.repeats == [("set-cookie", "b=2  x: y"), ("x-amzn-remapped-content-length", "2")]


MALFORMED = [
    "text",
    ["list"],
    None,
    b"not json",
    {"statusCode": 200, "extra": 1},
    {"statusCode": "abc"},
    {"statusCode": 99},
    {"statusCode": 100},
    {"statusCode": 101},
    {"statusCode": True},
    {"statusCode": 200, "body": {"a": 1}},
    {"statusCode": 200, "headers": "x"},
    {"statusCode": 200, "headers": {"a": {}}},
    {"statusCode": 200, "multiValueHeaders": {"a": "x"}},
    {"statusCode": 200, "isBase64Encoded": "yes"},
]


@pytest.mark.parametrize("answer", MALFORMED)
def test_a_malformed_answer_of_a_proxied_function_is_502(account: Any, answer: Any) -> None:
    account.functions.functions["backend"] = lambda _: answer
    api = account.stand_up(account.proxy())
    response = account.execute(api, "POST", "/x")
    assert (response.status, response.body) == (502, b'{"message":"Internal server error"}')


def test_a_proxied_functions_error_is_502(account: Any) -> None:
    account.functions.functions["backend"] = failing("broken")
    api = account.stand_up(account.proxy())
    assert account.execute(api, "POST", "/x").status == 502


def test_binary_bodies_travel_in_base64(account: Any) -> None:
    image = bytes(range(256))
    account.functions.functions["backend"] = lambda event: {
        "statusCode": 200,
        "body": event["body"],
        "isBase64Encoded": event["isBase64Encoded"],
    }
    api = account.stand_up(account.proxy(), api_settings={"binaryMediaTypes": ["image/*"]})
    sent = {"content_type": "image/png"}
    assert account.execute(api, "POST", "/x", image, **sent, accept="image/png").body == image
    assert account.execute(api, "POST", "/x", image, **sent, accept="text/plain").body == base64.b64encode(
        image
    )
    assert account.execute(api, "POST", "/x", b"text", content_type="text/plain").body == b"text"


def test_base64_that_is_none_is_a_configuration_error(account: Any) -> None:
    account.functions.functions["backend"] = lambda _: {"body": "#", "isBase64Encoded": True}
    api = account.stand_up(account.proxy(), api_settings={"binaryMediaTypes": ["*/*"]})
    assert account.execute(api, "POST", "/x").status == 500
