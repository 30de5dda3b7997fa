"""What every process under the supervisor does first and last.

A child is started with its listening socket inherited, its configuration as the first line of standard input,
and reports on standard output, both as JSON lines. Standard input is the lifeline too: its end is the end of
the supervisor, however that came about, and the child stops. Standard error is its log.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import faulthandler
import gc
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import orjson

from harness.aws.limits.profiles import Limits, limits_from_json, limits_to_json

_PR_SET_PDEATHSIG = 1
_GRACE_S = 4.0


@dataclass(frozen=True)
class ProcessConfig:
    """All that a child is told. `endpoints` maps the names of the processes to their URLs: edge, state, push
    and moto; the companion's are companion, localstack and, where they go by another, clients."""

    name: str
    listen_fd: int
    endpoints: Mapping[str, str]
    data_dir: Path
    limits: Limits
    region: str = "us-east-1"
    allow_origins: tuple[str, ...] = ()
    allow_deliveries: tuple[str, ...] = ()
    incidents: tuple[str, ...] = ()
    interpreters: tuple[str, ...] = ()
    """Pythons of this machine that functions may run on, beside those that are found."""
    supervisor_pid: int = 0
    credential_secret: str = field(default="", repr=False)
    """By which functions' access keys are made and recognized; another for each start of the emulator."""

    def to_json(self) -> bytes:
        """One line."""
        values = {
            **asdict(self),
            "data_dir": str(self.data_dir),
            "limits": limits_to_json(self.limits),
        }
        return orjson.dumps(values) + b"\n"

    @classmethod
    def from_json(cls, line: bytes) -> ProcessConfig:
        """The inverse of `to_json`."""
        values: dict[str, Any] = orjson.loads(line)
        values["data_dir"] = Path(values["data_dir"])
        values["limits"] = limits_from_json(values["limits"])
        values["allow_origins"] = tuple(values["allow_origins"])
        values["allow_deliveries"] = tuple(values["allow_deliveries"])
        values["incidents"] = tuple(values["incidents"])
        values["interpreters"] = tuple(values["interpreters"])
        return cls(**values)


@dataclass
class Supervision:
    """The child's side of its bond with the supervisor."""

    config: ProcessConfig
    listening: socket.socket
    stopping: asyncio.Event
    incidents: list[str] = field(default_factory=list)
    """What the supervisor said of the emulator so far, a sentence each."""
    _control: int = 1

    def report_ready(self) -> None:
        """Tell the supervisor that this process serves. What is loaded by now stays, so the garbage collector
        need not look at it again."""
        gc.collect()
        gc.freeze()
        with contextlib.suppress(OSError):  # nobody listening is no error here: the lifeline will say so
            os.write(self._control, b'{"event":"ready"}\n')


Main = Callable[[Supervision], Awaitable[None]]
"""A process: starts, reports ready, waits for `stopping`, closes."""


def run_child(main: Main) -> None:
    """Be a child: read the configuration, hold the lifeline, run `main` until told to stop."""
    lines = _lines(0)
    config = ProcessConfig.from_json(next(lines))
    _die_with(config.supervisor_pid)
    _serve(main, config, lines)


def run_alone(main: Main, config: ProcessConfig) -> None:
    """Be such a process without a supervisor: run `main` until SIGTERM or SIGINT. Reports go to standard
    output all the same."""
    _serve(main, config, None)


def _serve(main: Main, config: ProcessConfig, lines: Iterator[bytes] | None) -> None:
    control = _claim_stdout()
    faulthandler.enable()
    logging.basicConfig(
        level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s", stream=sys.stderr
    )
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(_run(main, config, control, lines))


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """uvloop's, where there is uvloop."""
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop


async def _run(main: Main, config: ProcessConfig, control: int, lines: Iterator[bytes] | None) -> None:
    loop = asyncio.get_running_loop()
    supervision = Supervision(
        config, socket.socket(fileno=config.listen_fd), asyncio.Event(), list(config.incidents), control
    )
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, supervision.stopping.set)
    if lines is not None:
        threading.Thread(
            target=_hold_lifeline, args=(supervision, loop, lines), daemon=True, name="lifeline"
        ).start()
    await main(supervision)


def _hold_lifeline(supervision: Supervision, loop: asyncio.AbstractEventLoop, lines: Iterator[bytes]) -> None:
    """Hear what the supervisor says until it is gone; then stop, by force when that does not come about."""
    for line in lines:
        message = orjson.loads(line)
        if "incident" in message:
            loop.call_soon_threadsafe(supervision.incidents.append, message["incident"])
    with contextlib.suppress(RuntimeError):
        loop.call_soon_threadsafe(supervision.stopping.set)
    threading.Event().wait(_GRACE_S)
    end_process_group()


def _lines(fd: int) -> Iterator[bytes]:
    """The lines read from `fd`. Not through a buffered reader: the thread that waits in one is a fatal error
    when the interpreter ends."""
    rest = b""
    while chunk := os.read(fd, 65_536):
        *whole, rest = (rest + chunk).split(b"\n")
        yield from whole


def end_process_group() -> None:
    """End this process and all that it started, at once. It leads a group of its own when supervised."""
    if os.getpgrp() == os.getpid():
        os.killpg(os.getpid(), signal.SIGKILL)
    os._exit(1)


def _claim_stdout() -> int:
    """Keep standard output for reports, and send what libraries print to the log."""
    control = os.dup(1)
    os.dup2(2, 1)
    return control


def _die_with(supervisor_pid: int) -> None:
    """Have the kernel send SIGTERM when the supervisor dies, where it can; the lifeline works everywhere."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if supervisor_pid and os.getppid() != supervisor_pid:
        sys.exit("The supervisor ended before this process began.")
