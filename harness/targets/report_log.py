"""Reads the REPORT lines of one function from CloudWatch Logs, each once, as they come.

Lines come late and not in order, so each reading begins some time before the last line of the one before;
what was read already is known by its id.
docs: CloudWatch Logs API Reference, FilterLogEvents (read 2026-11)
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

from botocore.exceptions import ClientError

from harness.measure.observation import Invocation
from harness.targets.report_lines import ReportLine, parse_report

OVERLAP_S: Final = 60.0
"""How late a line may come."""
_READ_S: Final = 5.0
"""How long one reading may take; the rest is read the next time."""
_PATTERN: Final = '"REPORT RequestId"'


@dataclass(frozen=True)
class FunctionSettings:
    """What its REPORT lines do not say of a function."""

    name: str
    memory_mb: int
    architecture: str
    runtime: str
    log_group: str

    @classmethod
    def of(cls, configuration: Mapping[str, Any]) -> Self:
        """From GetFunctionConfiguration."""
        name = configuration["FunctionName"]
        return cls(
            name=name,
            memory_mb=int(configuration.get("MemorySize", 128)),
            architecture=(configuration.get("Architectures") or ["x86_64"])[0],
            runtime=configuration.get("Runtime", ""),
            log_group=(configuration.get("LoggingConfig") or {}).get("LogGroup") or f"/aws/lambda/{name}",
        )


class FunctionLog:
    """The lines of one function from `since_s` (epoch) on."""

    def __init__(
        self, function: FunctionSettings, since_s: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._function = function
        self._since_s = since_s
        self._newest_s = since_s
        self._clock = clock
        self._seen: dict[str, float] = {}
        self._next: dict[str, Any] = {}

    def read(self, logs: Any, now_s: float) -> Iterator[Invocation]:
        """The invocations whose lines are new. Raises ClientError, not for a log that is not there yet."""
        until_s = self._clock() + _READ_S
        while True:
            try:
                answer = logs.filter_log_events(**(self._next or self._from_the_start()))
            except ClientError as why:
                if why.response.get("Error", {}).get("Code") == "ResourceNotFoundException":
                    return
                raise
            yield from self._new(answer.get("events", ()))
            token = answer.get("nextToken")
            if not token:
                self._next = {}
                break
            self._next = {**(self._next or self._from_the_start()), "nextToken": token}
            if self._clock() >= until_s:
                break
        oldest_s = min(self._newest_s, now_s) - OVERLAP_S
        self._seen = {event: at_s for event, at_s in self._seen.items() if at_s >= oldest_s}

    def _from_the_start(self) -> dict[str, Any]:
        start_s = max(self._since_s, self._newest_s - OVERLAP_S)
        return {
            "logGroupName": self._function.log_group,
            "startTime": int(start_s * 1000),
            "filterPattern": _PATTERN,
        }

    def _new(self, events: Any) -> Iterator[Invocation]:
        for event in events:
            report = parse_report(str(event["message"]))
            at_s = float(event["timestamp"]) / 1000
            known_by = event.get("eventId") or f"{event.get('logStreamName')} {at_s} {event['message']}"
            if report is None or known_by in self._seen or at_s < self._since_s:
                continue
            self._seen[known_by] = at_s
            self._newest_s = max(self._newest_s, at_s)
            yield self._invocation(report, at_s)

    def _invocation(self, report: ReportLine, at_s: float) -> Invocation:
        function = self._function
        return Invocation(
            function=function.name,
            request_id=report.request_id,
            trace_id=report.trace_id,
            source="unknown",
            started_at_s=at_s - report.wall_ms / 1000,
            init_ms=report.init_ms,
            wall_ms=report.wall_ms,
            cpu_ms=None,
            init_cpu_ms=None,
            peak_memory_mb=report.peak_memory_mb,
            memory_mb=report.memory_mb or function.memory_mb,
            architecture=function.architecture,
            status=report.status,
            runtime=function.runtime,
            billed_ms=report.billed_ms,
        )
