"""Whether those who watch were told what they are owed, and nothing that is not theirs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from harness.measure.deliveries import ChannelResult
from harness.pipeline import Channel
from reports.checks.measured import Measured
from reports.checks.metrics import Metric, Reading, Readings, unknown

CHANNELS: Final[tuple[Channel, ...]] = ("webhook", "subscription")
_SAYS: Final = {
    "missing": "events owed to a {} that neither came nor stand in a dead-letter queue",
    "dead_lettered": "events owed to a {} that stand in a dead-letter queue",
    "healthy_undelivered": "events owed to a healthy {} that did not come",
    "duplicated": "events that a {} was told of more than once",
    "misdirected": "events of another account or device that a {} was told of",
}


def _metrics() -> Iterator[Metric]:
    for channel in CHANNELS:
        for name, says in _SAYS.items():
            yield Metric(f"deliveries.{channel}.{name}", "count", says.format(channel))


METRICS: Final = tuple(_metrics())


def readings(measured: Measured) -> Readings:
    """The metrics above, of one run."""
    if measured.deliveries is None:
        return unknown(METRICS, "nobody watched")
    found: Readings = {}
    for channel in CHANNELS:
        its = [metric for metric in METRICS if metric.name.startswith(f"deliveries.{channel}.")]
        result: ChannelResult | None = getattr(measured.deliveries, channel)
        found |= unknown(its, f"nobody watched by {channel}") if result is None else _of(channel, result)
    return found


def _of(channel: Channel, result: ChannelResult) -> Readings:
    healthy = result.by_behaviour.get("healthy", {"owed": 0, "delivered": 0})
    values = {
        "missing": result.missing,
        "dead_lettered": result.dead_lettered,
        "healthy_undelivered": healthy["owed"] - healthy["delivered"],
        "duplicated": result.duplicated,
        "misdirected": result.misdirected,
    }
    return {f"deliveries.{channel}.{name}": Reading(value) for name, value in values.items()}
