"""An AWS of this machine that is left standing (`launchday up`), and how it is found again.

One of each kind may stand. A state file tells where it is. It is believed only when the process it names
still runs and is still the same one, so a file left behind by a crash or a reboot is nothing. Of one
that ended of itself another file keeps how, until the next one starts.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import orjson
import platformdirs
import psutil

from harness.aws.limits.profiles import Limits
from harness.emulator.command_line import DEFAULT_PORT
from harness.emulator.launch import (
    START_TIMEOUT_S,
    STOP_TIMEOUT_S,
    command,
    end_process,
    error_of,
)
from harness.errors import TargetError

EMBEDDED = "embedded"
LOCALSTACK = "localstack"
KINDS: Mapping[str, str] = {EMBEDDED: "embedded AWS", LOCALSTACK: "LocalStack"}
"""What can stand, by the names that `--target` has for it, and how sentences name it."""
STOP_TIMEOUTS_S: Mapping[str, float] = {LOCALSTACK: 30.0}
"""How long a stop may take, where it is longer than usual."""
_POLL_S = 0.05
_OWNER_ONLY = 0o600


@dataclass(frozen=True)
class Standing:
    """An AWS that stands. `started_at_s` is the start of its process, to tell it from another one with the
    same id."""

    pid: int
    started_at_s: float
    port: int
    endpoints: Mapping[str, str]
    data_dir: str
    limits: str
    notes: Mapping[str, object] = field(default_factory=dict)
    """What whoever started it wants to find again, JSON-able."""
    kind: str = EMBEDDED
    facts: Mapping[str, Any] = field(default_factory=dict)
    """What it said of itself when it was ready, beside its endpoints."""

    @property
    def keeps_pipeline(self) -> bool:
        """Whether whoever started it keeps a pipeline up on it."""
        return "outputs" in self.notes

    @property
    def observed_at(self) -> str:
        """The URL whose `/_launchday/observation` tells of it."""
        return str(self.facts.get("observed_at") or self.endpoints[""])


@dataclass(frozen=True)
class Ended:
    """One that stood, on `port`, and that nobody stopped. `reason` is a sentence."""

    port: int
    reason: str
    logs: str


def state_file(kind: str = EMBEDDED) -> Path:
    """Where the state is kept; LAUNCHDAY_STATE_DIR moves it."""
    folder = os.environ.get("LAUNCHDAY_STATE_DIR") or platformdirs.user_state_dir("launchday")
    return Path(folder) / f"{_of(kind, 'standing')}.json"


def find_kept(kind: str | None = None) -> list[Standing]:
    """Those that keep a pipeline, of this kind or of any, the embedded AWS first."""
    found = [find(each) for each in KINDS if kind in (None, each)]
    return [stands for stands in found if stands is not None and stands.keeps_pipeline]


def find(kind: str = EMBEDDED) -> Standing | None:
    """The one of this kind that stands, or None. A state file of one that does not is removed: see
    `ended`."""
    path = state_file(kind)
    standing = None
    try:
        standing = Standing(**orjson.loads(path.read_bytes()))
        process = psutil.Process(standing.pid)
        if abs(process.create_time() - standing.started_at_s) < 1.0 and process.status() != "zombie":
            return standing
    except FileNotFoundError:
        return None
    except (OSError, TypeError, ValueError, psutil.Error):
        pass
    if standing is not None:
        _keep_end(standing)
    path.unlink(missing_ok=True)
    return None


def ended(kind: str = EMBEDDED) -> Ended | None:
    """How the one of this kind that stood last ended, where none stands and nobody stopped it."""
    if find(kind) is not None:
        return None
    try:
        return Ended(**orjson.loads(_ended_file(kind).read_bytes()))
    except (OSError, TypeError, ValueError):
        return None


def said_at_its_end(kind: str) -> str | None:
    """What the supervisor of the one that stands, or stood last, said of a death that it could not mend, or
    of what ended itself: a sentence."""
    with contextlib.suppress(OSError):
        for event in _events(supervisor_log(kind)):
            terminal = ("error", "incident") if kind == LOCALSTACK else ("error",)
            if event.get("event") in terminal:
                return str(event.get("message"))
    return None


def _keep_end(standing: Standing) -> None:
    reason = said_at_its_end(standing.kind) or (
        f"its supervisor, process {standing.pid}, is gone and said nothing (it was killed, or this machine "
        "was started again)."
    )
    ended = Ended(standing.port, reason, str(logs_dir(standing.kind)))
    _write(_ended_file(standing.kind), asdict(ended))


def _ended_file(kind: str) -> Path:
    return state_file(kind).with_name(f"{_of(kind, 'ended')}.json")


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
    """Start an embedded AWS that outlives this process. Raises PortInUse or TargetError: also when one stands
    already.

    `data_dir` None is a folder beside the state file, removed when it is stopped; logs stay there."""
    return leave(
        EMBEDDED,
        lambda data, logs: command(host, port, data, logs, limits, region, allow_origins, allow_deliveries),
        limits=limits.name,
        data_dir=data_dir,
    )


def leave(
    kind: str, command_in: Callable[[Path, Path], Sequence[str]], *, limits: str, data_dir: Path | None = None
) -> Standing:
    """Start what outlives this process: `command_in` gives its command, for a data directory and one for
    logs. See `start`."""
    already = find(kind)
    if already is not None:
        raise TargetError(
            f"{_one(kind)} stands already, at {already.endpoints['']} (process {already.pid}).",
            f"Use it, or stop it with `{_stopped_with(kind)}`.",
        )
    folder = data_dir or state_file(kind).parent / _of(kind, "data")
    logs = logs_dir(kind)
    log_path = supervisor_log(kind)
    _ended_file(kind).unlink(missing_ok=True)
    arguments = command_in(folder, logs)
    process = _spawn([*arguments, *([] if data_dir else ["--temporary"])], log_path)
    event = _await_ready(process, log_path, kind)
    endpoints: dict[str, str] = event["endpoints"]
    standing = Standing(
        pid=process.pid,
        started_at_s=psutil.Process(process.pid).create_time(),
        port=int(endpoints[""].rpartition(":")[2]),
        endpoints=endpoints,
        data_dir=str(folder),
        limits=limits,
        kind=kind,
        facts={name: value for name, value in event.items() if name not in ("event", "endpoints", "pid")},
    )
    note(standing)
    return standing


def logs_dir(kind: str = EMBEDDED) -> Path:
    """Where the one of this kind that stands logs."""
    return state_file(kind).parent / _of(kind, "logs")


def supervisor_log(kind: str = EMBEDDED) -> Path:
    """What its supervisor says: a line of JSON an event."""
    return logs_dir(kind) / "supervisor.log"


def _of(kind: str, what: str) -> str:
    """The name of a file or a folder of this kind's own."""
    return what if kind == EMBEDDED else f"{what}-{kind}"


