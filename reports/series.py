"""A run over time, as charts and tables want it: one list of points a series, seconds from the start."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.measure.unseen import (
    AUTHORIZATIONS,
    BACKLOG,
    ITERATOR_AGE,
    LAMBDA_THROTTLES,
    USAGE,
    Unseen,
    usage_of,
    why_unseen,
)

Row = Mapping[str, Any]
Point = tuple[float, float | None]


@dataclass(frozen=True)
class Series:
    """`points` are (seconds from the start of the load, value); None where nothing was measured."""

    name: str
    points: Sequence[Point]
    muted: bool = False
    """Drawn in the background: what was meant to be, behind what was."""

    @property
    def peak(self) -> float | None:
        """The largest value, or None when there is none."""
        values = [value for _, value in self.points if value is not None]
        return max(values) if values else None


@dataclass(frozen=True)
class Panel:
    """Series that share an axis. `unit` is what the axis counts; `note` says how to read it."""

    title: str
    unit: str
    series: Sequence[Series]
    note: str = ""


def from_generator(
    rows: Sequence[Row], field: str, name: str, start_s: float, *, muted: bool = False
) -> Series:
    """A column of the generator's per-second rows; a second without a value stays empty."""
    points = [(float(row["t"]) - start_s, _number(row.get(field))) for row in rows]
    return Series(name, points, muted)


def from_target(
    rows: Iterable[Row],
    wanted: Callable[[str, str], bool],
    name: str,
    start_s: float,
    combine: Callable[[Iterable[float]], float] = sum,
    *,
    seen: bool = True,
) -> Series:
    """The rows that `wanted(service, metric)` picks, those of one moment combined into one value.

    A target that was looked at and showed none of them had none: 0. Where nobody can see them (`seen`), that
    is not known."""
    moments: defaultdict[float, list[float]] = defaultdict(list)
    for row in rows:
        values = moments[float(row["t"])]
        if wanted(str(row["service"]), str(row["name"])):
            values.append(float(row["value"]))
    none = 0.0 if seen else None
    points = [(t - start_s, combine(values) if values else none) for t, values in sorted(moments.items())]
    return Series(name, points)


def panels(
    load: Sequence[Row],
    target: Sequence[Row],
    watch: Sequence[Row],
    cost: Sequence[Point],
    start_s: float,
    unseen: Unseen,
) -> list[Panel]:
    """What the report charts, in the order a reader asks: what came, how fast it was answered, what piled up,
    what was refused, who was let in; and who was told, where somebody watched. What is `unseen` has no line
    at 0."""

    def metric(*names: str, service: str | None = None) -> Callable[[str, str], bool]:
        return lambda of, name: name in names and service in (None, of)

    def shown(
        what: str,
        wanted: Callable[[str, str], bool],
        name: str,
        combine: Callable[[Iterable[float]], float] = sum,
    ) -> Series:
        return from_target(target, wanted, name, start_s, combine, seen=what not in unseen)

    def noted(note: str, what: str) -> str:
        why = why_unseen([what], unseen)
        return note if why is None else f"{note} Here, {why}."

    return [
        Panel(
            "Arrivals",
            "requests/s",
            [
                from_generator(load, "planned", "planned", start_s, muted=True),
                from_generator(load, "sent", "sent", start_s),
                from_generator(load, "accepted", "accepted", start_s),
            ],
            "Planned arrivals do not wait for answers; where sent falls below planned, the system stalled.",
        ),
        Panel(
            "Latency of accepted requests",
            "ms",
            [
                from_generator(load, "p50_ms", "p50", start_s),
                from_generator(load, "p95_ms", "p95", start_s),
                from_generator(load, "p99_ms", "p99", start_s),
            ],
            "From the planned start to the last byte of the answer, on this machine.",
        ),
        Panel(
            "Backlog",
            "events",
            [
                shown(BACKLOG, metric("backlog_records"), "behind the stream consumer"),
                shown(BACKLOG, metric("async_backlog"), "asynchronous invocations"),
                shown(BACKLOG, metric("pending_deliveries"), "deliveries of topics"),
            ],
            noted(
                "Accepted and not yet through. It must not grow without end, and must be empty at the end.",
                BACKLOG,
            ),
        ),
        Panel(
            "Iterator age",
            "ms",
            [shown(ITERATOR_AGE, metric("iterator_age_ms"), "oldest", max)],
            noted("How old the last record of a batch was when the function got it.", ITERATOR_AGE),
        ),
        Panel(
            "Throttles",
            "refusals/s",
            [
                shown(usage_of("apigateway"), metric("throttled", service="apigateway"), "API Gateway"),
                shown(usage_of("kinesis"), metric("throttled_records", service="kinesis"), "Kinesis"),
                shown(LAMBDA_THROTTLES, metric("throttles", service="lambda"), "Lambda"),
                shown(usage_of("dynamodb"), metric("throttled_requests", service="dynamodb"), "DynamoDB"),
            ],
            noted("Refusals by the quotas and scaling rules of the limits profile.", LAMBDA_THROTTLES),
        ),
        Panel(
            "Cost rate",
            "USD/hour",
            [Series("at this moment's rate", [(t - start_s, value) for t, value in cost])],
            noted("What an hour on AWS costs while the traffic is as it was at that moment.", USAGE),
        ),
        Panel(
            "Events and authorizations",
            "per second",
            [
                from_generator(load, "events_accepted", "events accepted", start_s),
                shown(AUTHORIZATIONS, metric("authorizer_hits", "authorizer_misses"), "authorizations"),
                shown(AUTHORIZATIONS, metric("authorizer_misses"), "authorizer invocations"),
                *([from_generator(load, "calls_accepted", "API calls", start_s)] if _calls(load) else ()),
            ],
        ),
        *(_told(watch, start_s) if watch else ()),
    ]


def _calls(load: Sequence[Row]) -> bool:
    return any(row.get("calls_sent") for row in load)


def _told(watch: Sequence[Row], start_s: float) -> list[Panel]:
    names = {"webhook": "to webhooks", "subscription": "to live subscribers"}
    return [
        Panel(
            "Events told",
            "per second",
            [from_generator(watch, channel, name, start_s) for channel, name in names.items()],
        ),
        Panel(
            "From acceptance to being told",
            "ms",
            [from_generator(watch, f"{channel}_p99_ms", name, start_s) for channel, name in names.items()],
            "At p99, of all endpoints: a slow one answers late, and is told late when its own calls pile up.",
        ),
    ]


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) else None
