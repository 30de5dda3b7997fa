"""Objectives as a person writes them: every text that is printed reads back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import UsageError
from harness.objectives import Objective, Objectives


@pytest.mark.parametrize(
    ("text", "metric", "comparison", "limit"),
    [
        ("latency.p99<250ms", "latency.p99", "<", 250.0),
        ("latency.p99 <= 2s", "latency.p99", "<=", 2000.0),
        ("latency[POST /v1/devices].p99<250ms", "latency[POST /v1/devices].p99", "<", 250.0),
        ("latency[ANY /{proxy+}].max<1s", "latency[ANY /{proxy+}].max", "<", 1000.0),
        ("throughput.achieved_share>=99%", "throughput.achieved_share", ">=", 0.99),
        ("throughput.achieved_per_s>=2s", "throughput.achieved_per_s", ">=", 2000.0),
        ("drain.s<60s", "drain.s", "<", 60.0),
        ("drain.s<500ms", "drain.s", "<", 0.5),
        ("drain.s<60", "drain.s", "<", 60.0),
        ("iterator_age.peak_ms<5s", "iterator_age.peak_ms", "<", 5000.0),
        ("cost.total<$5", "cost.total", "<", 5.0),
        ("cost.total<5.25USD", "cost.total", "<", 5.25),
        ("ledger.missing==0", "ledger.missing", "==", 0.0),
        ("backlog.growing<1e-3", "backlog.growing", "<", 0.001),
    ],
)
def test_what_is_written_is_read(text: str, metric: str, comparison: str, limit: float) -> None:
    found = Objective.parse(text)
    assert (found.metric, found.comparison) == (metric, comparison)
    assert found.limit == pytest.approx(limit)


@pytest.mark.parametrize("text", ["", "latency.p99", "<5", "latency.p99<fast", "latency.p99=5", "9lives<1"])
def test_what_is_no_objective_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is not an objective"):
        Objective.parse(text)


@given(
    st.sampled_from(["latency.p99", "drain.s", "latency[GET /v1/{id}].p50", "cost.total"]),
    st.sampled_from(["<", "<=", ">", ">=", "=="]),
    st.floats(0, 1e15),
)
def test_what_is_printed_reads_back(metric: str, comparison: str, limit: float) -> None:
    objective = Objective(metric, comparison, limit)
    assert Objective.parse(str(objective)) == objective


def test_a_later_objective_takes_the_place_of_one_with_the_same_metric() -> None:
    base = Objectives.of("latency.p99<250ms", "ledger.missing==0")
    found = base.overridden_by([Objective.parse("latency.p99<1s"), Objective.parse("cost.total<$1")])
    assert [str(one) for one in found] == ["latency.p99<1000", "ledger.missing==0", "cost.total<1"]


@pytest.mark.parametrize(
    ("comparison", "met"), [("<", False), ("<=", True), (">", False), (">=", True), ("==", True)]
)
def test_a_limit_that_is_reached(comparison: str, met: bool) -> None:
    assert Objective("drain.s", comparison, 5.0).met(5.0) is met
