"""The latency table and the two models on it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.aws.latencies.duration import billed_ms, init_ms, round_up, vcpu_share
from harness.aws.latencies.route import route_latency
from harness.aws.latencies.table import Latency, call_latencies, cold_start, known_runtimes


def test_every_latency_says_where_it_comes_from() -> None:
    for call, latency in call_latencies().items():
        assert latency.source, call
        assert latency.confidence in ("measured", "documented", "assumed"), call
        assert 0 < latency.p50_ms < latency.p99_ms, call


def test_the_distribution_goes_through_its_percentiles() -> None:
    latency = Latency(12.0, 40.0, "assumed", "")
    drawn = np.random.default_rng(1).lognormal(np.log(latency.p50_ms), latency.sigma, 400_000)
    p50, p99 = np.quantile(drawn, (0.5, 0.99))
    assert p50 == pytest.approx(12.0, rel=0.02)
    assert p99 == pytest.approx(40.0, rel=0.02)
    assert drawn.mean() == pytest.approx(latency.mean_ms, rel=0.02)


def test_cold_starts_by_the_nearest_memory_that_was_measured() -> None:
    assert "python3.13" in known_runtimes()
    small, large = cold_start("python3.13", "arm64", 128), cold_start("python3.13", "arm64", 10_240)
    assert small is not None
    assert large is not None
    assert 60 < small.p50_ms < 120
    assert large == cold_start("python3.13", "arm64", 1024)
    assert cold_start("cobol", "arm64", 128) is None


def test_one_step_alone_is_its_own_latency() -> None:
    latency = route_latency(["apigateway:rest"])
    assert latency.p50_ms == pytest.approx(12.0, rel=0.02)
    assert latency.p99_ms == pytest.approx(40.0, rel=0.03)


def test_the_percentile_of_a_sum_is_below_the_sum_of_percentiles() -> None:
    gateway, put = call_latencies()["apigateway:rest"], call_latencies()["kinesis:PutRecord"]
    both = route_latency(["apigateway:rest", "kinesis:PutRecord"])
    assert max(gateway.p99_ms, put.p99_ms) < both.p99_ms < gateway.p99_ms + put.p99_ms
    assert both.p50_ms > gateway.p50_ms + put.p50_ms * 0.9
    assert both == route_latency(["apigateway:rest", "kinesis:PutRecord"])


def test_a_step_that_is_not_in_the_table() -> None:
    with pytest.raises(KeyError):
        route_latency(["apigateway:telepathy"])
    with pytest.raises(ValueError, match="at least one step"):
        route_latency([])


def test_the_share_of_a_vcpu_ends_at_one() -> None:
    assert vcpu_share([128, 1769, 10_240]).tolist() == pytest.approx([128 / 1769, 1.0, 1.0])


def column(*values: float) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return np.array(values)


def test_each_invocation_is_rounded_up_and_never_the_mean() -> None:
    many = np.full(1000, 0.2)
    assert billed_ms(np.zeros(1000), many, 1769, np.zeros(1000)).sum() == 1000


def test_the_model_by_hand() -> None:
    # 17.69 ms of CPU at a tenth of a vCPU is 176.9 ms; with 20 ms of calls, and a start of 100 ms.
    billed = billed_ms(column(0, 100), column(17.69, 17.69), 176.9, column(20, 20))
    assert billed.tolist() == [197, 297]


def test_a_start_takes_what_an_empty_function_takes_or_its_cpu_time() -> None:
    empty = cold_start("python3.13", "arm64", 512)
    assert empty is not None
    started = init_ms("python3.13", "arm64", 512, column(np.nan, 1.0, 5000.0))
    assert started.tolist() == [0.0, empty.mean_ms, 5000.0]
    assert init_ms("", "arm64", 512, column(np.nan, 1.0)).tolist() == [0.0, 1.0]


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=50))
def test_rounding_up_never_bills_less_nor_a_millisecond_more(durations: list[float]) -> None:
    rounded = round_up(np.array(durations))
    for duration, billed in zip(durations, rounded.tolist(), strict=True):
        assert billed >= 1
        assert duration - 1e-6 <= billed <= max(1.0, duration + 1)


def test_a_hair_above_a_whole_number_is_that_number() -> None:
    assert round_up(column(0.1 + 0.2 + 99.7)).tolist() == [100]
