"""The emulator's clock when the machine's is set."""

from __future__ import annotations

from itertools import pairwise

from harness.emulator.clock import SteadyClock


class Machine:
    """A machine whose clock a test sets."""

    def __init__(self) -> None:
        self.wall_s = 1_800_000_000.0
        self.up_s = 500.0

    def runs(self, seconds: float) -> None:
        self.wall_s += seconds
        self.up_s += seconds


def test_time_follows_the_machine_but_does_not_fall_back() -> None:
    machine = Machine()
    clock = SteadyClock(lambda: machine.wall_s, lambda: machine.up_s)
    seen = [clock()]
    for set_by_s in (0.0, 3600.0, -0.5, -7200.0, 0.0, 3700.0, 3500.0):
        machine.wall_s += set_by_s
        machine.runs(10.0)
        seen.append(clock())
    passed = [round(later - earlier, 3) for earlier, later in pairwise(seen)]
    assert passed == [10.0, 3610.0, 9.5, 10.0, 10.0, 10.0, 10.0]  # from the fourth on: behind, until the last
    assert seen[-1] == machine.wall_s


def test_a_pause_while_it_is_read_moves_nothing() -> None:
    machine = Machine()
    pauses = iter([0.0, 30.0, 0.0])

    def up_s() -> float:
        machine.runs(next(pauses))
        return machine.up_s

    clock = SteadyClock(lambda: machine.wall_s, up_s)
    assert clock() == 1_800_000_030.0
    assert clock() == 1_800_000_030.0
