from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.load.events import Arrival
from harness.load.executor import REQUEST_TIMEOUT_S, Flight
from harness.load.retry import RetryPolicy
from harness.measure.acceptance import ACCEPTED, FAILED, INDETERMINATE, NOT_SENT, THROTTLED
from tests.load.simulation import Said, Simulation, Way, arrival

OK = Said()


def codes(simulation: Simulation) -> list[int]:
    return simulation.recorder.tally.by_ordinal.tolist()


def only(simulation: Simulation, what: str) -> float:
    (histogram,) = simulation.recorder.tally.durations[what].values()
    assert histogram.count == 1
    assert histogram.max_ms is not None
    return histogram.max_ms


def scripted(*said: Said | None):
    """Each attempt of a request gets the next of these."""
    return lambda flight: said[flight.attempts - 1]


def test_the_loop_is_open() -> None:
    slow = Simulation([arrival(n, n * 0.1) for n in range(5)], lambda _: Said(after_s=10.0)).run()
    assert [(at, what) for at, what, _ in slow.trace] == [(n / 10, "send") for n in range(5)]
    assert slow.requests["accepted"] == 5


def test_beyond_the_cap_arrivals_are_dropped_and_counted() -> None:
    simulation = Simulation(
        [arrival(n, n * 0.1) for n in range(6)], lambda _: Said(after_s=0.25), cap=2
    ).run()
    assert [at for at, _, _ in simulation.trace] == [0.0, 0.1, 0.3, 0.4]
    assert simulation.requests["planned"] == 6
    assert simulation.requests["sent"] == 4
    assert simulation.requests["dropped"] == 2
    assert codes(simulation) == [ACCEPTED, ACCEPTED, NOT_SENT, ACCEPTED, ACCEPTED, NOT_SENT]
    assert simulation.recorder.tally.lateness.max_ms == 0.0


def test_latency_runs_from_the_planned_start_and_service_time_from_the_actual_one() -> None:
    simulation = Simulation([arrival(0, 0.0)], lambda _: Said(after_s=0.2))
    simulation.now_s = 0.05  # the loop comes round late
    simulation.run()
    assert only(simulation, "latency_ms") == pytest.approx(250, rel=0.01)
    assert only(simulation, "service_time_ms") == pytest.approx(200, rel=0.01)
    assert simulation.recorder.tally.lateness.max_ms == pytest.approx(50)
    assert simulation.recorder.tally.late == 1


def test_a_throttled_request_backs_off_and_keeps_its_event_id() -> None:
    simulation = Simulation([arrival(0, 0.0)], scripted(Said(429), Said(503), OK)).run()
    assert simulation.trace == [
        (0.0, "send", '["run-0"]'),
        (0.26, "send", '["run-0"]'),
        (0.77, "send", '["run-0"]'),
    ]
    assert simulation.requests["retries"] == 2
    assert codes(simulation) == [ACCEPTED]
    assert only(simulation, "latency_ms") == pytest.approx(780, rel=0.01)
    assert only(simulation, "service_time_ms") == pytest.approx(10, rel=0.01)


def test_retry_after_is_waited_for() -> None:
    simulation = Simulation([arrival(0, 0.0)], scripted(Said(429, retry_after_s=5.0), OK)).run()
    assert [at for at, _, _ in simulation.trace] == [0.0, 5.01]


def test_a_request_that_is_refused_for_good_is_not_retried() -> None:
    simulation = Simulation([arrival(0, 0.0)], lambda _: Said(400)).run()
    assert len(simulation.trace) == 1
    assert codes(simulation) == [FAILED]
    assert simulation.requests["failed"] == 1
    assert not simulation.recorder.tally.durations["latency_ms"]


def test_attempts_are_bounded() -> None:
    simulation = Simulation([arrival(0, 0.0)], lambda _: Said(429)).run()
    assert len(simulation.trace) == RetryPolicy().max_attempts
    assert codes(simulation) == [THROTTLED]


