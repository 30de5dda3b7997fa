"""A rehearsal as a gate: objectives by flag and file, exit codes, JSON; and from several load processes."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET

import numpy as np
import pytest

from tests.end_to_end.product import LATE, Product, checked, opened

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


def test_two_load_processes_give_the_same_kind_of_result(product: Product) -> None:
    result = product.measured(product.rehearse("--workers", "2"))
    ledger, requests = result["ledger"], result["requests"]
    assert requests["planned"] == requests["sent"] == requests["accepted"] > 0
    assert ledger["missing"] == ledger["duplicated"] == ledger["unexpected"] == 0
    assert ledger["predictions"]["agree"] == ledger["accepted"]
    assert opened(product).environment()["workers"] == 2


def test_the_same_seed_sends_the_same(product: Product) -> None:
    """One worker or two: each event has the ordinal, and so the id, that the seed gives it."""
    sent = []
    for workers in ("1", "2"):
        out = product.folder / workers
        product.rehearse("--workers", workers, "--seed", "7", "--duration", "2s", "--out", out).end()
        summary = json.loads((out / "load" / "summary.json").read_text())
        sent.append((summary["requests"]["planned"], len(np.load(out / "load" / "acceptance.npy"))))
    assert sent[0] == sent[1]
    assert sent[0][0] > 0


def test_a_run_can_be_set_beside_another(product: Product) -> None:
    before = product.folder / "before"
    product.rehearse("--duration", "2s", "--rate", "10", "--out", before).end()
    running = product.rehearse("--duration", "2s", "--rate", "40", "--baseline", before)
    running.end()
    assert float(product.result["cost"]["times_the_day_before"]) > 1
