"""AppSync: the service that the embedded AWS hosts, put together of its halves."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qs

import orjson

from harness.aws.limits.profiles import Limits
from harness.aws.limits.token_bucket import TokenBucket
from harness.emulator.services.appsync.contract import Authorizer, Executor
from harness.emulator.services.appsync.control.apis import ApiOperations
from harness.emulator.services.appsync.control.data_sources import DataSourceOperations
from harness.emulator.services.appsync.control.evaluation import EvaluationOperations
from harness.emulator.services.appsync.control.handlers import make_handlers
from harness.emulator.services.appsync.control.keys import KeyOperations
from harness.emulator.services.appsync.control.members import Members
from harness.emulator.services.appsync.control.operations import Operation
from harness.emulator.services.appsync.control.resolver_configs import ResolverOperations
from harness.emulator.services.appsync.control.routing import match
from harness.emulator.services.appsync.control.schemas import RAW, SchemaOperations
from harness.emulator.services.appsync.data_plane import DataPlane
from harness.emulator.services.appsync.errors import bad_request, operation_not_offered
from harness.emulator.services.appsync.execution.executor import GraphQLExecutor
from harness.emulator.services.appsync.metering import SERVICE, ApiMeters
from harness.emulator.services.appsync.model import ApiAuth
from harness.emulator.services.appsync.realtime import RealTime
from harness.emulator.services.appsync.sources.factory import Sources
from harness.emulator.services.appsync.state import AllApis, Api
from harness.emulator.services.base import AwsError, AwsRequest, AwsResponse, CallContext
from harness.emulator.services.json_protocol import new_request_id
from harness.measure.meters import Meters

_ENDPOINT = re.compile(r"/graphql/([^/]+)/?")


class AppSyncService:
    """`endpoint` is the address that clients know. `make_realtime` makes the real-time half of this service,
    which is `Apis` to it and has an `executor`."""

    name = "appsync"

    def __init__(
        self,
        *,
        meters: Meters,
        limits: Limits,
        sources: Sources,
        authorizer: Authorizer,
        make_realtime: Callable[[AppSyncService], RealTime],
        endpoint: str,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._meters = meters
        self._limits = limits
        self._clock = clock
        self._apis = AllApis()
        self._by_api: dict[str, ApiMeters] = {}
        self._control_requests = meters.counter(SERVICE, "", "requests")
        self._sources = sources
        self._authorizer = authorizer
        self._executor = GraphQLExecutor(self._apis, clock)
        self.realtime = self._executor.subscriptions = make_realtime(self)
        rate = limits.appsync_request_tokens_per_s
        self._data = DataPlane(
            self._apis, self._executor, authorizer, TokenBucket(rate, rate, clock()), self._meters_of, clock
        )
        parts = (
            ApiOperations(self._apis, endpoint, self._deleted),
            KeyOperations(self._apis, clock),
            SchemaOperations(self._apis),
            DataSourceOperations(self._apis, sources),
            ResolverOperations(self._apis, make_handlers),
            EvaluationOperations(clock),
        )
        self._operations: dict[str, Operation] = {}
        for part in parts:
            self._operations.update(part.operations())

    # -- for the other half

    @property
    def executor(self) -> Executor:
        """GraphQL execution."""
        return self._executor

    def auth(self, api_id: str) -> ApiAuth | None:
        """As contract.Apis.auth."""
        api = self._apis.find(api_id)
        return api.auth if api else None

    # -- requests

    async def execute(self, api_id: str, request: AwsRequest) -> AwsResponse:
        """Answer a request to an API's GraphQL endpoint."""
        return await self._data.answer(api_id, request)

    async def handle(self, request: AwsRequest) -> AwsResponse:
        """Answer a request of the control plane, or to `/graphql/{apiId}`."""
        endpoint = _ENDPOINT.fullmatch(request.path)
        if endpoint:
            return await self.execute(endpoint[1], request)
        self._control_requests.value += 1
        try:
            body = self._answer(request)
        except AwsError as error:
            return _error(error, request)
        if RAW in body:
            return _answer(body[RAW], request)
        return _answer(orjson.dumps(body), request)

    def _answer(self, request: AwsRequest) -> dict[str, Any]:
        found = match(request.method, request.path)
        if found is None:
            raise AwsError(
                "UnknownOperationException", f"AppSync has nothing at {request.method} {request.path}.", 404
            )
        if not found.offered:
            raise operation_not_offered(found.operation)
        members = Members({**_query(request.query), **_body(request.body), **found.members})
        return self._operations[found.operation](members, request.context)

    async def call(self, operation: str, body: bytes, context: CallContext) -> bytes:  # noqa: ARG002
        """AppSync has no JSON protocol. Raises AwsError UnknownOperationException."""
        raise AwsError("UnknownOperationException", f"AppSync has no operation {operation} in JSON.")

    # -- life

    async def start(self) -> None:
        """Begin to keep connections alive."""
        await self.realtime.start()

    async def reset(self) -> None:
        """Forget every API."""
        for api_id in self._apis.clear():
            self._deleted(api_id)
        self.realtime.reset()
        self._authorizer.reset()

    async def close(self) -> None:
        """End all connections."""
        await self.realtime.close()
        await self._sources.close()

    def _deleted(self, api_id: str) -> None:
        self._executor.forget(api_id)
        self._by_api.pop(api_id, None)
        self.realtime.drop_api(api_id)

    def _meters_of(self, api: Api) -> ApiMeters:
        found = self._by_api.get(api.api_id)
        if found is None:
            found = self._by_api[api.api_id] = ApiMeters(self._meters, str(api.settings["name"]))
        return found


def _query(query: str) -> dict[str, Any]:
    """The members in the query; `tagKeys` is the one that is a list."""
    return {
        name: values if name == "tagKeys" else values[0]
        for name, values in parse_qs(query, keep_blank_values=True).items()
    }


def _body(body: bytes) -> Mapping[str, Any]:
    if not body:
        return {}
    try:
        parsed = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise bad_request(f"The request body is not valid JSON: {error}.") from None
    if not isinstance(parsed, dict):
        raise bad_request("The request body must be a JSON object.")
    return parsed


def _answer(body: bytes, request: AwsRequest) -> AwsResponse:
    headers = {"content-type": "application/json", "x-amzn-requestid": _request_id(request)}
    return AwsResponse(200, body, headers)


def _error(error: AwsError, request: AwsRequest) -> AwsResponse:
    headers = {
        "content-type": "application/json",
        "x-amzn-requestid": _request_id(request),
        "x-amzn-errortype": error.code,
    }
    return AwsResponse(error.status, orjson.dumps({"message": error.message, **error.fields}), headers)


def _request_id(request: AwsRequest) -> str:
    return request.context.request_id or new_request_id()
