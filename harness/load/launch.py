"""The generator as its parent sees it: a process that is started, listened to, and stopped.

Nothing here imports locust or gevent, which would patch the parent's standard library.
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
from dataclasses import dataclass, fields
from pathlib import Path
from types import TracebackType
from typing import IO, Any

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

_SILENCE_S = 60.0
_STOP_S = 10.0
_ERRORS: dict[int, type[LaunchdayError]] = {
    EXIT_USAGE: UsageError,
    EXIT_TARGET: TargetError,
    EXIT_INVALID: MeasurementInvalid,
    EXIT_INTERRUPTED: Interrupted,
}


@dataclass(frozen=True, slots=True)
class Ready:
    """All workers are there and have read the plan; the first arrival is about to be sent."""


@dataclass(frozen=True, slots=True)
class Second:
    """One second of the run. Counts are of this second, but `devices` (different ones so far) and
    `in_flight` (now). `t` is its start in seconds since the epoch; percentiles are of the requests
    accepted in it, from the planned start, None when there was none."""

    t: float
    planned: int
    sent: int
    dropped: int
    accepted: int
    throttled: int
    failed: int
    indeterminate: int
    retries: int
    events_sent: int
    events_accepted: int
    devices: int
    in_flight: int
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None
    lateness_p99_ms: float | None


@dataclass(frozen=True, slots=True)
class Done:
    """The generator has ended and its files are complete. `interrupted` when it was told to stop early."""

    interrupted: bool


GeneratorEvent = Ready | Second | Done
_SECOND_FIELDS = tuple(field.name for field in fields(Second))


def command(plan: Path, out: Path) -> list[str]:
    """What starts the generator's process."""
    return [sys.executable, "-m", "harness.load", "--plan", str(plan), "--out", str(out), "--lifeline"]


class Generator:
    """The process `python -m harness.load`. A context manager: on exit no process is left.

    `out` is the folder for summary.json, timeline.ndjson and acceptance.npy; what the process writes to its
    standard error goes to `log`."""

    def __init__(self, plan: LoadPlan, out: Path, log: Path | None = None) -> None:
        self._plan = plan
        self._out = out
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None
        self._lines: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._plan_file: Path | None = None

    @property
    def pid(self) -> int | None:
        """The process's id once it was started."""
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Start the process. Returns at once; `events` begins with Ready. Raises MeasurementInvalid when the
        plan cannot be written."""
        # Named before it is made: a Ctrl-C in between still finds what to remove.
        self._plan_file = Path(tempfile.gettempdir()) / f"launchday-plan-{uuid.uuid4().hex}.json"
        self._write_plan(self._plan_file)
        with self._open_log() as log:
            self._process = subprocess.Popen(
                command(self._plan_file, self._out),
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

    def _forget_plan(self) -> None:
        if self._plan_file is not None:
            self._plan_file.unlink(missing_ok=True)

    def _open_log(self) -> IO[bytes]:
        return (self._log or Path(os.devnull)).open("ab")

    def _read(self, stdout: IO[bytes]) -> None:
        for line in stdout:
            self._lines.put(line)
        self._lines.put(None)

    def events(self) -> Iterator[GeneratorEvent]:
        """What the generator says, to its end.

        Raises the LaunchdayError that it reports, and MeasurementInvalid when it dies or falls silent."""
        while True:
            try:
                line = self._lines.get(timeout=_SILENCE_S)
            except queue.Empty:
                self._kill()
                raise MeasurementInvalid(
                    f"The load generator said nothing for {_SILENCE_S:.0f} s and was ended."
                ) from None
            if line is None:
                raise self._died()
            event = _parse(line)
            if isinstance(event, Ready):
                self._forget_plan()  # it was read; nothing is left of it when we are killed
            if event is not None:
                yield event
            if isinstance(event, Done):
                return

    def _died(self) -> MeasurementInvalid:
        assert self._process is not None
        code = self._process.wait()
        how = f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"
        where = f"Its log is {self._log}." if self._log else None
        return MeasurementInvalid(f"The load generator {how} in the middle of the run.", where)

    def stop(self) -> None:
        """End it: by SIGINT, after which it writes what it has; by SIGKILL when that takes over 10 s.

        What it still says can be had from `events` afterwards."""
        if self._process is None or self._process.poll() is not None:
            return
        self._process.send_signal(signal.SIGINT)
        try:
            self._process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            self._kill()

    def _kill(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    def __enter__(self) -> Generator:
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
            self._forget_plan()


def _parse(line: bytes) -> GeneratorEvent | None:
    """The event in a line. Raises the error that it reports; MeasurementInvalid for a line that is none."""
    try:
        row: dict[str, Any] = json.loads(line)
        kind = row["type"]
        if kind == "second":
            return Second(**{name: row[name] for name in _SECOND_FIELDS})
        if kind == "ready":
            return Ready()
        if kind == "done":
            return Done(bool(row["interrupted"]))
        if kind == "error":
            error = _ERRORS.get(int(row["exit_code"]), LaunchdayError)
            raise error(str(row["message"]), row.get("remedy"))
    except (ValueError, KeyError, TypeError) as unreadable:
        raise MeasurementInvalid(
            f"The load generator said something unreadable: {line[:200]!r}."
        ) from unreadable
    raise MeasurementInvalid(f"The load generator said something unknown: {line[:200]!r}.")
