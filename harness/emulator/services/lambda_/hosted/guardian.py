"""A process that outlives the host of environments, if only by a moment: `python guardian.py <variable>`.

When the host is killed, the kernel ends its functions with it. What they had started in sessions of their own
it does not know of. So the host tells the guardian the mark of every environment, over a pipe: `+<mark>` when
it begins and `-<mark>` when it has ended and been swept. The end of the pipe is the end of the host, however
it came about; then the guardian ends what carries a mark that is left, and itself. (A process that was
started without the environment of its function carries none, and is found by the host alone.)
This file runs as a script, apart from the package it lies in, so that it is small.
"""

from __future__ import annotations

import importlib.util
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

PROCESS_MODULE = Path(__file__).parents[1] / "environments" / "process.py"
SWEEPS = 3
SWEEP_EVERY_S = 0.2
"""More than once: what is being started while one looks is found by the next look."""


class Guardian:
    """The host's end of the pipe. A guardian that was killed itself is started again."""

    def __init__(self, variable: str) -> None:
        self._variable = variable
        self._marks: set[str] = set()
        self._process: subprocess.Popen[bytes] | None = None

    def begin(self, mark: str) -> None:
        """From now on what carries `mark` ends with this process."""
        self._marks.add(mark)
        if self._process is None or self._process.poll() is not None:
            self._start()
        else:
            self._tell(f"+{mark}")

    def end(self, mark: str) -> None:
        """Nothing carries `mark` any more."""
        self._marks.discard(mark)
        self._tell(f"-{mark}")

    def close(self) -> None:
        """The guardian ends, after a last look."""
        process, self._process = self._process, None
        if process is not None:
            assert process.stdin is not None
            process.stdin.close()
            process.wait()

    def _start(self) -> None:
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()
        self._process = subprocess.Popen(
            [sys.executable, __file__, self._variable],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
            bufsize=0,
        )
        for mark in self._marks:
            self._tell(f"+{mark}")

    def _tell(self, line: str) -> None:
        if self._process is None:
            return
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(f"{line}\n".encode())
        except OSError:  # it was killed; the next environment starts another, which is told all
            return


def main() -> None:
    """Be the guardian."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    marks: set[str] = set()
    rest = b""
    while chunk := os.read(0, 65_536):
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            mark = line[1:].decode()
            (marks.add if line[:1] == b"+" else marks.discard)(mark)
    if not marks:
        return
    spec = importlib.util.spec_from_file_location("_process", PROCESS_MODULE)
    assert spec is not None
    assert spec.loader is not None
    process = importlib.util.module_from_spec(spec)
    sys.modules["_process"] = process  # dataclasses look there
    spec.loader.exec_module(process)
    for _ in range(SWEEPS):
        process.kill_marked(sys.argv[1], marks)
        time.sleep(SWEEP_EVERY_S)


if __name__ == "__main__":
    main()
