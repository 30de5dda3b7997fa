"""What the side-by-side benchmarks share: servers by pid, wrk, alternation, medians, ratios, JSON.

A benchmark sends the same requests to contenders in turn (a, b, a, b, ...), so that a slow minute of the
machine falls on all of them, and tells of the median of each and of their ratio. Its figures are kept in
benchmarks/results/<name>.json, which git ignores. To write one:

    def benchmark() -> None:
        with Server(["node", "..."], port) as peer:
            script = wrk_script([Request("/", headers, body), ...])
            comparison = compare("my_claim", {
                "launchday": lambda: wrk(our_url, script),
                "peer": lambda: wrk(peer_url, script),
            })
        report(comparison)

    if __name__ == "__main__":
        sys.exit(run(benchmark))

Where there are two cores or more and the system can do it (Linux), wrk is kept to the last core and servers
to the first. A missing tool ends a benchmark with exit code 2 and a sentence that says how to get it.
"""

from __future__ import annotations

import contextlib
import json
import os
import platform
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import platformdirs
import psutil

from harness.errors import LaunchdayError

RESULTS = Path(__file__).parent / "results"
ROUNDS = 5
RUN_S = 3.0
CONNECTIONS = 32
_START_S = 30.0
_STOP_S = 10.0


class CannotMeasure(Exception):
    """Something the benchmark needs is missing or does not work; the message says what to do."""


@dataclass(frozen=True)
class Request:
    """One request that wrk sends."""

    path: str
    headers: Mapping[str, str]
    body: str = ""
    method: str = "POST"


@dataclass(frozen=True)
class Measurement:
    """One run. `errors` are answers of 400 and above, and broken connections."""

    per_s: float
    p50_ms: float
    p99_ms: float
    requests: int
    errors: int


