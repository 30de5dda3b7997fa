"""A bill: what a run cost, and what an hour and a month of the same traffic would.

Tiers and free tiers are those of a month, over the whole account: lines of one price share them, and the run
is taken to be all that the account does. An hour is billed as if it were the only one of its month; a month
has 730 hours and reaches the higher tiers. Free units come off the volume before the tiers.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final, Literal

from harness.aws.prices.book import Price, PriceBook
from harness.aws.prices.line import HOURS_A_MONTH, SECONDS_AN_HOUR, Line, ResourceUsage
from harness.aws.prices.services import Unpriced, bill_lines

_ONE_HOUR: Final = Decimal(1)
_MILLION: Final = Decimal(1_000_000)
_CENT: Final = Decimal("0.01")
_MICRO: Final = Decimal("0.000001")


@dataclass(frozen=True)
class Span:
    """How long the traffic lasted, and how long the meters ran (the drain too), in hours."""

    traffic_h: Decimal
    metered_h: Decimal

    @classmethod
    def of_seconds(cls, traffic_s: float, metered_s: float) -> Span:
        """From seconds."""
        return cls(*(Decimal(str(seconds)) / SECONDS_AN_HOUR for seconds in (traffic_s, metered_s)))


@dataclass(frozen=True)
class DayBeforeTraffic:
    """The traffic to hold the run against. `cost_per_hour` when it was measured; else it is modelled."""

    events_per_hour: Decimal
    cost_per_hour: Decimal | None
    source: str


@dataclass(frozen=True)
class DayBeforeCost:
    """What an hour of the day before costs, and how many times that an hour of the run does."""

    times: Decimal
    cost_per_hour: Decimal
    events_per_hour: Decimal
    times_the_events: Decimal
    basis: Literal["measured", "modelled"]
    source: str


@dataclass(frozen=True)
class BillLine:
    """A line with its price. `unit_price` is for one unit of the price, averaged over the tiers that the
    quantity reached; it and `amount` are None when the price is not known."""

    line: Line
    price: Price | None
    unit_price: Decimal | None
    amount: Decimal | None


@dataclass(frozen=True)
class Bill:
    """In the currency of the book. A sum is None when there is nothing to work it out from, and `reasons`
    says why; usage without a price is in `unpriced`, and in no sum."""

    currency: str
    region: str
    free_tier: bool
    lines: tuple[BillLine, ...]
    unpriced: tuple[Unpriced, ...]
    total: Decimal | None
    per_million_events: Decimal | None
    per_hour: Decimal | None
    per_month: Decimal | None
    day_before: DayBeforeCost | None
    reasons: dict[str, str]


def bill(
    resources: Iterable[ResourceUsage],
    span: Span,
    events: int,
    book: PriceBook,
    *,
    free_tier: bool = False,
    day_before: DayBeforeTraffic | None = None,
) -> Bill:
    """The bill of `resources`, used within `span` by `events` accepted events."""
    lines, unpriced = bill_lines(resources)
    priced = _price_lines(lines, book, free_tier=free_tier)
    unpriced += [_without_price(item.line, book) for item in priced if item.price is None]
    if lines and all(item.price is None for item in priced):
        reason = f"no price is known in {book.region}"
        names = ("total", "per_million_events", "per_hour", "per_month", "times_the_day_before")
        return _bill(book, free_tier, priced, unpriced, None, dict.fromkeys(names, reason))
    total = _sum(priced)
    made = _bill(book, free_tier, priced, unpriced, _money(total, _MICRO), {})
    return _compared(
        _projected(made, lines, span, events, total, book), lines, span, events, book, day_before
    )


def _bill(
    book: PriceBook,
    free_tier: bool,
    lines: Sequence[BillLine],
    unpriced: Sequence[Unpriced],
    total: Decimal | None,
    reasons: dict[str, str],
) -> Bill:
    ordered = tuple(
        sorted(lines, key=lambda item: (-(item.amount or 0), item.line.service, item.line.resource))
    )
    return Bill(
        currency=book.currency,
        region=book.region,
        free_tier=free_tier,
        lines=ordered,
        unpriced=tuple(unpriced),
        total=total,
        per_million_events=None,
        per_hour=None,
        per_month=None,
        day_before=None,
        reasons=reasons,
    )


def _projected(
    made: Bill, lines: Sequence[Line], span: Span, events: int, total: Decimal, book: PriceBook
) -> Bill:
    """With the cost per million events, and of an hour and a month of the same traffic."""
    reasons = dict(made.reasons)
    per_million = per_hour = per_month = None
    if events:
        per_million = _money(total / events * _MILLION, _MICRO)
    else:
        reasons["per_million_events"] = "no event was accepted"
    if span.traffic_h > 0 and span.metered_h > 0:
        per_hour = _money(_cost(lines, span, _ONE_HOUR, book, made.free_tier), _MICRO)
        per_month = _money(_cost(lines, span, HOURS_A_MONTH, book, made.free_tier), _CENT)
    else:
        reasons["per_hour"] = reasons["per_month"] = "how long the traffic lasted is not known"
    return replace(
        made, per_million_events=per_million, per_hour=per_hour, per_month=per_month, reasons=reasons
    )


def _compared(
    made: Bill,
    lines: Sequence[Line],
    span: Span,
    events: int,
    book: PriceBook,
    day_before: DayBeforeTraffic | None,
) -> Bill:
    """With the cost of the day before: measured where it was, else the traffic's lines scaled by the events
    and the standing ones unchanged."""

    def unknown(reason: str) -> Bill:
        return replace(made, reasons={**made.reasons, "times_the_day_before": reason})

    if day_before is None:
        return unknown("the traffic of the day before was not given")
    if made.per_hour is None:
        return unknown(made.reasons["per_hour"])
    if not events:
        return unknown("no event was accepted")
    times_the_events = _times(Decimal(events) / span.traffic_h, day_before.events_per_hour)
    if times_the_events is None:
        return unknown("the day before had no events")
    cost_per_hour = day_before.cost_per_hour
    if cost_per_hour is None:
        quiet = [_scaled(line, 1 / times_the_events) for line in lines]
        cost_per_hour = _cost(quiet, span, _ONE_HOUR, book, made.free_tier)
    times = _times(made.per_hour, cost_per_hour)
    if times is None:
        return unknown("the day before cost nothing")
    compared = DayBeforeCost(
        times=times.quantize(_CENT),
        cost_per_hour=_money(cost_per_hour, _MICRO),
        events_per_hour=day_before.events_per_hour,
        times_the_events=times_the_events.quantize(_CENT),
        basis="modelled" if day_before.cost_per_hour is None else "measured",
        source=day_before.source,
    )
    return replace(made, day_before=compared)


def _times(value: Decimal, base: Decimal) -> Decimal | None:
    return value / base if base > 0 else None


def _scaled(line: Line, share: Decimal) -> Line:
    return line if line.growth == "standing" else replace(line, quantity=line.quantity * share)


def _cost(lines: Sequence[Line], span: Span, hours: Decimal, book: PriceBook, free_tier: bool) -> Decimal:
    """Of `hours` of the same traffic."""
    grown = [replace(line, quantity=_grown(line, span, hours)) for line in lines]
    return _sum(_price_lines(grown, book, free_tier=free_tier))


def _grown(line: Line, span: Span, hours: Decimal) -> Decimal:
    if line.growth == "standing":
        return line.quantity / span.metered_h * hours
    if line.growth == "traffic":
        return line.quantity / span.traffic_h * hours
    # GB-months of data that grows evenly: as much again each hour, each hour kept until the end.
    return line.quantity / (span.traffic_h * span.metered_h) * hours * hours


def _price_lines(lines: Sequence[Line], book: PriceBook, *, free_tier: bool) -> list[BillLine]:
    """Price lines that share tiers together, and give each its part by its quantity."""
    volumes: dict[str, Decimal] = {}
    for line in lines:
        volumes[line.price_id] = volumes.get(line.price_id, Decimal(0)) + line.quantity
    amounts: dict[str, Decimal] = {}
    free_left: dict[str, Decimal] = {}
    for price_id, volume in volumes.items():
        price = book.price(price_id)
        if price is None:
            continue
        free = Decimal(0)
        if free_tier and price.free:
            left = free_left.setdefault(price.free.pool, price.free.quantity)
            free = min(left, volume)
            free_left[price.free.pool] = left - free
        amounts[price_id] = price.amount(volume - free)
    return [_priced(line, book.price(line.price_id), volumes, amounts) for line in lines]


def _priced(
    line: Line, price: Price | None, volumes: dict[str, Decimal], amounts: dict[str, Decimal]
) -> BillLine:
    if price is None:
        return BillLine(line, None, None, None)
    volume = volumes[line.price_id]
    if not volume:
        return BillLine(line, price, price.tiers[0].price / price.per, Decimal(0))
    group = amounts[line.price_id]
    return BillLine(line, price, group / volume, group * line.quantity / volume)


def _without_price(line: Line, book: PriceBook) -> Unpriced:
    reason = f"no price is known in {book.region}"
    return Unpriced(line.service, line.resource, line.price_id, line.quantity, reason)


def _sum(lines: Iterable[BillLine]) -> Decimal:
    return sum((item.amount for item in lines if item.amount is not None), Decimal(0))


def _money(amount: Decimal, to: Decimal) -> Decimal:
    return amount.quantize(to, ROUND_HALF_EVEN)
