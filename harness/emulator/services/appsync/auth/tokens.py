"""JSON Web Tokens: read without trust, then verified with a key that the issuer published.

docs: Amazon Cognito Developer Guide, Verifying JSON web tokens (read 2026-11): the algorithm is RS256 and
nothing that the token says changes that; the key is the one whose `kid` the header names; then the claims
are looked at. joserfc is loaded at the first token: it takes a quarter of a second.
"""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64decode
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from harness.emulator.services.appsync.auth.refusals import (
    expired_token,
    not_authorized,
    unreadable_token,
)

ALGORITHM = "RS256"
CLOCK_SKEW_S = 60.0
"""How far in the future a token's `iat` and `nbf` may lie. AWS documents none for AppSync: assumed."""
MAX_TOKEN_CHARS = 16 * 1024
MAX_REMEMBERED = 20_000
"""Tokens that are known to be signed well: some 200 bytes each."""


@dataclass(frozen=True, slots=True)
class Token:
    """A token as it reads; nothing of it is verified yet. `text` is the token itself."""

    text: str
    key_id: str
    algorithm: str
    claims: Mapping[str, Any]

    @property
    def issuer(self) -> str:
        """The claim `iss`, or nothing."""
        issuer = self.claims.get("iss")
        return issuer if isinstance(issuer, str) else ""


def bare(authorization: str) -> str:
    """The token of `Bearer <token>` or of a header that is just a token.

    docs: Building a real-time WebSocket client: "The header can use a Bearer scheme"."""
    scheme, _, rest = authorization.strip().partition(" ")
    return rest.strip() if scheme.lower() == "bearer" and rest else authorization.strip()


def looks_like_token(text: str) -> bool:
    """Whether `text` has the form of a signed JWT: three parts, of which the first is a JSON header."""
    parts = text.split(".")
    return len(parts) == 3 and isinstance(_json(parts[0]), dict)


def read(text: str) -> Token:
    """The token's header and claims. Raises RequestRefused when it is no JWT."""
    parts = text.split(".")
    if len(parts) != 3 or len(text) > MAX_TOKEN_CHARS:
        raise unreadable_token()
    header, claims = _json(parts[0]), _json(parts[1])
    if not isinstance(header, dict) or not isinstance(claims, dict):
        raise unreadable_token()
    return Token(text, str(header.get("kid", "")), str(header.get("alg", "")), claims)


class Verifier:
    """Verifies signatures, and remembers which it has: a client sends the same token with each request, and
    to check one takes half a millisecond. A token counts as verified as long as its key is the same object;
    keys that were fetched again are others."""

    def __init__(self) -> None:
        self._verified: OrderedDict[bytes, Mapping[str, Any]] = OrderedDict()

    def verify(self, token: Token, key: Mapping[str, Any], now_s: float) -> None:
        """Check the signature with the published key, and the token's times. Raises RequestRefused."""
        digest = hashlib.sha256(token.text.encode()).digest()
        if self._verified.get(digest) is not key:
            _check_signature(token, key)
            self._verified[digest] = key
            if len(self._verified) > MAX_REMEMBERED:
                self._verified.popitem(last=False)
        self._verified.move_to_end(digest)
        check_times(token, now_s)


def _check_signature(token: Token, key: Mapping[str, Any]) -> None:
    from joserfc import jws
    from joserfc.errors import JoseError
    from joserfc.jwk import RSAKey

    if token.algorithm != ALGORITHM or key.get("kty") != "RSA" or key.get("alg", ALGORITHM) != ALGORITHM:
        raise not_authorized()
    try:
        jws.deserialize_compact(token.text, RSAKey.import_key(dict(key)), algorithms=[ALGORITHM])
    except (JoseError, ValueError, TypeError):
        raise not_authorized() from None


def check_times(token: Token, now_s: float) -> None:
    """`exp` must be there and ahead; `nbf` and `iat`, where they are, not ahead. Raises RequestRefused."""
    expires_s = number(token.claims.get("exp"))
    if expires_s is None:
        raise not_authorized()
    if now_s >= expires_s:
        raise expired_token()
    for name in ("nbf", "iat"):
        if name in token.claims:
            since_s = number(token.claims[name])
            if since_s is None or since_s > now_s + CLOCK_SKEW_S:
                raise not_authorized()


def number(value: Any) -> float | None:
    """A NumericDate, or None when it is not one."""
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _json(part: str) -> Any:
    try:
        return orjson.loads(urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except ValueError:
        return None
