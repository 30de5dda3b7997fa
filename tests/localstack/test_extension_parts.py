"""What LocalStack's extension does without LocalStack: its settings, and how it reaches the companion."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import threading
import tomllib
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from harness.emulator import processes
from harness.emulator.companion import keys
from harness.emulator.companion.parts import PARTS
from harness.emulator.gateway import forwarded
from harness.emulator.gateway.guard import Guard
from harness.emulator.gateway.routing import route
from launchday_localstack import companion, settings
from launchday_localstack.cloudformation import appsync, cognito
from launchday_localstack.companion import (
    Answer,
    Companion,
    CompanionUnreachable,
    as_localstack_has_it,
    call_headers,
    passed_on,
    request_headers,
)
from launchday_localstack.listening import is_loopback, node_options
from launchday_localstack.metering import where
from launchday_localstack.settings import Settings, SettingsError, read_settings, usable_settings
from tests.serving import KeptRequest, Request, serving

EXTENSION = Path(__file__).parents[2] / "localstack" / "extension"
URL = "http://127.0.0.1:4570"


def test_without_a_companion_there_is_nothing_to_turn_on() -> None:
    assert read_settings({}) is None
    assert read_settings({"LAUNCHDAY_COMPANION_URL": " ", "LAUNCHDAY_PARTS": "nonsense"}) is None


@pytest.mark.parametrize(
    ("parts", "services"),
    [
        (None, ["dynamodb", "dynamodbstreams", "cognito-idp", "appsync"]),
        ("", ["dynamodb", "dynamodbstreams", "cognito-idp", "appsync"]),
        ("lambda", []),
        ("AppSync, lambda", ["appsync"]),
        ("dynamodb", ["dynamodb", "dynamodbstreams"]),
    ],
)
def test_parts_are_turned_on_by_name(parts: str | None, services: list[str]) -> None:
    environment = {"LAUNCHDAY_COMPANION_URL": URL + "/"}
    if parts is not None:
        environment["LAUNCHDAY_PARTS"] = parts
    read = read_settings(environment)
    assert read is not None
    assert (read.companion_url, read.services()) == (URL, services)


@pytest.mark.parametrize(
    "environment",
    [
        {"LAUNCHDAY_COMPANION_URL": "127.0.0.1:4570"},
        {"LAUNCHDAY_COMPANION_URL": "https://127.0.0.1:4570"},
        {"LAUNCHDAY_COMPANION_URL": "http://127.0.0.1:4570/path"},
        {"LAUNCHDAY_COMPANION_URL": "http://127.0.0.1:port"},
        {"LAUNCHDAY_COMPANION_URL": "http://[::1"},
        {"LAUNCHDAY_COMPANION_URL": URL, "LAUNCHDAY_PARTS": "dynamodb,s3"},
    ],
)
def test_settings_that_cannot_be_are_said(environment: Mapping[str, str]) -> None:
    with pytest.raises(SettingsError, match="LAUNCHDAY_"):
        read_settings(environment)
    assert usable_settings(environment) is None


def test_both_sides_mean_the_same() -> None:
    """The two distributions share no code: neither is installed with the other."""
    assert set(settings.PARTS) == set(PARTS)
    assert companion.ACCOUNT_HEADER == forwarded.ACCOUNT_HEADER
    assert companion.REGION_HEADER == forwarded.REGION_HEADER
    assert where.process_space() == processes.process_space()
    assert companion.ISSUED_KEYS_PATH == keys.ISSUED_KEYS_PATH


def test_the_distribution_depends_on_localstack_alone() -> None:
    project = tomllib.loads((EXTENSION / "pyproject.toml").read_text())["project"]
    assert project["dependencies"] == ["localstack-core==4.14.0"]
    providers = project["entry-points"]["localstack.aws.provider"]
    noted = {"sns"}  # LocalStack's own provider, with its deliveries noted
    forwarded_services = set(Settings(URL, frozenset(PARTS)).services())
    assert {name.partition(":")[0] for name in providers} == forwarded_services | noted
    types = project["entry-points"]["localstack.cloudformation.resource_providers"]
    assert set(types) == {kind.name for kind in (*appsync.TYPES, *cognito.TYPES)}
    for points in project["entry-points"].values():
        for target in points.values():
            module, _, attribute = target.partition(":")
            source = EXTENSION / (module.replace(".", "/") + ".py")
            assert attribute.partition(".")[0] in source.read_text(), target


@pytest.mark.parametrize("service", ["dynamodb", "dynamodbstreams", "cognito-idp", "appsync"])
def test_a_call_is_handed_on_to_its_service_whoever_signed_it(service: str) -> None:
    given = [
        ("Host", "dynamodb.us-east-1.amazonaws.com"),
        ("Authorization", "AWS4-HMAC-SHA256 Credential=AKIA/20260101/ap-south-1/s3/aws4_request, …"),
        ("Connection", "keep-alive"),
        ("X-Amzn-Trace-Id", "Root=1-2-3"),
    ]
    headers = call_headers(given, service=service, account_id="123456789012", region="eu-west-1")
    assert "host" not in headers
    assert "connection" not in headers
    assert headers["x-amzn-trace-id"] == "Root=1-2-3"
    assert headers[forwarded.ACCOUNT_HEADER] == "123456789012"
    where = route("/v1/apis", "", headers)
    assert (where.service, where.region) == (service.removesuffix("streams"), "eu-west-1")


@pytest.fixture
def echo() -> Iterator[tuple[str, list[int]]]:
    """Answers with the request itself; the ports of the connections it came by are kept."""
    ports: list[int] = []

    def respond(request: Request) -> None:
        ports.append(request.client_address[1])
        headers = {"Content-Encoding": "gzip", "x-amz-crc32": "7", "x-target": request.path}
        request.answer(418, request.body(), **headers)

    with serving("POST", respond, KeptRequest) as url:
        yield url, ports


def test_requests_and_answers_pass_as_they_are_over_a_kept_connection(
    echo: tuple[str, list[int]],
) -> None:
    url, ports = echo
    there = Companion(url)
    for number in range(3):
        answer = there.send("POST", f"/v1/tags/arn%3Aaws%3A{number}?a=%2F", {"x": "y"}, b"no gzip at all")
        assert (answer.status, answer.body) == (418, b"no gzip at all")
        headers = {name.lower(): value for name, value in answer.headers}
        assert headers == {
            "content-encoding": "gzip",
            "x-amz-crc32": "7",
            "x-target": f"/v1/tags/arn%3Aaws%3A{number}?a=%2F",
        }
    assert len(set(ports)) == 1
    there.close()


def test_many_threads_share_it(echo: tuple[str, list[int]]) -> None:
    url, ports = echo
    there = Companion(url)

    def send(number: int) -> bytes:
        return there.send("POST", "/", {}, str(number).encode()).body

    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(send, range(200))) == [str(number).encode() for number in range(200)]
    assert len(set(ports)) <= 8
    there.close()


def test_a_connection_that_was_closed_meanwhile_is_opened_anew() -> None:
    closing = threading.Event()

    class Closed(KeptRequest):
        def finish(self) -> None:
            super().finish()
            self.connection.shutdown(socket.SHUT_RDWR)
            closing.set()

    def respond(request: Request) -> None:
        request.body()
        request.answer(200)
        request.close_connection = True  # without saying so, as a server that ends what is idle

    with serving("POST", respond, Closed) as url:
        there = Companion(url)
        for _ in range(3):
            closing.clear()
            assert there.send("POST", "/", {}, b"x").status == 200
            assert closing.wait(20)
        there.close()


def test_a_companion_that_is_not_there_is_said() -> None:
    with pytest.raises(CompanionUnreachable, match=r"companion at http://127\.0\.0\.1:1 does not answer"):
        Companion("http://127.0.0.1:1").send("GET", "/_launchday/health", {})


def test_what_localstack_let_in_is_let_in() -> None:
    """LocalStack has judged the page by its own rules; the companion, by its own, would refuse it."""
    given = [
        ("Host", "localstack:4566"),
        ("Origin", "https://app.example"),
        ("Referer", "https://app.example/live"),
        ("Sec-Fetch-Site", "cross-site"),
        ("X-Api-Key", "da2-key"),
    ]
    headers = request_headers(given, "localstack:4566")
    assert headers == {"x-api-key": "da2-key"}
    assert Guard().refusal({"host": "127.0.0.1:4570", **headers}) is None


def test_a_signed_request_keeps_the_host_that_was_signed() -> None:
    signature = "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/appsync/aws4_request, ..."
    headers = request_headers([("Host", "x"), ("Authorization", signature)], "localhost:4566")
    assert headers == {"authorization": signature, "host": "localhost:4566"}


def test_localstacks_second_time_to_live_is_taken() -> None:
    refusal = Answer(
        400, [], b'{"__type": "x#ValidationException", "message": "TimeToLive is already enabled"}'
    )
    assert as_localstack_has_it("UpdateTimeToLive", refusal).status == 200
    assert as_localstack_has_it("UpdateTable", refusal) is refusal
    other = Answer(400, [], b'{"message": "TimeToLive is active on a different AttributeName"}')
    assert as_localstack_has_it("UpdateTimeToLive", other) is other


def test_headers_of_one_connection_stay_behind() -> None:
    given = [("Date", "x"), ("Transfer-Encoding", "chunked"), ("ETag", "e"), ("X-Amz-Crc32", "1")]
    assert list(passed_on(given)) == [("ETag", "e"), ("X-Amz-Crc32", "1")]


# Where it listens


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("127.0.0.1", True),
        ("127.8.0.1", True),
        ("::1", True),
        ("[::1]", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("::", False),
        ("192.0.2.1", False),
        ("localstack", False),
    ],
)
def test_what_only_this_machine_reaches_is_known(host: str, loopback: bool) -> None:
    assert is_loopback(host) is loopback


NODE_PROGRAM = """
const net = require("net"), http = require("http");
const servers = [
  (s) => s.listen(0), (s) => s.listen(0, () => {}), (s) => s.listen("0"), (s) => s.listen(0, "0.0.0.0"),
  (s) => s.listen(0, "::", 5), (s) => s.listen(0, 5), (s) => s.listen(0, undefined, () => {}),
  (s) => s.listen({port: 0}), (s) => s.listen({port: 0, host: "0.0.0.0"}, () => {}),
  (s) => s.listen(0, "localhost"), (s) => s.listen(process.argv[2]),
].map((start) => { const s = http.createServer(); start(s); return s; });
Promise.all(servers.map((s) => s.listening || new Promise((done) => s.on("listening", done)))).then(() => {
  console.log(JSON.stringify(servers.map((s) => s.address().address || s.address())));
  servers.forEach((s) => s.close());
});
"""


def test_nodes_servers_listen_on_loopback(tmp_path: Path) -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("there is no Node on PATH")
    program = tmp_path / "program.js"
    program.write_text(NODE_PROGRAM)
    path = str(tmp_path / "socket")
    said = subprocess.run(
        [node, str(program), path],
        env={"NODE_OPTIONS": node_options("--no-warnings"), "PATH": os.environ["PATH"]},
        stdout=subprocess.PIPE,
        check=True,
        timeout=60,
    ).stdout
    addresses = json.loads(said)
    assert addresses.pop() == path
    assert addresses.pop() in ("127.0.0.1", "::1")
    assert addresses == ["127.0.0.1"] * 9
