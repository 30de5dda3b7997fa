"""`python -m harness.targets.localstack`: LocalStack and its companion in the foreground.

Prints JSON lines, as `python -m harness.emulator` does: one `{"event": "ready", "endpoints": {...}, ...}`,
then incidents and warnings; or one `{"event": "error", ...}`, and exits with its code.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from pathlib import Path

from harness.aws.limits.profiles import ESTABLISHED, limits_from_json
from harness.emulator.__main__ import say
from harness.emulator.companion.parts import parts_of
from harness.errors import LaunchdayError
from harness.targets.localstack.environment import Environment
from harness.targets.localstack.supervisor import Settings, Supervisor


def main() -> int:
    """Run until stopped; the exit code."""
    try:
        asyncio.run(Supervisor(_settings(_parser().parse_args()), say).run())
    except LaunchdayError as error:
        say(
            {
                "event": "error",
                "message": error.message,
                "remedy": error.remedy,
                "exit_code": error.exit_code,
                "kind": type(error).__name__,
            }
        )
        return error.exit_code
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m harness.targets.localstack", description="LocalStack.")
    parser.add_argument("--environment", type=Path, required=True, help="the installed one")
    parser.add_argument("--port", type=int, default=4566, help="0 is any free port (default: %(default)s)")
    parser.add_argument("--data-dir", type=Path, required=True, help="for all that is written")
    parser.add_argument("--logs-dir", type=Path, help="for logs (default: logs in the data directory)")
    parser.add_argument("--limits-json", help="the quotas of the companion (default: established)")
    parser.add_argument("--parts", default="", help="Launchday's own parts, with commas (default: all)")
    parser.add_argument("--region", default="us-east-1", help="the Region of unsigned requests")
    parser.add_argument(
        "--allow-origin",
        action="append",
        default=[],
        help="let pages of this origin in; may be repeated",
    )
    parser.add_argument("--lifeline", action="store_true", help="stop when standard input ends")
    parser.add_argument("--temporary", action="store_true", help="remove the data directory at the end")
    return parser


def _settings(arguments: argparse.Namespace) -> Settings:
    data_dir = arguments.data_dir.absolute()
    given = arguments.limits_json
    return Settings(
        environment=Environment(arguments.environment.absolute()),
        port=arguments.port,
        data_dir=data_dir,
        logs_dir=arguments.logs_dir.absolute() if arguments.logs_dir else data_dir / "logs",
        limits=limits_from_json({"name": "given", **json.loads(given)}) if given else ESTABLISHED,
        parts=tuple(sorted(parts_of(arguments.parts))),
        region=arguments.region,
        allow_origins=tuple(arguments.allow_origin),
        lifeline=arguments.lifeline,
        temporary=arguments.temporary,
    )


if __name__ == "__main__":
    sys.exit(main())
