"""Password rules and what follows from wrong guesses: policy, temporary passwords, lockout.

docs: Cognito Developer Guide, Adding user pool password requirements; Lockout behaviour for failed sign-in
attempts (read 2026)
"""

from __future__ import annotations

import secrets
import string
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from harness.emulator.services.base import AwsError
from harness.emulator.services.cognito.errors import invalid_parameter

SYMBOLS = "^$*.[]{}()?\"!@#%&/\\,><':;|_~`=+- "
DEFAULT_TEMPORARY_DAYS = 7
FREE_ATTEMPTS = 5
MAX_LOCKOUT_S = 900.0
_KINDS = (
    ("RequireUppercase", "uppercase", string.ascii_uppercase),
    ("RequireLowercase", "lowercase", string.ascii_lowercase),
    ("RequireNumbers", "numeric", string.digits),
    ("RequireSymbols", "symbol", SYMBOLS),
)


@dataclass(frozen=True)
class PasswordPolicy:
    """What a pool asks of a password. `required` holds (name, word, characters) of each kind asked for."""

    minimum_length: int
    required: tuple[tuple[str, str, str], ...]
    temporary_days: int

    @classmethod
    def of(cls, given: Mapping[str, Any] | None) -> PasswordPolicy:
        """From the PasswordPolicy of an input; without one, all that AWS asks by default. Raises AwsError
        InvalidParameterException."""
        if given is None:
            return cls(8, _KINDS, DEFAULT_TEMPORARY_DAYS)
        minimum = int(given.get("MinimumLength", 6))
        if not 6 <= minimum <= 99:
            raise invalid_parameter("MinimumLength of the password policy must be between 6 and 99.")
        return cls(
            minimum,
            tuple(kind for kind in _KINDS if given.get(kind[0])),
            int(given.get("TemporaryPasswordValidityDays") or DEFAULT_TEMPORARY_DAYS),
        )

    def describe(self) -> dict[str, Any]:
        """As DescribeUserPool shows it."""
        return {
            "MinimumLength": self.minimum_length,
            **{kind[0]: kind in self.required for kind in _KINDS},
            "TemporaryPasswordValidityDays": self.temporary_days,
        }

    def check(self, password: str) -> None:
        """Raises AwsError InvalidPasswordException, saying what is missing."""
        if len(password) < self.minimum_length:
            raise _refused("Password not long enough")
        for _, word, characters in self.required:
            if not any(character in characters for character in password):
                raise _refused(f"Password must have {word} characters")
        if password != password.strip(" "):
            raise _refused("Password must not start or end with a space")

    def generate(self) -> str:
        """A temporary password that fits."""
        chosen = [secrets.choice(characters.strip()) for _, _, characters in self.required]
        while len(chosen) < max(self.minimum_length, 12):
            chosen.append(secrets.choice(string.ascii_letters + string.digits))
        secrets.SystemRandom().shuffle(chosen)
        return "".join(chosen)


def _refused(why: str) -> AwsError:
    return AwsError("InvalidPasswordException", f"Password did not conform with policy: {why}")


class Lockouts:
    """Wrong guesses of one pool's passwords. After five, each locks the user out for twice as long as the one
    before (one second, at most 15 minutes); a right one, or 15 minutes without any, forgets them."""

    def __init__(self, max_users: int = 100_000) -> None:
        self._failures: dict[str, tuple[int, float]] = {}
        self._max_users = max_users

    def locked(self, name: str, now_s: float) -> bool:
        """Whether `name` may not try now. A try meanwhile counts for nothing."""
        count, last_s = self._failures.get(name, (0, now_s))
        if now_s - last_s >= MAX_LOCKOUT_S:
            self._failures.pop(name, None)
            return False
        over = count - FREE_ATTEMPTS
        return over >= 0 and now_s - last_s < min(2.0 ** min(over, 10), MAX_LOCKOUT_S)

    def failed(self, name: str, now_s: float) -> None:
        """A wrong guess."""
        count, _ = self._failures.pop(name, (0, 0.0))
        if len(self._failures) >= self._max_users:
            self._failures.pop(next(iter(self._failures)))
        self._failures[name] = (count + 1, now_s)

    def succeeded(self, name: str) -> None:
        """A right one."""
        self._failures.pop(name, None)
