"""One scenario on the embedded AWS and on LocalStack: where the same was asked, the same is billed.

How many records a batch of a mapping has is each target's own, and so is all that is done by the batch: of
that, what must hold on either is asked. Needs a LocalStack (see conftest.py)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from harness.measure.run_folder import RunFolder
from harness.targets.localstack.environment import Environment

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("localstack")]

LAUNCHDAY = Path(sys.executable).with_name("launchday")
TARGETS = ("embedded", "localstack")
WITHIN_S = 600
STREAM = "launchday-local-events"
BY_THE_EVENT = [
    ("apigateway", "launchday-local-ingest", "requests"),
    ("kinesis", STREAM, "put_records"),
    ("kinesis", STREAM, "put_payload_units"),
    ("kinesis", STREAM, "ingest_kb"),
    ("kinesis", STREAM, "read_records"),
    ("sqs", f"{STREAM}-dead-letters", "requests"),
    ("dynamodb", "launchday-local-accounts", "read_request_units"),
    ("lambda", "launchday-ingest-local-authorizer", "requests"),
]


@dataclass(frozen=True)
class Rehearsed:
    """A run's result, and what its meters grew by."""

    result: dict[str, Any]
    used: dict[tuple[str, str, str], float]

    @property
    def asked(self) -> dict[str, int]:
        """How often it was asked, and how often it was not known what became of it."""
        return {name: self.result["requests"][name] for name in ("sent", "retries", "indeterminate")}

    def of(self, service: str, resource: str, unit: str) -> float:
        """What of a unit the resources whose names hold `resource` used."""
        return sum(n for (s, r, u), n in self.used.items() if (s, u) == (service, unit) and resource in r)


@pytest.fixture(scope="module")
def rehearsed(
    localstack_environment: Environment, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Rehearsed]:
    """A run on each. Where a busy LocalStack let requests time out, so that they were sent again, it is run
    once more: what was not asked alike cannot be billed alike."""
    runs = {target: rehearse(target, tmp_path_factory.mktemp(target)) for target in TARGETS}
    if runs["localstack"].asked != runs["embedded"].asked:
        runs["localstack"] = rehearse("localstack", tmp_path_factory.mktemp("again"))
    return runs


def rehearse(target: str, folder: Path) -> Rehearsed:
    out = folder / "run"
    ended = subprocess.run(
        [LAUNCHDAY, "run", "every_outcome", "--target", target, "--port", "0", "--out", out],
        env={**os.environ, "LAUNCHDAY_STATE_DIR": str(folder / "state")},
        capture_output=True,
        text=True,
        timeout=WITHIN_S,
        check=False,
    )
    assert (out / "result.json").is_file(), ended.stderr
    run = RunFolder.open(out)
    before, after = run.marked_usage("load_start"), run.marked_usage("end")
    assert before is not None, ended.stderr
    assert after is not None, ended.stderr
    start = {row[:3]: row.quantity for row in before.usage}
    grown = {row[:3]: row.quantity - start.get(row[:3], 0) for row in after.usage}
    return Rehearsed(json.loads((out / "result.json").read_text()), grown)


@pytest.mark.parametrize("meter", BY_THE_EVENT, ids=" ".join)
def test_what_is_billed_by_the_event_is_the_same(
    rehearsed: dict[str, Rehearsed], meter: tuple[str, str, str]
) -> None:
    assert rehearsed["localstack"].asked == rehearsed["embedded"].asked
    embedded, localstack = (rehearsed[target].used.get(meter, 0) for target in TARGETS)
    assert localstack == embedded > 0


@pytest.mark.parametrize("target", TARGETS)
def test_what_is_billed_by_the_batch_is_as_often_as_the_function_ran(
    rehearsed: dict[str, Rehearsed], target: str
) -> None:
    run = rehearsed[target]
    assert run.of("s3", "/archive", "put_requests") == run.of("lambda", "-archiver", "requests") > 0
    published = run.of("sns", "device_events", "publish_requests")
    assert published == run.of("lambda", "-fanout", "requests") == run.of("appsync", "-live", "requests") > 0
    for function in ("-processor", "-archiver", "-fanout"):
        assert run.of("logs", function, "ingested_bytes") > 0


@pytest.mark.parametrize("target", TARGETS)
def test_the_bill_is_whole_and_the_backlog_was_seen_to_empty(
    rehearsed: dict[str, Rehearsed], target: str
) -> None:
    result = rehearsed[target].result
    assert (result["status"], result["incidents"]) == ("complete", [])
    assert result["ledger"]["missing"] == 0
    assert result["cost"]["complete"]
    assert result["cost"]["unknown"] == []
    assert result["ledger"]["drain_s"] is not None
    assert "backlog" not in (result["unseen"] or {})
