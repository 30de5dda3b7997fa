"""What becomes of an asynchronous event after each attempt, decided without a clock.

docs: Lambda Developer Guide, How Lambda handles errors and retries with asynchronous invocation (read 2026):
two more attempts after a function error, one and two minutes later; throttles and system errors are tried
again for up to six hours, after 1 second and then exponentially up to 5 minutes.
"""

from __future__ import annotations

import heapq
from collections import Counter
from dataclasses import dataclass
from typing import Literal, NamedTuple

RETRY_DELAYS_S = (60.0, 120.0)
DEFAULT_MAXIMUM_AGE_S = 21_600
FIRST_THROTTLE_DELAY_S = 1.0
LAST_THROTTLE_DELAY_S = 300.0
MAX_EVENTS = 100_000
MAX_BYTES = 256 * 1024 * 1024
"""AWS names no bound on the queue; this memory has one. What does not fit is refused, not lost."""

Condition = Literal["Success", "RetriesExhausted", "EventAgeExceeded", "ZeroReservedConcurrency"]


@dataclass(slots=True)
class AsyncEvent:
    """An event that waits, or is being tried."""

    request_id: str
    function_arn: str
    payload: bytes
    source: str
    queued_s: float
    attempts: int = 0
    """Invocations that reached the function."""
    throttles: int = 0


class Again(NamedTuple):
    """Try again at `at_s`."""

    at_s: float


class Done(NamedTuple):
    """The event is at its end."""

    condition: Condition


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """What the function's EventInvokeConfig says. `delay_scale` multiplies AWS's delays for local runs."""

    maximum_retry_attempts: int = 2
    maximum_age_s: float = DEFAULT_MAXIMUM_AGE_S
    delay_scale: float = 1.0

    def after_error(self, event: AsyncEvent, now_s: float) -> Again | Done:
        """The function failed (or timed out, or crashed); `event.attempts` includes this one."""
        if event.attempts > self.maximum_retry_attempts:
            return Done("RetriesExhausted")
        delay_s = RETRY_DELAYS_S[min(event.attempts, len(RETRY_DELAYS_S)) - 1] * self.delay_scale
        return self._within_age(event, now_s + delay_s)

    def after_throttle(self, event: AsyncEvent, now_s: float) -> Again | Done:
        """There was no concurrency for it; `event.throttles` includes this one. Not an attempt."""
        delay_s = min(LAST_THROTTLE_DELAY_S, FIRST_THROTTLE_DELAY_S * 2.0 ** min(event.throttles - 1, 20))
        return self._within_age(event, now_s + delay_s)

    def _within_age(self, event: AsyncEvent, at_s: float) -> Again | Done:
        """An event that would be too old at its next attempt ends now."""
        if at_s - event.queued_s > self.maximum_age_s:
            return Done("EventAgeExceeded")
        return Again(at_s)


class AsyncQueue:
    """Events by the time of their next attempt, ties in the order they came. Bounded."""

    def __init__(self, max_events: int = MAX_EVENTS, max_bytes: int = MAX_BYTES) -> None:
        self._heap: list[tuple[float, int, AsyncEvent]] = []
        self._order = 0
        self._held_events = 0
        self._held_bytes = 0
        self._by_function: Counter[str] = Counter()
        self._max_events = max_events
        self._max_bytes = max_bytes

    def add(self, event: AsyncEvent) -> bool:
        """Take a new event, due at once; False when the queue is full."""
        if self._held_events >= self._max_events or self._held_bytes + len(event.payload) > self._max_bytes:
            return False
        self._held_events += 1
        self._held_bytes += len(event.payload)
        self._by_function[event.function_arn] += 1
        self._push(event.queued_s, event)
        return True

    def due(self, now_s: float) -> AsyncEvent | None:
        """The next event to try, taken out until `again` or `finish` says what became of it."""
        if self._heap and self._heap[0][0] <= now_s:
            return heapq.heappop(self._heap)[2]
        return None

    def next_at_s(self) -> float | None:
        """When the next event is due; None when none waits."""
        return self._heap[0][0] if self._heap else None

    def again(self, event: AsyncEvent, at_s: float) -> None:
        """Put a tried event back."""
        self._push(at_s, event)

    def finish(self, event: AsyncEvent) -> None:
        """An event is at its end, its record delivered."""
        self._held_events -= 1
        self._held_bytes -= len(event.payload)
        self._by_function[event.function_arn] -= 1

    def backlog(self, function_arn: str) -> int:
        """Events of the function that are not at their end: waiting, being tried, being delivered."""
        return self._by_function[function_arn]

    def _push(self, at_s: float, event: AsyncEvent) -> None:
        self._order += 1
        heapq.heappush(self._heap, (at_s, self._order, event))
