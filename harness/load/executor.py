"""The open loop as a machine that time is passed to: what is due is sent, answers or no answers.

It reads no clock and waits for nothing; whoever drives it (harness.load.driver, or a test with a clock of its
own) calls `step` with the time, and a transport calls back with answers.

1. An arrival starts when its planned time has come, however many requests are waiting for an answer, up to
   the in-flight cap. Beyond the cap it is dropped and counted: the system under test did not answer.
2. Latency runs from the planned start to the end of the last attempt, backoff included; service time from the
   start of the last attempt.
3. A request that is retried keeps its events' ids, and carries only the events that were not accepted yet.
4. An attempt that was sent and never answered leaves its events in doubt: whatever refusals follow, they are
   indeterminate, unless a later attempt is accepted.
5. A retry waits for room in flight, and for the arrivals that are due: it is never dropped, and never makes
   a start late.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from harness.load.events import Arrival
from harness.load.pacer import Pacer
from harness.load.recorder import Recorder
from harness.load.retry import RetryPolicy, worth_retrying
from harness.load.routes import Routes
from harness.measure.acceptance import ACCEPTED, FAILED, INDETERMINATE, THROTTLED
from harness.pipeline import Entrance, Event, HttpRequest

_CODES = {"accepted": ACCEPTED, "throttled": THROTTLED, "failed": FAILED}
_RESEND_AFTER_S = 1.0
REQUEST_TIMEOUT_S = 30.0
"""A second over API Gateway's own 29 s (docs: Amazon API Gateway quotas, integration timeout)."""


@dataclass(slots=True, eq=False)
class Flight:
    """A request on its way, over all its attempts. Times in seconds since the start of the run."""

    arrival: Arrival
    entrance: Entrance
    events: list[Event]
    results: list[int]
    pending: list[int]
    """Places of the events that this attempt carries."""
    request: HttpRequest
    first_s: float = 0.0
    attempt_s: float = 0.0
    attempts: int = 0
    doubtful: bool = False
    resending: bool = False
    """Accepted and recorded; sent again all the same."""
    on_the_wire: bool = False
    channel: object = field(default=None, repr=False)
    """For the transport's own use."""


class Transport(Protocol):
    """Carries requests. For each `send` it calls `answered` or `broken` of the executor once, unless the
    flight is abandoned."""

    def send(self, flight: Flight) -> None:
        """Begin to send `flight.request`; never blocks, never calls back before it returns."""

    def abandon(self, flight: Flight) -> None:
        """Forget the request: nobody waits for its answer any more."""


Chance = Callable[[int, int], float]
"""(ordinal of the first event, attempts so far) -> a random number in [0, 1)"""

Ended = Callable[[Flight, int, float, int], None]
"""(flight, acceptance code of the whole, latency in s, bytes of the last answer)"""


