"""The embedded Lambda as a service: its parts put together, and its API over HTTP and in-process."""

from __future__ import annotations

import asyncio
import base64
import logging
import secrets
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from urllib.parse import parse_qs

import orjson

from harness.aws.limits.profiles import Limits
from harness.emulator.services.base import (
    AwsCalls,
    AwsError,
    AwsRequest,
    AwsResponse,
    CallContext,
    InvocationResult,
    InvocationType,
    LogSink,
)
from harness.emulator.services.credentials import AccessKeys
from harness.emulator.services.lambda_.asynchronous.dispatcher import AsyncInvocations
from harness.emulator.services.lambda_.environments.environment import Surroundings
from harness.emulator.services.lambda_.environments.placement import Bounds
from harness.emulator.services.lambda_.environments.pool import EnvironmentPool
from harness.emulator.services.lambda_.environments.sandbox import DEFAULT_CLIENT
from harness.emulator.services.lambda_.errors import (
    bad_content,
    invalid,
    not_offered,
    too_large,
    too_many_requests,
    validation,
)
from harness.emulator.services.lambda_.function_operations import FunctionOperations
from harness.emulator.services.lambda_.functions import Function, Functions
from harness.emulator.services.lambda_.invocation import Call, Completed, Runner, new_request_id
from harness.emulator.services.lambda_.leases import Leases
from harness.emulator.services.lambda_.mappings.manager import Mappings
from harness.emulator.services.lambda_.mappings.operations import MappingOperations
from harness.emulator.services.lambda_.members import Members
from harness.emulator.services.lambda_.names import LATEST, only_latest, parse_function
from harness.emulator.services.lambda_.operations import Operation
from harness.emulator.services.lambda_.routing import match
from harness.emulator.services.lambda_.setting_operations import SettingOperations
from harness.measure.meters import Gauge, Meters
from harness.measure.observation import Invocation

MAX_SYNCHRONOUS_PAYLOAD_BYTES = 6 * 1024 * 1024
MAX_ASYNCHRONOUS_PAYLOAD_BYTES = 1024 * 1024
"""docs: Lambda quotas, invocation payload (read 2026)."""
REAP_EVERY_S = 10.0
LARGE_BODY_BYTES = 256 * 1024
_log = logging.getLogger(__name__)
_INVOCATION_TYPES: Mapping[str, InvocationType] = {
    "RequestResponse": "RequestResponse",
    "Event": "Event",
    "DryRun": "DryRun",
}


