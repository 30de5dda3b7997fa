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
STAGES: Final[Mapping[str, str]] = {
    "accepted_to_processed": "from an event's acceptance to its outcome",
    "accepted_to_webhook": "from an event's acceptance to a healthy webhook endpoint",
    "accepted_to_subscriber": "from an event's acceptance to a live subscriber",
}
"""What each of result.json's `stages_ms` is the time of."""


def metrics(routes: Iterable[str]) -> list[Metric]:
    """`latency.p99`, `latency[POST /v1/devices].p99`, `service_time...`, `stages.accepted_to_processed.p99`,
    `stages.accepted_to_subscriber.p99`; where the scenario has a surge, `latency[other accounts].p99`."""
    found = []
    for kind, (_, says) in _KINDS.items():
        for name, which in _QUANTILES.items():
            found.append(Metric(f"{kind}.{name}", "ms", f"{which}: {says}"))
            found += [Metric(f"{kind}[{route}].{name}", "ms", f"{which} of one route") for route in routes]
    return found + [
        Metric(f"stages.{stage}.{name}", "ms", f"{which}: time {says}")
        for stage, says in STAGES.items()
        for name, which in _QUANTILES.items()
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
            timed = {**_by_group(measured.load, field), **by_route}
            for route in routes:
                found |= _of(f"{kind}[{route}]", timed.get(route), f"no request of {route} was accepted")
            encoded = measured.load.get("histograms", {}).get(field, {})
            found |= _of(kind, _overall(by_route, encoded), "no request was accepted")
    for stage, figures in stages(measured).items():
        found |= _of(f"stages.{stage}", figures, untimed(measured, stage))
    return found


def stages(measured: Measured) -> dict[str, Mapping[str, Any] | None]:
    """The figures of each of STAGES; None for one that was not timed at all."""
    ledger, told = measured.ledger, measured.deliveries
    webhook, subscription = (told.webhook, told.subscription) if told else (None, None)
    return {
        "accepted_to_processed": None if ledger is None else ledger.accepted_to_processed_ms,
        "accepted_to_webhook": None if webhook is None else webhook.accepted_to_told_ms,
        "accepted_to_subscriber": None if subscription is None else subscription.accepted_to_told_ms,
    }


def untimed(measured: Measured, stage: str) -> str:
    """Why there are no figures of a stage."""
    if stage != "accepted_to_processed":
        return "nobody was told of anything" if measured.deliveries else "nobody watched"
    return "the ledger was not read" if measured.ledger is None else "no event's processing was timed"


def _by_group(load: Mapping[str, Any], field: str) -> Mapping[str, Any]:
    """Of each group of accounts that a surge sets apart; only latency is kept so."""
    found: Mapping[str, Any] = load.get("group_latency_ms", {}) if field == "latency_ms" else {}
    return found


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
