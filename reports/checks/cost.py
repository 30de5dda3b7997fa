"""What the run cost. A sum that leaves out usage without a price is not known, and not passed off as one."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from harness.aws.prices.bill import Bill
from harness.measure.unseen import USAGE
from reports.checks.measured import Measured
from reports.checks.metrics import Metric, Reading, Readings, unknown

_USAGE: Final = frozenset({USAGE})
METRICS: Final = (
    Metric("cost.total", "USD", "the bill of the run, from the first send to the end of the drain", _USAGE),
    Metric("cost.per_million_events", "USD", "the bill by accepted events", _USAGE),
    Metric("cost.per_hour", "USD", "an hour of the same traffic", _USAGE),
    Metric("cost.per_month", "USD", "730 hours of the same traffic", _USAGE),
    Metric("cost.times_the_day_before", "times", "an hour of the run by an hour of the day before", _USAGE),
)


def readings(measured: Measured) -> Readings:
    """The metrics above, of one run."""
    if measured.bill is None:
        return unknown(METRICS, "the meters were not read")
    if measured.bill.unpriced:
        first = measured.bill.unpriced[0]
        return unknown(METRICS, f"{first.service} {first.unit} is not priced: {first.reason}")
    return {metric.name: _reading(measured.bill, metric.name.partition(".")[2]) for metric in METRICS}


def _reading(bill: Bill, name: str) -> Reading:
    if name == "times_the_day_before":
        value: Decimal | None = bill.day_before.times if bill.day_before else None
    else:
        value = getattr(bill, name)
    return Reading(None, bill.reasons[name]) if value is None else Reading(float(value))
