"""WebSocket connections through the edge, over real sockets: who may connect, and that bytes arrive."""

from __future__ import annotations

import asyncio
import gc
import socket
import weakref
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import aiohttp
import pytest
import uvloop
from aiohttp import web

from harness.emulator.gateway import splice
from harness.emulator.gateway.guard import Guard
from harness.emulator.gateway.server import Gateway, Listener
from harness.emulator.gateway.splice import Splicer
from harness.emulator.machine import listen
from harness.emulator.services.base import AwsError, AwsRequest, AwsResponse

_LOOPS: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {"uvloop": uvloop.new_event_loop}
_LOOPS["asyncio"] = asyncio.new_event_loop
_chosen = ["uvloop"]


@pytest.fixture(params=list(_LOOPS), autouse=True)
def loop_kind(request: pytest.FixtureRequest) -> None:
    """Each test on each loop: transports are taken over, and theirs are not of one kind."""
    _chosen[0] = request.param


HANDSHAKE = {
    "Host": "localhost:4566",
    "Connection": "keep-alive, Upgrade",
    "Upgrade": "WebSocket",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Protocol": "graphql-ws",
}
TEXT_HI = b"\x81\x82\x00\x00\x00\x00hi"  # a masked text frame with a mask of zeros


def handshake(path: str = "/graphql/abc", **changes: str | None) -> bytes:
    headers = {**HANDSHAKE, **{name.replace("_", "-"): value for name, value in changes.items()}}
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items() if value is not None)
    return f"GET {path} HTTP/1.1\r\n{lines}\r\n".encode()


@dataclass
class House:
    """The edge at `port`, and the process behind it, which echoes messages."""

    port: int
    splicer: Splicer
    process: Listener
    seen: list[AwsRequest] = field(default_factory=list)
    sockets: list[web.WebSocketResponse] = field(default_factory=list)

    async def send(self, data: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(data)
        return reader, writer

    async def answer(self, data: bytes) -> bytes:
        reader, writer = await self.send(data)
        received = await asyncio.wait_for(reader.read(), 20)
        writer.close()
        return received


async def plain(request: AwsRequest) -> AwsResponse:
    return AwsResponse(200, b"plain " + request.method.encode())


def in_house(scenario: Callable[[House], Awaitable[None]]) -> None:
    async def run() -> None:
        back, front = listen("127.0.0.1", 0), listen("127.0.0.1", 0)
        splicer = Splicer(f"http://127.0.0.1:{back.getsockname()[1]}", "push")
        guard = Guard(["http://app.example:3000"])

        async def echo(request: web.BaseRequest, seen: AwsRequest) -> web.StreamResponse:
            house.seen.append(seen)
            if seen.path.endswith("/refused"):
                raise AwsError("UnauthorizedException", "No.", 401)
            ws = web.WebSocketResponse(protocols=("graphql-ws",), compress=False)
            await ws.prepare(request)
            house.sockets.append(ws)
            async for message in ws:
                await ws.send_str(message.data)
            return ws

        process = Listener(
            Gateway(guard=guard, services={}, fallback=plain, own=plain, upgrades={"appsync": echo})
        )
        edge = Listener(
            Gateway(guard=guard, services={}, fallback=plain, own=plain, upgrades={"appsync": splicer.handle})
        )
        await process.start(back)
        await edge.start(front)
        house = House(front.getsockname()[1], splicer, process)
        try:
            await asyncio.wait_for(scenario(house), 30)
        finally:
            splicer.close()
            await edge.close()
            await process.close()

    with asyncio.Runner(loop_factory=_LOOPS[_chosen[0]]) as runner:
        runner.run(run())


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0)


def test_messages_of_all_sizes_pass_both_ways_and_closing_one_side_closes_the_other() -> None:
    async def scenario(house: House) -> None:
        async with (
            aiohttp.ClientSession() as session,
            session.ws_connect(
                f"ws://127.0.0.1:{house.port}/graphql/abc?header=e30%3D", protocols=("graphql-ws",)
            ) as ws,
        ):
            assert ws.protocol == "graphql-ws"
            for size in (0, 1, 125, 126, 65_535, 65_536, 1_000_000):
                await ws.send_str("x" * size)
                assert await ws.receive_str(timeout=20) == "x" * size
            assert house.splicer.connections == 1
        await until(lambda: house.splicer.connections == 0)
        assert house.sockets[0].close_code == 1000
        assert (house.seen[0].path, house.seen[0].query) == ("/graphql/abc", "header=e30%3D")

    in_house(scenario)


def test_the_head_arrives_as_it_was_sent() -> None:
    async def scenario(house: House) -> None:
        sent = handshake(Host="abc.appsync-realtime-api.eu-west-1.localhost:4566", X_Odd="é  b").replace(
            b"/abc ", b" ", 1
        )
        reader, writer = await house.send(sent)
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101 ")
        seen = house.seen[0]
        assert seen.headers["host"] == "abc.appsync-realtime-api.eu-west-1.localhost:4566"
        assert seen.headers["x-odd"] == "é  b"
        assert (seen.path, seen.context.region) == ("/graphql/abc", "eu-west-1")
        writer.close()

    in_house(scenario)


def test_what_a_client_sends_with_the_handshake_is_not_lost() -> None:
    async def scenario(house: House) -> None:
        reader, writer = await house.send(handshake() + TEXT_HI)
        await reader.readuntil(b"\r\n\r\n")
        assert await reader.readexactly(4) == b"\x81\x02hi"
        writer.close()

    in_house(scenario)


