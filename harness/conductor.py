"""The flow of a run, readable top to bottom.

    scenario -> target (up) -> pipeline (deploy) -> load -> drain -> ledger -> bill -> verdict -> reports

Each stage takes the one before it as a value. What is measured goes raw into the run folder as it happens;
everything after the ledger is derived from that folder alone, so `launchday report` can do it again.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

import reports
from harness import draining
from harness.errors import EXIT_INTERRUPTED, LaunchdayError, MeasurementInvalid, TargetError
from harness.evidence import Evidence
from harness.load.launch import Generator, Ready, Second
from harness.load.plan import LoadPlan
from harness.load.watchers.launch import WatchedSecond, Watching
from harness.measure.environment import describe_environment
from harness.measure.observation import Observation, Observer
from harness.measure.run_folder import RunFolder
from harness.measure.run_state import Drain
from harness.measure.sampler import Sampler
from harness.measure.unseen import BACKLOG
from harness.pipeline import Cloud, DeployParameters, Described, Outputs, Pipeline
from harness.pipeline_loader import asking
from harness.prerequisites import needs_of, not_judged, require, told
from harness.rehearsal import Rehearsal
from harness.scenario import Scenario
from harness.targets.base import Checked, Guided, Probed, Stays, Target


class Listener(Protocol):
    """Whoever watches a run as it goes: the live view, or nobody."""

    def stage(self, name: str, detail: str = "") -> None:
        """A stage of the flow begins."""

    def notice(self, lines: Sequence[str]) -> None:
        """Something that a person should read before the run goes on."""

    def second(self, second: Second) -> None:
        """The generator has sent for another second."""

    def observed(self, observation: Observation) -> None:
        """The target was looked at. Called in the sampler's thread."""

    def watched(self, second: WatchedSecond) -> None:
        """The watchers were told of events for another second. Called in a thread of its own."""


@dataclass(frozen=True)
class Finished:
    """What a run left behind. `error` is what broke it off, if anything did."""

    folder: RunFolder
    result: Mapping[str, Any]
    exit_code: int
    error: BaseException | None


def rehearse(rehearsal: Rehearsal, folder: RunFolder, listener: Listener) -> Finished:
    """Run it. Whatever happens, the folder is left with what was measured and no process stays behind."""
    error: BaseException | None = None
    try:
        listener.stage("target", _coming(rehearsal.target))
        with rehearsal.target.start(folder.logs_path) as target:
            _on_target(rehearsal, target, folder, listener)
        folder.finish("complete", time.time())
    except KeyboardInterrupt as interrupt:
        error = interrupt
        folder.finish("interrupted", time.time(), "somebody pressed Ctrl-C.")
    except LaunchdayError as failure:
        error = failure
        folder.finish("failed", time.time(), failure)
    except Exception as bug:
        folder.finish("failed", time.time(), bug)
        raise
    listener.stage("report")
    result = reports.write_all(folder)
    return Finished(folder, result, _exit_code(result, error), error)


def _on_target(rehearsal: Rehearsal, target: Target, folder: RunFolder, listener: Listener) -> None:
    _try_out(rehearsal, target, folder, listener)
    cloud, observer = target.cloud(), target.observer()
    unjudged = not_judged(
        rehearsal.objectives, observer.unseen, target.name, allowed=rehearsal.allow_unjudged
    )
    if unjudged:
        listener.notice(unjudged)
    listener.stage("deploy", rehearsal.pipeline.name)
    with _taken_down_after(rehearsal, cloud, listener):
        outputs = deploy(rehearsal.pipeline, cloud, rehearsal.scenario, rehearsal.settings)
        _on_what_stands(rehearsal, cloud, outputs, observer, folder, listener)


def _on_what_stands(
    rehearsal: Rehearsal,
    cloud: Cloud,
    outputs: Outputs,
    observer: Observer,
    folder: RunFolder,
    listener: Listener,
) -> None:
    run_id = uuid.uuid4().hex[:8]
    _keep_plan(rehearsal, run_id, outputs, folder)
    if isinstance(observer, Guided) and isinstance(rehearsal.pipeline, Described):
        observer.look_at(rehearsal.pipeline.parts(outputs))
    folder.set_observer(observer.completeness, observer.unseen)
    happenings = draining.Happenings()

    def observed(observation: Observation) -> None:
        folder.append_observation(observation)
        happenings.observed(observation)
        listener.observed(observation)

    def watched(second: WatchedSecond) -> None:
        happenings.watched(second.webhook, second.subscription, second.refused)
        listener.watched(second)

    plan = rehearsal.load_plan(run_id, outputs)
    evidence = Evidence(rehearsal.scenario, rehearsal.pipeline, run_id, cloud, outputs, folder)
    with (
        Sampler(observer, observed) as sampler,
        _watchers(rehearsal, plan, folder, watched, listener) as watchers,
    ):
        _mark(folder, "load_start", sampler.look())
        _load(rehearsal, plan, folder, sampler, watchers, listener)
        _mark(folder, "load_end", sampler.look())
        with _telling_a_lost_target(observer):
            folder.set_drain(_drain(rehearsal, evidence, sampler, happenings, listener))
        if watchers is not None:
            watchers.finish()
        _mark(folder, "end", sampler.look())
    listener.stage("ledger", "reading what became of each event")
    with _telling_a_lost_target(observer):
        evidence.reconcile()


