"""A companion process of a test's own, and a LocalStack that is a list of what it was asked."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.aws.limits.profiles import ESTABLISHED, Limits
from harness.emulator.child import ProcessConfig
from harness.emulator.machine import child_environment, listen
from harness.pipeline import Cloud
from harness.targets.local import local_cloud
from tests.serving import Request, serving


@dataclass
class RunningCompanion:
    """One that serves. `stdin` is its lifeline."""

    url: str
    process: subprocess.Popen[bytes]

    def client(self, service: str, **config: Any) -> Any:
        """boto3's client of a service, without retries."""
        return self.cloud.client(service, retries={"max_attempts": 1}, **config)

    @property
    def cloud(self) -> Cloud:
        """How its API is reached."""
        return local_cloud({"": self.url})

    def get(self, path: str) -> Any:
        """The JSON that it answers to a GET."""
        with urllib.request.urlopen(self.url + path, timeout=20) as answer:
            return json.load(answer)

    def post(self, path: str) -> Any:
        """The JSON that it answers to a POST."""
        with urllib.request.urlopen(
            urllib.request.Request(self.url + path, method="POST"), timeout=20
        ) as answer:
            return json.load(answer)


@contextmanager
def companion(
    data_dir: Path, localstack: str = "http://127.0.0.1:1", parts: str = "", limits: Limits = ESTABLISHED
) -> Iterator[RunningCompanion]:
    """A companion of the LocalStack at that URL, for the time of a `with` block."""
    with listen("127.0.0.1", 0) as listening:
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        config = ProcessConfig(
            name="companion",
            listen_fd=listening.fileno(),
            endpoints={"companion": url, "localstack": localstack},
            data_dir=data_dir,
            limits=limits,
        )
        process = subprocess.Popen(
            [sys.executable, "-m", "harness.emulator.companion"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            pass_fds=(listening.fileno(),),
            start_new_session=True,
            env={**child_environment(), "LAUNCHDAY_PARTS": parts},
        )
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(config.to_json())
            process.stdin.flush()
            assert json.loads(process.stdout.readline()) == {"event": "ready"}
            yield RunningCompanion(url, process)
        finally:
            process.stdin.close()
            process.wait(timeout=30)
            process.stdout.close()


def start_alone(data_dir: Path, *arguments: str, parts: str = "cognito,appsync") -> subprocess.Popen[bytes]:
    """A companion without a supervisor, of no LocalStack unless `arguments` name one."""
    return subprocess.Popen(
        [
            *(sys.executable, "-m", "harness.emulator.companion.alone", "--data-dir", str(data_dir)),
            *("--localstack", "http://127.0.0.1:1", *arguments),
        ],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        env={**child_environment(), "LAUNCHDAY_PARTS": parts},
    )


@contextmanager
def lone_companion(
    data_dir: Path, *arguments: str, parts: str = "cognito,appsync"
) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """One that serves, on a free port, for the time of a `with` block: its URL and its process."""
    process = start_alone(data_dir, "--port", "0", *arguments, parts=parts)
    assert process.stdout is not None
    try:
        listening = json.loads(process.stdout.readline())
        assert listening["event"] == "listening"
        assert json.loads(process.stdout.readline()) == {"event": "ready"}
        yield listening["url"], process
    finally:
        process.terminate()
        process.wait(timeout=30)
        process.stdout.close()


@dataclass
class FakeLocalStack:
    """One that answers what it was given to, and keeps the paths and bodies that it was asked."""

    url: str
    asked: list[tuple[str, bytes]]


@contextmanager
def fake_localstack(answers: Mapping[str, bytes]) -> Iterator[FakeLocalStack]:
    """`answers` maps a path to the body of the answer to a POST; any other is 404."""
    asked: list[tuple[str, bytes]] = []

    def respond(request: Request) -> None:
        asked.append((request.path, request.body()))
        request.answer(200 if request.path in answers else 404, answers.get(request.path, b""))

    with serving("POST", respond) as url:
        yield FakeLocalStack(url, asked)
