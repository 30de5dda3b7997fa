"""Objectives from flags and files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from harness.errors import UsageError
from harness.objectives import Objective


def read_objectives(texts: Sequence[str], path: Path | None) -> tuple[Objective, ...]:
    """Those of the file, then those of the flags. In a file, blank lines and what follows `#` are left out.

    Raises UsageError, with file and line, for a line that is no objective."""
    found = [] if path is None else _read(path)
    return (*found, *(Objective.parse(text) for text in texts))


def _read(path: Path) -> list[Objective]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or error
        raise UsageError(f"The objectives file '{path}' cannot be read: {why}.") from None
    found = []
    for number, line in enumerate(lines, start=1):
        text = line.partition("#")[0].strip()
        if not text:
            continue
        try:
            found.append(Objective.parse(text))
        except UsageError as error:
            raise UsageError(f"{path}, line {number}: {error.message}", error.remedy) from None
    return found
