"""The control plane's requests on their way: forwarded, mended where the answer would be wrong, and noticed.

What is mended is what moto 5.2 does otherwise than AWS, seen from its HTTP answers alone:

* CreateRestApi answers 200 (AWS: 201) and drops `binaryMediaTypes`; UpdateRestApi expects their values in
  `value`, where AWS takes them from the path; DeleteRestApi answers 200 (AWS: 202).
* CreateAuthorizer drops `identityValidationExpression`.
* CreateDeployment for a stage that exists replaces the stage, with its settings and variables.
* PutIntegration leaves out AWS's defaults, and takes AWS integrations without a role.
* UpdateStage of any method setting makes up a throttle of 1,000 requests a second.
* FlushStageAuthorizersCache is not there.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any, Protocol
from urllib.parse import unquote

import orjson

from harness.emulator.services.apigateway.description import (
    ControlClient,
    Description,
    Forward,
    Json,
    parse_answer,
)
from harness.emulator.services.apigateway.errors import NotDeployable
from harness.emulator.services.base import AwsError, AwsRequest, AwsResponse, CallContext

_BINARY_TYPE = "/binaryMediaTypes/"
_THROTTLE_KEYS = ("throttling/rateLimit", "throttling/burstLimit")
_LAMBDA_URI = re.compile(r"arn:aws[a-z-]*:apigateway:[a-z0-9-]+:lambda:path/")


class Deployments(Protocol):
    """Who is told of deployments."""

    def check(self, description: Description, stage: Mapping[str, Any], context: CallContext) -> None:
        """Raises NotDeployable when `description` cannot be executed."""

    def deployed(self, deployment_id: str, description: Description) -> None:
        """A deployment was made."""

    async def stage_changed(
        self, api_id: str, stage: Mapping[str, Any], client: ControlClient, context: CallContext
    ) -> None:
        """A stage was made or changed."""

    def stage_deleted(self, api_id: str, stage: str) -> None:
        """A stage is gone."""

    def deployment_deleted(self, api_id: str, deployment_id: str) -> None:
        """A deployment is gone."""

    def api_deleted(self, api_id: str) -> None:
        """An API is gone."""

    def flush_authorizers(self, api_id: str, stage: str) -> bool:
        """Forget a stage's authorizer results. False when there is no such stage."""


Handler = Callable[["ControlPlane", AwsRequest, tuple[str, ...]], Awaitable[AwsResponse]]


