"""How figures are said."""

from __future__ import annotations

from typing import Any

import pytest

from reports import wording


def cost(**range_: float) -> dict[str, Any]:
    before = {"basis": "modelled", "times_the_events": 5.0, **range_}
    return {"times_the_day_before": 4.0, "day_before": before}


@pytest.mark.parametrize(
    ("range_", "said"),
    [
        ({}, "the day before (modelled, 5 times its events)"),
        (
            {"times_at_least": 3.6, "times_at_most": 4.4},  # both round to 4
            "the day before (modelled, 5 times its events)",
        ),
        (
            {"times_at_least": 3.4, "times_at_most": 4.4},
            "the day before (modelled, between 3 and 4, 5 times its events)",
        ),
    ],
)
def test_a_range_is_said_where_its_ends_are_two_figures(range_: dict[str, float], said: str) -> None:
    assert wording.day_before(cost(**range_)) == ("4", said)


def test_what_is_counted_of_a_channel_alone_is_not_0_for_its_parts() -> None:
    part = {"owed": 3, "delivered": 2, "dead_lettered": 1, "missing": 0}
    told = {**part, "watchers": 2, "misdirected": 1, "by_behaviour": {"healthy": part, "failing": part}}
    rows = wording.delivery_rows({"webhook": told, "subscription": None})
    assert [row[-1] for row in rows] == [1, None, None]
    assert [wording.cell(row[-1]) for row in rows] == ["1", "", ""]
