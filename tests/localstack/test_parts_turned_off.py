"""The extension where it is to do less: with some parts alone, and without a companion.

Needs LocalStack's environment (see conftest.py), and starts LocalStacks of its own."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from harness.aws.limits.profiles import ESTABLISHED
from harness.emulator.machine import listen
from harness.pipeline import Cloud
from harness.targets.localstack import extension
from harness.targets.localstack.environment import Environment
from harness.targets.localstack.launch import LocalStack
from harness.targets.localstack.variables import COMPANION_VARIABLE, localstack_variables, make_folders
from tests.serving import Request, serving

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("localstack")]


def services(url: str) -> dict[str, str]:
    with urllib.request.urlopen(url + "/_localstack/health", timeout=20) as answer:
        found: dict[str, str] = json.load(answer)["services"]
        return found


def client(url: str, service: str) -> Any:
    return Cloud("us-east-1", {"": url}, "test", "test").client(service, retries={"max_attempts": 1})


def stack_status(url: str, resource_type: str) -> str:
    """What becomes of a stack with one resource, with the reasons."""
    cloudformation = client(url, "cloudformation")
    template = {"Resources": {"It": {"Type": resource_type, "Properties": {}}}}
    cloudformation.create_stack(StackName="one", TemplateBody=json.dumps(template))
    deadline = time.monotonic() + 60
    while True:
        (stack,) = cloudformation.describe_stacks(StackName="one")["Stacks"]
        if not stack["StackStatus"].endswith("IN_PROGRESS"):
            return f"{stack['StackStatus']}: {stack.get('StackStatusReason', '')}"
        assert time.monotonic() < deadline, stack
        time.sleep(0.2)


@pytest.fixture
def asked_outside(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[bytes]]:
    """What LocalStack would have asked others in the network, by way of a proxy that is here."""
    asked: list[bytes] = []

    def refuse(request: Request) -> None:
        asked.append(request.path.encode())
        request.send_error(503)

    with serving("CONNECT", refuse) as url:
        for name in ("HTTPS_PROXY", "https_proxy"):
            monkeypatch.setenv(name, url)
        yield asked


def test_parts_that_are_left_out_are_localstacks_own(
    localstack_environment: Environment, tmp_path: Path, asked_outside: list[bytes]
) -> None:
    with LocalStack(
        localstack_environment,
        port=0,
        data_dir=tmp_path / "data",
        logs_dir=tmp_path / "logs",
        limits=ESTABLISHED,
        parts=("lambda", "appsync"),
    ) as aws:
        url = aws.endpoints[""]
        names = services(url)
        assert "appsync" in names
        assert "cognito-idp" not in names
        assert "dynamodb" in names  # its own, which would start DynamoDBLocal
        assert client(url, "appsync").list_graphql_apis()["graphqlApis"] == []
        with pytest.raises(ClientError, match="cognito-idp") as caught:
            client(url, "cognito-idp").list_user_pools(MaxResults=1)
        assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 501
        status = stack_status(url, "AWS::Cognito::UserPool")
        assert status.startswith("CREATE_FAILED")
        assert "AWS::Cognito::UserPool" in status
        assert asked_outside == []  # for it was not asked which types there are
    assert "turns nothing on" not in (tmp_path / "logs" / "localstack.log").read_text()


@contextmanager
def without_companion(environment: Environment, folder: Path, **variables: str) -> Iterator[tuple[str, Path]]:
    """The URL and the log of a LocalStack with the extension on its path and no companion."""
    with listen("127.0.0.1", 0) as free:
        port = free.getsockname()[1]
    data, log = folder / "data", folder / "log"
    make_folders(data, environment.libraries)
    settings = localstack_variables(
        os.environ,
        data_dir=data,
        extension=extension.build(environment),
        port=port,
        companion_url="",
        parts=("lambda",),
        instance="none",
        region="us-east-1",
    )
    del settings["LAMBDA_RUNTIME_EXECUTOR"]
    with log.open("wb") as output:
        process = subprocess.Popen(
            [environment.python, "-P", "-m", "localstack.runtime.main"],
            env={**settings, **variables},
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    url = f"http://127.0.0.1:{port}"
    try:
        until_ready(url, process, log)
        yield url, log
    finally:
        process.terminate()
        try:
            process.wait(timeout=30)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def until_ready(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 120
    while True:
        try:
            services(url)
        except (urllib.error.URLError, OSError):
            assert process.poll() is None, log.read_text()[-2000:]
            assert time.monotonic() < deadline, log.read_text()[-2000:]
            time.sleep(0.2)
        else:
            return


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("", "INFO.* turns nothing on: LAUNCHDAY_COMPANION_URL is not set."),
        ("ftp://127.0.0.1:4570", "ERROR.* turns nothing on: LAUNCHDAY_COMPANION_URL is 'ftp:"),
    ],
)
def test_without_a_companion_localstack_is_as_it_was_and_it_is_said_once(
    localstack_environment: Environment, tmp_path: Path, asked_outside: list[bytes], url: str, why: str
) -> None:
    with without_companion(localstack_environment, tmp_path, **{COMPANION_VARIABLE: url}) as (here, log):
        names = services(here)
        assert "appsync" not in names
        assert "cognito-idp" not in names
        assert stack_status(here, "AWS::AppSync::GraphQLApi").startswith("CREATE_COMPLETE")
        with pytest.raises(ClientError, match="appsync"):
            client(here, "appsync").list_graphql_apis()
        assert set(asked_outside) == {b"api.localstack.cloud:443"}  # its own catalog, as ever
    said = log.read_text()
    assert len(re.findall("turns nothing on", said)) == 1
    assert re.search(why, said)
