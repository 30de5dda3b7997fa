"""How a run stands, and the meters at its moments, as a run folder gives them."""

from __future__ import annotations

from dataclasses import dataclass

from harness.measure.meters import Usage
from harness.measure.stored import Status
from harness.measure.unseen import Unseen


@dataclass(frozen=True)
class Marked:
    """The meters at one moment, since the target started."""

    at_s: float
    usage: tuple[Usage, ...]


@dataclass(frozen=True)
class Drain:
    """How the backlog emptied after the load: how long it took, and whether it did.

    `waiting` is how many accepted events the evidence showed no end of, where it was the evidence that was
    asked; None where the target showed its backlog itself."""

    duration_s: float
    emptied: bool
    waiting: int | None = None

    def why_not_empty(self) -> str:
        """What to say of a drain that did not empty the backlog."""
        if self.waiting is None:
            return f"the backlog was not empty after {self.duration_s:.0f} s"
        return f"{self.waiting:,} accepted events had no end {self.duration_s:.0f} s after the load"


@dataclass(frozen=True)
class RunState:
    """How a run stands. Times in seconds since the epoch; `exit_code` is that of the error that ended it."""

    scenario: str
    started_at_s: float
    ended_at_s: float | None
    status: Status
    error: str | None
    exit_code: int | None
    drain: Drain | None
    incidents: tuple[str, ...]
    lost: int
    observer: str | None
    """In words, what the target's observer cannot see."""
    unseen: Unseen | None = None
    """The same by name; None when the run did not come to an observer."""
