"""REPORT lines, as AWS and others write them."""

from __future__ import annotations

import pytest

from harness.emulator.services.lambda_.logs import Report, report_line
from harness.targets.report_lines import ReportLine, parse_report

COLD = (
    "REPORT RequestId: 8f5-1\tDuration: 3.31 ms\tBilled Duration: 104 ms\tMemory Size: 512 MB\t"
    "Max Memory Used: 48 MB\tInit Duration: 99.87 ms\t\n"
    "XRAY TraceId: 1-5f-1\tSegmentId: 5e\tSampled: true\t\n"
)


def test_a_cold_start_with_a_trace() -> None:
    assert parse_report(COLD) == ReportLine("8f5-1", 3.31, 104.0, 512, 48.0, 99.87, "ok", "1-5f-1")


@pytest.mark.parametrize(("said", "status"), [("timeout", "timeout"), ("error", "crash")])
def test_what_the_platform_says_of_the_end(said: str, status: str) -> None:
    line = f"REPORT RequestId: r\tDuration: 3000.00 ms\tStatus: {said}\tError Type: Runtime.ExitError"
    found = parse_report(line)
    assert found is not None
    assert (found.status, found.billed_ms, found.memory_mb, found.init_ms) == (status, None, None, None)


@pytest.mark.parametrize(
    "line",
    [
        "START RequestId: r Version: $LATEST",
        "END RequestId: r",
        "a function that says REPORT RequestId: r\tDuration: 1 ms",
        "REPORT RequestId: \tDuration: 1 ms",
        "REPORT RequestId: r\tBilled Duration: 1 ms",
        "REPORT RequestId: r\tDuration: soon",
        "",
    ],
)
def test_any_other_line_is_none(line: str) -> None:
    assert parse_report(line) is None


def test_the_embedded_awss_own_are_read_as_they_were_meant() -> None:
    found = parse_report(report_line(Report("r", 12.34, 256, 47.2, 100.5, None)))
    assert found is not None
    assert (found.wall_ms, found.billed_ms, found.memory_mb) == (12.34, 113.0, 256)
    assert (found.peak_memory_mb, found.init_ms) == (48.0, 100.5)
