"""What is found out and said before a run starts: what its target can do, what the pipeline needs of it, and
which objectives it will not be able to show."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from harness.errors import TargetError
from harness.measure.unseen import Unseen
from harness.objectives import Objective
from harness.pipeline import Channel, Described, Pipeline
from harness.scenario import Scenario
from harness.targets.findings import Finding, Findings
from reports.checks.catalogue import unjudged_metrics

_MARKS: Final = {True: "yes", False: "no", None: "?"}


def needs_of(pipeline: Pipeline, scenario: Scenario) -> Mapping[str, str]:
    """What the pipeline needs for the scenario, each with what for; nothing when it does not say."""
    if not isinstance(pipeline, Described):
        return {}
    traffic, watchers = scenario.traffic, scenario.watchers
    kinds = {*scenario.hour().kinds, *(call.kind for call in traffic.calls)}
    channels: set[Channel] = set()
    if watchers is not None:
        if watchers.webhooks:
            channels.add("webhook")
        if watchers.device_subscribers or watchers.account_subscribers:
            channels.add("subscription")
    return pipeline.needs(frozenset(kinds), frozenset(channels))


@dataclass(frozen=True)
class Row:
    """A capability as it is told: `yes`, `no` or `?`, what was seen, what it is needed for."""

    mark: str
    name: str
    detail: str
    needed_for: str


def rows(findings: Findings, needs: Mapping[str, str]) -> list[Row]:
    """All that was tried."""
    return [Row(_MARKS[each.can], each.name, each.detail, needs.get(each.name, "")) for each in findings]


def told(findings: Findings, needs: Mapping[str, str]) -> list[str]:
    """The lines that say it in a terminal."""
    lines = [
        f"  {row.mark:3} {row.name:22} {row.detail}" + (f" [{row.needed_for}]" if row.needed_for else "")
        for row in rows(findings, needs)
    ]
    left = [f"  left behind: {thing}" for thing in findings.left_behind]
    return [
        "What this target can do, and what not (in brackets: what the run needs it for):",
        *lines,
        *left,
    ]


def require(findings: Findings, needs: Mapping[str, str], pipeline: str) -> None:
    """Raises TargetError when the target is known to lack what the pipeline cannot do without."""
    lacking = findings.lacking(needs)
    if lacking:
        raise TargetError(
            f"{pipeline} cannot be rehearsed on this target, which lacks {_all(lacking)}.",
            "Take another scenario or target; `launchday doctor --target endpoint` shows what one can do.",
        )


def _all(lacking: Sequence[tuple[Finding, str]]) -> str:
    """What is lacking, those with one reason together: all that need a function that does not run, say."""
    by_reason: dict[str, list[str]] = {}
    for each, needed_for in lacking:
        by_reason.setdefault(each.detail, []).append(f"{each.name} for {needed_for}")
    return "; ".join(f"{', '.join(names)} ({detail})" for detail, names in by_reason.items())


def not_judged(objectives: Iterable[Objective], unseen: Unseen, target: str, *, allowed: bool) -> list[str]:
    """The lines that say which objectives cannot be judged, and what then; none when all can."""
    why = unjudged_metrics(unseen)
    left = [objective for objective in objectives if objective.metric in why]
    if not left:
        return []
    what_then = (
        "The verdict is of the others (--allow-unjudged)."
        if allowed
        else "The run ends with 4, or 1 when another is missed; --allow-unjudged judges without them."
    )
    return [
        f"What cannot be judged on the target {target}:",
        *(f"  {objective}: {why[objective.metric]}" for objective in left),
        what_then,
    ]
