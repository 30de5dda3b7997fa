"""Latency of accepted requests: `latency` from the planned send, `service_time` from the actual one; over all
routes and for each; and how long accepted events took to be processed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from harness.measure.histogram import LatencyHistogram
from reports.checks.measured import Measured
from reports.checks.metrics import Metric, Reading, Readings, unknown

_QUANTILES: Final[Mapping[str, str]] = {
    "p50": "the median",
    "p90": "the 90th percentile",
    "p95": "the 95th percentile",
    "p99": "the 99th percentile",
    "p999": "the 99.9th percentile",
    "max": "the longest",
}
_KINDS: Final[Mapping[str, tuple[str, str]]] = {
    "latency": ("latency_ms", "latency of accepted requests from their planned send"),
    "service_time": ("service_time_ms", "time of accepted requests from their actual send"),
}
_STAGE: Final = "stages.accepted_to_processed"


def metrics(routes: Iterable[str]) -> list[Metric]:
    """`latency.p99`, `latency[POST /v1/devices].p99`, `service_time...`,
    `stages.accepted_to_processed.p99`."""
    found = []
    for kind, (_, says) in _KINDS.items():
        for name, which in _QUANTILES.items():
            found.append(Metric(f"{kind}.{name}", "ms", f"{which}: {says}"))
            found += [Metric(f"{kind}[{route}].{name}", "ms", f"{which} of one route") for route in routes]
    stage = "time from an event's acceptance to its outcome"
    return found + [
        Metric(f"{_STAGE}.{name}", "ms", f"{which}: {stage}") for name, which in _QUANTILES.items()
    ]


def readings(measured: Measured, routes: Iterable[str]) -> Readings:
    """The metrics above, of one run."""
    routes = list(routes)
    if measured.load is None:
        found = unknown(metrics(routes), "the generator wrote no totals")
    else:
        found = {}
        for kind, (field, _) in _KINDS.items():
            by_route = measured.load.get(field, {})
            for route in routes:
                found |= _of(f"{kind}[{route}]", by_route.get(route), f"no request of {route} was accepted")
            encoded = measured.load.get("histograms", {}).get(field, {})
            found |= _of(kind, _overall(by_route, encoded), "no request was accepted")
    stage = None if measured.ledger is None else measured.ledger.accepted_to_processed_ms
    reason = "the ledger was not read" if stage is None else "no event's processing was timed"
    return found | _of(_STAGE, stage, reason)


def _overall(by_route: Mapping[str, Any], encoded: Mapping[str, str]) -> Mapping[str, Any] | None:
    """Over all routes: percentiles are never averaged, the histograms are merged."""
    used = [figures for figures in by_route.values() if figures["count"]]
    if len(used) <= 1:
        return used[0] if used else None
    merged = LatencyHistogram()
    for text in encoded.values():
        merged.merge(LatencyHistogram.decode(text))
    return merged.percentiles()


def _of(prefix: str, figures: Mapping[str, Any] | None, reason: str) -> Readings:
    return {
        f"{prefix}.{name}": Reading(value, None if value is not None else reason)
        for name in _QUANTILES
        for value in [None if figures is None else figures.get(name)]
    }
