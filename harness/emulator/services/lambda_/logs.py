"""What a function says, line by line, and the platform's START, END and REPORT lines around it.

docs: Lambda Developer Guide, Log format of the platform's report lines (read 2026)
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

from harness.aws.limits.token_bucket import TokenBucket
from harness.emulator.services.base import LogSink

MAX_LINE_BYTES = 262_144
"""A longer line is cut into events of this size (CloudWatch Logs: an event is at most 1 MB)."""
MAX_OUTPUT_BYTES_PER_S = 4 * 1024 * 1024
"""Of one environment. What a function prints beyond it is dropped, counted and said in the log: a function
that prints in a loop must not take the emulator with it."""
TAIL_BYTES = 4096
"""docs: Lambda API Reference, Invoke, LogType: the last 4 KB of the execution log."""


class Report(NamedTuple):
    """The figures of a REPORT line."""

    request_id: str
    duration_ms: float
    memory_mb: int
    peak_memory_mb: float
    init_ms: float | None
    status: str | None
    """`timeout` or `error`, when the platform says so."""


def report_line(report: Report) -> str:
    """REPORT as CloudWatch Logs shows it. Initialization is billed too since August 2025."""
    fields = [
        f"REPORT RequestId: {report.request_id}",
        f"Duration: {report.duration_ms:.2f} ms",
        f"Billed Duration: {math.ceil(round(report.duration_ms + (report.init_ms or 0.0), 2))} ms",
        f"Memory Size: {report.memory_mb} MB",
        f"Max Memory Used: {math.ceil(report.peak_memory_mb)} MB",
    ]
    if report.init_ms is not None:
        fields.append(f"Init Duration: {report.init_ms:.2f} ms")
    if report.status is not None:
        fields.append(f"Status: {report.status}")
    return "\t".join(fields) + "\t\n"


class EnvironmentLog:
    """The log stream of one environment."""

    def __init__(self, sink: LogSink, group: str, stream: str, clock: Callable[[], float]) -> None:
        self.stream = stream
        self.dropped_bytes = 0
        self._sink = sink
        self._group = group
        self._clock = clock
        self._partial = b""
        self._dropped_unsaid = 0
        self._allowance = TokenBucket(MAX_OUTPUT_BYTES_PER_S, 2 * MAX_OUTPUT_BYTES_PER_S, clock())
        self._tail = bytearray()

    def feed(self, output: bytes) -> None:
        """Take what the process wrote, as it came."""
        now_s = self._clock()
        if self._allowance.take(now_s, len(output)) > 0:
            self.dropped_bytes += len(output)
            self._dropped_unsaid += len(output)
            return
        *whole, partial = (self._partial + output).split(b"\n")
        while len(partial) >= MAX_LINE_BYTES:
            whole.append(partial[:MAX_LINE_BYTES])
            partial = partial[MAX_LINE_BYTES:]
        self._partial = partial
        lines = [self._decode(part) for line in whole for part in _cut(line)]
        if self._dropped_unsaid and lines:
            lines.insert(0, f"Launchday dropped {self._dropped_unsaid} bytes of output here.\n")
            self._dropped_unsaid = 0
        self._write(lines, now_s)

    def end_of_output(self) -> None:
        """What is left without an end of line is a line."""
        if self._partial:
            partial, self._partial = self._partial, b""
            self._write([self._decode(partial)], self._clock())

    def platform(self, line: str) -> None:
        """A line of the platform itself."""
        self._write([line], self._clock())

    def begin_tail(self) -> None:
        """Begin a new log tail."""
        self._tail.clear()

    def tail(self) -> bytes:
        """The last 4 KB since `begin_tail`."""
        return bytes(self._tail[-TAIL_BYTES:])

    def _decode(self, line: bytes) -> str:
        # The runtime writes a message of several lines with carriage returns, so that it stays one event.
        return line.decode("utf-8", "replace").replace("\r", "\n") + "\n"

    def _write(self, lines: list[str], now_s: float) -> None:
        if not lines:
            return
        for line in lines:
            self._tail += line.encode()
        if len(self._tail) > 16 * TAIL_BYTES:
            del self._tail[:-TAIL_BYTES]
        at_ms = int(now_s * 1000)
        self._sink.write(self._group, self.stream, [(at_ms, line) for line in lines])


def _cut(line: bytes) -> list[bytes]:
    if len(line) <= MAX_LINE_BYTES:
        return [line]
    return [line[start : start + MAX_LINE_BYTES] for start in range(0, len(line), MAX_LINE_BYTES)]
