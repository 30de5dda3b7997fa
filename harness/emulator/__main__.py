"""`python -m harness.emulator`: the embedded AWS in the foreground.

Prints JSON lines: one `{"event": "ready", "endpoints": {...}, "pid": ...}`, then incidents and warnings;
or one `{"event": "error", "message": ..., "remedy": ..., "exit_code": ...}`, and exits with that code.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

from harness.aws.limits.profiles import ESTABLISHED, limits_from_json
from harness.emulator.supervisor import Settings, Supervisor
from harness.errors import LaunchdayError


def main() -> int:
    """Run until stopped; the exit code."""
    settings = _settings(_parser().parse_args())
    try:
        asyncio.run(Supervisor(settings, say).run())
    except LaunchdayError as error:
        return say_error(error)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m harness.emulator", description="The embedded AWS.")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=4566, help="0 is any free port (default: %(default)s)")
    parser.add_argument("--data-dir", type=Path, required=True, help="for bodies and records")
    parser.add_argument("--logs-dir", type=Path, help="for logs (default: logs in the data directory)")
    parser.add_argument(
        "--limits-json", help="the quotas, as limits_to_json gives them (default: established)"
    )
    parser.add_argument("--region", default="us-east-1", help="the Region of unsigned requests")
    parser.add_argument(
        "--allow-origin",
        action="append",
        default=[],
        help="let pages of this origin (https://app.example:3000) in; may be repeated",
    )
    parser.add_argument(
        "--allow-delivery",
        action="append",
        default=[],
        help="let SNS deliver to this host, beside this machine; may be repeated",
    )
    parser.add_argument("--lifeline", action="store_true", help="stop when standard input ends")
    parser.add_argument("--temporary", action="store_true", help="remove the data directory at the end")
    return parser


def _settings(arguments: argparse.Namespace) -> Settings:
    data_dir = arguments.data_dir.absolute()
    given = arguments.limits_json
    return Settings(
        host=arguments.host,
        port=arguments.port,
        data_dir=data_dir,
        logs_dir=arguments.logs_dir.absolute() if arguments.logs_dir else data_dir / "logs",
        limits=limits_from_json({"name": "given", **json.loads(given)}) if given else ESTABLISHED,
        region=arguments.region,
        allow_origins=tuple(arguments.allow_origin),
        allow_deliveries=tuple(arguments.allow_delivery),
        lifeline=arguments.lifeline,
        temporary=arguments.temporary,
    )


def say(event: Mapping[str, Any]) -> None:
    """Print `event`; a reader that went away is no reason to stop."""
    with contextlib.suppress(OSError):
        sys.stdout.buffer.write(orjson.dumps(event) + b"\n")
        sys.stdout.buffer.flush()


def say_error(error: LaunchdayError) -> int:
    """Print `error` as an event; the exit code that goes with it."""
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


if __name__ == "__main__":
    sys.exit(main())
