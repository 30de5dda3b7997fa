"""ID, access and refresh tokens: what they say, how they are signed, and what makes them void.

ID and access tokens are JWTs signed with the pool's own keys (RS256); a refresh token is sealed (a JWE) for
the pool alone. None is kept: a token carries the number of its session, and what is kept is which sessions
were revoked and before which session a user signed out everywhere. The number is the last group of
`origin_jti`, a UUID for everybody else.
docs: Cognito Developer Guide, Understanding user pool JSON web tokens; Revoking tokens (read 2026)
"""

from __future__ import annotations

import base64
import binascii
import secrets
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from harness.emulator.services.base import AwsError
from harness.emulator.services.cognito.clients import AppClient
from harness.emulator.services.cognito.errors import not_authorized
from harness.emulator.services.cognito.keys import PoolKeys
from harness.emulator.services.cognito.users import User

MAX_TOKEN_LENGTH = 16_384
SCOPE = "aws.cognito.signin.user.admin"
_BOOLEANS = frozenset({"email_verified", "phone_number_verified"})
_SESSION_BITS = 48


@dataclass(frozen=True, slots=True)
class Session:
    """One sign-in, whose tokens stand and fall together. `number` rises from sign-in to sign-in."""

    number: int
    origin_jti: str
    auth_time_s: int
    refresh_until_s: float

    @classmethod
    def begin(cls, number: int, client: AppClient, now_s: float) -> Session:
        """A user of `client` signs in now."""
        noise = uuid.UUID(int=secrets.randbits(128), version=4).int >> _SESSION_BITS << _SESSION_BITS
        origin = str(uuid.UUID(int=noise | number))
        return cls(number, origin, int(now_s), now_s + client.refresh_token_s)


def session_number(origin_jti: str) -> int:
    """The number within an `origin_jti`. Raises ValueError when it is none."""
    return int(uuid.UUID(origin_jti).int & ((1 << _SESSION_BITS) - 1))


class Revocations:
    """Sessions of one pool that were revoked, until their refresh tokens would have expired anyway, and
    refresh tokens that were exchanged for new ones."""

    def __init__(self) -> None:
        self._sessions: dict[int, float] = {}
        self._exchanged: dict[str, tuple[float, float]] = {}

    def revoke(self, session: Session, now_s: float) -> None:
        """Void the tokens of a session."""
        self._sessions[session.number] = session.refresh_until_s
        for number in list(self._sessions)[:8]:
            if self._sessions[number] <= now_s:
                del self._sessions[number]

    def revoked(self, number: int) -> bool:
        """Whether that session's tokens are void."""
        return number in self._sessions

    def exchange(self, token_id: str, until_s: float, now_s: float) -> None:
        """Note that a refresh token was exchanged for a new one."""
        self._exchanged.setdefault(token_id, (now_s, until_s))
        for old in list(self._exchanged)[:8]:
            if self._exchanged[old][1] <= now_s:
                del self._exchanged[old]

    def exchanged_at(self, token_id: str) -> float | None:
        """When that refresh token was exchanged, or None."""
        found = self._exchanged.get(token_id)
        return None if found is None else found[0]


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """What a refresh token says."""

    id: str
    client_id: str
    sub: str
    session: Session


def seal_refresh_token(keys: PoolKeys, client: AppClient, user: User, session: Session) -> str:
    """A new refresh token of that session."""
    from joserfc import jwe

    claims = {
        "jti": str(uuid.uuid4()),
        "client_id": client.id,
        "sub": user.sub,
        "number": session.number,
        "origin_jti": session.origin_jti,
        "auth_time": session.auth_time_s,
        "exp": session.refresh_until_s,
    }
    header = {"cty": "JWT", "enc": "A256GCM", "alg": "dir"}
    return jwe.encrypt_compact(header, orjson.dumps(claims), keys.sealing, algorithms=["dir", "A256GCM"])


def open_refresh_token(keys: PoolKeys, token: str) -> RefreshToken:
    """The inverse. Raises AwsError NotAuthorizedException for what this pool did not seal."""
    from joserfc import jwe
    from joserfc.errors import JoseError

    if len(token) > MAX_TOKEN_LENGTH:
        raise not_authorized("Invalid Refresh Token")
    try:
        opened = jwe.decrypt_compact(token, keys.sealing, algorithms=["dir", "A256GCM"])
    except (JoseError, ValueError, TypeError, KeyError):
        raise not_authorized("Invalid Refresh Token") from None
    claims: dict[str, Any] = orjson.loads(opened.plaintext or b"")
    session = Session(claims["number"], claims["origin_jti"], claims["auth_time"], claims["exp"])
    return RefreshToken(claims["jti"], claims["client_id"], claims["sub"], session)


