"""What the line functions take and give: a resource's usage in, a line of the bill out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Literal

Basis = Literal["metered", "modelled", "assumed"]
"""Where a quantity comes from: counted where it happens, worked out by a model, or taken to be so."""

Growth = Literal["traffic", "standing", "stored", "monthly"]
"""How a quantity grows: with the events, with time whatever the traffic, or as data that traffic adds and
nobody deletes (then it is in GB-months, and grows with the square of time), or not with time: what counts
once a month, as an active user, is in an hour and in a month what it was in the run."""

Follows = Literal["events", "requests"]
"""What of the traffic a quantity follows: its events, or the requests that carry them."""

HOURS_A_MONTH: Final = Decimal(730)
BYTES_A_GB: Final = Decimal(2**30)
KB_A_GB: Final = Decimal(2**20)
SECONDS_AN_HOUR: Final = Decimal(3600)


@dataclass(frozen=True)
class ResourceUsage:
    """What one resource used within `hours`, by the meters' names of units. A unit that is not there was not
    used, or not counted."""

    service: str
    resource: str
    quantities: Mapping[str, Decimal]
    hours: Decimal

    def get(self, unit: str) -> Decimal | None:
        """How much of `unit`, or None."""
        return self.quantities.get(unit)

    def total(self, *units: str) -> Decimal | None:
        """The sum of those `units` that are there, or None when none is."""
        found = [self.quantities[unit] for unit in units if unit in self.quantities]
        return sum(found, Decimal(0)) if found else None


@dataclass(frozen=True)
class Line:
    """A line of a bill before it is priced. `quantity` is in the unit of the price."""

    service: str
    resource: str
    price_id: str
    quantity: Decimal
    basis: Basis
    growth: Growth = "traffic"
    note: str = ""
    follows: Follows = "events"
    calls: Decimal | None = None
    """In how many calls that may each serve several events the quantity came (invocations for batches, the
    objects that they write); None where it comes event by event."""


LineFunction = Callable[[ResourceUsage], Line | None]


@dataclass(frozen=True)
class Tariff:
    """How one service bills a resource. `units` are the meters that its lines use; `unbilled` are those that
    AWS does not bill: they are watched, or already within another."""

    service: str
    lines: tuple[LineFunction, ...]
    units: frozenset[str]
    unbilled: frozenset[str] = frozenset()


def line(
    usage: ResourceUsage,
    price_id: str,
    quantity: Decimal | None,
    basis: Basis = "metered",
    growth: Growth = "traffic",
    note: str = "",
    *,
    follows: Follows = "events",
    calls: Decimal | None = None,
) -> Line | None:
    """A line, or none when there is no quantity: missing usage stays missing."""
    if quantity is None:
        return None
    return Line(usage.service, usage.resource, price_id, quantity, basis, growth, note, follows, calls)


def stored_gb_months(size: Decimal | None, hours: Decimal) -> Decimal | None:
    """Of bytes that came evenly over `hours`, from nothing: on average half was there."""
    return None if size is None else size / BYTES_A_GB / 2 * hours / HOURS_A_MONTH


def gb(size: Decimal | None) -> Decimal | None:
    """Bytes as GB of 2^30."""
    return None if size is None else size / BYTES_A_GB


def hours(seconds: Decimal | None) -> Decimal | None:
    """Seconds as hours."""
    return None if seconds is None else seconds / SECONDS_AN_HOUR
