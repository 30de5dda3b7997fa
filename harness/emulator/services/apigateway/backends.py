"""What integrations call: an AWS service's action, a Lambda function, or nothing (MOCK).

docs: API Gateway API Reference, Integration (`uri`); Developer Guide, Set up Lambda custom integrations; Mock
integrations (read 2026-11)
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

import orjson

from harness.emulator.services.apigateway.errors import NotDeployable, internal_server_error
from harness.emulator.services.apigateway.exchange import Exchange, IntegrationResult
from harness.emulator.services.apigateway.lambda_events import proxy_event, read_answer
from harness.emulator.services.apigateway.media_types import accepts, is_binary
from harness.emulator.services.apigateway.plan import Backend, IntegrationRequest, Proxy
from harness.emulator.services.base import AwsCalls, AwsError, AwsResponse, CallContext, FunctionInvoker
from harness.emulator.services.json_protocol import JSON_1_1, error_body

_URI = re.compile(
    r"arn:aws[a-z-]*:apigateway:(?P<region>[a-z0-9-]+):(?P<service>[a-z0-9.-]+):(?P<kind>action|path)/(?P<rest>.*)"
)
_FUNCTION = re.compile(r"/?2015-03-31/functions/(?P<function>.+)/invocations")
_QUERY_SERVICES = frozenset({"sns", "sts", "iam", "autoscaling", "rds", "elasticache", "ses", "s3"})
"""Services without a JSON protocol: an action of theirs cannot be called with a JSON body."""
_HEADERS: Mapping[str, str] = {"content-type": JSON_1_1}


class ServiceUri(NamedTuple):
    """An integration's URI, taken apart: `function` for Lambda, else `action`."""

    region: str
    service: str
    action: str
    function: str


def parse_uri(uri: str) -> ServiceUri:
    """The service and the action or function that an AWS integration's URI names. Raises NotDeployable."""
    found = _URI.fullmatch(uri)
    if found is None:
        raise NotDeployable(f"the integration URI '{uri}' is not of the form arn:aws:apigateway:...")
    service, rest = found["service"], found["rest"]
    if service == "lambda" and found["kind"] == "path":
        function = _FUNCTION.fullmatch(rest)
        if function is None:
            raise NotDeployable(f"the integration URI '{uri}' names no Lambda function")
        return ServiceUri(found["region"], service, "", function["function"])
    if found["kind"] == "path" or service in _QUERY_SERVICES:
        raise NotDeployable(
            f"the integration URI '{uri}' is not supported: only Lambda functions and actions of services "
            "with a JSON protocol are"
        )
    return ServiceUri(found["region"], service, rest, "")


def action_backend(uri: ServiceUri, account_id: str, calls: AwsCalls) -> Backend:
    """Calls a service's action with the mapped body; an error of the service is a result like any other."""
    context = CallContext(region=uri.region, account_id=account_id)

    async def invoke(_exchange: Exchange, request: IntegrationRequest) -> IntegrationResult:
        try:
            body = await calls.call(uri.service, uri.action, request.body, context)
        except AwsError as error:
            return IntegrationResult(error.status, error_body(error), _HEADERS)
        return IntegrationResult(200, body, _HEADERS)

    return invoke


def function_backend(uri: ServiceUri, invoker: FunctionInvoker) -> Backend:
    """Invokes a function with the mapped body (Lambda custom integration)."""

    async def invoke(exchange: Exchange, request: IntegrationRequest) -> IntegrationResult:
        asynchronous = request.headers.get("x-amz-invocation-type") == "Event"
        try:
            answer = await invoker.invoke(
                uri.function,
                request.body,
                invocation_type="Event" if asynchronous else "RequestResponse",
                source="apigateway",
                context=exchange.request.context,
            )
        except AwsError as error:
            if error.status in (400, 413):  # Lambda's refusal of the body, as the client sees it on AWS
                return IntegrationResult(error.status, error_body(error), _HEADERS)
            raise internal_server_error() from None
        error_message = _error_message(answer.payload) if answer.function_error else None
        return IntegrationResult(answer.status, answer.payload, _HEADERS, error_message)

    return invoke


def _error_message(payload: bytes) -> str:
    try:
        parsed = orjson.loads(payload)
    except orjson.JSONDecodeError:
        return ""
    return str(parsed.get("errorMessage", "")) if isinstance(parsed, dict) else ""


async def mock_backend(_exchange: Exchange, request: IntegrationRequest) -> IntegrationResult:
    """MOCK: the request template says the status: `{"statusCode": 200}`."""
    try:
        status = int(orjson.loads(request.body)["statusCode"])
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError):
        raise internal_server_error() from None
    return IntegrationResult(status, b"")


def function_proxy(uri: ServiceUri, invoker: FunctionInvoker, binary_media_types: frozenset[str]) -> Proxy:
    """AWS_PROXY: the function is given the request, and its answer is the response."""

    async def proxy(exchange: Exchange) -> AwsResponse:
        binary = is_binary(exchange.request.headers.get("content-type"), binary_media_types)
        try:
            answer = await invoker.invoke(
                uri.function,
                proxy_event(exchange, binary=binary),
                source="apigateway",
                context=exchange.request.context,
            )
        except AwsError:  # throttled, missing: a capture of a throttled one shows 500
            raise internal_server_error() from None
        if answer.function_error:
            raise internal_server_error(502)
        accepted = accepts(exchange.request.headers.get("accept"), binary_media_types)
        return read_answer(answer.payload, accepts_binary=accepted)

    return proxy
