"""What a metric is: a name, a unit, what it says, and its reading in one run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

Unit = Literal["ms", "s", "share", "/s", "count", "USD", "times"]

SUFFIXES: Final[Mapping[Unit, frozenset[str]]] = {
    "ms": frozenset({"", "ms", "s"}),
    "s": frozenset({"", "ms", "s"}),
    "share": frozenset({"", "%"}),
    "/s": frozenset({"", "/s"}),
    "count": frozenset({""}),
    "USD": frozenset({"", "USD"}),
    "times": frozenset({""}),
}
"""How the limit of an objective may be written, by the metric's unit."""


@dataclass(frozen=True)
class Metric:
    """Something that an objective can name. `says` is one line for the documentation; `needs` is what the
    target's observer must see for it, by the names of harness.measure.unseen."""

    name: str
    unit: Unit
    says: str
    needs: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Reading:
    """The value of a metric in one run; None when it is not known, and then `reason` says why.

    `never` is of what was waited for and did not come: that has no value, and is a miss of any limit."""

    value: float | None
    reason: str | None = None
    never: bool = False


Readings = dict[str, Reading]


def unknown(metrics: Iterable[Metric], reason: str) -> Readings:
    """The same reason for each of `metrics`."""
    return {metric.name: Reading(None, reason) for metric in metrics}
