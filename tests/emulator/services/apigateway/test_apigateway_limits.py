"""MOCK, ANY, validation, limits, gateway responses."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from harness.aws.limits.profiles import NONE


def test_mock_selects_by_the_status_of_its_template(account: Any) -> None:
    integration = {
        "type": "MOCK",
        "requestTemplates": {"application/json": "{\"statusCode\": $input.params('s')}"},
    }
    responses = {"200": {}, "404": {"selectionPattern": "404"}}
    api = account.stand_up(integration, responses, method="GET")
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
    api = account.stand_up(account.mock())
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
    api = account.stand_up(account.mock())
    response = account.execute(api, "POST", "/x", b"x" * (10 * 1024 * 1024 + 1))
    assert (response.status, response.body) == (413, b"HTTP content length exceeded 10485760 bytes.")


def test_the_accounts_bucket_is_shared_by_its_apis(account: Any) -> None:
    account.limits = replace(NONE, apigateway_requests_per_s=2.0, apigateway_burst=3.0)
    account.service = account.new_service()
    one, other = account.stand_up(account.mock()), account.stand_up(account.mock())
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
    api = account.stand_up(account.proxy())
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


@pytest.mark.parametrize("path", ["/x", "/not-there"])
def test_bytes_out_are_those_of_the_answer_with_its_headers(account: Any, path: str) -> None:
    api = account.stand_up(account.mock(), {"200": {"responseTemplates": {"application/json": '{"a":1}'}}})
    response = account.execute(api, "POST", path)
    lines = ["HTTP/1.1 200 OK", "Date: Mon, 23 Nov 2026 15:41:00 GMT", "Connection: keep-alive"]
    lines += [f"Content-Length: {len(response.body):02}"]
    lines += [f"{name}: {value}" for name, value in response.headers.items()]
    assert account.usage("bytes_out") == len("\r\n".join(lines) + "\r\n\r\n") + len(response.body)
    assert len(response.headers) >= 3
