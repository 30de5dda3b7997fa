"""What a process that is given a plan says to its parent: JSON lines on standard output, errors as values."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Mapping
from typing import Any

from harness.errors import LaunchdayError, MeasurementInvalid, TargetError, UsageError


def say(kind: str, **facts: Any) -> None:
    """One line. Nobody listening is no error: the lifeline ends the process."""
    with contextlib.suppress(BrokenPipeError):
        sys.stdout.write(json.dumps({"type": kind, **facts}) + "\n")
        sys.stdout.flush()


def error_to(error: LaunchdayError) -> dict[str, Any]:
    """As plain values, for a message or a line."""
    return {"message": error.message, "remedy": error.remedy, "exit_code": error.exit_code}


def error_from(plain: Mapping[str, Any]) -> LaunchdayError:
    """The inverse of `error_to`."""
    known: dict[int, type[LaunchdayError]] = {
        UsageError.exit_code: UsageError,
        TargetError.exit_code: TargetError,
    }
    return known.get(plain["exit_code"], MeasurementInvalid)(plain["message"], plain["remedy"])
