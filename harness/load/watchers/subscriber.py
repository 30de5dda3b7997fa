"""A live subscriber: one WebSocket to AppSync with one subscription on it, opened again when it breaks.

docs: AWS AppSync Developer Guide, Building a real-time WebSocket client (read 2026-11)
"""

from __future__ import annotations

import asyncio
import base64
import time
import uuid
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import aiohttp
import orjson

from harness.errors import TargetError
from harness.load.watchers.posts import Post
from harness.load.watchers.record import Record
from harness.pipeline import LiveSubscription, Told

_PROTOCOL = "graphql-ws"
_OPEN_TIMEOUT_S = 30.0
_AGAIN_S = 1.0
_MAX_MESSAGE_BYTES = 4 * 1024 * 1024

Opening = Callable[[], Awaitable[LiveSubscription]]
"""What opens the subscription; asked again for each connection, as a token may have expired."""
TellsOf = Callable[[Any], Sequence[Told]]


class Subscriber:
    """Watches for one post. `run` goes on until it is cancelled; `open` is set while the subscription is."""

    def __init__(
        self,
        post: Post,
        opening: Opening,
        record: Record,
        tells_of: TellsOf,
        session: aiohttp.ClientSession,
    ) -> None:
        self._number = post.number
        self._opening = opening
        self._record = record
        self._tells_of = tells_of
        self._session = session
        self._socket: aiohttp.ClientWebSocketResponse | None = None

    async def open(self) -> None:
        """Connect and subscribe. Raises TargetError with what the API says when it refuses."""
        try:
            async with asyncio.timeout(_OPEN_TIMEOUT_S):
                self._socket = await self._subscribed(await self._opening())
        except TimeoutError:
            raise TargetError(f"A live subscription did not open within {_OPEN_TIMEOUT_S:.0f} s.") from None
        except aiohttp.ClientError as why:
            raise TargetError(f"A live subscription cannot be opened: {why}.") from None

    async def listen(self) -> None:
        """Take what is told, until cancelled. A connection that breaks is counted and opened again."""
        while True:
            if self._socket is not None:
                async for message in self._socket:
                    if message.type is aiohttp.WSMsgType.TEXT:
                        self._take(orjson.loads(message.data))
                self._record.count("lost_connections")
                self._socket = None
            await asyncio.sleep(_AGAIN_S)
            try:
                await self.open()
            except TargetError:
                continue

    async def close(self) -> None:
        """End the connection."""
        if self._socket is not None:
            await self._socket.close()

    async def _subscribed(self, how: LiveSubscription) -> aiohttp.ClientWebSocketResponse:
        header = base64.b64encode(orjson.dumps(dict(how.authorization))).decode()
        socket = await self._session.ws_connect(
            how.realtime_url,
            params={"header": header, "payload": "e30="},
            protocols=(_PROTOCOL,),
            max_msg_size=_MAX_MESSAGE_BYTES,
        )
        await socket.send_str('{"type":"connection_init"}')
        await self._until(socket, "connection_ack")
        start = {
            "id": str(uuid.uuid4()),
            "type": "start",
            "payload": {
                "data": orjson.dumps({"query": how.query, "variables": dict(how.variables)}).decode(),
                "extensions": {"authorization": dict(how.authorization)},
            },
        }
        await socket.send_str(orjson.dumps(start).decode())
        await self._until(socket, "start_ack")
        return socket

    async def _until(self, socket: aiohttp.ClientWebSocketResponse, wanted: str) -> None:
        """Take messages up to the one that is wanted."""
        async for message in socket:
            if message.type is not aiohttp.WSMsgType.TEXT:
                continue
            said = orjson.loads(message.data)
            kind = said.get("type")
            if kind == wanted:
                return
            if kind in ("error", "connection_error"):
                await socket.close()
                raise TargetError(f"A live subscription was refused: {_reasons(said)}.")
        raise TargetError(f"The connection of a live subscription was closed before its {wanted}.")

    def _take(self, said: dict[str, Any]) -> None:
        at_s = time.time()
        kind = said.get("type")
        if kind == "error":
            self._record.count("refused")
        if kind != "data":
            return
        try:
            events = self._tells_of(said["payload"]["data"])
        except (ValueError, KeyError, TypeError):
            self._record.count("foreign")
            return
        self._record.told(self._number, "subscription", events, at_s)


def _reasons(said: dict[str, Any]) -> str:
    errors = (said.get("payload") or {}).get("errors") or []
    found = [f"{e.get('errorType', 'error')}: {e.get('message', '')}" for e in errors if isinstance(e, dict)]
    return "; ".join(found)[:500] or "it does not say why"
