"""The run second by second: gauges as they were, and counters as rates.

A row is `{"t", "service", "resource", "name", "value", "kind"}`; `t` is in seconds since the epoch. The value
of a `gauge` is what it showed at `t`; that of a `rate` is the growth a second of the counter of that name
since the row before.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, TypedDict

import numpy as np
from numpy.typing import NDArray

from harness.measure.observation import Observation

Kind = Literal["gauge", "rate"]

PROCESS = "process"
"""The service name of the target's own processes: `rss_bytes` and `cpu_share` (of one core)."""


class TimelineRow(TypedDict):
    """A row as it is stored; a value that was not a number is None."""

    t: float
    service: str
    resource: str
    name: str
    value: float | None
    kind: Kind


class Row(NamedTuple):
    """One value of one resource at one moment."""

    t: float
    service: str
    resource: str
    name: str
    value: float
    kind: Kind

    def to_json(self) -> dict[str, Any]:
        """As the timeline file has it."""
        return self._asdict()


class Rates:
    """Turns observations, in the order of time, into rows."""

    def __init__(self) -> None:
        self._counted: dict[tuple[str, str, str], float] = {}
        self._at_s: float | None = None

    def rows(self, observation: Observation) -> list[Row]:
        """The rows of one observation. The first has no rates: there is nothing to take the growth from, and
        one no later than the last has none either."""
        t = observation.at_s
        counters = {(service, resource, unit): q for service, resource, unit, q in observation.usage}
        for process in observation.processes:
            counters[PROCESS, process.name, "cpu_share"] = process.cpu_s
        rows = [Row(t, g.service, g.resource, g.name, float(g.value), "gauge") for g in observation.gauges]
        rows += [
            Row(t, PROCESS, process.name, "rss_bytes", float(process.rss_bytes), "gauge")
            for process in observation.processes
        ]
        if self._at_s is not None and t > self._at_s:
            rows += self._growth(counters, t, t - self._at_s)
        self._counted.update(counters)
        self._at_s = t
        return rows

    def _growth(self, counters: Mapping[tuple[str, str, str], float], t: float, dt: float) -> Iterator[Row]:
        for key, value in counters.items():
            before = self._counted.get(key, 0.0)
            # A counter that fell belongs to a process that was started again, from zero.
            grown = value - before if value >= before else value
            yield Row(t, *key, grown / dt, "rate")


@dataclass(frozen=True)
class Series:
    """One name of one resource over time, in the order of time."""

    service: str
    resource: str
    name: str
    kind: Kind
    t: NDArray[np.float64]
    value: NDArray[np.float64]

    @property
    def peak(self) -> float:
        """The highest value."""
        return float(self.value.max())

    @property
    def last(self) -> float:
        """The value at the end."""
        return float(self.value[-1])


class Timeline:
    """All series of a run."""

    def __init__(self, series: Iterable[Series]) -> None:
        self._series = tuple(series)

    @classmethod
    def of(cls, rows: Iterable[Row]) -> Timeline:
        """From rows in any order; those of one moment stay in the order they came."""
        by_key: dict[tuple[str, str, str, Kind], list[tuple[float, float]]] = {}
        for t, service, resource, name, value, kind in rows:
            by_key.setdefault((service, resource, name, kind), []).append((t, value))
        return cls(cls._one(key, points) for key, points in sorted(by_key.items()))

    @staticmethod
    def _one(key: tuple[str, str, str, Kind], points: list[tuple[float, float]]) -> Series:
        table = np.array(points, dtype=np.float64)
        table = table[np.argsort(table[:, 0], kind="stable")]
        return Series(*key, table[:, 0], table[:, 1])

    def __iter__(self) -> Iterator[Series]:
        return iter(self._series)

    def __len__(self) -> int:
        return len(self._series)

    def select(
        self, name: str, *, service: str | None = None, resource: str | None = None, kind: Kind | None = None
    ) -> list[Series]:
        """The series of that name, of the service, resource and kind where they are given."""
        return [
            series
            for series in self._series
            if series.name == name
            and service in (None, series.service)
            and resource in (None, series.resource)
            and kind in (None, series.kind)
        ]


def summed(series: Sequence[Series], name: str) -> Series:
    """The sum of `series`, of which there is one at least, under a name; each counts with its last value from
    its first moment on."""
    t = np.unique(np.concatenate([one.t for one in series]))
    value = np.zeros_like(t)
    for one in series:
        at = np.searchsorted(one.t, t, side="right") - 1
        value += np.where(at >= 0, one.value[at], 0.0)
    return Series("", "", name, series[0].kind, t, value)
