"""A stored run as the day before of another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from harness.errors import UsageError
from harness.measure.plan import DayBefore, Plan
from harness.measure.run_folder import RunFolder
from harness.scenario import Hour, Scenario
from reports import wording
from reports.result import build_result

_APART = 0.05  # of a planned hour: the same day at the same part of its rates, written with fewer digits


@dataclass(frozen=True)
class Beside:
    """The run that a stored one is to be set beside: what the two must share for their bills to compare."""

    scenario: Scenario
    pipeline: str
    target: str
    region: str
    free_tier: bool
    scale: float = 1.0


def day_before_from(path: Path, beside: Beside) -> DayBefore:
    """What the run in folder `path` cost and carried in an hour.

    Raises UsageError when it is no run folder, has no valid bill, or does not compare with `beside`."""
    folder = RunFolder.open(path)
    result = build_result(folder)
    if result["verdict"] == "invalid":
        raise UsageError(
            f"The measurement of the run in '{path}' is not valid: {result['verdict_reason']}",
            "Take a run that is complete and valid.",
        )
    _same_terms(path, folder.plan(), beside)
    cost, load = result.get("cost"), folder.load_summary()
    if load is None or cost is None or cost["per_hour"] is None:
        why = f": {cost['per_hour_reason']}." if cost else "."
        raise UsageError(
            f"The run in '{path}' has no bill to compare with{why}",
            "Take a run that is complete, of a target whose usage is counted.",
        )
    seconds = float(load["duration_s"])  # what the bill's hour is of, too: without the wait for last answers
    if seconds <= 0:
        raise UsageError(f"The run in '{path}' sent nothing.", "Take a run that is complete.")
    _same_day(path, folder.plan(), beside.scenario)
    return {
        "events_per_hour": float(result["events"]["accepted"] or 0) / seconds * 3600,
        "cost_per_hour": str(cost["per_hour"]),
        "source": f"the run {path.name}",
    }


def _same_terms(path: Path, plan: Plan, beside: Beside) -> None:
    """That both bills are of one product, by the same prices."""
    pipeline: Mapping[str, Any] = plan.get("pipeline") or {}
    terms: list[tuple[str, Any, Any]] = [
        ("pipeline", pipeline.get("name"), beside.pipeline),
        ("target", plan.get("target"), beside.target),
        ("region", plan.get("region"), beside.region),
        ("free tier", plan.get("free_tier"), beside.free_tier),
        ("scale", plan.get("scale"), beside.scale),
    ]
    for name, theirs, ours in terms:
        if theirs != ours:
            raise UsageError(
                f"The run in '{path}' does not compare with this one: its {name} is {_said(theirs)}, "
                f"and this run's {_said(ours)}.",
                "Run the day before again on the same terms.",
            )


def _said(value: Any) -> str:
    if isinstance(value, bool):
        return "taken off" if value else "not taken off"
    return wording.text(value)


def _same_day(path: Path, plan: Plan, scenario: Scenario) -> None:
    """That the run planned the traffic that the scenario says the day before had: the same events an hour, of
    each kind. How long it ran does not matter: a shape keeps its rates when it is squeezed."""
    if scenario.day_before is None:
        return
    planned, day = plan.get("traffic"), scenario.hour(scenario.day_before)
    if planned is None:
        raise UsageError(
            f"The run in '{path}' does not say what traffic it planned.", "Run the day before again."
        )
    kinds = planned["kinds_per_hour"]
    for kind in sorted({*kinds, *day.kinds}):
        theirs, ours = kinds.get(kind, 0.0), day.kinds.get(kind, 0.0)
        if abs(theirs - ours) > _APART * max(theirs, ours):
            raise UsageError(
                f"The run in '{path}' is not of the day before {scenario.name}: it planned {theirs:,.0f} "
                f"events of the kind {kind} an hour, and that day has {ours:,.0f} at the same scale.",
                _remedy(scenario, day),
            )


def _remedy(scenario: Scenario, day: Hour) -> str:
    assert scenario.day_before is not None
    peak = replace(scenario, traffic=scenario.day_before).peak_per_s
    return f"Its peak is {peak:.4g} requests a second (--rate), its mean {day.requests / 3600:.4g}."