@dataclass
class Comparison:
    """All runs of all contenders, in the order they were given."""

    name: str
    runs: dict[str, list[Measurement]]
    details: dict[str, Any] = field(default_factory=dict)

    def median(self, contender: str) -> Measurement:
        """The run with the median rate (the lower one of an even number)."""
        ordered = sorted(self.runs[contender], key=lambda run: run.per_s)
        return ordered[(len(ordered) - 1) // 2]

    def ratio(self, contender: str, to: str) -> float:
        """Median rate to median rate."""
        return statistics.median(run.per_s for run in self.runs[contender]) / statistics.median(
            run.per_s for run in self.runs[to]
        )


def tool(name: str, how_to_get_it: str) -> str:
    """The path of a command. Raises CannotMeasure when it is missing."""
    path = shutil.which(name)
    if path is None:
        raise CannotMeasure(f"{name} is not installed. {how_to_get_it}")
    return path


def npm_command(package: str, *path: str) -> Path:
    """The file at `path` of an npm package (`name@version`), installed in the user's cache folder."""
    npm = tool("npm", "It comes with Node.js: https://nodejs.org, or apt-get install npm.")
    folder = Path(platformdirs.user_cache_dir("launchday")) / "benchmarks" / package
    command = folder.joinpath("node_modules", *path)
    if not command.exists():
        folder.mkdir(parents=True, exist_ok=True)
        installed = subprocess.run(
            [npm, "install", "--prefix", str(folder), "--no-audit", "--no-fund", package],
            capture_output=True,
            text=True,
            check=False,
        )
        if installed.returncode:
            raise CannotMeasure(f"npm could not install {package}: {installed.stderr.strip()[-500:]}")
    return command


def free_port() -> int:
    """A port of 127.0.0.1 that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Server:
    """A server process, from its start until it listens on `port`, to its end by its own pid."""

    def __init__(self, command: Sequence[str], port: int, *, env: Mapping[str, str] | None = None) -> None:
        self._command = list(command)
        self._port = port
        self._env = {**os.environ, **(env or {})}
        self._log = tempfile.TemporaryFile()  # noqa: SIM115  # closed with the process, in __exit__
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Server:
        self._process = subprocess.Popen(self._command, stdout=self._log, stderr=self._log, env=self._env)
        try:
            self._await_listening(self._process)
        except BaseException:
            self.__exit__()
            raise
        pin_server(self._process.pid)
        return self

    @property
    def pid(self) -> int:
        """The server's process id, while it runs."""
        assert self._process is not None
        return self._process.pid

    def __exit__(self, *_: object) -> None:
        process, self._process = self._process, None
        if process is not None and process.poll() is None:
            process.terminate()
            try:
                process.wait(_STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._log.close()

    def _await_listening(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + _START_S
        while time.monotonic() < deadline and process.poll() is None:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self._port), 1.0):
                return
            time.sleep(0.05)
        self._log.seek(0)
        last_words = self._log.read().decode(errors="replace").strip()[-500:]
        raise CannotMeasure(f"{' '.join(self._command)} does not listen on {self._port}: {last_words}")


def pin_server(pid: int) -> None:
    """Keep a process and its children to the first core, where that can be done."""
    for process in [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]:
        _pin(process.pid, 0)


def can_pin() -> bool:
    """Whether servers and wrk get cores of their own."""
    return hasattr(os, "sched_setaffinity") and (os.cpu_count() or 1) >= 2


def _pin(pid: int, core: int) -> None:
    if can_pin():
        with contextlib.suppress(ProcessLookupError, PermissionError):
            for task in Path(f"/proc/{pid}/task").iterdir():
                os.sched_setaffinity(int(task.name), {core})


@contextlib.contextmanager
def wrk_script(requests: Sequence[Request]) -> Iterator[Path]:
    """A Lua file that has wrk send `requests` in turn and print its figures as JSON."""
    formatted = "\n".join(
        f"requests[{i}] = wrk.format({_lua(request.method)}, {_lua(request.path)}, "
        f"{{{', '.join(f'[{_lua(k)}] = {_lua(v)}' for k, v in request.headers.items())}}}, "
        f"{_lua(request.body)})"
        for i, request in enumerate(requests, 1)
    )
    with tempfile.TemporaryDirectory(prefix="launchday-benchmark-") as folder:
        script = Path(folder) / "requests.lua"
        script.write_text(_SCRIPT.replace("REQUESTS", formatted))
        yield script


_SCRIPT = """
local requests, at = {}, 0
function init(args)
REQUESTS
end
function request()
  at = at % #requests + 1
  return requests[at]
end
function done(summary, latency, _)
  local e = summary.errors
  io.write(string.format(
    '\\nFIGURES {"requests": %d, "duration_us": %d, "p50_us": %f, "p99_us": %f, "errors": %d}\\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    e.connect + e.read + e.write + e.status + e.timeout))
end
"""


def _lua(text: str) -> str:
    """A Lua string literal: everything but letters and digits as decimal escapes of its UTF-8 bytes."""
    return (
        '"' + "".join(chr(b) if chr(b).isalnum() and b < 128 else f"\\{b:03d}" for b in text.encode()) + '"'
    )


def wrk(url: str, script: Path, *, connections: int = CONNECTIONS, run_s: float = RUN_S) -> Measurement:
    """Load `url` flat out for a while over keep-alive connections. Raises CannotMeasure."""
    path = tool("wrk", "On Debian and Ubuntu: apt-get install wrk. On macOS: brew install wrk.")
    command = [
        *(path, "--threads", "1", "--connections", str(connections)),
        *("--duration", f"{run_s:.0f}s", "--script", str(script), url),
    ]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    _pin(process.pid, (os.cpu_count() or 1) - 1)
    output, _ = process.communicate()
    figures = next((line for line in output.splitlines() if line.startswith("FIGURES ")), None)
    if process.returncode or figures is None:
        raise CannotMeasure(f"wrk failed against {url}: {output.strip()[-500:]}")
    values = json.loads(figures.removeprefix("FIGURES "))
    return Measurement(
        per_s=values["requests"] / values["duration_us"] * 1e6,
        p50_ms=values["p50_us"] / 1e3,
        p99_ms=values["p99_us"] / 1e3,
        requests=values["requests"],
        errors=values["errors"],
    )


def compare(
    name: str,
    contenders: Mapping[str, Callable[[], Measurement]],
    *,
    rounds: int = ROUNDS,
    details: Mapping[str, Any] | None = None,
) -> Comparison:
    """Measure the contenders in alternation: once for warming up, then `rounds` times that count.

    Raises CannotMeasure when a run has errors: a refusal is quicker than an answer."""
    runs: dict[str, list[Measurement]] = {contender: [] for contender in contenders}
    for round_ in range(rounds + 1):
        for contender, measure in contenders.items():
            run = measure()
            if run.errors:
                raise CannotMeasure(f"{contender} refused {run.errors} of {run.requests} requests.")
            if round_:
                runs[contender].append(run)
                print(f"  {round_}/{rounds}  {contender:<24} {run.per_s:>9,.0f}/s", flush=True)
    return Comparison(name, runs, dict(details or {}))


def report(comparison: Comparison) -> None:
    """Print the medians and each contender's ratio to the last one; keep everything as JSON."""
    *_, reference = comparison.runs
    print(f"\n{comparison.name}: medians of {len(comparison.runs[reference])} runs in alternation")
    for contender in comparison.runs:
        median = comparison.median(contender)
        print(
            f"  {contender:<24} {median.per_s:>9,.0f}/s   p50 {median.p50_ms:>7.2f} ms   "
            f"p99 {median.p99_ms:>7.2f} ms   {comparison.ratio(contender, reference):>6.2f} x {reference}"
        )
    keep(
        comparison.name,
        {
            "medians": {each: asdict(comparison.median(each)) for each in comparison.runs},
            "ratios": {
                each: round(comparison.ratio(each, reference), 3)
                for each in comparison.runs
                if each != reference
            },
            "ratio_to": reference,
            "runs": {each: [asdict(run) for run in runs] for each, runs in comparison.runs.items()},
            **comparison.details,
        },
    )


def keep(name: str, figures: Mapping[str, Any]) -> Path:
    """Write `figures`, with the machine they were taken on, to benchmarks/results/<name>.json."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    machine = {
        "system": platform.platform(),
        "processor": platform.machine(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "own_cores_for_servers_and_wrk": can_pin(),
    }
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    path.write_text(json.dumps({"name": name, "at": at, "machine": machine, **figures}, indent=2) + "\n")
    print(f"  kept in {path}")
    return path


def run(benchmark: Callable[[], None]) -> int:
    """Run a benchmark; the exit code: 0, 2 when it cannot be measured here, 3 when the embedded AWS does not
    start, 130 when interrupted."""
    try:
        benchmark()
    except CannotMeasure as error:
        print(error, file=sys.stderr)
        return 2
    except LaunchdayError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return 130
    return 0
