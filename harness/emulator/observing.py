"""What a process of the embedded AWS lets be seen of itself, and how the edge puts them together.

Usage and gauges are read at each look. Invocations and call tallies are rows that are given once: they wait
in an outbox with a sequence number each until the observer, by the cursor of its next look, says that it has
them. Looking again with the same cursor gives the same rows again, so a lost answer loses nothing.
"""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Generic, TypeVar

from harness.measure.meters import Meters
from harness.measure.observation import Invocation, ProcessState

MAX_WAITING_ROWS = 500_000
Row = TypeVar("Row")


class Outbox(Generic[Row]):
    """Rows in order, at most `capacity` waiting; what does not fit is dropped, oldest first, and counted."""

    def __init__(self, capacity: int = MAX_WAITING_ROWS) -> None:
        self._rows: deque[Row] = deque()
        self._first = 0
        self._capacity = capacity
        self.lost = 0

    def add(self, rows: Iterable[Row]) -> None:
        """Append `rows`."""
        self._rows.extend(rows)
        excess = len(self._rows) - self._capacity
        if excess > 0:
            self.lost += excess
            self._drop(excess)

    def after(self, seen: int) -> tuple[list[Row], int]:
        """The rows from number `seen` on and the number to ask with next; those before it are let go."""
        self._drop(min(max(seen - self._first, 0), len(self._rows)))
        return list(self._rows), self._first + len(self._rows)

    def clear(self) -> None:
        """Let every row go, as taken."""
        self._drop(len(self._rows))

    def _drop(self, count: int) -> None:
        for _ in range(count):
            self._rows.popleft()
        self._first += count


class ProcessObserver:
    """One process as it sees itself. `take_invocations` and `invocations_lost` are Lambda's."""

    def __init__(
        self,
        meters: Meters,
        *,
        take_invocations: Callable[[], Sequence[Invocation]] = lambda: (),
        invocations_lost: Callable[[], int] = lambda: 0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._generation = f"{os.getpid():x}-{time.time_ns():x}"
        self._meters = meters
        self._take_invocations = take_invocations
        self._invocations_lost = invocations_lost
        self._clock = clock
        self._invocations: Outbox[Invocation] = Outbox()
        self._calls: Outbox[list[str | int]] = Outbox()

    def observe(self, cursor: str) -> dict[str, Any]:
        """The observation of this process after `cursor` (`<generation>.<invocations>.<calls>`), ready for
        orjson. Rows of another generation were never ours: an unknown cursor gives all that is waiting."""
        generation, _, seen = cursor.partition(".")
        invocations_seen, calls_seen = _numbers(seen) if generation == self._generation else (0, 0)
        self._invocations.add(self._take_invocations())
        self._calls.add([list(tally) for tally in self._meters.take_calls()])
        invocations, next_invocation = self._invocations.after(invocations_seen)
        calls, next_call = self._calls.after(calls_seen)
        # Before the usage: a look at these brings meters that time moves, as a stream's hours, up to now.
        gauges = [list(row) for row in self._meters.gauges()]
        return {
            "at_s": self._clock(),
            "pid": os.getpid(),
            "usage": [list(row) for row in self._meters.usage()],
            "gauges": gauges,
            "invocations": invocations,
            "calls": calls,
            "lost": self._invocations.lost
            + self._calls.lost
            + self._meters.calls_lost
            + self._invocations_lost(),
            "cursor": f"{self._generation}.{next_invocation}.{next_call}",
        }

    def reset(self) -> None:
        """Forget what was counted and what is waiting."""
        self._take_invocations()
        self._meters.reset()
        self._invocations.clear()
        self._calls.clear()


def merge(
    parts: Mapping[str, Mapping[str, Any]],
    cursors: Mapping[str, str],
    processes: Sequence[ProcessState],
    incidents: Sequence[str],
) -> dict[str, Any]:
    """The observations of the processes that answered as one. A process that did not answer keeps its cursor
    of before."""
    merged: dict[str, Any] = {"at_s": max((part["at_s"] for part in parts.values()), default=0.0)}
    for key in ("usage", "gauges", "invocations", "calls"):
        merged[key] = [row for part in parts.values() for row in part[key]]
    merged["processes"] = [
        {"name": p.name, "pid": p.pid, "cpu_s": p.cpu_s, "rss_bytes": p.rss_bytes} for p in processes
    ]
    merged["incidents"] = list(incidents)
    merged["lost"] = sum(part["lost"] for part in parts.values())
    merged["cursor"] = join_cursors({**cursors, **{name: part["cursor"] for name, part in parts.items()}})
    return merged


def join_cursors(cursors: Mapping[str, str]) -> str:
    """One cursor of several: `edge:abc.1.2,moto:def.3.4`."""
    return ",".join(f"{name}:{cursor}" for name, cursor in sorted(cursors.items()) if cursor)


def split_cursors(cursor: str) -> dict[str, str]:
    """The inverse of `join_cursors`; what is not of that form is nothing."""
    pairs = (part.partition(":") for part in cursor.split(","))
    return {name: value for name, colon, value in pairs if colon}


def _numbers(seen: str) -> tuple[int, int]:
    first, _, second = seen.partition(".")
    return (int(first), int(second)) if first.isdecimal() and second.isdecimal() else (0, 0)
