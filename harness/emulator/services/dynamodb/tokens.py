"""Client request tokens, which make a transaction idempotent.

docs: DynamoDB API Reference, TransactWriteItems: a token is good for ten minutes (read 2026-11)
"""

from __future__ import annotations

from harness.emulator.services.base import AwsError

TOKEN_KEPT_S = 600.0
MAX_TOKENS = 10_000


class RequestTokens:
    """Client request tokens of the last ten minutes, each with what it was used for."""

    def __init__(self) -> None:
        self._seen: dict[tuple[str, str, str], tuple[float, bytes]] = {}

    def is_repeat(self, token: tuple[str, str, str], content: bytes, now_s: float) -> bool:
        """Whether this very request was carried out under this token before.

        Raises AwsError IdempotentParameterMismatchException when another one was."""
        while self._seen:
            oldest = next(iter(self._seen))
            if self._seen[oldest][0] > now_s - TOKEN_KEPT_S and len(self._seen) <= MAX_TOKENS:
                break
            del self._seen[oldest]
        found = self._seen.get(token)
        if found is None:
            return False
        if found[1] != content:
            raise AwsError(
                "IdempotentParameterMismatchException",
                "The provided client token is already in use with different parameters",
            )
        return True

    def keep(self, token: tuple[str, str, str], content: bytes, now_s: float) -> None:
        """Remember that a request was carried out."""
        self._seen[token] = (now_s, content)