class Executor:
    """One run of one generator."""

    def __init__(
        self,
        pacer: Pacer,
        routes: Routes,
        transport: Transport,
        recorder: Recorder,
        *,
        in_flight_cap: int,
        chance: Chance,
        retry: RetryPolicy | None = None,
        on_ended: Ended | None = None,
    ) -> None:
        self._pacer = pacer
        self._routes = routes
        self._transport = transport
        self._recorder = recorder
        self._cap = in_flight_cap
        self._retry = retry or RetryPolicy()
        self._chance = chance
        self._on_ended = on_ended
        self.in_flight = 0
        self._waiting: deque[tuple[Flight, int]] = deque()
        """(flight, attempt) in the order of their start; some are over, but never the first."""
        self._again: list[tuple[float, int, Flight]] = []
        self._sequence = 0

    def step(self, now_s: float) -> float | None:
        """Do one thing that is due at `now_s`; the seconds until the next, or None when all is over."""
        self._give_up_on_silent(now_s)
        wait_s, stop = self._pacer.pace(now_s)
        if not stop and wait_s <= 0.0:
            self._start(self._pacer.take(), now_s)
            return 0.0
        room = self.in_flight < self._cap
        if self._again and room and self._again[0][0] <= now_s:
            self._send_again(heapq.heappop(self._again)[2], now_s)
            return 0.0
        waits = [] if stop else [wait_s]
        if self._again and room:
            waits.append(self._again[0][0] - now_s)
        if self.in_flight:
            waits.append(self._waiting[0][0].attempt_s + REQUEST_TIMEOUT_S - now_s)
        return max(0.0, min(waits)) if waits else None

    def _start(self, arrival: Arrival, now_s: float) -> None:
        for entrance, events in self._routes.requests(arrival.events):
            if self.in_flight >= self._cap:
                self._recorder.dropped(events)
                continue
            flight = Flight(
                arrival,
                entrance,
                events,
                [FAILED] * len(events),
                list(range(len(events))),
                entrance.request(events),
            )
            flight.first_s = now_s
            self._recorder.sent(arrival.device, events, now_s - arrival.at_s)
            self._send(flight, now_s)

    def _send(self, flight: Flight, now_s: float) -> None:
        flight.attempt_s = now_s
        flight.attempts += 1
        flight.on_the_wire = True
        self.in_flight += 1
        self._waiting.append((flight, flight.attempts))
        self._transport.send(flight)

    def _send_again(self, flight: Flight, now_s: float) -> None:
        if 0 < len(flight.pending) < len(flight.events):
            flight.request = flight.entrance.request([flight.events[place] for place in flight.pending])
        self._recorder.retried()
        self._send(flight, now_s)

    def _landed(self, flight: Flight) -> None:
        flight.on_the_wire = False
        self.in_flight -= 1
        while self._waiting and not _is_open(*self._waiting[0]):
            self._waiting.popleft()

    def _give_up_on_silent(self, now_s: float) -> None:
        while self._waiting and self._waiting[0][0].attempt_s + REQUEST_TIMEOUT_S <= now_s:
            flight = self._waiting[0][0]
            self._transport.abandon(flight)
            self.broken(flight, now_s, sent=True)

    # -- what the transport says

    def answered(
        self, flight: Flight, now_s: float, status: int, body: bytes, retry_after_s: float | None = None
    ) -> None:
        """The attempt was answered."""
        self._landed(flight)
        if flight.resending:
            return
        said = flight.entrance.acceptance(status, body, len(flight.pending))
        throttled = False
        refused = []
        for place, word in zip(flight.pending, said, strict=True):
            code = flight.results[place] = _CODES[word]
            if code != ACCEPTED:
                refused.append(place)
                throttled = throttled or code == THROTTLED
        flight.pending = refused
        if (
            refused
            and (throttled or worth_retrying(status))
            and self._try_again(flight, now_s, retry_after_s)
        ):
            return
        self._end(flight, now_s, len(body))

    def broken(self, flight: Flight, now_s: float, *, sent: bool) -> None:
        """The attempt failed without an answer; `sent` says that some of it may have arrived."""
        self._landed(flight)
        if flight.resending:
            return
        flight.doubtful = flight.doubtful or sent
        for place in flight.pending:
            flight.results[place] = FAILED
        if flight.arrival.unanswered or not self._try_again(flight, now_s, None):
            self._end(flight, now_s, 0)

    def _try_again(self, flight: Flight, now_s: float, retry_after_s: float | None) -> bool:
        chance = self._chance(flight.events[0].ordinal, flight.attempts)
        delay_s = self._retry.delay_s(flight.attempts, now_s - flight.first_s, chance, retry_after_s)
        if delay_s is None:
            return False
        self._at(now_s + delay_s, flight)
        return True

    def _at(self, due_s: float, flight: Flight) -> None:
        self._sequence += 1  # those due at the same time go in the order in which they were put off
        heapq.heappush(self._again, (due_s, self._sequence, flight))

    def _end(self, flight: Flight, now_s: float, answer_bytes: int) -> None:
        if flight.doubtful:
            for place in flight.pending:
                flight.results[place] = INDETERMINATE
        latency_s = now_s - flight.arrival.at_s
        code = self._recorder.ended(
            flight.entrance.route, flight.events, flight.results, latency_s, now_s - flight.attempt_s
        )
        if self._on_ended is not None:
            self._on_ended(flight, code, latency_s, answer_bytes)
        if flight.arrival.resent and code == ACCEPTED:
            flight.resending = True
            self._at(now_s + _RESEND_AFTER_S, flight)

    # -- the end

    def stop(self) -> None:
        """Start nothing more; what waits to be tried again ends as it stands."""
        self._pacer.stop()

    def close(self, now_s: float) -> None:
        """End all that is still open: what is on the wire was never answered."""
        self._pacer.stop()
        for flight in [flight for flight, attempt in self._waiting if _is_open(flight, attempt)]:
            self._transport.abandon(flight)
            self._landed(flight)
            flight.doubtful = True
            self._at(now_s, flight)
        while self._again:
            _, _, flight = heapq.heappop(self._again)
            if not flight.resending:
                self._end(flight, now_s, 0)


def _is_open(flight: Flight, attempt: int) -> bool:
    return flight.on_the_wire and flight.attempts == attempt
