"""A stored run as the day before of another."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from harness.errors import UsageError
from harness.measure.run_folder import RunFolder
from reports import wording
from reports.baseline import day_before_from
from reports.result import build_result

MakeRun = Callable[..., RunFolder]


def test_its_hour_of_events_is_the_hour_that_is_billed(make_run: MakeRun) -> None:
    folder = make_run()
    before = day_before_from(folder.path)
    # 950 events in the 60 s of the load; that the last answer came half a second later changes nothing.
    assert before["events_per_hour"] == 950 * 60
    assert before["cost_per_hour"] == build_result(folder)["cost"]["per_hour"]
    assert before["source"] == f"the run {folder.path.name}"


def test_a_run_set_beside_itself_is_once_the_day_before(make_run: MakeRun) -> None:
    folder = make_run()
    plan = folder.plan()
    plan["day_before"] = day_before_from(folder.path)
    folder.write_plan(plan)
    cost = build_result(folder)["cost"]
    assert (cost["times_the_day_before"], cost["day_before"]["times_the_events"]) == (1.0, 1.0)
    assert cost["day_before"]["basis"] == "measured"
    assert wording.day_before(cost) == ("1", "the day before (1 times its events)")


def test_a_run_without_totals_is_none(make_run: MakeRun) -> None:
    folder = make_run()
    (folder.load_path / "summary.json").unlink()
    with pytest.raises(UsageError, match="no bill to compare with"):
        day_before_from(folder.path)
