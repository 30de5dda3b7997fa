"""What a run that says that it is complete has not: parts that somebody removed or changed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from harness.errors import MeasurementInvalid
from harness.measure.acceptance import ACCEPTED
from harness.measure.files import seal
from harness.measure.run_folder import PARTS, RunFolder

_PLANNED: Final = (
    "scenario",
    "target",
    "limits",
    "scale",
    "seed",
    "region",
    "pipeline",
    "routes",
    "objectives",
    "unbilled",
    "free_tier",
)
"""What a verdict or a bill would be another one without."""


def gaps(folder: RunFolder) -> Iterator[str]:
    """A sentence for each; none for a run that is not complete, where anything may be missing."""
    if folder.state.status != "complete":
        return
    for name in dict.fromkeys((*PARTS, *folder.seals)):
        if not (folder.path / name).exists():
            yield f"'{folder.path / name}' is missing."
    if folder.state.ended_at_s is None:
        yield _damaged(folder, "run.json", "ended_at_s is missing")
    if folder.state.drain is None:
        yield _damaged(folder, "run.json", "drain is missing")
    if folder.state.unseen is None:
        yield _damaged(folder, "run.json", "unseen is missing")
    yield from _of_parts(folder)
    for name, sealed in folder.seals.items():
        path = folder.path / name
        if path.is_file() and seal(path) != sealed:
            yield f"'{path}' was changed after the run ended."


def _of_parts(folder: RunFolder) -> Iterator[str]:
    """Of parts that can be read; that one cannot be is said by whoever reads it."""
    try:
        plan = folder.plan()
        for name in _PLANNED if plan else ():
            if name not in plan:
                yield _damaged(folder, "plan.json", f"{name} is missing")
        for mark in ("load_start", "end"):
            if (folder.path / "usage.json").exists() and folder.marked_usage(mark) is None:
                yield _damaged(folder, "usage.json", f"{mark} is missing")
        accepted, ledger = folder.acceptance(), folder.ledger()
        if accepted is not None and ledger is not None:
            n = int((accepted == ACCEPTED).sum())
            if n != ledger.accepted:
                path = folder.load_path / "acceptance.npy"
                yield f"'{path}' has {n:,} accepted events, the ledger {ledger.accepted:,}."
    except MeasurementInvalid:
        return


def _damaged(folder: RunFolder, name: str, what: str) -> str:
    return f"'{folder.path / name}' is damaged: {what}."
