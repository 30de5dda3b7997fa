from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.aws.limits.dynamodb_capacity import (
    OnDemandThroughput,
    OwingBucket,
    PartitionCaps,
    ProvisionedThroughput,
    partitions_for,
    read_units,
    write_units,
)


@pytest.mark.parametrize(
    ("size", "writes", "consistent", "eventual"),
    [
        (0, 1, 1, 0.5),
        (1, 1, 1, 0.5),
        (1024, 1, 1, 0.5),
        (1025, 2, 1, 0.5),
        (4096, 4, 1, 0.5),
        (4097, 5, 2, 1.0),
    ],
)
def test_units_round_each_item_up(size: int, writes: int, consistent: float, eventual: float) -> None:
    assert write_units(size) == writes
    assert read_units(size, consistent=True) == consistent
    assert read_units(size, consistent=False) == eventual


def granted(throughput: OnDemandThroughput | ProvisionedThroughput, now_s: float, most: int) -> int:
    """How many single units it gives out at once."""
    count = 0
    while count < most and throughput.take(now_s, 1) == 0.0:
        count += 1
    return count


def test_provisioned_keeps_300_seconds_of_burst() -> None:
    throughput = ProvisionedThroughput(10, 0.0)
    assert granted(throughput, 0.0, 10_000) == 3000
    assert granted(throughput, 1.0, 10_000) == 10
    assert granted(throughput, 1001.0, 10_000) == 3000


def test_on_demand_starts_at_its_initial_rate() -> None:
    throughput = OnDemandThroughput(100, 1000, 0.0)
    assert granted(throughput, 0.0, 10_000) == 100
    assert granted(throughput, 0.5, 10_000) == 50


def test_on_demand_doubles_its_peak_after_half_an_hour_up_to_the_quota() -> None:
    throughput = OnDemandThroughput(100, 500, 0.0)

    def drive(start_s: float, seconds: int, per_s: int) -> None:
        for second in range(seconds):
            throughput.take(start_s + second, per_s)

    drive(0, 120, 90)  # a minute and more at 90/s: twice that is 180/s, half an hour later
    throughput.take(600, 1)
    assert throughput.rate_per_s == 100
    throughput.take(1900, 1)
    assert throughput.rate_per_s == 180
    drive(2000, 120, 180)
    throughput.take(2200, 1)
    assert throughput.rate_per_s == 180
    throughput.take(4000, 1)
    assert throughput.rate_per_s == 360
    drive(4100, 120, 360)
    throughput.take(4300, 1)
    throughput.take(6200, 1)
    assert throughput.rate_per_s == 500


def test_a_request_above_the_burst_is_granted_and_owed() -> None:
    bucket = OwingBucket(10, 10)
    assert bucket.take_or_owe(0.0, 25) == 0.0
    assert bucket.take_or_owe(1.0, 1) > 0.0
    assert bucket.take_or_owe(1.5, 1) > 0.0
    assert bucket.take_or_owe(1.7, 1) == 0.0


def test_a_hot_key_range_does_not_slow_the_others() -> None:
    caps = PartitionCaps(5, 4)
    assert [caps.take(0.0, 2, 1) > 0 for _ in range(6)] == [False] * 5 + [True]
    assert caps.take(0.0, 3, 1) == 0.0
    assert caps.take(0.2, 2, 1) == 0.0


def test_no_limit_is_no_limit() -> None:
    assert PartitionCaps(math.inf, 1).take(0.0, 0, 1e9) == 0.0
    assert OnDemandThroughput(math.inf, math.inf, 0.0).take(0.0, 1e12) == 0.0


@pytest.mark.parametrize(
    ("read", "write", "partitions"),
    [(12_000, 4_000, 4), (40_000, 40_000, 40), (1, 1, 1), (9_000, 10, 3), (math.inf, math.inf, 4)],
)
def test_partitions_follow_the_throughput(read: float, write: float, partitions: int) -> None:
    assert partitions_for(read, write, 3_000, 1_000) == partitions


@given(st.lists(st.tuples(st.floats(0, 5), st.floats(0.5, 30)), max_size=60))
def test_what_is_given_out_never_exceeds_rate_and_burst(steps: list[tuple[float, float]]) -> None:
    bucket, now_s, total = OwingBucket(10, 20), 0.0, 0.0
    for wait_s, tokens in steps:
        now_s += wait_s
        if bucket.take_or_owe(now_s, tokens) == 0.0:
            total += tokens
            assert total <= 20 + 10 * now_s + 30 + 1e-6  # one request at most is owed
