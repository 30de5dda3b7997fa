"""Lambda authorizers of an API that somebody else executes: LocalStack's free edition runs none.

Each request comes with the authorizer's description, so nothing has to be told of deployments. What an
authorizer has answered is kept as in a stage of ours, by API, stage, deployment and description.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import unquote

import orjson

from harness.emulator.services.apigateway.authorizer_settings import authorizer_settings
from harness.emulator.services.apigateway.authorizers import LambdaAuthorizer
from harness.emulator.services.apigateway.errors import GatewayError, NotDeployable
from harness.emulator.services.apigateway.exchange import Exchange, StageIdentity
from harness.emulator.services.apigateway.ids import new_ids
from harness.emulator.services.base import AwsError, AwsRequest, CallContext, FunctionInvoker
from harness.emulator.vtl import ReadOnlyMap
from harness.measure.meters import Meters

MAX_AUTHORIZERS = 1_000
"""Authorizers whose answers are kept; the least recently used go first."""


class Authorizing:
    """Answers whether a request may pass."""

    def __init__(self, meters: Meters, invoker: FunctionInvoker, clock: Callable[[], float]) -> None:
        self._meters = meters
        self._invoker = invoker
        self._clock = clock
        self._authorizers: OrderedDict[bytes, LambdaAuthorizer] = OrderedDict()

    async def answer(self, question: Mapping[str, Any]) -> dict[str, Any]:
        """`{"principalId", "context"}` when the request may pass, else `{"refusal", "message", "status"}`
        with the gateway response's type. Raises AwsError ValidationException when the question is none.

        `question` has `authorizer` (as GetAuthorizer gives it), `api` (id, name, stage, deployment,
        variables), `request` (method, path below the stage, query, headers, source_ip), `resource` (id,
        path), `parameters` of the path, `account`, `region`, and `request_id`."""
        try:
            exchange = self._exchange(question)
            authorizer = self._authorizer(question, exchange.stage)
        except NotDeployable as error:
            return {
                "refusal": "AUTHORIZER_CONFIGURATION_ERROR",
                "message": None,
                "status": 500,
                "why": str(error),
            }
        except (KeyError, TypeError, ValueError) as error:
            raise AwsError(
                "ValidationException", f"That is no question to an authorizer: {error!r}."
            ) from None
        try:
            key = authorizer.identity(exchange)
            opinion = authorizer.kept(key, exchange.now_s)
            unit = "authorizer_misses" if opinion is None else "authorizer_hits"
            self._meters.counter("apigateway", exchange.stage.api_name, unit).value += 1
            if opinion is None:
                opinion = await authorizer.ask(exchange, key)
            authorization = opinion.of(exchange.method_arn)
        except GatewayError as error:
            return {"refusal": error.kind.name, "message": error.message, "status": error.status}
        return {"principalId": authorization.principal_id, "context": dict(authorization.context)}

    async def start(self) -> None:
        """Nothing runs beside the questions."""

    async def reset(self) -> None:
        """Keep nothing any more."""
        self._authorizers.clear()

    async def close(self) -> None:
        """Nothing is left behind."""

    def _authorizer(self, question: Mapping[str, Any], stage: StageIdentity) -> LambdaAuthorizer:
        description = question["authorizer"]
        key = orjson.dumps(
            [stage.api_id, stage.stage, stage.deployment_id, description, dict(stage.variables)],
            option=orjson.OPT_SORT_KEYS,
        )
        found = self._authorizers.get(key)
        if found is None:
            settings = authorizer_settings(description, stage.variables)
            found = self._authorizers[key] = LambdaAuthorizer(settings, self._invoker, self._clock)
            if len(self._authorizers) > MAX_AUTHORIZERS:
                self._authorizers.popitem(last=False)
        self._authorizers.move_to_end(key)
        return found

    def _exchange(self, question: Mapping[str, Any]) -> Exchange:
        api, asked = question["api"], question["request"]
        request = AwsRequest(
            method=str(asked["method"]),
            path=str(asked["path"]),
            query=str(asked["query"]),
            headers={str(name).lower(): str(value) for name, value in asked["headers"].items()},
            body=b"",
            context=CallContext(
                region=str(question["region"]),
                account_id=str(question["account"]),
                request_id=str(question["request_id"]),
            ),
            source_ip=str(asked["source_ip"]),
        )
        stage = StageIdentity(
            api_id=str(api["id"]),
            api_name=str(api["name"]),
            stage=str(api["stage"]),
            deployment_id=str(api["deployment"]),
            variables=ReadOnlyMap(api["variables"]),
        )
        now_s = self._clock()
        ids = new_ids(now_s, request.context.request_id, request.headers.get("x-amzn-trace-id"))
        exchange = Exchange(stage, request.path, request, ids, now_s)
        resource_id, resource_path = question["resource"]
        parameters = {str(name): unquote(str(value)) for name, value in question["parameters"].items()}
        path = path_of(str(resource_path), parameters)
        exchange.routed((str(resource_id), str(resource_path)), parameters, path)
        return exchange


def path_of(resource_path: str, parameters: Mapping[str, str]) -> str:
    """The path that led to a resource, in the one spelling that policies name: however the client encoded it,
    a policy that names it cannot be evaded."""

    def given(segment: str) -> str:
        if segment.startswith("{") and segment.endswith("+}"):
            return parameters[segment[1:-2]]
        if segment.startswith("{") and segment.endswith("}"):
            return parameters[segment[1:-1]].replace("/", "%2F")
        return segment

    return "/".join(given(segment) for segment in resource_path.split("/"))
