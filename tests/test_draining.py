"""The loops that wait for a pipeline to be empty, on a clock of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from harness.draining import Clock, Happenings, by_backlog, by_evidence
from harness.errors import TargetLost
from harness.measure.meters import Gauge
from harness.measure.observation import Observation


class Virtual:
    """A clock that jumps when somebody sleeps."""

    def __init__(self) -> None:
        self.now_s = 50.0
        self.slept: list[float] = []
        self.clock = Clock(lambda: self.now_s, self.sleep)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now_s += seconds


@pytest.fixture
def virtual() -> Virtual:
    return Virtual()


def reading(virtual: Virtual, takes_s: float, *left: int) -> Callable[[], int]:
    """Evidence that takes a while to read; the last answer stays."""
    answers: Iterator[int] = iter(left)
    last = 0

    def waiting() -> int:
        nonlocal last
        virtual.now_s += takes_s
        last = next(answers, last)
        return last

    return waiting


def test_by_the_backlog_until_it_is_seen_empty_twice(virtual: Virtual) -> None:
    backlogs = iter([3.0, 1.0, 0.0, 0.0])

    def look() -> Observation:
        gauges = [Gauge("lambda", "f", "backlog_records", next(backlogs))]
        return Observation(virtual.now_s, [], gauges)

    drain = by_backlog(look, 60, virtual.clock)
    assert (drain.duration_s, drain.emptied, drain.waiting) == (1.5, True, None)


def test_by_the_evidence_until_each_event_has_an_end(virtual: Virtual) -> None:
    drain = by_evidence(
        lambda: None, reading(virtual, 0.25, 40, 7, 0), lambda: 0, 60, watched=False, clock=virtual.clock
    )
    assert (drain.duration_s, drain.emptied, drain.waiting) == (2.75, True, 0)  # the third reading's end
    assert set(virtual.slept) == {1.0}


def test_evidence_is_read_half_of_the_time_at_most(virtual: Virtual) -> None:
    by_evidence(lambda: None, reading(virtual, 4.0, 40, 0), lambda: 0, 60, watched=False, clock=virtual.clock)
    assert set(virtual.slept) == {4.0}


def test_evidence_that_shows_an_end_of_each_event_is_not_read_again(virtual: Virtual) -> None:
    read: list[int] = []

    def waiting() -> int:
        read.append(max(0, 2 - len(read)))
        return read[-1]

    drain = by_evidence(lambda: None, waiting, lambda: 0, 60, watched=True, clock=virtual.clock)
    assert (drain.emptied, read) == (True, [2, 1, 0])
    assert virtual.now_s >= 50 + 30


def test_it_gives_up_when_nothing_changes_and_says_how_many_are_left(virtual: Virtual) -> None:
    drain = by_evidence(
        lambda: None, reading(virtual, 0.0, 9, 4), lambda: 0, 600, watched=False, clock=virtual.clock
    )
    assert (drain.emptied, drain.waiting) == (False, 4)
    assert drain.duration_s == 61  # a second, and a minute without a change


def test_whoever_is_told_is_waited_for_longer(virtual: Virtual) -> None:
    seen = Happenings()

    def look() -> None:
        if virtual.now_s == 70:
            seen.watched(3, 0, 1)

    drain = by_evidence(
        look, reading(virtual, 0.0, 0), lambda: seen.count, 600, watched=True, clock=virtual.clock
    )
    assert (drain.emptied, drain.duration_s, virtual.now_s) == (True, 20, 100)


def test_a_target_that_is_gone_ends_it(virtual: Virtual) -> None:
    def gone() -> None:
        raise TargetLost("It does not answer.")

    with pytest.raises(TargetLost):
        by_evidence(gone, reading(virtual, 0.0, 9), lambda: 0, 60, watched=False, clock=virtual.clock)
