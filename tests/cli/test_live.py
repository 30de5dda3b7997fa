"""The live view's figures: what nobody sees is unknown, and not 0."""

from __future__ import annotations

from decimal import Decimal

from harness.cli.live import Figures, rows
from harness.measure.cost_so_far import CostSoFar
from harness.measure.meters import Gauge, Usage
from harness.measure.observation import Observation

T0 = 1_800_000_000.0


def observation(at_s: float, requests: float, **unseen: str) -> Observation:
    return Observation(
        at_s=at_s,
        usage=[
            Usage("apigateway", "ingest", "requests", requests),
            Usage("apigateway", "ingest", "authorizer_hits", requests),
            Usage("kinesis", "events", "throttled_records", 2),
        ],
        gauges=[Gauge("lambda", "processor", "backlog_records", 7)],
        unseen={name.replace("__", "."): why for name, why in unseen.items()},
    )


def shown(seen: Observation) -> dict[str, tuple[str, str]]:
    figures = Figures()
    figures.observe(seen, lambda _: Decimal("1.50"))
    return {what: (now, total) for what, now, total in rows(figures)}


def test_what_is_seen_is_shown() -> None:
    found = shown(observation(T0, 40))
    assert found["backlog"] == ("7", "")
    assert found["authorizations"] == ("", "40")
    assert found["throttles by quotas"] == ("", "2")
    assert found["on AWS so far"] == ("", "$1.50")


def test_what_is_not_seen_is_unknown() -> None:
    nobody = "nobody meters it"
    found = shown(
        observation(T0, 40, backlog="no gauge", usage__apigateway=nobody, authorizations=nobody),
    )
    assert found["backlog"] == ("unknown", "")
    assert found["authorizations"] == ("", "unknown")
    assert found["throttles by quotas"] == ("", "unknown")


def test_other_services_that_are_not_seen_leave_what_is() -> None:
    found = shown(observation(T0, 40, usage__s3="nobody meters it"))
    assert found["authorizations"] == ("", "40")
    assert found["throttles by quotas"] == ("", "unknown")  # S3 throttles too


def test_throttles_of_which_a_part_is_not_seen_have_no_sum() -> None:
    found = shown(observation(T0, 40, lambda__throttles="nobody counts some of them"))
    assert found["throttles by quotas"] == ("", "unknown")


def test_a_cost_so_far_is_of_all_usage_or_unknown() -> None:
    cost = CostSoFar("us-east-1", list)
    cost(observation(T0, 0))
    assert (cost(observation(T0 + 60, 1_000_000)) or 0) > 3
    assert cost(observation(T0 + 61, 1_000_000, usage__kinesis="nobody meters it")) is None
