"""A run as the checks see it: the run folder's parts, read once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, TypeVar

from harness.aws.prices.bill import Bill, DayBeforeTraffic, bill
from harness.aws.prices.book import load_book
from harness.errors import MeasurementInvalid
from harness.measure.deliveries import Deliveries
from harness.measure.gaps import gaps
from harness.measure.ledger_result import LedgerResult
from harness.measure.plan import DayBefore, Plan
from harness.measure.run_folder import RunFolder
from harness.measure.run_state import RunState
from harness.measure.timeline import Timeline
from harness.measure.usage import RunUsage, load_window_s, run_usage

DEFAULT_REGION = "us-east-1"

_T = TypeVar("_T")


@dataclass(frozen=True)
class Measured:
    """What a run folder holds; None for what the run did not come to. `unreadable` has a sentence for each
    part that is damaged."""

    state: RunState
    plan: Plan
    environment: Mapping[str, Any]
    load: Mapping[str, Any] | None
    ledger: LedgerResult | None
    deliveries: Deliveries | None
    """None when nobody watched, too."""
    timeline: Timeline
    usage: RunUsage | None
    bill: Bill | None
    load_window_s: tuple[float, float] | None
    """When the load began and ended, in seconds since the epoch."""
    unreadable: tuple[str, ...] = ()


def read(folder: RunFolder) -> Measured:
    """Read `folder`, whatever became of its run."""
    damaged: list[str] = []

    def part(reader: Callable[[], _T], otherwise: _T) -> _T:
        try:
            return reader()
        except MeasurementInvalid as error:
            damaged.append(error.message)
            return otherwise

    plan = part(folder.plan, Plan())
    load = part(folder.load_summary, None)
    ledger = part(folder.ledger, None)
    usage = part(lambda: run_usage(folder), None)
    part(lambda: sum(1 for _ in folder.load_timeline()), 0)
    part(folder.acceptance, None)
    part(folder.outcomes, None)
    return Measured(
        state=folder.state,
        plan=plan,
        environment=part(folder.environment, {}),
        load=load,
        ledger=ledger,
        deliveries=part(folder.deliveries, None),
        timeline=part(folder.timeline, Timeline(())),
        usage=usage,
        bill=None if usage is None else part(lambda: _bill(usage, plan, load), None),
        load_window_s=part(lambda: load_window_s(folder), None),
        unreadable=tuple(dict.fromkeys((*damaged, *gaps(folder)))),
    )


def accepted_events(load: Mapping[str, Any] | None) -> int | None:
    """How many events the answers accepted, or None when the generator wrote no totals."""
    return None if load is None else int(load["events"]["accepted"])


def _bill(usage: RunUsage, plan: Plan, load: Mapping[str, Any] | None) -> Bill:
    day_before = plan.get("day_before")
    return bill(
        usage.resources,
        usage.span,
        accepted_events(load) or 0,
        load_book(plan.get("region", DEFAULT_REGION)),
        free_tier=plan.get("free_tier", False),
        day_before=None if day_before is None else _day_before(day_before),
        requests=None if load is None else int(load["requests"]["accepted"]),
        kinds={kind: int(n["accepted"]) for kind, n in (load or {}).get("kinds", {}).items()},
        unseen=usage.unseen,
    )


def _day_before(given: DayBefore) -> DayBeforeTraffic:
    cost, requests = given.get("cost_per_hour"), given.get("requests_per_hour")
    try:
        cost_per_hour = None if cost is None else Decimal(cost)
    except InvalidOperation:
        cost_per_hour = Decimal("NaN")
    if cost_per_hour is not None and not cost_per_hour.is_finite():
        raise MeasurementInvalid(
            f"'plan.json' is damaged: day_before.cost_per_hour must be an amount, not '{cost}'."
        )
    return DayBeforeTraffic(
        events_per_hour=Decimal(str(given["events_per_hour"])),
        cost_per_hour=cost_per_hour,
        source=given["source"],
        requests_per_hour=None if requests is None else Decimal(str(requests)),
        kinds_per_hour={kind: Decimal(str(n)) for kind, n in given.get("kinds_per_hour", {}).items()},
    )
