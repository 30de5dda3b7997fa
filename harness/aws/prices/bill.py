"""A bill: what a run cost, and what an hour and a month of the same traffic would.

Tiers and free tiers are those of a month, over the whole account: lines of one price share them, and the run
is taken to be all that the account does. An hour is billed as if it were the only one of its month; a month
has 730 hours and reaches the higher tiers. Free units come off the volume before the tiers.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final

from harness.aws.prices.book import PriceBook
from harness.aws.prices.day_before import Carried, DayBeforeCost, DayBeforeTraffic, compare
from harness.aws.prices.line import HOURS_A_MONTH, Line, ResourceUsage
from harness.aws.prices.pricing import (
    CENT,
    MICRO,
    ONE_HOUR,
    BillLine,
    Span,
    cost_of,
    money,
    price_lines,
    sum_of,
)
from harness.aws.prices.services import Unpriced, bill_lines

__all__ = ["Bill", "BillLine", "DayBeforeCost", "DayBeforeTraffic", "Span", "bill"]

_MILLION: Final = Decimal(1_000_000)


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
    requests: int | None = None,
    kinds: Mapping[str, int] | None = None,
    unseen: Collection[str] = (),
) -> Bill:
    """The bill of `resources`, used within `span` by `events` accepted events; `requests` and `kinds` (events
    by kind) say more of them to the model of the day before. Of `unseen` services nobody counted the usage:
    there are lines of what was counted, and no sum."""
    lines, unpriced = bill_lines(resources)
    priced = price_lines(lines, book, free_tier=free_tier)
    unpriced += [_without_price(item.line, book) for item in priced if item.price is None]
    reason = None
    if unseen:
        reason = f"nobody counted the usage of {', '.join(unseen)}"
    elif lines and all(item.price is None for item in priced):
        reason = f"no price is known in {book.region}"
    if reason:
        names = ("total", "per_million_events", "per_hour", "per_month", "times_the_day_before")
        return _bill(book, free_tier, priced, unpriced, None, dict.fromkeys(names, reason))
    total = sum_of(priced)
    made = _bill(book, free_tier, priced, unpriced, money(total, MICRO), {})
    made = _projected(made, lines, span, events, total, book)
    return _compared(made, lines, span, Carried(events, requests, kinds or {}), book, day_before)


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
        per_million = money(total / events * _MILLION, MICRO)
    else:
        reasons["per_million_events"] = "no event was accepted"
    if span.traffic_h > 0 and span.metered_h > 0:
        per_hour = money(cost_of(lines, span, ONE_HOUR, book, made.free_tier), MICRO)
        per_month = money(cost_of(lines, span, HOURS_A_MONTH, book, made.free_tier), CENT)
    else:
        reasons["per_hour"] = reasons["per_month"] = "how long the traffic lasted is not known"
    return replace(
        made, per_million_events=per_million, per_hour=per_hour, per_month=per_month, reasons=reasons
    )


def _compared(
    made: Bill,
    lines: Sequence[Line],
    span: Span,
    carried: Carried,
    book: PriceBook,
    day_before: DayBeforeTraffic | None,
) -> Bill:
    """With the cost of the day before."""
    if day_before is None:
        found: DayBeforeCost | str = "the traffic of the day before was not given"
    elif made.per_hour is None:
        found = made.reasons["per_hour"]
    else:
        found = compare(lines, made.per_hour, span, carried, day_before, book, free_tier=made.free_tier)
    if isinstance(found, str):
        return replace(made, reasons={**made.reasons, "times_the_day_before": found})
    return replace(made, day_before=found)


def _without_price(line: Line, book: PriceBook) -> Unpriced:
    reason = f"no price is known in {book.region}"
    return Unpriced(line.service, line.resource, line.price_id, line.quantity, reason)
