"""Which process starts next: what this machine can bear, decided without a clock and without a process.

AWS starts an environment for every concurrent invocation. A laptop cannot: interpreters that start together
starve each other and everything else. So invocations that hold a lease wait here, first come first served:

1. An idle environment of the wanted revision is used at once (the pool does that before it asks here).
2. A revision without any environment gets one, even beyond the bound on processes: a function that invokes
   another and waits for it would otherwise hold the place that the other one needs. So does one whose
   environments all wait for invocations of their own, when a function waits for it: it invokes itself, or is
   invoked by those that it invokes. Beyond `max_nested` further processes that waiter is refused: AWS would
   go on to the limit of concurrency, and answer as here.
3. A revision that has environments gets a further one only when its first waiter has waited for `patience_s`:
   a warm environment that comes free in a few milliseconds is sooner than a new one.
4. At most `max_starting` start at once, and at most `max_processes` live; beyond that an idle environment of
   another revision gives way, the longest idle first.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple


@dataclass(frozen=True, slots=True)
class Bounds:
    """What the machine bears."""

    max_processes: int
    max_starting: int
    patience_s: float = 0.05
    max_nested: int = 16
    """Processes beyond `max_processes` for functions that wait for themselves."""


class Demand(NamedTuple):
    """One revision that somebody waits for."""

    revision: str
    waiting: int
    first_waiter_s: float
    alive: int
    """Environments that are initialized or starting."""
    starting: int
    blocked: int = 0
    """Environments that wait for an invocation that they made."""
    nested: bool = False
    """Whether a function waits for it, not only callers from outside."""


class Start(NamedTuple):
    """Start an environment of `revision`, after closing the environment idle the longest when `evict`."""

    revision: str
    evict: bool


class Refuse(NamedTuple):
    """Let no function wait for `revision` any longer: no environment will come free."""

    revision: str


class Wait(NamedTuple):
    """Nothing can start now; look again at `until_s`, or when something changes if it is None."""

    until_s: float | None


def next_start(
    now_s: float, demands: Iterable[Demand], bounds: Bounds, *, processes: int, starting: int, idle: int
) -> Start | Refuse | Wait:
    """What to do next. `processes` counts all that live, `starting` and `idle` those of them that are."""
    demands = sorted(demands, key=lambda demand: demand.first_waiter_s)
    if starting >= bounds.max_starting:  # rule 4
        return Wait(None)
    until_s: float | None = None
    for demand in demands:
        if demand.starting >= demand.waiting:
            continue
        full = processes >= bounds.max_processes
        if demand.alive == 0:  # rule 2
            return Start(demand.revision, evict=full and idle > 0)
        if demand.nested and demand.blocked == demand.alive:  # rule 2
            if processes - idle >= bounds.max_processes + bounds.max_nested:
                return Refuse(demand.revision)
            return Start(demand.revision, evict=full and idle > 0)
        if full and idle == 0:
            continue
        patient_until_s = demand.first_waiter_s + bounds.patience_s  # rule 3
        if now_s >= patient_until_s:
            return Start(demand.revision, evict=full)
        until_s = patient_until_s if until_s is None else min(until_s, patient_until_s)
    return Wait(until_s)
