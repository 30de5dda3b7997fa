"""`python -m harness.targets.localstack`: LocalStack and its companion in the foreground.

Prints JSON lines, as `python -m harness.emulator` does: one `{"event": "ready", "endpoints": {...}, ...}`,
then incidents and warnings; or one `{"event": "error", ...}`, and exits with its code.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path

from harness.emulator.command_line import add_shared_options, exit_code_of, say, shared_settings
from harness.emulator.companion.parts import parts_of
from harness.targets.localstack.environment import Environment
from harness.targets.localstack.supervisor import Settings, Supervisor


def main() -> int:
    """Run until stopped; the exit code."""
    arguments = _parser().parse_args()
    return exit_code_of(lambda: asyncio.run(Supervisor(_settings(arguments), say).run()))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m harness.targets.localstack", description="LocalStack.")
    parser.add_argument("--environment", type=Path, required=True, help="the installed one")
    add_shared_options(parser)
    parser.add_argument("--parts", default="", help="Launchday's own parts, with commas (default: all)")
    return parser


def _settings(arguments: argparse.Namespace) -> Settings:
    """Raises TargetError for a part that there is not."""
    return Settings(
        environment=Environment(arguments.environment.absolute()),
        parts=tuple(sorted(parts_of(arguments.parts))),
        **shared_settings(arguments),
    )


if __name__ == "__main__":
    sys.exit(main())
