"""What a deployed stage does, compiled and immutable; only its buckets, caches and counters move."""

from __future__ import annotations

import re
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any

from harness.aws.limits.token_bucket import TokenBucket
from harness.emulator.services.apigateway.authorizers import LambdaAuthorizer
from harness.emulator.services.apigateway.exchange import Exchange, IntegrationResult, StageIdentity
from harness.emulator.services.apigateway.gateway_responses import CustomResponse
from harness.emulator.services.apigateway.mapping import Mapped
from harness.emulator.services.apigateway.routing import Routes
from harness.emulator.services.base import AwsResponse
from harness.emulator.vtl import Template
from harness.measure.meters import Counter, Meters


@dataclass(frozen=True, slots=True)
class IntegrationRequest:
    """What goes to the integration: the body and the mapped headers, names in lower case."""

    body: bytes
    headers: Mapping[str, str]


Backend = Callable[[Exchange, IntegrationRequest], Coroutine[Any, Any, IntegrationResult]]
"""What an integration calls. Raises GatewayError."""
Proxy = Callable[[Exchange], Coroutine[Any, Any, AwsResponse]]
"""A proxy integration: takes the request and gives the answer. Raises GatewayError."""


@dataclass(frozen=True, slots=True)
class ResponsePlan:
    """An integration response. `pattern` None is the default one; a template None passes the body on."""

    status: int
    pattern: re.Pattern[str] | None
    headers: tuple[Mapped, ...]
    templates: Mapping[str, Template | None]
    content_handling: str | None


@dataclass(frozen=True, slots=True)
class MappedIntegration:
    """AWS and MOCK. `passthrough` is WHEN_NO_MATCH, WHEN_NO_TEMPLATES or NEVER."""

    backend: Backend
    timeout_s: float
    parameters: tuple[Mapped, ...]
    templates: Mapping[str, Template | None]
    passthrough: str
    content_handling: str | None
    responses: tuple[ResponsePlan, ...]
    selects_by_error: bool
    """Lambda: responses are selected by the function's error message, else by the status."""


@dataclass(frozen=True, slots=True)
class ProxyIntegration:
    """AWS_PROXY."""

    proxy: Proxy
    timeout_s: float


@dataclass(frozen=True, slots=True)
class MethodPlan:
    """A method of a resource. `required` are the parameters that a request must have, as (place, name)."""

    resource: tuple[str, str]
    """The resource's id and path."""
    integration: MappedIntegration | ProxyIntegration
    authorizer: LambdaAuthorizer | None
    required: tuple[tuple[str, str], ...]
    bucket: TokenBucket | None


ResourcePlan = Mapping[str, MethodPlan]
"""A resource's methods by HTTP method; `ANY` stands for those not named."""


class StageCounters:
    """The API's meters."""

    def __init__(self, meters: Meters, api_name: str) -> None:
        def counter(unit: str) -> Counter:
            return meters.counter("apigateway", api_name, unit)

        self.requests = counter("requests")
        self.throttled = counter("throttled")
        self.unauthorized = counter("unauthorized")
        self.client_errors = counter("client_errors")
        self.server_errors = counter("server_errors")
        self.authorizer_hits = counter("authorizer_hits")
        self.authorizer_misses = counter("authorizer_misses")
        self.bytes_out = counter("bytes_out")


@dataclass(frozen=True, slots=True)
class StagePlan:
    """A stage of an API as it is deployed."""

    identity: StageIdentity
    routes: Routes[ResourcePlan]
    gateway_responses: Mapping[str, CustomResponse]
    binary_media_types: frozenset[str]
    counters: StageCounters
    authorizers: tuple[LambdaAuthorizer, ...]
