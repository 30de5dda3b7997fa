"""The lines around an invocation, and what is done with what a function prints."""

from __future__ import annotations

from typing import Any

import pytest

from harness.emulator.services.lambda_.logs import (
    MAX_LINE_BYTES,
    MAX_OUTPUT_BYTES_PER_S,
    EnvironmentLog,
    Report,
    report_line,
)


class Clock:
    now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def log(logs: Any, clock: Clock) -> EnvironmentLog:
    return EnvironmentLog(logs, "group", "stream", clock)


def test_report_of_a_warm_a_cold_and_a_timed_out_invocation() -> None:
    warm = Report("id", 12.341, 128, 44.2, None, None)
    assert report_line(warm) == (
        "REPORT RequestId: id\tDuration: 12.34 ms\tBilled Duration: 13 ms\tMemory Size: 128 MB\t"
        "Max Memory Used: 45 MB\t\n"
    )
    cold = warm._replace(init_ms=100.0, duration_ms=10.0)
    assert report_line(cold) == (
        "REPORT RequestId: id\tDuration: 10.00 ms\tBilled Duration: 110 ms\tMemory Size: 128 MB\t"
        "Max Memory Used: 45 MB\tInit Duration: 100.00 ms\t\n"
    )
    assert report_line(warm._replace(status="timeout")).endswith("\tStatus: timeout\t\n")


def test_lines_are_events_however_they_arrive(log: EnvironmentLog, logs: Any) -> None:
    for piece in (b"one\ntw", b"o\n\nthr\xc3", b"\xa9e\rmore\nlast"):
        log.feed(piece)
    log.end_of_output()
    assert [message for _, _, message in logs.events] == ["one\n", "two\n", "\n", "thrée\nmore\n", "last\n"]


def test_a_line_without_end_is_cut(log: EnvironmentLog, logs: Any) -> None:
    log.feed(b"x" * (MAX_LINE_BYTES + 10))
    log.feed(b"y\n")
    assert [len(message) for _, _, message in logs.events] == [MAX_LINE_BYTES + 1, 12]


def test_a_flood_is_dropped_counted_and_said(log: EnvironmentLog, logs: Any, clock: Clock) -> None:
    chunk = b"x" * 65_535 + b"\n"
    for _ in range(3 * MAX_OUTPUT_BYTES_PER_S // len(chunk)):
        log.feed(chunk)
    assert len(logs.events) == 2 * MAX_OUTPUT_BYTES_PER_S // len(chunk)
    assert log.dropped_bytes == MAX_OUTPUT_BYTES_PER_S
    clock.now_s += 1
    log.feed(b"again\n")
    assert [message for _, _, message in logs.events[-2:]] == [
        f"Launchday dropped {MAX_OUTPUT_BYTES_PER_S} bytes of output here.\n",
        "again\n",
    ]


def test_the_tail_is_the_last_four_kilobytes_of_the_invocation(log: EnvironmentLog) -> None:
    log.feed(b"before\n")
    log.begin_tail()
    log.feed(b"now\n")
    assert log.tail() == b"now\n"
    for number in range(20_000):
        log.feed(b"%05d\n" % number)
    assert len(log.tail()) == 4096
    assert log.tail().endswith(b"19998\n19999\n")
