"""Rows on their way to the companion: each arrives once, or is counted as lost."""

from __future__ import annotations

import json
import threading
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from launchday_localstack.metering.handler import RequestNotes
from launchday_localstack.metering.recorder import Recorder
from tests.localstack.served import Metered, call, request_context, response


class Companion:
    """Takes batches, or not, as told; answers may be lost after it took one."""

    def __init__(self, fates: list[str]) -> None:
        self.fates = fates
        self.taken: list[dict[str, Any]] = []

    def __call__(self, batch: bytes) -> None:
        fate = self.fates.pop(0) if self.fates else "taken"
        if fate != "refused":
            self.taken.append(json.loads(batch))
        if fate != "taken":
            raise ConnectionError(fate)


@given(
    st.lists(st.one_of(st.integers(1, 7), st.just("flush")), max_size=20),
    st.lists(st.sampled_from(["taken", "refused", "answer lost"]), max_size=12),
)
def test_each_row_is_metered_once_whatever_becomes_of_the_batches(
    steps: list[int | str], fates: list[str]
) -> None:
    companion = Companion(fates)
    recorder = Recorder(companion, max_batch=3)
    row = call("ssm", "GetParameter", {}, {})
    added = 0
    for step in steps:
        if isinstance(step, int):
            for _ in range(step):
                recorder.add(row)
            added += step
        else:
            recorder.flush()
    companion.fates.clear()
    assert recorder.flush()
    metered = Metered()
    for batch in companion.taken:
        assert len(batch["rows"]) <= 3
        metered.intake.take(batch)
    assert metered.used().get(("ssm", "parameters", "requests"), 0) == added
    assert (recorder.lost, metered.intake.lost) == (0, 0)


def test_what_finds_no_room_is_counted_as_lost() -> None:
    companion = Companion(["refused"])
    recorder = Recorder(companion, capacity=2)
    for number in range(5):
        recorder.add(["row", number])
    assert recorder.lost == 3
    assert not recorder.flush()
    assert recorder.flush()
    assert [batch["rows"] for batch in companion.taken] == [[["row", 0], ["row", 1]]]
    assert recorder.number == 1


def test_threads_lose_no_row_between_them() -> None:
    companion = Companion([])
    recorder = Recorder(companion, max_batch=50, interval_s=0.001)
    recorder.start()
    threads = [
        threading.Thread(target=lambda: [recorder.add(["row"]) for _ in range(2_000)]) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    recorder.stop()
    assert sum(len(batch["rows"]) for batch in companion.taken) == 8_000
    assert [batch["number"] for batch in companion.taken] == list(range(1, len(companion.taken) + 1))


def test_a_request_that_cannot_be_noted_is_lost_and_answered_all_the_same() -> None:
    recorder = Recorder(Companion([]))
    notes = RequestNotes(recorder)
    broken = request_context("kinesis", "PutRecord", {}, {"ShardId": "no sequence number"})
    notes(None, broken, response())
    assert recorder.lost == 1
    notes(None, request_context("ssm", "GetParameter", {}, {}), response())
    health = request_context("", "", {})
    health.operation = None
    notes(None, health, response())
    assert recorder.flush()
    assert (recorder.lost, recorder.number) == (1, 1)
