"""Starts LocalStack with its companion from another process: in the foreground of a run, or left standing."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from harness.aws.limits.profiles import Limits
from harness.emulator import standing
from harness.emulator.command_line import DEFAULT_PORT, shared_options
from harness.emulator.companion.parts import PARTS
from harness.emulator.launch import Foreground, temporary_folder
from harness.emulator.standing import LOCALSTACK, STOP_TIMEOUTS_S, Standing
from harness.errors import UsageError
from harness.targets.localstack.environment import Environment


class LocalStack(Foreground):
    """LocalStack and its companion as children of this process.

    `data_dir` None is a temporary folder, removed at the end; `logs_dir` None is `logs` in it; `port` 0 is
    any free one; `parts` are Launchday's own that are turned on."""

    def __init__(
        self,
        environment: Environment,
        *,
        port: int = DEFAULT_PORT,
        data_dir: Path | None = None,
        logs_dir: Path | None = None,
        limits: Limits,
        region: str = "us-east-1",
        parts: Sequence[str] = PARTS,
        allow_origins: Sequence[str] = (),
    ) -> None:
        self.data_dir = data_dir or temporary_folder()
        where = logs_dir or self.data_dir / "logs"
        super().__init__(
            "LocalStack",
            command(environment, port, self.data_dir, where, limits, region, parts, allow_origins),
            None if data_dir else self.data_dir,
            STOP_TIMEOUTS_S[LOCALSTACK],
        )

    @property
    def processes(self) -> Mapping[str, int]:
        """The process ids of `localstack` and `companion`."""
        found: Mapping[str, int] = self.facts["processes"]
        return found


def leave_standing(
    environment: Environment,
    *,
    port: int,
    limits: Limits,
    region: str,
    parts: Sequence[str] = PARTS,
    allow_origins: Sequence[str] = (),
) -> Standing:
    """Start one that outlives this process. Raises PortInUse or TargetError: also when one stands already."""
    return standing.leave(
        LOCALSTACK,
        lambda data, logs: command(environment, port, data, logs, limits, region, parts, allow_origins),
        limits=limits.name,
    )


def command(
    environment: Environment,
    port: int,
    data_dir: Path,
    logs_dir: Path,
    limits: Limits,
    region: str,
    parts: Sequence[str],
    allow_origins: Sequence[str],
) -> list[str]:
    """The command that runs LocalStack and its companion in the foreground."""
    shared = shared_options(
        port=port,
        data_dir=data_dir,
        logs_dir=logs_dir,
        limits=limits,
        region=region,
        allow_origins=allow_origins,
    )
    return [
        *(sys.executable, "-m", "harness.targets.localstack"),
        *("--environment", str(environment.folder), *shared, "--parts", ",".join(parts)),
    ]


def parts_without(left_out: Sequence[str]) -> tuple[str, ...]:
    """Launchday's parts but for those named. Raises UsageError for one that there is not, or when none is
    left."""
    named = {name.strip().lower() for text in left_out for name in text.split(",") if name.strip()}
    unknown = sorted(named - set(PARTS))
    if unknown:
        raise UsageError(
            f"There is no part {' or '.join(unknown)} to leave out.", f"The parts are {', '.join(PARTS)}."
        )
    parts = tuple(part for part in PARTS if part not in named)
    if not parts:
        raise UsageError(
            "Without all of its parts there is nothing of Launchday's in that LocalStack.",
            "Start LocalStack as its own documentation says, and name it with --target endpoint.",
        )
    return parts
