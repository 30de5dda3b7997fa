"""Customers' webhook endpoints: one server on loopback, a path an endpoint, each with its own behaviour.

An endpoint does as AWS asks of one: it visits the SubscribeURL of a SubscriptionConfirmation, and answers a
Notification within 15 s, or not, as its behaviour has it.
docs: Amazon SNS Developer Guide, Fanout to HTTP/S endpoints (read 2026-11)
"""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import orjson
from aiohttp import web

from harness.load.watchers.posts import Post
from harness.load.watchers.record import Record
from harness.pipeline import Told

SLOW_S = 2.0
_PATH = "/webhooks/"
_HOST = "127.0.0.1"
_BACKLOG = 1024
_CONFIRM_TIMEOUT_S = 15.0
_LONGEST_S = 3600.0
"""How long a hanging endpoint hangs, unless the sender or the end of the run cuts it short."""

TellsOf = Callable[[Any], Sequence[Told]]
"""The events in the message of a notification. Raises ValueError when it has none."""


def number_of(url: str) -> int | None:
    """The number of the endpoint that has `url`; None for a URL that is none of an endpoint's."""
    parts = urlsplit(url)
    digits = parts.path.removeprefix(_PATH)
    if parts.hostname != _HOST or digits == parts.path or not (digits.isascii() and digits.isdecimal()):
        return None
    return int(digits)


class Endpoints:
    """Answers for the webhook endpoints among `posts`; `tells_of` reads the pipeline's messages."""

    def __init__(
        self, posts: Sequence[Post], record: Record, tells_of: TellsOf, session: aiohttp.ClientSession
    ) -> None:
        self._posts = {post.number: post for post in posts if post.watcher.channel == "webhook"}
        self._record = record
        self._tells_of = tells_of
        self._session = session
        self._confirmed = {number: asyncio.Event() for number in self._posts}
        self._runner: web.ServerRunner | None = None
        self._base = ""

    async def start(self) -> None:
        """Listen on a free port."""
        listening = socket.create_server((_HOST, 0), backlog=_BACKLOG)
        self._base = f"http://{_HOST}:{listening.getsockname()[1]}"
        self._runner = web.ServerRunner(web.Server(self._serve, access_log=None), shutdown_timeout=0.1)
        await self._runner.setup()
        await web.SockSite(self._runner, listening, backlog=_BACKLOG).start()

    async def close(self) -> None:
        """Listen no more; what hangs is cut."""
        if self._runner is not None:
            await self._runner.cleanup()

    def url(self, number: int) -> str:
        """Where endpoint `number` is."""
        return f"{self._base}{_PATH}{number}"

    async def confirmed(self, number: int) -> None:
        """Wait until endpoint `number` has confirmed its subscription."""
        await self._confirmed[number].wait()

    async def _serve(self, request: web.BaseRequest) -> web.StreamResponse:
        number = number_of(f"http://{_HOST}{request.path}")
        post = None if number is None else self._posts.get(number)
        if post is None or request.method != "POST":
            return web.Response(status=404)
        body = await request.read()
        at_s = time.time()
        try:
            envelope = orjson.loads(body)
            kind = envelope["Type"]
            if kind == "SubscriptionConfirmation":
                return await self._confirm(post, str(envelope["SubscribeURL"]))
            if kind != "Notification":
                return web.Response(status=200)
            events = self._tells_of(envelope["Message"])
        except (ValueError, KeyError, TypeError):
            self._record.count("foreign")
            return web.Response(status=400)
        return await self._take(post, events, at_s)

    async def _take(self, post: Post, events: Sequence[Told], at_s: float) -> web.Response:
        if post.behaviour == "failing":
            self._record.count("refused")
            return web.Response(status=500)
        if post.behaviour == "hanging":
            self._record.count("refused")
            await asyncio.sleep(_LONGEST_S)
        if post.behaviour == "slow":
            await asyncio.sleep(SLOW_S)
        self._record.told(post.number, "webhook", events, at_s)
        return web.Response(status=200)

    async def _confirm(self, post: Post, url: str) -> web.Response:
        """Visit the URL that confirms, if it is one of an AWS: of the real one, or on this machine."""
        host = urlsplit(url).hostname or ""
        if not (host.endswith(".amazonaws.com") or host in ("localhost", _HOST)):
            raise ValueError(f"{url} is no SubscribeURL")
        timeout = aiohttp.ClientTimeout(total=_CONFIRM_TIMEOUT_S)
        try:
            async with self._session.get(url, timeout=timeout) as answer:
                if answer.status == 200:
                    self._confirmed[post.number].set()
        except (aiohttp.ClientError, TimeoutError):
            return web.Response(status=503)  # SNS asks again
        return web.Response(status=200)
