"""`python -m harness.load.watchers --plan PLAN.json --out DIR`: the watchers' process.

Says on standard output, a JSON line each: {"type": "connecting", "connected", "of"} each second until all are
there; {"type": "ready"}; {"type": "second", ...} each second; and at the end {"type": "done"} or {"type":
"error", "message", "remedy", "exit_code"}. On SIGINT or SIGTERM it waits until nothing has come for a second,
writes what it has, and ends; with --lifeline it does so too when its standard input ends.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import signal
import sys
import threading
from pathlib import Path

import uvloop

from harness.errors import LaunchdayError
from harness.load.plan import LoadPlan
from harness.load.reporting import error_to, say
from harness.load.watchers.crowd import watch


def main(arguments: list[str] | None = None) -> int:
    """Watch; the exit code is that of the error, if any, else 0."""
    parser = argparse.ArgumentParser(prog="python -m harness.load.watchers", description=__doc__)
    parser.add_argument(
        "--plan", type=Path, required=True, help="the load plan, as LoadPlan.to_json gives it"
    )
    parser.add_argument("--out", type=Path, required=True, help="the folder for the receipts")
    parser.add_argument("--lifeline", action="store_true", help="stop when standard input ends")
    options = parser.parse_args(arguments)
    try:
        _run(LoadPlan.read(options.plan), options.out, lifeline=options.lifeline)
    except LaunchdayError as error:
        say("error", **error_to(error))
        return error.exit_code
    say("done")
    return 0


def _run(plan: LoadPlan, out: Path, *, lifeline: bool) -> None:
    async def until_stopped() -> None:
        stopping, loop = asyncio.Event(), asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stopping.set)
        if lifeline:
            threading.Thread(target=_hold_lifeline, args=(loop, stopping), daemon=True).start()
        await watch(plan, out, stopping, say)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(until_stopped())


def _hold_lifeline(loop: asyncio.AbstractEventLoop, stopping: asyncio.Event) -> None:
    while os.read(0, 1):
        pass
    with contextlib.suppress(RuntimeError):  # the loop may be closed already
        loop.call_soon_threadsafe(stopping.set)


if __name__ == "__main__":
    sys.exit(main())
