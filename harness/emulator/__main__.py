"""`python -m harness.emulator`: the embedded AWS in the foreground.

Prints JSON lines: one `{"event": "ready", "endpoints": {...}, "pid": ...}`, then incidents and warnings;
or one `{"event": "error", "message": ..., "remedy": ..., "exit_code": ...}`, and exits with that code.
"""

from __future__ import annotations

import argparse
import asyncio
import sys

from harness.emulator.command_line import add_shared_options, exit_code_of, say, shared_settings
from harness.emulator.supervisor import Settings, Supervisor


def main() -> int:
    """Run until stopped; the exit code."""
    settings = _settings(_parser().parse_args())
    return exit_code_of(lambda: asyncio.run(Supervisor(settings, say).run()))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m harness.emulator", description="The embedded AWS.")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    add_shared_options(parser)
    parser.add_argument(
        "--allow-delivery",
        action="append",
        default=[],
        help="let SNS deliver to this host, beside this machine; may be repeated",
    )
    return parser


def _settings(arguments: argparse.Namespace) -> Settings:
    return Settings(
        host=arguments.host,
        allow_deliveries=tuple(arguments.allow_delivery),
        **shared_settings(arguments),
    )


if __name__ == "__main__":
    sys.exit(main())
