"""A stored run as the day before of another."""

from __future__ import annotations

from pathlib import Path

from harness.errors import UsageError
from harness.measure.plan import DayBefore
from harness.measure.run_folder import RunFolder
from reports.result import build_result


def day_before_from(path: Path) -> DayBefore:
    """What the run in folder `path` cost and carried in an hour.

    Raises UsageError when it is no run folder, or has no bill."""
    folder = RunFolder.open(path)
    result = build_result(folder)
    cost, load = result.get("cost"), folder.load_summary()
    per_hour = cost and cost.get("per_hour")
    if load is None or per_hour is None:
        raise UsageError(f"The run in '{path}' has no bill to compare with.", "Take a run that is complete.")
    seconds = float(load["duration_s"])  # what the bill's hour is of, too: without the wait for last answers
    if seconds <= 0:
        raise UsageError(f"The run in '{path}' sent nothing.", "Take a run that is complete.")
    return {
        "events_per_hour": float(result["events"]["accepted"] or 0) / seconds * 3600,
        "cost_per_hour": str(per_hour),
        "source": f"the run {path.name}",
    }