@dataclass(frozen=True, slots=True)
class GroupClaims:
    """A user's groups as its tokens show them, by precedence, with the roles of those that have one."""

    names: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    preferred_role: str | None = None


def signed_pair(
    keys: PoolKeys,
    issuer: str,
    client: AppClient,
    user: User,
    session: Session,
    groups: GroupClaims,
    now_s: float,
) -> tuple[str, str]:
    """The ID and the access token of a user who signs in, or refreshes, now."""
    iat = int(now_s)
    common: dict[str, Any] = {
        "sub": user.sub,
        "iss": issuer,
        "event_id": str(uuid.uuid4()),
        "auth_time": session.auth_time_s,
        "iat": iat,
    }
    if groups.names:
        common["cognito:groups"] = list(groups.names)
    if client.revokes:
        common["origin_jti"] = session.origin_jti
    id_claims = {
        **common,
        **_attribute_claims(client, user),
        **_role_claims(groups),
        "cognito:username": user.username,
        "aud": client.id,
        "token_use": "id",
        "exp": iat + client.id_token_s,
        "jti": str(uuid.uuid4()),
    }
    access_claims = {
        **common,
        "client_id": client.id,
        "username": user.username,
        "token_use": "access",
        "scope": SCOPE,
        "exp": iat + client.access_token_s,
        "jti": str(uuid.uuid4()),
    }
    return _signed(id_claims, keys.id_token), _signed(access_claims, keys.access_token)


def _attribute_claims(client: AppClient, user: User) -> dict[str, Any]:
    claims: dict[str, Any] = {}
    for name, value in user.attributes.items():
        if not client.may_read(name) or name.startswith("dev:"):
            continue
        if name in _BOOLEANS:
            claims[name] = value == "true"
        elif name == "address":
            claims[name] = {"formatted": value}
        elif name == "updated_at":
            claims[name] = int(value)
        else:
            claims[name] = value
    return claims


def _role_claims(groups: GroupClaims) -> dict[str, Any]:
    claims: dict[str, Any] = {}
    if groups.roles:
        claims["cognito:roles"] = list(groups.roles)
    if groups.preferred_role:
        claims["cognito:preferred_role"] = groups.preferred_role
    return claims


def _signed(claims: dict[str, Any], key: Any) -> str:
    from joserfc import jws

    header = {"kid": key.kid, "alg": "RS256"}
    return jws.serialize_compact(header, orjson.dumps(claims), key, algorithms=["RS256"])


def unverified_claims(token: str) -> Mapping[str, Any]:
    """What a token says of itself, to know whose key to try. Raises AwsError NotAuthorizedException for what
    is no JWT."""
    parts = token.split(".")
    try:
        if len(parts) != 3 or len(token) > MAX_TOKEN_LENGTH:
            raise invalid_access_token()
        claims = orjson.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (binascii.Error, ValueError):
        raise invalid_access_token() from None
    if not isinstance(claims, dict):
        raise invalid_access_token()
    return claims


def verified_access_claims(keys: PoolKeys, issuer: str, token: str, now_s: float) -> Mapping[str, Any]:
    """The claims of an access token that this pool signed and that is still good by the clock.

    Raises AwsError NotAuthorizedException: another key or algorithm, another use, expired."""
    from joserfc import jws
    from joserfc.errors import JoseError

    try:
        signed = jws.deserialize_compact(token, keys.access_token, algorithms=["RS256"])
    except (JoseError, ValueError, TypeError):
        raise not_authorized("Could not verify signature for Access Token") from None
    claims: dict[str, Any] = orjson.loads(signed.payload)
    if claims["iss"] != issuer or claims["token_use"] != "access":
        raise invalid_access_token()
    if now_s >= claims["exp"]:
        raise not_authorized("Access Token has expired")
    return claims


def invalid_access_token() -> AwsError:
    """What is no access token of any pool here."""
    return not_authorized("Invalid Access Token")
