"""API Gateway: authorizers, and what it answers itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from tests.conformance.behaviours.apigateway.rest_apis import (
    AUTHORIZER_INPUT,
    AUTHORIZER_OUTPUT,
    AUTHORIZERS,
    MISSING,
    RESPONSE_TYPES,
    VARIABLES,
    Api,
    allowed,
    guide,
    uri_of,
)
from tests.conformance.catalogue import behaviour
from tests.conformance.functions import REPORTING, Function, Reports, function
from tests.conformance.kit import Cleanup, until
from tests.conformance.targets import Aws

# --- authorizers -------------------------------------------------------------------------------------------

AUTHORIZER = (
    REPORTING
    + """
def handler(event, context):
    report(event)
    if event["type"] == "TOKEN":
        said = event["authorizationToken"]
    else:
        headers = {name.lower(): value for name, value in (event["headers"] or {}).items()}
        said = headers.get("authorization", "")
    said = said.removeprefix("Bearer ")
    if said.startswith("unauthorized"):
        raise Exception("Unauthorized")
    if said.startswith("broken"):
        raise Exception("anything else")
    effect = "Deny" if said.startswith("deny") else "Allow"
    resource = event["methodArn"] if said.startswith("only") else event["methodArn"].split("/")[0] + "/*"
    return {
        "principalId": said,
        "policyDocument": {
            "Version": "2012-10-17",
            "Statement": [{"Action": "execute-api:Invoke", "Effect": effect, "Resource": resource}],
        },
        "context": {"account": "acc-" + said, "n": 1, "yes": True},
    }
