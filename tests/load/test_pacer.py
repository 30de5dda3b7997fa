from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.load.events import Arrival
from harness.load.pacer import Pacer

offsets = st.lists(st.floats(min_value=0, max_value=1e6, allow_nan=False), max_size=50).map(sorted)


def arrivals(times: list[float]) -> Pacer:
    return Pacer(Arrival(at_s, 0, 0, []) for at_s in times)


@given(offsets, st.floats(min_value=-10, max_value=2e6, allow_nan=False))
def test_what_is_due_is_what_was_planned_by_then(times: list[float], now_s: float) -> None:
    pacer = arrivals(times)
    taken = []
    while True:
        wait_s, stop = pacer.pace(now_s)
        if stop or wait_s > 0:
            break
        taken.append(pacer.take().at_s)
    assert taken == [at_s for at_s in times if at_s <= now_s]
    if not stop:
        assert now_s + wait_s == pytest.approx(times[len(taken)])


@given(offsets)
def test_waiting_as_long_as_it_says_sends_each_at_its_time(times: list[float]) -> None:
    pacer, now_s, sent = arrivals(times), 0.0, []
    while not (pace := pacer.pace(now_s)).stop:
        now_s += pace.wait_s
        assert pacer.pace(now_s).wait_s <= 1e-9 * max(1.0, now_s)
        sent.append(pacer.take().at_s)
        assert now_s == pytest.approx(sent[-1])
    assert sent == times


def test_nothing_planned_is_a_stop() -> None:
    pacer = arrivals([])
    assert pacer.pace(0.0).stop
    with pytest.raises(IndexError):
        pacer.take()


def test_before_the_start_it_waits_for_the_first() -> None:
    assert arrivals([2.0]).pace(-1.0) == (3.0, False)


def test_infinitely_late_is_due() -> None:
    assert arrivals([2.0]).pace(math.inf) == (0.0, False)


def test_a_time_that_is_no_number_is_refused() -> None:
    with pytest.raises(ValueError, match="not a number"):
        arrivals([2.0]).pace(math.nan)


def test_once_stopped_nothing_starts() -> None:
    pacer = arrivals([0.0, 1.0])
    pacer.stop()
    assert pacer.pace(5.0).stop
