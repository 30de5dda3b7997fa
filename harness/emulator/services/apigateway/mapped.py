"""AWS and MOCK integrations: the request's body and headers through templates and mappings, the integration's
answer selected by its status or error, and through templates and mappings again.

docs: API Gateway Developer Guide, Mapping template transformations for REST APIs (read 2026-11)
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Coroutine, Mapping
from typing import Any, TypeVar

from harness.emulator.services.apigateway.deadline import within
from harness.emulator.services.apigateway.errors import GatewayError, internal_server_error
from harness.emulator.services.apigateway.exchange import Exchange, IntegrationResult
from harness.emulator.services.apigateway.headers import outgoing
from harness.emulator.services.apigateway.mapping import map_values
from harness.emulator.services.apigateway.media_types import accepts, essence, is_binary
from harness.emulator.services.apigateway.plan import (
    IntegrationRequest,
    MappedIntegration,
    ResponsePlan,
    StagePlan,
)
from harness.emulator.services.apigateway.variables import template_variables
from harness.emulator.services.base import AwsResponse
from harness.emulator.vtl import Template, TemplateFailure, Value, to_text

_JSON = "application/json"
T = TypeVar("T")


async def in_time(timeout_s: float, work: Coroutine[Any, Any, T]) -> T:
    """What the integration gives. Raises GatewayError INTEGRATION_TIMEOUT when it takes longer."""
    try:
        return await within(timeout_s, work)
    except TimeoutError:
        raise GatewayError("INTEGRATION_TIMEOUT") from None


async def integrate(plan: StagePlan, integration: MappedIntegration, exchange: Exchange) -> AwsResponse:
    """The answer of a mapped integration. Raises GatewayError."""
    request = IntegrationRequest(
        _request_body(plan, integration, exchange), _request_headers(integration, exchange)
    )
    result = await in_time(integration.timeout_s, integration.backend(exchange, request))
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
    if not (type(status) is int and 200 <= status <= 599):
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
