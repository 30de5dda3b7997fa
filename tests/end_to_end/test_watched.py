"""Those who are told, through the whole product: calls, webhooks and live subscribers in one run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psutil
import pytest

from harness.measure.run_folder import RunFolder
from tests.end_to_end.product import Product, one_sentence

pytestmark = pytest.mark.slow

WATCHED = Path(__file__).parent / "watched.py"
ROUTES = {
    "GET /v1/devices", "GET /v1/devices/{device_id}", "GET /v1/devices/{device_id}/history",
    "GET /v1/webhooks", "query device", "query devices", "InitiateAuth users",
}  # fmt: skip


@pytest.fixture(scope="module")
def result(lasting: Product) -> dict[str, Any]:
    return lasting.measured(lasting.rehearse(scenario=WATCHED))


def test_every_call_is_answered_and_timed(result: dict[str, Any]) -> None:
    assert set(result["latency_ms"]) >= ROUTES
    for kind, counts in result["calls"].items():
        assert counts["sent"] > 0, kind
        assert counts["accepted"] == counts["sent"], kind
    assert result["events"]["accepted"] == result["ledger"]["accepted"]
    assert result["modelled_latency_ms"].keys() >= ROUTES


def test_every_delivery_that_is_owed_is_accounted_for(result: dict[str, Any]) -> None:
    told = result["deliveries"]
    for channel in ("webhook", "subscription"):
        assert told[channel]["owed"] > 0
        assert told[channel]["missing"] == told[channel]["misdirected"] == told[channel]["unasked"] == 0
    assert told["subscription"]["delivered"] == told["subscription"]["owed"]
    by_behaviour = told["webhook"]["by_behaviour"]
    for behaviour in ("healthy", "slow"):
        assert by_behaviour[behaviour]["delivered"] == by_behaviour[behaviour]["owed"] > 0
    failing = by_behaviour["failing"]
    assert failing["dead_lettered"] == failing["owed"] > 0


def test_deliveries_are_timed_and_billed(result: dict[str, Any]) -> None:
    stages = result["stages_ms"]
    assert stages["accepted_to_webhook"]["count"] > 0
    assert stages["accepted_to_subscriber"]["count"] == result["deliveries"]["subscription"]["delivered"]
    assert 0 < stages["accepted_to_subscriber"]["p50"] <= stages["accepted_to_subscriber"]["max"]
    billed = {line["service"] for line in result["cost"]["lines"]}
    assert billed >= {"apigateway", "appsync", "dynamodb", "kinesis", "lambda", "s3", "sns"}
    assert float(result["usage"]["sns.http_deliveries"]) > 0
    assert float(result["usage"]["appsync.realtime_updates"]) >= stages["accepted_to_subscriber"]["count"]


def test_what_was_told_is_kept_and_reported(lasting: Product, result: dict[str, Any]) -> None:
    folder = RunFolder.open(lasting.out)
    receipts = folder.receipts()
    assert receipts is not None
    told = sum(result["deliveries"][channel]["delivered"] for channel in ("webhook", "subscription"))
    assert len(receipts) >= told
    assert sum(row["webhook"] + row["subscription"] for row in folder.watch_timeline()) == len(receipts)
    for report in ("report.html", "summary.md"):
        text = (lasting.out / report).read_text()
        assert "webhook endpoints" in text
        assert "live subscribers" in text


def test_ctrl_c_leaves_no_watcher_behind(product: Product) -> None:
    running = product.rehearse("--duration", "60s", scenario=WATCHED)
    running.wait_for("load:")
    running.part("harness.load.watchers")
    running.interrupt()
    assert running.end().code == 130
    product.assert_nothing_left()
    assert (product.out / "watch" / "summary.json").exists()


def test_watchers_that_die_end_the_run_and_are_said(product: Product) -> None:
    running = product.rehearse("--duration", "60s", scenario=WATCHED)
    running.wait_for("load:")
    psutil.Process(running.part("harness.load.watchers").pid).kill()
    ended = running.end()
    assert ended.code == 4
    assert "watchers' process was killed by signal 9" in ended.said
    product.assert_nothing_left()


def test_a_pipeline_that_tells_nobody_is_said_before_anything_is_started(product: Product) -> None:
    tiny = Path(__file__).parents[1] / "pipelines" / "tiny"
    ended = product.run("run", WATCHED, "--pipeline", tiny, "--port", "0", "--out", product.out)
    assert ended.code == 2
    assert "tells nobody" in one_sentence(ended)
    assert not product.out.exists()