"""
)
WHO = "|".join(f"$context.authorizer.{name}" for name in ("principalId", "account", "n", "yes"))


@dataclass
class Authorizer:
    """The function behind the authorizers of this module, and what it was asked about an API."""

    function: Function
    reports: Reports

    def asked(self, api: Api) -> list[dict[str, Any]]:
        return [event for event in self.reports.all() if f":{api.id}/" in event["methodArn"]]


@pytest.fixture(scope="module")
def authorizer(aws: Aws, module_cleanup: Cleanup) -> Authorizer:
    reports = Reports(aws, module_cleanup)
    made = function(aws, module_cleanup, AUTHORIZER, Environment=reports.environment)
    return Authorizer(allowed(made), reports)


@behaviour(
    "apigateway.token-authorizer-lets-in",
    "A TOKEN authorizer is given the token and the method's ARN, and lets in whom its policy allows.",
    AUTHORIZER_INPUT,
)
def test_token(api: Api, authorizer: Authorizer) -> None:
    api.mock("/x", answer="in", **api.authorizer(authorizer.function))
    api.deploy()
    assert api.get("/x", Authorization="Bearer key").body == b"in"
    (event,) = authorizer.asked(api)
    assert (event["type"], event["authorizationToken"]) == ("TOKEN", "Bearer key")
    assert event["methodArn"].endswith(f":{api.id}/prod/GET/x")


@behaviour(
    "apigateway.authorizer-context-reaches-the-function",
    "A function behind an authorizer sees its principal and its context in the request's context, as texts.",
    AUTHORIZER_OUTPUT,
)
def test_context_to_function(api: Api, authorizer: Authorizer, backend: Function) -> None:
    protected = api.authorizer(authorizer.function)
    asked = {"type": "AWS_PROXY", "integrationHttpMethod": "POST", "uri": uri_of(api.aws, backend)}
    api.method("/x", "GET", asked, {}, **protected)
    api.deploy()
    seen = api.get("/x", Authorization="key").json["requestContext"]["authorizer"]
    assert (seen["principalId"], seen["account"], seen["n"], seen["yes"]) == ("key", "acc-key", "1", "true")


@behaviour(
    "apigateway.missing-token-is-401",
    "A request without the token is answered 401 Unauthorized, and the authorizer is not asked.",
    AUTHORIZERS,
)
def test_missing_token(api: Api, authorizer: Authorizer) -> None:
    api.mock("/x", answer="in", **api.authorizer(authorizer.function))
    api.deploy()
    reply = api.get("/x")
    assert (reply.status, reply.json) == (401, {"message": "Unauthorized"})
    assert reply.headers["x-amzn-errortype"] == "UnauthorizedException"
    assert authorizer.asked(api) == []


@behaviour(
    "apigateway.token-is-validated-first",
    "A token that does not match the validation expression is answered 401, and the authorizer is not asked.",
    guide(
        "Configure an API Gateway Lambda authorizer using the console",
        "configure-api-gateway-lambda-authorization",
    ),
)
def test_validation(api: Api, authorizer: Authorizer) -> None:
    protected = api.authorizer(authorizer.function, identityValidationExpression="Bearer [a-z]+")
    api.mock("/x", answer="in", **protected)
    api.deploy()
    assert api.get("/x", Authorization="Basic key").status == 401
    assert authorizer.asked(api) == []
    assert api.get("/x", Authorization="Bearer key").status == 200


@behaviour(
    "apigateway.authorizer-says-unauthorized",
    "An authorizer that fails with Unauthorized makes it 401; any other failure of it is 500.",
    AUTHORIZERS,
)
def test_unauthorized(api: Api, authorizer: Authorizer) -> None:
    api.mock("/x", answer="in", **api.authorizer(authorizer.function))
    api.deploy()
    reply = api.get("/x", Authorization="unauthorized")
    assert (reply.status, reply.json) == (401, {"message": "Unauthorized"})
    assert api.get("/x", Authorization="broken").status == 500


@behaviour(
    "apigateway.denied-is-403",
    "What an authorizer's policy denies, or does not allow, is answered 403.",
    RESPONSE_TYPES,
)
def test_denied(api: Api, authorizer: Authorizer) -> None:
    protected = api.authorizer(authorizer.function)
    api.mock("/x", answer="in", **protected)
    api.mock("/y", answer="in", **protected)
    api.deploy()
    denied = api.get("/x", Authorization="deny")
    assert denied.status == 403
    assert denied.json.get("Message", denied.json.get("message", "")).startswith("User is not authorized")
    assert api.get("/x", Authorization="only this").status == 200
    assert api.get("/y", Authorization="only this").status == 403


@behaviour(
    "apigateway.authorizer-result-is-cached",
    "An authorizer's answer is kept for its time by the token, for every method; with a time of 0 it is not.",
    AUTHORIZERS,
)
def test_cache(api: Api, authorizer: Authorizer) -> None:
    protected = api.authorizer(authorizer.function, authorizerResultTtlInSeconds=300)
    uncached = api.authorizer(authorizer.function, authorizerResultTtlInSeconds=0)
    api.mock("/x", answer="in", **protected)
    api.mock("/y", answer="in", **protected)
    api.mock("/z", answer="in", **uncached)
    api.deploy()
    for path in ("/x", "/x", "/y"):
        assert api.get(path, Authorization="kept").status == 200
    assert api.get("/x", Authorization="other").status == 200
    for _ in range(2):
        assert api.get("/z", Authorization="never").status == 200

    def tokens() -> list[str]:
        return sorted(event["authorizationToken"] for event in authorizer.asked(api))

    until(lambda: len(tokens()) >= 4, "the authorizer was asked")
    assert tokens() == ["kept", "never", "never", "other"]


@behaviour(
    "apigateway.request-authorizer-sees-the-request",
    "A REQUEST authorizer is given the headers, the query, the path's parameters and the stage's variables.",
    AUTHORIZER_INPUT,
)
def test_request_authorizer(api: Api, authorizer: Authorizer) -> None:
    protected = api.authorizer(authorizer.function, "REQUEST", authorizerResultTtlInSeconds=0)
    api.mock("/x/{id}", answer="in", **protected)
    api.deploy(variables={"colour": "blue"})
    assert api.get("/x/7?q=1", Authorization="key").status == 200
    (event,) = authorizer.asked(api)
    assert (event["type"], event["resource"], event["path"]) == ("REQUEST", "/x/{id}", "/x/7")
    assert (event["httpMethod"], event["pathParameters"]) == ("GET", {"id": "7"})
    assert event["queryStringParameters"] == {"q": "1"}
    assert event["stageVariables"] == {"colour": "blue"}
    assert event["requestContext"]["apiId"] == api.id


@behaviour(
    "apigateway.request-authorizer-needs-its-sources",
    "With a cache, a request that lacks one of the identity sources is answered 401 without asking, and the"
    " sources together are the cache's key.",
    AUTHORIZERS,
)
def test_identity_sources(api: Api, authorizer: Authorizer) -> None:
    sources = "method.request.header.Authorization, method.request.querystring.who"
    protected = api.authorizer(
        authorizer.function, "REQUEST", identitySource=sources, authorizerResultTtlInSeconds=300
    )
    api.mock("/x", answer="in", **protected)
    api.deploy()
    assert api.get("/x", Authorization="key").status == 401
    assert authorizer.asked(api) == []
    for who in ("a", "b", "a"):
        assert api.get(f"/x?who={who}", Authorization="key").status == 200

    def seen() -> list[str]:
        return sorted(event["queryStringParameters"]["who"] for event in authorizer.asked(api))

    until(lambda: len(seen()) >= 2, "the authorizer was asked")
    assert seen() == ["a", "b"]


@behaviour(
    "apigateway.authorizer-context-reaches-templates",
    "A template sees the principal and the context that the authorizer gave, also when it was cached.",
    VARIABLES,
)
def test_context_to_template(api: Api, authorizer: Authorizer) -> None:
    api.mock("/x", answer=WHO, **api.authorizer(authorizer.function, authorizerResultTtlInSeconds=300))
    api.deploy()
    for _ in range(2):
        assert api.get("/x", Authorization="key").body == b"key|acc-key|1|true"


# --- gateway responses -------------------------------------------------------------------------------------


@behaviour(
    "apigateway.gateway-responses-can-be-changed",
    "An API can change the status, the headers and the body of what API Gateway answers itself.",
    guide("Gateway responses for REST APIs in API Gateway", "api-gateway-gatewayResponse-definition"),
)
def test_gateway_response(api: Api) -> None:
    api.mock("/x")
    api.gateway.put_gateway_response(
        restApiId=api.id,
        responseType="MISSING_AUTHENTICATION_TOKEN",
        statusCode="404",
        responseParameters={"gatewayresponse.header.X-Why": "'no route'"},
        responseTemplates={
            "application/json": '{"error": $context.error.messageString, "at": "$context.stage"}'
        },
    )
    api.deploy()
    reply = api.get("/nowhere")
    assert (reply.status, reply.headers["x-why"]) == (404, "no route")
    assert reply.json == {"error": MISSING, "at": "prod"}


@behaviour(
    "apigateway.default-gateway-responses",
    "What is set for DEFAULT_4XX holds for all responses of that kind that have none of their own.",
    RESPONSE_TYPES,
)
def test_default_response(api: Api, authorizer: Authorizer) -> None:
    api.mock("/x", **api.authorizer(authorizer.function))
    template = {"application/json": '{"own": "$context.error.responseType"}'}
    api.gateway.put_gateway_response(restApiId=api.id, responseType="DEFAULT_4XX", responseTemplates=template)
    api.deploy()
    for path, status, kind in (
        ("/x", 401, "UNAUTHORIZED"),
        ("/nowhere", 403, "MISSING_AUTHENTICATION_TOKEN"),
    ):
        reply = api.get(path)
        assert (reply.status, reply.json) == (status, {"own": kind})


@behaviour(
    "apigateway.required-parameters-are-asked-for",
    "With a validator of parameters, a request without a required one is answered 400, which names it.",
    guide("Request validation for REST APIs in API Gateway", "api-gateway-method-request-validation"),
)
def test_required_parameters(api: Api) -> None:
    validator = api.gateway.create_request_validator(
        restApiId=api.id, name="parameters", validateRequestParameters=True
    )["id"]
    required = {"method.request.querystring.q": True, "method.request.header.X-Needed": True}
    api.mock("/x", answer="in", requestValidatorId=validator, requestParameters=required)
    api.deploy()
    reply = api.get("/x")
    assert reply.status == 400
    assert reply.json["message"].startswith("Missing required request parameters: [")
    assert api.get("/x?q=1", X_Needed="1").body == b"in"


@behaviour(
    "apigateway.payload-is-10-mb-at-most",
    "A request of more than 10 MB is answered 413.",
    guide("Quotas for configuring and running a REST API", "api-gateway-execution-service-limits-table"),
)
def test_payload(api: Api) -> None:
    api.mock("/x", "POST")
    api.deploy()
    assert api.send("POST", "/x", b"x" * (10 * 1024 * 1024 + 1)).status == 413
