"""`$context`: the request as templates, parameter mappings, authorizers and functions are told of it.

docs: API Gateway Developer Guide, API Gateway mapping template and access logging variable reference
(read 2026-11)
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from harness.emulator.services.apigateway.exchange import Exchange
from harness.emulator.vtl import ReadOnlyMap, Value

_UNSIGNED_IDENTITY = (
    "accountId", "accessKey", "apiKey", "apiKeyId", "caller", "cognitoAuthenticationProvider",
    "cognitoAuthenticationType", "cognitoIdentityId", "cognitoIdentityPoolId", "principalOrgId", "user",
    "userArn",
)  # fmt: skip
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def request_time(now_s: float) -> str:
    """The time in common log format, UTC: `23/Nov/2026:15:35:01 +0000`."""
    t = time.gmtime(now_s)
    return (
        f"{t.tm_mday:02d}/{_MONTHS[t.tm_mon - 1]}/{t.tm_year:04d}"
        f":{t.tm_hour:02d}:{t.tm_min:02d}:{t.tm_sec:02d} +0000"
    )


def _identity(exchange: Exchange) -> Value:
    """Only what an unsigned caller shows: IAM signatures are not evaluated."""
    return ReadOnlyMap(
        sourceIp=exchange.request.source_ip, userAgent=exchange.request.headers.get("user-agent")
    )


def _domain(exchange: Exchange) -> str:
    return exchange.request.headers.get("host", "").partition(":")[0]


CONTEXT: Mapping[str, Callable[[Exchange], Value]] = {
    "accountId": lambda exchange: exchange.request.context.account_id,
    "apiId": lambda exchange: exchange.stage.api_id,
    "authorizer": lambda exchange: exchange.authorization.context if exchange.authorization else None,
    "deploymentId": lambda exchange: exchange.stage.deployment_id,
    "domainName": _domain,
    "domainPrefix": lambda exchange: _domain(exchange).partition(".")[0],
    "error": lambda exchange: ReadOnlyMap(exchange.error),
    "extendedRequestId": lambda exchange: exchange.ids.extended,
    "httpMethod": lambda exchange: exchange.request.method,
    "identity": _identity,
    "path": lambda exchange: f"/{exchange.stage.stage}{exchange.path}",
    "protocol": lambda _: "HTTP/1.1",
    "requestId": lambda exchange: exchange.ids.request,
    "requestOverride": lambda exchange: exchange.request_override,
    "requestTime": lambda exchange: request_time(exchange.now_s),
    "requestTimeEpoch": lambda exchange: int(exchange.now_s * 1000),
    "resourceId": lambda exchange: exchange.resource_id,
    "resourcePath": lambda exchange: exchange.resource_path,
    "responseOverride": lambda exchange: exchange.response_override,
    "stage": lambda exchange: exchange.stage.stage,
    "xrayTraceId": lambda exchange: exchange.ids.trace.partition("Root=")[2].partition(";")[0],
}
"""A value of `$context` by its name."""


def request_context(exchange: Exchange) -> dict[str, Any]:
    """`requestContext` in the events of proxied functions and REQUEST authorizers."""
    names = (
        "accountId", "apiId", "deploymentId", "domainName", "domainPrefix", "extendedRequestId",
        "httpMethod", "path", "protocol", "requestId", "requestTime", "requestTimeEpoch", "resourceId",
        "resourcePath", "stage",
    )  # fmt: skip
    context = {name: CONTEXT[name](exchange) for name in names}
    context["identity"] = {**dict.fromkeys(_UNSIGNED_IDENTITY), **_identity(exchange)}
    if exchange.authorization is not None:
        context["authorizer"] = dict(exchange.authorization.context)
    return context
