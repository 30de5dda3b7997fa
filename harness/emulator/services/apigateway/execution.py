"""A request through a stage: route, throttle, authorize, validate, integrate, respond."""

from __future__ import annotations

from harness.aws.limits.token_bucket import TokenBucket
from harness.emulator.services.apigateway import gateway_responses
from harness.emulator.services.apigateway.authorizers import LambdaAuthorizer
from harness.emulator.services.apigateway.errors import GatewayError
from harness.emulator.services.apigateway.exchange import Authorization, Exchange
from harness.emulator.services.apigateway.ids import RequestIds, new_ids
from harness.emulator.services.apigateway.mapped import in_time, integrate
from harness.emulator.services.apigateway.plan import MethodPlan, ProxyIntegration, StagePlan
from harness.emulator.services.base import AwsRequest, AwsResponse

MAX_BODY_BYTES = 10 * 1024 * 1024
"""docs: API Gateway quotas, payload size 10 MB (read 2026-04)"""
_WRITTEN_BY_THE_SERVER = len(
    "HTTP/1.1 200 OK\r\n"
    "Date: Mon, 23 Nov 2026 15:41:00 GMT\r\n"
    "Content-Length: 54\r\n"
    "Connection: keep-alive\r\n"
    "\r\n"
)
_HEADER_PUNCTUATION = len(": \r\n")


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
    lines = [*response.headers.items(), *response.repeats]
    header_characters = sum(len(name) + len(value) for name, value in lines)
    counters.bytes_out.value += bytes_out(len(response.body), len(lines), header_characters)
    return response


def bytes_out(body_bytes: int, headers: int, header_characters: int) -> int:
    """What an answer sends to its client, headers and all: of a short answer they are the most. `headers` are
    those that the server does not add by itself, `header_characters` their names and values. What TLS and
    TCP add is not counted."""
    return _WRITTEN_BY_THE_SERVER + body_bytes + header_characters + headers * _HEADER_PUNCTUATION


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
        exchange.authorization = await _authorize(plan, authorizer, exchange)
    if method.required:
        _validate(method, exchange)
    integration = method.integration
    if isinstance(integration, ProxyIntegration):
        return await in_time(integration.timeout_s, integration.proxy(exchange))
    return await integrate(plan, integration, exchange)


async def _authorize(plan: StagePlan, authorizer: LambdaAuthorizer, exchange: Exchange) -> Authorization:
    key = authorizer.identity(exchange)
    opinion = authorizer.kept(key, exchange.now_s)
    if opinion is None:
        plan.counters.authorizer_misses.value += 1
        opinion = await authorizer.ask(exchange, key)
    else:
        plan.counters.authorizer_hits.value += 1
    return opinion.of(exchange.method_arn)


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
