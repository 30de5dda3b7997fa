"""The access keys of the embedded AWS: `test`/`test`, and those that each function's environment is given.

A function's key must be recognized by every process, and processes share no objects. So a key carries what is
to be known of it: the session token names the principal, and the secret key follows from the two by a secret
that only the processes of one emulator know (HMAC-SHA256). Nothing is stored, and nothing can be made up.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from typing import Protocol

ROOT_ACCESS_KEY = "test"
ROOT_SECRET_KEY = "test"


@dataclass(frozen=True, slots=True)
class Principal:
    """Who holds an access key. `user_id` is what `aws sts get-caller-identity` calls UserId."""

    arn: str
    user_id: str
    secret_key: str


@dataclass(frozen=True, slots=True)
class Credentials:
    """A temporary access key, as an environment is given it."""

    access_key: str
    secret_key: str
    session_token: str

    def variables(self) -> dict[str, str]:
        """As the SDKs' environment variables."""
        return {
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
            "AWS_SESSION_TOKEN": self.session_token,
        }


class KeyRing(Protocol):
    """Who recognizes access keys."""

    async def find(self, access_key: str, session_token: str | None) -> Principal | None:
        """Who holds `access_key`, or None when it is unknown."""


class AccessKeys:
    """Issues and recognizes access keys. `secret` is the emulator's; without one none are issued and only
    `test` is known. `account_id` is that of `test`."""

    def __init__(self, secret: str, account_id: str = "000000000000") -> None:
        self._secret = secret.encode()
        self._root = Principal(f"arn:aws:iam::{account_id}:root", account_id, ROOT_SECRET_KEY)

    def issue(self, principal_arn: str) -> Credentials:
        """A new key for `principal_arn`."""
        access_key = f"ASIA{secrets.token_hex(8).upper()}"
        token = urlsafe_b64encode(principal_arn.encode()).decode() + "." + secrets.token_urlsafe(24)
        return Credentials(access_key, self._secret_key(access_key, token), token)

    async def find(self, access_key: str, session_token: str | None) -> Principal | None:
        """Who holds `access_key`, or None when it is unknown. A key that was issued is known only together
        with its session token: with another, its secret key is another."""
        if access_key == ROOT_ACCESS_KEY:
            return self._root
        if not self._secret or not session_token or not access_key.startswith("ASIA"):
            return None
        try:
            arn = urlsafe_b64decode(session_token.partition(".")[0]).decode()
        except ValueError:
            return None
        name = arn.rpartition("/")[2]
        return Principal(arn, f"{access_key}:{name}", self._secret_key(access_key, session_token))

    def _secret_key(self, access_key: str, session_token: str) -> str:
        digest = hmac.digest(self._secret, f"{access_key}\n{session_token}".encode(), hashlib.sha256)
        return urlsafe_b64encode(digest)[:40].decode()
