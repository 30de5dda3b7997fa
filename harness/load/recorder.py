"""Counts what happens to requests: into the second at hand, and at its end into the totals."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from harness.load.second import SecondData
from harness.load.tally import LATE_MS, Tally
from harness.measure.acceptance import ACCEPTED, FAILED, INDETERMINATE, THROTTLED
from harness.pipeline import Event
from harness.scenario import OTHERS, Surge

_NAMES = {ACCEPTED: "accepted", THROTTLED: "throttled", FAILED: "failed", INDETERMINATE: "indeterminate"}
_WORST_FIRST = (INDETERMINATE, FAILED, THROTTLED, ACCEPTED)


class Recorder:
    """Of one generator. With a surge, latency is kept apart for its account and for the others.

    Recording is a few additions and appends; numpy does the rest once a second."""

    def __init__(self, devices: int, surge: Surge | None = None) -> None:
        self._surge = surge
        self.tally = Tally(seen=np.zeros(devices, dtype=np.bool_))
        self._second = SecondData(0)
        self._durations: dict[str, defaultdict[str, list[float]]] = {}
        self._lateness_ms: list[float] = []
        self._devices: list[int] = []
        self._fresh()

    def _fresh(self) -> None:
        self._durations = {what: defaultdict(list) for what in self.tally.durations}
        self._lateness_ms = []
        self._devices = []

    def sent(self, device: int, events: Sequence[Event], lateness_s: float) -> None:
        """A request was started, `lateness_s` after it was planned."""
        counts = self._second.counts
        counts["planned"] += 1
        counts["sent"] += 1
        self._lateness_ms.append(lateness_s * 1000.0)
        if events[0].ordinal < 0:
            counts["calls_sent"] += 1
            _of_kind(self.tally.calls, events[0].kind)["sent"] += 1
            return
        counts["events_sent"] += len(events)
        self._devices.append(device)
        _of_kind(self.tally.kinds, events[0].kind)["sent"] += len(events)

    def dropped(self, events: Sequence[Event]) -> None:
        """A request was not started: too many were in flight."""
        self._second.counts["planned"] += 1
        self._second.counts["dropped"] += 1
        self.tally.reach(events[-1].ordinal + 1)

    def retried(self) -> None:
        """A request was sent again."""
        self._second.counts["retries"] += 1

    def ended(
        self, route: str, events: Sequence[Event], results: Sequence[int], latency_s: float, service_s: float
    ) -> int:
        """A request ended, with an acceptance code per event; `latency_s` is from the planned start,
        `service_s` from the start of the last attempt. Returns the code of the whole: the worst."""
        tally, counts = self.tally, self._second.counts
        worst = results[0]
        if len(results) > 1:
            worst = next(code for code in _WORST_FIRST if code in results)
        counts[_NAMES[worst]] += 1
        accepted = len(results) if worst == ACCEPTED else list(results).count(ACCEPTED)
        if events[0].ordinal < 0:
            counts["calls_accepted"] += accepted
            _of_kind(tally.calls, events[0].kind)["accepted"] += accepted
        else:
            tally.reach(events[-1].ordinal + 1)
            for event, code in zip(events, results, strict=True):
                tally.acceptance[event.ordinal] = code
            counts["events_accepted"] += accepted
            _of_kind(tally.kinds, events[0].kind)["accepted"] += accepted
        if worst == ACCEPTED:
            self._durations["latency_ms"][route].append(latency_s * 1000.0)
            self._durations["service_time_ms"][route].append(service_s * 1000.0)
            if self._surge is not None:
                group = self._surge.group if events[0].account == self._surge.account else OTHERS
                self._durations["group_latency_ms"][group].append(latency_s * 1000.0)
        else:
            self._durations["failed_latency_ms"][route].append(latency_s * 1000.0)
        return worst

    def close_second(self, in_flight: int) -> SecondData:
        """The second that is over; what comes from now on belongs to the next."""
        second, tally = self._second, self.tally
        latencies: list[float] = []
        for what, by_route in self._durations.items():
            for route, values in by_route.items():
                tally.durations[what][route].record_many(np.array(values))
                if what == "latency_ms":
                    latencies += values
        lateness_ms = np.array(self._lateness_ms)
        tally.lateness.record_many(lateness_ms)
        tally.late += int(np.count_nonzero(lateness_ms > LATE_MS))
        for name in tally.requests:
            tally.requests[name] += second.counts[name]
        devices = np.unique(np.array(self._devices, dtype=np.int64))
        second.new_devices = devices[~tally.seen[devices]]
        tally.seen[second.new_devices] = True
        second.in_flight = in_flight
        second.latencies_ms = np.array(latencies, dtype=np.float32)
        second.lateness_ms = lateness_ms.astype(np.float32)
        self._second = SecondData(second.number + 1)
        self._fresh()
        return second


def _of_kind(kinds: dict[str, dict[str, int]], kind: str) -> dict[str, int]:
    found = kinds.get(kind)
    if found is None:
        found = kinds[kind] = {"sent": 0, "accepted": 0}
    return found