class LambdaService:
    """Lambda: a `Service` and the `FunctionInvoker`.

    `function_environment` gives the variables that every environment gets beside AWS's own (the endpoints of
    this AWS); `access_keys` issues each environment its credentials. `async_retry_delay_scale` multiplies
    AWS's minutes between asynchronous retries for local runs;
    `process_bounds` and `runtime_client` are the machine's own when they are None."""

    name = "lambda"

    def __init__(
        self,
        *,
        meters: Meters,
        limits: Limits,
        calls: AwsCalls,
        data_dir: Path,
        function_environment: Callable[[], Mapping[str, str]],
        logs: LogSink,
        access_keys: AccessKeys | None = None,
        clock: Callable[[], float] = time.time,
        async_retry_delay_scale: float = 1.0,
        process_bounds: Bounds | None = None,
        runtime_client: str = DEFAULT_CLIENT,
    ) -> None:
        self._limits = limits
        self._meters = meters
        self._clock = clock
        self._data_dir = data_dir
        self._functions = Functions()
        keys = access_keys or AccessKeys(secrets.token_hex(32))
        self._surroundings = Surroundings(logs, function_environment, keys, clock, runtime_client)
        self._process_bounds = process_bounds
        self._calls = calls
        self._retry_delay_scale = async_retry_delay_scale
        self._reaper: asyncio.Task[None] | None = None
        self._running: set[asyncio.Task[Completed]] = set()
        self._build()
        meters.watch(self._gauges)

    def _build(self) -> None:
        """The parts that a reset makes anew."""
        self._leases = Leases(self._limits)
        self._pool = EnvironmentPool(self._surroundings, self._process_bounds)
        self._runner = Runner(self._leases, self._pool, self._meters, self._clock)
        self._async = AsyncInvocations(
            self._functions, self._runner, self._calls, self._meters, self._clock, self._retry_delay_scale
        )
        self._mappings = Mappings(
            self._functions, self._runner, self._async.destinations, self._meters, self._clock
        )
        self._operations: Mapping[str, Operation] = {
            **FunctionOperations(
                self._functions, self._leases, self._pool, self._data_dir, self._clock
            ).operations(),
            **SettingOperations(self._functions, self._leases, self._limits, self._clock).operations(),
            **MappingOperations(
                self._functions, self._mappings, self._calls, self._meters, self._limits
            ).operations(),
        }

    async def start(self) -> None:
        """Begin to reap idle environments and to work off asynchronous invocations."""
        self._async.start()
        self._reaper = asyncio.get_running_loop().create_task(self._reap())

    async def _reap(self) -> None:
        while True:
            await asyncio.sleep(REAP_EVERY_S)
            self._pool.reap()

    async def reset(self) -> None:
        """Forget all functions, mappings and queued events; end all environments."""
        await self._stop()
        self._functions.clear()
        self._build()
        self._async.start()

    async def close(self) -> None:
        """End all environments and loops."""
        if self._reaper is not None:
            self._reaper.cancel()
            self._reaper = None
        running = list(self._running)
        for invocation in running:
            invocation.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        await self._stop()

    async def _stop(self) -> None:
        await self._mappings.close()
        await self._async.close()
        for function in self._functions:
            if function.preparing is not None:
                function.preparing.cancel()
        await self._pool.close()

    def take_invocations(self) -> list[Invocation]:
        """The invocations since the last take; each is given once."""
        return self._runner.records.take()

    @property
    def invocations_lost(self) -> int:
        """How many were dropped because nobody took them in time."""
        return self._runner.records.lost

    def _gauges(self) -> Iterable[Gauge]:
        for function in self._functions:
            yield Gauge("lambda", function.name, "concurrent_executions", self._leases.running(function.arn))
            yield Gauge("lambda", function.name, "environments", self._pool.environments(function.arn))
            yield Gauge("lambda", function.name, "async_backlog", self._async.backlog(function.arn))
        yield from self._mappings.gauges()

    async def handle(self, request: AwsRequest) -> AwsResponse:
        """Answer a request of the REST API."""
        request_id = request.context.request_id or new_request_id()
        try:
            response = await self._route(request, request_id)
        except AwsError as error:
            response = _error_response(error)
        except Exception:
            _log.exception("Lambda failed at %s %s.", request.method, request.path)
            failure = "The embedded Lambda failed; its log says why."
            response = _error_response(AwsError("ServiceException", failure, 500, {"Type": "Service"}))
        response.headers.setdefault("x-amzn-requestid", request_id)
        return response

    async def _route(self, request: AwsRequest, request_id: str) -> AwsResponse:
        found = match(request.method, request.path)
        if found is None:
            raise AwsError(
                "UnknownOperationException", f"Lambda has no {request.method} {request.path}.", 404
            )
        if found.operation == "Invoke":
            return await self._invoke_over_http(request, found.members["FunctionName"], request_id)
        if found.status is None:
            raise not_offered(found.operation)
        body = await _parse(request.body)
        query = {name: values[-1] for name, values in parse_qs(request.query).items()}
        if found.operation == "UntagResource":
            body["TagKeys"] = parse_qs(request.query).get("tagKeys", [])
        members = Members({**query, **body, **found.members})
        answer = await self._operations[found.operation](members, request.context)
        if answer is None:
            return AwsResponse(found.status)
        return AwsResponse(found.status, orjson.dumps(answer), {"content-type": "application/json"})

    async def call(self, operation: str, body: bytes, context: CallContext) -> bytes:
        """An operation of the control plane in-process: its members as one JSON object. Raises AwsError.
        Invoke is `invoke`, as its payload is no member of a JSON object."""
        found = self._operations.get(operation)
        if found is None:
            raise not_offered(operation)
        answer = await found(Members(await _parse(body)), context)
        return b"" if answer is None else orjson.dumps(answer)

    async def _invoke_over_http(self, request: AwsRequest, function: str, request_id: str) -> AwsResponse:
        kind = request.headers.get("x-amz-invocation-type", "RequestResponse")
        invocation_type = _INVOCATION_TYPES.get(kind)
        if invocation_type is None:
            raise validation(kind, "invocationType", f"satisfy enum value set: {sorted(_INVOCATION_TYPES)}")
        qualifier = parse_qs(request.query).get("Qualifier", [None])[-1]
        only_latest(parse_function(function, request.context), qualifier)
        result = await self._invoke(
            self._functions.get(function, request.context),
            request.body,
            invocation_type,
            "api",
            request.context,
            _client_context(request.headers.get("x-amz-client-context")),
        )
        headers = {"x-amzn-requestid": result.request_id or request_id, "content-type": "application/json"}
        if invocation_type == "RequestResponse":
            headers["x-amz-executed-version"] = result.executed_version
            if result.function_error is not None:
                headers["x-amz-function-error"] = result.function_error
            if request.headers.get("x-amz-log-type") == "Tail":
                headers["x-amz-log-result"] = base64.b64encode(result.log_tail).decode()
        return AwsResponse(result.status, result.payload, headers)

    async def invoke(
        self,
        function: str,
        payload: bytes,
        *,
        invocation_type: InvocationType = "RequestResponse",
        source: str = "api",
        context: CallContext,
    ) -> InvocationResult:
        """Invoke `function` (name, partial ARN or ARN). Raises AwsError: ResourceNotFoundException (404),
        TooManyRequestsException (429), RequestTooLargeException (413), InvalidRequestContentException."""
        reference = parse_function(function, context)
        only_latest(reference, None)
        return await self._invoke(
            self._functions.get(reference.arn, context), payload, invocation_type, source, context, None
        )

    async def _invoke(
        self,
        function: Function,
        payload: bytes,
        invocation_type: InvocationType,
        source: str,
        context: CallContext,
        client_context: str | None,
    ) -> InvocationResult:
        # Who waits, waits as long as the function runs: a call of another kind to whoever models its time.
        waits = invocation_type == "RequestResponse"
        operation = "Invoke:RequestResponse" if waits else "Invoke"
        self._meters.call(context.trace_id, "lambda", operation, function.name)
        payload = _checked(payload, invocation_type)
        request_id = new_request_id()
        if invocation_type == "DryRun":
            return InvocationResult(204, b"", None, request_id)
        if invocation_type == "Event":
            if not self._async.add(function, payload, request_id, "async" if source == "api" else source):
                raise too_many_requests("CallerRateLimitExceeded")
            return InvocationResult(202, b"", None, request_id)
        try:
            with self._runner.waiting(context.trace_id) as nested:
                call = Call(
                    payload,
                    request_id,
                    source,
                    synchronous=True,
                    client_context=client_context,
                    nested=nested,
                )
                done = await self._run(function, call)
        except AwsError as error:
            if error.status == 429:
                self._meters.counter("lambda", function.name, "throttles").value += 1
            raise
        return InvocationResult(200, done.payload, done.function_error, request_id, done.log_tail, LATEST)

    async def _run(self, function: Function, call: Call) -> Completed:
        """Run `call`. A caller who stops waiting (an integration's timeout) takes back what still waits for
        an environment; what has begun goes on to its end, is measured and metered, as on AWS."""
        runner = self._runner
        running = asyncio.get_running_loop().create_task(runner.run(function, call))
        self._running.add(running)
        running.add_done_callback(self._ended)
        try:
            return await asyncio.shield(running)
        except asyncio.CancelledError:
            if call.request_id not in runner.begun:
                running.cancel()
            raise

    def _ended(self, running: asyncio.Task[Completed]) -> None:
        self._running.discard(running)
        if not running.cancelled():
            running.exception()  # whoever waited has it; if nobody did, it is no error of the loop


