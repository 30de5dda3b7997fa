"""Starts and stops an AWS of this machine from another process."""

from __future__ import annotations

import contextlib
import os
import queue
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

import orjson

from harness.aws.limits.profiles import Limits
from harness.emulator.command_line import DEFAULT_PORT, shared_options
from harness.errors import PortInUse, TargetError

START_TIMEOUT_S = 90.0
STOP_TIMEOUT_S = 15.0
_TEMPORARY = Path(tempfile.gettempdir())  # asked before anything starts: Python tries it out with a file


class Foreground:
    """A supervisor as a child of this process: it ends when this process does, however that came about.

    `called` is how sentences name it. `command` runs it; a data directory in it that is temporary is named by
    `temporary`, too: the supervisor removes it at its end, and `stop` whatever is left.
    """

    def __init__(
        self,
        called: str,
        command: Sequence[str],
        temporary: Path | None = None,
        stop_timeout_s: float = STOP_TIMEOUT_S,
    ) -> None:
        self._called = called
        self._stop_timeout_s = stop_timeout_s
        self._command = list(command)
        self._temporary = temporary
        self._process: subprocess.Popen[bytes] | None = None
        self._ready: Mapping[str, Any] = {}
        self._events: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        self._last_words: deque[str] = deque(maxlen=5)
        self.warnings: list[str] = []
        self.incidents: list[str] = []
        """What died so far, a sentence each, known as soon as the supervisor knows it."""

    def start(self) -> Self:
        """Start it and wait until it serves. Raises PortInUse or TargetError; nothing runs then."""
        try:
            self._start()
        except BaseException:  # a Ctrl-C too
            self.stop()
            raise
        return self

    def _start(self) -> None:
        self._process = subprocess.Popen(
            [*self._command, "--lifeline", *(["--temporary"] if self._temporary else [])],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C is for the run, which then stops us in order
        )
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        _pump(self._process.stdout, self._take_event, lambda: self._events.put(None))
        _pump(
            self._process.stderr, lambda line: self._last_words.append(line.decode(errors="replace").strip())
        )
        self._await_ready()

    @property
    def endpoints(self) -> Mapping[str, str]:
        """boto3's service name to URL; `""` serves every service."""
        endpoints: Mapping[str, str] = self._ready.get("endpoints", {})
        return endpoints

    @property
    def facts(self) -> Mapping[str, Any]:
        """What it said of itself when it was ready."""
        return self._ready

    @property
    def observed_at(self) -> str:
        """The URL whose `/_launchday/observation` tells of it."""
        return str(self._ready.get("observed_at") or self.endpoints[""])

    @property
    def pid(self) -> int:
        """The supervisor's process id. Raises TargetError before `start`."""
        if self._process is None:
            raise TargetError(f"{self._called} was not started.")
        return self._process.pid

    def alive(self) -> bool:
        """Whether the supervisor runs."""
        return self._process is not None and self._process.poll() is None

    def stop(self) -> None:
        """Stop it, by force when it does not stop in time. Nothing to stop is no error."""
        process, self._process = self._process, None
        if process is not None:
            if process.stdin is not None:
                with contextlib.suppress(OSError):
                    process.stdin.close()
            try:
                process.wait(self._stop_timeout_s)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        if self._temporary is not None:
            shutil.rmtree(self._temporary, ignore_errors=True)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _await_ready(self) -> None:
        deadline = time.monotonic() + START_TIMEOUT_S
        while True:
            try:
                event = self._events.get(timeout=max(deadline - time.monotonic(), 0.0))
            except queue.Empty:
                raise TargetError(f"{self._called} was not ready after {START_TIMEOUT_S:.0f} s.") from None
            if event is None:
                raise TargetError(f"{self._called} ended before it was ready: {' '.join(self._last_words)}")
            if event["event"] == "error":
                raise error_of(event)
            if event["event"] == "ready":
                self._ready = event
                return

    def _take_event(self, line: bytes) -> None:
        event = orjson.loads(line)
        if event["event"] == "warning":
            self.warnings.append(event["message"])
        elif event["event"] == "incident":
            self.incidents.append(event["message"])
        else:
            self._events.put(event)


class EmbeddedAws(Foreground):
    """The embedded AWS as a child of this process.

    `data_dir` None is a temporary folder, removed at the end; `logs_dir` None is `logs` in it; `port` 0 is
    any free one.
    """

    def __init__(
        self,
        *,
        port: int = DEFAULT_PORT,
        host: str = "127.0.0.1",
        data_dir: Path | None = None,
        logs_dir: Path | None = None,
        limits: Limits,
        region: str = "us-east-1",
        allow_origins: Sequence[str] = (),
        allow_deliveries: Sequence[str] = (),
    ) -> None:
        self.data_dir = data_dir or temporary_folder()
        where = logs_dir or self.data_dir / "logs"
        super().__init__(
            "The embedded AWS",
            command(host, port, self.data_dir, where, limits, region, allow_origins, allow_deliveries),
            None if data_dir else self.data_dir,
        )


def temporary_folder() -> Path:
    """A name that is nobody's yet, for a folder that ends with what writes there."""
    return _TEMPORARY / f"launchday-{uuid.uuid4().hex}"


def command(
    host: str,
    port: int,
    data_dir: Path,
    logs_dir: Path,
    limits: Limits,
    region: str,
    allow_origins: Sequence[str],
    allow_deliveries: Sequence[str],
) -> list[str]:
    """The command that runs the embedded AWS in the foreground."""
    hosts = [word for name in allow_deliveries for word in ("--allow-delivery", name)]
    shared = shared_options(
        port=port,
        data_dir=data_dir,
        logs_dir=logs_dir,
        limits=limits,
        region=region,
        allow_origins=allow_origins,
    )
    return [sys.executable, "-m", "harness.emulator", "--host", host, *shared, *hosts]


def error_of(event: Mapping[str, Any]) -> TargetError:
    """The error that the supervisor's error event tells of."""
    kind = PortInUse if event.get("kind") == "PortInUse" else TargetError
    return kind(event["message"], event.get("remedy"))


def end_process(pid: int, timeout_s: float = STOP_TIMEOUT_S) -> None:
    """Stop a supervisor that is not our child; by force when it does not stop in time."""
    import psutil

    try:
        process = psutil.Process(pid)
        process.send_signal(signal.SIGTERM)
        process.wait(timeout_s)
    except psutil.TimeoutExpired:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    except psutil.NoSuchProcess:
        return


def _pump(stream: IO[bytes], take: Any, end: Any = None) -> None:
    """Read `stream` to its end in a thread, line by line."""

    def run() -> None:
        for line in stream:
            take(line)
        if end is not None:
            end()

    threading.Thread(target=run, daemon=True, name="foreground").start()
