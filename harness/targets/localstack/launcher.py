"""LocalStack, in its own Python, with a lifeline: it ends when whoever started it does.

Run as a file by the Python of LocalStack's environment, so it imports nothing of Launchday's. Standard input
is the lifeline: its end is the end of the supervisor, however that came about. LocalStack stops in order
then (its Kinesis is a process in a session of its own, which nobody else would end), and by force when it
does not: after 8 s with all that it started, and after 10 s even where no Python of it can run any more.
"""

from __future__ import annotations

import contextlib
import faulthandler
import os
import runpy
import signal
import threading

import psutil  # LocalStack's environment has it, too

_GRACE_S = 8.0
_AT_LATEST_S = 10.0


def _hold_lifeline() -> None:
    while os.read(0, 4096):
        pass
    _speak_to_nobody()
    faulthandler.dump_traceback_later(_AT_LATEST_S, exit=True, file=2)  # it waits outside of the interpreter
    os.kill(os.getpid(), signal.SIGTERM)
    threading.Event().wait(_GRACE_S)
    try:
        for process in psutil.Process().children(recursive=True):
            with contextlib.suppress(psutil.Error):  # it has ended meanwhile
                process.kill()
    finally:
        os.kill(os.getpid(), signal.SIGKILL)


def _speak_to_nobody() -> None:
    """Whoever read what is printed is gone: LocalStack prints that it stops, and would fail at that."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for descriptor in (1, 2):
        os.dup2(nowhere, descriptor)


if __name__ == "__main__":
    threading.Thread(target=_hold_lifeline, daemon=True, name="lifeline").start()
    runpy.run_module("localstack.runtime.main", run_name="__main__", alter_sys=True)
