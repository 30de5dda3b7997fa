"""Result files: one a target, written by a run and never by hand.

`{"schema": "launchday.conformance/1", "target", "version", "behaviours": {id: {"outcome", "on", "error"?}}}`;
`on` is the day of the run (YYYY-MM-DD). A run of some of the cases keeps what the file says of the others, as
long as the version is the same.
"""

from __future__ import annotations

import json
from collections.abc import Container, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.conformance.verdicts import Verdict

SCHEMA = "launchday.conformance/1"
FOLDER = Path(__file__).parent / "results"


@dataclass(frozen=True)
class Run:
    """What was run against, and when."""

    target: str
    version: str
    on: str


def read(path: Path) -> dict[str, Any]:
    """A result file. Raises ValueError when it is none."""
    found: dict[str, Any] = json.loads(path.read_text())
    if found.get("schema") != SCHEMA:
        raise ValueError(f"{path} is no result file of the conformance suite")
    return found


def stored_outcome(target: str, version: str, id_: str) -> str | None:
    """What is stored of a behaviour on that version of a target; None when nothing is."""
    path = FOLDER / f"{target}.json"
    if not path.exists():
        return None
    found = read(path)
    row: dict[str, str] = found["behaviours"].get(id_, {})
    return row.get("outcome") if found["version"] == version else None


def write(path: Path, run: Run, verdicts: Mapping[str, Verdict], *, known: Container[str]) -> None:
    """Write what a run found, beside what the file has of the other behaviours that are `known`."""
    rows: dict[str, Any] = {}
    if path.exists() and (before := read(path))["version"] == run.version:
        rows = {id_: row for id_, row in before["behaviours"].items() if id_ in known}
    for id_, verdict in verdicts.items():
        rows[id_] = {"outcome": verdict.outcome, "on": run.on}
        if verdict.error:
            rows[id_]["error"] = verdict.error
    content = {
        "schema": SCHEMA,
        "target": run.target,
        "version": run.version,
        "behaviours": dict(sorted(rows.items())),
    }
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n")
