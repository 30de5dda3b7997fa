"""A virtual clock, a simulated transport and a small pipeline, for tests of the executor."""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import orjson

from harness.load.events import Arrival
from harness.load.executor import Executor, Flight
from harness.load.pacer import Pacer
from harness.load.recorder import Recorder
from harness.load.retry import RetryPolicy
from harness.load.routes import Routes
from harness.load.second import SecondData
from harness.pipeline import Acceptance, Event, HttpRequest


@dataclass
class Way:
    """An entrance whose answers list an acceptance per event, or whose status says it."""

    route: str = "POST /events"
    kinds: frozenset[str] = frozenset({"registration", "location"})
    max_events: int = 1
    hops: Sequence[str] = ()

    def request(self, events: Sequence[Event]) -> HttpRequest:
        ids = [event.event_id for event in events]
        return HttpRequest("POST", "http://system/events", {}, orjson.dumps(ids))

    def acceptance(self, status: int, body: bytes, events: int) -> Sequence[Acceptance]:
        if status == 200:
            return orjson.loads(body) if body else ["accepted"] * events
        return ["throttled" if status == 429 else "failed"] * events


@dataclass
class Said:
    """An answer after `after_s`: a status, or None for none at all."""

    status: int | None = 200
    after_s: float = 0.01
    body: bytes = b""
    retry_after_s: float | None = None
    sent: bool = True


Answers = Callable[[Flight], Said | None]
"""What the system says to an attempt; None: it is silent."""


@dataclass
class Simulation:
    """Drives an executor through virtual time. `trace` has (time, what, first event id or count)."""

    arrivals: list[Arrival]
    answers: Answers
    ways: Sequence[Way] = (Way(),)
    cap: int = 100
    retry: RetryPolicy = field(default_factory=RetryPolicy)
    chance: Callable[[int, int], float] = lambda _ordinal, _attempt: 0.5
    devices: int = 100
    now_s: float = 0.0
    trace: list[tuple[float, str, str]] = field(default_factory=list)
    seconds: list[SecondData] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._due: list[tuple[float, int, Flight, Said]] = []
        self._gone: set[int] = set()
        self._number = 0
        self.recorder = Recorder(self.devices)
        self.executor = Executor(
            Pacer(iter(self.arrivals)),
            Routes(self.ways),
            self,
            self.recorder,
            in_flight_cap=self.cap,
            chance=self.chance,
            retry=self.retry,
        )

    def send(self, flight: Flight) -> None:
        self.trace.append((round(self.now_s, 6), "send", flight.request.body.decode()))
        said = self.answers(flight)
        if said is not None:
            self._number += 1
            heapq.heappush(self._due, (self.now_s + said.after_s, self._number, flight, said))
            flight.channel = self._number

    def abandon(self, flight: Flight) -> None:
        self.trace.append((round(self.now_s, 6), "abandon", flight.request.body.decode()))
        if isinstance(flight.channel, int):
            self._gone.add(flight.channel)

    def run(self, until_s: float = 1e9) -> Simulation:
        while self.now_s < until_s:
            wait_s = self.executor.step(self.now_s)
            if wait_s == 0.0:
                continue
            if wait_s is None:
                break
            then_s = min(max(self.now_s + wait_s, math.nextafter(self.now_s, math.inf)), until_s)
            if self._due and self._due[0][0] <= then_s:
                self._advance(self._due[0][0])
                _, number, flight, said = heapq.heappop(self._due)
                if number not in self._gone:
                    self._say(flight, said)
            else:
                self._advance(then_s)
        self.executor.close(self.now_s)
        self.seconds.append(self.recorder.close_second(self.executor.in_flight))
        return self

    def _advance(self, to_s: float) -> None:
        while int(to_s) > int(self.now_s):
            self.now_s = float(int(self.now_s) + 1)
            self.seconds.append(self.recorder.close_second(self.executor.in_flight))
        self.now_s = to_s

    def _say(self, flight: Flight, said: Said) -> None:
        if said.status is None:
            self.executor.broken(flight, self.now_s, sent=said.sent)
        else:
            self.executor.answered(flight, self.now_s, said.status, said.body, said.retry_after_s)

    @property
    def requests(self) -> dict[str, int]:
        return self.recorder.tally.requests


def arrival(ordinal: int, at_s: float, events: int = 1, **how: bool) -> Arrival:
    made = [
        Event(number, f"run-{number}", "location", 0, f"d{ordinal}", at_s, {})
        for number in range(ordinal, ordinal + events)
    ]
    return Arrival(at_s, 1, ordinal % 100, made, **how)
