"""Scenarios under plain Locust: `locust -f scenarios/x.py --headless`, its web UI, its master and workers.

A scenario's file binds the User class that `rehearsal_user` gives, and only when locust is loaded already.
Users carry no load here (`-u` and `-r` are irrelevant): when a test starts, the scenario's arrivals start,
on every worker its share. Requests show in Locust's statistics with their latency from the planned start.

What is loaded is the pipeline that `launchday up` keeps, or the one that --pipeline and --outputs name.
"""

from __future__ import annotations

import json
import logging
import uuid
from pathlib import Path
from typing import Any

import gevent
from locust import User, events
from locust.env import Environment
from locust.runners import WorkerRunner

from harness.emulator import standing
from harness.errors import LaunchdayError, UsageError
from harness.load.crew import Crew, CrewMember
from harness.load.executor import Flight
from harness.load.merge import Row
from harness.load.plan import LoadPlan
from harness.measure.acceptance import ACCEPTED, NAMES
from harness.pipeline_loader import REFERENCE_PIPELINE
from harness.scenario import Overrides, Scenario

_LOG = logging.getLogger("launchday")
_STOP_S = 5.0
_OPTIONS: tuple[tuple[str, type, str], ...] = (
    ("--rate", float, "peak of the surge, in requests/s"),
    ("--duration", float, "how long the load lasts, in seconds"),
    ("--devices", int, "devices in the population"),
    ("--seed", int, "same seed, same arrivals"),
    ("--trace", str, "a CSV of time and place, for a replay"),
    ("--compress", float, "replay a trace this many times as fast"),
    ("--in-flight", int, "requests that may wait for an answer (default 1000)"),
    ("--target", str, "on which of `launchday up`'s, where there are two: embedded or localstack"),
    ("--pipeline", str, "the pipeline's folder (default: that of `launchday up`, or the reference pipeline)"),
    ("--outputs", str, "a JSON file with the deployment's outputs (default: those of `launchday up`)"),
)

_chosen: list[Scenario] = []
"""The scenario of the file that Locust loaded: the last one, since a scenario may load another first."""


def _rest(user: User) -> None:  # noqa: ARG001 - Locust hands it over
    gevent.sleep(1.0)


class Arrivals(User):  # type: ignore[misc]  # Locust's types are not followed
    """Stands for the scenario's arrivals in Locust's lists; does nothing itself."""

    tasks = [_rest]  # noqa: RUF012 - as Locust has it


def rehearsal_user(scenario: Scenario) -> type[User]:
    """The User class with which Locust runs `scenario`."""
    _chosen[:] = [scenario]
    return Arrivals


def _add_options(parser: Any) -> None:
    group = parser.add_argument_group("Launchday options")
    for name, kind, words in _OPTIONS:
        variable = f"LAUNCHDAY_{name.strip('-').replace('-', '_').upper()}"
        group.add_argument(name, type=kind, default=None, env_var=variable, help=words)


def _join(environment: Environment, **_: Any) -> None:
    if _chosen:
        _Rehearsal(environment, _chosen[0])


events.init_command_line_parser.add_listener(_add_options)
events.init.add_listener(_join)


class _Rehearsal:
    """The scenario in one Locust process, for as many tests as are started."""

    def __init__(self, environment: Environment, scenario: Scenario) -> None:
        self._environment = environment
        self._scenario = scenario
        self._crew: Crew | None = None
        self._running: gevent.Greenlet | None = None
        if isinstance(environment.runner, WorkerRunner):
            folder = environment.parsed_options.pipeline
            CrewMember(
                environment.runner,
                lambda plan: plan.overrides.apply(scenario),
                Path(folder) if folder else None,
                self._report,
            )
            return
        environment.events.test_start.add_listener(self._start)
        environment.events.test_stopping.add_listener(self._stop)

    def _start(self, **_: Any) -> None:
        self._running = gevent.spawn(self._run)

    def _stop(self, **_: Any) -> None:
        if self._crew is not None and self._running is not gevent.getcurrent():
            self._crew.stop()
            gevent.joinall([self._running], timeout=_STOP_S)

    def _run(self) -> None:
        environment = self._environment
        try:
            overrides = _overrides(environment.parsed_options)
            scenario = overrides.apply(self._scenario)
            plan = _plan(environment.parsed_options, overrides, scenario)
            self._crew = Crew(environment.runner, plan, scenario, _log_row, self._report)
            self._crew.run()
            self._conclude(self._crew)
        except LaunchdayError as error:
            _LOG.error("%s", error)
            environment.process_exit_code = error.exit_code
        finally:
            self._crew = None
            if environment.parsed_options.headless:
                environment.runner.quit()
            else:
                environment.runner.stop()

    def _conclude(self, crew: Crew) -> None:
        tally = crew.tally
        counts = ", ".join(f"{count} {name}" for name, count in tally.requests.items())
        _LOG.info("Requests: %s.", counts)
        _LOG.info("Start lateness: %s ms at p99.", tally.lateness.percentile(99))
        reason = tally.invalid_reason()
        if reason is not None:
            _LOG.error("The measurement is not valid. %s", reason)
            self._environment.process_exit_code = 4

    def _report(self, flight: Flight, code: int, latency_s: float, answer_bytes: int) -> None:
        """A request, in Locust's statistics."""
        method, _, name = flight.entrance.route.partition(" ")
        self._environment.events.request.fire(
            request_type=method,
            name=name,
            response_time=latency_s * 1000.0,
            response_length=answer_bytes,
            exception=None if code == ACCEPTED else RuntimeError(NAMES[code]),
            context={},
        )


def _overrides(options: Any) -> Overrides:
    return Overrides(
        rate=options.rate,
        duration_s=options.duration,
        seed=options.seed,
        devices=options.devices,
        trace=Path(options.trace) if options.trace else None,
        compress=options.compress,
    )


def _plan(options: Any, overrides: Overrides, scenario: Scenario) -> LoadPlan:
    folder, outputs = options.pipeline, None
    if options.outputs:
        outputs = _outputs_from(Path(options.outputs))
    else:
        kept = standing.find_kept(options.target)
        if len(kept) > 1:
            raise UsageError("There is a pipeline up on each of two targets.", "Name one with --target.")
        for stands in kept:
            outputs = stands.notes.get("outputs")
            folder = folder or stands.notes.get("pipeline_dir")
    if not isinstance(outputs, dict):
        raise UsageError(
            "There is nothing to load.",
            "Start it with `launchday up`, or name a deployment's outputs with --outputs FILE.",
        )
    return LoadPlan(
        scenario=scenario.path or Path(scenario.name),
        run_id=uuid.uuid4().hex[:8],
        pipeline_dir=Path(folder) if folder else REFERENCE_PIPELINE,
        outputs=outputs,
        overrides=overrides,
        in_flight_cap=options.in_flight or LoadPlan.in_flight_cap,
    )


def _outputs_from(path: Path) -> object:
    """The outputs in a JSON file: as they are, or in what `launchday status --json` prints."""
    try:
        plain = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"The outputs {path} cannot be read: {error.strerror or error}.") from error
    except ValueError as error:
        raise UsageError(f"The outputs {path} are not JSON: {error}.") from error
    return plain.get("outputs", plain) if isinstance(plain, dict) else plain


def _log_row(row: Row) -> None:
    _LOG.debug("%s", row)