class ControlPlane:
    """`handle(request)` answers a request of the control plane. Never raises AwsError."""

    def __init__(self, forward: Forward, deployments: Deployments) -> None:
        self._forward = forward
        self._deployments = deployments

    async def handle(self, request: AwsRequest) -> AwsResponse:
        """Forward `request`, with what belongs around it."""
        for method, pattern, handler in _ROUTES:
            found = pattern.fullmatch(request.path) if request.method == method else None
            if found:
                try:
                    return await handler(self, request, tuple(unquote(part) for part in found.groups()))
                except NotDeployable as error:
                    return _bad_request(f"The API cannot be deployed here: {error}")
                except AwsError as error:
                    return _error(error)
        return await self._forward(request)

    async def _create_api(self, request: AwsRequest, _: tuple[str, ...]) -> AwsResponse:
        response = await self._forward(request)
        if response.status >= 300:
            return response
        types = parse_answer(request.body).get("binaryMediaTypes") or []
        if types and "mode=import" not in request.query:
            path = f"/restapis/{parse_answer(response.body)['id']}"
            operations = [{"op": "add", "path": "/binaryMediaTypes", "value": kind} for kind in types]
            patched = await self._client(request).send("PATCH", path, {"patchOperations": operations})
            response = replace(response, body=patched.body)
        return replace(response, status=201)

    async def _update_api(self, request: AwsRequest, _: tuple[str, ...]) -> AwsResponse:
        body = parse_answer(request.body)
        for operation in body.get("patchOperations") or []:
            path = str(operation.get("path", ""))
            if path.startswith(_BINARY_TYPE):
                operation["value"] = path.removeprefix(_BINARY_TYPE).replace("~1", "/").replace("~0", "~")
                operation["path"] = "/binaryMediaTypes"
        return await self._forward(_with_body(request, body))

    async def _delete_api(self, request: AwsRequest, names: tuple[str, ...]) -> AwsResponse:
        response = await self._forward(request)
        if response.status < 300:
            self._deployments.api_deleted(names[0])
            response = AwsResponse(202, b"", {"content-type": "application/json"})
        return response

    async def _create_authorizer(self, request: AwsRequest, names: tuple[str, ...]) -> AwsResponse:
        response = await self._forward(request)
        expression = parse_answer(request.body).get("identityValidationExpression")
        if response.status >= 300 or not expression:
            return response
        path = f"/restapis/{names[0]}/authorizers/{parse_answer(response.body)['id']}"
        operation = {"op": "replace", "path": "/identityValidationExpression", "value": expression}
        patched = await self._client(request).send("PATCH", path, {"patchOperations": [operation]})
        return replace(response, body=patched.body)

    async def _put_integration(self, request: AwsRequest, names: tuple[str, ...]) -> AwsResponse:
        body = parse_answer(request.body)
        needs_role = body.get("type") == "AWS" and not _LAMBDA_URI.match(str(body.get("uri")))
        if needs_role and not body.get("credentials"):
            return _bad_request("Role ARN must be specified for AWS integrations")
        defaults = {
            "passthroughBehavior": "WHEN_NO_MATCH",
            "timeoutInMillis": 29_000,
            "cacheNamespace": names[1],
        }
        return await self._forward(_with_body(request, {**defaults, **body}))

    async def _create_deployment(self, request: AwsRequest, names: tuple[str, ...]) -> AwsResponse:
        api_id, body, client = names[0], parse_answer(request.body), self._client(request)
        description = await client.describe(api_id)
        draft = {"stageName": body.get("stageName"), "variables": body.get("variables")}
        self._deployments.check(description, draft, request.context)
        stage_name = body.pop("stageName", None)
        existing = await self._existing_stage(client, api_id, stage_name)
        response = await self._forward(_with_body(request, body) if existing else request)
        if response.status >= 300:
            return response
        deployment_id = str(parse_answer(response.body)["id"])
        self._deployments.deployed(deployment_id, description)
        if stage_name:
            if existing:
                await self._redeploy(client, api_id, stage_name, deployment_id, body.get("variables") or {})
            stage = await client.stage(api_id, stage_name)
            await self._deployments.stage_changed(api_id, stage, client, request.context)
        return response

    async def _existing_stage(self, client: ControlClient, api_id: str, name: object) -> bool:
        if not isinstance(name, str):
            return False
        try:
            await client.stage(api_id, name)
        except AwsError as error:
            if error.status != 404:
                raise
            return False
        return True

    async def _redeploy(
        self,
        client: ControlClient,
        api_id: str,
        stage: str,
        deployment_id: str,
        variables: Mapping[str, str],
    ) -> None:
        operations = [{"op": "replace", "path": "/deploymentId", "value": deployment_id}]
        operations += [
            {"op": "replace", "path": f"/variables/{name}", "value": value}
            for name, value in variables.items()
        ]
        await client.send("PATCH", f"/restapis/{api_id}/stages/{stage}", {"patchOperations": operations})

    async def _delete_deployment(self, request: AwsRequest, names: tuple[str, ...]) -> AwsResponse:
        response = await self._forward(request)
        if response.status < 300:
            self._deployments.deployment_deleted(*names)
        return response

    async def _create_stage(self, request: AwsRequest, names: tuple[str, ...]) -> AwsResponse:
        body = parse_answer(request.body)
        if body.get("cacheClusterEnabled"):
            raise NotDeployable("response caching is not supported")
        if body.get("canarySettings"):
            raise NotDeployable("canary releases are not supported")
        return await self._stage_answer(request, names[0])

    async def _update_stage(self, request: AwsRequest, names: tuple[str, ...]) -> AwsResponse:
        client = self._client(request)
        stage = await client.stage(*names)
        body = parse_answer(request.body)
        operations = list(body.get("patchOperations") or [])
        if any(_turns_on_caching(operation) for operation in operations):
            raise NotDeployable("response caching is not supported")
        body["patchOperations"] = _without_made_up_throttles(operations, stage.get("methodSettings") or {})
        return await self._stage_answer(_with_body(request, body), names[0])

    async def _stage_answer(self, request: AwsRequest, api_id: str) -> AwsResponse:
        response = await self._forward(request)
        if response.status < 300:
            stage = parse_answer(response.body)
            await self._deployments.stage_changed(api_id, stage, self._client(request), request.context)
        return response

    async def _delete_stage(self, request: AwsRequest, names: tuple[str, ...]) -> AwsResponse:
        response = await self._forward(request)
        if response.status < 300:
            self._deployments.stage_deleted(*names)
        return response

    async def _flush_authorizers(self, request: AwsRequest, names: tuple[str, ...]) -> AwsResponse:
        if not self._deployments.flush_authorizers(*names):
            await self._client(request).stage(*names)
        return AwsResponse(202, b"", {"content-type": "application/json"})

    def _client(self, request: AwsRequest) -> ControlClient:
        return ControlClient(self._forward, request)


