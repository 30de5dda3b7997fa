"""An account with API Gateway in front of moto's control plane, driven by boto3, with fakes behind."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import Awaitable, Callable, Iterator
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from moto.backends import get_backend
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.test import run_wsgi_app

from harness.aws.limits.profiles import NONE, Limits
from harness.emulator.services.apigateway import ApiGatewayService
from harness.emulator.services.base import (
    AwsError,
    AwsRequest,
    AwsResponse,
    CallContext,
    InvocationResult,
    InvocationType,
)
from harness.measure.meters import Meters

ACCOUNT = "123456789012"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/gateway"
NOW = 1_790_000_000.0


@cache
def moto() -> Any:
    """moto as a WSGI application."""
    return DomainDispatcherApplication(create_backend_app)


@cache
def boto_client() -> Any:
    """boto3's client; each account registers itself as who answers it."""
    return boto3.client(
        "apigateway",
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        endpoint_url="http://apigateway.us-east-1.amazonaws.com",
    )


class Clock:
    """A clock that only tests move."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


class Raw(io.BytesIO):
    """A body as botocore streams it."""

    def stream(self, **_: Any) -> Iterator[bytes]:
        yield self.read()


class FakeCalls:
    """Other services: answers by operation, and what they were asked."""

    def __init__(self) -> None:
        self.answers: dict[str, Callable[[dict[str, Any]], Any]] = {}
        self.calls: list[tuple[str, str, Any]] = []
        self.delay: asyncio.Event | None = None

    async def call(self, service: str, operation: str, body: bytes, context: CallContext) -> bytes:
        try:
            given = json.loads(body)
        except ValueError:
            given = body
        self.calls.append((service, operation, given))
        if self.delay is not None:
            await self.delay.wait()
        answer = self.answers.get(operation)
        if answer is None:
            raise AwsError("UnknownOperationException", operation)
        if not isinstance(given, dict):
            raise AwsError("SerializationException", "not an object")
        return json.dumps(answer(given)).encode()


class FakeFunctions:
    """Lambda: functions by name, and the events they were given."""

    def __init__(self) -> None:
        self.functions: dict[str, Callable[[Any], Any]] = {}
        self.invocations: list[tuple[str, str, Any]] = []
        self.gate: asyncio.Event | None = None

    async def invoke(
        self,
        function: str,
        payload: bytes,
        *,
        invocation_type: InvocationType = "RequestResponse",
        source: str = "api",
        context: CallContext,
    ) -> InvocationResult:
        name = function.rpartition(":")[2]
        event = json.loads(payload)
        self.invocations.append((name, invocation_type, event))
        if self.gate is not None:
            await self.gate.wait()
        if name not in self.functions:
            raise AwsError("ResourceNotFoundException", f"Function not found: {function}", 404)
        if invocation_type == "Event":
            return InvocationResult(202, b"", None, "r")
        try:
            answer = self.functions[name](event)
        except AwsError:
            raise
        except Exception as error:
            failure = {"errorMessage": str(error), "errorType": type(error).__name__}
            return InvocationResult(200, json.dumps(failure).encode(), "Unhandled", "r")
        return InvocationResult(
            200, answer if isinstance(answer, bytes) else json.dumps(answer).encode(), None, "r"
        )


class Account:
    """The service with all around it. `aws` is boto3's API Gateway client, `execute` the data plane."""

    def __init__(self, limits: Limits = NONE) -> None:
        self.clock = Clock()
        self.meters = Meters()
        self.calls = FakeCalls()
        self.functions = FakeFunctions()
        self.forwarded: list[tuple[str, str]] = []
        self.limits = limits
        self.service = self.new_service()
        self._loop = asyncio.new_event_loop()
        self.aws: Any = boto_client()
        self.aws.meta.events.register("before-send.apigateway", self._before_send)

    def new_service(self) -> ApiGatewayService:
        return ApiGatewayService(
            meters=self.meters,
            limits=self.limits,
            calls=self.calls,
            invoker=self.functions,
            control=self.control,
            clock=self.clock,
        )

    def run(self, work: Awaitable[Any]) -> Any:
        async def to_the_end() -> Any:
            return await work

        return self._loop.run_until_complete(to_the_end())

    def close(self) -> None:
        self.aws.meta.events.unregister("before-send.apigateway", self._before_send)
        self._loop.close()

    async def control(self, request: AwsRequest) -> AwsResponse:
        self.forwarded.append((request.method, request.path))
        environ = {
            "REQUEST_METHOD": request.method,
            "PATH_INFO": request.path,
            "RAW_URI": request.path,
            "QUERY_STRING": request.query,
            "SERVER_NAME": "localhost",
            "SERVER_PORT": "80",
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(request.body),
            "CONTENT_LENGTH": str(len(request.body)),
            "CONTENT_TYPE": request.headers.get("content-type", ""),
        }
        for name, value in request.headers.items():
            environ["HTTP_" + name.upper().replace("-", "_")] = value
        body, status, headers = run_wsgi_app(moto(), environ)
        return AwsResponse(int(status.split()[0]), b"".join(body), {k.lower(): v for k, v in headers.items()})

    def _before_send(self, request: Any, **_: Any) -> AWSResponse:
        url = urlsplit(request.url)
        body = request.body or b""
        ours = AwsRequest(
            request.method,
            url.path,
            url.query,
            {
                "host": url.netloc,
                **{k.lower(): v if isinstance(v, str) else v.decode() for k, v in request.headers.items()},
            },
            body.encode() if isinstance(body, str) else body,
            CallContext(account_id=ACCOUNT),
        )
        answer = self.run(self.service.handle(ours))
        return AWSResponse(request.url, answer.status, answer.headers, Raw(answer.body))

    # -- standing up

    def api(self, name: str = "ingest", **settings: Any) -> str:
        return str(self.aws.create_rest_api(name=name, **settings)["id"])

    def resource(self, api: str, path: str) -> str:
        """The id of the resource at `path`, made with its parents where missing."""
        known = {r["path"]: r["id"] for r in self.aws.get_resources(restApiId=api, limit=500)["items"]}
        parent, so_far = known["/"], ""
        for part in path.strip("/").split("/") if path != "/" else []:
            so_far += "/" + part
            if so_far not in known:
                made = self.aws.create_resource(restApiId=api, parentId=parent, pathPart=part)
                known[so_far] = made["id"]
            parent = known[so_far]
        return str(parent)

    def method(
        self,
        api: str,
        http_method: str,
        path: str,
        integration: dict[str, Any],
        responses: dict[str, dict[str, Any]] | None = None,
        **settings: Any,
    ) -> None:
        where = {"restApiId": api, "resourceId": self.resource(api, path), "httpMethod": http_method}
        self.aws.put_method(**where, **{"authorizationType": "NONE", **settings})
        self.aws.put_integration(**where, **integration)
        for status, response in (responses if responses is not None else {"200": {}}).items():
            self.aws.put_method_response(**where, statusCode=status)
            self.aws.put_integration_response(**where, statusCode=status, **response)

    def deploy(self, api: str, stage: str = "prod", **settings: Any) -> str:
        return str(self.aws.create_deployment(restApiId=api, stageName=stage, **settings)["id"])

    def stand_up(
        self,
        integration: dict[str, Any],
        responses: dict[str, Any] | None = None,
        *,
        method: str = "POST",
        path: str = "/x",
        api_settings: dict[str, Any] | None = None,
        stage_variables: dict[str, str] | None = None,
    ) -> str:
        """An API of one method, deployed."""
        api = self.api(**(api_settings or {}))
        self.method(api, method, path, integration, responses)
        self.deploy(api, variables=stage_variables or {})
        return api

    def authorizer(self, api: str, function: str = "authorizer", **settings: Any) -> str:
        made = self.aws.create_authorizer(
            restApiId=api,
            **{
                "name": function,
                "type": "TOKEN",
                "authorizerUri": self.lambda_uri(function),
                "identitySource": "method.request.header.Authorization",
                **settings,
            },
        )
        return str(made["id"])

    # -- the data plane

    def request(
        self,
        method: str = "POST",
        body: bytes | dict[str, Any] = b"",
        *,
        query: str = "",
        **headers: str,
    ) -> AwsRequest:
        return AwsRequest(
            method,
            "/",
            query,
            {
                "host": "abc.execute-api.localhost",
                **{k.replace("_", "-").lower(): v for k, v in headers.items()},
            },
            json.dumps(body).encode() if isinstance(body, dict) else body,
            CallContext(account_id=ACCOUNT),
        )

    def execute(
        self,
        api: str,
        method: str,
        path: str,
        body: bytes | dict[str, Any] = b"",
        *,
        stage: str = "prod",
        query: str = "",
        **headers: str,
    ) -> AwsResponse:
        request = self.request(method, body, query=query, **headers)
        return self.run(self.service.execute(api, stage, path, request))

    def usage(self, unit: str, api: str = "ingest") -> float:
        return self.meters.counter("apigateway", api, unit).value

    # -- what integrations are

    @staticmethod
    def lambda_uri(function: str) -> str:
        arn = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:{function}"
        return f"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{arn}/invocations"

    @staticmethod
    def kinesis(action: str = "PutRecord", template: str | None = None, **settings: Any) -> dict[str, Any]:
        """An integration with Kinesis."""
        return {
            "type": "AWS",
            "integrationHttpMethod": "POST",
            "uri": f"arn:aws:apigateway:us-east-1:kinesis:action/{action}",
            "credentials": ROLE,
            **({"requestTemplates": {"application/json": template}} if template is not None else {}),
            **settings,
        }

    @staticmethod
    def proxy(function: str = "backend", **settings: Any) -> dict[str, Any]:
        """A proxied function."""
        return {
            "type": "AWS_PROXY",
            "integrationHttpMethod": "POST",
            "uri": Account.lambda_uri(function),
            **settings,
        }

    @staticmethod
    def mock(status: int = 200, **settings: Any) -> dict[str, Any]:
        """A MOCK integration."""
        return {
            "type": "MOCK",
            "requestTemplates": {"application/json": json.dumps({"statusCode": status})},
            **settings,
        }

    @staticmethod
    def refusing(error: AwsError) -> Callable[[Any], Any]:
        """A service's or function's answer that is `error`."""

        def answer(_given: Any) -> Any:
            raise error

        return answer

    @staticmethod
    def allow(event: dict[str, Any], **context: Any) -> dict[str, Any]:
        """An authorizer's answer that allows every method of the API."""
        resource = event["methodArn"].split("/")[0] + "/*"
        return {
            "principalId": "caller",
            "policyDocument": {
                "Version": "2012-10-17",
                "Statement": [{"Action": "execute-api:Invoke", "Effect": "Allow", "Resource": resource}],
            },
            "context": context,
        }


@pytest.fixture
def account() -> Iterator[Account]:
    get_backend("apigateway").reset()
    made = Account()
    yield made
    made.close()
