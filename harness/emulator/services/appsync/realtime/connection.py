"""One client's connection: what it may say when, the subscriptions it holds, and what it is sent.

docs: AppSync Developer Guide, Building a real-time WebSocket client (read 2026-11):

1. `connection_init` is optional, and answered with `connection_ack` and a first `ka`.
2. Each `start` is authorized by its own `extensions.authorization`, whatever the connection was opened with.
3. An id is unique within its connection, and a connection has at most 200 subscriptions.
4. `stop` is answered with `complete`, and nothing is sent for that id after it.
5. A token that expires ends nothing that was begun: it is looked at when a connection or a subscription
   begins. (AWS does not document this; clients report errors at the next connect or start only.)
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Protocol

from harness.emulator.services.appsync.contract import (
    OperationRefused,
    RequestRefused,
    SubscriptionRequest,
)
from harness.emulator.services.appsync.realtime import protocol
from harness.emulator.services.appsync.realtime.filters import Filter, FilterError

MAX_WAITING_BYTES = 1024 * 1024
"""What may wait for a client that reads slowly; above it the connection is cut off. AWS documents none."""
MAX_STARTING = 16
"""Subscriptions of one connection that are authorized at once; what follows is read when one is done."""

NORMAL = 1000
GOING_AWAY = 1001
UNSUPPORTED_DATA = 1003
"""Close codes, RFC 6455, 7.4.1. Which ones AWS uses is not documented."""

log = logging.getLogger(__name__)


class Transport(Protocol):
    """The way to a client."""

    def send(self, frame: bytes) -> int:
        """Write a whole frame; the answer is how many bytes wait to be taken."""

    def close(self, code: int, reason: str) -> None:
        """Begin the closing handshake."""

    def abort(self) -> None:
        """End the connection now, with what waits for it."""


class Subscription:
    """A registered subscription. Compared by identity."""

    __slots__ = ("connection", "filter", "id", "invalidation_filter", "prefix", "request")

    def __init__(self, connection: Connection, subscription_id: str, request: SubscriptionRequest) -> None:
        """Raises FilterError when the resolver set a filter that is none."""
        self.connection = connection
        self.id = subscription_id
        self.request = request
        self.filter = Filter(request.filter) if request.filter is not None else None
        wanted = request.invalidation_filter
        self.invalidation_filter = Filter(wanted) if wanted is not None else None
        self.prefix = protocol.data_prefix(subscription_id)


class Hub(Protocol):
    """What a connection asks of the real-time half."""

    @property
    def max_subscriptions(self) -> float:
        """How many a connection may have."""

    async def subscribe(self, connection: Connection, start: protocol.Start) -> SubscriptionRequest:
        """Authorize and validate a subscription. Raises RequestRefused or OperationRefused."""

    def registered(self, subscription: Subscription) -> None:
        """A subscription began."""

    def refused(self, connection: Connection) -> None:
        """A subscription was refused."""

    def ended(self, subscription: Subscription) -> None:
        """A subscription is over."""

    def too_slow(self, connection: Connection) -> None:
        """A connection is cut off because its client does not read."""


class Connection:
    """One client. `headers` are those of its upgrade request, `host` the one it connected to."""

    __slots__ = (
        "_hub",
        "_starting",
        "_transport",
        "api_id",
        "closed",
        "headers",
        "host",
        "opened_s",
        "source_ip",
        "subscriptions",
    )

    def __init__(
        self,
        hub: Hub,
        transport: Transport,
        *,
        api_id: str,
        headers: Mapping[str, str],
        source_ip: str,
        opened_s: float,
    ) -> None:
        self._hub = hub
        self._transport = transport
        self._starting: dict[str, asyncio.Task[None]] = {}
        self.api_id = api_id
        self.headers = headers
        self.host = headers.get("host", "")
        self.source_ip = source_ip
        self.opened_s = opened_s
        self.subscriptions: dict[str, Subscription] = {}
        self.closed = False

    async def receive(self, text: str) -> None:
        """Take a message. Returns when the next may be read."""
        message = protocol.read(text)
        if isinstance(message, protocol.Init):
            self.send(protocol.ACK + protocol.KEEP_ALIVE)
        elif isinstance(message, protocol.Start):
            self._start(message)
            while len(self._starting) >= MAX_STARTING:
                await asyncio.wait(self._starting.values(), return_when=asyncio.FIRST_COMPLETED)
        elif isinstance(message, protocol.Stop):
            self._stop(message.id)
        else:
            self.send(protocol.error(message.id, protocol.UNSUPPORTED))

    def receive_bytes(self) -> None:
        """Take a binary message: there are none in this protocol."""
        self.send(protocol.error("", protocol.UNSUPPORTED))
        self.close(UNSUPPORTED_DATA, "binary messages are not supported")

    def send(self, frames: bytes) -> None:
        """Send whole frames; a client for which too much waits by now is cut off."""
        if not self.closed and self._transport.send(frames) > MAX_WAITING_BYTES:
            self._hub.too_slow(self)
            self.closed = True
            self._transport.abort()

    def close(self, code: int, reason: str) -> None:
        """Close the connection in order; nothing is sent on it after this."""
        if not self.closed:
            self.closed = True
            self._transport.close(code, reason)

    def lost(self) -> None:
        """The connection is over: so are its subscriptions."""
        self.closed = True
        for task in list(self._starting.values()):
            task.cancel()
        for subscription in list(self.subscriptions.values()):
            self._hub.ended(subscription)
        self.subscriptions.clear()

    def end(self, subscription: Subscription) -> None:
        """A mutation ended a subscription."""
        if self.subscriptions.pop(subscription.id, None) is not None:
            self._hub.ended(subscription)
            self.send(protocol.invalidated(subscription.id))

    def _start(self, start: protocol.Start) -> None:
        if start.id in self.subscriptions or start.id in self._starting:
            self._refuse(start.id, protocol.DUPLICATED)
        elif len(self.subscriptions) + len(self._starting) >= self._hub.max_subscriptions:
            self._refuse(start.id, protocol.too_many_subscriptions(self._hub.max_subscriptions))
        else:
            self._starting[start.id] = asyncio.create_task(self._register(start))

    async def _register(self, start: protocol.Start) -> None:
        try:
            request = await self._hub.subscribe(self, start)
            subscription = Subscription(self, start.id, request)
        except RequestRefused as refused:
            self._refuse(start.id, ({"errorType": refused.error_type, "message": refused.message},))
        except OperationRefused as refused:
            self._refuse(start.id, refused.errors)
        except FilterError as error:
            self._refuse(start.id, ({"errorType": "BadRequestException", "message": str(error)},))
        except Exception as error:
            log.exception("A subscription of API %s failed", self.api_id)
            self._refuse(start.id, ({"errorType": "InternalFailure", "message": repr(error)},))
        else:
            if not self.closed:
                self.subscriptions[start.id] = subscription
                self._hub.registered(subscription)
                self.send(protocol.start_ack(start.id))
        finally:
            if self._starting.get(start.id) is asyncio.current_task():
                del self._starting[start.id]

    def _refuse(self, subscription_id: str, errors: protocol.Errors) -> None:
        self._hub.refused(self)
        self.send(protocol.error(subscription_id, errors))

    def _stop(self, subscription_id: str) -> None:
        """A stop for what is not there is confirmed, too: it is over in any case."""
        starting = self._starting.pop(subscription_id, None)
        if starting is not None:
            starting.cancel()
        subscription = self.subscriptions.pop(subscription_id, None)
        if subscription is not None:
            self._hub.ended(subscription)
        self.send(protocol.complete(subscription_id))
