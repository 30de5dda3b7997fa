"""The extension's client of environments and the companion's process, without LocalStack between them."""

from __future__ import annotations

import os
import signal
import sys
import textwrap
import threading
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil
import pytest

from launchday_localstack.companion import Companion, CompanionUnreachable
from launchday_localstack.environments import Code, Environments, Outcome, Refused, Work
from tests.localstack.companions import RunningCompanion, companion
from tests.processes import gone

RUNTIME = f"python3.{sys.version_info.minor}"
ARN = "arn:aws:lambda:us-east-1:000000000000:function:app"


class Hosted:
    """Functions of a test, by the extension's client."""

    def __init__(self, folder: Path, running: RunningCompanion) -> None:
        self.running = running
        self.client = Environments(Companion(running.url))
        self._folder = folder

    def code(self, source: str) -> Code:
        folder = self._folder / uuid.uuid4().hex
        folder.mkdir(parents=True)
        (folder / "app.py").write_text(textwrap.dedent(source))
        return Code(RUNTIME, "x86_64", str(folder), [])

    def specification(self, id_: str, source: str, **changes: Any) -> dict[str, Any]:
        function = {
            "name": "app",
            "version": "$LATEST",
            "arn": ARN,
            "role": "arn:aws:iam::0:role/r",
            "handler": "app.handler",
            "timeout_s": 20,
            "memory_mb": 128,
        }
        return {
            "owner_pid": os.getpid(),
            "function": {**function, **self.code(source).members()},
            "log_group": "/aws/lambda/app",
            "log_stream": f"[$LATEST]{id_}",
            "variables": {
                "AWS_REGION": "us-east-1",
                "AWS_LAMBDA_FUNCTION_NAME": "app",
                "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
                "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128",
                "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/app",
            },
            **changes,
        }

    def start(self, source: str, **changes: Any) -> str:
        id_ = uuid.uuid4().hex
        self.client.start(id_, self.specification(id_, source, **changes))
        return id_

    def invoke(self, id_: str, payload: bytes = b"{}", request_id: str = "r") -> Outcome:
        return self.client.invoke(id_, Work(request_id, payload, ARN, "Root=1-2-3"), function_timeout_s=20)


@pytest.fixture
def hosted(tmp_path: Path) -> Iterator[Hosted]:
    with companion(tmp_path / "companion", parts="lambda") as running:
        yield Hosted(tmp_path, running)


ECHO = "import os\ndef handler(event, context): return [event, context.aws_request_id, os.getpid()]"


def test_an_environment_from_its_start_to_its_end(hosted: Hosted) -> None:
    assert hosted.client.check(hosted.code(ECHO)) == []
    id_ = hosted.start(ECHO)
    payload, is_error, logs = hosted.invoke(id_, b'{"a": 1}', "r-1")
    assert payload.startswith(b'[{"a": 1}, "r-1", ')
    assert not is_error
    assert logs.startswith("START RequestId: r-1 Version: $LATEST\n")
    assert hosted.client.logs(id_) == logs
    hosted.client.stop(id_)
    with pytest.raises(Refused) as refused:
        hosted.invoke(id_)
    assert refused.value.status == 404
    observed = hosted.running.get("/_launchday/observation?after=")
    assert [each["request_id"] for each in observed["invocations"]] == ["r-1"]
    assert ["lambda", "app", "requests", 1] in observed["usage"]


def test_an_error_is_told_apart_from_an_answer(hosted: Hosted) -> None:
    id_ = hosted.start("def handler(event, context): raise ValueError('nö')")
    payload, is_error, logs = hosted.invoke(id_)
    assert is_error
    assert b"ValueError" in payload
    assert "nö" in logs


def test_refusals_come_with_their_sentence(hosted: Hosted) -> None:
    with pytest.raises(Refused, match=r"Functions of the runtime ruby3\.4 cannot be run without Docker here"):
        hosted.client.check(hosted.code(ECHO)._replace(runtime="ruby3.4"))
    with pytest.raises(Refused, match="could not be initialized") as refused:
        hosted.start("1 / 0", provisioned=True)
    assert refused.value.status == 422
    assert "ZeroDivisionError" in str(refused.value.error)


def test_many_threads_at_once_each_in_an_environment_of_its_own(hosted: Hosted) -> None:
    ids = [hosted.start(ECHO) for _ in range(4)]
    together = threading.Barrier(4)

    def work(number: int) -> set[bytes]:
        together.wait()
        return {
            hosted.invoke(ids[number], f'"{number}-{turn}"'.encode(), f"r-{number}-{turn}").payload
            for turn in range(25)
        }

    with ThreadPoolExecutor(4) as callers:
        answers = list(callers.map(work, range(4)))
    for number, answered in enumerate(answers):
        pids = {each.rpartition(b" ")[2] for each in answered}
        assert len(pids) == 1
        assert len(answered) == 25
        assert all(each.startswith(f'["{number}-'.encode()) for each in answered)


def test_without_a_companion_there_is_no_environment() -> None:
    with pytest.raises(CompanionUnreachable):
        Environments(Companion("http://127.0.0.1:1")).check(Code("python3.13", "x86_64", "/", []))


LEAVES = """
import os, subprocess, sys
LEFT = "import os, time; open({pids!r}, 'a').write(f'{{os.getpid()}} '); time.sleep(120)"
DAEMON = f"import os; os.fork() and os._exit(0); os.setsid(); {{LEFT}}"
def handler(event, context):
    for program in (LEFT, DAEMON):
        subprocess.Popen([sys.executable, "-c", program], start_new_session=True)
    while not os.path.exists({pids!r}) or len(open({pids!r}).read().split()) < 2:
        pass
    return os.getpid()
"""


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_nothing_is_left_when_the_companion_ends(hosted: Hosted, tmp_path: Path, how: signal.Signals) -> None:
    pids = tmp_path / "pids"
    id_ = hosted.start(LEAVES.format(pids=str(pids)))
    pid = int(hosted.invoke(id_).payload)
    left = [int(each) for each in pids.read_text().split()]
    children = [child.pid for child in psutil.Process(hosted.running.process.pid).children(recursive=True)]
    assert pid in children
    hosted.running.process.send_signal(how)
    hosted.running.process.wait(timeout=30)
    assert gone(pid, *left, *children)


def test_a_guardian_that_was_killed_is_there_again_for_the_next(hosted: Hosted, tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    id_ = hosted.start(LEAVES.format(pids=str(pids)))
    pid = int(hosted.invoke(id_).payload)
    left = [int(each) for each in pids.read_text().split()]
    (guardian,) = [
        child
        for child in psutil.Process(hosted.running.process.pid).children()
        if any(word.endswith("guardian.py") for word in child.cmdline())
    ]
    guardian.kill()
    assert gone(guardian.pid)
    hosted.start(ECHO)
    hosted.running.process.kill()
    hosted.running.process.wait(timeout=30)
    assert gone(pid, *left)
