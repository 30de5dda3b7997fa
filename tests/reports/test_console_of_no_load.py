"""The report in a terminal, of a run that was over before its load began."""

from __future__ import annotations

import io
from pathlib import Path

from rich.console import Console

import reports
from harness.errors import PortInUse
from harness.measure.run_folder import RunFolder
from reports.formats import console


def test_a_run_that_came_to_no_load_says_what_stopped_it_and_no_more(tmp_path: Path) -> None:
    folder = RunFolder.create_at(tmp_path / "run", "s", 1_800_000_000.0)
    folder.finish("failed", 1_800_000_001.0, PortInUse("Port 1 is already in use.", "Choose another."))
    terminal = Console(width=100, file=io.StringIO(), record=True)
    terminal.print(console.render(reports.build_result(folder)))
    assert terminal.export_text() == "The run failed: Port 1 is already in use. Choose another.\n"
