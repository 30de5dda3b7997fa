"""When a pipeline counts as empty."""

from __future__ import annotations

from harness.measure.drain import DrainPolicy, EvidencePolicy, Shown, backlog
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


def test_a_backlog_that_nobody_shows_is_not_zero() -> None:
    look = seen(0, 0)
    look.unseen = {"backlog": "no gauge"}
    assert backlog(look) is None


def by_evidence(*shown: tuple[float, int, int], limit_s: float = 100) -> list[str]:
    policy = EvidencePolicy(limit_s, started_s=0.0, settled_s=5, still_s=30)
    return [policy.decide(Shown(*each)) for each in shown]


def test_it_is_empty_when_every_event_has_an_end_and_nothing_changes() -> None:
    looks = (1, 9, 2), (2, 0, 4), (6, 0, 4), (7, 0, 4)
    assert by_evidence(*looks) == ["wait", "wait", "wait", "drained"]


def test_what_still_happens_keeps_it_from_being_empty() -> None:
    looks = (1, 0, 1), (5, 0, 2), (9, 0, 3), (14, 0, 3)
    assert by_evidence(*looks) == ["wait", "wait", "wait", "drained"]


def test_a_first_look_at_an_empty_one_counts_from_the_end_of_the_load() -> None:
    assert by_evidence((5, 0, 3)) == ["drained"]


def test_events_that_have_no_end_are_not_waited_for_when_nothing_changes() -> None:
    assert by_evidence((1, 7, 2), (30, 7, 2), (31, 7, 2)) == ["wait", "wait", "gave_up"]


def test_a_change_begins_the_wait_again() -> None:
    assert by_evidence((1, 7, 2), (30, 6, 2), (59, 6, 2), (60, 6, 2)) == ["wait", "wait", "wait", "gave_up"]


def test_the_limit_ends_it_even_while_it_changes() -> None:
    assert by_evidence((1, 7, 2), (20, 6, 3), limit_s=20) == ["wait", "gave_up"]
    assert by_evidence((1, 7, 2), (20, 0, 3), limit_s=20) == ["wait", "drained"]


def test_it_says_when_it_was_empty_without_the_wait_that_showed_it() -> None:
    policy = EvidencePolicy(100, started_s=0.0, settled_s=5, still_s=30)
    for each in ((1.0, 9, 2), (2.5, 0, 4), (8.0, 0, 4)):
        policy.decide(Shown(*each))
    assert policy.changed_s == 2.5
