"""What the emulator needs of the machine, checked before anything is started: a port, files, a disk."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import resource
import shlex
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import IO

import psutil

from harness.errors import PortInUse, TargetError

ENOUGH_FILES = 8_192
MAX_FILES = 65_536
MACOS_FILES = 10_240
"""What macOS allows a process (OPEN_MAX), where it says that there is no limit."""
_BACKLOG = 1_024
_PROBE_BYTES = 1_000_000


def listen(host: str, port: int) -> socket.socket:
    """A listening socket. Raises PortInUse, saying by whom, or TargetError when the address is not ours."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
        listening.listen(_BACKLOG)
    except OSError as error:
        listening.close()
        if error.errno == errno.EADDRINUSE:
            raise PortInUse(
                f"Port {port} on {host} is already in use{_by_whom(port)}.",
                "Stop that, or choose another port with --port.",
            ) from None
        raise TargetError(
            f"Port {port} on {host} cannot be listened on: {error.strerror or error}."
        ) from None
    except OverflowError:
        listening.close()
        raise TargetError(f"{port} is not a port.", "Choose one from 1 to 65535, or 0 for any.") from None
    return listening


def _by_whom(port: int) -> str:
    """` by process <pid> (<command>)`, as far as this user may know it."""
    try:
        pids = [
            c.pid for c in psutil.net_connections(kind="tcp") if c.pid and _listens(c.status, c.laddr, port)
        ]
        owner = _eldest(psutil.Process(pids[0]), port)
    except (psutil.Error, IndexError):
        return ""
    try:
        return f" by process {owner.pid} ({shlex.join(owner.cmdline())[:200]})"
    except psutil.Error:
        return f" by process {owner.pid}"


def _eldest(owner: psutil.Process, port: int) -> psutil.Process:
    """The eldest that is seen to have the socket: it may have been handed down, and that one is to be
    stopped. A process that may not be looked into (those of other users) is not seen to have it."""
    with contextlib.suppress(psutil.Error):
        while (parent := owner.parent()) and any(
            _listens(c.status, c.laddr, port) for c in parent.net_connections("tcp")
        ):
            owner = parent
    return owner


def _listens(status: str, address: Sequence[object], port: int) -> bool:
    return status == psutil.CONN_LISTEN and tuple(address[1:2]) == (port,)


def raise_file_limit() -> str | None:
    """Let this process and its children open as many files as they are allowed to. Returns a warning when
    that is fewer than a surge may need."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MAX_FILES if hard == resource.RLIM_INFINITY else min(hard, MAX_FILES)
    for limit in (wanted, min(wanted, MACOS_FILES)):
        if soft == resource.RLIM_INFINITY or soft >= limit:
            break
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
            soft = limit
    if soft != resource.RLIM_INFINITY and soft < ENOUGH_FILES:
        return (
            f"Only {soft} files may be open at once; a surge may need {ENOUGH_FILES}. "
            f"Raise the limit with `ulimit -n {ENOUGH_FILES}`."
        )
    return None


def claim_data_dir(path: Path) -> IO[bytes]:
    """Make `path`, see that it can be written to, and lock it until the returned file is closed.

    Raises TargetError in one sentence: not writable, full, or in use by another emulator."""
    probe = path / "probe"
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        probe.write_bytes(b"\0" * _PROBE_BYTES)
        probe.unlink()
        lock = (path / "lock").open("ab")
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise TargetError(f"The disk that holds {path} is full.", "Free some space there.") from None
        raise TargetError(
            f"The data directory {path} cannot be written to: {error.strerror or error}.",
            "Make it writable.",
        ) from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.close()
        raise TargetError(
            f"Another emulator uses the data directory {path}.", "Stop that one first."
        ) from None
    return lock


def child_environment() -> dict[str, str]:
    """This process's environment without what would lead the emulator to a real AWS account or, for
    what is local, to a proxy."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return {
        **kept,
        "NO_PROXY": ",".join(filter(None, (os.environ.get("NO_PROXY"), "127.0.0.1", "localhost"))),
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }
