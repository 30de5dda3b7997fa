"""When a pipeline counts as empty."""

from __future__ import annotations

from harness.measure.drain import DrainPolicy, backlog
from harness.measure.meters import Gauge
from harness.measure.observation import Observation


def seen(at_s: float, records: float, invocations: float = 0, deliveries: float = 0) -> Observation:
    gauges = [
        Gauge("lambda", "consumer", "backlog_records", records),
        Gauge("lambda", "archiver", "async_backlog", invocations),
        Gauge("sns", "device_events", "pending_deliveries", deliveries),
        Gauge("dynamodb", "devices", "item_count", 99),
    ]
    return Observation(at_s=at_s, usage=[], gauges=gauges)


def decisions(*backlogs: tuple[float, float], limit_s: float = 100) -> list[str]:
    policy = DrainPolicy(limit_s, started_s=0.0)
    return [policy.decide(seen(float(t), *pair)) for t, pair in enumerate(backlogs)]


def test_backlog_counts_records_invocations_and_deliveries_and_nothing_else() -> None:
    assert backlog(seen(0, 3, 2, 4)) == 9


def test_two_empty_looks_in_a_row_are_asked_for() -> None:
    assert decisions((5, 0), (0, 0), (0, 1), (0, 0), (0, 0)) == ["wait", "wait", "wait", "wait", "drained"]


def test_it_gives_up_at_the_limit_and_not_before() -> None:
    assert decisions((5, 0), (5, 0), (5, 0), limit_s=2) == ["wait", "wait", "gave_up"]


def test_empty_at_the_limit_is_drained() -> None:
    assert decisions((0, 0), (0, 0), limit_s=1) == ["wait", "drained"]
