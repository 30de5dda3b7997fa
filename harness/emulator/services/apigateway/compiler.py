"""Descriptions to plans: everything that can be wrong with an API is found here, at its deployment."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from harness.emulator.services.apigateway.authorizer_settings import authorizer_settings, compile_regex
from harness.emulator.services.apigateway.authorizers import LambdaAuthorizer
from harness.emulator.services.apigateway.backends import (
    action_backend,
    function_backend,
    function_proxy,
    mock_backend,
    parse_uri,
)
from harness.emulator.services.apigateway.description import Description
from harness.emulator.services.apigateway.errors import NotDeployable
from harness.emulator.services.apigateway.exchange import StageIdentity
from harness.emulator.services.apigateway.gateway_responses import compile_responses
from harness.emulator.services.apigateway.jsonpath import JsonPathError, compile_path
from harness.emulator.services.apigateway.mapping import (
    compile_mappings,
    with_stage_variables,
)
from harness.emulator.services.apigateway.plan import (
    Backend,
    MappedIntegration,
    MethodPlan,
    ProxyIntegration,
    ResourcePlan,
    ResponsePlan,
    StageCounters,
    StagePlan,
)
from harness.emulator.services.apigateway.routing import Routes
from harness.emulator.services.apigateway.throttle import method_bucket
from harness.emulator.services.base import AwsCalls, FunctionInvoker
from harness.emulator.vtl import ReadOnlyMap, Template, TemplateError, compile_template
from harness.measure.meters import Meters

DEFAULT_TIMEOUT_MS = 29_000
_JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What plans are compiled against."""

    calls: AwsCalls
    invoker: FunctionInvoker
    meters: Meters
    clock: Callable[[], float]
    account_id: str


def compile_stage(
    description: Description, stage: Mapping[str, Any], surroundings: Surroundings
) -> StagePlan:
    """The plan of a stage, which GetStage describes. Raises NotDeployable with the place and the reason."""
    return _Compiler(description, stage, surroundings).plan()


@contextmanager
def _at(place: str) -> Iterator[None]:
    """Put `place` in front of what is wrong within."""
    try:
        yield
    except NotDeployable as error:
        raise NotDeployable(f"{place}: {error}") from None


