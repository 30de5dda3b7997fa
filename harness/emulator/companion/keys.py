"""The access keys that the companion of a LocalStack recognizes, where a signature is verified at all:
AppSync's authorization by IAM.

LocalStack verifies no signature, and takes any access key; one of twelve digits is the account's. So the
customary ones are known here by the customary secret, `test`: the key `test`, and every key of twelve digits.
Functions have keys of LocalStack's STS, and each environment that is started here has its own, so those are
known as long as the environment lives. Of other keys of its STS (those of functions that LocalStack runs
itself, of whoever assumed a role) LocalStack is asked: the extension in it answers who knows the session
token. Any other is refused, as AWS refuses a key that it does not know.
"""

from __future__ import annotations

import hmac
import logging
import re

import aiohttp
import orjson

from harness.emulator.services.credentials import ROOT_ACCESS_KEY, ROOT_SECRET_KEY, Credentials, Principal

ISSUED_KEYS_PATH = "/_launchday/issued-keys"
"""At LocalStack: who holds a key that it issued; see issued_keys.py in localstack/extension."""
MAX_REMEMBERED = 1_000
_ACCOUNT_OF_TEST = "000000000000"
_ACCOUNT = re.compile(r"[0-9]{12}")
_TEMPORARY = re.compile(r"[AL]SIA[A-Z0-9]{12,124}")
_TIMEOUT = aiohttp.ClientTimeout(total=5.0)

log = logging.getLogger(__name__)


class IssuedKeys:
    """The keys that the LocalStack at `url` issued. Who held one is remembered."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._session = session
        self._url = url
        self._remembered: dict[tuple[str, str], Principal] = {}

    async def find(self, access_key: str, session_token: str) -> Principal | None:
        """Who holds it, or None when LocalStack does not know it or does not say."""
        if not _TEMPORARY.fullmatch(access_key):
            return None
        known = self._remembered.get((access_key, session_token))
        if known is not None:
            return known
        try:
            principal = await self._ask(access_key, session_token)
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError, KeyError) as error:
            log.warning("LocalStack does not say who holds the access key %s: %r", access_key, error)
            return None
        if principal is not None:
            if len(self._remembered) >= MAX_REMEMBERED:
                self._remembered.pop(next(iter(self._remembered)))
            self._remembered[access_key, session_token] = principal
        return principal

    async def _ask(self, access_key: str, session_token: str) -> Principal | None:
        asked = {"access_key": access_key, "session_token": session_token}
        async with self._session.post(self._url + ISSUED_KEYS_PATH, json=asked, timeout=_TIMEOUT) as answer:
            body = await answer.read()
        if answer.status == 404:
            return None
        if answer.status != 200:
            raise ValueError(f"it answered {answer.status}")
        told = orjson.loads(body)
        return Principal(told["arn"], told["user_id"], told["secret_key"])


class HeldKeys:
    """`KeyRing`: the customary keys, those that environments hold, and those that LocalStack `issued`."""

    def __init__(self, issued: IssuedKeys | None = None) -> None:
        self._issued = issued
        self._held: dict[str, tuple[Principal, str]] = {}

    def hold(self, credentials: Credentials, principal_arn: str) -> None:
        """Know a key from now on."""
        name = principal_arn.rpartition("/")[2]
        principal = Principal(principal_arn, f"{credentials.access_key}:{name}", credentials.secret_key)
        self._held[credentials.access_key] = (principal, credentials.session_token)

    def release(self, access_key: str) -> None:
        """Know it no longer."""
        self._held.pop(access_key, None)

    async def find(self, access_key: str, session_token: str | None) -> Principal | None:
        """Who holds `access_key`, or None. A temporary key is known only together with its session token."""
        held = self._held.get(access_key)
        if held is not None:
            principal, token = held
            return principal if hmac.compare_digest(token.encode(), (session_token or "").encode()) else None
        if access_key == ROOT_ACCESS_KEY:
            return _root(_ACCOUNT_OF_TEST)
        if _ACCOUNT.fullmatch(access_key):
            return _root(access_key)
        if self._issued is None or not session_token:
            return None
        return await self._issued.find(access_key, session_token)


def _root(account_id: str) -> Principal:
    return Principal(f"arn:aws:iam::{account_id}:root", account_id, ROOT_SECRET_KEY)
