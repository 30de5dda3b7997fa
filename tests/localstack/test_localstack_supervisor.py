"""The supervisor: LocalStack (a fake) and its companion (the real one), from their start to their end."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from harness.aws.limits.profiles import ESTABLISHED
from harness.emulator.companion.paths import ENVIRONMENTS_PATH
from harness.emulator.services.lambda_.function_settings import RUNTIMES
from harness.emulator.services.lambda_.hosted.interpreters import Interpreters, version_of
from harness.errors import PortInUse, TargetError, TargetLost
from harness.targets.localstack import environment, extension, shipped
from harness.targets.localstack.environment import Environment
from harness.targets.localstack.launch import LocalStack
from harness.targets.localstack.target import LocalStackObserver
from tests.localstack import fakes
from tests.waiting import until

pytestmark = pytest.mark.slow

WITHIN_S = 30.0


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Environment:
    monkeypatch.setenv(environment.DIR_VARIABLE, str(tmp_path))
    beside = f"extension-env-{extension.fingerprint(shipped.extension())}"
    return Environment(fakes.localstack(tmp_path, "env", beside))


@contextlib.contextmanager
def started(fake: Environment, **more: Any) -> Iterator[LocalStack]:
    with LocalStack(fake, port=0, limits=ESTABLISHED, **more) as aws:
        yield aws


def below(aws: LocalStack) -> list[psutil.Process]:
    """The supervisor and all that it started, directly or not."""
    supervisor = psutil.Process(aws.pid)
    return [supervisor, *supervisor.children(recursive=True)]


def ended(processes: list[psutil.Process]) -> bool:
    return not [each for each in processes if each.is_running() and each.status() != psutil.STATUS_ZOMBIE]


def status(url: str) -> int:
    with urllib.request.urlopen(url, timeout=WITHIN_S) as answer:
        return int(answer.status)


def test_both_serve_and_nothing_is_left(fake: Environment) -> None:
    with started(fake) as aws:
        assert aws.endpoints[""].startswith("http://127.0.0.1:")
        assert status(f"{aws.endpoints['']}/_localstack/health") == 200
        assert status(f"{aws.observed_at}/_launchday/health") == 200
        running, folder = below(aws), aws.data_dir
        assert len(running) >= 4  # with the process that LocalStack has in a session of its own
        assert folder.is_dir()
    assert ended(running)
    assert not folder.exists()


def test_logs_are_kept(fake: Environment, tmp_path: Path) -> None:
    with started(fake, logs_dir=tmp_path / "logs"):
        pass
    assert "LocalStack version: fake" in (tmp_path / "logs" / "localstack.log").read_text()


@pytest.mark.parametrize(
    ("which", "said"),
    [
        ("localstack", "LocalStack was killed by SIGKILL; everything on it was lost. Its log ends with:"),
        ("companion", "LocalStack's companion was killed by SIGKILL; all of appsync, authorizers, cognito"),
    ],
)
def test_when_one_dies_the_other_is_ended_and_it_is_said(fake: Environment, which: str, said: str) -> None:
    with started(fake) as aws:
        running = below(aws)
        os.kill(aws.processes[which], signal.SIGKILL)
        until(lambda: not aws.alive(), "its end is seen", within_s=WITHIN_S)
        assert ended(running)
        assert aws.incidents[0].startswith(said)
        assert "nothing" not in aws.incidents[0]
        with pytest.raises(TargetLost) as caught:
            LocalStackObserver(aws.observed_at, lambda: aws.incidents[0]).observe()
        assert caught.value.message == aws.incidents[0]


@pytest.mark.parametrize("which", ["localstack", "companion"])
def test_whoever_looks_at_once_is_told_how_it_ended(fake: Environment, which: str) -> None:
    with started(fake) as aws:
        observer = LocalStackObserver(aws.observed_at, lambda: next(iter(aws.incidents), None))
        os.kill(aws.processes[which], signal.SIGKILL)
        with pytest.raises(TargetLost, match="was killed by SIGKILL"):
            # before the kernel has ended it, it is seen well
            until(lambda: observer.observe() is None, "its end is observed", within_s=WITHIN_S)


def test_nothing_is_left_when_the_supervisor_is_killed(fake: Environment) -> None:
    with started(fake) as aws:
        running = below(aws)
        os.kill(aws.pid, signal.SIGKILL)
        until(lambda: ended(running), "all has ended", within_s=WITHIN_S)


@pytest.mark.parametrize("how", ["deaf", "stuck"])
def test_a_localstack_that_does_not_stop_is_ended_when_the_supervisor_is_killed(
    fake: Environment, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LS_LOG", how)
    with started(fake) as aws:
        localstack = psutil.Process(aws.processes["localstack"])
        (child,) = localstack.children()
        try:
            os.kill(aws.pid, signal.SIGKILL)
            until(lambda: ended([localstack]), "LocalStack has ended", within_s=WITHIN_S)
            if how == "deaf":
                until(lambda: ended([child]), "its child has ended", within_s=WITHIN_S)
        finally:
            with contextlib.suppress(psutil.NoSuchProcess):  # nothing can be done of what is stuck
                child.kill()


def test_functions_may_run_on_the_python_that_the_environment_was_made_with(fake: Environment) -> None:
    finder = Interpreters()
    missing = [each for each in RUNTIMES if "is not found here" in str(finder.of(each).note)]
    if not missing:
        pytest.skip("this machine has a Python for every runtime")
    major, minor = version_of(missing[0])
    base = fakes.program(fake.folder.parent / "far" / "python", f"echo cpython {major} {minor}")
    (fake.folder / "venv" / "pyvenv.cfg").write_text(f"executable = {base}\n")
    (fake.folder / "whole.json").write_text('{"python": "3.13.0"}')
    code = {"runtime": missing[0], "architecture": "x86_64", "folder": str(fake.folder), "layers": []}
    with started(fake) as aws:
        asked = urllib.request.Request(
            f"{aws.observed_at}{ENVIRONMENTS_PATH}/checks", json.dumps(code).encode()
        )
        with urllib.request.urlopen(asked, timeout=WITHIN_S) as answer:
            assert "is not found here" not in answer.read().decode()


def test_what_ends_before_it_is_ready_says_its_last_words(
    fake: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LS_LOG", "fail")
    said = (
        r"LocalStack ended with exit code 3 before it was ready; its log, .*, ends with: .* \| it cannot be"
    )
    with pytest.raises(TargetError, match=said), started(fake):
        pass


def test_a_port_that_is_taken_is_said_with_by_whom(fake: Environment) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with (
            pytest.raises(
                PortInUse, match=f"Port {port} on 127.0.0.1 is already in use by process {os.getpid()}"
            ),
            LocalStack(fake, port=port, limits=ESTABLISHED),
        ):
            pass


def test_only_the_parts_that_are_turned_on_are_offered(fake: Environment) -> None:
    with started(fake, parts=("cognito", "dynamodb")) as aws:
        assert aws.facts["parts"] == ["cognito", "dynamodb"]
        with urllib.request.urlopen(f"{aws.observed_at}/_launchday/health", timeout=WITHIN_S) as answer:
            assert b'"parts":["cognito","dynamodb"]' in answer.read()
