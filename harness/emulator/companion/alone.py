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
from urllib.parse import urlsplit

from harness.aws.limits.profiles import ESTABLISHED
from harness.emulator.child import ProcessConfig, run_alone
from harness.emulator.command_line import add_served_options, exit_code_of, say
from harness.emulator.companion.parts import PARTS_VARIABLE, parts_of
from harness.emulator.companion.process import main as serve
from harness.emulator.gateway.hosts import parse_host
from harness.emulator.machine import claim_data_dir, listen, raise_file_limit
from harness.errors import UsageError


def main() -> int:
    """Run until stopped; the exit code."""
    arguments = _parser().parse_args()
    return exit_code_of(lambda: _run(arguments))


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
    add_served_options(parser, port=4570)
    parser.add_argument("--localstack", required=True, metavar="URL", help="where LocalStack is")
    parser.add_argument(
        "--known-as",
        metavar="URL",
        help="by which address clients reach it, a name of this machine's (default: the one it listens on)",
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
