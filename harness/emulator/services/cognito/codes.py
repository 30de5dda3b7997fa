"""Confirmation codes, and the messages that would carry them.

A code is six digits, for one user and one purpose; a new one takes the place of the one before. No mail and
no SMS leaves the machine: messages are kept, the latest thousands, and listed at
`/_launchday/cognito/messages`, where a rehearsal reads the code that its user would.
docs: Cognito quotas, code security (read 2026): validity of codes, tries an hour
"""

from __future__ import annotations

import hmac
import secrets
from collections import deque
from collections.abc import Mapping
from typing import Any, NamedTuple

from harness.emulator.services.cognito.errors import attempts_exceeded, code_expired, code_mismatch

HOUR_S = 3_600.0
SIGN_UP = "sign_up"
FORGOT_PASSWORD = "forgot_password"
VALIDITY_S: Mapping[str, float] = {SIGN_UP: 24 * HOUR_S, FORGOT_PASSWORD: HOUR_S}
"""By purpose; that of an attribute to verify is the attribute's name."""
_ATTRIBUTE_VALIDITY_S = 24 * HOUR_S
MAX_MESSAGES = 5_000
_MAX_COUNTED = 100_000


class Message(NamedTuple):
    """What a user would have got by mail or SMS. `secret` is the code, or a temporary password."""

    at_s: float
    user_pool_id: str
    username: str
    destination: str
    medium: str
    purpose: str
    secret: str


class Mailbox:
    """The latest messages of all pools."""

    def __init__(self, max_messages: int = MAX_MESSAGES) -> None:
        self._messages: deque[Message] = deque(maxlen=max_messages)

    def post(self, message: Message) -> None:
        """Keep a message."""
        self._messages.append(message)

    def listed(self) -> list[dict[str, Any]]:
        """All of them, oldest first, as JSON can hold them."""
        return [message._asdict() for message in self._messages]

    def clear(self) -> None:
        """Forget them."""
        self._messages.clear()


class _Code(NamedTuple):
    digits: str
    until_s: float


class Codes:
    """The codes of one pool that are waiting for their users; keys are a user's `sub` and a purpose."""

    def __init__(self) -> None:
        self._waiting: dict[tuple[str, str], _Code] = {}

    def issue(self, sub: str, purpose: str, now_s: float) -> str:
        """A new code."""
        digits = f"{secrets.randbelow(1_000_000):06d}"
        self._waiting.pop((sub, purpose), None)
        self._waiting[sub, purpose] = _Code(digits, now_s + VALIDITY_S.get(purpose, _ATTRIBUTE_VALIDITY_S))
        self._forget_old(now_s)
        return digits

    def waits(self, sub: str, purpose: str, now_s: float) -> bool:
        """Whether there is a code that is still good."""
        code = self._waiting.get((sub, purpose))
        return code is not None and now_s < code.until_s

    def redeem(self, sub: str, purpose: str, digits: str, now_s: float) -> None:
        """Use a code up. Raises AwsError ExpiredCodeException or CodeMismatchException."""
        self.check(sub, purpose, digits, now_s)
        del self._waiting[sub, purpose]

    def check(self, sub: str, purpose: str, digits: str, now_s: float) -> None:
        """As `redeem`, and the code stays good."""
        code = self._waiting.get((sub, purpose))
        if code is None or now_s >= code.until_s:
            raise code_expired()
        if not hmac.compare_digest(code.digits.encode(), digits.encode()):
            raise code_mismatch()

    def forget(self, sub: str) -> None:
        """Drop a user's codes."""
        for key in [key for key in self._waiting if key[0] == sub]:
            del self._waiting[key]

    def _forget_old(self, now_s: float) -> None:
        for key in list(self._waiting)[:8]:  # a few of the oldest each time keep it small
            if now_s >= self._waiting[key].until_s:
                del self._waiting[key]


class HourlyTries:
    """How often a user may do something in an hour of the clock, by operation. Names of users that do not
    exist are counted alike; beyond a hundred thousand of all, counting begins anew."""

    def __init__(self) -> None:
        self._hour = -1
        self._counts: dict[tuple[str, str], int] = {}

    def take(self, operation: str, name: str, most: int, now_s: float) -> None:
        """Count a try. Raises AwsError LimitExceededException beyond `most` in this hour."""
        hour = int(now_s // HOUR_S)
        if hour != self._hour or len(self._counts) >= _MAX_COUNTED:
            self._hour = hour
            self._counts.clear()
        count = self._counts.get((operation, name), 0)
        if count >= most:
            raise attempts_exceeded()
        self._counts[operation, name] = count + 1
