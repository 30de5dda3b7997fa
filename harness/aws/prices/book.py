"""The price book: every figure with its unit, tiers, free tier, source, date and confidence. All money is
Decimal.

A Region without a book has no prices, and everything in it is unknown, never free.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from importlib.resources import files
from typing import Any, Literal

Confidence = Literal["price_list", "third_parties", "unverified"]


@dataclass(frozen=True)
class Tier:
    """The price of `per` units for the part of a month's volume that is not above `up_to` (None: no end)."""

    up_to: Decimal | None
    price: Decimal


@dataclass(frozen=True)
class FreeTier:
    """Units a month that cost nothing. Prices of one `pool` share them. `terms`: `always`, or for how long
    an account has it. `within_tiers`: the tiers count the free units too; else they begin after them."""

    quantity: Decimal
    pool: str
    terms: str
    within_tiers: bool = False


@dataclass(frozen=True)
class Price:
    """One thing that AWS bills."""

    id: str
    service: str
    what: str
    unit: str
    per: Decimal
    tiers: tuple[Tier, ...]
    free: FreeTier | None
    rounding: str
    sources: tuple[str, ...]
    dated: str
    confidence: Confidence

    def amount(self, volume: Decimal) -> Decimal:
        """What a month's `volume` of units costs: each tier takes its part. Raises ValueError below zero."""
        if volume < 0:
            raise ValueError(f"a volume is 0 or more, not {volume}")
        total, below = Decimal(0), Decimal(0)
        for tier in self.tiers:
            top = volume if tier.up_to is None else min(volume, tier.up_to)
            total += (top - below) / self.per * tier.price
            below = top
            if below == volume:
                break
        return total


@dataclass(frozen=True)
class PriceBook:
    """The prices of one Region, by id. `read` is the date on which the sources were read."""

    region: str
    currency: str
    read: str
    prices: Mapping[str, Price] = field(default_factory=dict)

    def price(self, id_: str) -> Price | None:
        """The price with that id, or None when it is not known in this Region."""
        return self.prices.get(id_)


@cache
def load_book(region: str) -> PriceBook:
    """The book of a Region; an empty one when there is none. Raises ValueError when a book is wrong."""
    path = files(__package__) / "book" / f"{region}.json"
    if not path.is_file():
        return PriceBook(region, "USD", "")
    data = json.loads(path.read_text())
    prices = [_price(entry, data["sources"]) for entry in data["prices"]]
    by_id = {price.id: price for price in prices}
    if len(by_id) != len(prices):
        raise ValueError(f"{path} has two prices with one id")
    return PriceBook(data["region"], data["currency"], data["read"], by_id)


def _price(entry: Mapping[str, Any], sources: Mapping[str, str]) -> Price:
    free = entry.get("free")
    tiers = tuple(
        Tier(None if tier["up_to"] is None else Decimal(tier["up_to"]), Decimal(tier["price"]))
        for tier in entry["tiers"]
    )
    ends = [tier.up_to for tier in tiers]
    if ends[-1] is not None or None in ends[:-1] or ends[:-1] != sorted(set(ends[:-1]), key=_end):
        raise ValueError(f"the tiers of {entry['id']} must rise, and the last must have no end")
    return Price(
        id=entry["id"],
        service=entry["service"],
        what=entry["what"],
        unit=entry["unit"],
        per=Decimal(entry["per"]),
        tiers=tiers,
        free=FreeTier(
            Decimal(free["quantity"]),
            free.get("pool", entry["id"]),
            free["terms"],
            free.get("within_tiers", False),
        )
        if free
        else None,
        rounding=entry["rounding"],
        sources=tuple(sources[name] for name in entry["sources"]),
        dated=entry["dated"],
        confidence=entry["confidence"],
    )


def _end(up_to: Decimal | None) -> Decimal:
    return Decimal("Infinity") if up_to is None else up_to
