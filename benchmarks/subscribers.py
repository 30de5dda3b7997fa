"""What idle subscribers cost in memory, and how fast updates reach those who listen.

    python benchmarks/subscribers.py [--idle 5000] [--listening 1000] [--rate 500] [--seconds 20]

Memory: subscribers connect through the edge, each subscribed to a device of its own, and stay. What the edge
and the push process grew by is set beside a bare aiohttp server that holds as many sockets.

Speed: of fewer subscribers, each to a device of its own, one is told at each of `rate` updates a second,
which come as mutations over HTTP, ten to a request. Time runs from when an update was to be sent to when its
subscriber has it. Prints the times, how many updates are missing, and each process's CPU time of an update.

Needs nothing beside Launchday itself.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import statistics
import sys
import tempfile
import time
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote

import aiohttp
import psutil
import uvloop
from side_by_side import CannotMeasure, Server, free_port, keep, run

from harness.aws.limits.profiles import ESTABLISHED
from harness.emulator.launch import EmbeddedAws
from harness.emulator.machine import raise_file_limit
from harness.targets.local import local_cloud

BARE = Path(__file__).parent / "bare" / "web_sockets.py"
SETTLE_S = 3.0
AT_ONCE = 100
UPDATES_A_REQUEST = 10
LATE_S = 10.0
MB = 1_000_000
SCHEMA = """
type Location { device_id: ID! lat: Float lon: Float recorded_at: String n: Int }
type Query { ready: Boolean }
type Mutation {
  publishLocation(device_id: ID!, lat: Float, lon: Float, recorded_at: String, n: Int): Location
}
type Subscription { onLocation(device_id: ID!): Location @aws_subscribe(mutations: ["publishLocation"]) }
schema { query: Query mutation: Mutation subscription: Subscription }
"""
SUBSCRIPTION = "subscription S($d: ID!) { onLocation(device_id: $d) { device_id lat lon recorded_at n } }"


@dataclass
class Arrivals:
    """When each update was to be sent and when it came, by its number, in seconds of one clock."""

    planned: dict[int, float] = field(default_factory=dict)
    came: dict[int, float] = field(default_factory=dict)
    registered: int = 0


class Subscriber(asyncio.Protocol):
    """A client that does as little as it can: it knows the handshake's bytes and where its number stands."""

    def __init__(self, arrivals: Arrivals, host: str, path: str, start: bytes) -> None:
        self._arrivals = arrivals
        self._hello = (
            f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Protocol: graphql-ws\r\n\r\n"
        ).encode()
        self._start = start
        self._open = False
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.transport.write(self._hello)

    def data_received(self, data: bytes) -> None:
        if not self._open:
            if not data.startswith(b"HTTP/1.1 101"):
                raise CannotMeasure(f"A subscriber was refused: {data[:300]!r}")
            self._open = True
            assert self.transport is not None
            self.transport.write(masked(self._start))
        now = time.perf_counter()
        self._arrivals.registered += data.count(b'"start_ack"')
        at = data.find(b'"n":')
        while at >= 0:
            end = min(i for i in (data.find(b"}", at), data.find(b",", at)) if i >= 0)
            self._arrivals.came[int(data[at + 4 : end])] = now
            at = data.find(b'"n":', end)


def masked(text: bytes) -> bytes:
    """A client's text frame, with a mask of zeros."""
    length = len(text)
    size = bytes((0x80 | length,)) if length < 126 else b"\xfe" + length.to_bytes(2, "big")
    return b"\x81" + size + b"\0\0\0\0" + text


def hello(host: str, api_id: str, key: str, device: str) -> tuple[str, bytes]:
    """The path of a handshake, and the start message that follows."""
    credentials = {"host": host, "x-api-key": key}
    header = quote(b64encode(json.dumps(credentials).encode()).decode())
    data = json.dumps({"query": SUBSCRIPTION, "variables": {"d": device}})
    payload = {"data": data, "extensions": {"authorization": credentials}}
    start = json.dumps({"id": "1", "type": "start", "payload": payload}).encode()
    return f"/graphql/{api_id}?header={header}&payload=e30%3D", start


