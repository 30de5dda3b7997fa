"""Calls carry no event: they are planned, sent and timed like others, and the ledger never sees them."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from harness.errors import UsageError
from harness.load.arrivals import Arrivals
from harness.load.chunk import FIRST_CALL_CODE
from harness.load.events import Arrival, EventBuilder, events_of
from harness.load.recorder import Recorder
from harness.load.routes import Routes
from harness.load.tally import Tally
from harness.measure.acceptance import ACCEPTED, FAILED
from harness.scenario import (
    LOCATION,
    LOCATION_FLUSH,
    Calls,
    City,
    Constant,
    Population,
    Scenario,
    Stages,
    Traffic,
)

MIX = ((LOCATION, 0.9), (LOCATION_FLUSH, 0.1))
CALLS = (Calls("get_device", Constant(30.0)), Calls("list_devices", Stages(((5.0, 20.0), (5.0, 20.0)))))


def scenario(*calls: Calls) -> Scenario:
    return Scenario(
        name="polled",
        summary="",
        traffic=Traffic(Constant(50.0, MIX, cadence_s=2.0, flush_events=5), calls=calls),
        population=Population(accounts=5, devices=200, cities=(City("A", 40.0, -74.0, utc_offset_h=-5),)),
        duration_s=10.0,
    )


def arrivals_of(planned: Scenario, k: int = 0, n: int = 1) -> list[Arrival]:
    arrivals = Arrivals(planned)
    builder = EventBuilder(planned, arrivals.devices, "run", 0.0)
    return [arrival for chunk in arrivals for arrival in builder.arrivals(chunk.of_worker(k, n))]


def calls_in(arrivals: list[Arrival]) -> list[Arrival]:
    return [arrival for arrival in arrivals if arrival.events[0].ordinal < 0]


def test_calls_come_at_their_rate_and_ask_for_devices_that_are_tracked() -> None:
    arrivals = arrivals_of(scenario(*CALLS))
    calls = calls_in(arrivals)
    by_kind = Counter(call.events[0].kind for call in calls)
    assert by_kind["get_device"] == pytest.approx(300, abs=4 * 300**0.5)
    assert by_kind["list_devices"] == pytest.approx(150, abs=4 * 150**0.5)
    tracked = {event.device_id for arrival in arrivals for event in arrival.events if event.ordinal >= 0}
    asked = {call.events[0].device_id for call in calls}
    assert len(asked & tracked) > len(asked) * 0.8


def test_a_call_carries_nothing_and_has_an_id_of_its_own() -> None:
    calls = calls_in(arrivals_of(scenario(*CALLS)))
    assert all(len(call.events) == 1 and call.events[0].fields == {} for call in calls)
    assert len({call.events[0].ordinal for call in calls}) == len(calls)


def test_the_events_beside_calls_keep_their_ordinals_without_a_gap() -> None:
    planned = scenario(*CALLS)
    events = list(events_of(planned, planned.seed, "run"))
    assert [event.ordinal for event in events] == list(range(len(events)))
    assert {event.kind for event in events} == {"location"}


def test_chunks_count_no_events_for_calls() -> None:
    for chunk in Arrivals(scenario(*CALLS)):
        calls = chunk.stream >= FIRST_CALL_CODE
        assert not chunk.events[calls].any()
        assert (chunk.events[~calls] > 0).all()
        assert (np.diff(chunk.ordinal) >= 0).all()


def test_workers_share_calls_like_any_arrival() -> None:
    planned = scenario(*CALLS)
    alone = Counter(arrival.events[0].event_id for arrival in arrivals_of(planned))
    together = Counter(arrival.events[0].event_id for k in range(3) for arrival in arrivals_of(planned, k, 3))
    assert alone == together


def test_a_scenario_counts_calls_as_requests_and_not_as_events() -> None:
    without, with_calls = scenario(), scenario(*CALLS)
    assert with_calls.expected_events() == pytest.approx(without.expected_events())
    assert sum(with_calls.expected_requests().values()) == pytest.approx(500 + 300 + 150, rel=0.01)
    assert with_calls.peak_events_per_s == pytest.approx(without.peak_events_per_s)
    assert with_calls.peak_per_s == pytest.approx(50 + 30 + 20, rel=0.01)


def test_scaling_a_scenario_scales_its_calls() -> None:
    planned = scenario(*CALLS).with_peak(200.0)
    assert planned.expected_requests()["get_device"] == pytest.approx(600, rel=0.01)


def test_the_recorder_times_calls_and_keeps_them_out_of_the_ledger() -> None:
    recorder = Recorder(devices=200)
    first, second = calls_in(arrivals_of(scenario(*CALLS)))[:2]
    for call, code in ((first, ACCEPTED), (second, FAILED)):
        recorder.sent(call.device, call.events, 0.001)
        recorder.ended("GET /v1/devices", call.events, [code], 0.05, 0.04)
    row = recorder.close_second(0)
    tally = recorder.tally
    assert (row.counts["sent"], row.counts["accepted"], row.counts["failed"]) == (2, 1, 1)
    assert (row.counts["events_sent"], row.counts["events_accepted"]) == (0, 0)
    assert (row.counts["calls_sent"], row.counts["calls_accepted"]) == (2, 1)
    assert (tally.events_planned, tally.devices, tally.kinds) == (0, 0, {})
    assert sum(counts["sent"] for counts in tally.calls.values()) == 2
    assert sum(counts["accepted"] for counts in tally.calls.values()) == 1
    assert tally.durations["latency_ms"]["GET /v1/devices"].count == 1
    again = Tally.from_message(tally.to_message())
    again.merge(tally)
    assert sum(counts["sent"] for counts in again.calls.values()) == 4


def test_a_dropped_call_is_a_planned_request_and_nothing_more() -> None:
    recorder = Recorder(devices=200)
    call = calls_in(arrivals_of(scenario(*CALLS)))[0]
    recorder.dropped(call.events)
    row = recorder.close_second(0)
    assert (row.counts["planned"], row.counts["dropped"]) == (1, 1)
    assert recorder.tally.events_planned == 0


def test_a_call_that_no_entrance_takes_is_said_before_the_run() -> None:
    with pytest.raises(UsageError, match="get_device"):
        Routes([]).check(replace(scenario(CALLS[0])))


@pytest.mark.parametrize("kind", ["", LOCATION])
def test_a_call_has_a_name_of_its_own(kind: str) -> None:
    with pytest.raises(UsageError, match="kind of call"):
        Calls(kind, Constant(1.0))


def test_a_kind_of_call_stands_once() -> None:
    with pytest.raises(UsageError, match="once"):
        scenario(CALLS[0], CALLS[0])
