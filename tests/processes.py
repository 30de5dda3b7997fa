"""Whether processes are there."""

from __future__ import annotations

import time

import psutil


def lives(pid: int) -> bool:
    """Whether there is such a process; one that has ended and that nobody has waited for is none."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def gone(*pids: int, within_s: float = 20.0) -> bool:
    """Whether those processes end, soon: the kernel and a sweep take their moment."""
    deadline = time.monotonic() + within_s
    while any(lives(pid) for pid in pids):
        if time.monotonic() >= deadline:
            return False
        time.sleep(0.02)
    return True
