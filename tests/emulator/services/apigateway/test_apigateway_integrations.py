"""Requests through deployed methods: templates, mappings, selection, proxies, refusals."""

from __future__ import annotations

import asyncio
import base64
import json
from typing import Any

import pytest

from harness.emulator.services.base import AwsError

PUT_RECORD = """{"StreamName": "events", "PartitionKey": "$input.path('$.device_id')",
"Data": "$util.base64Encode($input.json('$'))"}"""


def accepted(_body: Any) -> dict[str, str]:
    return {"SequenceNumber": "1", "ShardId": "shardId-0"}


# -- AWS services


def test_a_record_reaches_the_stream_and_its_answer_the_client(account: Any) -> None:
    account.calls.answers["PutRecord"] = accepted
    responses = {"200": {"responseTemplates": {"application/json": '{"id":"$context.requestId"}'}}}
    api = account.stand_up(account.kinesis(template=PUT_RECORD), responses)
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
    api = account.stand_up(account.kinesis("PutRecords", template=template))
    events = [{"n": n, "text": "\"'\\#$x"} for n in range(500)]
    response = account.execute(api, "POST", "/x", {"events": events})
    assert json.loads(response.body)["n"] == 500
    ((_, _, body),) = account.calls.calls
    assert [json.loads(base64.b64decode(record["Data"])) for record in body["Records"]] == events


def test_a_body_without_a_template_goes_on_as_it_is(account: Any) -> None:
    account.calls.answers["PutRecord"] = lambda body: body
    api = account.stand_up(account.kinesis())
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
    account.calls.answers["PutRecord"] = account.refusing(error) if error else accepted
    responses = {
        "200": {},
        "429": {
            "selectionPattern": "4\\d{2}",
            "responseTemplates": {"application/json": "$input.path('$.__type')"},
        },
        "503": {"selectionPattern": "5\\d{2}"},
    }
    api = account.stand_up(account.kinesis(template=PUT_RECORD), responses)
    response = account.execute(api, "POST", "/x", {"device_id": "d"})
    assert str(response.status) == status
    if status == "429":
        assert response.body == b"ProvisionedThroughputExceededException"


def test_without_a_response_that_fits_the_api_is_configured_wrongly(account: Any) -> None:
    account.calls.answers["PutRecord"] = accepted
    api = account.stand_up(account.kinesis(), {"400": {"selectionPattern": "4.*"}})
    response = account.execute(api, "POST", "/x", {})
    assert (response.status, response.body) == (500, b'{"message":"Internal server error"}')
    assert account.usage("server_errors") == 1


def test_a_broken_body_never_reaches_the_service(account: Any) -> None:
    api = account.stand_up(account.kinesis(template=PUT_RECORD))
    response = account.execute(api, "POST", "/x", b'{"device_id": ')
    assert response.status == 400
    assert json.loads(response.body)["message"].startswith("Could not parse request body into json: ")
    assert response.headers["x-amzn-errortype"] == "BadRequestException"
    assert account.calls.calls == []
    assert account.usage("client_errors") == 1


def test_a_template_that_fails_is_the_gateways_fault(account: Any) -> None:
    api = account.stand_up(account.kinesis(template="$util.parseJson('{')"))
    assert account.execute(api, "POST", "/x", {}).status == 500


def test_an_integration_that_takes_too_long_is_given_up(account: Any) -> None:
    account.calls.answers["PutRecord"] = accepted
    account.calls.delay = asyncio.Event()
    api = account.stand_up(account.kinesis(timeoutInMillis=50))
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
    api = account.stand_up(account.kinesis(template=template, passthroughBehavior=behavior))
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
    api = account.stand_up(integration, responses, stage_variables={"color": "sky"})
    headers = account.execute(api, "POST", "/x", {}).headers
    assert {k: v for k, v in headers.items() if k.startswith("x-") and "amz" not in k} == {
        "x-static": "fixed",
        "x-id": "new-1",
        "x-stage": "prod",
        "x-color": "sky",
    }


def test_stage_variables_name_the_function(account: Any) -> None:
    account.functions.functions["blue"] = lambda _: {"statusCode": 200, "body": "blue"}
    api = account.stand_up(account.proxy("${stageVariables.fn}"), stage_variables={"fn": "blue"})
    assert account.execute(api, "POST", "/x").body == b"blue"


def test_overrides_change_status_and_headers(account: Any) -> None:
    template = """#set($context.responseOverride.status = 202)
#set($context.responseOverride.header.Retry-After = "3")"""
    api = account.stand_up(account.mock(), {"200": {"responseTemplates": {"application/json": template}}})
    response = account.execute(api, "POST", "/x", {})
    assert (response.status, response.headers["retry-after"]) == (202, "3")


@pytest.mark.parametrize("value", ["999", "'x'", "true", "{}"])
def test_an_override_that_is_no_status_is_ignored(account: Any, value: str) -> None:
    template = f"#set($context.responseOverride.status = {value})#set($context.responseOverride.header = 1)"
    api = account.stand_up(account.mock(), {"200": {"responseTemplates": {"application/json": template}}})
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
    api = account.stand_up(account.mock(), responses)
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
    api = account.stand_up(account.kinesis(template=template), path="/x/{id}")
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
