"""Everything that can go wrong, and the exit code that says so.

LaunchdayError
  · UsageError               exit 2   wrong use or configuration
  · TargetError              exit 3   the target could not be started, or the pipeline not deployed
    · PortInUse
  · TargetLost               exit 3   the target, or a part of it, went away during a run
  · MeasurementInvalid       exit 4   the numbers cannot be trusted, or the ledger could not be read
  · Interrupted              exit 130 somebody pressed Ctrl-C

Each message is one clear sentence; `remedy`, where there is one, says what to do.
"""

from __future__ import annotations

EXIT_MET = 0
EXIT_MISSED = 1
EXIT_USAGE = 2
EXIT_TARGET = 3
EXIT_INVALID = 4
EXIT_INTERRUPTED = 130


class LaunchdayError(Exception):
    """The base of all errors that a person is meant to read."""

    exit_code = EXIT_TARGET

    def __init__(self, message: str, remedy: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message} {self.remedy}" if self.remedy else self.message


class UsageError(LaunchdayError):
    """Wrong use or configuration: nothing was started."""

    exit_code = EXIT_USAGE


class TargetError(LaunchdayError):
    """The target could not be started, or the pipeline could not be deployed on it."""

    exit_code = EXIT_TARGET


class PortInUse(TargetError):
    """The port that the target needs is taken."""


class TargetLost(LaunchdayError):
    """The target, or one of its processes, went away while it was in use."""

    exit_code = EXIT_TARGET


class MeasurementInvalid(LaunchdayError):
    """What was measured cannot be trusted, or the ledger could not be read."""

    exit_code = EXIT_INVALID


class Interrupted(LaunchdayError):
    """Somebody pressed Ctrl-C."""

    exit_code = EXIT_INTERRUPTED
