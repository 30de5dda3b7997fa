"""REST APIs of the cases: put together, deployed, and asked."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from tests.conformance.catalogue import documented
from tests.conformance.functions import Function
from tests.conformance.kit import Cleanup, Reply, send
from tests.conformance.targets import Aws
from tests.conformance.verdicts import NotOffered

READ = "2026-11-24"
OK = {"200": {}}
MISSING = "Missing Authentication Token"


def guide(title: str, page: str) -> Any:
    address = f"apigateway/latest/developerguide/{page}.html"
    return documented(f"API Gateway Developer Guide, {title}", address, noted=READ)


RESPONSE_TYPES = guide("Gateway response types for API Gateway", "supported-gateway-response-types")
VARIABLES = guide(
    "Variables for data transformations for API Gateway", "api-gateway-mapping-template-reference"
)
PROXY = guide("Lambda proxy integrations in API Gateway", "set-up-lambda-proxy-integrations")
AUTHORIZERS = guide("Use API Gateway Lambda authorizers", "apigateway-use-lambda-authorizer")
AUTHORIZER_INPUT = guide("Input to an API Gateway Lambda authorizer", "api-gateway-lambda-authorizer-input")
AUTHORIZER_OUTPUT = guide(
    "Output from an API Gateway Lambda authorizer", "api-gateway-lambda-authorizer-output"
)
INTEGRATION_RESPONSES = guide(
    "Set up an integration response in API Gateway", "api-gateway-integration-settings-integration-response"
)


@dataclass
class Api:
    """A REST API of a case's own."""

    aws: Aws
    cleanup: Cleanup
    gateway: Any
    id: str
    ids: dict[str, str] = field(default_factory=dict)

    def resource(self, path: str) -> str:
        """The id of the resource at `path`, made when it is not there."""
        if path not in self.ids:
            parent, _, part = path.rpartition("/")
            made = self.gateway.create_resource(
                restApiId=self.id, parentId=self.resource(parent or "/"), pathPart=part
            )
            self.ids[path] = made["id"]
        return self.ids[path]

    def method(
        self,
        path: str,
        verb: str,
        integration: Mapping[str, Any],
        responses: Mapping[str, Mapping[str, Any]] = OK,
        **method: Any,
    ) -> None:
        """A method with its integration, and the integration's responses by their status."""
        at = {"restApiId": self.id, "resourceId": self.resource(path), "httpMethod": verb}
        self.gateway.put_method(**at, **{"authorizationType": "NONE", **method})
        self.gateway.put_integration(**at, **integration)
        for status, answer in responses.items():
            declared = dict.fromkeys(answer.get("responseParameters", {}), False)
            self.gateway.put_method_response(**at, statusCode=status, responseParameters=declared)
            self.gateway.put_integration_response(**at, statusCode=status, **answer)

    def mock(self, path: str, verb: str = "GET", answer: str = "", **method: Any) -> None:
        """A method that answers 200 with what the template `answer` gives."""
        responses = {"200": {"responseTemplates": {"application/json": answer}}}
        self.method(path, verb, MOCK, responses, **method)

    def proxy(self, path: str, target: Function, verb: str = "ANY", **more: Any) -> None:
        """A method that hands the request to a function."""
        asked = {
            "type": "AWS_PROXY",
            "integrationHttpMethod": "POST",
            "uri": uri_of(self.aws, target),
            **more,
        }
        self.method(path, verb, asked, {})

    def authorizer(self, target: Function, type_: str = "TOKEN", **more: Any) -> dict[str, str]:
        """An authorizer, as a method names it."""
        asked = {"identitySource": "method.request.header.Authorization", **more}
        made = self.gateway.create_authorizer(
            restApiId=self.id,
            name=self.aws.name("authorizer"),
            type=type_,
            authorizerUri=uri_of(self.aws, target),
            **{name: value for name, value in asked.items() if value is not None},
        )
        return {"authorizationType": "CUSTOM", "authorizerId": made["id"]}

    def deploy(self, **more: Any) -> Api:
        """Deploy as the stage `prod`. Raises NotOffered where nothing executes deployed APIs."""
        self.gateway.create_deployment(restApiId=self.id, stageName="prod", **more)
        reply = self.get("/no-such-path")
        if reply.status in (404, 501) and not reply.body.startswith(b"{"):
            raise NotOffered(f"nothing executes deployed APIs here: their address answers {reply.status}")
        return self

    def send(
        self,
        verb: str,
        path: str,
        body: bytes | str = b"",
        lines: Sequence[tuple[str, str]] = (),
        **headers: str,
    ) -> Reply:
        base, needed = self.aws.stage(self.id, "prod")
        return send(verb, base + path, body, lines, **{**needed, **headers})

    def get(self, path: str, **headers: str) -> Reply:
        return self.send("GET", path, **headers)


MOCK = {"type": "MOCK", "requestTemplates": {"application/json": '{"statusCode": 200}'}}


def uri_of(aws: Aws, target: Function) -> str:
    return f"arn:aws:apigateway:{aws.region}:lambda:path/2015-03-31/functions/{target.arn}/invocations"


def allowed(target: Function) -> Function:
    """A function that API Gateway may invoke, where permissions are kept."""
    with contextlib.suppress(ClientError):
        target.client.add_permission(
            FunctionName=target.name,
            StatementId="apigateway",
            Action="lambda:InvokeFunction",
            Principal="apigateway.amazonaws.com",
        )
    return target


def created(aws: Aws, cleanup: Cleanup) -> Api:
    gateway = aws.client("apigateway")
    made = gateway.create_rest_api(name=aws.name("api"))["id"]
    cleanup.add(gateway.delete_rest_api, restApiId=made)
    root = gateway.get_resources(restApiId=made)["items"][0]["id"]
    return Api(aws, cleanup, gateway, made, {"/": root})


BACKEND = """
import json
def handler(event, context):
    query = event.get("queryStringParameters") or {}
    do = query.get("do", "echo")
    if do == "raise":
        raise ValueError("broken")
    if do == "text":
        return "only a text"
    if do == "base64":
        return {"statusCode": 200, "body": "AAH/", "isBase64Encoded": True}
    if do == "answer":
        return {
            "statusCode": 418,
            "headers": {"X-One": "1", "Content-Type": "text/plain"},
            "multiValueHeaders": {"Set-Cookie": ["a=1", "b=2"]},
            "body": "short",
        }
    return {"statusCode": 200, "body": json.dumps(event)}
"""
"""The source of a function that answers as a proxy integration wants it."""