@pytest.mark.parametrize(
    "changes",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost:3000"},
        {"Host": "evil.example"},
        {"Host": "localhost.evil.example:4566"},
        {"Host": "abc.appsync-realtime-api.us-east-1.evil.example"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Referer": "https://evil.example/page"},
    ],
)
def test_a_page_from_elsewhere_and_a_rebound_name_do_not_get_a_connection(changes: dict[str, str]) -> None:
    async def scenario(house: House) -> None:
        sent = handshake(**changes, Connection="Upgrade, close")
        assert (await house.answer(sent)).startswith(b"HTTP/1.1 403 ")
        assert house.seen == []

    in_house(scenario)


@pytest.mark.parametrize("origin", ["http://app.example:3000", "http://localhost:4566", None])
def test_allowed_pages_and_programs_get_one(origin: str | None) -> None:
    async def scenario(house: House) -> None:
        reader, writer = await house.send(handshake(Origin=origin))
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101 ")
        writer.close()

    in_house(scenario)


def test_a_refused_handshake_ends_the_connection_so_that_nothing_follows_unguarded() -> None:
    async def scenario(house: House) -> None:
        smuggled = b"GET /graphql/abc/refused HTTP/1.1\r\nHost: evil.example\r\n\r\n"
        answer = await house.answer(handshake("/graphql/abc/refused") + smuggled)
        assert answer.startswith(b"HTTP/1.1 401 ")
        assert answer.count(b"HTTP/1.1") == 1
        assert len(house.seen) == 1

    in_house(scenario)


@pytest.mark.parametrize("extra", [{"Content-Length": "5"}, {"Transfer-Encoding": "chunked"}])
def test_a_handshake_with_a_body_is_refused(extra: dict[str, str]) -> None:
    async def scenario(house: House) -> None:
        answer = await house.answer(handshake(**extra) + b"5\r\nhello\r\n0\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 400 ")
        assert house.seen == []

    in_house(scenario)


@pytest.mark.parametrize(
    "changes", [{"Upgrade": "h2c"}, {"Connection": "close"}, {"Connection": "close", "Upgrade": None}]
)
def test_what_does_not_ask_for_a_websocket_is_answered_over_http(changes: dict[str, str | None]) -> None:
    async def scenario(house: House) -> None:
        sent = handshake(**{"Connection": "close, upgrade", **changes})
        assert (await house.answer(sent)).endswith(b"plain GET")

    in_house(scenario)


def test_a_process_that_is_gone_is_said_to_be() -> None:
    async def scenario(house: House) -> None:
        await house.process.close()
        assert (await house.answer(handshake())).startswith(b"HTTP/1.1 503 ")
        assert house.splicer.connections == 0

    in_house(scenario)


def test_clients_see_a_close_when_the_process_ends() -> None:
    async def scenario(house: House) -> None:
        reader, writer = await house.send(handshake())
        await reader.readuntil(b"\r\n\r\n")
        await house.process.close()
        await asyncio.wait_for(reader.read(), 20)  # until the end of the connection
        await until(lambda: house.splicer.connections == 0)
        writer.close()

    in_house(scenario)


def test_a_client_that_resets_takes_the_other_side_with_it() -> None:
    async def scenario(house: House) -> None:
        reader, writer = await house.send(handshake())
        await reader.readuntil(b"\r\n\r\n")
        linger = b"\x01\x00\x00\x00\x00\x00\x00\x00"  # close with a reset
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        writer.transport.abort()
        await until(lambda: house.splicer.connections == 0)
        await until(lambda: house.sockets[0].closed)

    in_house(scenario)


def test_a_slow_reader_stops_the_sender_instead_of_filling_memory() -> None:
    async def scenario(house: House) -> None:
        reader, writer = await house.send(handshake())
        await reader.readuntil(b"\r\n\r\n")
        writer.transport.pause_reading()
        payload = b"y" * 100_000
        sent = 0

        async def flood() -> None:
            nonlocal sent
            while True:
                await house.sockets[0].send_bytes(payload)
                sent += 1

        flooding = asyncio.create_task(flood())
        at_rest = -1
        while sent != at_rest:  # until the flood makes no way any more
            at_rest = sent
            for _ in range(2_000):
                await asyncio.sleep(0)
        assert 0 < sent < 1_000
        (end,) = house.splicer._ends
        assert end._transport is not None
        assert end._transport.get_write_buffer_size() < splice.MAX_WAITING_BYTES + 300_000
        flooding.cancel()
        await asyncio.gather(flooding, return_exceptions=True)
        writer.transport.resume_reading()
        received = 0
        while received < sent * 100_000:  # and once it reads, all of it arrives
            received += len(await asyncio.wait_for(reader.read(1_000_000), 20))
        writer.close()

    in_house(scenario)


def test_a_joined_connection_keeps_nothing_of_the_request(monkeypatch: pytest.MonkeyPatch) -> None:
    requests: list[weakref.ref[web.BaseRequest]] = []
    take_over = splice._take_over

    def noting(request: web.BaseRequest, end: splice._End) -> bytes | None:
        requests.append(weakref.ref(request))
        return take_over(request, end)

    monkeypatch.setattr(splice, "_take_over", noting)

    async def scenario(house: House) -> None:
        reader, writer = await house.send(handshake())
        await reader.readuntil(b"\r\n\r\n")
        for _ in range(10):
            await asyncio.sleep(0)
        gc.collect()
        assert requests[0]() is None
        writer.write(TEXT_HI)
        assert await reader.readexactly(4) == b"\x81\x02hi"
        writer.close()

    in_house(scenario)
