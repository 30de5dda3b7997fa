"""The processes of the embedded AWS, measured from outside: CPU time and resident memory."""

from __future__ import annotations

import contextlib
import platform
from collections.abc import Mapping
from pathlib import Path

import psutil

from harness.measure.observation import ProcessState

FUNCTIONS = "functions"


def process_space() -> str:
    """The same text in two processes that see each other under the same ids; another on another machine or in
    another container. LocalStack's extension says it in the same words."""
    parts = [platform.node()]
    with contextlib.suppress(OSError):
        parts.append(Path("/proc/sys/kernel/random/boot_id").read_text().strip())
    with contextlib.suppress(OSError):
        parts.append(str(Path("/proc/self/ns/pid").readlink()))
    return " ".join(parts)


def measure_processes(pids: Mapping[str, int], functions_parent: int) -> list[ProcessState]:
    """A row for each named process that runs, and one, `functions`, summed over all that `functions_parent`
    started: those that run, and by CPU time those that ended."""
    rows = [row for name, pid in pids.items() if (row := _measure(name, pid)) is not None]
    return [*rows, _below(FUNCTIONS, functions_parent)]


def _measure(name: str, pid: int) -> ProcessState | None:
    try:
        process = psutil.Process(pid)
        with process.oneshot():
            cpu = process.cpu_times()
            return ProcessState(name, pid, cpu.user + cpu.system, process.memory_info().rss)
    except psutil.Error:
        return None


def measure_tree(name: str, pid: int) -> ProcessState | None:
    """A process and all that it started, as one; None when it has ended."""
    own = _measure(name, pid)
    if own is None:
        return None
    below = _below(name, pid)
    return ProcessState(name, pid, own.cpu_s + below.cpu_s, own.rss_bytes + below.rss_bytes)


def _below(name: str, parent: int) -> ProcessState:
    """CPU time never falls: what a process that ended used is in its parent's account of its children."""
    total = ProcessState(name, parent, 0.0, 0)
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
