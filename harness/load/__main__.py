"""`python -m harness.load --plan PLAN.json --out DIR`: the generator's process.

Says on standard output, a JSON line each: {"type": "ready"}; {"type": "second", ...} each second; and at the
end {"type": "done", "interrupted": ...} or {"type": "error", "message", "remedy", "exit_code"}. SIGINT and
SIGTERM stop it: what it has is written. With --lifeline it stops too when its standard input ends.
"""

from __future__ import annotations

import locust  # isort: skip  # noqa: F401 - first: it patches the standard library

import argparse
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import gevent
from gevent.os import tp_read
from locust.env import Environment
from locust.event import Events
from locust.runners import MasterRunner

from harness.errors import EXIT_INTERRUPTED, LaunchdayError, MeasurementInvalid
from harness.load.crew import Crew, CrewMember, routes_of
from harness.load.descriptors import ensure_descriptors
from harness.load.merge import Row
from harness.load.plan import LoadPlan
from harness.load.reporting import error_to, say
from harness.load.results import LoadFiles, Status, summarize
from harness.load.worker import cap_of

_HOST = "127.0.0.1"
_PRIORITY = -10
_WORKERS_READY_S = 30.0
_TOTALS_EVERY = 5
"""Seconds between two writings of the totals."""


def main(arguments: list[str] | None = None) -> int:
    """Run; the exit code is that of the error, if any, else 0."""
    parser = argparse.ArgumentParser(prog="python -m harness.load", description=__doc__)
    parser.add_argument("--plan", type=Path, help="the load plan, as LoadPlan.to_json gives it")
    parser.add_argument("--out", type=Path, help="the folder for the results")
    parser.add_argument("--lifeline", action="store_true", help="stop when standard input ends")
    parser.add_argument("--worker", type=int, metavar="PORT", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    _go_first()
    if options.worker is not None:
        return _work(options.worker)
    if options.plan is None or options.out is None:
        parser.error("--plan and --out are needed")
    try:
        return _generate(LoadPlan.read(options.plan), options.out, lifeline=options.lifeline)
    except LaunchdayError as error:
        say("error", **error_to(error))
        return error.exit_code


def _go_first() -> None:
    """Run before other processes on a busy machine, where that is allowed: real load comes from elsewhere,
    and is not late because the system under test is busy."""
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, _PRIORITY)


def _generate(plan: LoadPlan, out: Path, *, lifeline: bool) -> int:
    scenario = plan.load_scenario()
    routes_of(plan.pipeline_dir, plan.outputs, scenario)
    ensure_descriptors(cap_of(plan.in_flight_cap, 0, plan.workers))
    files = LoadFiles(out)
    environment = Environment(events=Events())
    with contextlib.ExitStack() as stack:
        stack.callback(files.close)
        if plan.workers > 1:
            runner = environment.create_master_runner(_HOST, 0)
            stack.enter_context(_worker_processes(runner, plan.workers))
        else:
            runner = environment.create_local_runner()
        status: Status = "failed"

        def on_row(row: Row) -> None:
            files.row(row)
            say("second", **row)
            if round(row["t"] - crew.started_at_s) % _TOTALS_EVERY == _TOTALS_EVERY - 1:
                write_totals("running")

        def write_totals(status: Status) -> None:
            summary = summarize(
                scenario, plan.run_id, plan.workers, crew.started_at_s, time.time(), status, crew.tally
            )
            files.totals(summary, crew.tally)

        crew = Crew(runner, plan, scenario, on_row)
        _stop_on_signals(crew, lifeline=lifeline)
        say("ready")
        try:
            crew.run()
            status = "interrupted" if crew.interrupted else "complete"
        finally:
            write_totals(status)
    say("done", interrupted=crew.interrupted)
    return EXIT_INTERRUPTED if crew.interrupted else 0


def _stop_on_signals(crew: Crew, *, lifeline: bool) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        gevent.signal_handler(number, crew.stop)
    if lifeline:
        gevent.spawn(_hold_lifeline, crew)


def _hold_lifeline(crew: Crew) -> None:
    while tp_read(0, 1):
        pass
    crew.stop()


@contextlib.contextmanager
def _worker_processes(master: MasterRunner, count: int) -> Iterator[None]:
    """`count` workers of `master`, all connected. Their lifeline is their standard input."""
    command = [sys.executable, "-m", "harness.load", "--worker", str(master.server.port)]
    processes = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=sys.stderr) for _ in range(count)]
    try:
        deadline_s = time.monotonic() + _WORKERS_READY_S
        while len(master.clients.ready) < count:
            if any(process.poll() is not None for process in processes):
                raise MeasurementInvalid("A load worker ended before the run began.")
            if time.monotonic() > deadline_s:
                there = len(master.clients.ready)
                raise MeasurementInvalid(
                    f"After {_WORKERS_READY_S:.0f} s, {there} of {count} load workers are there."
                )
            gevent.sleep(0.05)
        yield
    finally:
        master.quit()
        for process in processes:
            process.kill()
            process.wait()
            if process.stdin is not None:
                process.stdin.close()


def _work(port: int) -> int:
    """A worker: runs what the master starts, until the master quits or is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a Ctrl-C is for the master, which tells us
    environment = Environment(events=Events())
    runner = environment.create_worker_runner(_HOST, port)
    CrewMember(runner, lambda plan: plan.load_scenario())
    while tp_read(0, 1):  # the master's process holds the other end
        pass
    return 0


if __name__ == "__main__":
    sys.exit(main())
