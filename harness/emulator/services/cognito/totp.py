"""Time-based one-time passwords, as authenticator apps make them.

docs: RFC 6238 (SHA-1, 30 s, six digits, which is what AWS's software tokens are); one step of clock drift to
either side is let pass, and a code is good once (RFC 6238, 5.2).
"""

from __future__ import annotations

import base64
import hmac
import secrets
from dataclasses import dataclass

STEP_S = 30
SECRET_BYTES = 32


def code_at(secret: bytes, step: int) -> str:
    """The code of a time step."""
    digest = hmac.digest(secret, step.to_bytes(8), "sha1")
    at = digest[-1] & 0x0F
    number = int.from_bytes(digest[at : at + 4]) & 0x7FFF_FFFF
    return f"{number % 1_000_000:06d}"


@dataclass(slots=True)
class SoftwareToken:
    """A user's authenticator. `secret` is the one whose codes count; `pending` one that the user has not yet
    shown a code of, and that takes its place then. Signing in asks for a code while `enabled`."""

    secret: bytes | None = None
    pending: bytes | None = None
    enabled: bool = False
    preferred: bool = False
    last_step: int = -1

    def offer(self) -> str:
        """A new pending secret, as the user types it into an app."""
        self.pending = secrets.token_bytes(SECRET_BYTES)
        return base64.b32encode(self.pending).decode().rstrip("=")

    def confirm(self, code: str, now_s: float) -> bool:
        """Whether `code` is one of the pending secret, which counts from now on."""
        step = None if self.pending is None else _step_of(self.pending, code, now_s)
        if step is None:
            return False
        self.secret, self.pending, self.last_step = self.pending, None, step
        return True

    def accept(self, code: str, now_s: float) -> bool:
        """Whether `code` is that of now; if so it is used up."""
        step = None if self.secret is None else _step_of(self.secret, code, now_s)
        if step is None or step <= self.last_step:
            return False
        self.last_step = step
        return True


def _step_of(secret: bytes, code: str, now_s: float) -> int | None:
    """The time step, now or one beside it, that `code` is of."""
    now_step = int(now_s // STEP_S)
    for step in (now_step, now_step - 1, now_step + 1):
        if hmac.compare_digest(code_at(secret, step).encode(), code.encode()):
            return step
    return None