def _coming(target: Target) -> str:
    """What is done about the target before anything else."""
    return f"using {target.where}" if isinstance(target, Stays) else f"starting {target.name}"


def _exit_code(result: Mapping[str, Any], error: BaseException | None) -> int:
    if isinstance(error, LaunchdayError):
        return error.exit_code
    return EXIT_INTERRUPTED if error is not None else reports.exit_code(result)


def _try_out(rehearsal: Rehearsal, target: Target, folder: RunFolder, listener: Listener) -> None:
    """Find out what the target can do, where that is not known, and say it. Raises TargetError when it lacks
    what the pipeline cannot do without."""
    if not isinstance(target, Probed):
        return
    listener.stage("probe", "what the target can do")
    findings = target.probe()
    needs = needs_of(rehearsal.pipeline, rehearsal.scenario)
    folder.write_environment({**describe_environment(), "probes": findings.to_json()})
    listener.notice(told(findings, needs))
    require(findings, needs, rehearsal.pipeline.name)


@contextmanager
def _taken_down_after(rehearsal: Rehearsal, cloud: Cloud, listener: Listener) -> Iterator[None]:
    """With the pipeline taken down at the end, however it ends, where that is asked for."""
    try:
        yield
    finally:
        if rehearsal.take_down:
            listener.stage("take down", rehearsal.pipeline.name)
            with asking(rehearsal.pipeline, "be taken down", TargetError):
                rehearsal.pipeline.destroy(cloud)


def deploy(pipeline: Pipeline, cloud: Cloud, scenario: Scenario, settings: Mapping[str, str]) -> Outputs:
    """Stand `pipeline` up for what `scenario` asks of it; `settings` go before the scenario's own.

    Raises TargetError when it cannot be stood up."""
    parameters = DeployParameters(
        accounts=scenario.population.accounts,
        peak_events_per_s=scenario.peak_events_per_s,
        settings={**scenario.settings, **settings},
    )
    with asking(pipeline, "be deployed", TargetError):
        return pipeline.deploy(cloud, parameters)


def _keep_plan(rehearsal: Rehearsal, run_id: str, outputs: Outputs, folder: RunFolder) -> None:
    folder.write_plan(rehearsal.plan(run_id, outputs))
    folder.write_environment({**folder.environment(), **describe_environment(), **rehearsal.settled()})


@contextmanager
def _watchers(
    rehearsal: Rehearsal,
    plan: LoadPlan,
    folder: RunFolder,
    watched: Callable[[WatchedSecond], None],
    listener: Listener,
) -> Iterator[Watching | None]:
    """The scenario's watchers at their posts, if it has any."""
    wanted = rehearsal.scenario.watchers
    if wanted is None:
        yield None
        return
    listener.stage("watchers", f"{wanted.count:,} webhook endpoints and live subscribers")
    log = folder.logs_path / "watchers.log"
    with Watching(plan, folder.watch_path, log, watched) as watchers:
        watchers.wait_ready()
        yield watchers


def _load(
    rehearsal: Rehearsal,
    plan: LoadPlan,
    folder: RunFolder,
    sampler: Sampler,
    watchers: Watching | None,
    listener: Listener,
) -> None:
    scenario = rehearsal.scenario
    listener.stage("load", f"{scenario.duration_s:.0f} s, up to {scenario.peak_per_s:,.0f} requests/s")
    with Generator(plan, folder.load_path, folder.logs_path / "generator.log") as generator:
        for event in generator.events():
            sampler.check()
            if watchers is not None:
                watchers.check()
            if isinstance(event, Second):
                listener.second(event)
            elif not isinstance(event, Ready) and event.interrupted:
                raise KeyboardInterrupt


def _drain(
    rehearsal: Rehearsal,
    evidence: Evidence,
    sampler: Sampler,
    happenings: draining.Happenings,
    listener: Listener,
) -> Drain:
    """Wait for the backlog to empty; that it did not is for the objectives and the ledger to judge."""
    limit_s = rehearsal.drain_limit_s

    def look() -> Observation:
        sampler.check()
        return sampler.look()

    if BACKLOG not in sampler.unseen:
        listener.stage("drain", f"at most {limit_s:.0f} s")
        return draining.by_backlog(look, limit_s)

    listener.stage("drain", f"until the evidence shows an end of each event, at most {limit_s:.0f} s")
    said = 0

    def waiting() -> int:
        nonlocal said
        left = evidence.read().waiting
        if left not in (0, said):
            listener.stage("drain", f"{left:,} accepted events have no end yet")
            said = left
        return left

    return draining.by_evidence(
        look,
        waiting,
        lambda: happenings.count,
        limit_s,
        watched=rehearsal.scenario.watchers is not None,
    )


def _mark(folder: RunFolder, name: Any, observation: Observation) -> None:
    folder.mark_usage(name, observation.usage, observation.at_s)


@contextmanager
def _telling_a_lost_target(observer: Observer) -> Iterator[None]:
    """Where the evidence cannot be read because the target is gone, that is what is to be said."""
    try:
        yield
    except MeasurementInvalid:
        if isinstance(observer, Checked):
            observer.still_there()
        raise
