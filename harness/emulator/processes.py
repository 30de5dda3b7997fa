"""The processes of the embedded AWS, measured from outside: CPU time and resident memory."""

from __future__ import annotations

from collections.abc import Mapping

import psutil

from harness.measure.observation import ProcessState

FUNCTIONS = "functions"


def measure_processes(pids: Mapping[str, int], functions_parent: int) -> list[ProcessState]:
    """A row for each named process that runs, and one, `functions`, summed over all that `functions_parent`
    started: those that run, and by CPU time those that ended."""
    rows = [row for name, pid in pids.items() if (row := _measure(name, pid)) is not None]
    return [*rows, _functions(functions_parent)]


def _measure(name: str, pid: int) -> ProcessState | None:
    try:
        process = psutil.Process(pid)
        with process.oneshot():
            cpu = process.cpu_times()
            return ProcessState(name, pid, cpu.user + cpu.system, process.memory_info().rss)
    except psutil.Error:
        return None


def _functions(parent: int) -> ProcessState:
    """CPU time never falls: what a process that ended used is in its parent's account of its children."""
    total = ProcessState(FUNCTIONS, parent, 0.0, 0)
    try:
        owner = psutil.Process(parent)
        ended = owner.cpu_times()
        total.cpu_s = ended.children_user + ended.children_system
        running = owner.children(recursive=True)
    except psutil.Error:
        return total
    for process in running:
        try:
            with process.oneshot():
                cpu = process.cpu_times()
                total.cpu_s += cpu.user + cpu.system + cpu.children_user + cpu.children_system
                total.rss_bytes += process.memory_info().rss
        except psutil.Error:
            continue
    return total
