"""The cost rate over a run: its windows add up to the bill, and stand where the cost arose."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.measure.meters import Usage
from harness.measure.observation import Observation
from harness.measure.run_folder import RunFolder
from reports.cost_over_time import cost_per_hour

T0 = 1_800_000_000.0
DOLLARS_A_REQUEST = 3.5 / 1_000_000


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    """Ten seconds: nothing in the first five, then a thousand requests in one, then a hundred a second."""
    made = RunFolder.create(tmp_path, "s", T0)
    for second in range(11):
        requests = 0 if second < 6 else 1_000 + 100 * (second - 6)
        # A meter is in no observation before it has counted anything.
        usage = [Usage("apigateway", "ingest", "requests", requests)] if requests else []
        made.append_observation(Observation(T0 + second, [*usage, Usage("iam", "", "requests", 1)], []))
        if second in (0, 10):
            made.mark_usage("load_start" if second == 0 else "end", usage, T0 + second)
    return made


def test_the_windows_add_up_to_the_bill(folder: RunFolder) -> None:
    points = cost_per_hour(folder)
    assert len(points) == 10  # a second each
    assert sum(rate or 0.0 for _, rate in points) / 3600 == pytest.approx(1_400 * DOLLARS_A_REQUEST)


def test_a_cost_stands_where_it_arose(folder: RunFolder) -> None:
    rates = [rate for _, rate in cost_per_hour(folder)]
    assert rates[:5] == [0.0] * 5
    assert rates[5] == pytest.approx(1_000 * DOLLARS_A_REQUEST * 3600)
    assert rates[6:] == pytest.approx([100 * DOLLARS_A_REQUEST * 3600] * 4)
