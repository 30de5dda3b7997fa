"""A small server that tells watchers: SNS's envelopes to webhooks, AppSync's protocol to subscribers."""

from __future__ import annotations

import asyncio
import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import aiohttp
from aiohttp import web


class Teller:
    """Runs in a thread of its own. `webhooks` maps URLs to accounts once they are confirmed."""

    def __init__(self) -> None:
        self.webhooks: dict[str, int] = {}
        self.forgotten: list[int] = []
        self.subscriptions: list[dict[str, Any]] = []
        self.confirms = True
        self.answers: list[int] = []
        self.port = 0
        self._loop = asyncio.new_event_loop()
        self._sockets: list[tuple[web.WebSocketResponse, str]] = []
        self._waiting: dict[str, int] = {}
        self._session: aiohttp.ClientSession | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def _start(self) -> None:
        app = web.Application()
        app.router.add_post("/webhooks", self._add)
        app.router.add_post("/forget", self._forget)
        app.router.add_get("/confirm", self._confirm)
        app.router.add_get("/graphql", self._graphql)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.port = self._runner.addresses[0][1]
        self._session = aiohttp.ClientSession()

    async def _close(self) -> None:
        assert self._session is not None
        await self._session.close()
        await self._runner.cleanup()

    async def _add(self, request: web.Request) -> web.Response:
        body = await request.json()
        self._waiting[body["url"]] = body["account"]
        if self.confirms:
            envelope = {
                "Type": "SubscriptionConfirmation",
                "SubscribeURL": f"{self.url}/confirm?url={body['url']}",
            }
            await self._post(body["url"], envelope)
        return web.Response()

    async def _forget(self, request: web.Request) -> web.Response:
        self.forgotten.append((await request.json())["account"])
        return web.Response()

    async def _confirm(self, request: web.Request) -> web.Response:
        url = request.query["url"]
        self.webhooks[url] = self._waiting[url]
        return web.Response()

    async def _graphql(self, request: web.Request) -> web.WebSocketResponse:
        authorization = json.loads(base64.b64decode(request.query["header"]))
        socket = web.WebSocketResponse(protocols=("graphql-ws",))
        await socket.prepare(request)
        async for message in socket:
            said = json.loads(message.data)
            if said["type"] == "connection_init":
                await socket.send_json({"type": "connection_ack", "payload": {"connectionTimeoutMs": 300000}})
            elif authorization["x-api-key"] != "right":
                errors = [{"errorType": "UnauthorizedException", "message": "Permission denied"}]
                await socket.send_json({"id": said["id"], "type": "error", "payload": {"errors": errors}})
            else:
                self.subscriptions.append(json.loads(said["payload"]["data"])["variables"])
                self._sockets.append((socket, said["id"]))
                await socket.send_json({"type": "ka"})
                await socket.send_json({"id": said["id"], "type": "start_ack"})
        return socket

    async def _post(self, url: str, envelope: dict[str, Any]) -> int | None:
        assert self._session is not None
        try:
            timeout = aiohttp.ClientTimeout(total=3.0)
            async with self._session.post(url, json=envelope, timeout=timeout) as answer:
                return answer.status
        except TimeoutError:
            return None

    def notify(self, url: str, message: str) -> int | None:
        """POST a notification; the status, or None for no answer within three seconds."""
        return self._ask(self._post(url, {"Type": "Notification", "Message": message}))

    def push(self, data: Any) -> None:
        """Send `data` to every subscriber."""

        async def push() -> None:
            for socket, subscription in self._sockets:
                await socket.send_json({"id": subscription, "type": "data", "payload": {"data": data}})

        self._ask(push())

    def hang_up(self) -> None:
        """Close every subscriber's connection."""

        async def close() -> None:
            sockets, self._sockets = self._sockets, []
            for socket, _ in sockets:
                await socket.close()

        self._ask(close())

    def _ask(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)


@contextmanager
def teller() -> Iterator[Teller]:
    running = Teller()
    thread = threading.Thread(target=running._loop.run_forever, daemon=True)
    thread.start()
    running._ask(running._start())
    try:
        yield running
    finally:
        running._ask(running._close())
        running._loop.call_soon_threadsafe(running._loop.stop)
        thread.join(10)
