"""Which process starts next, on virtual time."""

from __future__ import annotations

from harness.emulator.services.lambda_.environments.placement import (
    Bounds,
    Demand,
    Refuse,
    Start,
    Wait,
    next_start,
)

BOUNDS = Bounds(max_processes=4, max_starting=2, patience_s=0.05)


def decide(
    now_s: float, *demands: Demand, processes: int, starting: int = 0, idle: int = 0
) -> Start | Refuse | Wait:
    return next_start(now_s, demands, BOUNDS, processes=processes, starting=starting, idle=idle)


def cold(revision: str, since_s: float = 0.0) -> Demand:
    return Demand(revision, waiting=1, first_waiter_s=since_s, alive=0, starting=0)


def warm(revision: str, since_s: float = 0.0, waiting: int = 1, alive: int = 1, starting: int = 0) -> Demand:
    return Demand(revision, waiting, since_s, alive, starting)


def test_nobody_waits() -> None:
    assert decide(0.0, processes=0) == Wait(None)


def test_the_first_environment_starts_at_once() -> None:
    assert decide(0.0, cold("a"), processes=0) == Start("a", evict=False)


def test_a_further_one_starts_when_its_first_waiter_has_been_patient() -> None:
    assert decide(0.0, warm("a"), processes=1) == Wait(0.05)
    assert decide(0.04, warm("a"), processes=1) == Wait(0.05)
    assert decide(0.05, warm("a"), processes=1) == Start("a", evict=False)


def test_a_starting_environment_for_every_waiter_is_enough() -> None:
    assert decide(9.0, warm("a", waiting=1, alive=1, starting=1), processes=1, starting=1) == Wait(None)
    assert decide(9.0, warm("a", waiting=2, alive=1, starting=1), processes=1, starting=1) == Start(
        "a", False
    )


def test_two_start_at_once_at_most() -> None:
    assert decide(9.0, cold("a"), cold("b"), processes=2, starting=2) == Wait(None)


def test_the_longest_waiter_comes_first() -> None:
    assert decide(9.0, cold("b", 2.0), cold("a", 1.0), processes=0) == Start("a", evict=False)


def test_a_full_machine_closes_an_idle_environment_for_a_waiter() -> None:
    assert decide(9.0, warm("a"), processes=4, idle=1) == Start("a", evict=True)
    assert decide(9.0, cold("a"), processes=4, idle=1) == Start("a", evict=True)


def test_a_full_and_busy_machine_starts_only_first_environments() -> None:
    assert decide(9.0, warm("a"), processes=4) == Wait(None)
    assert decide(9.0, warm("a"), cold("b", 1.0), processes=4) == Start("b", evict=False)


def test_a_surge_of_one_function_starts_two_interpreters_not_twenty() -> None:
    """The whole trace of a hundred waiters on an empty machine, starts taking a second each."""
    now_s, alive, starting, trace = 0.0, 0, 0, []
    for now_s in (0.0, 0.05, 1.0, 2.0):
        if now_s >= 1.0:  # what was starting serves, and stays busy
            starting = 0
        while isinstance(
            decision := decide(
                now_s, warm("a", 0.0, 100, alive, starting), processes=alive, starting=starting
            ),
            Start,
        ):
            alive += 1
            starting += 1
            trace.append(now_s)
    assert trace == [0.0, 0.05, 1.0, 1.0]
    assert decision == Wait(None)


def waits_for_itself(blocked: int, *, nested: bool = True, alive: int = 4) -> Demand:
    return Demand("a", waiting=1, first_waiter_s=0.0, alive=alive, starting=0, blocked=blocked, nested=nested)


def test_a_function_that_waits_for_itself_gets_a_process_beyond_the_bound() -> None:
    assert decide(0.0, waits_for_itself(4), processes=4) == Start("a", evict=False)
    assert decide(0.0, waits_for_itself(4), processes=5, idle=1) == Start("a", evict=True)


def test_one_whose_environments_may_come_free_waits_and_so_do_callers_from_outside() -> None:
    assert decide(9.0, waits_for_itself(3), processes=4) == Wait(None)
    assert decide(9.0, waits_for_itself(4, nested=False), processes=4) == Wait(None)


def test_ever_deeper_invocations_are_refused_in_the_end() -> None:
    most = BOUNDS.max_processes + BOUNDS.max_nested
    assert decide(0.0, waits_for_itself(most - 1, alive=most - 1), processes=most - 1) == Start("a", False)
    assert decide(0.0, waits_for_itself(most, alive=most), processes=most) == Refuse("a")