def _one(kind: str) -> str:
    return "An embedded AWS" if kind == EMBEDDED else f"A {KINDS[kind]}"


def _stopped_with(kind: str) -> str:
    return "launchday down" if kind == EMBEDDED else f"launchday {kind} stop"


def note(standing: Standing) -> None:
    """Write the state file: whole or not at all, and for its owner alone, since notes may hold keys."""
    _write(state_file(standing.kind), asdict(standing))


def _write(path: Path, facts: Mapping[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(f".{os.getpid()}")
    fresh.unlink(missing_ok=True)  # of a process of this id that was killed: it may be anyone's to read
    fresh.touch(_OWNER_ONLY, exist_ok=False)
    fresh.write_bytes(orjson.dumps(facts))
    fresh.replace(path)


def stop(kind: str = EMBEDDED) -> Standing | None:
    """Stop the one of this kind that stands and forget it; what was stopped, or None."""
    standing = find(kind)
    if standing is not None:
        end_process(standing.pid, STOP_TIMEOUTS_S.get(kind, STOP_TIMEOUT_S))
        state_file(kind).unlink(missing_ok=True)
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


def _await_ready(process: subprocess.Popen[bytes], log_path: Path, kind: str) -> dict[str, Any]:
    called = "The embedded AWS" if kind == EMBEDDED else KINDS[kind]
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        ended = process.poll() is not None
        for event in _events(log_path):
            if event.get("event") == "error":
                raise error_of(event)
            if event.get("event") == "ready":
                return event
        if ended:
            last = log_path.read_text(errors="replace").strip()[-300:]
            raise TargetError(f"{called} ended before it was ready: {last or 'it said nothing'}")
        time.sleep(_POLL_S)
    process.terminate()
    raise TargetError(f"{called} was not ready after {START_TIMEOUT_S:.0f} s; see {log_path}.")


def _events(log_path: Path) -> Iterator[dict[str, Any]]:
    """A supervisor's events so far. What else is in its log, tracebacks for one, is passed over."""
    for line in log_path.read_bytes().splitlines():
        with contextlib.suppress(ValueError):
            event = orjson.loads(line)
            if isinstance(event, dict):
                yield event