async def subscribe(arrivals: Arrivals, host: str, api_id: str, key: str, count: int) -> list[Subscriber]:
    """`count` subscribers, registered all."""
    loop = asyncio.get_running_loop()
    address, _, port = host.partition(":")
    made: list[Subscriber] = []
    for first in range(0, count, AT_ONCE):
        for number in range(first, min(count, first + AT_ONCE)):
            path, start = hello(host, api_id, key, f"d-{number}")
            subscriber = Subscriber(arrivals, host, path, start)
            await loop.create_connection(lambda one=subscriber: one, address, int(port))
            made.append(subscriber)
        async with asyncio.timeout(60):
            while arrivals.registered < len(made):
                await asyncio.sleep(0.005)
    return made


def close(subscribers: list[Subscriber]) -> None:
    for subscriber in subscribers:
        if subscriber.transport is not None:
            subscriber.transport.abort()


def resident_mb(pids: dict[str, int]) -> dict[str, float]:
    return {name: psutil.Process(pid).memory_info().rss / MB for name, pid in pids.items()}


def cpu_s(pids: dict[str, int]) -> dict[str, float]:
    return {name: sum(psutil.Process(pid).cpu_times()[:2]) for name, pid in pids.items()}


async def idle_memory(pids: dict[str, int], host: str, api_id: str, key: str, count: int) -> dict[str, Any]:
    """What the processes grew by for `count` subscribers, and what they have then."""
    before = resident_mb(pids)
    subscribers = await subscribe(Arrivals(), host, api_id, key, count)
    await asyncio.sleep(SETTLE_S)
    after = resident_mb(pids)
    close(subscribers)
    grown = {name: after[name] - before[name] for name in pids}
    return {
        "subscribers": count,
        "resident_mb": after,
        "grown_mb": grown,
        "kb_each": {name: value * 1000 / count for name, value in grown.items()},
        "total_mb": sum(after.values()),
    }


async def push(
    pids: dict[str, int], host: str, api_id: str, key: str, listening: int, rate: int, seconds: int
) -> dict[str, Any]:
    """Updates at `rate` a second to `listening` subscribers, one to each in turn."""
    arrivals = Arrivals()
    subscribers = await subscribe(arrivals, host, api_id, key, listening)
    total = rate * seconds // UPDATES_A_REQUEST * UPDATES_A_REQUEST
    before = cpu_s(pids)
    began = time.perf_counter() + 0.2
    async with aiohttp.ClientSession() as session:
        sending = []
        for first in range(0, total, UPDATES_A_REQUEST):
            due = began + first / rate
            arrivals.planned.update(dict.fromkeys(range(first, first + UPDATES_A_REQUEST), due))
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            sending.append(asyncio.create_task(mutate(session, host, api_id, key, first, listening)))
        await asyncio.gather(*sending)
    deadline = time.perf_counter() + LATE_S
    while len(arrivals.came) < total and time.perf_counter() < deadline:
        await asyncio.sleep(0.05)
    spent = {name: value - before[name] for name, value in cpu_s(pids).items()}
    close(subscribers)
    took_ms = sorted(1000 * (arrivals.came[n] - arrivals.planned[n]) for n in arrivals.came)
    if not took_ms:
        raise CannotMeasure("No update came.")
    return {
        "listening": listening,
        "rate_per_s": rate,
        "updates": total,
        "missing": total - len(took_ms),
        "p50_ms": statistics.median(took_ms),
        "p99_ms": took_ms[int(len(took_ms) * 0.99) - 1],
        "max_ms": took_ms[-1],
        "cpu_us_an_update": {name: 1e6 * value / total for name, value in spent.items()},
    }


def mutation() -> str:
    """One document for all requests, as a client with variables has it."""
    places = range(UPDATES_A_REQUEST)
    given = ", ".join(f"$d{i}: ID!, $n{i}: Int" for i in places)
    fields = " ".join(
        f"a{i}: publishLocation(device_id: $d{i}, lat: 52.5, lon: 13.4, "
        f'recorded_at: "2026-04-01T12:00:00Z", n: $n{i}) {{ device_id lat lon recorded_at n }}'
        for i in places
    )
    return f"mutation M({given}) {{ {fields} }}"


MUTATION = mutation()


