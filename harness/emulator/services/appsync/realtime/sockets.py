"""WebSocket connections of AppSync's real-time half, on aiohttp.

aiohttp does the handshake, reads and answers frames; what is sent is written to the transport as finished
frames, because one frame goes to many. A connection that may not be is opened all the same, told why, and
closed: so AWS does it, since a browser cannot read the answer to a failed handshake.
"""

from __future__ import annotations

import asyncio
import contextlib
import re

from aiohttp import WSMsgType, web

from harness.emulator.services.appsync.contract import RequestRefused
from harness.emulator.services.appsync.realtime import handshake, protocol
from harness.emulator.services.appsync.realtime.connection import NORMAL
from harness.emulator.services.appsync.realtime.hub import RealTime
from harness.emulator.services.base import AwsError, AwsRequest

MAX_MESSAGE_BYTES = 256 * 1024
"""What a client may say in one message. AWS documents none; a longer one closes the connection (1009)."""
CLOSE_TIMEOUT_S = 5.0
REFUSAL_PATIENCE_S = 1.0
"""How long a client that may not connect is given to speak first: clients listen once they did."""

_PATH = re.compile(r"/graphql/([A-Za-z0-9-]{1,64})(?:/realtime)?")


class _Socket:
    """`Transport` of the connection: an aiohttp WebSocket."""

    __slots__ = ("_closing", "_transport", "_ws")

    def __init__(self, ws: web.WebSocketResponse, transport: asyncio.Transport) -> None:
        self._ws = ws
        self._transport = transport
        self._closing: asyncio.Task[bool] | None = None

    def send(self, frame: bytes) -> int:
        """As Transport.send."""
        if self._transport.is_closing():
            return 0
        self._transport.write(frame)
        return self._transport.get_write_buffer_size()

    def close(self, code: int, reason: str) -> None:
        """As Transport.close."""
        if self._closing is None:
            self._closing = asyncio.create_task(self._ws.close(code=code, message=reason.encode()))

    def abort(self) -> None:
        """As Transport.abort."""
        self._transport.abort()

    async def closed(self) -> None:
        """Wait for a closing handshake that has begun."""
        if self._closing is not None:
            with contextlib.suppress(ConnectionError, asyncio.CancelledError):
                await self._closing


class Sockets:
    """Answers upgrade requests for `/graphql/{apiId}` and `/graphql/{apiId}/realtime`."""

    def __init__(self, realtime: RealTime) -> None:
        self._realtime = realtime

    async def handle(self, request: web.BaseRequest, seen: AwsRequest) -> web.StreamResponse:
        """Hold the connection until it ends. Raises AwsError when there is no such address."""
        found = _PATH.fullmatch(seen.path)
        if found is None:
            raise AwsError("NotFoundException", f"There is no WebSocket at {seen.path}.", 404)
        api_id = found[1]
        try:
            if not handshake.offers_subprotocol(seen.headers):
                raise RequestRefused("NoProtocolError", "NoProtocolError", 400)
            await self._realtime.admit(
                api_id,
                seen.headers,
                seen.query,
                source_ip=seen.source_ip,
                request_id=seen.context.request_id,
            )
        except RequestRefused as refused:
            if refused.status == 404:
                raise AwsError(refused.error_type, refused.message, 404) from None
            return await _refuse(request, refused)
        return await self._hold(request, seen, api_id)

    async def _hold(self, request: web.BaseRequest, seen: AwsRequest, api_id: str) -> web.StreamResponse:
        ws = await _opened(request)
        transport = request.transport
        if transport is None:
            return ws
        socket = _Socket(ws, transport)
        connection = self._realtime.connect(api_id, socket, seen.headers, seen.source_ip)
        try:
            while not connection.closed:
                message = await ws.receive()
                if message.type is WSMsgType.TEXT:
                    await connection.receive(message.data)
                elif message.type is WSMsgType.BINARY:
                    connection.receive_bytes()
                else:
                    break
        finally:
            self._realtime.disconnected(connection)
            await socket.closed()
        return ws


async def _opened(request: web.BaseRequest) -> web.WebSocketResponse:
    """The handshake's answer. Compression would cost a quarter of a megabyte a connection, and AWS offers
    none."""
    ws = web.WebSocketResponse(
        protocols=(protocol.SUBPROTOCOL,),
        compress=False,
        max_msg_size=MAX_MESSAGE_BYTES,
        timeout=CLOSE_TIMEOUT_S,
    )
    await ws.prepare(request)
    return ws


async def _refuse(request: web.BaseRequest, refused: RequestRefused) -> web.StreamResponse:
    ws = await _opened(request)
    with contextlib.suppress(TimeoutError):
        await ws.receive(timeout=REFUSAL_PATIENCE_S)
    if request.transport is not None and not ws.closed:
        request.transport.write(
            protocol.connection_error(refused.error_type, refused.message, refused.status)
        )
    await ws.close(code=NORMAL)
    return ws
