"""Refresh tokens: new tokens for old, rotation, revocation.

docs: Cognito Developer Guide, Refresh tokens; Refresh token rotation; Revoking tokens (read 2026)
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from typing import Any

from harness.emulator.services.base import AwsError
from harness.emulator.services.cognito.clients import AppClient
from harness.emulator.services.cognito.errors import invalid_parameter, not_authorized, user_disabled
from harness.emulator.services.cognito.pools import Registry, UserPool
from harness.emulator.services.cognito.tokens import (
    RefreshToken,
    Session,
    open_refresh_token,
    seal_refresh_token,
    signed_pair,
)
from harness.emulator.services.cognito.users import User

Json = dict[str, Any]


class Refreshing:
    """What can be done with a refresh token."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def refresh(self, pool: UserPool, client: AppClient, given: Mapping[str, str], now_s: float) -> Json:
        """REFRESH_TOKEN_AUTH: a new ID and access token; the refresh token goes on being good."""
        if not client.allows("REFRESH_TOKEN_AUTH"):
            raise invalid_parameter("Auth flow not enabled for this client")
        sealed = given.get("REFRESH_TOKEN")
        if not sealed:
            raise invalid_parameter("Missing required parameter REFRESH_TOKEN")
        token, user = self._opened(pool, client, sealed, now_s)
        client.check_secret_hash(given.get("SECRET_HASH"), user.username, user.sub)
        return {
            "ChallengeParameters": {},
            "AuthenticationResult": self._renewed(pool, client, user, token, now_s),
        }

    def exchange(self, body: Json, now_s: float) -> Json:
        """GetTokensFromRefreshToken."""
        pool, client = self._registry.client(body["ClientId"])
        _check_secret(client, body.get("ClientSecret"))
        token, user = self._opened(pool, client, body["RefreshToken"], now_s)
        result = self._renewed(pool, client, user, token, now_s)
        if client.rotates:
            pool.revocations.exchange(token.id, token.session.refresh_until_s, now_s)
            result["RefreshToken"] = seal_refresh_token(pool.keys, client, user, token.session)
        return {"AuthenticationResult": result}

    def revoke(self, body: Json, now_s: float) -> Json:
        """RevokeToken."""
        pool, client = self._registry.client(body["ClientId"])
        if client.secret is not None and not _same(client.secret, body.get("ClientSecret")):
            raise AwsError("UnauthorizedException", "Invalid client secret.")
        if not client.revokes:
            raise AwsError(
                "UnsupportedOperationException", "Token revocation is not enabled for this client."
            )
        if body["Token"].count(".") == 2:
            raise AwsError("UnsupportedTokenTypeException", "Only refresh tokens can be revoked.")
        try:
            token = open_refresh_token(pool.keys, body["Token"])
        except AwsError:
            raise invalid_parameter("Invalid Refresh Token") from None
        if token.client_id != client.id:
            raise AwsError("UnauthorizedException", "The token was not issued to this client.")
        pool.revocations.revoke(token.session, now_s)
        user = pool.users.by_sub(token.sub)
        if user is not None:
            pool.meters.active(user, now_s)
        return {}

    def _opened(
        self, pool: UserPool, client: AppClient, sealed: str, now_s: float
    ) -> tuple[RefreshToken, User]:
        token = open_refresh_token(pool.keys, sealed)
        user = pool.users.by_sub(token.sub)
        if token.client_id != client.id or user is None:
            raise not_authorized("Invalid Refresh Token")
        self._registry.user_quotas.take(user.sub, now_s)
        if now_s >= token.session.refresh_until_s:
            raise not_authorized("Refresh Token has expired")
        if pool.voided(user, token.session.number):
            raise not_authorized("Refresh Token has been revoked")
        exchanged_s = pool.revocations.exchanged_at(token.id)
        if exchanged_s is not None and now_s >= exchanged_s + client.grace_s:
            raise AwsError("RefreshTokenReuseException", "The refresh token was exchanged for a new one.")
        if not user.enabled:
            raise user_disabled()
        return token, user

    @staticmethod
    def _renewed(pool: UserPool, client: AppClient, user: User, token: RefreshToken, now_s: float) -> Json:
        pool.meters.token_refreshes.value += 1
        pool.meters.active(user, now_s)
        return token_result(pool, client, user, token.session, now_s)


def token_result(pool: UserPool, client: AppClient, user: User, session: Session, now_s: float) -> Json:
    """An AuthenticationResult without a refresh token."""
    claims = pool.group_claims(user)
    id_token, access_token = signed_pair(pool.keys, pool.issuer, client, user, session, claims, now_s)
    return {
        "AccessToken": access_token,
        "ExpiresIn": client.access_token_s,
        "IdToken": id_token,
        "TokenType": "Bearer",
    }


def _check_secret(client: AppClient, given: str | None) -> None:
    if client.secret is not None and not _same(client.secret, given):
        raise not_authorized(f"Unable to verify secret for client {client.id}")


def _same(secret: str, given: str | None) -> bool:
    return hmac.compare_digest(secret.encode(), (given or "").encode())
