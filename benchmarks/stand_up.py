"""How long `launchday up` takes to a deployed pipeline, and what the time goes to.

    python benchmarks/stand_up.py [--rounds 5]

Each round starts the embedded AWS, deploys the reference pipeline and stops it again, as a person would, with
a state and a cache of its own. The first builds the packages of the functions; the others find them cached
and are what counts. Beside the whole: when each stage ran, the slowest resources, the CPU time of each
process until then, and the ratio to a bare limit: a bare interpreter that imports moto's own modules.
A round takes some seconds. Needs nothing beside Launchday itself.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil
from rehearsals import busy_s, launchday, role_of, spread
from side_by_side import CannotMeasure, keep, run

SLOWEST = 6
TIMED = Path(__file__).parent / "bare" / "timed_up.py"
BARE = (
    "import moto.server, moto.s3.models, moto.iam.models, moto.ssm.models, moto.sqs.models, botocore.session"
)


@dataclass(frozen=True)
class Stage:
    """When something ran, in seconds since `launchday` was started."""

    name: str
    began_s: float
    ended_s: float

    @property
    def took_s(self) -> float:
        return self.ended_s - self.began_s


@dataclass(frozen=True)
class Round:
    """One stand-up. CPU seconds by process, from its start to the end of `launchday up`."""

    total_s: float
    stages: Sequence[Stage]
    cpu_s: Mapping[str, float]
    others_cores: float
    bare_s: float


def one_round(environment: Mapping[str, str], notes: Path) -> Round:
    before_s, began_s = busy_s(), time.time()
    command = [sys.executable, str(TIMED), str(notes), "up", "--port", "0"]
    up = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    _, said = up.communicate()
    total_s = time.time() - began_s
    if up.returncode:
        raise CannotMeasure(f"`launchday up` failed: {said.decode(errors='replace').strip()[-500:]}")
    machine_s = busy_s() - before_s
    try:
        cpu_s = _cpu_s(Path(environment["LAUNCHDAY_STATE_DIR"]) / "standing.json")
    finally:
        subprocess.run([launchday(), "down"], env=environment, capture_output=True, check=True)
    noted = json.loads(notes.read_bytes())
    cpu_s["command"] = noted["cpu_s"]
    stages = [Stage(name, began - began_s, ended - began_s) for name, began, ended in noted["stages"]]
    others_cores = max(0.0, machine_s - sum(cpu_s.values())) / total_s
    return Round(total_s, stages, cpu_s, others_cores, _bare_s())


def _cpu_s(state_file: Path) -> dict[str, float]:
    supervisor = psutil.Process(json.loads(state_file.read_bytes())["pid"])
    total: dict[str, float] = {}
    for process in [supervisor, *supervisor.children(recursive=True)]:
        times, role = process.cpu_times(), role_of(process)
        total[role] = total.get(role, 0.0) + times.user + times.system
    return total


def _bare_s() -> float:
    began_s = time.perf_counter()
    subprocess.run([sys.executable, "-c", BARE], check=True)
    return time.perf_counter() - began_s


def tell(at: str, each: Round) -> None:
    stages = ", ".join(
        f"{stage.name} {stage.took_s:.2f}" for stage in each.stages if not stage.name.startswith(" ")
    )
    print(
        f"  {at}  {each.total_s:>5.2f} s ({stages}; CPU of all {sum(each.cpu_s.values()):.2f} s; "
        f"others on the machine: {each.others_cores:.2f} cores)",
        flush=True,
    )


def summarize(rounds: Sequence[Round]) -> None:
    total = statistics.median(each.total_s for each in rounds)
    print(f"\nlaunchday up, packages cached: {len(rounds)} rounds, median (lowest to highest)")
    print(f"  to a deployed pipeline    {spread(each.total_s for each in rounds)} s")
    ratio = statistics.median(each.total_s / each.bare_s for each in rounds)
    print(f"  of importing moto alone   {ratio:.1f} x")
    middle = min(rounds, key=lambda each: abs(each.total_s - total))
    print(f"\n  the round of {middle.total_s:.2f} s           began   took")
    whole = [stage for stage in middle.stages if not stage.name.startswith(" ")]
    for stage in sorted(whole, key=lambda stage: stage.began_s):
        print(f"    {stage.name:<26} {stage.began_s:>6.2f} {stage.took_s:>6.2f} s")
    resources = sorted(set(middle.stages) - set(whole), key=lambda stage: -stage.took_s)[:SLOWEST]
    for stage in sorted(resources, key=lambda stage: stage.began_s):
        print(f"      {stage.name.strip():<24} {stage.began_s:>6.2f} {stage.took_s:>6.2f} s")
    print("  CPU of each process until then")
    for role in sorted({role for each in rounds for role in each.cpu_s}):
        print(f"    {role:<26} {spread(each.cpu_s.get(role, 0.0) for each in rounds)} s")


def benchmark(rounds: int) -> None:
    with tempfile.TemporaryDirectory(prefix="launchday-benchmark-") as name:
        folder = Path(name)
        environment = {
            **os.environ,
            "LAUNCHDAY_STATE_DIR": str(folder / "state"),
            "XDG_CACHE_HOME": str(folder / "cache"),
            "LAUNCHDAY_STAGE": "benchmark",
        }
        measured = []
        for at in range(rounds + 1):
            measured.append(one_round(environment, folder / "stages.json"))
            tell(f"{at}/{rounds}" if at else "cold", measured[-1])
    summarize(measured[1:])
    keep("stand_up", {"cold": asdict(measured[0]), "rounds": [asdict(each) for each in measured[1:]]})


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    sys.exit(run(lambda: benchmark(options.rounds)))
