"""`launchday prices`: the price book, each figure with its source."""

from __future__ import annotations

import difflib

import click

from harness.aws.prices.book import Price, load_book
from harness.aws.prices.services import TARIFFS
from harness.cli.options import json_option
from harness.cli.output import print_json
from harness.errors import UsageError


@click.command(short_help="List the prices that bills are made of, with sources.")
@click.argument("service", required=False)
@click.option("--region", default="us-east-1", show_default=True)
@json_option
def prices(service: str | None, region: str, *, as_json: bool) -> None:
    """List the prices that bills are made of, of all services or of SERVICE, each with its source."""
    book = load_book(region)
    if not book.prices:
        raise UsageError(
            f"There is no price book for {region}; bills there are unknown.", "us-east-1 has one."
        )
    services = {price.service for price in book.prices.values()}
    if service is not None and service not in services:
        close = difflib.get_close_matches(service, services, n=1)
        remedy = f"Did you mean {close[0]}?" if close else f"There are: {', '.join(sorted(services))}."
        raise UsageError(f"The price book has no service '{service}'.", remedy)
    chosen = [price for price in book.prices.values() if service in (None, price.service)]
    not_billed = {
        name: sorted(tariff.unbilled)
        for name, tariff in sorted(TARIFFS.items())
        if tariff.unbilled and service in (None, name)
    }
    if as_json:
        print_json(
            {
                "region": book.region,
                "currency": book.currency,
                "read": book.read,
                "prices": _plain(chosen),
                "not_billed": not_billed,
            }
        )
        return
    click.echo(f"{book.currency}, {book.region}; sources read {book.read}")
    for price in chosen:
        click.echo(f"\n{price.service}: {price.what}")
        for line in _tiers(price):
            click.echo(f"    {line}")
        click.echo(f"    {price.rounding}")
        click.echo(f"    {price.confidence}, {price.dated}: {'; '.join(price.sources)}")
    if not_billed:
        click.echo("\nMetered and not billed (watched, or within a unit that is billed):")
    for name, units in not_billed.items():
        click.echo(f"    {name}: {', '.join(units)}")


def _tiers(price: Price) -> list[str]:
    per = "" if price.per == 1 else f"{price.per:,} "
    lines = []
    for tier in price.tiers:
        until = "" if tier.up_to is None else f" up to {tier.up_to:,}"
        lines.append(f"{tier.price} per {per}{price.unit}{until}")
    if price.free is not None:
        lines.append(f"free tier: {price.free.quantity:,} a month, {price.free.terms}")
    return lines


def _plain(chosen: list[Price]) -> list[dict[str, object]]:
    return [
        {
            "id": price.id,
            "service": price.service,
            "what": price.what,
            "unit": price.unit,
            "per": str(price.per),
            "tiers": [
                {"up_to": None if tier.up_to is None else str(tier.up_to), "price": str(tier.price)}
                for tier in price.tiers
            ],
            "free": None
            if price.free is None
            else {"quantity": str(price.free.quantity), "pool": price.free.pool, "terms": price.free.terms},
            "rounding": price.rounding,
            "sources": list(price.sources),
            "dated": price.dated,
            "confidence": price.confidence,
        }
        for price in chosen
    ]
