"""Whether the pipeline took what was planned, what it refused, and whether it kept up behind the entrance."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from harness.measure.timeline import Series, summed
from harness.measure.unseen import BACKLOG, ITERATOR_AGE, LAMBDA_ERRORS, LAMBDA_THROTTLES
from reports.checks.measured import Measured
from reports.checks.metrics import Metric, Reading, Readings, unknown

_LOAD: Final = (
    Metric("throughput.planned_per_s", "/s", "requests planned a second, over the load"),
    Metric("throughput.achieved_per_s", "/s", "requests accepted a second, over the load"),
    Metric("throughput.achieved_share", "share", "achieved of planned"),
    Metric("errors.share", "share", "requests failed or never answered, of those sent"),
    Metric("throttles.count", "count", "requests answered 429"),
    Metric("requests.dropped", "count", "planned requests that were never sent"),
    Metric("requests.retries", "count", "requests sent again"),
)
_TARGET: Final = (
    Metric(
        "backlog.peak",
        "count",
        "the most records and asynchronous invocations that waited",
        frozenset({BACKLOG}),
    ),
    Metric(
        "backlog.growing",
        "/s",
        "growth of the backlog a second, over the second half of the load",
        frozenset({BACKLOG}),
    ),
    Metric(
        "iterator_age.peak_ms",
        "ms",
        "the oldest that a record was when its batch was handed over",
        frozenset({ITERATOR_AGE}),
    ),
    Metric("lambda.errors", "count", "Lambda invocations that failed", frozenset({LAMBDA_ERRORS})),
    Metric(
        "lambda.throttles", "count", "Lambda invocations that were throttled", frozenset({LAMBDA_THROTTLES})
    ),
)
METRICS: Final = _LOAD + _TARGET

BACKLOGS: Final = ("backlog_records", "async_backlog")


def readings(measured: Measured) -> Readings:
    """The metrics above, of one run."""
    load = measured.load
    found = unknown(_LOAD, "the generator wrote no totals") if load is None else _load(load)
    return found | _backlog(measured) | _iterator_age(measured) | _functions(measured)


def _load(load: Mapping[str, Any]) -> Readings:
    requests, rate = load["requests"], load["throughput"]
    lost = requests["failed"] + requests["indeterminate"]
    return {
        "throughput.planned_per_s": Reading(rate["planned_per_s"]),
        "throughput.achieved_per_s": Reading(rate["achieved_per_s"]),
        "throughput.achieved_share": _share(
            rate["achieved_per_s"], rate["planned_per_s"], "nothing was planned"
        ),
        "errors.share": _share(lost, requests["sent"], "nothing was sent"),
        "throttles.count": Reading(requests["throttled"]),
        "requests.dropped": Reading(requests["dropped"]),
        "requests.retries": Reading(requests["retries"]),
    }


def _share(part: float, whole: float, reason: str) -> Reading:
    return Reading(part / whole) if whole else Reading(None, reason)


def _backlog(measured: Measured) -> Readings:
    found = [series for name in BACKLOGS for series in measured.timeline.select(name, kind="gauge")]
    if not found:
        reason = "the target shows no backlog"
        return {"backlog.peak": Reading(None, reason), "backlog.growing": Reading(None, reason)}
    total = summed(found, "backlog")
    return {"backlog.peak": Reading(total.peak), "backlog.growing": _growing(total, measured.load_window_s)}


def _growing(total: Series, window_s: tuple[float, float] | None) -> Reading:
    """The slope of the least-squares line."""
    if window_s is None:
        return Reading(None, "when the load began and ended is not known")
    start, end = window_s
    late = (total.t >= (start + end) / 2) & (total.t <= end)
    if np.count_nonzero(late) < 3:
        return Reading(
            None, "the load was too short: fewer than three looks at the backlog in its second half"
        )
    t = total.t[late] - total.t[late].mean()
    return Reading(float((t * total.value[late]).sum() / (t * t).sum()))


def _iterator_age(measured: Measured) -> Readings:
    found = measured.timeline.select("iterator_age_ms", kind="gauge")
    if not found:
        return {"iterator_age.peak_ms": Reading(None, "the target shows no iterator age")}
    return {"iterator_age.peak_ms": Reading(max(series.peak for series in found))}


def _functions(measured: Measured) -> Readings:
    if measured.usage is None:
        reason = "the meters were not read"
        return {name: Reading(None, reason) for name in ("lambda.errors", "lambda.throttles")}
    counts = {"errors": 0.0, "throttles": 0.0}
    for resource in measured.usage.resources:
        for unit in counts if resource.service == "lambda" else ():
            counts[unit] += float(resource.get(unit) or 0)
    return {f"lambda.{unit}": Reading(n) for unit, n in counts.items()}