async def mutate(
    session: aiohttp.ClientSession, host: str, api_id: str, key: str, first: int, listening: int
) -> None:
    """One request, with the updates from number `first` on."""
    variables: dict[str, Any] = {}
    for i in range(UPDATES_A_REQUEST):
        variables |= {f"d{i}": f"d-{(first + i) % listening}", f"n{i}": first + i}
    url, document = f"http://{host}/graphql/{api_id}", {"query": MUTATION, "variables": variables}
    async with session.post(url, json=document, headers={"x-api-key": key}) as answer:
        told = await answer.json()
        if answer.status != 200 or "errors" in told:
            raise CannotMeasure(f"A mutation was refused: {told}")


def an_api(endpoint: str) -> tuple[str, str]:
    """The id of a new API whose mutation gives back its arguments, and a key."""
    appsync = local_cloud({"": endpoint}).client("appsync")
    api_id = appsync.create_graphql_api(name="live", authenticationType="API_KEY")["graphqlApi"]["apiId"]
    appsync.start_schema_creation(apiId=api_id, definition=SCHEMA.encode())
    appsync.create_data_source(apiId=api_id, name="none", type="NONE")
    appsync.create_resolver(
        apiId=api_id,
        typeName="Mutation",
        fieldName="publishLocation",
        dataSourceName="none",
        requestMappingTemplate='{"version": "2018-05-29", "payload": $util.toJson($ctx.args)}',
        responseMappingTemplate="$util.toJson($ctx.result)",
    )
    return api_id, appsync.create_api_key(apiId=api_id)["apiKey"]["id"]


@contextlib.contextmanager
def embedded() -> Iterator[tuple[str, dict[str, int]]]:
    """The edge's host, and the processes that subscribers pass, by name."""
    with (
        tempfile.TemporaryDirectory() as folder,
        EmbeddedAws(port=0, data_dir=Path(folder), limits=ESTABLISHED) as aws,
    ):
        host = aws.endpoints[""].removeprefix("http://")
        yield host, asyncio.run(pids_of(host))


async def pids_of(host: str) -> dict[str, int]:
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"http://{host}/_launchday/observation") as answer,
    ):
        processes = (await answer.json())["processes"]
    return {process["name"]: process["pid"] for process in processes if process["name"] in ("edge", "push")}


def in_loop(work: Any) -> Any:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work)


def benchmark() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--idle", type=int, default=5_000)
    parser.add_argument("--listening", type=int, default=1_000)
    parser.add_argument("--rate", type=int, default=500)
    parser.add_argument("--seconds", type=int, default=20)
    chosen = parser.parse_args()
    raise_file_limit()
    with embedded() as (host, pids):
        api_id, key = an_api(f"http://{host}")
        pushed = in_loop(push(pids, host, api_id, key, chosen.listening, chosen.rate, chosen.seconds))
    with embedded() as (host, pids):
        api_id, key = an_api(f"http://{host}")
        held = in_loop(idle_memory(pids, host, api_id, key, chosen.idle))
    port = free_port()
    with Server([sys.executable, str(BARE), str(port)], port) as bare:
        beside = in_loop(idle_memory({"bare": bare.pid}, f"127.0.0.1:{port}", "abc", "key", chosen.idle))
    show(held, beside, pushed)
    keep("subscribers", {"idle": held, "bare": beside, "pushed": pushed})


def show(held: dict[str, Any], beside: dict[str, Any], pushed: dict[str, Any]) -> None:
    each = held["kb_each"]
    print(f"{held['subscribers']:,} idle subscribers: {held['total_mb']:.0f} MB in edge and push together")
    print(f"  each takes {each['edge']:.1f} KB in the edge and {each['push']:.1f} KB in push;")
    print(f"  a bare aiohttp socket takes {beside['kb_each']['bare']:.1f} KB")
    print(
        f"{pushed['rate_per_s']:,} updates/s to {pushed['listening']:,} subscribers, "
        f"{pushed['updates']:,} in all: {pushed['missing']} missing"
    )
    print(f"  p50 {pushed['p50_ms']:.1f} ms, p99 {pushed['p99_ms']:.1f} ms, max {pushed['max_ms']:.1f} ms")
    cpu = ", ".join(f"{name} {value:.0f} us" for name, value in pushed["cpu_us_an_update"].items())
    print(f"  CPU time of an update: {cpu}")


if __name__ == "__main__":
    sys.exit(run(benchmark))