def test_a_partial_batch_retries_only_what_was_refused() -> None:
    first = Said(200, body=b'["accepted","throttled","accepted","failed"]')
    second = Said(200, body=b'["accepted","failed"]')
    last = Said(200, body=b'["throttled"]')
    simulation = Simulation(
        [arrival(0, 0.0, events=4)],
        scripted(first, second, last, last),
        ways=[Way(max_events=10)],
        chance=lambda _ordinal, _attempt: 0.0,
    ).run()
    bodies = [body for _, _, body in simulation.trace]
    assert bodies == ['["run-0","run-1","run-2","run-3"]', '["run-1","run-3"]', '["run-3"]', '["run-3"]']
    assert codes(simulation) == [ACCEPTED, ACCEPTED, ACCEPTED, THROTTLED]
    assert simulation.requests["throttled"] == 1
    assert simulation.recorder.tally.events() == {"sent": 4, "accepted": 3}


def test_a_batch_goes_in_as_many_requests_as_the_entrance_needs() -> None:
    simulation = Simulation([arrival(0, 0.0, events=5)], lambda _: OK, ways=[Way(max_events=2)]).run()
    assert [body for _, _, body in simulation.trace] == [
        '["run-0","run-1"]',
        '["run-2","run-3"]',
        '["run-4"]',
    ]
    assert simulation.requests["planned"] == 3
    assert codes(simulation) == [ACCEPTED] * 5


def test_what_was_sent_and_never_answered_is_indeterminate() -> None:
    simulation = Simulation([arrival(0, 0.0)], lambda _: None).run()
    assert simulation.trace == [(0.0, "send", '["run-0"]'), (REQUEST_TIMEOUT_S, "abandon", '["run-0"]')]
    assert codes(simulation) == [INDETERMINATE]
    assert simulation.requests["indeterminate"] == 1


@pytest.mark.parametrize(
    ("last", "code"), [(Said(429), INDETERMINATE), (Said(400), INDETERMINATE), (OK, ACCEPTED)]
)
def test_a_doubtful_attempt_stays_in_doubt_unless_a_later_one_is_accepted(last: Said, code: int) -> None:
    simulation = Simulation([arrival(0, 0.0)], scripted(Said(None), last, last, last)).run()
    assert codes(simulation) == [code]


def test_a_connection_that_was_refused_is_a_failure_without_doubt() -> None:
    simulation = Simulation([arrival(0, 0.0)], lambda _: Said(None, sent=False)).run()
    assert len(simulation.trace) == RetryPolicy().max_attempts
    assert codes(simulation) == [FAILED]


def test_a_device_that_hangs_up_does_not_try_again() -> None:
    simulation = Simulation([arrival(0, 0.0, unanswered=True)], lambda _: Said(None)).run()
    assert len(simulation.trace) == 1
    assert codes(simulation) == [INDETERMINATE]


def test_an_accepted_event_is_sent_again_where_the_scenario_says_so() -> None:
    simulation = Simulation([arrival(0, 0.0, resent=True)], scripted(OK, Said(500))).run()
    assert [at for at, _, _ in simulation.trace] == [0.0, 1.01]
    assert codes(simulation) == [ACCEPTED]
    assert simulation.requests["retries"] == 1
    assert simulation.requests["sent"] == simulation.requests["accepted"] == 1


def test_a_retry_waits_for_room_and_for_arrivals_that_are_due() -> None:
    def answers(flight: Flight) -> Said:
        return Said(429) if flight.events[0].ordinal == 0 and flight.attempts == 1 else Said(after_s=1.0)

    simulation = Simulation([arrival(0, 0.0), arrival(1, 0.1), arrival(2, 2.0)], answers, cap=1).run()
    assert [(at, body) for at, _, body in simulation.trace] == [
        (0.0, '["run-0"]'),
        (0.1, '["run-1"]'),
        (1.1, '["run-0"]'),
    ]
    assert codes(simulation) == [ACCEPTED, ACCEPTED, NOT_SENT]


