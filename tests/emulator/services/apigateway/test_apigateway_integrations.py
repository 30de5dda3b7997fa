"""Requests through deployed methods: templates, mappings, selection, proxies, refusals."""

from __future__ import annotations

import asyncio
import base64
import json
from dataclasses import replace
from typing import Any

import pytest

from harness.aws.limits.profiles import NONE
from harness.emulator.services.base import AwsError

PUT_RECORD = """{"StreamName": "events", "PartitionKey": "$input.path('$.device_id')",
"Data": "$util.base64Encode($input.json('$'))"}"""


def accepted(_body: Any) -> dict[str, str]:
    return {"SequenceNumber": "1", "ShardId": "shardId-0"}


def stand_up(
    account: Any,
    integration: dict[str, Any],
    responses: dict[str, Any] | None = None,
    *,
    method: str = "POST",
    path: str = "/x",
    api_settings: dict[str, Any] | None = None,
    stage_variables: dict[str, str] | None = None,
    **settings: Any,
) -> str:
    api = str(account.api(**(api_settings or {})))
    account.method(api, method, path, integration, responses, **settings)
    account.deploy(api, variables=stage_variables or {})
    return api


def refuse_with(error: AwsError) -> Any:
    def answer(_body: Any) -> Any:
        raise error

    return answer


# -- AWS services


def test_a_record_reaches_the_stream_and_its_answer_the_client(account: Any) -> None:
    account.calls.answers["PutRecord"] = accepted
    responses = {"200": {"responseTemplates": {"application/json": '{"id":"$context.requestId"}'}}}
    api = stand_up(account, account.kinesis(template=PUT_RECORD), responses)
    response = account.execute(api, "POST", "/x", {"device_id": "d1"})
    assert response.status == 200
    assert json.loads(response.body) == {"id": response.headers["x-amzn-requestid"]}
    assert response.headers["content-type"] == "application/json"
    assert response.headers["x-amzn-trace-id"].startswith("Root=1-")
    assert len(response.headers["x-amz-apigw-id"]) == 16
    data = base64.b64encode(b'{"device_id":"d1"}').decode()
    record = {"StreamName": "events", "PartitionKey": "d1", "Data": data}
    assert account.calls.calls == [("kinesis", "PutRecord", record)]


def test_a_batch_is_one_call(account: Any) -> None:
    template = """{"StreamName": "events", "Records": [
#foreach($e in $input.path('$.events'))
#set($event = $input.json("$.events[$foreach.index]"))
{"PartitionKey": "k", "Data": "$util.base64Encode($event)"}#if($foreach.hasNext),#end
#end
]}"""
    account.calls.answers["PutRecords"] = lambda body: {"FailedRecordCount": 0, "n": len(body["Records"])}
    api = stand_up(account, account.kinesis("PutRecords", template=template))
    events = [{"n": n, "text": "\"'\\#$x"} for n in range(500)]
    response = account.execute(api, "POST", "/x", {"events": events})
    assert json.loads(response.body)["n"] == 500
    ((_, _, body),) = account.calls.calls
    assert [json.loads(base64.b64decode(record["Data"])) for record in body["Records"]] == events


def test_a_body_without_a_template_goes_on_as_it_is(account: Any) -> None:
    account.calls.answers["PutRecord"] = lambda body: body
    api = stand_up(account, account.kinesis())
    assert json.loads(account.execute(api, "POST", "/x", {"a": 1}).body) == {"a": 1}


SELECTIONS = [
    (AwsError("ProvisionedThroughputExceededException", "slow", 400), "429"),
    (AwsError("InternalFailure", "x", 500), "503"),
    (None, "200"),
]


