"""What an observer saw of a target at one moment, and each Lambda invocation as it was."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, Protocol

from harness.measure.meters import CallTally, Gauge, Usage
from harness.measure.unseen import Unseen

InvocationStatus = Literal["ok", "error", "timeout", "crash"]


@dataclass(slots=True)
class Invocation:
    """One run of a Lambda function. Times in ms, memory in MB (2^20); `started_at_s` since the epoch."""

    function: str
    request_id: str
    trace_id: str
    source: str
    """Who invoked it: `api`, `async`, `apigateway`, `kinesis:<stream>`, ..."""
    started_at_s: float
    init_ms: float | None
    """Initialization, on a cold start only."""
    wall_ms: float
    cpu_ms: float | None
    """CPU time of the invocation without the initialization; None where the target does not say."""
    init_cpu_ms: float | None
    peak_memory_mb: float | None
    memory_mb: int
    architecture: str
    """x86_64 or arm64."""
    status: InvocationStatus
    records: int = 0
    """How many records its event carried, for an event source mapping; else 0."""
    runtime: str = ""
    """AWS's identifier of the function's runtime (`python3.13`); empty when the target does not say."""
    billed_ms: float | None = None
    """What the target itself says that it bills, initialization included; None where it says nothing."""


@dataclass(slots=True)
class ProcessState:
    """A process of the target. `cpu_s` since it started; `rss_bytes` now."""

    name: str
    pid: int
    cpu_s: float
    rss_bytes: int


@dataclass(slots=True)
class Observation:
    """A target seen once. `usage` is since the target started; `invocations` and `calls` are those not given
    before."""

    at_s: float
    usage: list[Usage]
    gauges: list[Gauge]
    invocations: list[Invocation] = field(default_factory=list)
    calls: list[CallTally] = field(default_factory=list)
    processes: list[ProcessState] = field(default_factory=list)
    incidents: list[str] = field(default_factory=list)
    """What went wrong with the target itself since it started, a sentence each: it makes the run fail."""
    lost: int = 0
    """Invocations and calls dropped since the target started, because nobody looked in time: a run in which
    it grows is invalid."""
    unseen: Unseen = field(default_factory=dict)
    """The observer's own `unseen`."""


class Observer(Protocol):
    """Says where usage, backlog and timings come from on a target, and how complete they are."""

    @property
    def completeness(self) -> str:
        """In words, for the report: what this observer cannot see."""

    @property
    def unseen(self) -> Unseen:
        """The same by name, for whatever would need it (harness.measure.unseen)."""

    def observe(self) -> Observation:
        """Look now. Raises TargetLost when the target does not answer."""
