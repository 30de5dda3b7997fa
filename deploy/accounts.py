"""The accounts of a deployment, and what they identify themselves with, derived from its seed.

A publishable key is in every installed app: it is no secret. A secret key is for an account's own back end, a
password for a user of its front end. The seed is kept with the deployment, as a secret, so that a generator
can derive the keys of any account without a list of them.
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


def secret_key(seed: str, account: str) -> str:
    """The key that the back end of `account` authenticates with."""
    return "sk_" + _derived(seed, f"secret {account}")[:48]


def secret_sha256(seed: str, account: str) -> str:
    """What the table `accounts` holds of the secret key."""
    return hashlib.sha256(secret_key(seed, account).encode()).hexdigest()


def username(account: str) -> str:
    """The user of the front end of `account`."""
    return f"{account}.user"


def password(seed: str, account: str) -> str:
    """The password of that user: of every kind of character that a user pool can ask for."""
    return "Lp1-" + _derived(seed, f"password {account}")[:28]


def _derived(seed: str, what: str) -> str:
    return hmac.new(seed.encode(), what.encode(), hashlib.sha256).hexdigest()


def new_seed() -> str:
    """A seed for a new deployment."""
    return secrets.token_hex(16)
