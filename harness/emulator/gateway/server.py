"""aiohttp's requests in, AwsRequests to the services, AwsResponses out.

The ingest path passes here some ten thousand times a second, so what is done for each request is kept to a
few dictionary lookups; everything else is decided once or cached.
"""

from __future__ import annotations

import logging
import socket
from collections.abc import Awaitable, Callable, Collection, Mapping
from random import getrandbits

from aiohttp import web

from harness.emulator.gateway.errors import render_error
from harness.emulator.gateway.guard import Guard
from harness.emulator.gateway.malformed import Server
from harness.emulator.gateway.routing import DEFAULT_REGION, EXECUTE_API, OWN, Route, route
from harness.emulator.services.base import AwsError, AwsRequest, AwsResponse, CallContext

Handler = Callable[[AwsRequest], Awaitable[AwsResponse]]
Execute = Callable[[str, str, str, AwsRequest], Awaitable[AwsResponse]]
UpgradeHandler = Callable[[web.BaseRequest, AwsRequest], Awaitable[web.StreamResponse]]
"""Takes a connection that asks to become a WebSocket: the request as aiohttp has it and as services see it,
without a body. Returns the response that it prepared, or a refusal; the connection ends with a refusal."""

log = logging.getLogger(__name__)

MAX_EXECUTE_API_BODY_BYTES = 10 * 1024 * 1024
"""docs: API Gateway quotas, REST API payload size (read 2026-04). A longer body reaches the service cut to
one byte above this, so that the service refuses it with its own gateway response."""
MAX_S3_BODY_BYTES = 512 * 1024 * 1024
"""One PutObject or UploadPart here. AWS takes 5 GB; what is held in memory while it arrives is bounded."""
MAX_BODY_BYTES = 96 * 1024 * 1024
"""Any other service. The largest that AWS takes is a Lambda package of 50 MB, in base64."""
MAX_HEADER_LINE_BYTES = 16 * 1024
KEEPALIVE_S = 75.0
SHUTDOWN_S = 1.0


