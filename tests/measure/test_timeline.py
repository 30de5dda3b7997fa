"""Counters become rates, gauges stay, and sums over resources hold their last value."""

from __future__ import annotations

from harness.measure.meters import Gauge, Usage
from harness.measure.observation import Observation
from harness.measure.timeline import Rates, Row, Timeline, summed


def seen(at_s: float, *usage: Usage, gauges: tuple[Gauge, ...] = ()) -> Observation:
    return Observation(at_s, list(usage), list(gauges))


def test_a_counter_becomes_its_growth_a_second() -> None:
    rates = Rates()
    assert rates.rows(seen(10.0, Usage("s", "r", "n", 100))) == []
    assert rates.rows(seen(12.0, Usage("s", "r", "n", 150))) == [Row(12.0, "s", "r", "n", 25.0, "rate")]


def test_a_counter_that_appears_starts_from_zero() -> None:
    rates = Rates()
    rates.rows(seen(10.0))
    assert rates.rows(seen(11.0, Usage("s", "r", "n", 5))) == [Row(11.0, "s", "r", "n", 5.0, "rate")]


def test_a_counter_that_fell_was_started_again() -> None:
    rates = Rates()
    rates.rows(seen(10.0, Usage("s", "r", "n", 500)))
    assert rates.rows(seen(11.0, Usage("s", "r", "n", 3))) == [Row(11.0, "s", "r", "n", 3.0, "rate")]


def test_time_that_stands_still_gives_no_rate() -> None:
    rates = Rates()
    rates.rows(seen(10.0, Usage("s", "r", "n", 1)))
    assert rates.rows(seen(10.0, Usage("s", "r", "n", 9), gauges=(Gauge("s", "r", "g", 2),))) == [
        Row(10.0, "s", "r", "g", 2.0, "gauge")
    ]


def test_a_total_holds_the_last_value_of_each_resource() -> None:
    timeline = Timeline.of(
        [
            Row(1.0, "lambda", "a", "backlog_records", 3.0, "gauge"),
            Row(3.0, "lambda", "a", "backlog_records", 0.0, "gauge"),
            Row(2.0, "lambda", "b", "backlog_records", 10.0, "gauge"),
            Row(2.0, "lambda", "b", "other", 99.0, "gauge"),
        ]
    )
    total = summed(timeline.select("backlog_records"), "backlog")
    assert total.t.tolist() == [1.0, 2.0, 3.0]
    assert total.value.tolist() == [3.0, 13.0, 10.0]
    assert (total.peak, total.last) == (13.0, 10.0)
    assert timeline.select("nothing") == []


def test_rows_may_come_in_any_order() -> None:
    timeline = Timeline.of([Row(2.0, "s", "r", "n", 2.0, "rate"), Row(1.0, "s", "r", "n", 1.0, "rate")])
    (series,) = timeline
    assert series.value.tolist() == [1.0, 2.0]
