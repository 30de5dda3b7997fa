"""Connections whose bytes are no HTTP request: refused with 400, and nothing of them is logged.

aiohttp logs each with a traceback that quotes the line at fault, which may be an Authorization header, and
quotes it in its answer as well. That a stranger can fill a log is no more wanted than what would be in it.
"""

from __future__ import annotations

from aiohttp import http_exceptions, web, web_protocol
from aiohttp.client_exceptions import ClientPayloadError

_BODY = b'{"message":"Bad Request"}'
_THEIRS = (
    http_exceptions.HttpProcessingError,
    web.RequestPayloadError,
    ClientPayloadError,
    ConnectionError,  # gone in the middle of its body
)


class Connection(web_protocol.RequestHandler):
    """One connection of a client."""

    __slots__ = ()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """What is answered instead of the handler's answer; the connection ends with it."""
        if not isinstance(exc, _THEIRS):
            return super().handle_error(request, status, exc, message)
        if request.writer.output_size > 0:
            raise ConnectionError("An answer has begun already.")
        self.logger.debug("A request of %s was malformed: %s", request.remote, type(exc).__name__)
        answer = web.Response(status=400, body=_BODY, content_type="application/json")
        answer.force_close()
        return answer


class Server(web.Server):
    """aiohttp's low-level server with these connections."""

    def __call__(self) -> web_protocol.RequestHandler:
        """A connection, from asyncio's side."""
        return Connection(self, loop=self._loop, **self._kwargs)
