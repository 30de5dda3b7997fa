"""Bad input over the wire, to a pipeline that stands: AWS's own answers, and nobody else is held up by it."""

from __future__ import annotations

import http.client
import json
import socket
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.exceptions import ClientError

from deploy.pipeline import LiveLocation
from harness.pipeline import Cloud, Outcome
from tests.end_to_end.product import Product, wait_until

pytestmark = pytest.mark.slow

IN_TIME_S = 30.0
DEVICES, LOCATIONS, BATCH = "/v1/devices", "/v1/locations", "/v1/locations/batch"
MB = 1024 * 1024


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def kind(self) -> tuple[int, str]:
        """The status, and the kind of error that API Gateway names."""
        return self.status, self.headers.get("x-amzn-errortype", "")

    @property
    def message(self) -> str:
        plain = json.loads(self.body)
        return str(plain.get("message") or plain.get("Message"))


class Pipeline:
    """The pipeline that `launchday up` keeps, as one device's app and as somebody with an AWS SDK see it."""

    def __init__(self, status: dict[str, Any]) -> None:
        self.outputs: dict[str, Any] = status["outputs"]
        endpoints = {"": status["endpoint_url"], **status["endpoints"]}
        self.cloud = Cloud("us-east-1", endpoints, status["access_key_id"], status["secret_access_key"])
        self.key = self.outputs["ingest"]["sample_publishable_key"]
        self.run = uuid.uuid4().hex[:8]
        self.sent = 0

    def ask(
        self,
        path: str,
        body: bytes | str | None,
        *,
        method: str = "POST",
        key: str | None = "",
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """What the ingest entrance answers; `key` None sends no Authorization."""
        base = urlsplit(self.outputs["ingest"]["url"])
        all_headers = {"Content-Type": "application/json", **(headers or {})}
        if key is not None:
            all_headers["Authorization"] = f"Bearer {key or self.key}"
        assert base.hostname is not None
        connection = http.client.HTTPConnection(base.hostname, base.port, timeout=30)
        try:
            connection.request(method, base.path + path, body, all_headers)
            answer = connection.getresponse()
            found = {name.lower(): value for name, value in answer.getheaders()}
            return Answer(answer.status, found, answer.read())
        finally:
            connection.close()

    def event_id(self) -> str:
        """The id of one more event of this test."""
        self.sent += 1
        return f"{self.run}-{self.sent - 1}"

    def register(self, event_id: str | None = None, device: str | None = None) -> str:
        """Send a healthy registration, which is accepted; its event id."""
        event_id = event_id or self.event_id()
        event = {
            "event_id": event_id,
            "device_id": device or event_id,
            "platform": "ios",
            "registered_at": now(),
        }
        answer = self.ask(DEVICES, json.dumps(event))
        assert answer.status == 202, answer
        return event_id

    def evidence(self) -> dict[str | None, Outcome]:
        """What became of this test's events."""
        found = LiveLocation("local").evidence(self.cloud, self.outputs, self.run)
        return {outcome.event_id: outcome for outcome in found}

    def wait_for(self, expected: Mapping[str, str]) -> dict[str | None, Outcome]:
        """Wait until it is known of all that are `expected`, and compare."""
        wait_until(lambda: set(expected) <= set(self.evidence()), IN_TIME_S)
        evidence = self.evidence()
        assert {name: evidence[name].outcome for name in expected} == dict(expected)
        return evidence


def now() -> str:
    return datetime.now(UTC).isoformat().replace("+00:00", "Z")


@pytest.fixture(scope="module")
def status(lasting: Product) -> Iterator[dict[str, Any]]:
    up = lasting.run("up", "--port", "0")
    assert up.code == 0, up.said
    yield lasting.run("status", "--json").json
    assert lasting.run("down").code == 0
    lasting.assert_nothing_left()


@pytest.fixture
def pipeline(status: dict[str, Any]) -> Iterator[Pipeline]:
    """The pipeline, with a healthy event sent before and after what the test does; both get through."""
    pipeline = Pipeline(status)
    before = pipeline.register()
    yield pipeline
    after = pipeline.register()
    pipeline.wait_for({before: "registered", after: "registered"})


def padded(size: int) -> str:
    return json.dumps({"event_id": "x", "device_id": "d", "padding": "x" * size})


def batch(events: object) -> str:
    return json.dumps({"device_id": "d", "events": events})


@pytest.mark.parametrize(
    ("path", "body", "said"),
    [
        (DEVICES, '{"device_id": ', "Could not parse request body into json"),
        (DEVICES, b'{"device_id":"\xff\xfe"}', "Could not parse request body into json"),
        (DEVICES, '{"device_id":"d","lat":NaN}', "Could not parse request body into json"),
        (DEVICES, '{"device_id":"d","deep":' + "[" * 100_000 + "]" * 100_000 + "}", "Could not parse"),
        (DEVICES, "", "'partitionKey' failed to satisfy constraint"),
        (DEVICES, '[{"device_id":"d"}]', "'partitionKey' failed to satisfy constraint"),
        (DEVICES, '{"device_id":null}', "Member must not be null"),
        (DEVICES, '{"device_id":7}', "can not be converted to an String"),
        (DEVICES, json.dumps({"device_id": "d" * 257}), "length less than or equal to 256"),
        (DEVICES, padded(MB), "Member must have length less than or equal to 1048576"),
        (BATCH, batch([]), "Member must have length greater than or equal to 1"),
        (BATCH, batch([{}] * 501), "Member must have length less than or equal to 500"),
        (BATCH, batch("all"), "failed to satisfy constraint"),
        (BATCH, '{"device_id":"d"}', "Member must have length greater than or equal to 1"),
    ],
    ids=[
        "cut short", "not UTF-8", "NaN", "very deep", "nothing", "a list", "no device", "a number",
        "a long device id", "over 1 MiB", "empty batch", "501 events", "no list", "no events",
    ],
)  # fmt: skip
def test_a_wrong_body_is_a_400(pipeline: Pipeline, path: str, body: str | bytes, said: str) -> None:
    answer = pipeline.ask(path, body)
    assert answer.status == 400
    assert said in answer.message


def test_a_body_over_10_mb_is_a_413(pipeline: Pipeline) -> None:
    answer = pipeline.ask(DEVICES, padded(10 * MB))
    assert answer.kind == (413, "RequestTooLargeException")
    assert b"HTTP content length exceeded 10485760 bytes." in answer.body


@pytest.mark.parametrize(
    ("key", "kind", "said"),
    [
        (None, (401, "UnauthorizedException"), "Unauthorized"),
        ("short", (401, "UnauthorizedException"), "Unauthorized"),
        ("pk_" + "0" * 40, (401, "UnauthorizedException"), "Unauthorized"),
        ("disabled", (403, "AccessDeniedException"), "is not authorized to access this resource"),
    ],
    ids=["missing", "malformed", "unknown", "disabled"],
)
def test_a_stranger_is_refused(pipeline: Pipeline, key: str | None, kind: tuple[int, str], said: str) -> None:
    if key == "disabled":
        key = pipeline.outputs["ingest"]["disabled_publishable_key"]
    for _ in range(2):  # the second time from the authorizer's cache
        answer = pipeline.ask(DEVICES, "{}", key=key)
        assert answer.kind == kind
        assert said in answer.message


@pytest.mark.parametrize(
    ("method", "path"), [("POST", "/v1/nothing"), ("GET", DEVICES), ("POST", "/"), ("POST", "/../../etc")]
)
def test_an_unknown_route_is_a_403(pipeline: Pipeline, method: str, path: str) -> None:
    answer = pipeline.ask(path, None, method=method)
    assert answer.kind == (403, "MissingAuthenticationTokenException")
    assert answer.message == "Missing Authentication Token"


def test_another_media_type_is_a_415(pipeline: Pipeline) -> None:
    answer = pipeline.ask(DEVICES, "{}", headers={"Content-Type": "text/plain"})
    assert (answer.status, answer.message) == (415, "Unsupported Media Type")


@pytest.mark.parametrize(
    "headers", [{"X-Huge": "x" * 65_000}, {f"X-{n}": "x" for n in range(1_000)}], ids=["long", "many"]
)
def test_headers_beyond_measure_are_a_400(pipeline: Pipeline, headers: dict[str, str]) -> None:
    assert pipeline.ask(DEVICES, "{}", headers=headers).status == 400


@pytest.mark.parametrize(
    "bytes_sent",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 100,
        b"GET / HTTP/9.9\r\n\r\n",
        b"\r\n" * 50_000,
    ],
    ids=["TLS", "a strange version", "empty lines"],
)
def test_what_is_not_http_ends_its_own_connection_only(pipeline: Pipeline, bytes_sent: bytes) -> None:
    base = urlsplit(pipeline.outputs["ingest"]["url"])
    with socket.create_connection((base.hostname, base.port), timeout=10) as connection:
        connection.sendall(bytes_sent)
        connection.shutdown(socket.SHUT_WR)
        with connection.makefile("rb") as answer:
            assert b" 2" not in answer.readline()[:12]


