"""A LocalStack 4.14.0 with the extension, started beside a companion: for slow tests.

It needs a Python 3.13 environment with `localstack-core[runtime]==4.14.0` and the extension, which
`LAUNCHDAY_LOCALSTACK_PYTHON` names.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from harness.emulator.machine import child_environment
from harness.pipeline import Cloud
from tests.localstack.companions import RunningCompanion, companion

PYTHON_VARIABLE = "LAUNCHDAY_LOCALSTACK_PYTHON"
READY_TIMEOUT_S = 120.0


@dataclass
class RunningLocalStack:
    """One that serves, and its companion."""

    url: str
    companion: RunningCompanion
    process: subprocess.Popen[bytes]
    log: Path

    def client(self, service: str, *, access_key: str = "test", region: str = "us-east-1") -> Any:
        """boto3's client of a service, without retries."""
        cloud = Cloud(
            region=region, endpoints={"": self.url}, access_key_id=access_key, secret_access_key="test"
        )
        return cloud.client(service, retries={"max_attempts": 1})

    def get(self, path: str) -> Any:
        """The JSON that it answers to a GET."""
        with urllib.request.urlopen(self.url + path, timeout=20) as answer:
            return json.load(answer)


def localstack_python() -> str:
    """The interpreter of its environment. Skips the test when there is none."""
    python = os.environ.get(PYTHON_VARIABLE, "")
    if not python:
        pytest.skip(f"{PYTHON_VARIABLE} names no environment with LocalStack 4.14.0 and the extension")
    return python


@contextmanager
def localstack(folder: Path, parts: str = "", **environment: str) -> Iterator[RunningLocalStack]:
    """A LocalStack and its companion, for the time of a `with` block; nothing of them is left after it."""
    python = localstack_python()
    port = _free_port()
    url = f"http://127.0.0.1:{port}"
    with companion(folder / "companion", url, parts) as beside:
        log = folder / "localstack.log"
        settings = {
            "LAUNCHDAY_COMPANION_URL": beside.url,
            "LAUNCHDAY_PARTS": parts,
            **_settings(folder, port),
            **environment,
        }
        with log.open("wb") as output:
            process = subprocess.Popen(
                [python, "-m", "localstack.runtime.main"],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                cwd=folder,
                env={**child_environment(), **settings},
            )
        try:
            _await_ready(url, process, log)
            yield RunningLocalStack(url, beside, process, log)
        finally:
            _stop(process)


def _settings(folder: Path, port: int) -> Mapping[str, str]:
    return {
        "GATEWAY_LISTEN": f"127.0.0.1:{port}",
        "DNS_ADDRESS": "0",
        "DISABLE_EVENTS": "1",
        "SKIP_SSL_CERT_DOWNLOAD": "1",
        "HOME": str(folder),
        "XDG_CACHE_HOME": str(folder / "cache"),
        "LOCALSTACK_VOLUME_DIR": str(folder / "volume"),
        "FILESYSTEM_ROOT": str(folder / "root"),
        "TMPDIR": str(_made(folder / "tmp")),
        "LAMBDA_EVENT_SOURCE_MAPPING_POLL_INTERVAL_SEC": "0.05",
    }


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _await_ready(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + READY_TIMEOUT_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            with urllib.request.urlopen(url + "/_localstack/health", timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    raise AssertionError(f"LocalStack is not ready:\n{log.read_text()[-4000:]}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(timeout=30)
    except subprocess.TimeoutExpired:
        pass
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
