"""When a pipeline is empty: by the backlog that its target shows, or where it shows none by the evidence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from harness.measure.observation import Observation
from harness.measure.unseen import BACKLOG

BACKLOG_GAUGES = frozenset({"backlog_records", "async_backlog", "pending_deliveries"})

SETTLED_S: Final = 5.0
"""How long nothing may change, once every accepted event has an end, until the pipeline counts as empty."""
TOLD_S: Final = 30.0
"""The same where somebody is told of events: above the 20 s that SNS waits between its retries by default."""
STILL_S: Final = 60.0
"""How long nothing may change, while some events have no end, until they are no longer waited for: as long as
the longest backoff of an event source mapping that retries."""

Decision = Literal["wait", "drained", "gave_up"]


def backlog(observation: Observation) -> int | None:
    """Events that were taken in and are not yet through: records behind a mapping, asynchronous invocations
    that wait or run, deliveries that are neither made nor given up. None where the target shows none."""
    if BACKLOG in observation.unseen:
        return None
    return int(sum(gauge.value for gauge in observation.gauges if gauge.name in BACKLOG_GAUGES))


@dataclass
class DrainPolicy:
    """Decides from observations alone, which show a backlog. Two empty ones in a row are asked for, because
    an event on its way from one function to the next is in neither backlog for a moment."""

    limit_s: float
    started_s: float
    _empty_in_a_row: int = 0

    def decide(self, observation: Observation) -> Decision:
        """What to do after `observation`."""
        self._empty_in_a_row = self._empty_in_a_row + 1 if backlog(observation) == 0 else 0
        if self._empty_in_a_row >= 2:
            return "drained"
        if observation.at_s - self.started_s >= self.limit_s:
            return "gave_up"
        return "wait"


@dataclass(frozen=True)
class Shown:
    """What the evidence showed at a moment: of how many accepted events it showed no end yet, and how much
    had happened so far of whatever else can be seen (invocations, deliveries): a number that only grows."""

    at_s: float
    waiting: int
    happened: int


class EvidencePolicy:
    """Decides where nobody shows a backlog. The pipeline is empty when every accepted event has an end and
    nothing has changed for `settled_s`; it is no longer waited for when nothing has changed for `still_s`,
    or at the limit."""

    def __init__(
        self, limit_s: float, started_s: float, settled_s: float = SETTLED_S, still_s: float = STILL_S
    ) -> None:
        self._limit_s = limit_s
        self._started_s = started_s
        self._settled_s = settled_s
        self._still_s = still_s
        self._last: tuple[int, int] | None = None
        self.changed_s = started_s
        """When something was last seen to have changed: of an empty pipeline, when it was empty."""

    def decide(self, shown: Shown) -> Decision:
        """What to do after `shown`."""
        seen = (shown.waiting, shown.happened)
        if seen != self._last:
            if self._last is not None or shown.waiting:  # the first look at an empty one changes nothing
                self.changed_s = shown.at_s
            self._last = seen
        quiet_s = shown.at_s - self.changed_s
        if not shown.waiting and quiet_s >= self._settled_s:
            return "drained"
        over = shown.at_s - self._started_s >= self._limit_s
        if over or quiet_s >= self._still_s:
            return "gave_up" if shown.waiting else "drained"
        return "wait"