@pytest.mark.parametrize(("error", "status"), SELECTIONS)
def test_responses_are_selected_by_the_services_status(
    account: Any, error: AwsError | None, status: str
) -> None:
    account.calls.answers["PutRecord"] = refuse_with(error) if error else accepted
    responses = {
        "200": {},
        "429": {
            "selectionPattern": "4\\d{2}",
            "responseTemplates": {"application/json": "$input.path('$.__type')"},
        },
        "503": {"selectionPattern": "5\\d{2}"},
    }
    api = stand_up(account, account.kinesis(template=PUT_RECORD), responses)
    response = account.execute(api, "POST", "/x", {"device_id": "d"})
    assert str(response.status) == status
    if status == "429":
        assert response.body == b"ProvisionedThroughputExceededException"


def test_without_a_response_that_fits_the_api_is_configured_wrongly(account: Any) -> None:
    account.calls.answers["PutRecord"] = accepted
    api = stand_up(account, account.kinesis(), {"400": {"selectionPattern": "4.*"}})
    response = account.execute(api, "POST", "/x", {})
    assert (response.status, response.body) == (500, b'{"message":"Internal server error"}')
    assert account.usage("server_errors") == 1


def test_a_broken_body_never_reaches_the_service(account: Any) -> None:
    api = stand_up(account, account.kinesis(template=PUT_RECORD))
    response = account.execute(api, "POST", "/x", b'{"device_id": ')
    assert response.status == 400
    assert json.loads(response.body)["message"].startswith("Could not parse request body into json: ")
    assert response.headers["x-amzn-errortype"] == "BadRequestException"
    assert account.calls.calls == []
    assert account.usage("client_errors") == 1


def test_a_template_that_fails_is_the_gateways_fault(account: Any) -> None:
    api = stand_up(account, account.kinesis(template="$util.parseJson('{')"))
    assert account.execute(api, "POST", "/x", {}).status == 500


def test_an_integration_that_takes_too_long_is_given_up(account: Any) -> None:
    account.calls.answers["PutRecord"] = accepted
    account.calls.delay = asyncio.Event()
    api = stand_up(account, account.kinesis(timeoutInMillis=50))
    response = account.execute(api, "POST", "/x", {})
    assert (response.status, response.body) == (504, b'{"message":"Endpoint request timed out"}')


# -- content types


PASSTHROUGH = [
    ("WHEN_NO_MATCH", "application/json", "template"),
    ("WHEN_NO_MATCH", None, "template"),
    ("WHEN_NO_MATCH", "application/json; charset=utf-8", "template"),
    ("WHEN_NO_MATCH", "text/plain", "body"),
    ("WHEN_NO_TEMPLATES", "application/json", "template"),
    ("WHEN_NO_TEMPLATES", "text/plain", "415"),
    ("NEVER", "application/json", "template"),
    ("NEVER", "text/plain", "415"),
]
PASSTHROUGH_WITHOUT_TEMPLATE = [("WHEN_NO_MATCH", "body"), ("WHEN_NO_TEMPLATES", "body"), ("NEVER", "415")]


@pytest.mark.parametrize(("behavior", "content_type", "expected"), PASSTHROUGH)
def test_passthrough_behavior(account: Any, behavior: str, content_type: str | None, expected: str) -> None:
    """docs: API Gateway Developer Guide, Method request behavior for payloads without mapping templates."""
    check_passthrough(account, '{"was": "template"}', behavior, content_type, expected)


@pytest.mark.parametrize(("behavior", "expected"), PASSTHROUGH_WITHOUT_TEMPLATE)
def test_passthrough_without_templates(account: Any, behavior: str, expected: str) -> None:
    check_passthrough(account, None, behavior, "application/json", expected)


def check_passthrough(
    account: Any, template: str | None, behavior: str, content_type: str | None, expected: str
) -> None:
    account.calls.answers["PutRecord"] = lambda body: body
    api = stand_up(account, account.kinesis(template=template, passthroughBehavior=behavior))
    headers = {"content_type": content_type} if content_type else {}
    response = account.execute(api, "POST", "/x", {"was": "body"}, **headers)
    if expected == "415":
        assert (response.status, response.body) == (415, b'{"message":"Unsupported Media Type"}')
    else:
        assert json.loads(response.body) == {"was": expected}


