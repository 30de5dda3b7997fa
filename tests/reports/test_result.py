"""result.json from a made-up run: by its schema, by hand, and when parts of the run are missing."""

from __future__ import annotations

import copy
import io
import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from rich.console import Console

from harness.errors import Interrupted, TargetLost, UsageError
from harness.measure.meters import CallTally
from harness.measure.observation import Observation
from harness.measure.run_folder import RunFolder
from harness.pipeline import Outcome
from reports.formats import console
from reports.result import build_result, schema
from reports.verdict import broken_identities, exit_code

T0 = 1_800_000_000.0
MakeRun = Callable[..., RunFolder]
DEVICES, LOCATIONS = "POST /v1/devices", "POST /v1/locations"


def valid(result: dict[str, Any]) -> dict[str, Any]:
    validator = jsonschema.Draft202012Validator(schema())
    errors = [f"{list(error.absolute_path)}: {error.message}" for error in validator.iter_errors(result)]
    assert errors == []
    assert json.loads(json.dumps(result)) == result
    return result


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(schema())


def test_a_complete_run(make_run: MakeRun) -> None:
    result = valid(build_result(make_run()))
    assert (result["status"], result["verdict"], result["verdict_reason"]) == ("complete", "met", None)
    assert exit_code(result) == 0
    assert (result["scenario"], result["target"], result["seed"]) == ("made_up", "embedded", 7)
    assert (result["started_at"], result["duration_s"]) == ("2027-01-15T08:00:00.000Z", 75.0)
    assert result["requests"]["planned"] == 1010
    ledger = result["ledger"]
    assert (ledger["accepted"], ledger["registered"], ledger["archived"]) == (950, 600, 341)
    assert (ledger["discarded"], ledger["dead_lettered"], ledger["missing"]) == ({"speed": 8}, 1, 0)
    assert (ledger["redelivered"], ledger["drain_s"], ledger["drained"]) == (1, 8.25, True)
    assert ledger["predictions"]["agree"] == 600
    assert broken_identities(result) == []


def test_usage_is_summed_and_watching_is_left_out(make_run: MakeRun) -> None:
    result = build_result(make_run())
    assert result["usage"]["apigateway.requests"] == "1000"
    assert result["usage"]["dynamodb.read_request_units"] == "470.5"
    assert result["usage"]["s3.put_requests"] == "3"
    (left_out,) = result["usage_left_out"]
    assert left_out == {
        "service": "s3",
        "resource": "data/audit",
        "why": "the ledger reads it",
        "usage": {"put_requests": "20", "bytes_in": "90000"},
    }
    assert not [line for line in result["cost"]["lines"] if line["resource"] == "data/audit"]


def test_lambda_is_billed_by_the_model_beside_the_clock(make_run: MakeRun) -> None:
    (duration,) = build_result(make_run())["lambda_duration"]
    # 20 ms / (512 / 1769) = 69.1 ms, and two BatchWriteItem of 14.65 ms in the mean: 98.4 -> 99 ms.
    # The first took 300 ms of CPU to start: 399 ms. 19 * 99 + 399 = 2280 ms at half a GB.
    assert duration["modelled_gb_s"] == "1.14"
    # 20 * 80 ms and 900 ms to start.
    assert duration["measured_gb_s"] == "1.25"
    assert duration["calls_not_modelled"] == {}


def test_a_call_without_a_latency_is_said_not_to_be_priced(make_run: MakeRun) -> None:
    folder = make_run()
    waited = CallTally("1-0", "lambda", "Invoke:RequestResponse", "other", 3)
    folder.append_observation(Observation(T0 + 71, [], [], calls=[waited]))
    (said,) = (item for item in valid(build_result(folder))["cost"]["unknown"] if item.startswith("lambda"))
    assert said == (
        "lambda processor, the time of 3 calls of lambda:Invoke:RequestResponse; no latency of it is known"
    )


def test_the_day_before_is_set_beside(make_run: MakeRun) -> None:
    cost = build_result(make_run())["cost"]
    # 950 events in a minute are 57,000 an hour, against 3,600.
    assert cost["day_before"]["times_the_events"] == pytest.approx(57_000 / 3_600, abs=0.01)
    assert cost["day_before"]["basis"] == "modelled"
    assert 1 < cost["times_the_day_before"] < 57_000 / 3_600


def test_modelled_latency_stands_apart(make_run: MakeRun) -> None:
    result = build_result(make_run())
    modelled = result["modelled_latency_ms"]
    assert set(modelled) == {DEVICES}
    assert modelled[DEVICES]["assumed"] == ["apigateway:rest", "kinesis:PutRecord"]
    assert modelled[DEVICES]["p50"] != result["latency_ms"][DEVICES]["p50"]


def test_a_missed_objective(make_run: MakeRun) -> None:
    result = valid(build_result(make_run({"objectives": ["latency.p99<50ms", "ledger.missing==0"]})))
    assert (result["verdict"], exit_code(result)) == ("missed", 1)
    assert [objective["met"] for objective in result["objectives"]] == [False, True]


@pytest.mark.parametrize(
    ("plan", "said"),
    [
        ({}, "2 never answered; "),
        ({"hangs_up": False}, "2 never answered; "),
        ({"hangs_up": True}, "2 never answered (in this scenario devices hang up on purpose); "),
    ],
)
def test_what_is_never_answered_on_purpose_is_said_as_that(
    make_run: MakeRun, plan: dict[str, Any], said: str
) -> None:
    result = valid(build_result(make_run(plan)))
    screen = Console(width=300, file=io.StringIO(), record=True)
    screen.print(console.render(result))
    assert said in screen.export_text()