def _turns_on_caching(operation: Json) -> bool:
    path = str(operation.get("path", ""))
    on = str(operation.get("value")).lower() == "true"
    return on and path.endswith(("/caching/enabled", "/cacheClusterEnabled"))


def _without_made_up_throttles(operations: list[Json], settings: Mapping[str, Any]) -> list[Json]:
    """The operations, and before them, for a method that gets its first setting, that it has no throttle."""
    first: dict[str, None] = {}
    for operation in operations:
        parts = str(operation.get("path", "")).split("/", 3)
        if len(parts) == 4 and operation.get("op") == "replace" and "/".join(parts[1:3]) not in settings:
            first["/".join(parts[1:3])] = None
    none = [
        {"op": "replace", "path": f"/{method}/{key}", "value": "-1"}
        for method in first
        for key in _THROTTLE_KEYS
    ]
    return none + operations


def _with_body(request: AwsRequest, body: Json) -> AwsRequest:
    content = orjson.dumps(body)
    headers = {**request.headers, "content-length": str(len(content))}
    return replace(request, body=content, headers=headers)


def _bad_request(message: str) -> AwsResponse:
    return _error(AwsError("BadRequestException", message, 400))


def _error(error: AwsError) -> AwsResponse:
    return AwsResponse(
        error.status,
        orjson.dumps({"message": error.message}),
        {"content-type": "application/json", "x-amzn-errortype": error.code},
    )


_API = r"/restapis/([^/]+)"
_INTEGRATION = _API + r"/resources/([^/]+)/methods/([^/]+)/integration"
_ROUTES: tuple[tuple[str, re.Pattern[str], Handler], ...] = tuple(
    (method, re.compile(pattern + "/?"), handler)
    for method, pattern, handler in (
        ("POST", "/restapis", ControlPlane._create_api),
        ("PATCH", _API, ControlPlane._update_api),
        ("DELETE", _API, ControlPlane._delete_api),
        ("POST", _API + "/authorizers", ControlPlane._create_authorizer),
        ("PUT", _INTEGRATION, ControlPlane._put_integration),
        ("POST", _API + "/deployments", ControlPlane._create_deployment),
        ("DELETE", _API + "/deployments/([^/]+)", ControlPlane._delete_deployment),
        ("POST", _API + "/stages", ControlPlane._create_stage),
        ("PATCH", _API + "/stages/([^/]+)", ControlPlane._update_stage),
        ("DELETE", _API + "/stages/([^/]+)", ControlPlane._delete_stage),
        ("DELETE", _API + "/stages/([^/]+)/cache/authorizers", ControlPlane._flush_authorizers),
    )
)