def test_a_request_that_never_ends_holds_nobody_up(pipeline: Pipeline) -> None:
    base = urlsplit(pipeline.outputs["ingest"]["url"])
    head = f"POST {base.path}{DEVICES} HTTP/1.1\r\nHost: {base.netloc}\r\nContent-Length: 100\r\n\r\n{{"
    with socket.create_connection((base.hostname, base.port), timeout=10) as connection:
        connection.sendall(head.encode())
        pipeline.wait_for({pipeline.register(): "registered"})


def test_wrong_types_in_an_event_are_discarded_and_named(pipeline: Pipeline) -> None:
    ids = [pipeline.event_id() for _ in range(4)]
    good = {"recorded_at": now(), "lat": 1.0, "lon": 2.0}
    flaws: list[dict[str, Any]] = [{"lat": "north"}, {"lon": None}, {"recorded_at": 7}, {"lat": 91}]
    events = [{"event_id": name, **good, **flaw} for name, flaw in zip(ids, flaws, strict=True)]
    answer = pipeline.ask(BATCH, json.dumps({"device_id": "types", "events": events}))
    assert (answer.status, json.loads(answer.body)["refused"]) == (202, 0)
    pipeline.wait_for(dict.fromkeys(ids, "discarded:malformed"))


def test_an_event_that_comes_again_is_one_event(pipeline: Pipeline) -> None:
    name = pipeline.register()
    pipeline.wait_for({name: "registered"})
    for _ in range(3):
        pipeline.register(event_id=name, device=name)

    def came_again() -> bool:
        return pipeline.evidence()[name].redelivered

    wait_until(came_again, IN_TIME_S)
    evidence = pipeline.evidence()
    assert (evidence[name].outcome, evidence[name].duplicated) == ("registered", False)


