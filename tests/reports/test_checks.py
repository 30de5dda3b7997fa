"""The metrics of a run, and objectives held against them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from harness.errors import UsageError
from harness.measure.deliveries import Assigned, Deliveries, EventColumns, reconcile_deliveries
from harness.measure.receipts import DTYPE
from harness.measure.run_folder import RunFolder
from harness.objectives import Objective
from reports.checks import latency
from reports.checks.catalogue import check_objectives, judge, known_metrics, read_metrics
from reports.checks.measured import Measured, read
from reports.checks.metrics import Readings

DEVICES, LOCATIONS = "POST /v1/devices", "POST /v1/locations"
ROUTES = [DEVICES, LOCATIONS]
MakeRun = Callable[..., RunFolder]


@pytest.fixture
def measured(make_run: MakeRun) -> Measured:
    return read(make_run())


@pytest.fixture
def readings(measured: Measured) -> Readings:
    return read_metrics(replace(measured, deliveries=watched()), ROUTES)


def watched() -> Deliveries:
    """One account with two events, told of by a webhook, and half by a subscription."""
    events = EventColumns(np.zeros(2, np.int64), np.zeros(2, np.int32), np.zeros(2, np.uint8), ("location",))
    watchers = [
        Assigned(0, "webhook", 0, None, "healthy", frozenset({"location"})),
        Assigned(1, "subscription", 0, None, "healthy", frozenset({"location"})),
    ]
    receipts = np.array([(0, 0, 2.0, 1.0), (1, 0, 2.5, 1.0), (1, 1, 1.25, 1.0)], dtype=DTYPE)
    return reconcile_deliveries(events, np.ones(2, np.bool_), watchers, receipts, [])


def test_every_metric_is_read_and_every_reading_is_a_metric(readings: Readings) -> None:
    assert set(readings) == set(known_metrics(ROUTES))
    assert {name for name, reading in readings.items() if reading.value is None} == set()


def test_every_unknown_reading_has_a_reason(make_run: MakeRun) -> None:
    empty = replace(
        read(make_run({"region": "mars-1"})),
        load=None,
        ledger=None,
        deliveries=None,
        usage=None,
        bill=None,
        load_window_s=None,
    )
    found = read_metrics(empty, ROUTES)
    assert set(found) == set(known_metrics(ROUTES))
    for name, reading in found.items():
        assert (reading.value is None) == bool(reading.reason), name


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("throughput.planned_per_s", 16.8),
        ("throughput.achieved_share", 15.8 / 16.8),
        ("errors.share", 0.01),
        ("throttles.count", 40),
        ("deliveries.webhook.missing", 0),
        ("deliveries.subscription.missing", 1),
        ("deliveries.subscription.healthy_undelivered", 1),
        ("deliveries.subscription.misdirected", 0),
        ("stages.accepted_to_webhook.p99", 1500.0),
        ("stages.accepted_to_subscriber.p99", 250.0),
        ("requests.dropped", 10),
        ("ledger.missing", 0),
        ("ledger.dead_lettered", 1),
        ("ledger.discarded", 8),
        ("ledger.redelivered", 1),
        ("ledger.mispredicted", 0),
        ("drain.s", 8.25),
        ("backlog.peak", 120),
        ("iterator_age.peak_ms", 1200),
        ("lambda.errors", 1),
        ("lambda.throttles", 0),
    ],
)
def test_a_reading_by_hand(readings: Readings, name: str, value: float) -> None:
    assert readings[name].value == pytest.approx(value)


def test_percentiles_over_routes_are_of_the_merged_histograms(readings: Readings) -> None:
    # 600 even durations up to 100 ms and 350 up to 200 ms: 855 of 950, the 90th percentile, are below 146 ms.
    assert readings[f"latency[{DEVICES}].p90"].value == pytest.approx(90, rel=0.02)
    assert readings[f"latency[{LOCATIONS}].p90"].value == pytest.approx(180, rel=0.02)
    assert readings["latency.p90"].value == pytest.approx(146, rel=0.02)
    assert readings["latency.max"].value == pytest.approx(200)


def test_one_route_needs_no_histogram(measured: Measured) -> None:
    assert measured.load is not None
    load = {**measured.load, "latency_ms": {DEVICES: measured.load["latency_ms"][DEVICES]}, "histograms": {}}
    found = latency.readings(replace(measured, load=load), [DEVICES])
    assert found["latency.p99"] == found[f"latency[{DEVICES}].p99"]


def test_a_route_that_answered_nothing_is_not_known(measured: Measured) -> None:
    found = latency.readings(measured, [*ROUTES, "GET /quiet"])
    assert found["latency[GET /quiet].p99"].reason == "no request of GET /quiet was accepted"


def test_a_backlog_that_falls_has_a_negative_growth(readings: Readings) -> None:
    # Looks at 40, 50 and 60 s: 60, 40 and 20 records.
    assert readings["backlog.growing"].value == pytest.approx(-2.0)


def test_a_backlog_that_did_not_empty_has_no_drain(make_run: MakeRun) -> None:
    found = read_metrics(read(make_run(emptied=False)), ROUTES)
    assert found["drain.s"].reason == "the backlog was not empty after 8 s"


def test_a_cost_with_something_not_priced_is_not_known(make_run: MakeRun) -> None:
    found = read_metrics(read(make_run({"region": "mars-1"})), ROUTES)
    assert found["cost.total"].value is None
    assert "is not priced" in str(found["cost.total"].reason)


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("latency.p98<250ms", r"Did you mean 'latency\.p9"),
        ("ledger.mising==0", "Did you mean 'ledger.missing'"),
        ("latency[POST /v1/device].p99<1s", r"Did you mean 'latency\[POST /v1/devices\]\.p99'"),
        ("zzz==1", "Metrics begin with backlog, cost, deliveries, drain"),
    ],
)
def test_a_metric_that_does_not_exist_is_wrong_use(text: str, remedy: str) -> None:
    with pytest.raises(UsageError, match=remedy) as caught:
        check_objectives([Objective.parse(text)], ROUTES)
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("latency.p99<5%", "in milliseconds, not in %"),
        ("latency.p99<$5", "in milliseconds, not in USD"),
        ("ledger.missing<5ms", "in a number, not in ms"),
        ("cost.total<5/s", "in dollars, not in /s"),
        ("drain.s<5%", "in seconds, not in %"),
    ],
)
def test_a_limit_in_a_unit_of_another_kind_is_wrong_use(text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        check_objectives([Objective.parse(text)], ROUTES)


def test_objectives_are_held_against_readings(readings: Readings) -> None:
    texts = ["latency.p99<1s", "throttles.count==0", "throughput.achieved_share>=90%"]
    judged = judge([Objective.parse(text) for text in texts], readings, ROUTES, {}, valid=True)
    assert [one.met for one in judged] == [True, False, True]
    assert [one.unit for one in judged] == ["ms", "count", "share"]


def test_every_metric_says_what_it_is() -> None:
    for name, metric in known_metrics(ROUTES).items():
        assert metric.name == name
        assert len(metric.says) > 8
