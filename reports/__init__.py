"""Everything that is derived from a run folder, and from nothing else."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from harness.errors import MeasurementInvalid
from harness.measure.files import writing
from harness.measure.run_folder import RunFolder
from reports.cost_over_time import cost_per_hour
from reports.formats import html, junit, markdown
from reports.result import build_result
from reports.series import Panel, panels
from reports.verdict import exit_code

__all__ = ["FORMATS", "build_result", "exit_code", "render", "write_all"]

FORMATS: Final = {"html": "report.html", "junit": "junit.xml", "markdown": "summary.md"}
"""The formats that are files, and what they are called in a run folder."""


def write_all(folder: RunFolder) -> dict[str, Any]:
    """Work out the result, write it and each format into the folder, and return it.

    Where GitHub asks for a step summary (`GITHUB_STEP_SUMMARY`), the Markdown is added to it."""
    result = build_result(folder)
    folder.write_result(result)
    for name, file in FORMATS.items():
        folder.write_report(file, render(name, folder, result))
    summary = os.environ.get("GITHUB_STEP_SUMMARY")
    if summary:
        with writing(Path(summary)), Path(summary).open("a", encoding="utf-8") as step:
            step.write(render("markdown", folder, result))
    return result


def render(name: str, folder: RunFolder, result: Mapping[str, Any]) -> str:
    """One of FORMATS as text. Raises KeyError for another."""
    if name == "html":
        return html.render(result, charted(folder))
    return {"junit": junit.render, "markdown": markdown.render}[name](result)


def charted(folder: RunFolder) -> list[Panel]:
    """The run over time; seconds count from the first second of the load. A damaged run has no charts: its
    verdict says what is damaged."""
    try:
        load = list(folder.load_timeline())
        target = [
            {"t": t, "service": series.service, "name": series.name, "value": value}
            for series in folder.timeline()
            for t, value in zip(series.t, series.value, strict=True)
        ]
        watch = list(folder.watch_timeline())
        starts = [row["t"] for row in (*load[:1], *target[:1])]
        start_s = starts[0] if starts else 0.0
        return panels(
            load,
            target,
            watch,
            cost_per_hour(folder),
            start_s,
            folder.state.unseen or {},
        )
    except MeasurementInvalid:
        return []
