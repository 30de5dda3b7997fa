"""An embedded AWS that is left standing (`launchday up`), and how it is found again.

A state file tells where it is. It is believed only when the process it names still runs and is still the same
one, so a file left behind by a crash or a reboot is nothing.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import orjson
import platformdirs
import psutil

from harness.aws.limits.profiles import Limits
from harness.emulator.launch import DEFAULT_PORT, START_TIMEOUT_S, command, end_process, error_of
from harness.errors import TargetError

_POLL_S = 0.05
_OWNER_ONLY = 0o600


@dataclass(frozen=True)
class Standing:
    """An embedded AWS that stands. `started_at_s` is the start of its process, to tell it from another one
    with the same id."""

    pid: int
    started_at_s: float
    port: int
    endpoints: Mapping[str, str]
    data_dir: str
    limits: str
    notes: Mapping[str, object] = field(default_factory=dict)
    """What whoever started it wants to find again, JSON-able."""


def state_file() -> Path:
    """Where the state is kept; LAUNCHDAY_STATE_DIR moves it."""
    folder = os.environ.get("LAUNCHDAY_STATE_DIR") or platformdirs.user_state_dir("launchday")
    return Path(folder) / "standing.json"


def find() -> Standing | None:
    """The embedded AWS that stands, or None. A state file of one that does not is removed."""
    path = state_file()
    try:
        standing = Standing(**orjson.loads(path.read_bytes()))
        process = psutil.Process(standing.pid)
        if abs(process.create_time() - standing.started_at_s) < 1.0 and process.status() != "zombie":
            return standing
    except FileNotFoundError:
        return None
    except (OSError, TypeError, ValueError, psutil.Error):
        pass
    path.unlink(missing_ok=True)
    return None


def start(
    *,
    port: int = DEFAULT_PORT,
    host: str = "127.0.0.1",
    data_dir: Path | None = None,
    limits: Limits,
    region: str = "us-east-1",
    allow_origins: Sequence[str] = (),
    allow_deliveries: Sequence[str] = (),
) -> Standing:
    """Start one that outlives this process. Raises PortInUse or TargetError: also when one stands already.

    `data_dir` None is a folder beside the state file, removed when it is stopped; logs stay there."""
    already = find()
    if already is not None:
        raise TargetError(
            f"An embedded AWS stands already, at {already.endpoints['']} (process {already.pid}).",
            "Use it, or stop it with `launchday down`.",
        )
    folder = data_dir or state_file().parent / "data"
    logs = state_file().parent / "logs"
    log_path = logs / "supervisor.log"
    arguments = command(host, port, folder, logs, limits, region, allow_origins, allow_deliveries)
    process = _spawn([*arguments, *([] if data_dir else ["--temporary"])], log_path)
    endpoints = _await_ready(process, log_path)
    standing = Standing(
        pid=process.pid,
        started_at_s=psutil.Process(process.pid).create_time(),
        port=int(endpoints[""].rpartition(":")[2]),
        endpoints=endpoints,
        data_dir=str(folder),
        limits=limits.name,
    )
    note(standing)
    return standing


def note(standing: Standing) -> None:
    """Write the state file: whole or not at all, and for its owner alone, since notes may hold keys."""
    path = state_file()
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(f".{os.getpid()}")
    fresh.unlink(missing_ok=True)  # of a process of this id that was killed: it may be anyone's to read
    fresh.touch(_OWNER_ONLY, exist_ok=False)
    fresh.write_bytes(orjson.dumps(asdict(standing)))
    fresh.replace(path)


def stop() -> Standing | None:
    """Stop the one that stands and forget it; what was stopped, or None."""
    standing = find()
    if standing is not None:
        end_process(standing.pid)
        state_file().unlink(missing_ok=True)
    return standing


def _spawn(arguments: Sequence[str], log_path: Path) -> subprocess.Popen[bytes]:
    """Start a supervisor that belongs to nobody; its events go to `log_path`."""
    try:
        log_path.parent.mkdir(parents=True, exist_ok=True)
        log = log_path.open("wb")
    except OSError as error:
        raise TargetError(f"{log_path} cannot be written: {error.strerror or error}.") from None
    with log:
        return subprocess.Popen(
            arguments,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def _await_ready(process: subprocess.Popen[bytes], log_path: Path) -> dict[str, str]:
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        ended = process.poll() is not None
        for line in log_path.read_bytes().splitlines():
            with contextlib.suppress(ValueError, KeyError, TypeError):
                event = orjson.loads(line)
                if event["event"] == "error":
                    raise error_of(event)
                if event["event"] == "ready":
                    endpoints: dict[str, str] = event["endpoints"]
                    return endpoints
        if ended:
            last = log_path.read_text(errors="replace").strip()[-300:]
            raise TargetError(f"The embedded AWS ended before it was ready: {last or 'it said nothing'}")
        time.sleep(_POLL_S)
    process.terminate()
    raise TargetError(f"The embedded AWS was not ready after {START_TIMEOUT_S:.0f} s; see {log_path}.")
