"""What a run is to be: all that it needs, and the plans that are made of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.errors import TargetError
from harness.load.plan import LoadPlan
from harness.measure.plan import DayBefore, HourOfTraffic, Plan
from harness.objectives import Objectives
from harness.pipeline import Outputs, Pipeline
from harness.pipeline_loader import asking
from harness.scenario import Hour, Overrides, Scenario
from harness.targets.base import Target
from reports.checks.catalogue import check_objectives


@dataclass(frozen=True)
class Rehearsal:
    """All that a run needs, validated before anything is started.

    `scenario` has its overrides applied; `overrides` are the same again for the generator's process.
    `day_before` is of a run that is to be compared with; without it the scenario's own model serves."""

    scenario: Scenario
    overrides: Overrides
    pipeline: Pipeline
    pipeline_dir: Path
    target: Target
    limits: str
    objectives: Objectives
    region: str = "us-east-1"
    workers: int = 1
    in_flight_cap: int = 1000
    drain_limit_s: float = 120.0
    take_down: bool = False
    """Take the pipeline down at the end, where the target stays."""
    free_tier: bool = False
    allow_unjudged: bool = False
    day_before: DayBefore | None = None
    settings: Mapping[str, str] = field(default_factory=dict)

    def plan(self, run_id: str, outputs: Outputs) -> Plan:
        """What the run folder keeps, of a pipeline that was deployed with `outputs`.

        Raises TargetError when the pipeline does not say its entrances, and UsageError when there is no such
        metric as an objective names."""
        scenario, pipeline = self.scenario, self.pipeline
        with asking(pipeline, "say its entrances", TargetError):
            entrances = pipeline.entrances(outputs)
            fingerprint, unbilled = pipeline.fingerprint(), pipeline.unbilled(outputs)
        routes = [entrance.route for entrance in entrances]
        groups = list(scenario.groups)
        check_objectives(self.objectives, [*routes, *groups])
        plan = Plan(
            run_id=run_id,
            scenario=scenario.name,
            target=self.target.name,
            limits=self.limits,
            scale=1.0,
            seed=scenario.seed,
            region=self.region,
            pipeline={"name": pipeline.name, "hash": fingerprint},
            routes=routes,
            groups=groups,
            objectives=[str(objective) for objective in self.objectives],
            unbilled=[
                {"service": item.service, "resource": item.resource, "why": item.why} for item in unbilled
            ],
            hops={entrance.route: list(entrance.hops) for entrance in entrances if entrance.hops},
            free_tier=self.free_tier,
            allow_unjudged=self.allow_unjudged,
            hangs_up=scenario.traffic.hangs_up,
            traffic=_an_hour(scenario.hour()),
        )
        day_before = self.day_before or _modelled_day_before(scenario)
        if day_before is not None:
            plan["day_before"] = day_before
        return plan

    def settled(self) -> dict[str, Any]:
        """What else was settled on, for the run folder's environment."""
        return {
            "overrides": self.overrides.to_json(),
            "workers": self.workers,
            "in_flight_cap": self.in_flight_cap,
            "drain_limit_s": self.drain_limit_s,
            "settings": dict(self.settings),
        }

    def load_plan(self, run_id: str, outputs: Outputs) -> LoadPlan:
        """What the generator and the watchers need to know."""
        assert self.scenario.path is not None  # a scenario that was loaded has its file
        return LoadPlan(
            scenario=self.scenario.path,
            run_id=run_id,
            pipeline_dir=self.pipeline_dir,
            outputs=outputs,
            overrides=self.overrides,
            in_flight_cap=self.in_flight_cap,
            workers=self.workers,
        )


def _modelled_day_before(scenario: Scenario) -> DayBefore | None:
    if scenario.day_before is None:
        return None
    return {
        **_an_hour(scenario.hour(scenario.day_before)),
        "cost_per_hour": None,
        "source": f"the model of the day before in {scenario.name}",
    }


def _an_hour(hour: Hour) -> HourOfTraffic:
    return {
        "events_per_hour": hour.events,
        "requests_per_hour": hour.requests,
        "kinds_per_hour": dict(hour.kinds),
    }
