"""What an hour would cost at the rate of each moment of a run: the bill's lines, a window at a time."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from harness.aws.prices.bill import Span, bill
from harness.aws.prices.book import load_book
from harness.aws.prices.line import ResourceUsage
from harness.measure.meters import CallTally
from harness.measure.observation import Invocation
from harness.measure.plan import UnbilledUsage
from harness.measure.run_folder import RunFolder
from harness.measure.timeline import PROCESS
from harness.measure.unseen import unseen_services
from harness.measure.usage import function_durations

WINDOWS = 60
MIN_WINDOW_S = 1.0

Edges = NDArray[np.float64]
Quantities = dict[tuple[str, str], dict[str, Decimal]]


def cost_per_hour(folder: RunFolder) -> list[tuple[float, float | None]]:
    """(middle of a window in seconds since the epoch, USD an hour), at most 60 windows over the load and the
    drain; empty when the run was not metered, or not wholly. None where no price is known."""
    start, end = folder.marked_usage("load_start"), folder.marked_usage("end")
    end = end or folder.marked_usage("latest")
    if start is None or end is None or end.at_s <= start.at_s or unseen_services(folder.state.unseen or {}):
        return []
    windows = max(1, min(WINDOWS, int((end.at_s - start.at_s) / MIN_WINDOW_S)))
    edges = np.linspace(start.at_s, end.at_s, windows + 1)
    unbilled = folder.plan().get("unbilled", [])
    used = _metered(folder, edges, unbilled)
    _add_durations(folder, edges, unbilled, used)
    book = load_book(folder.plan().get("region", "us-east-1"))
    points: list[tuple[float, float | None]] = []
    for low, high, window in zip(edges[:-1], edges[1:], used, strict=True):
        span = Span.of_seconds(float(high - low), float(high - low))
        resources = [ResourceUsage(*key, quantities, span.metered_h) for key, quantities in window.items()]
        total = bill(resources, span, 0, book).total
        points.append((float(low + high) / 2, None if total is None else float(total / span.metered_h)))
    return points


def _metered(folder: RunFolder, edges: Edges, unbilled: Sequence[UnbilledUsage]) -> list[Quantities]:
    """What the meters grew by in each window. A rate holds from the look before it to its own: a meter's
    first row is of the time since the last look, not since the run began."""
    left_out = {(item["service"], item["resource"]) for item in unbilled}
    used: list[Quantities] = [{} for _ in edges[1:]]
    timeline = folder.timeline()
    looks = np.unique(np.concatenate([edges[:1], *(series.t for series in timeline)]))
    for series in timeline:
        if (
            series.kind != "rate"
            or series.service == PROCESS
            or (series.service, series.resource) in left_out
        ):
            continue
        before = looks[np.maximum(np.searchsorted(looks, series.t) - 1, 0)]
        grown = np.concatenate([[0.0], np.cumsum(series.value * (series.t - before))])
        at = np.interp(edges, np.concatenate([before[:1], series.t]), grown)
        for window, quantity in zip(used, np.diff(at), strict=True):
            if quantity > 0:
                unit = window.setdefault((series.service, series.resource), {})
                unit[series.name] = Decimal(str(round(float(quantity), 6)))
    return used


def _add_durations(
    folder: RunFolder,
    edges: Edges,
    unbilled: Sequence[UnbilledUsage],
    used: list[Quantities],
) -> None:
    calls_of: dict[str, list[CallTally]] = {}
    for call in folder.calls():
        calls_of.setdefault(call.trace_id, []).append(call)
    by_window: dict[int, list[Invocation]] = {}
    for invocation in folder.invocations():
        place = int(np.searchsorted(edges, invocation.started_at_s, side="right")) - 1
        if 0 <= place < len(used):
            by_window.setdefault(place, []).append(invocation)
    for place, invocations in by_window.items():
        calls = [call for i in invocations for call in calls_of.get(i.trace_id, ())]
        for duration in function_durations(invocations, calls, unbilled):
            unit = f"gb_seconds_{duration.architecture}"
            of_function = used[place].setdefault(("lambda", duration.function), {})
            of_function[unit] = of_function.get(unit, Decimal(0)) + duration.gb_s
