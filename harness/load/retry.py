"""How a device's SDK tries again: exponential backoff with full jitter, within bounds."""

from __future__ import annotations

from dataclasses import dataclass
from email.utils import parsedate_to_datetime

_RETRIED_4XX = frozenset({408, 429})


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """At most `max_attempts` in all, none later than `deadline_s` after the first. Before attempt n + 1 it
    waits a random part of `base_s` × 2^(n-1), at most `cap_s` ("full jitter": docs: AWS Architecture Blog,
    Exponential Backoff And Jitter), and never less than the answer's Retry-After."""

    base_s: float = 0.5
    cap_s: float = 20.0
    max_attempts: int = 4
    deadline_s: float = 30.0

    def delay_s(
        self, attempts: int, elapsed_s: float, chance: float, retry_after_s: float | None = None
    ) -> float | None:
        """Seconds to wait before the next attempt, or None to give up.

        `attempts` were made, the first of them `elapsed_s` ago; `chance` is a random number in [0, 1)."""
        if attempts >= self.max_attempts:
            return None
        backoff_s = chance * min(self.cap_s, self.base_s * 2.0 ** (attempts - 1))
        delay_s = max(backoff_s, retry_after_s or 0.0)
        return delay_s if elapsed_s + delay_s <= self.deadline_s else None


def worth_retrying(status: int) -> bool:
    """Whether an answer that did not accept everything may be asked again: throttled, the server's own
    mistake, or a success that refused some of the events."""
    return status in _RETRIED_4XX or status >= 500 or 200 <= status < 300


def retry_after_s(text: str, now_s: float) -> float | None:
    """What a Retry-After header says (RFC 9110 section 10.2.3: seconds, or a date), as seconds from `now_s`
    (since the epoch); None when it says nothing that can be read."""
    text = text.strip()
    if text.isdigit():
        return float(text)
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - now_s)
    except ValueError:
        return None
