"""The Lambda Runtime API as one environment sees it: a loopback port that is its own.

A web page can reach any local port, so requests for another Host are refused, and those with a header that
only browsers send (what asks for an image names no Origin), or only SNS, which posts where it is subscribed.

docs: Using the Lambda runtime API for custom runtimes (read 2026)
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import orjson
from aiohttp import web

API = "/2018-06-01/runtime"
MAX_RESPONSE_BYTES = 6 * 1024 * 1024 + 100
"""docs: Lambda quotas, 6 MB; the platform's own message says 6291556 bytes."""
RESPONSE_TOO_LARGE = "Function.ResponseSizeTooLarge"
SHUTDOWN_S = 0.05
"""For connections that outlive their process; aiohttp takes 0 for no limit."""
_OF_OTHERS = frozenset({"origin", "referer", "sec-fetch-site", "x-amz-sns-message-type"})
MAX_HEADER_BYTES = 2 * 1024 * 1024  # a runtime may put a stack trace of up to 1 MiB into a header


@dataclass(frozen=True, slots=True)
class Work:
    """An invocation as the runtime gets it."""

    request_id: str
    payload: bytes
    function_arn: str
    deadline_ms: int
    trace_header: str
    client_context: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What the runtime answered. `error_type` is None for a response."""

    payload: bytes
    error_type: str | None = None


class InitError(Exception):
    """The runtime reported that its initialization failed; `payload` is its JSON."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.error_type)
        self.answer = answer


def too_large_answer() -> Answer:
    """What the caller gets instead of a response over the limit."""
    message = f"Response payload size exceeded maximum allowed payload size ({MAX_RESPONSE_BYTES} bytes)."
    return Answer(
        orjson.dumps({"errorMessage": message, "errorType": RESPONSE_TOO_LARGE}), RESPONSE_TOO_LARGE
    )


class RuntimeApi:
    """Serves one environment. `on_delivery` is called at the moment when work is handed to the runtime."""

    def __init__(self, on_delivery: Callable[[], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._on_delivery = on_delivery
        self._server: asyncio.Server | None = None
        self._http: web.Server | None = None
        self._address = ""
        self._current: Work | None = None
        self._offered: asyncio.Future[Work] = self._loop.create_future()
        self._answer: asyncio.Future[Answer] | None = None
        self.ready: asyncio.Future[None] = self._loop.create_future()
        """Done at the first request for work; InitError when the runtime reports one."""

    async def start(self) -> str:
        """Listen; the address is what AWS_LAMBDA_RUNTIME_API must say."""
        self._http = web.Server(
            self._handle, request_factory=self._request, access_log=None, max_field_size=MAX_HEADER_BYTES
        )
        self._server = await self._loop.create_server(self._http, "127.0.0.1", 0)
        self._address = f"127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self._address

    async def close(self) -> None:
        """Stop listening and drop the runtime's connections."""
        self.ready.cancel()
        self._offered.cancel()  # the handler that waits for it would do so for ever
        if self._server is not None:
            self._server.close()
        if self._http is not None:
            await self._http.shutdown(SHUTDOWN_S)

    def offer(self, work: Work) -> asyncio.Future[Answer]:
        """Give `work` to the runtime as soon as it asks; the future is its answer."""
        self._answer = self._loop.create_future()
        self._offered.set_result(work)
        return self._answer

    def _request(self, message, payload, protocol, writer, task) -> web.BaseRequest:  # type: ignore[no-untyped-def]
        return web.BaseRequest(
            message, payload, protocol, writer, task, self._loop, client_max_size=MAX_RESPONSE_BYTES
        )

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        foreign = any(name.lower() in _OF_OTHERS for name in request.headers)
        if foreign or request.headers.get("Host") != self._address:
            return _refusal(403, "Forbidden", "The Runtime API is for this environment's process only.")
        if request.method == "GET" and request.path == f"{API}/invocation/next":
            return await self._next()
        if request.method != "POST":
            return _refusal(404, "NotFound", f"There is no {request.method} {request.path}.")
        if request.path == f"{API}/init/error":
            return await self._init_error(request)
        return await self._result(request)

    async def _next(self) -> web.Response:
        if not self.ready.done():
            self.ready.set_result(None)
        work = await asyncio.shield(self._offered)
        self._offered = self._loop.create_future()
        self._current = work
        headers = {
            "Content-Type": "application/json",
            "Lambda-Runtime-Aws-Request-Id": work.request_id,
            "Lambda-Runtime-Deadline-Ms": str(work.deadline_ms),
            "Lambda-Runtime-Invoked-Function-Arn": work.function_arn,
            "Lambda-Runtime-Trace-Id": work.trace_header,
        }
        if work.client_context is not None:
            headers["Lambda-Runtime-Client-Context"] = work.client_context
        self._on_delivery()
        return web.Response(body=work.payload, headers=headers)

    async def _init_error(self, request: web.BaseRequest) -> web.Response:
        payload = _text(await request.read()).encode()
        answer = Answer(payload, _error_type(request) or "Runtime.Unknown")
        if not self.ready.done():
            self.ready.set_exception(InitError(answer))
            self.ready.exception()  # whoever waits sees it; nobody may be waiting any more
        return _accepted()

    async def _result(self, request: web.BaseRequest) -> web.Response:
        work, answer = self._current, self._answer
        prefix, _, kind = request.path.rpartition("/")
        if work is None or answer is None or prefix != f"{API}/invocation/{work.request_id}":
            return _refusal(400, "InvalidRequestID", "Invalid request ID")
        if kind not in ("response", "error"):
            return _refusal(404, "NotFound", f"There is no {request.method} {request.path}.")
        try:
            body = await request.read()
        except web.HTTPRequestEntityTooLarge:
            self._finish(answer, too_large_answer())
            return _refusal(413, "RequestEntityTooLarge", "Exceeded maximum allowed payload size.")
        error_type = None
        if kind == "error":
            error_type = _error_type(request) or "Unhandled"
        self._finish(answer, Answer(body, error_type))
        return _accepted()

    def _finish(self, future: asyncio.Future[Answer], answer: Answer) -> None:
        self._current = None
        if not future.done():
            future.set_result(answer)


def _error_type(request: web.BaseRequest) -> str:
    named = request.headers.get("Lambda-Runtime-Function-Error-Type", "")
    return _text(named.encode("utf-8", "surrogateescape"))


def _text(sent: bytes) -> str:
    """UTF-8, or what Python's http.client makes of text that nobody encoded: ISO-8859-1."""
    try:
        return sent.decode()
    except UnicodeDecodeError:
        return sent.decode("latin-1")


def _accepted() -> web.Response:
    return web.Response(status=202, body=b'{"status":"OK"}\n', content_type="application/json")


def _refusal(status: int, error_type: str, message: str) -> web.Response:
    body = orjson.dumps({"errorMessage": message, "errorType": error_type})
    return web.Response(status=status, body=body, content_type="application/json")