# -- mappings


def test_parameters_are_mapped_into_the_integration_and_out_of_it(account: Any) -> None:
    account.functions.functions["backend"] = lambda _: {"id": "new-1", "list": [1]}
    integration = {
        "type": "AWS",
        "integrationHttpMethod": "POST",
        "uri": account.lambda_uri("backend"),
        "requestParameters": {"integration.request.header.X-Amz-Invocation-Type": "'RequestResponse'"},
    }
    responses = {
        "200": {
            "responseParameters": {
                "method.response.header.X-Static": "'fixed'",
                "method.response.header.X-Id": "integration.response.body.id",
                "method.response.header.X-Stage": "context.stage",
                "method.response.header.X-Color": "stageVariables.color",
                "method.response.header.X-Nothing": "integration.response.header.Absent",
            }
        }
    }
    api = stand_up(account, integration, responses, stage_variables={"color": "sky"})
    headers = account.execute(api, "POST", "/x", {}).headers
    assert {k: v for k, v in headers.items() if k.startswith("x-") and "amz" not in k} == {
        "x-static": "fixed",
        "x-id": "new-1",
        "x-stage": "prod",
        "x-color": "sky",
    }


def test_stage_variables_name_the_function(account: Any) -> None:
    account.functions.functions["blue"] = lambda _: {"statusCode": 200, "body": "blue"}
    api = stand_up(account, account.proxy("${stageVariables.fn}"), stage_variables={"fn": "blue"})
    assert account.execute(api, "POST", "/x").body == b"blue"


def test_overrides_change_status_and_headers(account: Any) -> None:
    template = """#set($context.responseOverride.status = 202)
#set($context.responseOverride.header.Retry-After = "3")"""
    api = stand_up(account, account.mock(), {"200": {"responseTemplates": {"application/json": template}}})
    response = account.execute(api, "POST", "/x", {})
    assert (response.status, response.headers["retry-after"]) == (202, "3")


@pytest.mark.parametrize("value", ["999", "'x'", "true", "{}"])
def test_an_override_that_is_no_status_is_ignored(account: Any, value: str) -> None:
    template = f"#set($context.responseOverride.status = {value})#set($context.responseOverride.header = 1)"
    api = stand_up(account, account.mock(), {"200": {"responseTemplates": {"application/json": template}}})
    assert account.execute(api, "POST", "/x", {}).status == 200


HOSTILE = ["a\r\nset-cookie: x=1", "a\nb", "\x00\x1b[31m", "é\r\n\r\n<html>"]


@pytest.mark.parametrize("value", HOSTILE)
def test_no_value_begins_a_header_of_its_own(account: Any, value: str) -> None:
    template = "#set($context.responseOverride.header.X-A = $input.params('a'))"
    template += "#set($context.responseOverride.header[$input.params('a')] = 'name')"
    template += "#set($context.responseOverride.header.Content-Length = '0')"
    template += "#set($context.responseOverride.header.Transfer-Encoding = 'chunked')"
    responses = {
        "200": {
            "responseTemplates": {"application/json": template},
            "responseParameters": {"method.response.header.X-B": "method.request.querystring.a"},
        }
    }
    api = stand_up(account, account.mock(), responses)
    response = account.execute(api, "POST", "/x", query="a=" + percent(value))
    for name, sent in response.headers.items():
        assert not any(ord(character) < 32 or ord(character) == 127 for character in name + sent)
    assert set(response.headers) == {
        "content-type", "x-a", "x-b", "x-amzn-remapped-content-length",
        "x-amzn-requestid", "x-amz-apigw-id", "x-amzn-trace-id",
    }  # fmt: skip


def percent(text: str) -> str:
    return "".join(f"%{byte:02x}" for byte in text.encode())


