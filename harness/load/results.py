"""What the generator leaves in its folder: summary.json, timeline.ndjson, acceptance.npy.

A row of the timeline is in its file when the second is over. The other two are replaced whole, every few
seconds and at the end, so that a crash loses little and never leaves half a file.
"""

from __future__ import annotations

import io
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np

from harness.errors import MeasurementInvalid
from harness.load.tally import Tally
from harness.scenario import Scenario

SCHEMA = "launchday.load/1"
Status = Literal["running", "complete", "interrupted", "failed"]


class LoadFiles:
    """The files in `folder`, which is made when it is not there. Raises MeasurementInvalid when they cannot
    be written."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._timeline = (folder / "timeline.ndjson").open("w", encoding="utf-8")
        except OSError as error:
            raise _unwritable(folder, error) from error

    def row(self, row: Mapping[str, Any]) -> None:
        """Add a second's row."""
        try:
            self._timeline.write(json.dumps(row) + "\n")
            self._timeline.flush()
        except OSError as error:
            raise _unwritable(self._folder, error) from error

    def totals(self, summary: Mapping[str, Any], tally: Tally) -> None:
        """Replace summary.json and acceptance.npy."""
        array = io.BytesIO()
        np.save(array, tally.by_ordinal, allow_pickle=False)
        try:
            _replace(self._folder / "acceptance.npy", array.getvalue())
            _replace(self._folder / "summary.json", json.dumps(summary, indent=1).encode())
        except OSError as error:
            raise _unwritable(self._folder, error) from error

    def close(self) -> None:
        """Nothing more is written."""
        self._timeline.close()


def _replace(path: Path, content: bytes) -> None:
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    fresh.write_bytes(content)
    fresh.replace(path)


def _unwritable(folder: Path, error: OSError) -> MeasurementInvalid:
    return MeasurementInvalid(f"The load's results cannot be written to {folder}: {error.strerror or error}.")


def summarize(
    scenario: Scenario,
    run_id: str,
    workers: int,
    started_at_s: float,
    ended_at_s: float,
    status: Status,
    tally: Tally,
) -> dict[str, Any]:
    """summary.json: the generator's part of result.json, and the histograms it comes from."""
    requests, lateness = tally.requests, tally.lateness
    invalid = tally.invalid_reason()
    duration_s = scenario.duration_s
    if status != "complete":  # rates are over the time that there was load
        duration_s = max(0.001, min(duration_s, ended_at_s - started_at_s))
    return {
        "schema": SCHEMA,
        "status": status,
        "scenario": scenario.name,
        "run_id": run_id,
        "seed": scenario.seed,
        "workers": workers,
        "started_at_s": started_at_s,
        "ended_at_s": round(ended_at_s, 3),
        "duration_s": duration_s,
        "valid": invalid is None,
        "invalid_reason": invalid,
        "late_share": tally.late_share,
        "requests": {
            **requests,
            "start_lateness_ms": {
                "p50": lateness.percentile(50),
                "p99": lateness.percentile(99),
                "max": lateness.max_ms,
            },
        },
        "events": tally.events(),
        "kinds": tally.kinds,
        "calls": tally.calls,
        "devices": tally.devices,
        "throughput": {
            "planned_per_s": requests["planned"] / duration_s,
            "achieved_per_s": requests["accepted"] / duration_s,
        },
        **{
            what: {route: histogram.percentiles() for route, histogram in sorted(by_route.items())}
            for what, by_route in tally.durations.items()
        },
        "histograms": {
            **{
                what: {route: histogram.encode() for route, histogram in sorted(by_route.items())}
                for what, by_route in tally.durations.items()
            },
            "start_lateness_ms": lateness.encode(),
        },
    }
