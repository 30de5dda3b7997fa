from __future__ import annotations

import math

import pytest

from harness.aws.limits.kinesis_scaling import Intake, OnDemandScaling, scaling_under


def splits(scaling: OnDemandScaling, bytes_per_s: float, records_per_s: float, until_s: int) -> list[int]:
    """The seconds at which shard 7 is to be split, under a steady inflow, looked at every second."""
    return [
        now_s
        for now_s in range(until_s)
        if scaling.observe(now_s, {7: Intake(int(bytes_per_s * now_s), int(records_per_s * now_s))})
    ]


@pytest.mark.parametrize(
    ("bytes_per_s", "records_per_s", "first"),
    [(500_000, 500, None), (500_100, 0, 900), (0, 501, 900), (1_048_576, 1000, 900)],
)
def test_a_shard_is_split_after_fifteen_hot_minutes(
    bytes_per_s: float, records_per_s: float, first: int | None
) -> None:
    seen = splits(OnDemandScaling(), bytes_per_s, records_per_s, 1_000)
    assert (seen[0] if seen else None) == first


def test_a_minute_without_traffic_starts_it_over() -> None:
    scaling = OnDemandScaling()
    total = 0
    for now_s in range(1_500):
        total += 0 if 600 <= now_s < 720 else 1_000_000
        due = scaling.observe(now_s, {0: Intake(total, 0)})
        assert not due or now_s >= 720 + 900 - 120
    assert scaling.observe(1_620, {0: Intake(total + 120_000_000, 0)}) == [0]


def test_shards_are_told_apart_and_given_in_order() -> None:
    scaling = OnDemandScaling()
    for now_s in range(0, 961, 60):
        intakes = {n: Intake(now_s * 600_000 * (n != 2), 0) for n in (3, 1, 2)}
        due = scaling.observe(now_s, intakes)
    assert due == [1, 3]


def test_a_closed_shard_is_forgotten() -> None:
    scaling = OnDemandScaling()
    for now_s in range(0, 840, 60):
        scaling.observe(now_s, {0: Intake(now_s * 600_000, 0)})
    scaling.observe(840, {})
    assert scaling.observe(960, {0: Intake(960 * 600_000, 0)}) == []


def test_smaller_shards_are_hot_earlier() -> None:
    assert splits(scaling_under(1_048_576 / 20), 26_000, 0, 901) == [900]
    assert splits(scaling_under(1_048_576 / 20), 24_000, 0, 901) == []


def test_shards_without_limits_are_never_split() -> None:
    assert splits(scaling_under(math.inf), 1e12, 1e9, 1_000) == []
