"""The keys by which user pools sign, fetched from each pool's well-known address and kept.

docs: Amazon Cognito Developer Guide, Verifying JSON web tokens (read 2026-11): keys are to be cached by
`kid`, and fetched again when a token names one that is not there. A stranger can name any, so that is done
at most once in `MIN_REFRESH_S` a pool; and keys are looked at again after `MAX_AGE_S`, so that one that was
withdrawn is not believed for ever.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

MIN_REFRESH_S = 10.0
MAX_AGE_S = 3600.0
MAX_POOLS = 1_000
FETCH_TIMEOUT_S = 5.0

log = logging.getLogger(__name__)

Fetch = Callable[[str, str], Awaitable[bytes]]
"""The body of `/{poolId}/.well-known/jwks.json`, by the pool's id and Region.
Raises OSError or TimeoutError."""


@dataclass(slots=True)
class _Pool:
    """What is known of a pool's keys, by `kid`, and when it was asked."""

    keys: dict[str, Mapping[str, Any]]
    asked_s: float


class PoolKeys:
    """The keys of all pools that tokens were seen of."""

    def __init__(self, fetch: Fetch) -> None:
        self._fetch = fetch
        self._pools: dict[tuple[str, str], _Pool] = {}
        self._asking: dict[tuple[str, str], asyncio.Task[_Pool]] = {}

    async def find(self, pool_id: str, region: str, key_id: str, now_s: float) -> Mapping[str, Any] | None:
        """The key `key_id` of the pool, or None when the pool has no such key or does not answer."""
        name = (pool_id, region)
        pool = self._pools.get(name)
        if pool is not None:
            age_s = now_s - pool.asked_s
            if age_s < MIN_REFRESH_S or (key_id in pool.keys and age_s < MAX_AGE_S):
                return pool.keys.get(key_id)
        task = self._asking.get(name)
        if task is None:
            task = self._asking[name] = asyncio.create_task(self._ask(name, now_s))
            task.add_done_callback(lambda _done: self._asking.pop(name, None))
        return (await asyncio.shield(task)).keys.get(key_id)

    def forget(self) -> None:
        """Forget all keys."""
        self._pools.clear()

    async def _ask(self, name: tuple[str, str], now_s: float) -> _Pool:
        known = self._pools.get(name)
        try:
            async with asyncio.timeout(FETCH_TIMEOUT_S):
                keys = _by_id(await self._fetch(*name))
        except (OSError, TimeoutError, ValueError) as error:
            log.warning("The keys of user pool %s cannot be had: %s", name[0], error)
            keys = known.keys if known is not None else {}
        if len(self._pools) >= MAX_POOLS:
            self._pools.pop(next(iter(self._pools)))
        pool = self._pools[name] = _Pool(keys, now_s)
        return pool


def _by_id(body: bytes) -> dict[str, Mapping[str, Any]]:
    """Raises ValueError for what is no key set."""
    parsed = orjson.loads(body)
    keys = parsed.get("keys") if isinstance(parsed, dict) else None
    if not isinstance(keys, list):
        raise ValueError("it is no JSON Web Key Set")
    return {str(key["kid"]): key for key in keys if isinstance(key, dict) and "kid" in key}
