"""The command line: one file a command, no logic."""

from __future__ import annotations

import os
import signal
import sys
from types import FrameType

import click

from harness import __version__
from harness.cli.doctor import doctor
from harness.cli.down import down
from harness.cli.limits import limits
from harness.cli.localstack import localstack
from harness.cli.prices import prices
from harness.cli.report import report
from harness.cli.run import run
from harness.cli.scenarios import scenarios
from harness.cli.status import status
from harness.cli.up import up
from harness.errors import EXIT_INTERRUPTED, LaunchdayError


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="launchday", message="%(prog)s %(version)s")
def cli() -> None:
    """Rehearse the launch day of a serverless product: does it hold, what breaks first, what does it cost.

    Exit codes: 0 objectives met, 1 not met, 2 wrong use, 3 the target could not be started or was lost,
    4 the measurement is not valid, 130 interrupted.
    """


for command in (run, up, status, down, localstack, report, scenarios, prices, limits, doctor):
    cli.add_command(command)


def main() -> None:
    """The console script: runs a command and turns errors into one sentence and an exit code."""
    _listen_for_interrupts()
    try:
        code = cli.main(prog_name="launchday", standalone_mode=False)
    except click.exceptions.Abort:
        code = EXIT_INTERRUPTED
    except KeyboardInterrupt:
        click.echo("Interrupted.", err=True)
        code = EXIT_INTERRUPTED
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except LaunchdayError as error:
        click.echo(f"launchday: {error}", err=True)
        code = error.exit_code
    except BrokenPipeError:  # the reader of our output went away: `launchday prices | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    sys.exit(code)


def _listen_for_interrupts() -> None:
    """The first Ctrl-C (or SIGTERM) unwinds and keeps what was measured; the second ends at once. Every
    process that was started ends with this one, because each holds the other end of a pipe to it."""
    interrupted = False

    def on_signal(_signal: int, _frame: FrameType | None) -> None:
        nonlocal interrupted
        if interrupted:
            os._exit(EXIT_INTERRUPTED)
        interrupted = True
        raise KeyboardInterrupt

    signal.signal(signal.SIGINT, on_signal)
    signal.signal(signal.SIGTERM, on_signal)
