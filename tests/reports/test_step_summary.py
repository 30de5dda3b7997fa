"""The summary of a step, where GitHub asks for one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import reports
from harness.errors import MeasurementInvalid
from harness.measure.run_folder import RunFolder


def test_the_markdown_is_added_to_it(
    make_run: Callable[..., RunFolder], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    summary = tmp_path / "summary.md"
    summary.write_text("before\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    folder = make_run()
    reports.write_all(folder)
    assert summary.read_text() == "before\n" + (folder.path / "summary.md").read_text()


def test_one_that_cannot_be_written_is_told_when_all_else_is_there(
    make_run: Callable[..., RunFolder], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "nowhere" / "summary.md"))
    folder = make_run()
    with pytest.raises(MeasurementInvalid, match=r"summary\.md' could not be written: No such file"):
        reports.write_all(folder)
    assert {path.name for path in folder.path.iterdir()} >= {"result.json", *reports.FORMATS.values()}
