"""A request through a stage: route, throttle, authorize, validate, integrate, respond."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Coroutine, Mapping
from typing import Any, TypeVar

from harness.aws.limits.token_bucket import TokenBucket
from harness.emulator.services.apigateway import gateway_responses
from harness.emulator.services.apigateway.deadline import within
from harness.emulator.services.apigateway.errors import GatewayError, internal_server_error
from harness.emulator.services.apigateway.exchange import Exchange, IntegrationResult
from harness.emulator.services.apigateway.headers import outgoing
from harness.emulator.services.apigateway.ids import RequestIds, new_ids
from harness.emulator.services.apigateway.mapping import map_values
from harness.emulator.services.apigateway.media_types import accepts, essence, is_binary
from harness.emulator.services.apigateway.plan import (
    IntegrationRequest,
    MappedIntegration,
    MethodPlan,
    ProxyIntegration,
    ResponsePlan,
    StagePlan,
)
from harness.emulator.services.apigateway.variables import template_variables
from harness.emulator.services.base import AwsRequest, AwsResponse
from harness.emulator.vtl import Template, TemplateFailure, Value, to_text

MAX_BODY_BYTES = 10 * 1024 * 1024
"""docs: API Gateway quotas, payload size 10 MB (read 2026-04)"""
_JSON = "application/json"
T = TypeVar("T")


async def execute(
    plan: StagePlan, account: TokenBucket, path: str, request: AwsRequest, now_s: float
) -> AwsResponse:
    """The answer to a request to a deployed stage. `path` is raw and below the stage."""
    counters = plan.counters
    counters.requests.value += 1
    ids = new_ids(now_s, request.context.request_id, request.headers.get("x-amzn-trace-id"))
    exchange = Exchange(plan.identity, path, request, ids, now_s)
    try:
        found = plan.routes.find(path)
        method = found.resource.get(request.method) or found.resource.get("ANY") if found else None
        if found is None or method is None:
            raise GatewayError("MISSING_AUTHENTICATION_TOKEN")
        exchange.routed(method.resource, found.parameters, found.path)
        response = await _run(plan, account, method, exchange)
        response.headers["x-amzn-trace-id"] = ids.trace
        if response.status >= 400:
            _count_error(plan, response.status)
    except GatewayError as error:
        _count_refusal(plan, error)
        response = gateway_responses.render(error, plan.gateway_responses, exchange)
    _add_ids(response, ids)
    counters.bytes_out.value += len(response.body)
    return response


def _add_ids(response: AwsResponse, ids: RequestIds) -> None:
    response.headers["x-amzn-requestid"] = ids.request
    response.headers["x-amz-apigw-id"] = ids.extended


def _count_refusal(plan: StagePlan, error: GatewayError) -> None:
    if error.kind.name == "THROTTLED":
        plan.counters.throttled.value += 1
    elif error.kind.name in ("UNAUTHORIZED", "ACCESS_DENIED"):
        plan.counters.unauthorized.value += 1
    else:
        _count_error(plan, error.status)


def _count_error(plan: StagePlan, status: int) -> None:
    counter = plan.counters.client_errors if status < 500 else plan.counters.server_errors
    counter.value += 1


async def _run(plan: StagePlan, account: TokenBucket, method: MethodPlan, exchange: Exchange) -> AwsResponse:
    now_s = exchange.now_s
    if (method.bucket is not None and method.bucket.take(now_s)) or account.take(now_s):
        raise GatewayError("THROTTLED")
    if len(exchange.request.body) > MAX_BODY_BYTES:
        raise GatewayError("REQUEST_TOO_LARGE")
    authorizer = method.authorizer
    if authorizer is not None:
        key = authorizer.identity(exchange)
        authorization = authorizer.cached(exchange, key)
        if authorization is None:
            plan.counters.authorizer_misses.value += 1
            authorization = await authorizer.ask(exchange, key)
        else:
            plan.counters.authorizer_hits.value += 1
        exchange.authorization = authorization
    if method.required:
        _validate(method, exchange)
    integration = method.integration
    if isinstance(integration, ProxyIntegration):
        return await _within(integration.timeout_s, integration.proxy(exchange))
    return await _mapped(plan, integration, exchange)


def _validate(method: MethodPlan, exchange: Exchange) -> None:
    missing = [name for place, name in method.required if not _has(exchange, place, name)]
    if missing:
        message = f"Missing required request parameters: [{', '.join(missing)}]"
        raise GatewayError("BAD_REQUEST_PARAMETERS", message)


def _has(exchange: Exchange, place: str, name: str) -> bool:
    if place == "header":
        return bool(exchange.header(name))
    values = exchange.query if place == "querystring" else exchange.path_parameters
    return bool(values.get(name))


async def _within(timeout_s: float, work: Coroutine[Any, Any, T]) -> T:
    """What the integration gives. Raises GatewayError INTEGRATION_TIMEOUT when it takes longer."""
    try:
        return await within(timeout_s, work)
    except TimeoutError:
        raise GatewayError("INTEGRATION_TIMEOUT") from None


# -- mapped integrations


async def _mapped(plan: StagePlan, integration: MappedIntegration, exchange: Exchange) -> AwsResponse:
    request = IntegrationRequest(
        _request_body(plan, integration, exchange), _request_headers(integration, exchange)
    )
    result = await _within(integration.timeout_s, integration.backend(exchange, request))
    response = _select(integration, result)
    return _respond(plan, response, exchange, result)


def _request_body(plan: StagePlan, integration: MappedIntegration, exchange: Exchange) -> bytes:
    body = _converted_request(plan, integration, exchange)
    content_type = essence(exchange.request.headers.get("content-type"))
    templates = integration.templates
    template = templates.get(content_type)
    if template is not None:
        return _rendered(template, body, exchange, of_client=True)
    if content_type in templates:
        return body
    refused = integration.passthrough == "NEVER" or (
        integration.passthrough == "WHEN_NO_TEMPLATES" and templates
    )
    if refused:
        raise GatewayError("UNSUPPORTED_MEDIA_TYPE")
    return body


def _request_headers(integration: MappedIntegration, exchange: Exchange) -> dict[str, str]:
    if not integration.parameters and not exchange.request_override["header"]:
        return {}
    mapped = map_values(integration.parameters, "header", exchange, None)
    return outgoing((*mapped.items(), *_override(exchange.request_override)))


def _rendered(template: Template, body: bytes, exchange: Exchange, *, of_client: bool) -> bytes:
    try:
        text = template.render(template_variables(body, exchange, of_client=of_client))
    except TemplateFailure:
        raise internal_server_error() from None
    return text.encode("utf-8", "replace")


def _converted_request(plan: StagePlan, integration: MappedIntegration, exchange: Exchange) -> bytes:
    body = exchange.request.body
    if integration.content_handling is None and not plan.binary_media_types:
        return body
    binary = is_binary(exchange.request.headers.get("content-type"), plan.binary_media_types)
    return _converted(body, integration.content_handling, binary=binary)


def _converted(body: bytes, handling: str | None, *, binary: bool) -> bytes:
    """docs: API Gateway Developer Guide, Content type conversions in API Gateway (read 2026-11)"""
    if handling == "CONVERT_TO_TEXT" and binary:
        return base64.b64encode(body)
    if handling == "CONVERT_TO_BINARY" and not binary:
        try:
            return base64.b64decode(body, validate=True)
        except binascii.Error:
            raise GatewayError("API_CONFIGURATION_ERROR") from None
    return body


def _select(integration: MappedIntegration, result: IntegrationResult) -> ResponsePlan:
    """The first response whose pattern fits the whole of the error message or status, else the default one.

    Raises GatewayError API_CONFIGURATION_ERROR when there is none."""
    subject = result.error if integration.selects_by_error else str(result.status)
    default: ResponsePlan | None = None
    for response in integration.responses:
        if response.pattern is None:
            default = default or response
        elif subject is not None and response.pattern.fullmatch(subject):
            return response
    if default is None:
        raise GatewayError("API_CONFIGURATION_ERROR")
    return default


def _respond(
    plan: StagePlan, response: ResponsePlan, exchange: Exchange, result: IntegrationResult
) -> AwsResponse:
    body, content_type = result.body, _JSON
    if response.content_handling is not None:
        binary = is_binary(result.headers.get("content-type"), plan.binary_media_types) or accepts(
            exchange.request.headers.get("accept"), plan.binary_media_types
        )
        body = _converted(body, response.content_handling, binary=binary)
    if response.templates:
        content_type, template = _response_template(response, exchange)
        if template is not None:
            body = _rendered(template, body, exchange, of_client=False)
    override = exchange.response_override
    headers = {"content-type": content_type}
    if response.headers or override["header"]:
        mapped = map_values(response.headers, "header", exchange, result)
        headers |= outgoing((*mapped.items(), *_override(override)))
    status = override.get("status")
    if not (type(status) is int and 100 <= status <= 599):
        status = response.status
    return AwsResponse(status, body, headers)


def _override(override: Mapping[str, Value]) -> list[tuple[str, str]]:
    """The headers that a template set in `$context.requestOverride` or `responseOverride`."""
    headers = override["header"]
    return [(to_text(k), to_text(v)) for k, v in headers.items()] if isinstance(headers, dict) else []


def _response_template(response: ResponsePlan, exchange: Exchange) -> tuple[str, Template | None]:
    accept = (
        (exchange.request.headers.get("accept") or "").partition(",")[0].partition(";")[0].strip().lower()
    )
    for media_type in (accept, _JSON):
        if media_type in response.templates:
            return media_type, response.templates[media_type]
    return next(iter(response.templates.items()))