def test_hostile_values_stay_values_all_the_way(account: Any) -> None:
    template = """{"StreamName": "s", "PartitionKey": "$util.escapeJavaScript($input.params('id'))",
"Data": "$util.base64Encode($input.json('$.d'))",
"Agent": "$util.escapeJavaScript($context.identity.userAgent)"}"""
    account.calls.answers["PutRecord"] = lambda body: body
    api = stand_up(account, account.kinesis(template=template), path="/x/{id}")
    hostile = '","StreamName":"other","#set($x=1)$context.requestId\\'
    response = account.execute(
        api,
        "POST",
        "/x/" + percent(hostile),
        {"d": hostile},
        user_agent=hostile,
        content_type="application/json",
    )
    record = json.loads(response.body)
    assert record == {
        "StreamName": "s",
        "PartitionKey": hostile,
        "Data": base64.b64encode(json.dumps(hostile).encode()).decode(),
        "Agent": hostile,
    }


# -- Lambda


def custom(account: Any, **settings: Any) -> dict[str, Any]:
    return {"type": "AWS", "integrationHttpMethod": "POST", "uri": account.lambda_uri("backend"), **settings}


def test_a_function_is_given_the_mapped_body(account: Any) -> None:
    account.functions.functions["backend"] = lambda event: {"got": event}
    integration = custom(account, requestTemplates={"application/json": '{"who": "$context.httpMethod"}'})
    api = stand_up(account, integration)
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
    api = stand_up(account, custom(account), responses)
    response = account.execute(api, "POST", "/x", {})
    assert (response.status, json.loads(response.body)["errorMessage"]) == (status, message)


def test_a_functions_answer_without_an_error_is_never_selected_by_a_pattern(account: Any) -> None:
    account.functions.functions["backend"] = lambda _: {"errorMessage": "NotFound"}
    api = stand_up(account, custom(account), {"200": {}, "404": {"selectionPattern": ".*"}})
    assert account.execute(api, "POST", "/x", {}).status == 200


def test_a_function_can_be_invoked_without_waiting(account: Any) -> None:
    account.functions.functions["backend"] = lambda event: event
    parameters = {"integration.request.header.X-Amz-Invocation-Type": "'Event'"}
    api = stand_up(account, custom(account, requestParameters=parameters))
    assert account.execute(api, "POST", "/x", {}).body == b""
    assert account.functions.invocations == [("backend", "Event", {})]


def test_a_throttled_function_is_an_internal_error(account: Any) -> None:
    account.functions.functions["backend"] = refuse_with(AwsError("TooManyRequestsException", "x", 429))
    for integration in (custom(account), account.proxy()):
        api = stand_up(account, integration)
        response = account.execute(api, "POST", "/x", {})
        assert (response.status, response.body) == (500, b'{"message":"Internal server error"}')


def test_a_proxied_function_is_given_the_whole_request(account: Any) -> None:
    account.functions.functions["backend"] = lambda event: {"statusCode": 200, "body": json.dumps(event)}
    api = stand_up(account, account.proxy(), path="/things/{id}", stage_variables={"v": "1"})
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
    api = stand_up(account, account.proxy())
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
    api = stand_up(account, account.proxy())
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
        "x-m": "a, b",
        "x-amzn-remapped-content-length": "0",
    }
    assert response.headers["content-type"] == "application/json"