def test_an_objective_on_what_is_not_known_is_not_met(make_run: MakeRun) -> None:
    result = valid(build_result(make_run({"region": "mars-1", "objectives": ["cost.total<$5"]})))
    (objective,) = result["objectives"]
    assert (objective["actual"], objective["met"]) == (None, False)
    assert "no price is known in mars-1" in objective["reason"]
    assert result["verdict"] == "missed"


def test_an_unknown_price_is_unknown_and_never_zero(make_run: MakeRun) -> None:
    cost = valid(build_result(make_run({"region": "mars-1"})))["cost"]
    assert cost["total"] is None
    assert cost["total_reason"] == "no price is known in mars-1"
    assert {line["amount"] for line in cost["lines"]} == {None}
    assert len(cost["unknown"]) == len(cost["lines"])


def test_a_backlog_that_did_not_empty_is_missed(make_run: MakeRun) -> None:
    result = valid(build_result(make_run({"objectives": []}, emptied=False)))
    assert result["verdict"] == "missed"
    assert result["verdict_reason"] == "The backlog was not empty after 8 s."


def test_a_generator_that_was_late_makes_the_run_invalid(make_run: MakeRun) -> None:
    result = valid(build_result(make_run(load={"valid": False, "invalid_reason": "Starts were late."})))
    assert (result["verdict"], result["verdict_reason"], exit_code(result)) == (
        "invalid",
        "Starts were late.",
        4,
    )


def test_a_broken_sum_makes_the_run_invalid(make_run: MakeRun) -> None:
    result = valid(build_result(make_run(load={"events": {"sent": 1000, "accepted": 949}})))
    assert result["verdict"] == "invalid"
    assert result["verdict_reason"] == "The generator counted 949 accepted events, the ledger 950."


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        (("requests", "planned"), "There are 1011 planned requests, but sent + dropped is 1010."),
        (("requests", "throttled"), "There are 1000 sent requests, but accepted + throttled + failed"),
        (("ledger", "missing"), "There are 950 accepted events, but registered + archived + discarded"),
    ],
)
def test_each_identity_is_checked(make_run: MakeRun, path: tuple[str, str], sentence: str) -> None:
    result = build_result(make_run())
    wrong = copy.deepcopy(result)
    wrong[path[0]][path[1]] += 1
    (said,) = broken_identities(wrong)
    assert said.startswith(sentence)


def test_the_bills_lines_add_up(make_run: MakeRun) -> None:
    result = build_result(make_run())
    wrong = copy.deepcopy(result)
    wrong["cost"]["total"] = str(Decimal(result["cost"]["total"]) + 1)
    (said,) = broken_identities(wrong)
    assert said.startswith("The bill's lines add up to")


def test_evidence_of_nothing_is_all_missing(make_run: MakeRun) -> None:
    result = valid(build_result(make_run(evidence=[Outcome(None, "dead_lettered")])))
    assert (result["ledger"]["missing"], result["ledger"]["unexpected"]) == (950, 1)
    assert result["stages_ms"]["accepted_to_processed"]["reason"] == "no event's processing was timed"
    assert result["verdict"] == "missed"


def test_a_run_that_failed_before_its_load(tmp_path: Path) -> None:
    folder = RunFolder.create(tmp_path, "made_up", T0)
    folder.finish("failed", T0 + 2, TargetLost("The state process ended."))
    result = valid(build_result(folder))
    assert (result["status"], result["verdict"], exit_code(result)) == ("failed", "invalid", 3)
    assert result["verdict_reason"] == "The state process ended."
    assert result["requests"]["reason"] == "the generator wrote no totals"
    assert (result["ledger"], result["cost"], result["usage"]) == (None, None, {})


def test_an_interrupted_run(make_run: MakeRun) -> None:
    folder = make_run()
    (folder.path / "ledger" / "ledger.json").unlink()
    folder.finish("interrupted", T0 + 30, Interrupted("Somebody pressed Ctrl-C."))
    result = valid(build_result(folder))
    assert (result["verdict"], exit_code(result)) == ("invalid", 130)
    assert result["requests"]["sent"] == 1000
    assert result["ledger_reason"] == "the ledger was not read"


def test_a_run_that_died_without_a_word(tmp_path: Path) -> None:
    result = valid(build_result(RunFolder.create(tmp_path, "made_up", T0)))
    assert (result["status"], result["ended_at"], result["verdict"]) == ("running", None, "invalid")
    assert exit_code(result) == 4


def test_damaged_files_make_the_run_invalid(make_run: MakeRun) -> None:
    folder = make_run()
    (folder.path / "ledger" / "ledger.json").write_text("{")
    result = valid(build_result(folder))
    assert result["verdict"] == "invalid"
    assert "ledger.json' is damaged" in result["verdict_reason"]


def test_lost_invocations_make_the_run_invalid(make_run: MakeRun) -> None:
    folder = make_run()
    state = json.loads((folder.path / "run.json").read_text())
    (folder.path / "run.json").write_text(json.dumps(state | {"lost": 3}))
    result = build_result(RunFolder.open(folder.path))
    assert result["verdict"] == "invalid"
    assert result["verdict_reason"] == "3 Lambda invocations or calls were lost before they were observed."


def test_an_objective_on_no_metric_is_wrong_use(make_run: MakeRun) -> None:
    with pytest.raises(UsageError, match=r"no metric 'latency\.p98'"):
        build_result(make_run({"objectives": ["latency.p98<1ms"]}))


def test_a_stored_result_reads_back(make_run: MakeRun) -> None:
    folder = make_run()
    result = build_result(folder)
    folder.write_result(result)
    assert RunFolder.open(folder.path).result() == result


def test_the_same_folder_gives_the_same_result(make_run: MakeRun) -> None:
    folder = make_run()
    assert build_result(folder) == build_result(RunFolder.open(folder.path))
