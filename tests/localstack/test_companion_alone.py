"""The companion without a supervisor, as the one in a container runs."""

from __future__ import annotations

import json
import signal
import subprocess
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from harness.emulator.machine import listen
from harness.targets.local import local_cloud
from tests.localstack.companions import lone_companion, start_alone

KNOWN_AS = "http://localhost.localstack.cloud:4570"


def said(process: subprocess.Popen[bytes]) -> dict[str, Any]:
    output, _ = process.communicate(timeout=30)
    event: dict[str, Any] = json.loads(output.splitlines()[-1])
    assert process.returncode == event["exit_code"]
    return event


def health(url: str, host: str) -> Any:
    request = urllib.request.Request(f"{url}/_launchday/health", headers={"host": host})
    with urllib.request.urlopen(request, timeout=20) as answer:
        return json.load(answer)


def test_it_serves_its_parts_and_names_itself_as_clients_know_it(tmp_path: Path) -> None:
    with lone_companion(tmp_path, "--known-as", KNOWN_AS) as (url, _process):
        assert health(url, "localhost.localstack.cloud:4570")["parts"] == ["appsync", "cognito"]
        cloud = local_cloud({"": url})
        pool = cloud.client("cognito-idp").create_user_pool(PoolName="people")["UserPool"]["Id"]
        assert pool.startswith("us-east-1_")
        made = cloud.client("appsync").create_graphql_api(name="any", authenticationType="API_KEY")
        uris = made["graphqlApi"]["uris"]
        assert uris["GRAPHQL"].startswith(f"{KNOWN_AS}/graphql/")
        assert uris["REALTIME"].startswith("ws://localhost.localstack.cloud:4570/")


@pytest.mark.parametrize("host", ["companion:4570", "launchday-companion-1", "rebound.example"])
def test_names_that_others_could_point_at_it_are_refused(tmp_path: Path, host: str) -> None:
    with lone_companion(tmp_path) as (url, _process):
        with pytest.raises(urllib.error.HTTPError) as caught:
            health(url, host)
        assert caught.value.code == 403
        caught.value.close()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_in_order_by_a_signal(tmp_path: Path, number: signal.Signals) -> None:
    with lone_companion(tmp_path) as (_url, process):
        process.send_signal(number)
        assert process.wait(timeout=30) == 0


@pytest.mark.parametrize("parts", ["", "lambda,appsync"])
def test_it_runs_no_functions(tmp_path: Path, parts: str) -> None:
    event = said(start_alone(tmp_path, "--port", "0", parts=parts))
    assert (event["event"], event["exit_code"]) == ("error", 2)
    assert event["message"] == (
        "A companion that is started alone runs no functions: their code is on LocalStack's disk."
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--known-as", "http://companion:4570"], "does not answer to the name in 'http://companion:4570'"),
        (["--known-as", "localhost"], "'localhost' is no address like"),
        (["--localstack", "https://localstack:4566"], "'https://localstack:4566' is no address like"),
        (["--localstack", "http://localstack:port"], "'http://localstack:port' is no address like"),
    ],
)
def test_addresses_that_cannot_be_are_said(tmp_path: Path, arguments: list[str], message: str) -> None:
    event = said(start_alone(tmp_path, "--port", "0", *arguments))
    assert event["exit_code"] == 2
    assert message in event["message"]


def test_a_taken_port_is_said(tmp_path: Path) -> None:
    with listen("127.0.0.1", 0) as taken:
        event = said(start_alone(tmp_path, "--port", str(taken.getsockname()[1])))
    assert (event["kind"], event["exit_code"]) == ("PortInUse", 3)
