"""Joins a client's WebSocket connection to the process that answers it, byte for byte.

The edge decides who may connect (Guard) and whose the connection is (routing); after that it has no part in
what is said. So it forwards the head of the upgrade request as it came, lets go of everything that aiohttp
keeps for a request, and copies bytes both ways. Nothing is parsed: an idle connection costs two transports
and two small objects. A side that reads slowly stops the reading of the other (pause and resume), so no more
than a transport's buffer waits here for anyone.
"""

from __future__ import annotations

import asyncio
from typing import cast
from urllib.parse import urlsplit

from aiohttp import web

from harness.emulator.services.base import AwsError, AwsRequest

CONNECT_TIMEOUT_S = 5.0
MAX_WAITING_BYTES = 64 * 1024
"""What may wait to be written to one side before the other is no longer read. A client that spoke before it
was answered is cut off above this, too."""


class Splicer:
    """Hands upgrade requests to the process at `url`. `connections` is how many are joined now."""

    def __init__(self, url: str, process: str) -> None:
        parts = urlsplit(url)
        self._host = parts.hostname or "127.0.0.1"
        self._port = parts.port or 80
        self._process = process
        self._ends: set[_End] = set()

    @property
    def connections(self) -> int:
        """Client connections that are open."""
        return len(self._ends)

    async def handle(self, request: web.BaseRequest, _aws_request: AwsRequest) -> web.StreamResponse:
        """Join the connection of `request` to the process. Raises AwsError ServiceUnavailable (503) when the
        process does not take it."""
        client = _End(self)
        process = _End(None)
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                await loop.create_connection(lambda: process, self._host, self._port)
        except (OSError, TimeoutError) as error:
            raise AwsError(
                "ServiceUnavailable", f"The '{self._process}' process does not answer: {error}.", 503
            ) from error
        client.peer, process.peer = process, client
        early = _take_over(request, client)
        if early is None:
            process.close()
        else:
            self._ends.add(client)
            process.write(head_of(request) + early)
        return Detached()

    def close(self) -> None:
        """End every connection."""
        for end in list(self._ends):
            end.close()

    def forget(self, end: _End) -> None:
        """A client's connection is over."""
        self._ends.discard(end)


class _End(asyncio.Protocol):
    """One side of a joined pair; the client's side is known to its splicer. When one side ends, the other is
    closed once it has what was sent to it: a WebSocket has no use for half a connection."""

    __slots__ = ("_splicer", "_transport", "peer")

    def __init__(self, splicer: Splicer | None) -> None:
        self._splicer = splicer
        self._transport: asyncio.Transport | None = None
        self.peer: _End | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(high=MAX_WAITING_BYTES)

    def data_received(self, data: bytes) -> None:
        if self.peer is not None:
            self.peer.write(data)

    def pause_writing(self) -> None:
        if self.peer is not None and self.peer._transport is not None:
            self.peer._transport.pause_reading()

    def resume_writing(self) -> None:
        if self.peer is not None and self.peer._transport is not None:
            self.peer._transport.resume_reading()

    def connection_lost(self, _exc: Exception | None) -> None:
        self._transport = None
        if self._splicer is not None:
            self._splicer.forget(self)
        peer, self.peer = self.peer, None
        if peer is not None:
            peer.peer = None
            peer.close()

    def write(self, data: bytes) -> None:
        """Send `data` to this side; nothing when it is gone."""
        if self._transport is not None:
            self._transport.write(data)

    def close(self) -> None:
        """Close this side once what waits for it is written."""
        if self._transport is not None:
            self._transport.close()


class Detached(web.StreamResponse):
    """What a handler returns whose connection is no longer aiohttp's: there is nothing to send."""

    async def prepare(self, _request: web.BaseRequest) -> None:
        """Nothing."""

    async def write_eof(self, _data: bytes = b"") -> None:
        """Nothing."""


class _EarlyBytes:
    """Stands where aiohttp's parser of frames would, for a moment: it is given what came after the head."""

    def __init__(self) -> None:
        self.data = b""

    def feed_data(self, data: bytes) -> tuple[bool, bytes]:
        self.data += data
        return False, b""

    def feed_eof(self) -> None:
        """The client ended."""


def _take_over(request: web.BaseRequest, end: _End) -> bytes | None:
    """Make `end` the protocol of the client's transport and have aiohttp forget the connection. The answer is
    what the client sent after the head; None when it is gone, or sent more than may wait."""
    protocol, transport = request.protocol, request.transport
    if transport is None or transport.is_closing():
        return None
    early = _EarlyBytes()
    protocol.set_parser(early)  # type: ignore[arg-type]  # these two methods are all that is used of one
    transport.set_protocol(end)
    protocol.transport = None  # so that it is not closed: it is ours now
    protocol.connection_lost(None)
    end.connection_made(transport)
    if len(early.data) > MAX_WAITING_BYTES:
        transport.close()
        return None
    transport.resume_reading()
    return early.data


def head_of(request: web.BaseRequest) -> bytes:
    """The request line and headers as they came, in order, in the client's spelling."""
    version = f"HTTP/{request.version.major}.{request.version.minor}"
    lines = [f"{request.method} {request.raw_path} {version}".encode("utf-8", "surrogateescape")]
    lines.extend(name + b": " + value for name, value in request.raw_headers)
    return b"\r\n".join(lines) + b"\r\n\r\n"
