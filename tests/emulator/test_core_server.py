"""The gateway over real sockets, with a service that says what it got."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable

import pytest

from harness.emulator.gateway import server
from harness.emulator.gateway.guard import Guard
from harness.emulator.gateway.server import Gateway, Listener
from harness.emulator.machine import listen
from harness.emulator.services.base import AwsError, AwsRequest, AwsResponse

Client = Callable[[bytes], Awaitable[bytes]]
LAMBDA_SCOPE = "AWS4-HMAC-SHA256 Credential=test/20260401/eu-west-1/lambda/aws4_request, Signature=0"


async def echo(request: AwsRequest) -> AwsResponse:
    if request.path == "/fails":
        raise RuntimeError("boom")
    if request.path == "/refuses":
        raise AwsError("ThrottlingException", "Rate exceeded", 429, {"Reason": "test"})
    if request.path == "/head":
        return AwsResponse(200, b"", {"content-length": "1234"})
    told = {
        "method": request.method,
        "path": request.path,
        "query": request.query,
        "headers": dict(request.headers),
        "body_bytes": len(request.body),
        "region": request.context.region,
        "account": request.context.account_id,
        "trace": request.context.trace_id,
        "request_id": request.context.request_id,
        "source_ip": request.source_ip,
    }
    return AwsResponse(200, json.dumps(told).encode(), {"content-type": "application/json"})


async def execute(api_id: str, stage: str, path: str, request: AwsRequest) -> AwsResponse:
    told = {"api": api_id, "stage": stage, "path": path, "body_bytes": len(request.body)}
    return AwsResponse(200, json.dumps(told).encode())


def over_sockets(scenario: Callable[[Client], Awaitable[None]]) -> None:
    """Run `scenario` with a client that sends raw bytes on a fresh connection and reads to its end."""

    async def run() -> None:
        listening = listen("127.0.0.1", 0)
        port = listening.getsockname()[1]
        guard = Guard(["http://app.example:3000"])
        gateway = Gateway(
            guard=guard,
            services={"lambda": echo},
            fallback=echo,
            own=echo,
            execute=execute,
            region="eu-north-1",
        )
        listener = Listener(gateway)
        await listener.start(listening)

        async def client(sent: bytes) -> bytes:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(sent)
            received = await asyncio.wait_for(reader.read(), 20)
            writer.close()
            return received

        try:
            await scenario(client)
        finally:
            await listener.close()

    asyncio.run(run())


def http(method: str, path: str, headers: dict[str, str] | None = None, body: bytes = b"") -> bytes:
    fields = {
        "Host": "127.0.0.1:4566",
        "Connection": "close",
        "Content-Length": str(len(body)),
        **(headers or {}),
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"{method} {path} HTTP/1.1\r\n{lines}\r\n".encode() + body


def parts(answer: bytes) -> tuple[int, dict[str, str], bytes]:
    head, _, body = answer.partition(b"\r\n\r\n")
    status, *lines = head.decode().split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    return int(status.split()[1]), headers, body


def answered(sent: bytes) -> tuple[int, dict[str, str], bytes]:
    collected: list[bytes] = []

    async def scenario(client: Client) -> None:
        collected.append(await client(sent))

    over_sockets(scenario)
    return parts(collected[0])


def test_a_service_sees_the_request_as_it_came() -> None:
    headers = {
        "Authorization": LAMBDA_SCOPE,
        "X-Amzn-Trace-Id": "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1",
        "X-Twice": "a\r\nX-Twice: b",
    }
    status, _, body = answered(http("POST", "/2015-03-31/functions/a%2Fb?x=%20y", headers, b"{}"))
    told = json.loads(body)
    assert status == 200
    assert told["path"] == "/2015-03-31/functions/a%2Fb"
    assert told["query"] == "x=%20y"
    assert told["headers"]["x-twice"] == "a, b"
    assert told["body_bytes"] == 2
    assert (told["region"], told["account"]) == ("eu-west-1", "000000000000")
    assert told["trace"] == "1-5759e988-bd862e3fe1be46a994272793"
    assert len(told["request_id"]) == 36
    assert told["source_ip"] == "127.0.0.1"


def test_a_header_in_any_encoding_is_a_text_that_can_be_written_down() -> None:
    sent = http("GET", "/2015-03-31/functions").replace(
        b"\r\n\r\n",
        "\r\nx-utf: ä€\r\n".encode() + b"x-latin: \xe4\r\nx-amzn-trace-id: Root=\xff1\r\n\r\n",
    )
    status, _, body = answered(sent)
    told = json.loads(body)
    assert status == 200
    assert (told["headers"]["x-utf"], told["headers"]["x-latin"], told["trace"]) == ("ä€", "ä", "ÿ1")


def test_requests_that_name_no_region_are_of_the_configured_one() -> None:
    assert json.loads(answered(http("GET", "/bucket/key"))[2])["region"] == "eu-north-1"


def test_a_virtual_host_bucket_becomes_a_path() -> None:
    told = json.loads(answered(http("GET", "/k", {"Host": "my-bucket.s3.amazonaws.com"}))[2])
    assert (told["path"], told["headers"]["host"]) == ("/my-bucket/k", "s3.amazonaws.com")


def test_a_deployed_api_gets_its_stage_and_path() -> None:
    told = json.loads(answered(http("POST", "/restapis/abc/prod/_user_request_/v1/x", body=b"12"))[2])
    assert told == {"api": "abc", "stage": "prod", "path": "/v1/x", "body_bytes": 2}


ATTACKS = {
    "a page posts code as text/plain": {"Origin": "https://evil.example", "Content-Type": "text/plain"},
    "a sandboxed frame posts": {"Origin": "null", "Content-Type": "text/plain"},
    "a form on another local port": {"Origin": "http://localhost:8080"},
    "an image loads Action=Delete": {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"},
    "a rebound name": {"Host": "evil.example:4566"},
    "a rebound name that calls itself the origin": {
        "Host": "evil.example:4566",
        "Origin": "http://evil.example:4566",
    },
    "two hosts": {"Host": "127.0.0.1:4566\r\nHost: evil.example"},
    "a page opens a websocket": {
        "Origin": "https://evil.example",
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Version": "13",
    },
    "a preflight from anywhere": {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"},
}


@pytest.mark.parametrize("attack", ATTACKS)
@pytest.mark.parametrize(
    "path",
    [
        "/2015-03-31/functions",
        "/restapis/abc/prod/_user_request_/x",
        "/moto-api/reset",
        "/?Action=DeleteQueue",
    ],
)
def test_attacks_from_a_browser_reach_no_service(attack: str, path: str) -> None:
    method = "OPTIONS" if "preflight" in attack else "POST"
    answers: list[bytes] = []

    async def scenario(client: Client) -> None:
        request = http(method, path, ATTACKS[attack])
        answers.append(await client(request.replace(b"Connection: Upgrade", b"Connection: Upgrade, close")))

    over_sockets(scenario)
    status, headers, body = parts(answers[0])
    assert status in (400, 403)
    assert b"body_bytes" not in body
    assert "access-control-allow-origin" not in headers


def test_an_allowed_origin_may_ask_ahead_send_and_read() -> None:
    origin = {"Origin": "http://app.example:3000"}
    ask = {
        **origin,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "x-amz-target",
    }
    status, headers, _ = answered(http("OPTIONS", "/", {**ask, "Authorization": LAMBDA_SCOPE}))
    assert status == 204
    assert headers["access-control-allow-headers"] == "x-amz-target"
    status, headers, _ = answered(http("POST", "/x", origin))
    assert (status, headers["access-control-allow-origin"]) == (200, "http://app.example:3000")


def test_a_deployed_api_answers_its_own_preflight() -> None:
    ask = {"Origin": "http://app.example:3000", "Access-Control-Request-Method": "POST"}
    status, _, body = answered(http("OPTIONS", "/restapis/abc/prod/_user_request_/x", ask))
    assert (status, json.loads(body)["api"]) == (200, "abc")


@pytest.mark.parametrize(
    "sent",
    [
        b"NOT HTTP AT ALL\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost 127.0.0.1\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Long: " + b"a" * 20_000 + b"\r\n\r\n",
        b"GET http://elsewhere.example/ HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n",
    ],
)
def test_malformed_http_is_answered_with_400(sent: bytes) -> None:
    assert answered(sent)[0] == 400


def test_a_request_without_a_host_is_refused() -> None:
    assert answered(b"GET / HTTP/1.0\r\n\r\n")[0] == 403


def test_a_client_that_waits_for_100_continue_gets_it() -> None:
    answer: list[bytes] = []

    async def scenario(client: Client) -> None:
        answer.append(await client(http("PUT", "/b/k", {"Expect": "100-continue"}, b"body")))

    over_sockets(scenario)
    assert answer[0].startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n")
    assert b'"body_bytes": 4' in answer[0]


def test_a_head_keeps_the_length_of_what_it_describes() -> None:
    status, headers, body = answered(http("HEAD", "/head"))
    assert (status, headers["content-length"], body) == (200, "1234", b"")


def chunked(path: str, size: int, headers: str = "") -> bytes:
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{headers}Transfer-Encoding: chunked\r\n\r\n"
    return head.encode() + f"{size:x}\r\n".encode() + b"x" * size + b"\r\n0\r\n\r\n"


def test_too_long_a_body_reaches_a_deployed_api_cut_to_one_byte_too_many(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(server, "MAX_EXECUTE_API_BODY_BYTES", 1000)
    path = "/restapis/abc/prod/_user_request_/x"
    for sent in (http("POST", path, body=b"x" * 5000), chunked(path, 5000)):
        status, headers, body = answered(sent)
        assert (status, json.loads(body)["body_bytes"]) == (200, 1001)
        assert headers["connection"] == "close"
    assert json.loads(answered(http("POST", path, body=b"x" * 1000))[2])["body_bytes"] == 1000


def test_too_long_a_body_reaches_no_other_service(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "MAX_BODY_BYTES", 1000)
    path, scope = "/2015-03-31/functions", f"Authorization: {LAMBDA_SCOPE}\r\n"
    sent = http("POST", path, {"Authorization": LAMBDA_SCOPE}, b"x" * 1001)
    for request in (sent, chunked(path, 1001, scope)):
        status, headers, body = answered(request)
        assert (status, headers["x-amzn-errortype"]) == (413, "RequestEntityTooLarge")
        assert b"body_bytes" not in body


def test_what_a_service_raises_is_answered_in_its_protocol() -> None:
    status, headers, body = answered(http("POST", "/refuses", {"Authorization": LAMBDA_SCOPE}))
    assert (status, headers["x-amzn-errortype"]) == (429, "ThrottlingException")
    assert json.loads(body) == {"message": "Rate exceeded", "Reason": "test"}
    status, headers, _ = answered(http("POST", "/fails", {"Authorization": LAMBDA_SCOPE}))
    assert (status, headers["x-amzn-errortype"]) == (500, "InternalFailure")


def test_a_connection_is_kept_for_the_next_request() -> None:
    first = http("GET", "/one").replace(b"Connection: close\r\n", b"")
    answer: list[bytes] = []

    async def scenario(client: Client) -> None:
        answer.append(await client(first + http("GET", "/two")))

    over_sockets(scenario)
    assert answer[0].count(b"HTTP/1.1 200 OK") == 2


@pytest.mark.parametrize(
    "sent",
    [
        b"GET / HTTP/1.1\r\nHost: localhost\r\nAuthorization: Basic c2VjcmV0\x00\r\n\r\n",
        b"GET /\x00c2VjcmV0 HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nc2VjcmV0\r\n",
        b"POST / HTTP/1.1\r\nHost: localhost\r\nHost: c2VjcmV0\r\n\r\n",
    ],
)
def test_what_is_no_http_is_refused_and_never_quoted(sent: bytes, caplog: pytest.LogCaptureFixture) -> None:
    async def scenario(client: Client) -> None:
        said = await client(sent)
        assert said.split()[1] == b"400"
        assert said.endswith(b'{"message":"Bad Request"}')

    over_sockets(scenario)
    assert not [each for each in caplog.records if each.levelname in ("WARNING", "ERROR")]
    assert "c2VjcmV0" not in caplog.text
