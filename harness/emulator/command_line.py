"""The command lines of what runs in the foreground: the options that they share, written and read, and the
events that are printed, as lines of JSON."""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson

from harness.aws.limits.profiles import ESTABLISHED, Limits, limits_from_json, limits_to_json
from harness.errors import LaunchdayError

DEFAULT_PORT = 4566


def shared_options(
    *,
    port: int,
    data_dir: Path,
    logs_dir: Path,
    limits: Limits,
    region: str,
    allow_origins: Sequence[str],
) -> list[str]:
    """What a supervisor is started with, as `add_shared_options` has it read."""
    return [
        *("--port", str(port), "--region", region),
        *("--data-dir", str(data_dir), "--logs-dir", str(logs_dir)),
        *("--limits-json", orjson.dumps(limits_to_json(limits)).decode()),
        *(word for origin in allow_origins for word in ("--allow-origin", origin)),
    ]


def add_shared_options(parser: argparse.ArgumentParser) -> None:
    """The options of every supervisor."""
    add_served_options(parser, DEFAULT_PORT)
    parser.add_argument("--logs-dir", type=Path, help="for logs (default: logs in the data directory)")
    parser.add_argument(
        "--limits-json", help="the quotas, as limits_to_json gives them (default: established)"
    )
    parser.add_argument("--lifeline", action="store_true", help="stop when standard input ends")
    parser.add_argument("--temporary", action="store_true", help="remove the data directory at the end")


def add_served_options(parser: argparse.ArgumentParser, port: int) -> None:
    """The options of whatever serves, on `port` where nobody says another."""
    parser.add_argument("--port", type=int, default=port, help="0 is any free port (default: %(default)s)")
    parser.add_argument("--data-dir", type=Path, required=True, help="for all that is written")
    parser.add_argument("--region", default="us-east-1", help="the Region of unsigned requests")
    parser.add_argument(
        "--allow-origin",
        action="append",
        default=[],
        help="let pages of this origin (https://app.example:3000) in; may be repeated",
    )


def shared_settings(arguments: argparse.Namespace) -> dict[str, Any]:
    """The fields of supervising.Settings."""
    data_dir = arguments.data_dir.absolute()
    given = arguments.limits_json
    return {
        "port": arguments.port,
        "data_dir": data_dir,
        "logs_dir": arguments.logs_dir.absolute() if arguments.logs_dir else data_dir / "logs",
        "limits": limits_from_json({"name": "given", **json.loads(given)}) if given else ESTABLISHED,
        "region": arguments.region,
        "allow_origins": tuple(arguments.allow_origin),
        "lifeline": arguments.lifeline,
        "temporary": arguments.temporary,
    }


def exit_code_of(run: Callable[[], None]) -> int:
    """`run`, and the exit code; a LaunchdayError is printed as an event and has its own."""
    try:
        run()
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


def say(event: Mapping[str, Any]) -> None:
    """Print `event`; a reader that went away is no reason to stop."""
    with contextlib.suppress(OSError):
        sys.stdout.buffer.write(orjson.dumps(event) + b"\n")
        sys.stdout.buffer.flush()
