"""What a target cannot show is unknown in every report: not judged, never 0."""

from __future__ import annotations

import io
import json
import xml.etree.ElementTree as ET
from collections.abc import Callable
from typing import Any

import jsonschema
import pytest
from rich.console import Console

from harness.errors import TargetLost
from harness.measure.run_folder import RunFolder
from harness.measure.stored import Status
from harness.measure.unseen import unseen_services, usage_of, why_unseen
from reports import charted, render
from reports.checks.catalogue import unjudged_metrics
from reports.cost_over_time import cost_per_hour
from reports.formats import console
from reports.result import build_result, schema
from reports.verdict import exit_code
from reports.wording import headline

MakeRun = Callable[..., RunFolder]
T0 = 1_800_000_000.0
NOBODY = "nobody meters it"
UNSEEN = {"backlog": "no gauge", "lambda.throttles": "no metric", usage_of("kinesis"): NOBODY}


@pytest.fixture
def broken_off(make_run: MakeRun) -> RunFolder:
    """A run that was interrupted after its load: too slow already, with neither a drain nor a ledger."""
    objectives = ["latency.p99<1ms", "throughput.achieved_share>=90%", "ledger.missing==0", "drain.s<30s"]
    folder = make_run({"objectives": objectives})
    (folder.path / "ledger" / "ledger.json").unlink()
    folder.finish("interrupted", T0 + 75, "somebody pressed Ctrl-C.")
    state = json.loads((folder.path / "run.json").read_text())
    (folder.path / "run.json").write_text(json.dumps(state | {"drain": None}))
    return RunFolder.open(folder.path)


def built(folder: RunFolder) -> dict[str, Any]:
    result = build_result(folder)
    jsonschema.Draft202012Validator(schema()).validate(result)
    return result


def test_an_objective_on_what_is_not_seen_is_not_judged(make_run: MakeRun) -> None:
    asked = ["cost.total<$5", "backlog.peak<1000", "lambda.throttles==0", "latency.p99<5s"]
    result = built(make_run({"objectives": asked}, unseen=UNSEEN))
    assert [objective["met"] for objective in result["objectives"]] == [None, None, None, True]
    assert [objective["actual"] for objective in result["objectives"][:3]] == [None, None, None]
    assert result["objectives"][0]["reason"] == f"the usage of kinesis is not seen: {NOBODY}"
    assert result["objectives"][1]["reason"] == "backlog is not seen: no gauge"
    assert result["unseen"] == UNSEEN


def test_what_was_asked_for_and_cannot_be_judged_does_not_pass(make_run: MakeRun) -> None:
    result = built(make_run({"objectives": ["cost.total<$5", "latency.p99<5s"]}, unseen=UNSEEN))
    assert (result["verdict"], exit_code(result)) == ("invalid", 4)
    assert result["verdict_reason"] == "What was asked for cannot be judged on this target: cost.total."


def test_it_passes_when_the_run_was_told_to_let_it_be(make_run: MakeRun) -> None:
    plan = {"objectives": ["cost.total<$5", "latency.p99<5s"], "allow_unjudged": True}
    result = built(make_run(plan, unseen=UNSEEN))
    assert (result["verdict"], exit_code(result)) == ("met", 0)
    assert headline(result) == (
        "All objectives met that can be judged on this target; not judged: cost.total."
    )


def test_one_that_is_missed_is_a_miss_whatever_else_cannot_be_judged(make_run: MakeRun) -> None:
    result = built(make_run({"objectives": ["cost.total<$5", "latency.p99<1ms"]}, unseen=UNSEEN))
    assert (result["verdict"], exit_code(result)) == ("missed", 1)
    assert headline(result) == "Objectives missed: latency.p99; not judged: cost.total."


def test_a_bill_without_all_of_its_usage_has_lines_and_no_sum(make_run: MakeRun) -> None:
    cost = built(make_run({"objectives": []}, unseen=UNSEEN))["cost"]
    assert cost["lines"]
    sums = ("total", "per_million_events", "per_hour", "per_month", "times_the_day_before")
    assert {cost[name] for name in sums} == {None}
    assert {cost[f"{name}_reason"] for name in sums} == {"nobody counted the usage of kinesis"}
    assert f"kinesis: not seen, {NOBODY}" in cost["unknown"]


def test_no_rate_of_cost_is_charted_and_no_backlog_at_zero(make_run: MakeRun) -> None:
    folder = make_run({"objectives": []}, unseen=UNSEEN | {"iterator_age": "no metric"})
    assert cost_per_hour(folder) == []
    panels = {panel.title: panel for panel in charted(folder)}
    throttles = {series.name: series for series in panels["Throttles"].series}
    assert throttles["Kinesis"].peak is None
    assert throttles["DynamoDB"].peak == 0  # this target shows it, and there were none
    assert panels["Iterator age"].series[0].peak is not None  # what is shown after all is charted


def test_authorizations_that_nobody_counts_have_no_line_at_zero(make_run: MakeRun) -> None:
    def authorizations(**unseen: str) -> float | None:
        (panel,) = (p for p in charted(make_run({"objectives": []}, unseen=unseen)) if "authoriz" in p.title)
        return next(series.peak for series in panel.series if series.name == "authorizer invocations")

    assert authorizations() == 0
    assert authorizations(authorizations="LocalStack asks them itself") is None


