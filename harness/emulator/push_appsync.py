"""AppSync, put together for the process that hosts it: what it may ask of the others, and its two halves
joined."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import urlsplit

import aiohttp

from harness.emulator.child import ProcessConfig
from harness.emulator.gateway.invoking import HttpInvoker
from harness.emulator.services.appsync import AppSyncService
from harness.emulator.services.appsync.auth import ApiAuthorizer
from harness.emulator.services.appsync.realtime import RealTime
from harness.emulator.services.appsync.sources.factory import Sources
from harness.emulator.services.base import AwsCalls
from harness.emulator.services.credentials import KeyRing
from harness.emulator.services.outbound import DeliveryAddresses
from harness.measure.meters import Meters

_POOL_KEYS_TIMEOUT = aiohttp.ClientTimeout(total=5.0)


class Around(NamedTuple):
    """The URLs around AppSync: its own as `clients` know it, of Lambda's `functions`, of user `pools`."""

    clients: str
    functions: str
    pools: str


def compose_appsync(
    config: ProcessConfig,
    meters: Meters,
    session: aiohttp.ClientSession,
    calls: AwsCalls,
    clock: Callable[[], float],
    *,
    around: Around,
    keys: KeyRing,
) -> AppSyncService:
    """The service, with authorization and its real-time half."""

    async def fetch_pool_keys(pool_id: str, _region: str) -> bytes:
        url = f"{around.pools}/{pool_id}/.well-known/jwks.json"
        async with session.get(url, timeout=_POOL_KEYS_TIMEOUT) as answer:
            if answer.status != 200:
                raise OSError(f"The user pool {pool_id} has no keys: {answer.status}.")
            return await answer.read()

    invoker = HttpInvoker(session, around.functions)
    addresses = DeliveryAddresses(
        allowed_hosts=config.allow_deliveries,
        own_ports=[port for url in config.endpoints.values() if (port := urlsplit(url).port)],
    )
    authorizer = ApiAuthorizer(
        keys=keys,
        fetch_pool_keys=fetch_pool_keys,
        invoker=invoker,
    )

    def realtime(service: AppSyncService) -> RealTime:
        return RealTime(
            apis=service,
            authorizer=authorizer,
            executor=service.executor,
            meters=meters,
            limits=config.limits,
            clock=clock,
        )

    return AppSyncService(
        meters=meters,
        limits=config.limits,
        sources=Sources(calls, invoker, addresses),
        authorizer=authorizer,
        make_realtime=realtime,
        endpoint=around.clients,
        clock=clock,
    )
