"""Who an access token speaks for."""

from __future__ import annotations

from dataclasses import dataclass

from harness.emulator.services.cognito.clients import AppClient
from harness.emulator.services.cognito.errors import no_such_user, not_authorized, user_disabled
from harness.emulator.services.cognito.pools import Registry, UserPool
from harness.emulator.services.cognito.tokens import (
    invalid_access_token,
    session_number,
    unverified_claims,
    verified_access_claims,
)
from harness.emulator.services.cognito.users import User


@dataclass(frozen=True, slots=True)
class Bearer:
    """The user, and the client that the user signed in with."""

    pool: UserPool
    client: AppClient
    user: User


def bearer(registry: Registry, token: str, now_s: float) -> Bearer:
    """Who `token` speaks for.

    Raises AwsError NotAuthorizedException when it is no access token that a pool here signed and that is
    still good, or its user is disabled; UserNotFoundException when its user was deleted."""
    issuer = unverified_claims(token).get("iss")
    pool = registry.pools.get(issuer.rpartition("/")[2]) if isinstance(issuer, str) else None
    if pool is None:
        raise invalid_access_token()
    claims = verified_access_claims(pool.keys, pool.issuer, token, now_s)
    user = pool.users.by_sub(claims["sub"])
    if user is None:
        raise no_such_user()
    client = pool.clients.get(claims["client_id"])
    origin = claims.get("origin_jti")
    if client is None or (origin is not None and pool.voided(user, session_number(origin))):
        raise not_authorized("Access Token has been revoked")
    if not user.enabled:
        raise user_disabled()
    registry.user_quotas.take(user.sub, now_s)
    return Bearer(pool, client, user)