class Gateway:
    """One port: guards it, routes each request to a handler, and writes the answer.

    `services` maps a credential-scope name to its handler; `fallback` takes every other service; `own` takes
    this emulator's own paths; `execute` is API Gateway's data plane, where there is one; `upgrades` maps a
    service to what answers its WebSocket connections (of others the request is answered as plain HTTP);
    `region` is that of requests that name none.
    """

    def __init__(
        self,
        *,
        guard: Guard,
        services: Mapping[str, Handler],
        fallback: Handler,
        own: Handler,
        execute: Execute | None = None,
        upgrades: Mapping[str, UpgradeHandler] | None = None,
        region: str = DEFAULT_REGION,
    ) -> None:
        self._region = region
        self._guard = guard
        self._services = dict(services)
        self._services[OWN] = own
        self._fallback = fallback
        self._execute = execute
        self._upgrades = dict(upgrades or {})

    async def serve(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one HTTP request: aiohttp's low-level server calls this."""
        lines: Collection[tuple[str, str]] = request.headers.items()
        headers = {name.lower(): value for name, value in lines}
        if len(headers) != len(request.headers):
            headers = _joined(request)
        if not all(map(str.isascii, headers.values())):
            headers = {name: _text(value) for name, value in headers.items()}
            lines = [(name, _text(value)) for name, value in lines]
        path, _, query = request.raw_path.partition("?")
        reason = self._guard.refusal(headers)
        if reason is not None:
            return _written(_refused(reason))
        if not path.startswith("/"):
            return _written(AwsResponse(400, b'{"message":"The request target must be a path."}', _JSON))
        where = route(path, query, headers, self._region)
        if where.path is not path and where.service == "s3":
            headers["host"] = "s3.amazonaws.com"  # the bucket is in the path now
        aws_request = AwsRequest(
            request.method,
            where.path,
            query,
            headers,
            b"",
            CallContext(where.region, trace_id=_trace_root(headers), request_id=_request_id()),
            request.remote or "",
            lines,
        )
        if "upgrade" in headers and where.service in self._upgrades and _asks_for_websocket(request):
            return await self._upgrade(where.service, request, aws_request)
        limit = _body_limit(where.service)
        length = request.content_length
        if length is not None and length > limit and where.service != EXECUTE_API:
            answer = render_error(where.service, aws_request, _too_large(limit))
            return _closing(_written(answer))
        if headers.get("expect", "").lower() == "100-continue":
            await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            request.writer.output_size = 0
        if length != 0 and request.body_exists:
            aws_request.body = await _read(request, limit)
        answer = await self._answer(where, aws_request)
        response = _written(answer)
        if "origin" in headers:
            response.headers.update(self._guard.cors_headers(headers["origin"]))
        if len(aws_request.body) > limit:
            _closing(response)
        return response

    async def _upgrade(
        self, service: str, request: web.BaseRequest, aws_request: AwsRequest
    ) -> web.StreamResponse:
        """Hand the connection to the service; a refusal ends it, so that nothing follows on it unguarded."""
        try:
            if request.body_exists:
                raise AwsError("BadRequestException", "A WebSocket handshake has no body.", 400)
            return await self._upgrades[service](request, aws_request)
        except AwsError as error:
            return _closing(_written(render_error(service, aws_request, error)))
        except ConnectionError:  # the client has gone
            raise
        except Exception as error:
            log.exception("WebSocket handshake %s (%s) failed", aws_request.path, service)
            failure = AwsError("InternalFailure", f"The embedded AWS failed: {error!r}", 500)
            return _closing(_written(render_error(service, aws_request, failure)))

    async def _answer(self, where: Route, request: AwsRequest) -> AwsResponse:
        service = where.service
        try:
            if service == EXECUTE_API and self._execute is not None:
                return await self._execute(where.api_id, where.stage, where.path, request)
            if request.method == "OPTIONS":
                preflight = self._guard.preflight_headers(request.headers)
                if preflight is not None:
                    return AwsResponse(204, b"", preflight)
            if len(request.body) > _body_limit(service):
                return render_error(service, request, _too_large(_body_limit(service)))
            return await self._services.get(service, self._fallback)(request)
        except AwsError as error:
            return render_error(service, request, error)
        except Exception as error:
            log.exception("%s %s (%s) failed", request.method, request.path, service)
            failure = AwsError("InternalFailure", f"The embedded AWS failed: {error!r}", 500)
            return render_error(service, request, failure)


class Listener:
    """A gateway on a listening socket, until closed."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._runner: web.ServerRunner | None = None

    async def start(self, listening: socket.socket) -> None:
        """Serve on `listening`, which is bound and listening already."""
        server = Server(
            self._gateway.serve,
            access_log=None,
            auto_decompress=False,
            keepalive_timeout=KEEPALIVE_S,
            lingering_time=2.0,
            max_field_size=MAX_HEADER_LINE_BYTES,
            max_line_size=MAX_HEADER_LINE_BYTES,
            tcp_keepalive=True,
        )
        self._runner = web.ServerRunner(server, shutdown_timeout=SHUTDOWN_S)
        await self._runner.setup()
        await web.SockSite(self._runner, listening, backlog=1024).start()

    async def close(self) -> None:
        """Stop listening and end the connections."""
        if self._runner is not None:
            await self._runner.cleanup()


_JSON = {"content-type": "application/json"}


def _request_id() -> str:
    digits = f"{getrandbits(128):032x}"
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"


def _asks_for_websocket(request: web.BaseRequest) -> bool:
    """docs: RFC 6455, 4.2.1: a GET, `Upgrade: websocket`, and `upgrade` among the tokens of Connection."""
    connection = request.headers.get("Connection", "").lower()
    return (
        request.method == "GET"
        and request.headers.get("Upgrade", "").strip().lower() == "websocket"
        and "upgrade" in (token.strip() for token in connection.split(","))
    )


def _trace_root(headers: Mapping[str, str]) -> str | None:
    """The Root of X-Amzn-Trace-Id: `1-5759e988-bd862e3fe1be46a994272793`."""
    header = headers.get("x-amzn-trace-id")
    if header is None:
        return None
    for field in header.split(";"):
        name, _, value = field.strip().partition("=")
        if name.lower() == "root":
            return value
    return None


def _body_limit(service: str) -> int:
    if service == EXECUTE_API:
        return MAX_EXECUTE_API_BODY_BYTES
    return MAX_S3_BODY_BYTES if service == "s3" else MAX_BODY_BYTES


async def _read(request: web.BaseRequest, limit: int) -> bytes:
    """The body; one byte more than `limit` of it when it is longer."""
    content = request.content
    first = await content.readany()
    if content.at_eof():
        return first[: limit + 1]
    chunks = bytearray(first)
    while len(chunks) <= limit:
        chunk = await content.readany()
        if not chunk:
            break
        chunks += chunk
    return bytes(chunks[: limit + 1])


def _text(value: str) -> str:
    """A header's value without lone surrogates, which no JSON can carry: aiohttp makes them of bytes that are
    no UTF-8. Such a value is taken as ISO-8859-1 (RFC 9110, field values)."""
    sent = value.encode("utf-8", "surrogateescape")
    try:
        return sent.decode()
    except UnicodeDecodeError:
        return sent.decode("latin-1")


def _joined(request: web.BaseRequest) -> dict[str, str]:
    """Headers that came more than once, joined as RFC 9110 says."""
    headers: dict[str, str] = {}
    for name, value in request.headers.items():
        key = name.lower()
        headers[key] = f"{headers[key]}, {value}" if key in headers else value
    return headers


def _written(answer: AwsResponse) -> web.Response:
    response = web.Response(body=answer.body, status=answer.status, headers=answer.headers)
    for name, value in answer.repeats:
        response.headers.add(name, value)
    return response


def _closing(response: web.Response) -> web.Response:
    response.force_close()
    return response


def _refused(reason: str) -> AwsResponse:
    error = AwsError("AccessDeniedException", reason, 403)
    context = CallContext(request_id=_request_id())
    return render_error("", AwsRequest("GET", "/", "", {}, b"", context), error)


def _too_large(limit: int) -> AwsError:
    return AwsError(
        "RequestEntityTooLarge", f"The request body is larger than the {limit} bytes taken here.", 413
    )
