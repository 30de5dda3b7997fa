"""Counters of what AWS bills and what operators watch, counted where it happens.

A meter is named by (service, resource, unit): `("kinesis", "events", "put_records")`. Counting on a hot path
is one addition: take the counter once, then add to it. Gauges are read when somebody looks. Calls are tallied
by the trace id of the Lambda invocation that made them, which every AWS SDK sends in `X-Amzn-Trace-Id`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple


class Counter:
    """A number that only grows. `counter.value += n` is the hot path; it is an int unless the unit has
    fractions (DynamoDB's half read units)."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value: float = 0


class Usage(NamedTuple):
    """How much of a unit a resource used since its process started."""

    service: str
    resource: str
    unit: str
    quantity: float


class Gauge(NamedTuple):
    """What a resource shows at this moment."""

    service: str
    resource: str
    name: str
    value: float


class CallTally(NamedTuple):
    """How often one Lambda invocation called one operation of one resource."""

    trace_id: str
    service: str
    operation: str
    resource: str
    calls: int


Gauges = Callable[[], Iterable[Gauge]]


class Meters:
    """All meters of one process."""

    def __init__(self, *, max_pending_calls: int = 200_000) -> None:
        self._counters: dict[tuple[str, str, str], Counter] = {}
        self._gauges: list[Gauges] = []
        self._calls: dict[tuple[str, str, str, str], int] = {}
        self._max_pending_calls = max_pending_calls
        self.calls_lost = 0

    def counter(self, service: str, resource: str, unit: str) -> Counter:
        """The counter of that name; the same one every time."""
        key = (service, resource, unit)
        found = self._counters.get(key)
        if found is None:
            found = self._counters[key] = Counter()
        return found

    def watch(self, gauges: Gauges) -> None:
        """Have `gauges` called whenever the gauges are read."""
        self._gauges.append(gauges)

    def call(self, trace_id: str | None, service: str, operation: str, resource: str) -> None:
        """Note a call made within a Lambda invocation; a call from elsewhere (no trace id) is not noted."""
        if trace_id is None:
            return
        key = (trace_id, service, operation, resource)
        count = self._calls.get(key)
        if count is None and len(self._calls) >= self._max_pending_calls:
            self.calls_lost += 1
            return
        self._calls[key] = (count or 0) + 1

    def usage(self) -> list[Usage]:
        """Every counter that is not zero."""
        return [Usage(*key, counter.value) for key, counter in self._counters.items() if counter.value]

    def gauges(self) -> list[Gauge]:
        """Every gauge, read now."""
        return [gauge for gauges in self._gauges for gauge in gauges()]

    def take_calls(self) -> list[CallTally]:
        """The tallies since the last take; each is given once."""
        taken, self._calls = self._calls, {}
        return [CallTally(*key, count) for key, count in taken.items()]

    def reset(self) -> None:
        """Back to the start; counters that somebody holds go on being counted, from zero."""
        for counter in self._counters.values():
            counter.value = 0
        self._calls.clear()
        self.calls_lost = 0
