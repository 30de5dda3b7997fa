"""The run folder: what is written can be read, a crash loses nothing, and secrets stay out."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from harness.errors import MeasurementInvalid, TargetLost, UsageError
from harness.measure.ledger import Ledger
from harness.measure.meters import CallTally, Gauge, Usage
from harness.measure.observation import Invocation, Observation, ProcessState
from harness.measure.redaction import REDACTED, is_secret_name, redact
from harness.measure.run_folder import RunFolder
from harness.measure.run_state import Drain
from harness.pipeline import Outcome

NOW_S = 1_800_000_000.0


def invocation(request_id: str = "r-1") -> Invocation:
    return Invocation(
        function="f",
        request_id=request_id,
        trace_id="1-a-b",
        source="kinesis:events",
        started_at_s=NOW_S,
        init_ms=None,
        wall_ms=12.5,
        cpu_ms=3.25,
        init_cpu_ms=None,
        peak_memory_mb=40.0,
        memory_mb=512,
        architecture="arm64",
        status="ok",
        records=7,
    )


def observation(at_s: float, requests: int, **rest: Any) -> Observation:
    return Observation(
        at_s=at_s,
        usage=[Usage("apigateway", "ingest", "requests", requests)],
        gauges=[Gauge("lambda", "f", "backlog_records", 5.0)],
        **rest,
    )


def test_the_name_is_the_time_and_the_scenario_and_never_taken_twice(tmp_path: Path) -> None:
    first = RunFolder.create(tmp_path / "runs", "../mass registration", NOW_S)
    second = RunFolder.create(tmp_path / "runs", "../mass registration", NOW_S)
    assert first.path.name == "20270115T080000Z-mass-registration"
    assert second.path.name == "20270115T080000Z-mass-registration-2"
    assert first.path.parent == tmp_path / "runs"


def test_what_is_observed_is_read_back(tmp_path: Path) -> None:
    folder = RunFolder.create(tmp_path, "s", NOW_S)
    calls = [CallTally("1-a-b", "dynamodb", "BatchWriteItem", "devices", 2)]
    process = ProcessState("edge", 7, 1.0, 1000)
    folder.append_observation(
        observation(NOW_S, 10, invocations=[invocation()], calls=calls, processes=[process])
    )
    folder.append_observation(
        observation(NOW_S + 2, 30, processes=[ProcessState("edge", 7, 2.0, 1000)], lost=3)
    )
    read = RunFolder.open(folder.path)
    assert list(read.invocations()) == [invocation()]
    assert list(read.calls()) == calls
    (rate,) = read.timeline().select("requests")
    assert (rate.kind, rate.t.tolist(), rate.value.tolist()) == ("rate", [NOW_S + 2], [10.0])
    (cpu,) = read.timeline().select("cpu_share", service="process")
    assert cpu.value.tolist() == [0.5]
    assert read.state.lost == 3
    latest = read.marked_usage("latest")
    assert latest is not None
    assert latest.usage == (Usage("apigateway", "ingest", "requests", 30),)
    assert read.marked_usage("end") is None


def test_all_that_was_observed_is_in_the_files_before_anything_is_closed(tmp_path: Path) -> None:
    folder = RunFolder.create(tmp_path, "s", NOW_S)
    for second in range(3):
        folder.append_observation(observation(NOW_S + second, second, invocations=[invocation(str(second))]))
    left_behind = RunFolder.open(folder.path)
    assert [found.request_id for found in left_behind.invocations()] == ["0", "1", "2"]
    assert left_behind.state.status == "running"


def test_a_line_that_was_being_written_is_left_out_and_a_damaged_one_is_named(tmp_path: Path) -> None:
    folder = RunFolder.create(tmp_path, "s", NOW_S)
    path = folder.path / "calls.ndjson"
    path.write_bytes(b'["t","s3","PutObject","b",1]\n["t","s3"')
    assert [call.operation for call in folder.calls()] == ["PutObject"]
    path.write_bytes(b'["t","s3","PutObject","b",1]\nnonsense\n')
    with pytest.raises(MeasurementInvalid, match=r"Line 2 of .*calls\.ndjson"):
        list(folder.calls())


def test_a_full_disk_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = RunFolder.create(tmp_path, "s", NOW_S)

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(MeasurementInvalid, match=r"The disk is full: '.*plan\.json'.*--out") as caught:
        folder.write_plan({"scenario": "s"})
    assert caught.value.exit_code == 4
    assert folder.plan() == {}


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for make in (RunFolder.create, RunFolder.create_at):
        with pytest.raises(UsageError, match=r"cannot be made: Not a directory\. Choose another with --out"):
            make(tmp_path / "file" / "run", "s", NOW_S)


def test_out_must_be_new(tmp_path: Path) -> None:
    (tmp_path / "there").write_text("")
    with pytest.raises(UsageError, match="there already"):
        RunFolder.create_at(tmp_path, "s", NOW_S)
    with pytest.raises(UsageError, match="there already"):
        RunFolder.create_at(tmp_path / "there", "s", NOW_S)


def test_a_file_that_cannot_be_read_is_one_sentence(tmp_path: Path) -> None:
    folder = RunFolder.create_at(tmp_path / "run", "s", NOW_S)
    for name in ("plan.json", "calls.ndjson"):
        (folder.path / name).mkdir()
    with pytest.raises(MeasurementInvalid, match=r"plan\.json' cannot be read: Is a directory"):
        folder.plan()
    with pytest.raises(MeasurementInvalid, match=r"calls\.ndjson' cannot be read: Is a directory"):
        list(folder.calls())


def test_what_is_no_run_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="There is no run folder"):
        RunFolder.open(tmp_path / "nowhere")
    with pytest.raises(UsageError, match="is not a run folder"):
        RunFolder.open(tmp_path)
    (tmp_path / "run.json").write_text("{")
    with pytest.raises(UsageError, match="is damaged"):
        RunFolder.open(tmp_path)


def test_a_newer_folder_is_refused(tmp_path: Path) -> None:
    folder = RunFolder.create(tmp_path, "s", NOW_S)
    path = folder.path / "run.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"version": 2}))
    with pytest.raises(UsageError, match=r"another Launchday \(version 2 in its run\.json, not 1\)"):
        RunFolder.open(folder.path)


def test_secrets_are_never_stored(tmp_path: Path) -> None:
    folder = RunFolder.create(tmp_path, "s", NOW_S)
    folder.write_plan(
        {
            "seed": 1,
            "outputs": {"api_keys": ["pk_hidden"], "url": "http://h/", "account": {"secretKey": "sk_hidden"}},
        }
    )
    folder.write_environment({"AWS_SECRET_ACCESS_KEY": "hidden", "note": "AKIAABCDEFGHIJKLMNOP is mine"})
    folder.append_observation(observation(NOW_S, 1))
    folder.finish("failed", NOW_S, TargetLost("AKIAABCDEFGHIJKLMNOP was refused."))
    stored = "".join(path.read_text() for path in folder.path.rglob("*.*json"))
    assert "hidden" not in stored
    assert "AKIAABCDEFGHIJKLMNOP" not in stored
    assert cast("dict[str, Any]", folder.plan())["outputs"]["url"] == "http://h/"


@pytest.mark.parametrize(
    ("name", "secret"),
    [
        ("secret_key", True),
        ("apiKeys", True),
        ("sessionToken", True),
        ("LOCALSTACK_AUTH_TOKEN", True),
        ("key", True),
        ("partition_key", False),
        ("keyboard", False),
        ("url", False),
        ("", False),
    ],
)
def test_secrets_are_known_by_their_names(name: str, secret: bool) -> None:
    assert is_secret_name(name) is secret
    assert redact({name: "v"}) == {name: REDACTED if secret else "v"}


def test_what_was_lost_before_the_run_is_not_its_loss(tmp_path: Path) -> None:
    folder = RunFolder.create(tmp_path, "s", NOW_S)
    for second, lost in enumerate((700, 700, 702)):
        folder.append_observation(observation(NOW_S + second, 1, lost=lost))
    assert RunFolder.open(folder.path).state.lost == 2


def test_what_can_no_longer_be_seen_joins_what_never_could(tmp_path: Path) -> None:
    folder = RunFolder.create(tmp_path, "s", NOW_S)
    folder.set_observer("in words", {"backlog": "no gauge"})
    for unseen in ({}, {"backlog": "no gauge", "usage.lambda": "its log is gone"}, {}):
        seen = observation(NOW_S, 1)
        seen.unseen = unseen
        folder.append_observation(seen)
    assert RunFolder.open(folder.path).state.unseen == {
        "backlog": "no gauge",
        "usage.lambda": "its log is gone",
    }


def test_how_a_run_ended_is_kept(tmp_path: Path) -> None:
    folder = RunFolder.create(tmp_path, "s", NOW_S)
    folder.set_drain(Drain(4.5, emptied=True))
    folder.append_observation(observation(NOW_S, 1, incidents=["The edge was started again."]))
    folder.append_observation(observation(NOW_S + 1, 1, incidents=["The edge was started again."]))
    folder.finish("failed", NOW_S + 9, TargetLost("The state process ended."))
    state = RunFolder.open(folder.path).state
    assert (state.status, state.error, state.exit_code) == ("failed", "The state process ended.", 3)
    assert state.drain is not None
    assert (state.drain.duration_s, state.drain.emptied) == (4.5, True)
    assert state.incidents == ("The edge was started again.",)
    assert state.ended_at_s == NOW_S + 9


def test_interruption_has_its_exit_code(tmp_path: Path) -> None:
    folder = RunFolder.create(tmp_path, "s", NOW_S)
    folder.finish("interrupted", NOW_S + 1)
    assert RunFolder.open(folder.path).state.exit_code == 130


def test_marks_survive_one_another(tmp_path: Path) -> None:
    folder = RunFolder.create(tmp_path, "s", NOW_S)
    folder.mark_usage("load_start", [Usage("sqs", "dlq", "requests", 1)], NOW_S)
    folder.append_observation(observation(NOW_S + 1, 2))
    folder.mark_usage("end", [Usage("sqs", "dlq", "requests", 4)], NOW_S + 2)
    read = RunFolder.open(folder.path)
    start, end = read.marked_usage("load_start"), read.marked_usage("end")
    assert start is not None
    assert end is not None
    assert (start.usage[0].quantity, end.usage[0].quantity, end.at_s) == (1, 4, NOW_S + 2)


def test_the_ledger_is_kept_with_each_events_outcome(tmp_path: Path) -> None:
    folder = RunFolder.create(tmp_path, "s", NOW_S)
    ledger = Ledger(np.array([1, 1], dtype=np.uint8), "r")
    ledger.record(Outcome("r-1", "discarded:speed", 1.0, 250.0))
    result = folder.write_ledger(ledger)
    read = RunFolder.open(folder.path)
    assert read.ledger() == result
    outcomes = read.outcomes()
    assert outcomes is not None
    assert [str(outcomes["names"][code]) for code in outcomes["outcome"].tolist()] == ["", "discarded:speed"]
    (folder.path / "ledger" / "ledger.json").write_text("{}")
    with pytest.raises(MeasurementInvalid, match="is damaged"):
        read.ledger()


def test_acceptance_is_checked_when_it_is_read(tmp_path: Path) -> None:
    folder = RunFolder.create(tmp_path, "s", NOW_S)
    assert folder.acceptance() is None
    path = folder.load_path / "acceptance.npy"
    np.save(path, np.array([0, 4], dtype=np.uint8))
    found = folder.acceptance()
    assert found is not None
    assert found.tolist() == [0, 4]
    np.save(path, np.array([0.5]))
    with pytest.raises(MeasurementInvalid, match="one uint8 an event"):
        folder.acceptance()
    path.write_bytes(b"\x93NUMPY")
    with pytest.raises(MeasurementInvalid, match="is damaged"):
        folder.acceptance()


def test_a_partial_folder_reads_as_unknown(tmp_path: Path) -> None:
    folder = RunFolder.create(tmp_path, "s", NOW_S)
    assert (folder.load_summary(), folder.ledger(), folder.result(), folder.outcomes()) == (None,) * 4
    assert len(folder.timeline()) == 0
    assert folder.plan() == {}
    assert folder.environment() == {}