class _Compiler:
    def __init__(
        self, description: Description, stage: Mapping[str, Any], surroundings: Surroundings
    ) -> None:
        self._description = description
        self._surroundings = surroundings
        self._settings = stage.get("methodSettings") or {}
        self._variables = ReadOnlyMap(stage.get("variables") or {})
        self._identity = StageIdentity(
            api_id=str(description.api["id"]),
            api_name=str(description.api.get("name") or description.api["id"]),
            stage=str(stage.get("stageName") or ""),
            deployment_id=str(stage.get("deploymentId") or ""),
            variables=self._variables,
        )
        self._binary = frozenset(t.lower() for t in description.api.get("binaryMediaTypes") or ())
        self._authorizers: dict[str, LambdaAuthorizer] = {}

    def plan(self) -> StagePlan:
        if self._description.api.get("disableExecuteApiEndpoint"):
            raise NotDeployable("its default endpoint is disabled, and custom domain names are not supported")
        routes = Routes(
            [(str(resource["path"]), self._resource(resource)) for resource in self._description.resources]
        )
        with _at("gateway responses"):
            responses = compile_responses(self._description.gateway_responses)
        return StagePlan(
            identity=self._identity,
            routes=routes,
            gateway_responses=responses,
            binary_media_types=self._binary,
            counters=StageCounters(self._surroundings.meters, self._identity.api_name),
            authorizers=tuple(self._authorizers.values()),
        )

    def _resource(self, resource: Mapping[str, Any]) -> ResourcePlan:
        methods: dict[str, MethodPlan] = {}
        for name, method in (resource.get("resourceMethods") or {}).items():
            with _at(f"{name} {resource['path']}"):
                methods[name] = self._method(resource, name, method)
        return methods

    def _method(self, resource: Mapping[str, Any], name: str, method: Mapping[str, Any]) -> MethodPlan:
        integration = method.get("methodIntegration")
        if not integration:
            raise NotDeployable("the method has no integration")
        if method.get("apiKeyRequired"):
            raise NotDeployable("API keys (apiKeyRequired) are not supported")
        path = str(resource["path"])
        return MethodPlan(
            resource=(str(resource["id"]), path),
            integration=self._integration(integration),
            authorizer=self._authorizer(method),
            required=self._required(method),
            bucket=method_bucket(self._settings, path, name, self._surroundings.clock()),
        )

    # -- before the integration

    def _required(self, method: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
        validator = self._description.validators.get(str(method.get("requestValidatorId")))
        if validator is None:
            return ()
        models = [m for m in (method.get("requestModels") or {}).values() if m != "Empty"]
        if validator.get("validateRequestBody") and models:
            raise NotDeployable("validation of request bodies against models is not supported")
        if not validator.get("validateRequestParameters"):
            return ()
        required: list[tuple[str, str]] = []
        for parameter, is_required in (method.get("requestParameters") or {}).items():
            place, _, name = str(parameter).removeprefix("method.request.").partition(".")
            if is_required:
                required.append((place, name))
        return tuple(required)

    def _authorizer(self, method: Mapping[str, Any]) -> LambdaAuthorizer | None:
        """AWS_IAM is taken as NONE: the embedded AWS does not evaluate IAM, and says so."""
        kind = method.get("authorizationType") or "NONE"
        if kind in ("NONE", "AWS_IAM"):
            return None
        if kind != "CUSTOM":
            raise NotDeployable(f"the authorization type {kind} is not supported")
        authorizer_id = str(method.get("authorizerId"))
        found = self._authorizers.get(authorizer_id)
        if found is None:
            description = self._description.authorizers.get(authorizer_id)
            if description is None:
                raise NotDeployable(f"there is no authorizer '{authorizer_id}'")
            with _at(f"authorizer {description.get('name')}"):
                settings = authorizer_settings(description, self._variables)
            found = LambdaAuthorizer(settings, self._surroundings.invoker, self._surroundings.clock)
            self._authorizers[authorizer_id] = found
        return found

    # -- the integration

    def _integration(self, integration: Mapping[str, Any]) -> MappedIntegration | ProxyIntegration:
        kind = integration.get("type")
        timeout_ms = int(integration.get("timeoutInMillis") or DEFAULT_TIMEOUT_MS)
        if not 50 <= timeout_ms <= DEFAULT_TIMEOUT_MS:
            raise NotDeployable(f"timeoutInMillis must be 50 to {DEFAULT_TIMEOUT_MS}, not {timeout_ms}")
        uri = with_stage_variables(str(integration.get("uri") or ""), self._variables)
        around = self._surroundings
        if kind == "AWS_PROXY":
            proxied = parse_uri(uri)
            if not proxied.function:
                raise NotDeployable("AWS_PROXY integrations are supported for Lambda functions only")
            return ProxyIntegration(function_proxy(proxied, around.invoker, self._binary), timeout_ms / 1000)
        if kind not in ("AWS", "MOCK"):
            raise NotDeployable(f"integrations of type {kind} are not supported")
        backend: Backend = mock_backend
        selects_by_error = False
        if kind == "AWS":
            target = parse_uri(uri)
            selects_by_error = bool(target.function)
            backend = (
                function_backend(target, around.invoker)
                if target.function
                else action_backend(target, around.account_id, around.calls)
            )
        return MappedIntegration(
            backend=backend,
            timeout_s=timeout_ms / 1000,
            parameters=compile_mappings(integration.get("requestParameters"), "integration.request."),
            templates=_templates(integration.get("requestTemplates")),
            passthrough=str(integration.get("passthroughBehavior") or "WHEN_NO_MATCH"),
            content_handling=integration.get("contentHandling"),
            responses=tuple(
                _response(response) for response in (integration.get("integrationResponses") or {}).values()
            ),
            selects_by_error=selects_by_error,
        )


def _response(response: Mapping[str, Any]) -> ResponsePlan:
    pattern = response.get("selectionPattern")
    with _at(f"integration response {response.get('statusCode')}"):
        return ResponsePlan(
            status=int(response["statusCode"]),
            pattern=compile_regex(pattern) if pattern else None,
            headers=compile_mappings(response.get("responseParameters"), "method.response."),
            templates=_templates(response.get("responseTemplates")),
            content_handling=response.get("contentHandling"),
        )


def _templates(templates: Mapping[str, Any] | None) -> dict[str, Template | None]:
    """Templates by media type; an empty one passes the body through."""
    compiled: dict[str, Template | None] = {}
    for media_type, source in (templates or {}).items():
        with _at(f"template for {media_type}"):
            compiled[media_type.strip().lower()] = _template(source) if source else None
    return compiled


@lru_cache(maxsize=512)
def _template(source: str) -> Template:
    try:
        template = compile_template(source, unresolved="empty")
    except TemplateError as error:
        raise NotDeployable(str(error)) from None
    for call in template.calls:
        if call.variable == "input" and call.method in ("json", "path") and len(call.arguments) == 1:
            try:
                compile_path(call.arguments[0])
            except JsonPathError as error:
                where = f"(line {call.line}, column {call.column})"
                raise NotDeployable(f"{error} {where}") from None
    return template
