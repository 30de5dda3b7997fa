"""The day before the launch beside the run: what an hour of it costs, measured or modelled.

A run of the day before says what it cost. Without one, the day is modelled from the run's own lines:

* what stands without traffic costs the same on both days;
* requests to an entrance follow the requests, everything else the events;
* a call that serves several events at once (a batch's invocation, the object that it writes, a key's
  authorization) serves those that come within a time that does not change with the traffic: a window, a
  polling interval, a cache's time to live. With b events a call in the run and a kth of the events, a call of
  the quiet day serves 1 + (b - 1) / k: the mean of a Poisson stream that opens such a time with its first
  event.

Two things a run's totals cannot tell: which kind of event caused a line, and how full the quiet day's batches
are. So there is a range beside the model: from each line caused by the kind that the quiet day has least of,
in batches as full as the run's, to the kind that it has most of, with a call of its own for each event.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Final, Literal

from harness.aws.prices.book import PriceBook
from harness.aws.prices.line import Line
from harness.aws.prices.pricing import CENT, MICRO, ONE_HOUR, Span, cost_of, money

_ONE: Final = Decimal(1)


@dataclass(frozen=True)
class Carried:
    """What a run's traffic was: accepted events, altogether and by kind, and the accepted requests that
    carried them. None and empty where that is not known."""

    events: int
    requests: int | None = None
    kinds: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class DayBeforeTraffic:
    """The traffic to hold the run against, an hour of it. `cost_per_hour` when it was measured; else it is
    modelled, the better for `requests_per_hour` and the events by kind."""

    events_per_hour: Decimal
    cost_per_hour: Decimal | None
    source: str
    requests_per_hour: Decimal | None = None
    kinds_per_hour: Mapping[str, Decimal] = field(default_factory=dict)


@dataclass(frozen=True)
class DayBeforeCost:
    """What an hour of the day before costs, and how many times that an hour of the run does. `at_least` and
    `at_most` bound the latter; None where it was measured, or where they cannot be worked out."""

    times: Decimal
    cost_per_hour: Decimal
    events_per_hour: Decimal
    times_the_events: Decimal
    basis: Literal["measured", "modelled"]
    source: str
    at_least: Decimal | None = None
    at_most: Decimal | None = None


@dataclass(frozen=True)
class _Shares:
    """What part of the run the day before is: of its events, its requests, and of the kinds of event the
    smallest and the largest (None when a kind of the day before is not in the run)."""

    events: Decimal
    requests: Decimal
    least: Decimal | None
    most: Decimal | None


def compare(
    lines: Sequence[Line],
    per_hour: Decimal,
    span: Span,
    carried: Carried,
    before: DayBeforeTraffic,
    book: PriceBook,
    *,
    free_tier: bool,
) -> DayBeforeCost | str:
    """The run, of `per_hour`, beside the day before; or the reason why that cannot be said."""
    if not carried.events:
        return "no event was accepted"
    if not before.events_per_hour:
        return "the day before had no events"
    shares = _shares(carried, before, span)

    def cost(quiet: Sequence[Line]) -> Decimal:
        return cost_of(quiet, span, ONE_HOUR, book, free_tier)

    cost_per_hour, at_least, at_most = before.cost_per_hour, None, None
    if cost_per_hour is None:
        cost_per_hour = cost([_modelled(line, carried, shares) for line in lines])
        if shares.least is not None and shares.most is not None:
            dearest = cost([_at_most(line, carried, shares, shares.most) for line in lines])
            cheapest = cost([_at_least(line, carried, shares, shares.least) for line in lines])
            at_least = per_hour / dearest if dearest else None
            at_most = per_hour / cheapest if cheapest else None
    if cost_per_hour <= 0:
        return "the day before cost nothing"
    return DayBeforeCost(
        times=(per_hour / cost_per_hour).quantize(CENT),
        cost_per_hour=money(cost_per_hour, MICRO),
        events_per_hour=before.events_per_hour,
        times_the_events=(_ONE / shares.events).quantize(CENT),
        basis="modelled" if before.cost_per_hour is None else "measured",
        source=before.source,
        at_least=at_least and at_least.quantize(CENT),
        at_most=at_most and at_most.quantize(CENT),
    )


def _shares(carried: Carried, before: DayBeforeTraffic, span: Span) -> _Shares:
    events = before.events_per_hour * span.traffic_h / carried.events
    requests = events
    if carried.requests and before.requests_per_hour is not None:
        requests = before.requests_per_hour * span.traffic_h / carried.requests
    least = most = None
    kinds = {kind: Decimal(n) for kind, n in carried.kinds.items() if n}
    if kinds and before.kinds_per_hour and all(k in kinds for k, n in before.kinds_per_hour.items() if n):
        shares = [
            before.kinds_per_hour.get(kind, Decimal(0)) * span.traffic_h / n for kind, n in kinds.items()
        ]
        least, most = min(*shares, events), max(*shares, events)
    return _Shares(events, requests, least, most)


def _modelled(line: Line, carried: Carried, shares: _Shares) -> Line:
    if line.growth == "standing":
        return line
    if line.follows == "requests":
        return _scaled(line, shares.requests)
    if not line.calls:
        return _scaled(line, shares.events)
    a_call = max(carried.events / line.calls, _ONE)
    return _scaled(line, a_call / (_ONE / shares.events + a_call - 1))


def _at_most(line: Line, carried: Carried, shares: _Shares, most: Decimal) -> Line:
    if line.growth == "standing" or line.follows == "requests":
        return _modelled(line, carried, shares)
    one_each = carried.events * shares.events / line.calls if line.calls else Decimal(0)
    return _scaled(line, max(most, one_each))


def _at_least(line: Line, carried: Carried, shares: _Shares, least: Decimal) -> Line:
    modelled = _modelled(line, carried, shares)
    if line.growth == "standing" or line.follows == "requests":
        return modelled
    # A day before that is the busier one has fuller batches, not emptier ones.
    return replace(line, quantity=min(line.quantity * least, modelled.quantity))


def _scaled(line: Line, share: Decimal) -> Line:
    return replace(line, quantity=line.quantity * share)
