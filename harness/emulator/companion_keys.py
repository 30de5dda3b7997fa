"""The access keys that the companion of a LocalStack recognizes, where a signature is verified at all:
AppSync's authorization by IAM.

LocalStack verifies no signature, and takes any access key; one of twelve digits is the account's. So the
customary ones are known here by the customary secret, `test`: the key `test`, and every key of twelve digits.
Functions have keys of LocalStack's STS, and each environment is started here with its own, so those are known
as long as the environment lives. Any other is refused, as AWS refuses a key that it does not know.
"""

from __future__ import annotations

import hmac
import re

from harness.emulator.services.credentials import ROOT_ACCESS_KEY, ROOT_SECRET_KEY, Credentials, Principal

_ACCOUNT = re.compile(r"[0-9]{12}")


class HeldKeys:
    """`KeyRing`: the customary keys, and those that environments hold."""

    def __init__(self, account_id: str = "000000000000") -> None:
        self._root_account = account_id
        self._held: dict[str, tuple[Principal, str]] = {}

    def hold(self, credentials: Credentials, principal_arn: str) -> None:
        """Know a key from now on."""
        name = principal_arn.rpartition("/")[2]
        principal = Principal(principal_arn, f"{credentials.access_key}:{name}", credentials.secret_key)
        self._held[credentials.access_key] = (principal, credentials.session_token)

    def release(self, access_key: str) -> None:
        """Know it no longer."""
        self._held.pop(access_key, None)

    def find(self, access_key: str, session_token: str | None) -> Principal | None:
        """Who holds `access_key`, or None. A held key is known only together with its session token."""
        held = self._held.get(access_key)
        if held is not None:
            principal, token = held
            return principal if hmac.compare_digest(token.encode(), (session_token or "").encode()) else None
        if access_key == ROOT_ACCESS_KEY:
            return _root(self._root_account)
        return _root(access_key) if _ACCOUNT.fullmatch(access_key) else None


def _root(account_id: str) -> Principal:
    return Principal(f"arn:aws:iam::{account_id}:root", account_id, ROOT_SECRET_KEY)