def test_charts_say_why_they_are_empty(make_run: MakeRun) -> None:
    notes = {panel.title: panel.note for panel in charted(make_run({"objectives": []}, unseen=UNSEEN))}
    assert notes["Backlog"].endswith(" Here, backlog is not seen: no gauge.")
    assert notes["Cost rate"].endswith(f" Here, the usage of kinesis is not seen: {NOBODY}.")
    assert "Here," not in notes["Iterator age"]


def test_every_format_says_why_there_is_no_sum(make_run: MakeRun) -> None:
    folder = make_run({"objectives": []}, unseen=UNSEEN)
    result = built(folder)
    said = "What this run costs is not known: nobody counted the usage of kinesis."
    for name in ("html", "markdown"):
        assert said in render(name, folder, result)
    screen = Console(width=160, record=True, file=io.StringIO())
    screen.print(console.render(result))
    text = screen.export_text()
    assert said in text
    assert "unknown an hour" not in text


def test_evidence_that_showed_no_end_is_told_as_that(make_run: MakeRun) -> None:
    result = built(make_run({"objectives": []}, emptied=False, waiting=12, unseen=UNSEEN))
    assert result["verdict_reason"] == "12 accepted events had no end 8 s after the load."
    assert (result["ledger"]["drained_by"], result["ledger"]["drained"]) == ("evidence", False)
    assert built(make_run({"objectives": []}))["ledger"]["drained_by"] == "backlog"


def test_every_format_says_that_it_was_not_judged(make_run: MakeRun) -> None:
    folder = make_run({"objectives": ["cost.total<$5"], "allow_unjudged": True}, unseen=UNSEEN)
    result = built(folder)
    assert "not judged" in render("html", folder, result)
    assert "❔" in render("markdown", folder, result)
    suite = ET.fromstring(render("junit", folder, result))
    assert (suite.get("skipped"), suite.get("failures"), suite.get("errors")) == ("1", "0", "0")
    screen = Console(width=160, record=True, file=io.StringIO())
    screen.print(console.render(result))
    assert "not judged" in screen.export_text()


def test_what_a_run_did_not_come_to_is_not_judged_and_what_it_measured_is(broken_off: RunFolder) -> None:
    result = built(broken_off)
    assert {one["name"]: one["met"] for one in result["objectives"]} == {
        "latency.p99": False,
        "throughput.achieved_share": True,
        "ledger.missing": None,
        "drain.s": None,
    }
    assert result["objectives"][2]["reason"] == "the ledger was not read"
    assert (result["verdict"], exit_code(result)) == ("invalid", 130)


def test_every_format_says_that_a_broken_off_run_was_not_judged(broken_off: RunFolder) -> None:
    result = built(broken_off)
    assert "not judged</span></td><td><code>ledger.missing" in render("html", broken_off, result)
    assert "❔ not judged | `ledger.missing`" in render("markdown", broken_off, result)
    suite = ET.fromstring(render("junit", broken_off, result))
    assert (suite.get("skipped"), suite.get("failures"), suite.get("errors")) == ("2", "1", "2")
    screen = Console(width=160, record=True, file=io.StringIO())
    screen.print(console.render(result))
    (line,) = [line for line in screen.export_text().splitlines() if "ledger.missing" in line]
    assert line.split()[:2] == ["not", "judged"]


def test_sums_that_do_not_hold_leave_what_is_not_known_unjudged(make_run: MakeRun) -> None:
    asked = {"objectives": ["deliveries.webhook.missing==0", "latency.p99<1ms"]}
    assert [one["met"] for one in built(make_run(asked))["objectives"]] == [False, False]
    broken = built(make_run(asked, {"events": {"sent": 1000, "accepted": 949}}))
    assert [one["met"] for one in broken["objectives"]] == [None, False]
    assert broken["verdict"] == "invalid"


@pytest.mark.parametrize(
    ("status", "error", "code"),
    [("interrupted", "Ctrl-C.", 130), ("failed", TargetLost("It is gone."), 3), ("complete", None, 4)],
)
def test_a_backlog_that_did_not_empty_is_a_miss_however_the_run_ended(
    make_run: MakeRun, status: Status, error: Exception | str | None, code: int
) -> None:
    folder = make_run({"objectives": ["drain.s<30s", "ledger.missing==0"]}, emptied=False)
    (folder.path / "ledger" / "ledger.json").unlink()
    folder.finish(status, T0 + 75, error)
    result = built(folder)
    assert [one["met"] for one in result["objectives"]] == [False, None]
    assert (result["verdict"], exit_code(result)) == ("invalid", code)


def test_it_is_known_before_the_run() -> None:
    unjudged = unjudged_metrics(UNSEEN)
    assert unjudged["cost.total"] == f"the usage of kinesis is not seen: {NOBODY}"
    assert not {"latency.p99", "no.such"} & unjudged.keys()
    assert unjudged_metrics({}) == {}


@pytest.mark.parametrize(
    ("needs", "said"),
    [
        ((), None),
        (("iterator_age",), None),
        (("backlog",), "backlog is not seen: no gauge"),
        (("usage",), "the usage of kinesis is not seen: nobody meters it"),
    ],
)
def test_why_something_cannot_be_said(needs: tuple[str, ...], said: str | None) -> None:
    assert why_unseen(needs, UNSEEN) == said


def test_services_are_told_from_the_rest() -> None:
    assert unseen_services(UNSEEN) == {"kinesis": NOBODY}