def test_closing_ends_everything_as_it_stands() -> None:
    def answers(flight: Flight) -> Said | None:
        return {0: Said(200), 1: Said(429), 2: None, 3: Said(200)}[flight.events[0].ordinal]

    arrivals = [arrival(0, 0.0, resent=True), arrival(1, 0.0), arrival(2, 0.0), arrival(3, 9.0)]
    simulation = Simulation(arrivals, answers, chance=lambda _ordinal, _attempt: 0.99).run(until_s=0.1)
    assert codes(simulation) == [ACCEPTED, THROTTLED, INDETERMINATE]
    assert simulation.executor.in_flight == 0
    assert simulation.requests["planned"] == simulation.requests["sent"] == 3


@st.composite
def behaviours(draw: st.DrawFn) -> tuple[list[Arrival], int, int]:
    gaps = draw(st.lists(st.floats(min_value=0, max_value=3), max_size=40))
    arrivals, ordinal = [], 0
    for at_s in np.cumsum(gaps).tolist():
        events = draw(st.integers(min_value=1, max_value=4))
        flags = draw(st.sampled_from([{}, {"resent": True}, {"unanswered": True}]))
        arrivals.append(arrival(ordinal, at_s, events, **flags))
        ordinal += events
    return (
        arrivals,
        draw(st.integers(min_value=1, max_value=8)),
        draw(st.integers(min_value=0, max_value=10**6)),
    )


def anything(flight: Flight, seed: int) -> Said | None:
    """Every behaviour of a system, decided by the request and the attempt alone."""
    dice = random.Random(f"{seed}/{flight.events[0].ordinal}/{flight.attempts}")
    after_s = dice.choice([0.001, 0.5, 4.0])
    words = [dice.choice(["accepted", "throttled", "failed"]) for _ in flight.pending]
    mixed = ('["' + '","'.join(words) + '"]').encode()
    return dice.choice(
        [
            None,
            Said(None),
            Said(None, sent=False),
            Said(429, after_s),
            Said(500),
            Said(400),
            Said(after_s=after_s),
        ]
        + [Said(200, after_s, mixed)] * 3
    )


@given(behaviours(), st.one_of(st.just(1e9), st.floats(min_value=0, max_value=60)))
def test_the_identities_hold_whatever_the_system_does(
    behaviour: tuple[list[Arrival], int, int], until_s: float
) -> None:
    arrivals, cap, seed = behaviour
    simulation = Simulation(
        arrivals, lambda flight: anything(flight, seed), ways=[Way(max_events=3)], cap=cap
    )
    peak = 0
    send = simulation.send

    def watched(flight: Flight) -> None:
        nonlocal peak
        peak = max(peak, simulation.executor.in_flight)
        send(flight)

    simulation.send = watched  # type: ignore[method-assign]
    simulation.run(until_s)
    counts, tally = simulation.requests, simulation.recorder.tally
    assert counts["planned"] == counts["sent"] + counts["dropped"]
    ended = ("accepted", "throttled", "failed", "indeterminate")
    assert counts["sent"] == sum(counts[name] for name in ended)
    assert peak <= cap
    assert simulation.executor.in_flight == 0
    assert tally.lateness.count == counts["sent"]
    recorded = {what: sum(h.count for h in by.values()) for what, by in tally.durations.items()}
    assert recorded["latency_ms"] == recorded["service_time_ms"] == counts["accepted"]
    assert recorded["failed_latency_ms"] == counts["sent"] - counts["accepted"]
    for name in counts:
        assert counts[name] == sum(second.counts[name] for second in simulation.seconds)
    events = tally.events()
    assert events["accepted"] == sum(second.counts["events_accepted"] for second in simulation.seconds)
    assert events["sent"] == sum(second.counts["events_sent"] for second in simulation.seconds)
    assert events["accepted"] == sum(kind["accepted"] for kind in tally.kinds.values())
    if until_s == 1e9:
        assert tally.events_planned == sum(len(each.events) for each in arrivals)
