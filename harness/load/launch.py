"""The generator as its parent sees it: a process that is started, listened to, and stopped.

Nothing here imports locust or gevent, which would patch the parent's standard library.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields

from harness.load.child import PlannedChild, Row


@dataclass(frozen=True, slots=True)
class Ready:
    """All workers are there and have read the plan; the first arrival is about to be sent."""


@dataclass(frozen=True, slots=True)
class Second:
    """One second of the run. Counts are of this second, but `devices` (different ones so far) and
    `in_flight` (now). `t` is its start in seconds since the epoch; percentiles are of the requests
    accepted in it, from the planned start, None when there was none."""

    t: float
    planned: int
    sent: int
    dropped: int
    accepted: int
    throttled: int
    failed: int
    indeterminate: int
    retries: int
    events_sent: int
    events_accepted: int
    calls_sent: int
    calls_accepted: int
    devices: int
    in_flight: int
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None
    lateness_p99_ms: float | None


@dataclass(frozen=True, slots=True)
class Done:
    """The generator has ended and its files are complete. `interrupted` when it was told to stop early."""

    interrupted: bool


GeneratorEvent = Ready | Second | Done
_SECOND_FIELDS = tuple(field.name for field in fields(Second))


class Generator(PlannedChild):
    """The process `python -m harness.load`: `out` is the folder for summary.json, timeline.ndjson and
    acceptance.npy."""

    module = "harness.load"
    what = "load generator"

    def events(self) -> Iterator[GeneratorEvent]:
        """What the generator says, to its end. Raises as `rows` does."""
        for row in self.rows():
            event = self._event(row)
            if isinstance(event, Ready):
                self.forget_plan()
            yield event
            if isinstance(event, Done):
                return

    def _event(self, row: Row) -> GeneratorEvent:
        """The event in a row. Raises MeasurementInvalid for one that is none."""
        try:
            match row["type"]:
                case "second":
                    return Second(**{name: row[name] for name in _SECOND_FIELDS})
                case "ready":
                    return Ready()
                case "done":
                    return Done(bool(row["interrupted"]))
        except (ValueError, KeyError, TypeError) as missing:
            raise self.unreadable(row) from missing
        raise self.unreadable(row)
