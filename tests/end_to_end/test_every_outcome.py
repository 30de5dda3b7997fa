"""Everything that can become of an event, through the whole product, by its command line alone."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.aws.prices.services import TARIFFS
from harness.measure.acceptance import INDETERMINATE
from harness.measure.run_folder import RunFolder
from harness.pipeline_loader import REFERENCE_PIPELINE, load_pipeline
from tests.end_to_end.product import Product

pytestmark = pytest.mark.slow

DISCARD_REASONS = {"malformed", "stale", "future", "accuracy", "speed", "duplicate", "unchanged"}
RUN_FOLDER = {
    "calls.ndjson", "environment.json", "invocations.ndjson", "junit.xml", "ledger/ledger.json",
    "ledger/outcomes.npz", "load/acceptance.npy", "load/summary.json", "load/timeline.ndjson",
    "logs/generator.log", "plan.json", "report.html", "result.json", "run.json", "summary.md",
    "timeline.ndjson", "usage.json",
}  # fmt: skip


@pytest.fixture(scope="module")
def result(lasting: Product) -> dict[str, Any]:
    return lasting.measured(lasting.rehearse(scenario="every_outcome"))


def test_every_outcome_and_flag_appears(result: dict[str, Any]) -> None:
    ledger = result["ledger"]
    assert set(ledger["discarded"]) == DISCARD_REASONS
    seen = {
        **ledger["discarded"],
        **{name: ledger[name] for name in ("registered", "archived", "dead_lettered")},
        **{flag: ledger[flag] for flag in ("superseded", "redelivered", "indeterminate_appeared")},
        "indeterminate": result["requests"]["indeterminate"],
        "retries": result["requests"]["retries"],
    }
    assert {name for name, count in seen.items() if count == 0} == set()


def test_nothing_is_lost_doubled_or_against_the_rules(result: dict[str, Any]) -> None:
    ledger = result["ledger"]
    wrong = ("missing", "duplicated", "unexpected", "conflicts")
    assert {name: ledger[name] for name in wrong} == dict.fromkeys(wrong, 0)
    assert ledger["predictions"]["differ"] == 0
    assert ledger["predictions"]["agree"] == ledger["accepted"]


def test_the_sums_are_those_of_the_raw_record(lasting: Product, result: dict[str, Any]) -> None:
    acceptance = RunFolder.open(lasting.out).acceptance()
    assert acceptance is not None
    assert np.count_nonzero(acceptance == 1) == result["ledger"]["accepted"]
    assert np.count_nonzero(acceptance == INDETERMINATE) == result["ledger"]["indeterminate_appeared"]


def test_it_is_complete(result: dict[str, Any]) -> None:
    assert (result["status"], result["error"], result["incidents"]) == ("complete", None, [])
    assert all(objective["met"] for objective in result["objectives"])
    assert result["requests"]["devices_hang_up"]
    assert result["cost"]["complete"]
    assert float(result["cost"]["total"]) > 0


def test_the_run_folder_is_complete(lasting: Product, result: dict[str, Any]) -> None:
    files = {str(path.relative_to(lasting.out)) for path in lasting.out.rglob("*") if path.is_file()}
    assert files >= RUN_FOLDER
    assert not [name for name in files if Path(name).name.startswith(".")]
    html = (lasting.out / "report.html").read_text()
    assert "every_outcome" in html
    assert "http://" not in html.replace("http://www.w3.org/", "")  # one page, offline
    assert "https://" not in html
    assert "dead-lettered" in (lasting.out / "summary.md").read_text()
    suite = ET.parse(lasting.out / "junit.xml").getroot()
    assert {name: int(suite.get(name, -1)) for name in ("failures", "errors")} == {"failures": 0, "errors": 0}
    assert int(suite.get("tests", 0)) >= 2


def test_every_unit_that_was_metered_is_priced_or_free_or_said_to_be_unknown(
    lasting: Product, result: dict[str, Any]
) -> None:
    marked = RunFolder.open(lasting.out).marked_usage("end")
    assert marked is not None
    metered = {(usage.service, usage.unit) for usage in marked.usage}
    assert {"apigateway", "kinesis", "lambda", "dynamodb", "s3", "sqs", "ssm", "logs"} <= {
        service for service, _ in metered
    }
    book = lasting.run("prices", "--json").json
    known = {(service, unit) for service, tariff in TARIFFS.items() for unit in tariff.units}
    free = {(service, unit) for service, units in book["not_billed"].items() for unit in units}
    start = RunFolder.open(lasting.out).marked_usage("load_start")
    assert start is not None
    standing = {
        usage[:3]: usage.quantity for usage in start.usage
    }  # what only the stand-up used is no bill's
    grown = {
        (usage.service, usage.unit) for usage in marked.usage if usage.quantity > standing.get(usage[:3], 0)
    }
    for service, unit in grown - known - free:
        assert [said for said in result["cost"]["unknown"] if said.startswith(service) and unit in said]
    assert result["cost"]["unknown"] == []  # of the reference pipeline, all is known
    listed = {price["id"] for price in book["prices"]}
    assert {line["price_id"] for line in lines(result)} <= listed


def lines(result: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = result["cost"]["lines"]
    return found


def test_it_has_the_fingerprint_of_what_was_deployed(result: dict[str, Any]) -> None:
    pipeline = load_pipeline(REFERENCE_PIPELINE)
    assert result["pipeline"] == {"name": pipeline.name, "hash": pipeline.fingerprint()}


def test_the_report_can_be_had_again(lasting: Product, result: dict[str, Any]) -> None:
    again = lasting.run("report", lasting.out, "--format", "json")
    assert again.code == {"met": 0, "invalid": 4}[result["verdict"]]
    assert again.json == result
    page = lasting.folder / "again.html"
    assert lasting.run("report", lasting.out, "--format", "html", "--out", page).code == again.code
    assert page.read_text() == (lasting.out / "report.html").read_text()


def test_no_key_is_in_the_run_folder(lasting: Product, result: dict[str, Any]) -> None:
    for path in lasting.out.rglob("*"):
        if path.is_file():
            assert b"pk_" not in path.read_bytes(), f"{path.name} holds a publishable key"
