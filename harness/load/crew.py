"""One run's load over the processes of a Locust runner: this one alone, or a master's workers.

Messages, on Locust's own wire:
  launchday_start    master → worker   the plan, worker k of n, when the run starts
  launchday_second   worker → master   a second that is over
  launchday_end      worker → master   the worker's totals, or the error that ended it
  launchday_stop     master → worker   send nothing more
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gevent
from gevent.event import Event as Signal
from locust.runners import MasterRunner, Runner, WorkerRunner

from harness.errors import LaunchdayError, MeasurementInvalid, UsageError
from harness.load.descriptors import ensure_descriptors
from harness.load.driver import Driver
from harness.load.executor import Ended
from harness.load.merge import Merge, Row
from harness.load.plan import LoadPlan
from harness.load.reporting import error_from, error_to
from harness.load.routes import Routes
from harness.load.second import SecondData
from harness.load.tally import Tally
from harness.load.worker import Share, cap_of
from harness.pipeline import Outputs
from harness.pipeline_loader import load_pipeline
from harness.scenario import Scenario

START, SECOND, END, STOP = "launchday_start", "launchday_second", "launchday_end", "launchday_stop"
_LEAD_S = 0.5
"""From the start signal to the first arrival: devices are made and pipelines imported in it."""
_LOOK_S = 0.5

ScenarioOf = Callable[[LoadPlan], Scenario]


def routes_of(pipeline_dir: Path, outputs: Outputs, scenario: Scenario) -> Routes:
    """The entrances of the pipeline, for what `scenario` sends. Raises UsageError."""
    pipeline = load_pipeline(pipeline_dir)
    try:
        routes = Routes(pipeline.entrances(outputs))
    except LaunchdayError:
        raise
    except Exception as error:  # a person's code, given outputs that may be another pipeline's
        raise UsageError(
            f"These outputs make no entrances of {pipeline.name}: {type(error).__name__}: {error}."
        ) from error
    routes.check(scenario)
    return routes


class Crew:
    """Runs a plan with the processes of `runner`, a local one or a master. Rows are given to `on_row`."""

    def __init__(
        self,
        runner: Runner,
        plan: LoadPlan,
        scenario: Scenario,
        on_row: Callable[[Row], None],
        on_ended: Ended | None = None,
    ) -> None:
        self._runner = runner
        self._plan = plan
        self._scenario = scenario
        self._on_ended = on_ended
        self._driver: Driver | None = None
        self._clients: list[str] = []
        self._wake = Signal()
        self._error: LaunchdayError | None = None
        self.interrupted = False
        self.started_at_s = round(time.time() + _LEAD_S, 3)
        if isinstance(runner, MasterRunner):
            self._clients = sorted(client.id for client in runner.clients.all)
            if not self._clients:
                raise UsageError("No load worker is connected.", "Start some: locust -f … --worker.")
        self.workers = max(1, len(self._clients))
        self._merge = Merge(self.workers, scenario.population.devices, self.started_at_s, on_row)

    @property
    def tally(self) -> Tally:
        """The totals: of a local runner as they are now, of workers as they were when each ended."""
        return self._driver.recorder.tally if self._driver is not None else self._merge.tally

    def run(self) -> None:
        """Send everything; returns when all workers have ended. Raises LaunchdayError."""
        if isinstance(self._runner, MasterRunner):
            self._run_workers()
        else:
            self._run_here()

    def stop(self) -> None:
        """Send nothing more, wherever."""
        self.interrupted = True
        if self._driver is not None:
            self._driver.stop()
        for client in self._clients:
            self._runner.send_message(STOP, None, client_id=client)

    def _run_here(self) -> None:
        share = Share(self._scenario, self._plan.run_id, self.started_at_s, self._plan.in_flight_cap)
        ensure_descriptors(share.in_flight_cap)
        routes = routes_of(self._plan.pipeline_dir, self._plan.outputs, self._scenario)
        self._driver = Driver(share, routes, lambda second: self._merge.second(0, second), self._on_ended)
        if self.interrupted:
            self._driver.stop()
        run_at(self._driver, self.started_at_s)

    def _run_workers(self) -> None:
        for name, listener in ((SECOND, self._second), (END, self._end)):
            self._runner.custom_messages[name] = (listener, False)  # a run before this one had its own
        for k, client in enumerate(self._clients):
            message = {
                "plan": self._plan.to_json(),
                "k": k,
                "n": self.workers,
                "started_at_s": self.started_at_s,
            }
            self._runner.send_message(START, message, client_id=client)
        while not self._merge.done and self._error is None:
            self._wake.wait(_LOOK_S)
            self._wake.clear()
            self._look_for_lost()
        if self._error is not None:
            self.stop()
            raise self._error

    def _look_for_lost(self) -> None:
        for k in self._merge.running:
            node = self._runner.clients.get(self._clients[k])
            if node is None or node.state == "missing":
                self._error = MeasurementInvalid(
                    f"Load worker {k} of {self.workers} went away in the middle of the run."
                )

    def _second(self, environment: object, msg: Any) -> None:  # noqa: ARG002 - Locust names them
        try:
            self._merge.second(msg.data["k"], SecondData.from_message(msg.data["second"]))
        except LaunchdayError as error:  # rows cannot be written; Locust would only log it
            self._error = error
            self._wake.set()

    def _end(self, environment: object, msg: Any) -> None:  # noqa: ARG002 - Locust names them
        if msg.data["error"] is not None:
            self._error = error_from(msg.data["error"])
        self._merge.end(msg.data["k"], Tally.from_message(msg.data["tally"]))
        self._wake.set()


class CrewMember:
    """A worker's side of it, on a Locust worker runner, for as many runs as the master starts."""

    def __init__(
        self,
        runner: WorkerRunner,
        scenario_of: ScenarioOf,
        pipeline_dir: Path | None = None,
        on_ended: Ended | None = None,
    ) -> None:
        self._runner = runner
        self._scenario_of = scenario_of
        self._pipeline_dir = pipeline_dir
        self._on_ended = on_ended
        self._driver: Driver | None = None
        runner.register_message(START, self._start, concurrent=True)
        runner.register_message(STOP, self.stop)

    def stop(self, environment: object = None, msg: object = None) -> None:  # noqa: ARG002 - Locust names them
        """Send nothing more."""
        if self._driver is not None:
            self._driver.stop()

    def _start(self, environment: object, msg: Any) -> None:  # noqa: ARG002 - Locust names them
        k, n, error = msg.data["k"], msg.data["n"], None
        tally = Tally()
        try:
            tally = self._run(LoadPlan.from_json(msg.data["plan"]), k, n, msg.data["started_at_s"])
        except LaunchdayError as failure:
            error = error_to(failure)
        except Exception as bug:
            error = error_to(MeasurementInvalid(f"Load worker {k} failed: {type(bug).__name__}: {bug}."))
            raise
        finally:
            if self._driver is not None:
                tally, self._driver = self._driver.recorder.tally, None
            self._runner.send_message(END, {"k": k, "tally": tally.to_message(), "error": error})

    def _run(self, plan: LoadPlan, k: int, n: int, started_at_s: float) -> Tally:
        scenario = self._scenario_of(plan)
        share = Share(scenario, plan.run_id, started_at_s, cap_of(plan.in_flight_cap, k, n), k, n)
        ensure_descriptors(share.in_flight_cap)
        routes = routes_of(self._pipeline_dir or plan.pipeline_dir, plan.outputs, scenario)

        def on_second(second: SecondData) -> None:
            self._runner.send_message(SECOND, {"k": k, "second": second.to_message()})

        self._driver = Driver(share, routes, on_second, self._on_ended)
        run_at(self._driver, started_at_s)
        return self._driver.recorder.tally


def run_at(driver: Driver, started_at_s: float) -> None:
    """Run once the wall clock is at `started_at_s`; at once when this machine's clock is elsewhere."""
    lead_s = started_at_s - time.time()
    if 0.0 < lead_s <= _LEAD_S:
        gevent.sleep(lead_s)
    driver.run()
