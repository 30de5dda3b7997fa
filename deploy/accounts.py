"""The accounts of a deployment, and their publishable keys, derived from its seed.

A publishable key is in every installed app: it is no secret. The seed is kept with the deployment, so that a
generator can derive the key of any account without a list of them.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets

DISABLED = "acct_disabled"
"""An account that every deployment has, and that is refused."""


def account_id(number: int) -> str:
    """The id of account `number`, from 0."""
    return f"acct_{number + 1:06d}"


def publishable_key(seed: str, account: str) -> str:
    """The key that the apps of `account` carry."""
    return "pk_" + hmac.new(seed.encode(), account.encode(), hashlib.sha256).hexdigest()[:40]


def new_seed() -> str:
    """A seed for a new deployment."""
    return secrets.token_hex(16)
