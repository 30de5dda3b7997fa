"""The forms of what a run folder stores as JSON, where no other module says them."""

from __future__ import annotations

from typing import Any, Final, Literal, NotRequired, TypedDict

from harness.measure.meters import Usage
from harness.measure.percentiles import Percentiles

Status = Literal["running", "complete", "interrupted", "failed"]

LATEST_S = 253_402_300_799.0
"""The end of the year 9999, in seconds since the epoch: no calendar goes on from there."""


class StoredDrain(TypedDict):
    """How the backlog emptied."""

    duration_s: float
    emptied: bool
    waiting: NotRequired[int | None]


class StoredState(TypedDict):
    """`run.json`. `seals` say which bytes each part had when the run ended."""

    format: str
    version: int
    scenario: str
    started_at_s: float
    status: Status
    ended_at_s: NotRequired[float | None]
    error: NotRequired[str | None]
    exit_code: NotRequired[int | None]
    drain: NotRequired[StoredDrain | None]
    incidents: NotRequired[list[str]]
    lost: NotRequired[int]
    observer: NotRequired[str | None]
    unseen: NotRequired[dict[str, str]]
    seals: NotRequired[dict[str, str]]


class StoredMark(TypedDict):
    """The meters at one moment, in `usage.json`."""

    at_s: float
    usage: list[Usage]


StoredMarks = dict[str, StoredMark]


class Environment(TypedDict, total=False):
    """`environment.json`, in what of it the reports read."""

    versions: dict[str, str]


class Lateness(TypedDict):
    """How late requests were started, in ms."""

    p50: float | None
    p99: float | None
    max: float | None


REQUEST_COUNTS: Final = (
    *("planned", "sent", "dropped", "accepted"),
    *("throttled", "failed", "indeterminate", "retries"),
)
"""What requests are counted by."""


class Requests(TypedDict):
    """Requests by what became of them: REQUEST_COUNTS, and how late they were started."""

    planned: int
    sent: int
    dropped: int
    accepted: int
    throttled: int
    failed: int
    indeterminate: int
    retries: int
    start_lateness_ms: Lateness


class Sent(TypedDict):
    """What was sent, and what of it accepted."""

    sent: int
    accepted: int


class Throughput(TypedDict):
    """Requests a second over the load."""

    planned_per_s: float
    achieved_per_s: float


class Histograms(TypedDict):
    """Encoded latency histograms (harness.measure.histogram), by route."""

    latency_ms: dict[str, str]
    service_time_ms: dict[str, str]
    failed_latency_ms: dict[str, str]
    group_latency_ms: NotRequired[dict[str, str]]


class LoadSummary(TypedDict):
    """`load/summary.json`, in what of it the reports read."""

    started_at_s: float
    ended_at_s: float
    duration_s: float
    valid: bool
    invalid_reason: str | None
    requests: Requests
    events: Sent
    kinds: NotRequired[dict[str, Sent]]
    calls: NotRequired[dict[str, Sent]]
    throughput: Throughput
    latency_ms: dict[str, Percentiles]
    service_time_ms: dict[str, Percentiles]
    failed_latency_ms: dict[str, Percentiles]
    group_latency_ms: NotRequired[dict[str, Percentiles]]
    histograms: Histograms


class WatchRow(TypedDict):
    """A second of `watch/timeline.ndjson`: events told by channel, and how long after their acceptance."""

    t: float
    connected: int
    webhook: int
    subscription: int
    refused: int
    lost_connections: int
    webhook_p99_ms: float | None
    subscription_p99_ms: float | None


class LoadRow(TypedDict):
    """A row of `load/timeline.ndjson`; what else is in it is charted where it is a number."""

    t: float


Json = dict[str, Any]
