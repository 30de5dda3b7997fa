"""`python -m harness.emulator.companion.alone`: the companion of a LocalStack that somebody else started, as
the one in a container is, without a supervisor: until SIGTERM or SIGINT.

Prints `{"event": "listening", "url": ...}` and, once it serves, `{"event": "ready"}`; or one
`{"event": "error", ...}`, and exits with its code. `LAUNCHDAY_PARTS` says which parts it offers. `lambda` is
none of them: the code of functions is on LocalStack's disk, which need not be this one.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from urllib.parse import urlsplit

from harness.aws.limits.profiles import ESTABLISHED
from harness.emulator.__main__ import say, say_error
from harness.emulator.child import ProcessConfig, run_alone
from harness.emulator.companion.parts import PARTS_VARIABLE, parts_of
from harness.emulator.companion.process import main as serve
from harness.emulator.gateway.hosts import parse_host
from harness.emulator.machine import claim_data_dir, listen, raise_file_limit
from harness.errors import LaunchdayError, UsageError


def main() -> int:
    """Run until stopped; the exit code."""
    arguments = _parser().parse_args()
    try:
        _run(arguments)
    except LaunchdayError as error:
        return say_error(error)
    return 0


def _run(arguments: argparse.Namespace) -> None:
    """Raises LaunchdayError when it cannot begin."""
    localstack = _url(arguments.localstack)
    known_as = _known_name(arguments.known_as) if arguments.known_as else None
    if "lambda" in parts_of(os.environ.get(PARTS_VARIABLE, "")):
        raise UsageError(
            "A companion that is started alone runs no functions: their code is on LocalStack's disk.",
            f"Say which parts it offers, {PARTS_VARIABLE}=cognito,appsync for one, and leave lambda out.",
        )
    warning = raise_file_limit()
    if warning is not None:
        say({"event": "warning", "message": warning})
    data_dir = arguments.data_dir.absolute()
    with claim_data_dir(data_dir), listen(arguments.host, arguments.port) as listening:
        port = listening.getsockname()[1]
        own = f"http://127.0.0.1:{port}"
        say({"event": "listening", "url": own})
        config = ProcessConfig(
            name="companion",
            listen_fd=os.dup(listening.fileno()),  # whoever serves closes it
            endpoints={"companion": own, "localstack": localstack, "clients": known_as or own},
            data_dir=data_dir,
            limits=ESTABLISHED,
            region=arguments.region,
            allow_origins=tuple(arguments.allow_origin),
        )
        run_alone(serve, config)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m harness.emulator.companion.alone", description="The companion of a LocalStack."
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=4570, help="0 is any free port (default: %(default)s)")
    parser.add_argument("--localstack", required=True, metavar="URL", help="where LocalStack is")
    parser.add_argument(
        "--known-as",
        metavar="URL",
        help="by which address clients reach it, a name of this machine's (default: the one it listens on)",
    )
    parser.add_argument("--data-dir", type=Path, required=True, help="for all that is written")
    parser.add_argument("--region", default="us-east-1", help="the Region of unsigned requests")
    parser.add_argument(
        "--allow-origin",
        action="append",
        default=[],
        help="let pages of this origin (https://app.example:3000) in; may be repeated",
    )
    return parser


def _known_name(text: str) -> str:
    """An address whose name the companion answers to. Raises UsageError for any other: requests to it would
    all be refused."""
    url = _url(text)
    if parse_host(urlsplit(url).netloc) is None:
        raise UsageError(
            f"The companion does not answer to the name in '{text}': others could point it at this machine.",
            "Use an address, localhost, or a name that ends in localhost.localstack.cloud.",
        )
    return url


def _url(text: str) -> str:
    """An address like http://127.0.0.1:4566. Raises UsageError for any other."""
    try:
        parsed = urlsplit(text.rstrip("/"))
        usable = parsed.scheme == "http" and bool(parsed.hostname) and parsed.port != 0 and not parsed.path
    except ValueError:
        usable = False
    if not usable:
        raise UsageError(f"'{text}' is no address like http://127.0.0.1:4566.")
    return text.rstrip("/")


if __name__ == "__main__":
    sys.exit(main())
