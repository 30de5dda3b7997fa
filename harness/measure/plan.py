"""What a run was asked to do, as `plan.json` keeps it: the part of it that ledger, bill and reports read.

The conductor writes it before the load starts and may keep more beside it. A key that is not there is not
known, and what depends on it is reported as unknown.
"""

from __future__ import annotations

from typing import NotRequired, TypedDict


class PipelineName(TypedDict):
    """Which product was rehearsed; `hash` is `Pipeline.fingerprint()`."""

    name: str
    hash: str


class UnbilledUsage(TypedDict):
    """`harness.pipeline.Unbilled` as JSON."""

    service: str
    resource: str
    why: str


class HourOfTraffic(TypedDict):
    """What a scenario plans for the mean hour: requests, and the events in them, altogether and by kind."""

    events_per_hour: float
    requests_per_hour: float
    kinds_per_hour: dict[str, float]


class DayBefore(TypedDict):
    """The same pipeline's traffic on the day before the launch, from the scenario's model or from a run.

    `events_per_hour` is the mean over the day. `cost_per_hour` is given when it was measured, as a decimal
    string; `source` says in words where this comes from. A modelled one has the requests, and the events by
    kind, of that hour too."""

    events_per_hour: float
    cost_per_hour: str | None
    source: str
    requests_per_hour: NotRequired[float]
    kinds_per_hour: NotRequired[dict[str, float]]


class Plan(TypedDict, total=False):
    """`plan.json`. `objectives` are texts that `Objective.parse` reads. `hops` gives, for each route, the AWS
    steps that its answer waits for, in the names of harness.aws.latencies:
    `{"POST /v1/devices": ["apigateway:rest", "kinesis:PutRecord"]}`."""

    run_id: str
    scenario: str
    target: str
    limits: str
    scale: float
    seed: int
    region: str
    pipeline: PipelineName
    routes: list[str]
    groups: list[str]
    """Groups of accounts whose latency is kept apart."""
    objectives: list[str]
    unbilled: list[UnbilledUsage]
    hops: dict[str, list[str]]
    traffic: HourOfTraffic
    day_before: DayBefore
    free_tier: bool
    hangs_up: bool
    """Devices of the scenario hang up on purpose: these requests are never answered."""
    allow_unjudged: bool
    """Objectives that the target cannot show do not keep the run from being met."""
