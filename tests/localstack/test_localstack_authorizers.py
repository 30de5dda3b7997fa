"""Lambda authorizers of a REST API on LocalStack, which runs none itself.

Needs a LocalStack (see conftest.py)."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any

import pytest

from tests.localstack.conftest import RunningLocalStack
from tests.localstack.made import Functions

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("localstack")]

AUTHORIZER = """
def handler(event, context):
    token = event.get("authorizationToken") or (event.get("headers") or {}).get("X-Key", "")
    if token == "nobody":
        raise Exception("Unauthorized")
    if token == "broken":
        raise Exception("oh")
    effect = "Deny" if token == "denied" else "Allow"
    statement = {"Action": "execute-api:Invoke", "Effect": effect, "Resource": event["methodArn"]}
    return {
        "principalId": token,
        "policyDocument": {"Version": "2012-10-17", "Statement": [statement]},
        "context": {"account_id": "acct_" + token, "path": event.get("path", "")},
    }
"""
PROXIED = """
import json

def handler(event, context):
    return {"statusCode": 200, "body": json.dumps(event["requestContext"].get("authorizer"))}
"""


def uri(function_arn: str) -> str:
    return f"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{function_arn}/invocations"


@pytest.fixture(scope="module")
def api(localstack: RunningLocalStack) -> str:
    """The URL of an API's stage: /token and /request, each behind an authorizer of its type, answered by a
    template; /proxied by a function; /pool by nobody that there is."""
    functions = Functions(localstack)
    authorizer = functions.create("authorizer", AUTHORIZER)
    proxied = functions.create("proxied", PROXIED)
    gateway = localstack.client("apigateway")
    api_id = gateway.create_rest_api(name=localstack.unique("api"))["id"]
    root = gateway.get_resources(restApiId=api_id)["items"][0]["id"]
    header = "method.request.header.Authorization"
    token = gateway.create_authorizer(
        restApiId=api_id, name="token", type="TOKEN", authorizerUri=uri(authorizer), identitySource=header
    )["id"]
    request = gateway.create_authorizer(
        restApiId=api_id,
        name="request",
        type="REQUEST",
        authorizerUri=uri(authorizer),
        identitySource="method.request.header.X-Key",
    )["id"]
    pool = gateway.create_authorizer(
        restApiId=api_id,
        name="pool",
        type="COGNITO_USER_POOLS",
        providerARNs=["arn:aws:cognito-idp:us-east-1:000000000000:userpool/us-east-1_x"],
        identitySource=header,
    )["id"]

    def method(path: str, authorizer_id: str, kind: str = "CUSTOM") -> dict[str, Any]:
        resource = gateway.create_resource(restApiId=api_id, parentId=root, pathPart=path)["id"]
        where = {"restApiId": api_id, "resourceId": resource, "httpMethod": "GET"}
        gateway.put_method(**where, authorizationType=kind, authorizerId=authorizer_id)
        return where

    for path, authorizer_id in (("token", token), ("request", request)):
        where = method(path, authorizer_id)
        gateway.put_integration(
            **where, type="MOCK", requestTemplates={"application/json": '{"statusCode": 200}'}
        )
        gateway.put_method_response(**where, statusCode="200")
        template = (
            '{"account": "$context.authorizer.account_id", "principal": "$context.authorizer.principalId"}'
        )
        gateway.put_integration_response(
            **where, statusCode="200", responseTemplates={"application/json": template}
        )
    gateway.put_integration(
        **method("proxied", token), type="AWS_PROXY", integrationHttpMethod="POST", uri=uri(proxied)
    )
    gateway.put_integration(**method("pool", pool, "COGNITO_USER_POOLS"), type="MOCK")
    gateway.create_deployment(restApiId=api_id, stageName="live")
    return f"{localstack.url}/_aws/execute-api/{api_id}/live"


def get(url: str, **headers: str) -> tuple[int, Any]:
    request = urllib.request.Request(url, headers={name.replace("_", "-"): v for name, v in headers.items()})
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as refusal:
        return refusal.code, json.load(refusal)


def test_a_token_that_is_allowed_reaches_the_template_with_its_context(api: str) -> None:
    assert get(f"{api}/token", Authorization="a") == (200, {"account": "acct_a", "principal": "a"})


def test_a_request_authorizer_is_given_the_request(api: str) -> None:
    assert get(f"{api}/request", X_Key="b") == (200, {"account": "acct_b", "principal": "b"})
    assert get(f"{api}/request")[0] == 401


def test_a_proxied_function_is_told_who_calls(api: str) -> None:
    status, told = get(f"{api}/proxied", Authorization="c")
    assert (status, told["account_id"], told["principalId"]) == (200, "acct_c", "c")


@pytest.mark.parametrize(
    ("token", "status", "body"),
    [
        (None, 401, {"message": "Unauthorized"}),
        ("nobody", 401, {"message": "Unauthorized"}),
        (
            "denied",
            403,
            {"Message": "User is not authorized to access this resource with an explicit deny"},
        ),
        ("broken", 500, {"message": None}),
    ],
)
def test_who_is_refused_is_told_as_by_aws(api: str, token: str | None, status: int, body: Any) -> None:
    headers = {} if token is None else {"Authorization": token}
    assert get(f"{api}/token", **headers) == (status, body)


def test_an_authorization_that_nobody_evaluates_lets_nobody_pass(api: str) -> None:
    assert get(f"{api}/pool", Authorization="a")[0] == 500