def test_one_event_id_twice_in_a_batch_is_a_duplicate_or_absorbed(pipeline: Pipeline) -> None:
    name = pipeline.event_id()
    event = {"event_id": name, "recorded_at": now(), "lat": 1.0, "lon": 2.0}
    answer = pipeline.ask(BATCH, json.dumps({"device_id": name, "events": [event, event]}))
    assert (answer.status, json.loads(answer.body)["refused"]) == (202, 0)
    evidence = pipeline.wait_for({name: "archived"})
    assert (evidence[name].redelivered, evidence[name].duplicated) == (True, False)


@pytest.mark.parametrize("bytes_of_record", [b"", b"\x00\xff", b"[]", b'{"kind":"registration"}', b"null"])
def test_a_poison_record_goes_to_the_dead_letters_and_blocks_nobody(
    pipeline: Pipeline, bytes_of_record: bytes
) -> None:
    name = pipeline.event_id()
    kinesis, stream = pipeline.cloud.client("kinesis"), pipeline.outputs["events"]["stream"]
    data = bytes_of_record + b' {"event_id":"' + name.encode() + b'"' if bytes_of_record else b"\x00"
    put = kinesis.put_record(StreamName=stream, PartitionKey="one shard", Data=data)
    healthy = pipeline.register(device="one shard")  # behind it, in the same shard
    pipeline.wait_for({healthy: "registered"})
    sqs, queue = pipeline.cloud.client("sqs"), pipeline.outputs["events"]["dead_letters_url"]
    seen: set[str] = set()

    def in_the_queue() -> bool:
        received = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, VisibilityTimeout=1)
        seen.update(message["Body"] for message in received.get("Messages", ()))
        return any(put["SequenceNumber"] in body for body in seen)

    wait_until(in_the_queue, IN_TIME_S)


def test_a_record_over_1_mib_is_refused_with_kinesis_own_words(pipeline: Pipeline) -> None:
    kinesis, stream = pipeline.cloud.client("kinesis"), pipeline.outputs["events"]["stream"]
    with pytest.raises(ClientError, match="less than or equal to 1048576") as refused:
        kinesis.put_record(StreamName=stream, PartitionKey="d", Data=b"x" * (MB + 1))
    assert refused.value.response["Error"]["Code"] == "ValidationException"


@pytest.mark.parametrize(("header", "value"), [("Origin", "http://evil.example"), ("Host", "evil.example")])
def test_web_pages_and_rebound_names_are_refused(pipeline: Pipeline, header: str, value: str) -> None:
    answer = pipeline.ask(DEVICES, "{}", headers={header: value})
    assert answer.kind == (403, "AccessDeniedException")
    assert value in answer.message
