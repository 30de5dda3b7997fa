"""The files that LocalStack's environment is made of, in a checkout or in an installed wheel."""

from __future__ import annotations

from pathlib import Path

_HERE = Path(__file__).parent
_IN_WHEEL = _HERE / "shipped"
_IN_CHECKOUT = _HERE.parents[2] / "localstack"


def folder() -> Path:
    """The project's `localstack` folder: a wheel has it beside this module (pyproject.toml puts it there)."""
    return _IN_WHEEL if _IN_WHEEL.is_dir() else _IN_CHECKOUT


def constraints() -> Path:
    """What pip installs: everything pinned and hashed."""
    return folder() / "constraints.txt"


def kinesis() -> Path:
    """The folder with the npm lock of LocalStack's Kinesis."""
    return folder() / "kinesis"


def extension() -> Path:
    """The distribution `launchday-localstack`, as its source."""
    return folder() / "extension"
