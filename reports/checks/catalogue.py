"""All metrics by name, and objectives held against them.

An objective on a metric that does not exist is an error before anything is started. One whose metric is not
known in a whole run is *not met*, with the reason: what was not shown does not pass a gate. One whose metric
the target cannot show at all is *not judged*, which is known before the run starts. *Not judged*, too, is one
that a run whose measurement is not valid (it was broken off, say) has no figure for: nothing shows a miss.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from harness.errors import UsageError
from harness.measure.unseen import Unseen, why_unseen
from harness.objectives import Objective
from reports.checks import cost, deliveries, latency, ledger, throughput
from reports.checks.measured import Measured
from reports.checks.metrics import SUFFIXES, Metric, Reading, Readings, Unit


@dataclass(frozen=True)
class Judged:
    """An objective and what it was held against."""

    objective: Objective
    unit: Unit
    reading: Reading
    met: bool | None
    """Whether it is known to hold; None when it cannot be judged, on this target or by this run."""


def known_metrics(routes: Iterable[str] = ()) -> dict[str, Metric]:
    """Every metric of a pipeline with these routes, by name."""
    groups = (
        latency.metrics(list(routes)),
        throughput.METRICS,
        ledger.METRICS,
        deliveries.METRICS,
        cost.METRICS,
    )
    return {metric.name: metric for group in groups for metric in group}


def check_objectives(objectives: Iterable[Objective], routes: Iterable[str] = ()) -> None:
    """Whether each names a metric, in a unit of its kind. Raises UsageError for the first that does not."""
    known = known_metrics(routes)
    for objective in objectives:
        metric = known.get(objective.metric)
        if metric is None:
            raise UsageError(
                f"There is no metric '{objective.metric}'.", _suggestion(objective.metric, known)
            )
        if objective.unit not in SUFFIXES[metric.unit]:
            raise UsageError(
                f"'{metric.name}' is in {_UNIT_WORDS[metric.unit]}, not in {objective.unit}.",
                f"Write the limit of '{metric.name}' as {_EXAMPLES[metric.unit]}.",
            )


def read_metrics(measured: Measured, routes: Iterable[str]) -> Readings:
    """Every metric of one run."""
    return (
        latency.readings(measured, routes)
        | throughput.readings(measured)
        | ledger.readings(measured)
        | deliveries.readings(measured)
        | cost.readings(measured)
    )


def judge(
    objectives: Iterable[Objective],
    readings: Readings,
    routes: Sequence[str],
    unseen: Unseen,
    *,
    valid: bool,
) -> list[Judged]:
    """Hold each objective against its reading; of what is `unseen`, what was read says nothing. `valid` says
    whether the measurement is. Raises UsageError for a metric that does not exist."""
    objectives = list(objectives)
    check_objectives(objectives, routes)
    known = known_metrics(routes)
    judged = []
    for objective in objectives:
        metric = known[objective.metric]
        why = why_unseen(metric.needs, unseen)
        reading = readings[objective.metric] if why is None else Reading(None, why)
        met = _met(objective, reading, may_miss=valid and why is None)
        judged.append(Judged(objective, metric.unit, reading, met))
    return judged


def _met(objective: Objective, reading: Reading, *, may_miss: bool) -> bool | None:
    """`may_miss` says whether a figure that is not known is a miss."""
    if reading.value is not None:
        return objective.met(reading.value)
    return False if reading.never or may_miss else None


def unjudged_metrics(unseen: Unseen) -> dict[str, str]:
    """The metrics that a target with this `unseen` cannot show, each with why. None is of a route."""
    return {
        name: why
        for name, metric in known_metrics().items()
        if (why := why_unseen(metric.needs, unseen)) is not None
    }


_UNIT_WORDS: Mapping[Unit, str] = {
    "ms": "milliseconds",
    "s": "seconds",
    "share": "shares of one",
    "/s": "a second",
    "count": "a number",
    "USD": "dollars",
    "times": "times",
}
_EXAMPLES: Mapping[Unit, str] = {
    "ms": "250ms or 2s",
    "s": "30s",
    "share": "99% or 0.99",
    "/s": "1000/s",
    "count": "0",
    "USD": "$5",
    "times": "10",
}


def _suggestion(name: str, known: Mapping[str, Metric]) -> str:
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    if close:
        return f"Did you mean '{close[0]}'?"
    groups = sorted({metric.partition(".")[0] for metric in known if "[" not in metric})
    return f"Metrics begin with {', '.join(groups)}; docs/ lists them."
