"""What a process has used: CPU time and peak memory, read from outside it."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from typing import Protocol

CPUCLOCK_SCHED = 2
RESET_PEAK = b"5"


class ProcessAccount(Protocol):
    """The account of one process."""

    def cpu_s(self) -> float:
        """CPU time of all its threads since it started. Raises ProcessLookupError when it has ended."""

    def reset_peak(self) -> None:
        """Begin a new peak of memory, where the system can."""

    def peak_bytes(self) -> int:
        """The most memory it held since `reset_peak`; where the system does not say, what it holds now."""

    def close(self) -> None:
        """Let go of what the account holds open."""


class LinuxAccount:
    """By the process's CPU clock and /proc. man: clock_getcpuclockid(3), proc_pid_clear_refs(5)."""

    def __init__(self, pid: int) -> None:
        self._clock = (~pid << 3) | CPUCLOCK_SCHED
        self._status = os.open(f"/proc/{pid}/status", os.O_RDONLY)
        try:
            self._clear: int | None = os.open(f"/proc/{pid}/clear_refs", os.O_WRONLY)
        except PermissionError:  # a hardened container: the peak is then since the process started
            self._clear = None

    def cpu_s(self) -> float:
        """CPU time in seconds."""
        try:
            return time.clock_gettime(self._clock)
        except OSError as error:
            raise ProcessLookupError(str(error)) from None

    def reset_peak(self) -> None:
        """Begin a new peak."""
        if self._clear is not None:
            with contextlib.suppress(OSError):
                os.write(self._clear, RESET_PEAK)

    def peak_bytes(self) -> int:
        """VmHWM, the peak of the resident set."""
        status = os.pread(self._status, 4096, 0)
        _, found, rest = status.partition(b"VmHWM:")
        if not found:
            raise ProcessLookupError("the process has ended")
        return int(rest.split(None, 1)[0]) * 1024

    def close(self) -> None:
        """Close the files."""
        os.close(self._status)
        if self._clear is not None:
            os.close(self._clear)


class PsutilAccount:
    """By psutil, for systems without /proc. It knows the memory held now, not its peak."""

    def __init__(self, pid: int) -> None:
        import psutil

        self._gone = psutil.NoSuchProcess
        self._process = psutil.Process(pid)

    def cpu_s(self) -> float:
        """CPU time in seconds."""
        try:
            times = self._process.cpu_times()
        except self._gone as error:
            raise ProcessLookupError(str(error)) from None
        return float(times.user + times.system)

    def reset_peak(self) -> None:
        """There is no peak to reset."""

    def peak_bytes(self) -> int:
        """The resident set now."""
        try:
            return int(self._process.memory_info().rss)
        except self._gone as error:
            raise ProcessLookupError(str(error)) from None

    def close(self) -> None:
        """Nothing is held open."""


def open_account(pid: int) -> ProcessAccount:
    """The account of a running process. Raises OSError when it has ended already."""
    return LinuxAccount(pid) if sys.platform == "linux" else PsutilAccount(pid)
