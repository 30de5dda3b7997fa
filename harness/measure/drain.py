"""When a pipeline is empty: every backlog at zero, seen twice, or a stated limit reached."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from harness.measure.observation import Observation

BACKLOG_GAUGES = frozenset({"backlog_records", "async_backlog", "pending_deliveries"})

Decision = Literal["wait", "drained", "gave_up"]


def backlog(observation: Observation) -> int:
    """Events that were taken in and are not yet through: records behind a mapping, asynchronous invocations
    that wait or run, deliveries that are neither made nor given up."""
    return int(sum(gauge.value for gauge in observation.gauges if gauge.name in BACKLOG_GAUGES))


@dataclass
class DrainPolicy:
    """Decides from observations alone. Two empty ones in a row are asked for, because an event on its way
    from one function to the next is in neither backlog for a moment."""

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
