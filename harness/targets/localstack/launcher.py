"""LocalStack, in its own Python, with a lifeline: it ends when whoever started it does.

Run as a file by the Python of LocalStack's environment, so it imports nothing of Launchday's. Standard input
is the lifeline: its end is the end of the supervisor, however that came about. LocalStack stops in order
then (its Kinesis is a process in a session of its own, which nobody else would end), and by force when it
does not.
"""

from __future__ import annotations

import os
import runpy
import signal
import threading

_GRACE_S = 8.0


def _hold_lifeline() -> None:
    while os.read(0, 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    threading.Event().wait(_GRACE_S)
    import psutil  # LocalStack's environment has it

    for process in psutil.Process().children(recursive=True):
        process.kill()
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    threading.Thread(target=_hold_lifeline, daemon=True, name="lifeline").start()
    runpy.run_module("localstack.runtime.main", run_name="__main__", alter_sys=True)