MALFORMED = [
    "text",
    ["list"],
    None,
    b"not json",
    {"statusCode": 200, "extra": 1},
    {"statusCode": "abc"},
    {"statusCode": 99},
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
    api = stand_up(account, account.proxy())
    response = account.execute(api, "POST", "/x")
    assert (response.status, response.body) == (502, b'{"message":"Internal server error"}')


def test_a_proxied_functions_error_is_502(account: Any) -> None:
    account.functions.functions["backend"] = failing("broken")
    api = stand_up(account, account.proxy())
    assert account.execute(api, "POST", "/x").status == 502


def test_binary_bodies_travel_in_base64(account: Any) -> None:
    image = bytes(range(256))
    account.functions.functions["backend"] = lambda event: {
        "statusCode": 200,
        "body": event["body"],
        "isBase64Encoded": event["isBase64Encoded"],
    }
    api = stand_up(account, account.proxy(), api_settings={"binaryMediaTypes": ["image/*"]})
    sent = {"content_type": "image/png"}
    assert account.execute(api, "POST", "/x", image, **sent, accept="image/png").body == image
    assert account.execute(api, "POST", "/x", image, **sent, accept="text/plain").body == base64.b64encode(
        image
    )
    assert account.execute(api, "POST", "/x", b"text", content_type="text/plain").body == b"text"


def test_base64_that_is_none_is_a_configuration_error(account: Any) -> None:
    account.functions.functions["backend"] = lambda _: {"body": "#", "isBase64Encoded": True}
    api = stand_up(account, account.proxy(), api_settings={"binaryMediaTypes": ["*/*"]})
    assert account.execute(api, "POST", "/x").status == 500


# -- MOCK, ANY, validation, limits


def test_mock_selects_by_the_status_of_its_template(account: Any) -> None:
    integration = {
        "type": "MOCK",
        "requestTemplates": {"application/json": "{\"statusCode\": $input.params('s')}"},
    }
    responses = {"200": {}, "404": {"selectionPattern": "404"}}
    api = stand_up(account, integration, responses, method="GET")
    assert [account.execute(api, "GET", "/x", query=f"s={s}").status for s in (200, 404, 500)] == [
        200,
        404,
        200,
    ]
    assert account.execute(api, "GET", "/x", query="s=nonsense").status == 500


def test_any_stands_for_the_methods_that_are_not_named(account: Any) -> None:
    api = account.api()
    account.method(api, "ANY", "/x", account.mock(), {"200": {}})
    account.method(api, "DELETE", "/x", account.mock(), {"204": {}})
    account.deploy(api)
    assert [account.execute(api, m, "/x").status for m in ("GET", "PATCH", "DELETE")] == [200, 200, 204]


@pytest.mark.parametrize(("method", "path"), [("GET", "/x"), ("POST", "/y"), ("POST", "/x/y"), ("POST", "/")])
def test_what_is_not_there_asks_for_a_token(account: Any, method: str, path: str) -> None:
    api = stand_up(account, account.mock())
    response = account.execute(api, method, path)
    assert (response.status, response.body) == (403, b'{"message":"Missing Authentication Token"}')
    assert response.headers["x-amzn-errortype"] == "MissingAuthenticationTokenException"
    assert account.usage("client_errors") == 1


def test_required_parameters_are_validated(account: Any) -> None:
    api = account.api()
    validator = account.aws.create_request_validator(restApiId=api, name="v", validateRequestParameters=True)[
        "id"
    ]
    required = {"method.request.querystring.q": True, "method.request.header.X-H": True}
    required["method.request.querystring.optional"] = False
    account.method(api, "GET", "/x", account.mock(), requestParameters=required, requestValidatorId=validator)
    account.deploy(api)
    response = account.execute(api, "GET", "/x", query="optional=1")
    assert response.status == 400
    assert json.loads(response.body)["message"] == "Missing required request parameters: [q, X-H]"
    assert account.execute(api, "GET", "/x", query="q=1", x_h="1").status == 200


def test_a_body_over_ten_megabytes_is_refused(account: Any) -> None:
    api = stand_up(account, account.mock())
    response = account.execute(api, "POST", "/x", b"x" * (10 * 1024 * 1024 + 1))
    assert (response.status, response.body) == (413, b"HTTP content length exceeded 10485760 bytes.")


def test_the_accounts_bucket_is_shared_by_its_apis(account: Any) -> None:
    account.limits = replace(NONE, apigateway_requests_per_s=2.0, apigateway_burst=3.0)
    account.service = account.new_service()
    one, other = stand_up(account, account.mock()), stand_up(account, account.mock())
    trace = []
    for at in (0.0, 0.0, 0.0, 0.0, 0.4, 0.5, 0.5, 1.5, 1.5, 1.5):
        account.clock.now = 1_790_000_000.0 + at
        trace.append(account.execute(one if len(trace) % 2 else other, "POST", "/x", {}).status)
    assert trace == [200, 200, 200, 429, 429, 200, 429, 200, 200, 429]
    assert (account.usage("requests"), account.usage("throttled")) == (10, 4)
    account.clock.now += 0.1
    response = account.execute(one, "POST", "/x", {})
    assert response.body == b'{"message":"Too Many Requests"}'
    assert response.headers["x-amzn-errortype"] == "TooManyRequestsException"


def test_a_methods_throttle_is_its_own(account: Any) -> None:
    api = account.api()
    for path in ("/x", "/y"):
        account.method(api, "GET", path, account.mock())
    account.deploy(api)
    settings = {"/~1x/GET/throttling/rateLimit": "1", "/~1x/GET/throttling/burstLimit": "1"}
    settings |= {"/*/*/throttling/rateLimit": "1", "/*/*/throttling/burstLimit": "2"}
    operations = [{"op": "replace", "path": path, "value": value} for path, value in settings.items()]
    account.aws.update_stage(restApiId=api, stageName="prod", patchOperations=operations)
    assert [account.execute(api, "GET", "/x").status for _ in range(3)] == [200, 429, 429]
    assert [account.execute(api, "GET", "/y").status for _ in range(3)] == [200, 200, 429]


def test_a_query_of_thousands_of_parameters_is_read(account: Any) -> None:
    account.functions.functions["backend"] = lambda event: {"body": str(len(event["queryStringParameters"]))}
    api = stand_up(account, account.proxy())
    query = "&".join(f"p{n}={n}" for n in range(3_000))
    assert account.execute(api, "POST", "/x", query=query).body == b"3000"


# -- gateway responses


def customise(account: Any, api: str, kind: str, **settings: Any) -> None:
    account.aws.put_gateway_response(restApiId=api, responseType=kind, **settings)


def test_gateway_responses_can_be_customised(account: Any) -> None:
    api = account.api()
    account.method(api, "GET", "/x", account.mock())
    template = '{"m":$context.error.messageString,"t":"$context.error.responseType",'
    template += '"s":"$context.stage","q":"$nope"}'
    customise(
        account,
        api,
        "MISSING_AUTHENTICATION_TOKEN",
        statusCode="404",
        responseParameters={
            "gatewayresponse.header.Access-Control-Allow-Origin": "'*'",
            "gatewayresponse.header.X-Asked": "method.request.header.X-Ask",
        },
        responseTemplates={"application/json": template},
    )
    customise(account, api, "DEFAULT_4XX", responseParameters={"gatewayresponse.header.X-Family": "'4'"})
    account.deploy(api)
    response = account.execute(api, "GET", "/nope", x_ask="yes\r\nx: 1")
    assert response.status == 404
    assert json.loads(response.body) == {
        "m": "Missing Authentication Token", "t": "MISSING_AUTHENTICATION_TOKEN", "s": "prod", "q": "$nope",
    }  # fmt: skip
    assert response.headers["access-control-allow-origin"] == "*"
    assert response.headers["x-asked"] == "yes  x: 1"


def test_the_default_of_a_family_stands_in(account: Any) -> None:
    api = account.api()
    authorizer = account.authorizer(api)
    account.method(api, "GET", "/x", account.mock(), authorizationType="CUSTOM", authorizerId=authorizer)
    customise(
        account,
        api,
        "DEFAULT_4XX",
        responseParameters={"gatewayresponse.header.X-Family": "'4'"},
        responseTemplates={"text/plain": "sorry: $context.error.message"},
    )
    account.deploy(api)
    response = account.execute(api, "GET", "/x")
    assert (response.status, response.body) == (401, b"sorry: Unauthorized")
    assert (response.headers["x-family"], response.headers["content-type"]) == ("4", "text/plain")
    assert account.execute(api, "GET", "/x", authorization="k").status == 500