def _checked(payload: bytes, invocation_type: InvocationType) -> bytes:
    """The payload that the function gets: JSON, within the limit; nothing is an empty object."""
    limit = MAX_ASYNCHRONOUS_PAYLOAD_BYTES if invocation_type == "Event" else MAX_SYNCHRONOUS_PAYLOAD_BYTES
    if len(payload) > limit:
        raise too_large(len(payload), limit)
    if not payload:
        return b"{}"
    try:
        orjson.loads(payload)
    except orjson.JSONDecodeError as error:
        raise bad_content(f"Could not parse request body into json: {error}") from None
    return payload


def _client_context(header: str | None) -> str | None:
    if header is None:
        return None
    try:
        return base64.b64decode(header, validate=True).decode()
    except ValueError:
        raise bad_content("Client context must be a valid Base64-encoded JSON object.") from None


async def _parse(body: bytes) -> dict[str, object]:
    """The members that a body carries; a large one (a package) is parsed off the loop."""
    if not body:
        return {}
    try:
        parsed = (
            await asyncio.to_thread(orjson.loads, body)
            if len(body) > LARGE_BODY_BYTES
            else orjson.loads(body)
        )
    except orjson.JSONDecodeError as error:
        raise bad_content(f"Could not parse request body into json: {error}") from None
    if not isinstance(parsed, dict):
        raise invalid("The request body must be a JSON object.")
    return parsed


def _error_response(error: AwsError) -> AwsResponse:
    """rest-json: the name of the error in a header, `message` and its other members in the body."""
    name = "message" if error.code == "ValidationException" else "Message"
    body = orjson.dumps(
        {**error.fields, name: error.message, **({"message": error.message} if error.fields else {})}
    )
    return AwsResponse(
        error.status, body, {"content-type": "application/json", "x-amzn-errortype": error.code}
    )
