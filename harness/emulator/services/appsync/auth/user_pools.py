"""Callers whom a Cognito user pool vouches for.

docs: AppSync Developer Guide, AMAZON_COGNITO_USER_POOLS authorization; API Reference, UserPoolConfig; Amazon
Cognito Developer Guide, Verifying JSON web tokens (read 2026-11). The issuer chooses the pool, ID and access
tokens are taken, and the app client must fit appIdClientRegex where there is one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from harness.emulator.services.appsync.auth import tokens
from harness.emulator.services.appsync.auth.keys import PoolKeys
from harness.emulator.services.appsync.auth.refusals import not_authorized
from harness.emulator.services.appsync.identity import Identity
from harness.emulator.services.appsync.model import UserPool


def issuer_of(pool: UserPool) -> str:
    """What the pool's tokens carry as `iss`."""
    return f"https://cognito-idp.{pool.region}.amazonaws.com/{pool.user_pool_id}"


async def authorize(
    text: str,
    pools: Iterable[UserPool],
    keys: PoolKeys,
    verifier: tokens.Verifier,
    *,
    source_ip: str,
    now_s: float,
) -> Identity:
    """The user whose token `text` is. Several configurations may name the same pool with other clients.

    Raises RequestRefused."""
    token = tokens.read(text)
    candidates = [pool for pool in pools if issuer_of(pool) == token.issuer]
    if not candidates:
        raise not_authorized()
    key = await keys.find(candidates[0].user_pool_id, candidates[0].region, token.key_id, now_s)
    if key is None:
        raise not_authorized()
    verifier.verify(token, key, now_s)
    client_id = _client_id(token)
    pool = next((pool for pool in candidates if _admits(pool, client_id)), None)
    if pool is None:
        raise not_authorized()
    return _identity(token, pool, source_ip)


def _client_id(token: tokens.Token) -> str:
    """The app client that the token was made for: `aud` of an ID token, `client_id` of an access token."""
    use = token.claims.get("token_use")
    client_id = token.claims.get({"id": "aud", "access": "client_id"}.get(str(use), ""))
    if not isinstance(client_id, str) or not client_id:
        raise not_authorized()
    return client_id


def _admits(pool: UserPool, client_id: str) -> bool:
    if not pool.client_id_regex:
        return True
    pattern = _compiled(pool.client_id_regex)
    return pattern is not None and pattern.fullmatch(client_id) is not None


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> re.Pattern[str] | None:
    """None for what is no regular expression: it fits nothing."""
    try:
        return re.compile(pattern)
    except re.error:
        return None


def _identity(token: tokens.Token, pool: UserPool, source_ip: str) -> Identity:
    """`$ctx.identity`. docs: Resolver mapping template context reference, Identity"""
    claims = token.claims
    username = claims.get("cognito:username", claims.get("username"))
    given = claims.get("cognito:groups")
    groups = tuple(str(group) for group in given) if isinstance(given, list) else ()
    return Identity(
        "AMAZON_COGNITO_USER_POOLS",
        {
            "sub": claims.get("sub"),
            "issuer": token.issuer,
            "username": username,
            "claims": claims,
            "sourceIp": [source_ip],
            "defaultAuthStrategy": pool.default_action,
            "groups": list(groups) if groups else None,
        },
        groups,
    )
