"""An invocation in an environment: the platform's lines around it, and what is noted of it afterwards."""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from harness.emulator.services.lambda_.environments.runtime_api import Work
from harness.emulator.services.lambda_.environments.sandbox import Run, Sandbox, Usage
from harness.emulator.services.lambda_.logs import Report, report_line
from harness.measure.meters import Meters
from harness.measure.observation import Invocation

MAX_INVOCATIONS_KEPT = 100_000


class Subject(NamedTuple):
    """What runs, as the lines and the notes name it."""

    name: str
    version: str
    timeout_s: float
    memory_mb: int
    architecture: str
    runtime: str


async def perform(environment: Sandbox, work: Work, subject: Subject) -> tuple[Run, Usage | None]:
    """Run `work`, with its START, END and REPORT lines. Gives what the initialization took too, when this was
    the first invocation after it."""
    log = environment.log
    log.begin_tail()
    log.platform(f"START RequestId: {work.request_id} Version: {subject.version}\n")
    run = await environment.run(work, subject.timeout_s)
    init, environment.init = environment.init, None
    log.platform(f"END RequestId: {work.request_id}\n")
    status = {"timeout": "timeout", "crash": "error"}.get(run.status)
    log.platform(report_of(work.request_id, subject, run, init, status))
    return run, init


def report_of(request_id: str, subject: Subject, run: Run, init: Usage | None, status: str | None) -> str:
    """The REPORT line of an invocation; `status` is what it says of an end that was none of the
    function's."""
    return report_line(
        Report(
            request_id,
            run.usage.wall_ms,
            subject.memory_mb,
            run.usage.peak_memory_mb,
            init.wall_ms if init else None,
            status,
        )
    )


class InvocationRecords:
    """Invocations for the observer: each given once, bounded, losses counted."""

    def __init__(self) -> None:
        self._kept: deque[Invocation] = deque()
        self.lost = 0

    def add(self, invocation: Invocation) -> None:
        """Keep `invocation`, or count it as lost when nobody came to look for long."""
        if len(self._kept) >= MAX_INVOCATIONS_KEPT:
            self.lost += 1
        else:
            self._kept.append(invocation)

    def take(self) -> list[Invocation]:
        """All since the last take."""
        taken = list(self._kept)
        self._kept.clear()
        return taken

    def clear(self) -> None:
        """Forget all."""
        self._kept.clear()
        self.lost = 0


class Notes:
    """What is kept of invocations: a row for the observer, and the meters that operators watch."""

    def __init__(self, meters: Meters) -> None:
        self.records = InvocationRecords()
        self._meters = meters

    def add(
        self,
        subject: Subject,
        run: Run,
        init: Usage | None,
        *,
        request_id: str,
        trace_root: str,
        source: str,
        records: int,
    ) -> None:
        """Note `run`; `records` is how many its event carried, for an event source mapping."""
        if run.status != "ok":
            self._meters.counter("lambda", subject.name, "errors").value += 1
        if run.status == "timeout":
            self._meters.counter("lambda", subject.name, "timeouts").value += 1
        self.records.add(
            Invocation(
                function=subject.name,
                request_id=request_id,
                trace_id=trace_root,
                source=source,
                started_at_s=run.started_at_s,
                init_ms=init.wall_ms if init else None,
                wall_ms=run.usage.wall_ms,
                cpu_ms=run.usage.cpu_ms,
                init_cpu_ms=init.cpu_ms if init else None,
                peak_memory_mb=run.usage.peak_memory_mb,
                memory_mb=subject.memory_mb,
                architecture=subject.architecture,
                runtime=subject.runtime,
                status=run.status,
                records=records,
            )
        )
