"""Sign-ins that are under way: what a challenge was asked with, until it is answered once or too late."""

from __future__ import annotations

import base64
import secrets
from dataclasses import dataclass
from typing import Generic, TypeVar

from harness.emulator.services.cognito.errors import expired_session, wrong_session
from harness.emulator.services.cognito.srp import KeptPassword, ServerHalf

MAX_WAITING = 50_000
_TOKEN_BYTES = 192


@dataclass(frozen=True, slots=True)
class PasswordProof:
    """PASSWORD_VERIFIER was asked. `sub` is None for a user that does not exist."""

    client_id: str
    sub: str | None
    user_id: str
    half: ServerHalf


@dataclass(frozen=True, slots=True)
class NewPassword:
    """NEW_PASSWORD_REQUIRED was asked, of one who knows the temporary password: that which is kept as
    `password`."""

    client_id: str
    sub: str
    password: KeptPassword | None


Asked = TypeVar("Asked")


class Waiting(Generic[Asked]):
    """Challenges of one kind, by the token that the client holds. Beyond `max_waiting` the oldest go."""

    def __init__(self, max_waiting: int = MAX_WAITING) -> None:
        self._challenges: dict[str, tuple[Asked, float]] = {}
        self._max_waiting = max_waiting

    def ask(self, asked: Asked, until_s: float, now_s: float) -> str:
        """Keep a challenge, and the token to answer it with (base64)."""
        token = base64.b64encode(secrets.token_bytes(_TOKEN_BYTES)).decode()
        self._forget_old(now_s)
        self._challenges[token] = (asked, until_s)
        return token

    def get(self, token: str | None, now_s: float) -> Asked:
        """The challenge. Raises AwsError NotAuthorizedException when there is none, or it is too late."""
        found = self._challenges.get(token or "")
        if found is None:
            raise wrong_session()
        asked, until_s = found
        if now_s >= until_s:
            raise expired_session()
        return asked

    def take(self, token: str | None, now_s: float) -> Asked:
        """As `get`, and the token is used up."""
        asked = self.get(token, now_s)
        del self._challenges[token or ""]
        return asked

    def clear(self) -> None:
        """Forget all."""
        self._challenges.clear()

    def _forget_old(self, now_s: float) -> None:
        for token in list(_first(self._challenges, 8)):
            if now_s >= self._challenges[token][1]:
                del self._challenges[token]
        while len(self._challenges) >= self._max_waiting:
            del self._challenges[next(iter(self._challenges))]


def _first(challenges: dict[str, tuple[Asked, float]], count: int) -> list[str]:
    return [token for token, _ in zip(challenges, range(count), strict=False)]
