"""The merged result of several workers is that of one: same seed, simulated answers."""

from __future__ import annotations

import random
from typing import Any

import msgpack
import numpy as np
import pytest

from harness.load.executor import Flight
from harness.load.merge import Merge
from harness.load.second import SecondData
from harness.load.tally import Tally
from harness.load.worker import Share, cap_of
from harness.scenario import (
    LOCATION,
    LOCATION_FLUSH,
    REGISTRATION,
    City,
    Constant,
    Population,
    Scenario,
    Traffic,
)
from tests.load.simulation import Said, Simulation, Way

SCENARIO = Scenario(
    name="test",
    summary="",
    traffic=Traffic(
        Constant(60.0, ((REGISTRATION, 0.6), (LOCATION, 0.3), (LOCATION_FLUSH, 0.1)), flush_events=4),
        flaws=(("resent", 0.1), ("unanswered", 0.1)),
    ),
    population=Population(accounts=3, devices=200, cities=(City("A", 40.0, -74.0, utc_offset_h=-5),)),
    duration_s=8.0,
    seed=7,
)


def system(flight: Flight) -> Said | None:
    dice = random.Random(f"{flight.events[0].ordinal}/{flight.attempts}")
    if flight.arrival.unanswered:
        return Said(None)
    return dice.choice(
        [Said(after_s=dice.random() / 10)] * 6 + [Said(429), Said(500), Said(400), Said(None), None]
    )


def worker(k: int, n: int) -> Simulation:
    share = Share(SCENARIO, "run", 1.7e9, cap_of(10_000, k, n), k, n)
    return Simulation(
        list(share.arrivals()),
        system,
        ways=[Way("POST /one"), Way("POST /many", max_events=50)],
        cap=share.in_flight_cap,
        chance=share.chance,
        devices=share.devices,
    ).run()


def over_the_wire(message: dict[str, Any]) -> dict[str, Any]:
    """As Locust's messages travel."""
    plain: dict[str, Any] = msgpack.loads(msgpack.dumps(message), strict_map_key=False)
    return plain


def crew(n: int) -> tuple[list[dict[str, Any]], Tally]:
    rows: list[dict[str, Any]] = []
    merge = Merge(n, SCENARIO.population.devices, 1.7e9, rows.append)
    workers = [worker(k, n) for k in range(n)]
    longest = max(len(each.seconds) for each in workers)
    for number in range(longest):
        for k, each in enumerate(workers):
            if number < len(each.seconds):
                merge.second(k, SecondData.from_message(over_the_wire(each.seconds[number].to_message())))
            elif number == len(each.seconds):
                merge.end(k, Tally.from_message(over_the_wire(each.recorder.tally.to_message())))
    for k, each in enumerate(workers):
        merge.end(k, Tally.from_message(over_the_wire(each.recorder.tally.to_message())))
    assert merge.done
    return rows, merge.tally


@pytest.mark.parametrize("n", [2, 3, 5])
def test_the_merged_result_of_workers_is_that_of_one(n: int) -> None:
    rows, tally = crew(n)
    rows_of_one, one = crew(1)
    assert tally.requests == one.requests
    assert (
        min(one.requests[name] for name in ("accepted", "throttled", "failed", "indeterminate", "retries"))
        > 0
    )
    assert np.array_equal(tally.by_ordinal, one.by_ordinal)
    assert tally.events() == one.events()
    assert tally.kinds == one.kinds
    assert tally.lateness.encode() == one.lateness.encode()
    assert tally.devices == one.devices
    for what, by_route in one.durations.items():
        assert set(tally.durations[what]) == set(by_route)
        for route, histogram in by_route.items():
            assert tally.durations[what][route].encode() == histogram.encode()
    assert rows[:-1] == rows_of_one[:-1]  # the last is not a whole second, and ends when its worker does


def test_a_second_waits_for_every_worker_that_runs() -> None:
    rows: list[dict[str, Any]] = []
    merge = Merge(2, 10, 100.0, rows.append)
    merge.second(0, SecondData(0))
    merge.second(0, SecondData(1))
    assert rows == []
    merge.second(1, SecondData(0))
    assert [row["t"] for row in rows] == [100.0]
    merge.end(1, Tally())
    assert [row["t"] for row in rows] == [100.0, 101.0]
    assert merge.running == {0}
    merge.end(0, Tally())
    merge.end(0, Tally(requests={"planned": 5}))
    assert merge.done
    assert merge.tally.requests["planned"] == 0


def test_devices_are_counted_once_over_workers_and_seconds() -> None:
    rows: list[dict[str, Any]] = []
    merge = Merge(2, 10, 0.0, rows.append)
    for number in range(2):
        for k in range(2):
            second = SecondData(number)
            second.new_devices = np.array([number, k])
            merge.second(k, second)
    assert [row["devices"] for row in rows] == [2, 2]
