"""The GraphQL endpoint: HTTP requests in, AppSync's answers out.

Seen on AWS: github.com/graphql/graphql-over-http/issues/81 (read 2026-11): POST and GET; what cannot be read
is 400 with MalformedHttpRequestException; what does not validate is 200 with `errors`.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs

import orjson

from harness.aws.limits.token_bucket import TokenBucket
from harness.emulator.services.appsync.contract import (
    Authorizer,
    Operation,
    OperationRefused,
    RequestInfo,
    RequestRefused,
)
from harness.emulator.services.appsync.execution.executor import GraphQLExecutor
from harness.emulator.services.appsync.metering import ApiMeters
from harness.emulator.services.appsync.state import AllApis, Api
from harness.emulator.services.base import AwsRequest, AwsResponse

log = logging.getLogger(__name__)

MAX_BODY_BYTES = 10 * 1024 * 1024
"""Assumed: AWS documents the query's length in tokens, and no size of a whole request."""
_JSON = "application/json;charset=UTF-8"


class DataPlane:
    """Answers `POST` and `GET` on `/graphql` of an API."""

    def __init__(
        self,
        apis: AllApis,
        executor: GraphQLExecutor,
        authorizer: Authorizer,
        tokens: TokenBucket,
        meters: Callable[[Api], ApiMeters],
        clock: Callable[[], float],
    ) -> None:
        self._apis = apis
        self._executor = executor
        self._authorizer = authorizer
        self._tokens = tokens
        self._meters = meters
        self._clock = clock

    async def answer(self, api_id: str, request: AwsRequest) -> AwsResponse:
        """The answer to one request."""
        api = self._apis.find(api_id)
        if api is None:
            return refusal(RequestRefused("NotFoundException", f"GraphQL API {api_id} not found.", 404))
        meters = self._meters(api)
        started_s = time.perf_counter()
        try:
            answer = await self._answer(api, meters, request)
        except RequestRefused as refused:
            meters.refused(refused)
            answer = refusal(refused)
        except Exception as error:
            log.exception("A request to the API %s failed", api_id)
            failure = RequestRefused("InternalFailure", f"The embedded AWS failed: {error!r}", 500)
            meters.refused(failure)
            answer = refusal(failure)
        meters.latency_ms.value += (time.perf_counter() - started_s) * 1000
        answer.headers.setdefault("x-amzn-requestid", request.context.request_id)
        return answer

    async def _answer(self, api: Api, meters: ApiMeters, request: AwsRequest) -> AwsResponse:
        meters.received.value += 1
        meters.called(request.context.trace_id)
        if self._tokens.take(self._clock()) > 0:
            raise RequestRefused("TooManyRequestsException", "Rate exceeded", 429)
        operation: Operation | None = None
        unreadable: RequestRefused | None = None
        try:
            operation = read_operation(request)
        except RequestRefused as refused:
            unreadable = refused
        identity = await self._authorizer.authorize(
            api.auth,
            request.headers,
            method=request.method,
            path=request.path,
            body=request.body,
            now_s=self._clock(),
            operation=operation,
            source_ip=request.source_ip,
            request_id=request.context.request_id,
        )
        if operation is None:
            raise unreadable or RequestRefused("InternalFailure", "The request was not read.", 500)
        info = RequestInfo(request.headers, request.source_ip, request.context.request_id)
        meters.requests.value += 1
        meters.tokens.value += 1
        try:
            outcome = await self._executor.execute(api, identity, operation, info)
        except OperationRefused as refused:
            meters.client_errors.value += 1
            return _answered({"data": None, "errors": list(refused.errors)}, {})
        meters.resolvers.value += outcome.resolvers
        meters.graphql_errors.value += "errors" in outcome.body
        return _answered(outcome.body, outcome.headers)


def read_operation(request: AwsRequest) -> Operation:
    """The operation in a request's body, or in the query of a GET. Raises RequestRefused (400)."""
    if request.method == "GET":
        given: Any = {name: values[0] for name, values in parse_qs(request.query).items()}
        if "variables" in given:
            given["variables"] = _json(given["variables"].encode())
    elif request.method != "POST":
        raise _malformed(f"Unsupported method {request.method}.")
    elif not request.body:
        raise _malformed("Request body is empty.")
    elif len(request.body) > MAX_BODY_BYTES:
        raise RequestRefused("RequestEntityTooLargeException", "The request is too large.", 413)
    else:
        given = _json(request.body)
    query = given.get("query") if isinstance(given, dict) else None
    if not isinstance(query, str) or not query.strip():
        raise _unparsed()
    variables = given.get("variables")
    name = given.get("operationName")
    if not isinstance(variables, dict | None) or not isinstance(name, str | None):
        raise _unparsed()
    return Operation(query, variables or {}, name or None)


def _json(text: bytes) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        raise _unparsed() from None


def _malformed(message: str) -> RequestRefused:
    return RequestRefused("MalformedHttpRequestException", message, 400)


def _unparsed() -> RequestRefused:
    return _malformed("Unable to parse GraphQL query.")


def refusal(refused: RequestRefused) -> AwsResponse:
    """A refused request's answer."""
    body = {"errors": [{"errorType": refused.error_type, "message": refused.message}]}
    return AwsResponse(
        refused.status,
        orjson.dumps(body),
        {"content-type": _JSON, "x-amzn-errortype": refused.error_type},
    )


def _answered(body: dict[str, Any], headers: Any) -> AwsResponse:
    return AwsResponse(
        200, orjson.dumps(body), {**headers, "content-type": _JSON, "x-amzn-appsync-tokensconsumed": "1"}
    )
