"""What the benchmarks of whole runs share: `launchday run`, watched process by process from outside.

    run = rehearse(["mass_registration", "--rate", "1500", "--duration", "60s"])
    run.exit_code, run.result["verdict"], run.cpu_s(*run.load_window_s)["edge"], run.others_cores

A process is named by what it does: `command`, `generator`, `supervisor`, `edge`, `state`, `moto`, and
`function <name>` over all environments of a function. What else the machine did meanwhile is `others_cores`:
figures of a busy machine are worse, and CPU time an event suffers less from it than times on the wall do.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from side_by_side import CannotMeasure, tool

from harness.measure.run_folder import RunFolder

LOOK_S = 0.5
_ROLES = {
    "harness.load": "generator",
    "harness.load.watchers": "watchers",
    "harness.emulator": "supervisor",
    "harness.emulator.edge": "edge",
    "harness.emulator.state": "state",
    "harness.emulator.push": "push",
    "harness.emulator.moto_process": "moto",
    "harness.emulator.companion": "companion",
    "harness.targets.localstack": "supervisor",
}


@dataclass(frozen=True)
class Look:
    """The processes at one moment, by role: CPU seconds so far, of ended ones too; resident bytes of those
    that run, and how many they are."""

    at_s: float
    cpu_s: Mapping[str, float]
    resident_bytes: Mapping[str, float]
    processes: Mapping[str, int]


class Watch:
    """The processes below `root`, looked at again and again."""

    def __init__(self, root: psutil.Process) -> None:
        self.looks: list[Look] = []
        self._root = root
        self._roles: dict[int, str] = {}
        self._cpu_s: dict[int, float] = {}

    def look(self) -> None:
        """Look now."""
        resident: dict[str, float] = {}
        processes: dict[str, int] = {}
        for process in [self._root, *self._children()]:
            try:
                with process.oneshot():
                    role, cpu, memory = self._role(process), process.cpu_times(), process.memory_info()
            except psutil.Error:
                continue
            self._cpu_s[process.pid] = cpu.user + cpu.system
            resident[role] = resident.get(role, 0.0) + memory.rss
            processes[role] = processes.get(role, 0) + 1
        self.looks.append(Look(time.time(), self._cpu_by_role(), resident, processes))

    def _cpu_by_role(self) -> dict[str, float]:
        total: dict[str, float] = {}
        for pid, used in self._cpu_s.items():
            role = self._roles[pid]
            total[role] = total.get(role, 0.0) + used
        return total

    def _children(self) -> list[psutil.Process]:
        try:
            return self._root.children(recursive=True)
        except psutil.Error:
            return []

    def _role(self, process: psutil.Process) -> str:
        """Looked up once a process, but again for one that was not yet what it becomes."""
        role = self._roles.get(process.pid, "other")
        if role == "other":
            role = "command" if process.pid == self._root.pid else role_of(process)
            self._roles[process.pid] = role
        return role


def role_of(process: psutil.Process) -> str:
    """What a process of Launchday's does, by its environment and command line; `other` if they do not say."""
    function = process.environ().get("AWS_LAMBDA_FUNCTION_NAME")
    if function:
        return f"function {function.rpartition('-')[2]}"
    return next((_ROLES[part] for part in process.cmdline() if part in _ROLES), "other")


@dataclass(frozen=True)
class Rehearsed:
    """One run of the command, as it was and as it looked from outside."""

    folder: Path
    exit_code: int
    wall_s: float
    result: Mapping[str, Any]
    looks: Sequence[Look]
    others_cores: float
    """Cores that other processes of the machine used meanwhile."""

    def record(self) -> RunFolder:
        """The run's own record."""
        return RunFolder.open(self.folder)

    def load_window_s(self) -> tuple[float, float]:
        """From the first arrival to the end of the drain, in s since the epoch. Raises CannotMeasure."""
        start, end = (self.record().marked_usage(mark) for mark in ("load_start", "end"))
        if start is None or end is None:
            raise CannotMeasure(f"The run did not come to its end: {self.result.get('error')}")
        return start.at_s, end.at_s

    def cpu_s(self, start_s: float, end_s: float) -> dict[str, float]:
        """CPU seconds that each role used from one moment to another."""
        at = [look.at_s for look in self.looks]
        roles = sorted({role for look in self.looks for role in look.cpu_s})
        used = {}
        for role in roles:
            so_far = [look.cpu_s.get(role, 0.0) for look in self.looks]
            used[role] = float(np.interp(end_s, at, so_far) - np.interp(start_s, at, so_far))
        return used


def rehearse(arguments: Sequence[str], folder: Path) -> Rehearsed:
    """`launchday run ARGUMENTS` into `folder`, with a port of its own. Raises CannotMeasure when it leaves no
    result."""
    command = [launchday(), "run", *arguments, "--port", "0", "--quiet", "--out", str(folder)]
    began, before_s = time.monotonic(), busy_s()
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(command, stdout=said, stderr=said)
        try:
            looks = _watch(process)
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait()
        said.seek(0)
        last_words = said.read().decode(errors="replace").strip()[-500:]
    wall_s = time.monotonic() - began
    others_s = busy_s() - before_s - sum(looks[-1].cpu_s.values())
    try:
        result = json.loads((folder / "result.json").read_bytes())
    except OSError:
        raise CannotMeasure(f"`launchday run` left no result: {last_words}") from None
    return Rehearsed(folder, process.returncode, wall_s, result, looks, max(0.0, others_s / wall_s))


def launchday() -> str:
    """The command, as it is installed beside this interpreter. Raises CannotMeasure."""
    beside = Path(sys.executable).with_name("launchday")
    return str(beside) if beside.exists() else tool("launchday", "pip install -e .")


def _watch(process: subprocess.Popen[bytes]) -> list[Look]:
    watch = Watch(psutil.Process(process.pid))
    watch.look()
    while process.poll() is None:
        time.sleep(LOOK_S)
        watch.look()
    return watch.looks


def busy_s() -> float:
    """CPU seconds that this machine has worked so far, over all cores and processes."""
    times = psutil.cpu_times()
    return sum(times) - times.idle - getattr(times, "iowait", 0.0) - getattr(times, "guest", 0.0)


def metric(run: Rehearsed, name: str) -> float | None:
    """An objective's metric of a run; None when it is not known."""
    found = [objective for objective in run.result["objectives"] if objective["name"] == name]
    return found[0]["actual"] if found else None


def spread(values: Iterable[float]) -> str:
    """`median (lowest to highest)`, as it is printed."""
    found = sorted(values)
    return f"{statistics.median(found):,.2f} ({found[0]:,.2f} to {found[-1]:,.2f})"
