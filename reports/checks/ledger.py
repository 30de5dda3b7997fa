"""What became of the events, and how long it took."""

from __future__ import annotations

from typing import Final

from reports.checks.measured import Measured
from reports.checks.metrics import Metric, Reading, Readings, unknown

_LEDGER: Final = (
    Metric("ledger.missing", "count", "accepted events that ended nowhere"),
    Metric("ledger.duplicated", "count", "events that a reader can see twice"),
    Metric(
        "ledger.unexpected", "count", "outcomes of events that were not sent, were refused, or are unknown"
    ),
    Metric("ledger.dead_lettered", "count", "accepted events in a dead-letter queue"),
    Metric("ledger.discarded", "count", "accepted events that a rule of the product discarded"),
    Metric("ledger.redelivered", "count", "events that were seen more than once and absorbed"),
    Metric("ledger.conflicts", "count", "events whose evidence disagrees on the outcome"),
    Metric(
        "ledger.mispredicted", "count", "events whose outcome is not the one that the product's rules give"
    ),
)
_DRAIN: Final = Metric("drain.s", "s", "from the end of the load until the backlog was empty")
METRICS: Final = (*_LEDGER, _DRAIN)


def readings(measured: Measured) -> Readings:
    """The metrics above, of one run."""
    return _ledger(measured) | {_DRAIN.name: _drain(measured)}


def _ledger(measured: Measured) -> Readings:
    ledger = measured.ledger
    if ledger is None:
        return unknown(_LEDGER, "the ledger was not read")
    predictions = ledger.predictions
    return {
        "ledger.missing": Reading(ledger.missing),
        "ledger.duplicated": Reading(ledger.duplicated),
        "ledger.unexpected": Reading(ledger.unexpected),
        "ledger.dead_lettered": Reading(ledger.dead_lettered),
        "ledger.discarded": Reading(sum(ledger.discarded.values())),
        "ledger.redelivered": Reading(ledger.redelivered),
        "ledger.conflicts": Reading(ledger.conflicts),
        "ledger.mispredicted": Reading(None, "the product predicts nothing")
        if predictions is None
        else Reading(predictions.differ),
    }


def _drain(measured: Measured) -> Reading:
    drain = measured.state.drain
    if drain is None:
        return Reading(None, "the run did not come to the drain")
    if not drain.emptied:
        return Reading(None, drain.why_not_empty(), never=True)
    return Reading(drain.duration_s)
