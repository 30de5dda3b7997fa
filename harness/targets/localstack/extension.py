"""LocalStack's extension of ours, built from its source into the cache, told apart by its content.

It stands in a folder of its own and is put on LocalStack's path when LocalStack starts: LocalStack's
environment stays what its constraints say, and two checkouts with different extensions share it.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from pathlib import Path

from harness.errors import TargetError
from harness.targets.localstack import shipped
from harness.targets.localstack.environment import Environment, clean, root, run

_WITHIN_S = 120.0
_LEFT_OUT = ("__pycache__", "*.pyc", "build", "dist", "*.egg-info")


def build(environment: Environment) -> Path:
    """The folder that holds the extension as it is now, with its entry points; built if it is not there.

    Raises TargetError when it cannot be built."""
    source = shipped.extension()
    if not (source / "pyproject.toml").is_file():
        raise TargetError(f"LocalStack's extension is not at {source}.", "Install Launchday again.")
    folder = root() / f"extension-{environment.folder.name}-{fingerprint(source)}"
    if not folder.is_dir():
        _build(source, folder, environment)
    return folder


def fingerprint(source: Path) -> str:
    """A hash of the names and contents of the files of the extension."""
    digest = hashlib.sha256()
    for path in sorted(source.rglob("*")):
        parts = path.relative_to(source).parts
        if path.is_file() and not any(_is_left_out(part) for part in parts):
            digest.update("/".join(parts).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def _is_left_out(name: str) -> bool:
    return any(Path(name).match(pattern) for pattern in _LEFT_OUT)


def _build(source: Path, folder: Path, environment: Environment) -> None:
    """Whole or not at all: made beside, and renamed."""
    with tempfile.TemporaryDirectory(dir=root(), prefix="building-") as beside:
        copy, made = Path(beside, "source"), Path(beside, "made")
        shutil.copytree(source, copy, ignore=shutil.ignore_patterns(*_LEFT_OUT))  # a build writes beside it
        run(
            [*environment.pip, "--no-index", "--no-build-isolation", "--target", made, copy],
            clean(os.environ),
            _WITHIN_S,
            "LocalStack's extension could not be built",
        )
        try:
            made.rename(folder)
        except OSError:
            if not folder.is_dir():  # else somebody was faster, and theirs is the same
                raise
