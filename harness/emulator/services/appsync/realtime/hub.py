"""The real-time half of AppSync: who is connected, who listens, and who is told of a mutation.

A mutation's result is matched by an index, shaped once for each distinct selection, and written to each
connection at once as a finished frame; what a client does not take waits in its transport's buffer, bounded
in bytes. So one who reads slowly costs its own buffer, and its connection when that is full.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import Any

import orjson

from harness.aws.limits.profiles import Limits
from harness.emulator.services.appsync.contract import (
    Apis,
    Authorizer,
    Executor,
    RequestInfo,
    RequestRefused,
    SubscriptionRequest,
)
from harness.emulator.services.appsync.realtime import handshake, protocol
from harness.emulator.services.appsync.realtime.connection import (
    GOING_AWAY,
    NORMAL,
    Connection,
    Subscription,
    Transport,
)
from harness.emulator.services.appsync.realtime.index import Index
from harness.emulator.services.appsync.realtime.limits import (
    MAX_PAYLOAD_BYTES,
    SERVICE,
    Counted,
    Rates,
    units_of,
)
from harness.measure.meters import Gauge, Meters

KEEP_ALIVE_S = 60.0
"""Between two `ka`. AWS documents only that the client may give up after 300 s; clients report a minute."""
LIFETIME_S = 24 * 3600.0
"""docs: Building a real-time WebSocket client: AppSync shuts a connection down after 24 hours."""
TICK_S = 1.0
_UNSHAPED: Any = object()


class _Live:
    """One API as it is listened to."""

    __slots__ = ("connections", "counted", "index", "name", "rates", "subscriptions")

    def __init__(self, name: str, limits: Limits, meters: Meters, now_s: float) -> None:
        self.connections: dict[Connection, None] = {}
        self.subscriptions: dict[str, dict[Subscription, None]] = {}
        self.index: Index[Subscription] = Index()
        self.rates = Rates(limits, now_s)
        self.name = name
        self.counted = Counted(meters, name)


class RealTime:
    """`Subscriptions` of the contract, and the hub of all connections."""

    def __init__(
        self,
        *,
        apis: Apis,
        authorizer: Authorizer,
        executor: Executor,
        meters: Meters,
        limits: Limits,
        clock: Callable[[], float],
    ) -> None:
        self._apis = apis
        self._authorizer = authorizer
        self._executor = executor
        self._meters = meters
        self._limits = limits
        self._clock = clock
        self._live: dict[str, _Live] = {}
        self._due: deque[tuple[float, Connection]] = deque()
        self._ticking: asyncio.Task[None] | None = None
        meters.watch(self._gauges)

    async def start(self) -> None:
        """Begin to keep connections alive."""
        self._ticking = asyncio.create_task(self._tick_on())

    async def close(self) -> None:
        """End all connections."""
        if self._ticking is not None:
            self._ticking.cancel()
        self.reset()

    def reset(self) -> None:
        """End all connections and forget all APIs."""
        for api_id in list(self._live):
            self.drop_api(api_id)

    # --- connections

    @property
    def max_subscriptions(self) -> float:
        """As Hub.max_subscriptions."""
        return self._limits.appsync_subscriptions_per_connection

    async def admit(
        self,
        api_id: str,
        headers: Mapping[str, str],
        query: str,
        *,
        source_ip: str,
        request_id: str,
    ) -> None:
        """Whether a client may connect to the API. Raises RequestRefused."""
        now_s = self._clock()
        auth = self._apis.auth(api_id)
        if auth is None:
            raise RequestRefused("NotFoundException", f"GraphQL API {api_id} not found.", 404)
        live = self._of(api_id)
        if live.rates.connects.take(now_s) > 0:
            live.counted.connects_refused.value += 1
            raise RequestRefused("LimitExceededError", "Rate limit exceeded", 429)
        try:
            given = handshake.connection_headers(headers, query)
            handshake.check_host(given.get("host"), api_id, headers.get("host", ""))
            await self._authorizer.authorize(
                auth,
                given,
                method="POST",
                path=f"/graphql/{api_id}/connect",
                body=b"{}",
                now_s=now_s,
                source_ip=source_ip,
                request_id=request_id,
            )
        except RequestRefused:
            live.counted.connects_refused.value += 1
            raise

    def connect(
        self, api_id: str, transport: Transport, headers: Mapping[str, str], source_ip: str
    ) -> Connection:
        """A client that was admitted is connected."""
        now_s = self._clock()
        live = self._of(api_id)
        connection = Connection(
            self, transport, api_id=api_id, headers=headers, source_ip=source_ip, opened_s=now_s
        )
        live.connections[connection] = None
        live.counted.connects.value += 1
        live.counted.connection_minutes.value += 1
        self._due.append((now_s + KEEP_ALIVE_S, connection))
        return connection

    def disconnected(self, connection: Connection) -> None:
        """A client is gone."""
        connection.lost()
        live = self._live.get(connection.api_id)
        if live is not None:
            live.connections.pop(connection, None)

    def tick(self, now_s: float) -> None:
        """Send `ka` to whom it is due, begin another minute of their connections, and end those that have
        lived long enough."""
        while self._due and self._due[0][0] <= now_s:
            due_s, connection = self._due.popleft()
            if connection.closed:
                continue
            if now_s - connection.opened_s >= LIFETIME_S:
                connection.close(GOING_AWAY, "the connection has lasted 24 hours")
                continue
            live = self._live.get(connection.api_id)
            if live is not None:
                live.counted.connection_minutes.value += 1
            connection.send(protocol.KEEP_ALIVE)
            next_s = due_s + KEEP_ALIVE_S
            self._due.append((next_s if next_s > now_s else now_s + KEEP_ALIVE_S, connection))

    async def _tick_on(self) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            self.tick(self._clock())

    # --- subscriptions

    async def subscribe(self, connection: Connection, start: protocol.Start) -> SubscriptionRequest:
        """As Hub.subscribe."""
        auth = self._apis.auth(connection.api_id)
        if auth is None:
            raise RequestRefused("NotFoundException", f"GraphQL API {connection.api_id} not found.", 404)
        handshake.check_host(start.authorization.get("host"), connection.api_id, connection.host)
        identity = await self._authorizer.authorize(
            auth,
            start.authorization,
            method="POST",
            path=f"/graphql/{connection.api_id}",
            body=start.data.encode("utf-8", "surrogatepass"),
            now_s=self._clock(),
            operation=start.operation,
            source_ip=connection.source_ip,
        )
        request = RequestInfo(connection.headers, connection.source_ip)
        return await self._executor.subscribe(connection.api_id, identity, start.operation, request)

    def registered(self, subscription: Subscription) -> None:
        """As Hub.registered."""
        live = self._of(subscription.connection.api_id)
        live.index.add(subscription)
        live.subscriptions.setdefault(subscription.request.field, {})[subscription] = None
        live.counted.subscriptions.value += 1

    def refused(self, connection: Connection) -> None:
        """As Hub.refused."""
        live = self._live.get(connection.api_id)
        if live is not None:
            live.counted.subscriptions_refused.value += 1

    def ended(self, subscription: Subscription) -> None:
        """As Hub.ended."""
        live = self._live.get(subscription.connection.api_id)
        if live is None:
            return
        live.index.remove(subscription)
        of_field = live.subscriptions.get(subscription.request.field, {})
        of_field.pop(subscription, None)
        if not of_field:
            live.subscriptions.pop(subscription.request.field, None)

    def too_slow(self, connection: Connection) -> None:
        """As Hub.too_slow."""
        live = self._live.get(connection.api_id)
        if live is not None:
            live.counted.closed_slow.value += 1

    # --- what execution tells

    def publish(self, api_id: str, mutation_field: str, _arguments: Mapping[str, Any], result: Any) -> None:
        """As Subscriptions.publish."""
        live = self._live.get(api_id)
        matched = live.index.match(mutation_field, result) if live is not None else ()
        if live is None or not matched:
            return
        now_s = self._clock()
        fields = {subscription.request.field for subscription in matched}
        if live.rates.inbound.take(now_s, len(fields)) > 0:
            live.counted.updates_throttled.value += len(matched)
            return
        shaped: dict[Hashable, tuple[bytes, int] | None] = {}
        for subscription in matched:
            request = subscription.request
            key = (request.field, request.response_key, request.projection)
            update = shaped.get(key, _UNSHAPED)
            if update is _UNSHAPED:
                update = shaped[key] = self._shape(request, result)
            if subscription.connection.closed:
                continue
            if update is None:
                live.counted.updates_too_large.value += 1
            elif live.rates.outbound.take(now_s, update[1]) > 0:
                live.counted.updates_throttled.value += 1
            else:
                live.counted.updates.value += update[1]
                subscription.connection.send(protocol.text_frame(subscription.prefix + update[0]))

    def _shape(self, request: SubscriptionRequest, result: Any) -> tuple[bytes, int] | None:
        """What ends a subscriber's message, and its units; None when it is larger than may be sent."""
        payload = orjson.dumps(self._executor.project(request, result), default=str)
        if len(payload) > MAX_PAYLOAD_BYTES:
            return None
        return payload + b"}", units_of(len(payload))

    def invalidate(self, api_id: str, subscription_field: str, payload: Mapping[str, Any]) -> None:
        """As Subscriptions.invalidate. docs: Unsubscribing WebSocket connections using filters: the
        subscription is unsubscribed, and its connection closed."""
        live = self._live.get(api_id)
        if live is None:
            return
        for subscription in list(live.subscriptions.get(subscription_field, ())):
            wanted = subscription.invalidation_filter
            if wanted is not None and wanted.fits(payload):
                subscription.connection.end(subscription)
                subscription.connection.close(NORMAL, "the subscription was invalidated")

    def drop_api(self, api_id: str) -> None:
        """As Subscriptions.drop_api."""
        live = self._live.pop(api_id, None)
        if live is not None:
            for connection in list(live.connections):
                connection.close(GOING_AWAY, "the API is gone")

    # --- what is seen of it

    def _of(self, api_id: str) -> _Live:
        live = self._live.get(api_id)
        if live is None:
            auth = self._apis.auth(api_id)
            name = auth.name if auth is not None and auth.name else api_id
            live = self._live[api_id] = _Live(name, self._limits, self._meters, self._clock())
        return live

    def _gauges(self) -> Iterable[Gauge]:
        for live in self._live.values():
            subscribers = sum(len(of_field) for of_field in live.subscriptions.values())
            yield Gauge(SERVICE, live.name, "connections", len(live.connections))
            yield Gauge(SERVICE, live.name, "subscribers", subscribers)
