"""The generator's own process, its workers, and plain Locust, against a small server."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock, Thread
from typing import Any

import numpy as np
import psutil
import pytest

from harness.errors import LaunchdayError, MeasurementInvalid, UsageError
from harness.load.events import events_of
from harness.load.launch import Done, Generator, Ready, Second
from harness.load.plan import LoadPlan
from harness.scenario import Overrides, load_scenario, packaged_scenarios

pytestmark = pytest.mark.slow

TARGET = Path(__file__).parent / "target"


class System:
    """Answers 200, but 503 to every tenth request; keeps the event ids that it was sent."""

    def __init__(self) -> None:
        self.event_ids: list[str] = []
        self._lock = Lock()
        self._requests = 0
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_POST(self) -> None:
                events = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                self.send_response(outer.take(events))
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, *_: object) -> None:
                pass

        class Listening(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 1024

        self._server = Listening(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/events"
        Thread(target=self._server.serve_forever, daemon=True).start()

    def take(self, events: list[dict[str, Any]]) -> int:
        with self._lock:
            self._requests += 1
            if self._requests % 10 == 0:
                return 503
            self.event_ids += [event["event_id"] for event in events]
            return 200

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def system() -> Iterator[System]:
    running = System()
    yield running
    running.close()


def plan(system: System, scenario: str = "mass_registration", workers: int = 1, **overrides: Any) -> LoadPlan:
    over = Overrides(**{"rate": 100.0, "duration_s": 4.0, **overrides})
    return LoadPlan(packaged_scenarios()[scenario], "run", TARGET, {"url": system.url}, over, workers=workers)


def summary(folder: Path) -> dict[str, Any]:
    read: dict[str, Any] = json.loads((folder / "summary.json").read_text())
    return read


@pytest.mark.parametrize("workers", [1, 3])
def test_a_run_alone_and_with_workers(system: System, tmp_path: Path, workers: int) -> None:
    planned = plan(system, workers=workers)
    with Generator(planned, tmp_path / "load", tmp_path / "log") as generator:
        events = list(generator.events())
    assert isinstance(events[0], Ready)
    assert events[-1] == Done(interrupted=False)
    seconds = [event for event in events if isinstance(event, Second)]
    said, scenario = summary(tmp_path / "load"), planned.load_scenario()
    made = list(events_of(scenario, scenario.seed, "run", said["started_at_s"]))
    acceptance = np.load(tmp_path / "load" / "acceptance.npy")
    assert said["status"] == "complete"
    assert said["workers"] == workers
    assert len(acceptance) == len(made) == said["events"]["sent"]
    assert (acceptance == 1).all()
    assert said["requests"]["retries"] > 0
    assert sorted(system.event_ids) == sorted(event.event_id for event in made)
    assert sum(second.sent for second in seconds) == said["requests"]["sent"]
    assert seconds[-1].devices == said["devices"]
    rows = [json.loads(line) for line in (tmp_path / "load" / "timeline.ndjson").read_text().splitlines()]
    assert [row["t"] for row in rows] == [second.t for second in seconds]


def test_interrupted_it_writes_what_it_has_and_leaves_no_process(system: System, tmp_path: Path) -> None:
    with Generator(
        plan(system, duration_s=600.0, workers=2), tmp_path / "load", tmp_path / "log"
    ) as generator:
        events = generator.events()
        while not (isinstance(event := next(events), Second) and event.planned):
            pass
        assert generator.pid is not None
        children = psutil.Process(generator.pid).children(recursive=True)
        generator.stop()
        assert list(events)[-1] == Done(interrupted=True)
    assert len(children) == 2
    assert not any(child.is_running() and child.status() != "zombie" for child in children)
    said = summary(tmp_path / "load")
    assert said["status"] == "interrupted"
    assert 0 < said["requests"]["planned"] == said["requests"]["sent"]


def test_it_ends_when_its_parent_does(system: System, tmp_path: Path) -> None:
    plan_file = tmp_path / "plan.json"
    plan_file.write_text(json.dumps(plan(system, duration_s=600.0).to_json()))
    code = (
        "import os, pathlib, subprocess, sys; from harness.load.launch import Generator\n"
        "command = Generator(None, pathlib.Path(sys.argv[2])).command(pathlib.Path(sys.argv[1]))\n"
        "child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)\n"
        "child.stdout.readline(); print(child.pid, flush=True); os._exit(0)"
    )
    arguments = [sys.executable, "-c", code, str(plan_file), str(tmp_path / "load")]
    parent = subprocess.run(arguments, capture_output=True, text=True, check=True)
    psutil.wait_procs([psutil.Process(int(parent.stdout))], timeout=10)
    assert not psutil.pid_exists(int(parent.stdout))
    assert summary(tmp_path / "load")["status"] == "interrupted"


def test_a_worker_that_is_killed_is_noticed(system: System, tmp_path: Path) -> None:
    with Generator(
        plan(system, duration_s=600.0, workers=2), tmp_path / "load", tmp_path / "log"
    ) as generator:
        events = generator.events()
        while not isinstance(next(events), Second):
            pass
        assert generator.pid is not None
        psutil.Process(generator.pid).children()[0].kill()
        with pytest.raises(MeasurementInvalid, match="went away in the middle of the run"):
            list(events)


@pytest.mark.parametrize(
    ("changes", "kind", "words"),
    [
        ({"pipeline_dir": Path("/nowhere")}, UsageError, "There is no pipeline folder"),
        ({"outputs": {}}, UsageError, "entrances"),
        ({"scenario": Path("/nowhere.py")}, UsageError, "There is no scenario file"),
        ({"in_flight_cap": 100_000, "hard_limit": 512}, UsageError, "take 100128 open files"),
    ],
)
def test_a_mistake_is_said_before_anything_is_sent(
    system: System,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    changes: dict[str, Any],
    kind: type[LaunchdayError],
    words: str,
) -> None:
    hard_limit = changes.pop("hard_limit", None)
    if hard_limit:
        real = Generator.command
        monkeypatch.setattr(
            Generator,
            "command",
            lambda *given: ["sh", "-c", f'ulimit -n {hard_limit}; exec "$@"', "-", *real(*given)],
        )
    fields = {name: getattr(plan(system), name) for name in LoadPlan.__dataclass_fields__}
    mistaken = Generator(LoadPlan(**{**fields, **changes}), tmp_path / "load", tmp_path / "log")
    with mistaken as generator, pytest.raises(kind, match=words):
        list(generator.events())
    assert system.event_ids == []


Locust = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def locust() -> Iterator[Locust]:
    """Starts plain Locust; what still runs at the end of the test is ended."""
    started: list[subprocess.Popen[str]] = []

    def start(*arguments: str, outputs: Path | None) -> subprocess.Popen[str]:
        target = {"LAUNCHDAY_PIPELINE": str(TARGET), "LAUNCHDAY_OUTPUTS": str(outputs or "")}
        process = subprocess.Popen(
            [sys.executable, "-m", "locust", *arguments],
            env={**os.environ, **target},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
            process.communicate()


def outputs_file(system: System, tmp_path: Path) -> Path:
    path = tmp_path / "status.json"
    path.write_text(json.dumps({"pid": 1, "outputs": {"url": system.url}}))
    return path


@pytest.mark.parametrize("name", sorted(packaged_scenarios()))
def test_every_scenario_runs_under_plain_locust(
    system: System, locust: Locust, tmp_path: Path, name: str
) -> None:
    # An outage has its own length: Locust ends it.
    options = ["--run-time", "4s"] if name.startswith("reconnect") else ["--duration", "3"]
    if name == "replay":
        trace = tmp_path / "trace.csv"
        trace.write_text("time,lat,lon\n" + "".join(f"{1396311060 + 60 * n},40.5,-73.5\n" for n in range(20)))
        options += ["--trace", str(trace)]
    elif name != "every_outcome":
        options += ["--rate", "50"]
    ran = locust(
        "-f",
        str(packaged_scenarios()[name]),
        "--headless",
        "--json",
        *options,
        outputs=outputs_file(system, tmp_path),
    )
    out, err = ran.communicate(timeout=60)
    stats = json.loads(out)
    assert sum(row["num_requests"] for row in stats) > 0, err
    assert {row["name"] for row in stats} <= {"/devices", "/locations", "/batch", "/raw", "/call"}
    assert "planned" in err
    assert len(set(system.event_ids)) > 0


def test_locusts_own_master_and_workers_share_the_arrivals(
    system: System, locust: Locust, tmp_path: Path
) -> None:
    scenario, outputs = str(packaged_scenarios()["mass_registration"]), outputs_file(system, tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = str(probe.getsockname()[1])
    workers = [locust("-f", scenario, "--worker", "--master-port", port, outputs=outputs) for _ in range(2)]
    master = locust(
        *("-f", scenario, "--master", "--master-bind-host", "127.0.0.1", "--master-bind-port", port),
        *("--expect-workers", "2", "--headless", "--json", "--rate", "50", "--duration", "3"),
        outputs=outputs,
    )
    out, err = master.communicate(timeout=60)
    for worker in workers:
        worker.communicate(timeout=30)
    planned = Overrides(rate=50.0, duration_s=3.0).apply(load_scenario("mass_registration"))
    expected = list(events_of(planned, planned.seed, "x"))
    assert len(system.event_ids) == len(expected), err
    assert sum(row["num_requests"] for row in json.loads(out)) > 0


def test_the_arrivals_show_in_locusts_web_ui(system: System, locust: Locust, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = str(probe.getsockname()[1])
    ran = locust(
        *(
            "-f",
            str(packaged_scenarios()["mass_registration"]),
            "--autostart",
            "--autoquit",
            "0",
            "--run-time",
            "5",
        ),
        *("--web-host", "127.0.0.1", "--web-port", port, "--rate", "50", "--duration", "3"),
        outputs=outputs_file(system, tmp_path),
    )
    most = 0
    while ran.poll() is None:
        with (
            contextlib.suppress(OSError),
            urllib.request.urlopen(f"http://127.0.0.1:{port}/stats/requests", timeout=5) as answer,
        ):
            stats = json.loads(answer.read())["stats"]
            most = max([most, *(row["num_requests"] for row in stats if row["name"] == "/devices")])
    _, err = ran.communicate()
    assert 0 < most <= len(system.event_ids), err
    assert "planned" in err


def test_plain_locust_without_anything_to_load_says_so(
    locust: Locust, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAUNCHDAY_STATE_DIR", str(tmp_path))
    ran = locust("-f", str(packaged_scenarios()["baseline_day"]), "--headless", outputs=None)
    _, err = ran.communicate(timeout=60)
    assert "There is nothing to load. Start it with `launchday up`" in err
    assert ran.returncode == 2
