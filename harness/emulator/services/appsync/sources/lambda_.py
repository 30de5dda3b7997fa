"""The data source AWS_LAMBDA: a function, invoked for one field or for a batch of the same field.

A resolver without a request handler gives the function the whole context; with `BatchInvoke`, or a
maxBatchSize on such a resolver, the runs of one field within one request go together, in order, and the
function answers a list of as many results.
docs: AppSync Developer Guide, Resolver mapping template reference for Lambda; Direct Lambda resolvers;
Configuring batching for Lambda resolvers (read 2026-11)
"""

from __future__ import annotations

import asyncio
from typing import Any

import orjson

from harness.emulator.services.appsync.resolvers.failures import SourceError, template_failure
from harness.emulator.services.appsync.resolvers.invocation import Invocation
from harness.emulator.services.appsync.sources.base import bad_operation, operation_of, optional
from harness.emulator.services.base import AwsError, FunctionInvoker, InvocationType

DEFAULT_BATCH = 5
"""docs: when the maxBatchSize of a BatchInvoke is not given, batches have five."""
MAX_RESPONSE_BYTES = 5 * 1024 * 1024
"""docs: AppSync endpoints and quotas, resolver response size (read 2026-11)"""


class LambdaSource:
    """One function."""

    kind = "AWS_LAMBDA"

    def __init__(self, invoker: FunctionInvoker, function_arn: str) -> None:
        self._invoker = invoker
        self._function = function_arn

    async def run(self, request: Any, call: Invocation, max_batch_size: int) -> Any:
        """As Source.run."""
        if request is None:
            payload = whole_context(call)
            if max_batch_size:
                return _unwrapped(await self._batched(payload, call, max_batch_size))
            return await self._invoke(payload, call)
        operation = operation_of(request)
        if operation == "Invoke":
            kind = optional(request, "invocationType", str) or "RequestResponse"
            if kind not in ("RequestResponse", "Event"):
                raise template_failure("Value for field '$[invocationType]' is not valid.")
            return await self._invoke(
                request.get("payload"), call, "Event" if kind == "Event" else "RequestResponse"
            )
        if operation == "BatchInvoke":
            return await self._batched(request.get("payload"), call, max_batch_size or DEFAULT_BATCH)
        raise bad_operation(self.kind, operation)

    async def _invoke(
        self, payload: Any, call: Invocation, invocation_type: InvocationType = "RequestResponse"
    ) -> Any:
        try:
            answer = await self._invoker.invoke(
                self._function,
                orjson.dumps(payload),
                invocation_type=invocation_type,
                source="appsync",
                context=call.request.calls,
            )
        except AwsError as error:
            raise SourceError(error.message, f"Lambda:{error.code}") from None
        if invocation_type == "Event":
            return None
        if len(answer.payload) > MAX_RESPONSE_BYTES:
            raise SourceError("The function's response is too large.", "Lambda:ResponseTooLarge")
        result = _parsed(answer.payload)
        if answer.function_error:
            message = result.get("errorMessage") if isinstance(result, dict) else None
            raise SourceError(str(message or "Unknown error"), f"Lambda:{answer.function_error}")
        return result

    async def _batched(self, payload: Any, call: Invocation, size: int) -> Any:
        key = id(self), id(call.field)
        batch = call.request.batches.get(key)
        if batch is None or batch.full:
            batch = _Batch(self, call, size)
            call.request.batches[key] = batch
        return await batch.add(payload)


class _Batch:
    """Payloads that go together: those that were added before the loop came round, `size` at most."""

    def __init__(self, source: LambdaSource, call: Invocation, size: int) -> None:
        self._source = source
        self._call = call
        self._size = size
        self._payloads: list[Any] = []
        self._waiting: list[asyncio.Future[Any]] = []
        self._task: asyncio.Task[None] | None = None
        self.full = False

    def add(self, payload: Any) -> asyncio.Future[Any]:
        """The result of this payload, in time."""
        loop = asyncio.get_running_loop()
        if not self._payloads:
            loop.call_soon(self._send)
        self._payloads.append(payload)
        future: asyncio.Future[Any] = loop.create_future()
        self._waiting.append(future)
        self.full = len(self._payloads) >= self._size
        return future

    def _send(self) -> None:
        self.full = True
        self._task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        try:
            results = await self._source._invoke(self._payloads, self._call)
            if not isinstance(results, list) or len(results) != len(self._waiting):
                count = len(results) if isinstance(results, list) else "no list of"
                raise SourceError(
                    f"The function answered {count} results for a batch of {len(self._waiting)}.",
                    "Lambda:BatchInvoke",
                )
        except SourceError as error:
            for future in self._waiting:
                if not future.done():
                    future.set_exception(SourceError(error.message, error.error_type))
            return
        for future, result in zip(self._waiting, results, strict=True):
            if not future.done():
                future.set_result(result)


def _unwrapped(result: Any) -> Any:
    """A result of a batch without a response handler: `{"data", "errorMessage", "errorType"}`."""
    if not isinstance(result, dict):
        return result
    if result.get("errorMessage") is not None:
        kind = result.get("errorType")
        message = str(result["errorMessage"])
        raise SourceError(message, str(kind) if kind is not None else "Lambda:Handled", result.get("data"))
    return result.get("data")


def _parsed(payload: bytes) -> Any:
    try:
        return orjson.loads(payload) if payload else None
    except orjson.JSONDecodeError:
        raise SourceError("The function's response is not valid JSON.", "Lambda:Unhandled") from None


def whole_context(call: Invocation) -> dict[str, Any]:
    """What a function is given when there is no request handler."""
    request = call.request
    return {
        "arguments": call.arguments,
        "identity": request.identity_map(),
        "source": call.source,
        "request": {"headers": dict(request.info.headers), "domainName": request.info.domain_name},
        "prev": {"result": call.previous} if call.in_pipeline else None,
        "info": call.info_map(),
        "stash": call.stash,
    }
