"""A stored run as the day before of another."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from harness.errors import UsageError
from harness.measure.run_folder import RunFolder
from harness.scenario import City, Constant, Population, Scenario, Traffic
from reports import wording
from reports.baseline import Beside, day_before_from
from reports.result import build_result

MakeRun = Callable[..., RunFolder]

QUIET = Traffic(Constant(per_s=0.5))
LAUNCH = Scenario(
    name="launch",
    summary="A made-up launch.",
    traffic=Traffic(Constant(per_s=50.0)),
    population=Population(accounts=1, devices=10, cities=(City("Lisbon", 38.7, -9.1, utc_offset_h=1),)),
    duration_s=60.0,
    day_before=QUIET,
)
BESIDE = Beside(LAUNCH, "reference", "embedded", "us-east-1", free_tier=False)
QUIET_PLAN: dict[str, Any] = {
    "events_per_hour": 1800.0,
    "requests_per_hour": 1800.0,
    "kinds_per_hour": {"location": 1800.0},
}


@pytest.fixture
def quiet_run(make_run: MakeRun) -> RunFolder:
    """A run that says that it planned the day before."""
    return make_run({"traffic": QUIET_PLAN})


def test_its_hour_of_events_is_the_hour_that_is_billed(quiet_run: RunFolder) -> None:
    before = day_before_from(quiet_run.path, BESIDE)
    # 950 events in the 60 s of the load; that the last answer came half a second later changes nothing.
    assert before["events_per_hour"] == 950 * 60
    assert before["cost_per_hour"] == build_result(quiet_run)["cost"]["per_hour"]
    assert before["source"] == f"the run {quiet_run.path.name}"


def test_a_run_set_beside_itself_is_once_the_day_before(quiet_run: RunFolder) -> None:
    plan = quiet_run.plan()
    plan["day_before"] = day_before_from(quiet_run.path, BESIDE)
    quiet_run.write_plan(plan)
    cost = build_result(quiet_run)["cost"]
    assert (cost["times_the_day_before"], cost["day_before"]["times_the_events"]) == (1.0, 1.0)
    assert cost["day_before"]["basis"] == "measured"
    assert wording.day_before(cost) == ("1", "the day before (measured, 1 times its events)")


def test_a_run_without_totals_is_none(quiet_run: RunFolder) -> None:
    (quiet_run.load_path / "summary.json").unlink()
    with pytest.raises(UsageError, match=r"is not valid: .*summary\.json' is missing"):
        day_before_from(quiet_run.path, BESIDE)


def test_a_run_that_is_not_valid_is_none(make_run: MakeRun) -> None:
    folder = make_run(load={"valid": False, "invalid_reason": "Starts were late."})
    with pytest.raises(UsageError, match=r"is not valid: Starts were late\. Take a run"):
        day_before_from(folder.path, BESIDE)


def test_a_run_whose_cost_is_not_known_is_none_and_it_is_said_why(make_run: MakeRun) -> None:
    folder = make_run({"traffic": QUIET_PLAN, "objectives": []}, unseen={"usage.kinesis": "nobody meters it"})
    with pytest.raises(UsageError, match="no bill to compare with: nobody counted the usage of kinesis"):
        day_before_from(folder.path, BESIDE)


@pytest.mark.parametrize(
    ("theirs", "sentence"),
    [
        ({"pipeline": {"name": "other", "hash": ""}}, "its pipeline is other, and this run's reference"),
        ({"target": "aws"}, "its target is aws, and this run's embedded"),
        ({"region": "eu-west-1"}, "its region is eu-west-1, and this run's us-east-1"),
        ({"free_tier": True}, "its free tier is taken off, and this run's not taken off"),
        ({"scale": 0.05}, "its scale is 0.05, and this run's 1.0"),
    ],
)
def test_runs_on_other_terms_do_not_compare(make_run: MakeRun, theirs: dict[str, Any], sentence: str) -> None:
    folder = make_run({"traffic": QUIET_PLAN, **theirs})
    with pytest.raises(UsageError) as refused:
        day_before_from(folder.path, BESIDE)
    assert sentence in str(refused.value)
    assert refused.value.exit_code == 2


def test_another_day_does_not_compare(make_run: MakeRun) -> None:
    folder = make_run({"traffic": {**QUIET_PLAN, "kinds_per_hour": {"location": 45_000.0}}})
    with pytest.raises(UsageError) as refused:
        day_before_from(folder.path, BESIDE)
    said = str(refused.value)
    assert "it planned 45,000 events of the kind location an hour, and that day has 1,800" in said
    assert "Its peak is 0.5 requests a second (--rate), its mean 0.5." in said


def test_a_run_that_does_not_say_its_traffic_does_not_compare(make_run: MakeRun) -> None:
    with pytest.raises(UsageError, match="does not say what traffic it planned"):
        day_before_from(make_run().path, BESIDE)


def test_how_long_it_ran_does_not_matter_nor_a_rate_with_fewer_digits(make_run: MakeRun) -> None:
    planned = {**QUIET_PLAN, "kinds_per_hour": {"location": 1830.0}}
    beside = replace(BESIDE, scenario=replace(LAUNCH, duration_s=5.0))
    assert day_before_from(make_run({"traffic": planned}).path, beside)["cost_per_hour"]


def test_a_scenario_without_a_day_before_takes_any_run_on_its_terms(make_run: MakeRun) -> None:
    beside = replace(BESIDE, scenario=replace(LAUNCH, day_before=None))
    assert day_before_from(make_run().path, beside)["cost_per_hour"]
