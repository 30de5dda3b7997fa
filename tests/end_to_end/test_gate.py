"""A rehearsal as a gate: objectives by flag and file, exit codes, JSON; and from several load processes."""

from __future__ import annotations

import shutil
import xml.etree.ElementTree as ET

import pytest

from tests.end_to_end.product import LATE, TINY, Product, checked, opened

pytestmark = pytest.mark.slow


def test_objectives_by_file_and_flag_gate_the_run(product: Product) -> None:
    gate = product.work / "gate.txt"
    gate.write_text("# of this product\nlatency.p99<60000ms\nledger.missing==0\ncost.per_month<$900000\n")
    summary = product.folder / "step-summary.md"
    running = product.rehearse(
        *("--objectives", gate, "--objective", "latency.p99<0.001ms", "--json", "--quiet"),
        environment={"GITHUB_STEP_SUMMARY": str(summary)},
    )
    ended = running.end()
    assert ended.stderr == ""
    result = checked(ended.json)
    assert result == product.result
    judged = {one["name"]: (one["limit"], one["met"]) for one in result["objectives"]}
    assert judged["latency.p99"] == (0.001, False)  # the flag goes before the file
    assert judged["ledger.missing"] == (0.0, True)
    assert judged["ledger.duplicated"] == (0.0, True)  # the scenario's own stays
    assert judged["cost.per_month"] == (900000.0, True)
    if not (result["verdict_reason"] or "").startswith(LATE):
        assert (result["verdict"], ended.code) == ("missed", 1)
        assert product.run("report", product.out).code == 1
    suite = ET.parse(product.out / "junit.xml").getroot()
    assert int(suite.get("failures", 0)) + int(suite.get("errors", 0)) >= 1
    assert "latency.p99" in summary.read_text()
    product.assert_nothing_left()


def test_two_load_processes_send_what_one_does(product: Product) -> None:
    """Each event has the ordinal, and so the id, that the seed gives it."""
    sent = []
    for workers in ("1", "2"):
        result = product.measured(product.rehearse("--workers", workers, "--seed", "7", "--duration", "2s"))
        ledger, requests = result["ledger"], result["requests"]
        assert requests["planned"] == requests["sent"] == requests["accepted"] > 0
        assert ledger["missing"] == ledger["duplicated"] == ledger["unexpected"] == 0
        assert ledger["predictions"]["agree"] == ledger["accepted"]
        folder = opened(product)
        acceptance = folder.acceptance()
        assert acceptance is not None
        assert folder.environment()["workers"] == int(workers)
        sent.append((requests["planned"], ledger["registered"], ledger["archived"], acceptance.tobytes()))
        shutil.rmtree(product.out)
    assert sent[0] == sent[1]


def test_a_run_can_be_set_beside_another(product: Product) -> None:
    few, many = (("--pipeline", TINY, "--duration", "2s", "--rate", rate) for rate in ("10", "40"))
    before = product.folder / "before"
    product.rehearse(*few, "--out", before).end()
    product.rehearse(*many, "--baseline", before).end()
    assert float(product.result["cost"]["times_the_day_before"]) > 1
