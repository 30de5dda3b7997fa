"""A process that is given a plan and says a JSON line at a time what it does, as its parent sees it.

The generator and the watchers are such processes. Nothing here imports locust or gevent, which would patch
the parent's standard library.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from harness.errors import (
    EXIT_INTERRUPTED,
    EXIT_INVALID,
    EXIT_TARGET,
    EXIT_USAGE,
    Interrupted,
    LaunchdayError,
    MeasurementInvalid,
    TargetError,
    UsageError,
)
from harness.load.plan import LoadPlan

SILENCE_S = 60.0
STOP_S = 10.0
_ERRORS: dict[int, type[LaunchdayError]] = {
    EXIT_USAGE: UsageError,
    EXIT_TARGET: TargetError,
    EXIT_INVALID: MeasurementInvalid,
    EXIT_INTERRUPTED: Interrupted,
}

Row = dict[str, Any]


class PlannedChild:
    """`python -m <module> --plan FILE --out DIR --lifeline`. A context manager: on exit no process is left.

    `out` is the folder for what it writes; what it writes to its standard error goes to `log`."""

    module: str
    """What is run."""
    what: str
    """How errors name it: `load generator`."""

    def __init__(self, plan: LoadPlan, out: Path, log: Path | None = None) -> None:
        self._plan = plan
        self._out = out
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None
        self._lines: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._plan_file: Path | None = None

    def command(self, plan: Path) -> list[str]:
        """What starts the process."""
        return [sys.executable, "-m", self.module, "--plan", str(plan), "--out", str(self._out), "--lifeline"]

    @property
    def pid(self) -> int | None:
        """The process's id once it was started."""
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Start the process. Returns at once. Raises MeasurementInvalid when the plan cannot be written."""
        # Named before it is made: a Ctrl-C in between still finds what to remove.
        self._plan_file = Path(tempfile.gettempdir()) / f"launchday-plan-{uuid.uuid4().hex}.json"
        self._write_plan(self._plan_file)
        with self._open_log() as log:
            self._process = subprocess.Popen(
                self.command(self._plan_file),
                stdin=subprocess.PIPE,  # the lifeline: it ends with us, however we end
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,  # a Ctrl-C is for the parent to pass on
            )
        assert self._process.stdout is not None
        threading.Thread(target=self._read, args=(self._process.stdout,), daemon=True).start()

    def _write_plan(self, path: Path) -> None:
        try:
            self._out.mkdir(parents=True, exist_ok=True)
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)  # it has keys
            with os.fdopen(handle, "w", encoding="utf-8") as plan:
                json.dump(self._plan.to_json(), plan)
        except OSError as error:
            raise MeasurementInvalid(
                f"The load plan cannot be written: {error.strerror or error}."
            ) from error

    def forget_plan(self) -> None:
        """Remove the plan's file: the process has read it, and nothing is to be left of it."""
        if self._plan_file is not None:
            self._plan_file.unlink(missing_ok=True)

    def _open_log(self) -> IO[bytes]:
        return (self._log or Path(os.devnull)).open("ab")

    def _read(self, stdout: IO[bytes]) -> None:
        for line in stdout:
            self._lines.put(line)
        self._lines.put(None)

    def rows(self) -> Iterator[Row]:
        """What the process says, as long as it is listened to; each row has a `type`.

        Raises the LaunchdayError that it reports, and MeasurementInvalid when it dies or falls silent."""
        while True:
            try:
                line = self._lines.get(timeout=SILENCE_S)
            except queue.Empty:
                self._kill()
                raise MeasurementInvalid(
                    f"The {self.what} said nothing for {SILENCE_S:.0f} s and was ended."
                ) from None
            if line is None:
                raise self._died()
            yield self._row(line)

    def _row(self, line: bytes) -> Row:
        try:
            row: Row = json.loads(line)
            kind = row["type"]
            if kind == "error":
                error = _ERRORS.get(int(row["exit_code"]), LaunchdayError)
                raise error(str(row["message"]), row.get("remedy"))
        except (ValueError, KeyError, TypeError) as unreadable:
            raise self.unreadable(line) from unreadable
        return row

    def unreadable(self, line: object) -> MeasurementInvalid:
        """The error that it said something that it never says."""
        said = line if isinstance(line, bytes) else json.dumps(line).encode()
        return MeasurementInvalid(f"The {self.what} said something unreadable: {said[:200]!r}.")

    def _died(self) -> MeasurementInvalid:
        assert self._process is not None
        code = self._process.wait()
        how = f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"
        where = f"Its log is {self._log}." if self._log else None
        return MeasurementInvalid(f"The {self.what} {how} in the middle of the run.", where)

    def interrupt(self) -> None:
        """Ask it to write what it has and to end."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)

    def stop(self) -> None:
        """End it: by SIGINT, after which it writes what it has; by SIGKILL when that takes over 10 s.

        What it still says can be had from `rows` afterwards."""
        if self._process is None or self._process.poll() is not None:
            return
        self.interrupt()
        try:
            self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self._kill()

    def _kill(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:  # a Ctrl-C too: nobody calls __exit__ then
            self._end()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def _end(self) -> None:
        try:
            self.stop()
        finally:
            self._kill()
            if self._process is not None and self._process.stdin is not None:
                self._process.stdin.close()
            self.forget_plan()
