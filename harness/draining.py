"""Waits until a pipeline is empty: asks, decides by a policy, sleeps.

Where the target shows its backlog, that is asked. Where it does not, the evidence is: the product's own
record of what became of each event. Reading it costs the target requests, so it is read at most half of the
time, and no more once it shows an end of each.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from harness.measure.drain import SETTLED_S, TOLD_S, Decision, DrainPolicy, EvidencePolicy, Shown
from harness.measure.observation import Observation
from harness.measure.run_state import Drain

LOOK_S = 0.5
READ_S = 1.0


@dataclass
class Happenings:
    """How much has happened that can be seen; its methods are called by the threads that see it."""

    invocations: int = 0
    told: int = 0

    def observed(self, observation: Observation) -> None:
        """Take an observation of the target's."""
        self.invocations += len(observation.invocations)

    def watched(self, *told: int) -> None:
        """Take a second of the watchers': what they were told, by each channel, and what they refused."""
        self.told += sum(told)

    @property
    def count(self) -> int:
        """All of it."""
        return self.invocations + self.told


@dataclass(frozen=True)
class Clock:
    """The wall's, or a test's. `now_s` is only ever compared with itself."""

    now_s: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


WALL = Clock()


def by_backlog(look: Callable[[], Observation], limit_s: float, clock: Clock = WALL) -> Drain:
    """Until `look` shows no backlog, or `limit_s` after its first look."""
    observation = look()
    started_s = observation.at_s
    policy = DrainPolicy(limit_s, started_s)
    while (decision := policy.decide(observation)) == "wait":
        clock.sleep(LOOK_S)
        observation = look()
    return Drain(observation.at_s - started_s, emptied=decision == "drained")


def by_evidence(
    look: Callable[[], object],
    waiting: Callable[[], int],
    happened: Callable[[], int],
    limit_s: float,
    *,
    watched: bool,
    clock: Clock = WALL,
) -> Drain:
    """Until `waiting`, which reads the evidence, says that no accepted event is without an end, and nothing
    has `happened` for a while; until nothing changes; or for `limit_s`. `look` raises when the target is
    gone. `watched` says that somebody is told of events, which takes longer than their ends."""
    started_s = clock.now_s()
    policy = EvidencePolicy(limit_s, started_s, TOLD_S if watched else SETTLED_S)
    decision: Decision = "wait"
    left: int | None = None
    pause_s = READ_S
    while decision == "wait":
        began_s = clock.now_s()
        look()
        if left != 0:  # no event loses its end again
            left = waiting()
            pause_s = max(READ_S, clock.now_s() - began_s)
        decision = policy.decide(Shown(clock.now_s(), left, happened()))
        if decision == "wait":
            clock.sleep(pause_s)
    ended_s = policy.changed_s if decision == "drained" else clock.now_s()
    return Drain(ended_s - started_s, emptied=decision == "drained", waiting=left)
