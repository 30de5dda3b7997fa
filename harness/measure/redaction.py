"""Keeps secrets out of what a run stores: by the name a value stands under, or by its form."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

REDACTED = "[not stored]"

_SECRET_WORDS = frozenset(
    {
        *("secret", "secrets", "password", "passwords", "passphrase", "token", "tokens"),
        *("credential", "credentials", "authorization"),
    }
)
# A key of these is a name, not a secret.
_HARMLESS_KEYS = frozenset({"partition", "sort", "hash", "range", "primary", "object", "s3", "metric"})
_ACCESS_KEY_ID = re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b")
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")


def is_secret_name(name: str) -> bool:
    """Whether what stands under `name` is a secret: `secret_key`, `apiKeys`, `session_token`, ...;
    not `partition_key`."""
    words = [word.lower() for word in _WORDS.findall(name)]
    if _SECRET_WORDS.intersection(words):
        return True
    return bool(words) and words[-1] in ("key", "keys") and not _HARMLESS_KEYS.intersection(words)


def redact(value: Any) -> Any:
    """A copy of a JSON value with `[not stored]` in the place of every secret."""
    if isinstance(value, Mapping):
        return {
            str(name): REDACTED if is_secret_name(str(name)) and item not in (None, "") else redact(item)
            for name, item in value.items()
        }
    if isinstance(value, list | tuple):
        return [redact(item) for item in value]
    if isinstance(value, str):
        return _ACCESS_KEY_ID.sub(REDACTED, value)
    return value
