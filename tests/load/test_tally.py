from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from harness.errors import MeasurementInvalid
from harness.load.recorder import Recorder
from harness.load.results import LoadFiles, summarize
from harness.load.tally import Tally
from harness.measure.acceptance import ACCEPTED, FAILED, THROTTLED
from harness.measure.histogram import LatencyHistogram
from harness.measure.run_folder import RunFolder
from harness.scenario import load_scenario
from reports.result import build_result
from tests.load.simulation import arrival


def recorded(latenesses_s: list[float]) -> Tally:
    recorder = Recorder(devices=10)
    for ordinal, lateness_s in enumerate(latenesses_s):
        events = arrival(ordinal, 0.0).events
        recorder.sent(ordinal % 10, events, lateness_s)
        recorder.ended("POST /x", events, [ACCEPTED], 0.1, 0.1)
    recorder.close_second(0)
    return recorder.tally


def test_one_late_start_in_a_hundred_is_still_valid() -> None:
    tally = recorded([0.001] * 99 + [0.5])
    assert tally.late_share == 0.01
    assert tally.invalid_reason() is None


def test_two_late_starts_in_a_hundred_are_not() -> None:
    reason = recorded([0.001] * 980 + [0.011, 0.5] * 10).invalid_reason()
    assert reason is not None
    assert "2.0% of starts were more than 10 ms late" in reason


def test_ten_late_starts_are_forgiven_and_eleven_are_not() -> None:
    assert recorded([0.001] * 20 + [0.5] * 10).invalid_reason() is None
    assert recorded([0.001] * 20 + [0.5] * 11).invalid_reason() is not None


def test_a_duration_that_cannot_be_makes_the_run_invalid() -> None:
    reason = recorded([0.0, 0.0, -1.0]).invalid_reason()
    assert reason == "1 durations were below zero or over an hour."


def test_nothing_sent_is_nothing_late() -> None:
    assert Tally().invalid_reason() is None
    assert Tally().late_share is None


def test_a_batch_counts_as_its_worst_event() -> None:
    recorder = Recorder(devices=10)
    events = arrival(0, 0.0, events=3).events
    recorder.sent(0, events, 0.0)
    assert recorder.ended("POST /x", events, [ACCEPTED, THROTTLED, FAILED], 0.2, 0.1) == FAILED
    second = recorder.close_second(0)
    assert (second.counts["failed"], second.counts["events_accepted"], second.counts["events_sent"]) == (
        1,
        1,
        3,
    )
    assert recorder.tally.durations["failed_latency_ms"]["POST /x"].count == 1
    assert recorder.tally.by_ordinal.tolist() == [ACCEPTED, THROTTLED, FAILED]


def test_a_second_has_what_happened_in_it() -> None:
    recorder = Recorder(devices=10)
    for ordinal in range(4):
        events = arrival(ordinal, 0.0).events
        recorder.sent(ordinal % 2, events, 0.002)
        recorder.ended("POST /x", events, [ACCEPTED], 0.01 * (ordinal + 1), 0.01)
    row = recorder.close_second(in_flight=3).row(started_at_s=1000.0, devices=2)
    assert (row["t"], row["sent"], row["accepted"], row["in_flight"], row["devices"]) == (1000.0, 4, 4, 3, 2)
    assert (row["p50_ms"], row["p99_ms"]) == (20.0, 40.0)
    assert row["lateness_p99_ms"] == 2.0
    quiet = recorder.close_second(in_flight=0).row(1000.0, 2)
    assert quiet["t"] == 1001.0
    assert quiet["p50_ms"] is None
    assert quiet["planned"] == 0


def test_devices_are_new_once() -> None:
    recorder = Recorder(devices=10)
    for device in (3, 3, 5):
        recorder.sent(device, arrival(0, 0.0).events, 0.0)
    assert recorder.close_second(0).new_devices.tolist() == [3, 5]
    recorder.sent(5, arrival(0, 0.0).events, 0.0)
    recorder.sent(7, arrival(0, 0.0).events, 0.0)
    assert recorder.close_second(0).new_devices.tolist() == [7]
    assert recorder.tally.devices == 3


def test_millions_of_events_take_a_byte_each() -> None:
    tally = Tally()
    for ordinal in range(0, 3_000_000, 50_000):
        tally.reach(ordinal + 1)
        tally.acceptance[ordinal] = ACCEPTED
    assert len(tally.by_ordinal) == 2_950_001
    assert tally.acceptance.nbytes < 5_000_000
    assert tally.events() == {"sent": 60, "accepted": 60}


def test_what_the_generator_writes_is_what_the_run_folder_and_the_reports_read(tmp_path: Path) -> None:
    tally, scenario = recorded([0.001] * 10), load_scenario("mass_registration")
    folder = RunFolder.create_at(tmp_path / "run", scenario.name, 1000.0)
    files = LoadFiles(folder.load_path)
    files.row({"t": 1000.0, "planned": 10})
    files.totals(summarize(scenario, "run", 1, 1000.0, 1050.0, "complete", tally), tally)
    files.close()
    summary = folder.load_summary()
    assert summary is not None
    assert json.loads(json.dumps(summary)) == summary
    assert summary["valid"] is True
    assert summary["throughput"] == {"planned_per_s": 0.2, "achieved_per_s": 0.2}
    assert LatencyHistogram.decode(summary["histograms"]["latency_ms"]["POST /x"]).count == 10
    assert list(folder.load_timeline()) == [{"t": 1000.0, "planned": 10}]
    acceptance = folder.acceptance()
    assert acceptance is not None
    assert np.array_equal(acceptance, tally.by_ordinal)
    result = build_result(folder)
    assert result["requests"]["start_lateness_ms"] == {"p50": 1.0, "p99": 1.0, "max": 1.0}
    assert result["latency_ms"]["POST /x"]["count"] == 10


def test_an_interrupted_run_has_rates_over_the_time_it_had() -> None:
    tally, scenario = recorded([0.0] * 10), load_scenario("mass_registration")
    summary = summarize(scenario, "run", 1, 1000.0, 1005.0, "interrupted", tally)
    assert summary["duration_s"] == 5.0
    assert summary["throughput"]["planned_per_s"] == 2.0


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(MeasurementInvalid, match="cannot be written"):
        LoadFiles(tmp_path / "file" / "load")
    files = LoadFiles(tmp_path / "load")
    files.close()
    (tmp_path / "load" / "timeline.ndjson").unlink()
    (tmp_path / "load").rmdir()
    with pytest.raises(MeasurementInvalid, match="cannot be written"):
        files.totals({}, Tally())
