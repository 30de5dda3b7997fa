"""The reference pipeline on an embedded AWS of a test's own, as whoever is outside reaches it."""

from __future__ import annotations

import contextlib
import json
import socket
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import urlopen

from deploy.pipeline import LiveLocation
from deploy.standup.packaging import PackageCache
from harness.pipeline import Cloud, DeployParameters
from tests.deploy.standing import embedded

HANGS_AFTER_S = 60.0
"""A request without an answer for so long hangs: longer than any that is meant to wait (SQS, 20 s)."""


@dataclass(frozen=True)
class Deployed:
    """Two accounts, each with a user; webhooks only to public hosts, unless the settings say otherwise."""

    cloud: Cloud
    pipeline: LiveLocation
    outputs: Mapping[str, Any]
    logs: Path

    @property
    def edge(self) -> str:
        """The URL that clients know."""
        return str(self.cloud.endpoints[""])

    @property
    def address(self) -> tuple[str, int]:
        """Host and port of it."""
        parts = urlsplit(self.edge)
        assert parts.hostname is not None
        assert parts.port is not None
        return parts.hostname, parts.port

    def health(self) -> Any:
        """What the emulator says of itself."""
        with urlopen(f"{self.edge}/_launchday/health", timeout=HANGS_AFTER_S) as answer:
            return json.load(answer)

    def metered(self) -> dict[tuple[str, str, str], float]:
        """What every process has counted since it began, by service, resource and unit."""
        with urlopen(f"{self.edge}/_launchday/observation", timeout=HANGS_AFTER_S) as answer:
            usage = json.load(answer)["usage"]
        return {(service, resource, unit): value for service, resource, unit, value in usage}

    def log(self) -> str:
        """All that its processes have logged."""
        return "".join(path.read_text(errors="replace") for path in sorted(self.logs.glob("*.log*")))


@contextlib.contextmanager
def deployed(folder: Path, **settings: str) -> Iterator[Deployed]:
    """Stand it up, and take it down."""
    with embedded(folder / "aws") as cloud:
        pipeline = LiveLocation("slow", PackageCache(folder / "packages"))
        outputs = pipeline.deploy(cloud, DeployParameters(accounts=2, settings=settings))
        yield Deployed(cloud, pipeline, outputs, folder / "aws" / "logs")


def spoken(address: tuple[str, int], request: bytes, *, ends: bool = False) -> bytes:
    """What a server says to these bytes until it closes the connection. `ends`: nothing follows them, and the
    server is told. A server that says nothing and does not close is a failure."""
    until_s = time.monotonic() + HANGS_AFTER_S
    said = bytearray()
    with socket.create_connection(address, timeout=HANGS_AFTER_S) as connection:
        with contextlib.suppress(ConnectionError):  # it may refuse before it has read all
            connection.sendall(request)
            if ends:
                connection.shutdown(socket.SHUT_WR)
        while True:
            connection.settimeout(max(0.001, until_s - time.monotonic()))
            try:
                chunk = connection.recv(1 << 16)
            except ConnectionError:
                return bytes(said)
            except TimeoutError:
                raise AssertionError(f"it hangs after {bytes(said[:200])!r}: {request!r}") from None
            if not chunk:
                return bytes(said)
            said += chunk


def status_of(said: bytes) -> int:
    """The status of the last answer in `said`, passing over `100 Continue`; 0 when there is none."""
    while said.startswith(b"HTTP/1.1 100"):
        said = said.partition(b"\r\n\r\n")[2]
    return int(said[9:12]) if said.startswith(b"HTTP/1.") else 0
