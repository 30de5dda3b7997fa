"""Lines with their prices: the tiers and free units that they share, and what hours of them cost."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final

from harness.aws.prices.book import Price, PriceBook
from harness.aws.prices.line import SECONDS_AN_HOUR, Line

ONE_HOUR: Final = Decimal(1)
CENT: Final = Decimal("0.01")
MICRO: Final = Decimal("0.000001")


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
class BillLine:
    """A line with its price. `unit_price` is for one unit of the price, averaged over the tiers that the
    quantity reached; it and `amount` are None when the price is not known."""

    line: Line
    price: Price | None
    unit_price: Decimal | None
    amount: Decimal | None


def cost_of(lines: Sequence[Line], span: Span, hours: Decimal, book: PriceBook, free_tier: bool) -> Decimal:
    """Of `hours` of the same traffic."""
    grown = [replace(line, quantity=_grown(line, span, hours)) for line in lines]
    return sum_of(price_lines(grown, book, free_tier=free_tier))


def _grown(line: Line, span: Span, hours: Decimal) -> Decimal:
    if line.growth == "standing":
        return line.quantity / span.metered_h * hours
    if line.growth == "monthly":
        return line.quantity
    if line.growth == "traffic":
        return line.quantity / span.traffic_h * hours
    # GB-months of data that grows evenly: as much again each hour, each hour kept until the end.
    return line.quantity / (span.traffic_h * span.metered_h) * hours * hours


def price_lines(lines: Sequence[Line], book: PriceBook, *, free_tier: bool) -> list[BillLine]:
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
        if price.free and price.free.within_tiers:
            amounts[price_id] = price.amount(volume) - price.amount(free)
        else:
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


def sum_of(lines: Iterable[BillLine]) -> Decimal:
    """Of the lines that have a price."""
    return sum((item.amount for item in lines if item.amount is not None), Decimal(0))


def money(amount: Decimal, to: Decimal) -> Decimal:
    """Rounded to CENT or MICRO, half to even."""
    return amount.quantize(to, ROUND_HALF_EVEN)
