"""The price book itself: every figure has a source, a date and a confidence."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest

from harness.aws.prices import services
from harness.aws.prices.book import load_book
from harness.aws.prices.line import ResourceUsage
from harness.aws.prices.services import TARIFFS, bill_lines

BOOK = load_book("us-east-1")


def test_a_price_says_where_it_comes_from() -> None:
    for price in BOOK.prices.values():
        assert price.sources, price.id
        assert re.fullmatch(r"20[0-9]{2}-[0-9]{2}(-[0-9]{2})?", price.dated), price.id
        assert price.dated <= BOOK.read, price.id
        assert price.confidence in ("price_list", "third_parties", "unverified"), price.id
        assert price.rounding, price.id
        assert all(isinstance(tier.price, Decimal) for tier in price.tiers), price.id


def test_no_figure_is_priced_by_memory() -> None:
    """What nobody verified costs nothing in the book: it is free by assumption, and says so."""
    unverified = {price.id for price in BOOK.prices.values() if price.confidence == "unverified"}
    assert unverified == {"control.requests", "sns.managed_deliveries"}


@pytest.mark.parametrize("service", sorted(TARIFFS))
def test_every_line_has_a_price_in_the_book(service: str) -> None:
    tariff = TARIFFS[service]
    found = set()
    for units in (tariff.units, tariff.units - {"on_demand_stream_seconds"}):
        for resource in ("r", "r.fifo", ""):
            usage = ResourceUsage(service, resource, dict.fromkeys(units, Decimal(10**9)), Decimal(1))
            lines, unpriced = bill_lines([usage])
            assert not unpriced
            found |= {line.price_id for line in lines}
    assert found
    assert all(BOOK.price(price_id) for price_id in found)


def test_every_price_is_used() -> None:
    found = set()
    for service, tariff in TARIFFS.items():
        for dropped in ({"on_demand_stream_seconds"}, {"provisioned_shard_seconds"}):
            for resource in ("r", "r.fifo"):
                units = tariff.units - dropped
                usage = ResourceUsage(service, resource, dict.fromkeys(units, Decimal(10**9)), Decimal(1))
                found |= {line.price_id for line in bill_lines([usage])[0]}
    assert found == set(BOOK.prices)


def test_missing_usage_stays_missing() -> None:
    for service in services.TARIFFS:
        assert bill_lines([ResourceUsage(service, "r", {}, Decimal(1))]) == ([], [])


def test_a_volume_below_zero_is_refused() -> None:
    price = BOOK.price("lambda.requests")
    assert price is not None
    with pytest.raises(ValueError, match="0 or more"):
        price.amount(Decimal(-1))
