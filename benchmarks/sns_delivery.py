"""SNS to 20 healthy webhook endpoints: the embedded AWS beside a bare aiohttp client posting the same bodies.

    python benchmarks/sns_delivery.py

A message is published once and arrives 20 times; the rates are deliveries a second, the latencies from before
the publish (the bare client: before the post) to the arrival, flat out, so mostly waiting in line. Then,
of the embedded AWS alone: the time of one RSA signature, and what 10,000 deliveries to an endpoint that hangs
hold in memory.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import time
import urllib.request
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import aiohttp
import psutil
from side_by_side import CannotMeasure, Measurement, Server, compare, free_port, report, run

from harness.aws.limits.profiles import NONE
from harness.emulator.launch import EmbeddedAws
from harness.emulator.services.sns.signing import Signer
from harness.targets.local import local_cloud

ENDPOINTS = 20
MESSAGES = 500
MESSAGE_BYTES = 1_000
PUBLISHERS = 16
POSTS_AT_ONCE = 320  # as many as the publishers' messages make
PENDING = 10_000
ENVELOPE_BYTES = 950  # what SNS's JSON adds, nearly all of it the signature and the links
_HEADERS = {
    "authorization": "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/sns/aws4_request, "
    f"SignedHeaders=host, Signature={'0' * 64}",
    "content-type": "application/x-www-form-urlencoded; charset=utf-8",
}


def message() -> str:
    """What is published: it says when."""
    return json.dumps({"sent": time.monotonic(), "pad": "x" * (MESSAGE_BYTES - 40)})


class Sink:
    """The endpoints' process."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"

    def take(self, expected: int) -> dict[str, float]:
        """Wait until `expected` notifications came; how many came and their latencies."""
        total, deadline = 0, time.monotonic() + 120
        found: dict[str, float] = {}
        while total < expected:
            if time.monotonic() > deadline:
                raise CannotMeasure(f"Only {total} of {expected} notifications arrived within 120 s.")
            time.sleep(0.02)
            with urllib.request.urlopen(self.url + "/figures", timeout=10) as answer:
                part = json.load(answer)
            total += part["count"]
            if part["count"]:
                found = part if part["count"] > found.get("count", 0) else found
        return found


@contextlib.contextmanager
def endpoints() -> Iterator[Sink]:
    """The endpoints, for the time of a `with` block."""
    port = free_port()
    program = Path(__file__).parent / "bare" / "webhook_sink.py"
    with Server([sys.executable, str(program), str(port)], port):
        yield Sink(port)


def measured(sink: Sink, send: Callable[[], Coroutine[Any, Any, None]]) -> Measurement:
    """Send, and wait for all to arrive. The latencies are those of the largest part that was looked at."""
    deliveries = MESSAGES * ENDPOINTS
    started_s = time.perf_counter()
    asyncio.run(send())
    figures = sink.take(deliveries)
    took_s = time.perf_counter() - started_s
    return Measurement(deliveries / took_s, figures["p50_ms"], figures["p99_ms"], deliveries, 0)


async def shared(workers: int, jobs: int, do: Callable[[int], Coroutine[Any, Any, None]]) -> None:
    """`jobs` calls of `do`, `workers` at a time."""
    left = iter(range(jobs))

    async def work() -> None:
        for number in left:
            await do(number)

    await asyncio.gather(*(work() for _ in range(workers)))


async def publish(url: str, topic: str, count: int) -> None:
    """Publish `count` messages."""
    async with aiohttp.ClientSession() as session:

        async def one(_number: int) -> None:
            form = urlencode({"Action": "Publish", "TopicArn": topic, "Message": message()})
            async with session.post(url, data=form, headers=_HEADERS) as answer:
                if answer.status != 200:
                    raise CannotMeasure(f"Publish was answered {answer.status}: {await answer.text()}")

        await shared(PUBLISHERS, count, one)


async def post(sink: Sink) -> None:
    """The same bodies to the same endpoints, without SNS."""
    connector = aiohttp.TCPConnector(limit=POSTS_AT_ONCE)
    async with aiohttp.ClientSession(connector=connector) as session:

        async def one(number: int) -> None:
            body = json.dumps({"Message": message(), "rest": "y" * ENVELOPE_BYTES}).encode()
            async with session.post(f"{sink.url}/hook/{number % ENDPOINTS}", data=body) as answer:
                await answer.read()

        await shared(POSTS_AT_ONCE, MESSAGES * ENDPOINTS, one)


def subscribe(aws: EmbeddedAws, topic: str, endpoint: str) -> None:
    """Subscribe `endpoint` and wait for it to confirm."""
    sns = local_cloud(aws.endpoints).client("sns")
    arn = sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=endpoint, ReturnSubscriptionArn=True)[
        "SubscriptionArn"
    ]
    for _ in range(500):
        found = sns.get_subscription_attributes(SubscriptionArn=arn)["Attributes"]
        if found["PendingConfirmation"] == "false":
            return
        time.sleep(0.02)
    raise CannotMeasure(f"{endpoint} did not confirm its subscription.")


def push_rss_bytes(aws: EmbeddedAws) -> int:
    """The resident memory of the process that SNS runs in."""
    for process in psutil.Process(aws.pid).children():
        if "harness.emulator.push" in process.cmdline():
            rss: int = process.memory_info().rss
            return rss
    raise CannotMeasure("There is no push process.")


def pending_bytes_each() -> float:
    """What a delivery to an endpoint that hangs holds, with a message of its own, in a fresh process."""
    with endpoints() as sink, EmbeddedAws(port=0, limits=NONE) as aws:
        topic = local_cloud(aws.endpoints).client("sns").create_topic(Name="hanging")["TopicArn"]
        subscribe(aws, topic, f"{sink.url}/hang/0")
        asyncio.run(publish(aws.endpoints["sns"], topic, PENDING // 10))  # what the first ones load
        before = push_rss_bytes(aws)
        asyncio.run(publish(aws.endpoints["sns"], topic, PENDING))
        return (push_rss_bytes(aws) - before) / PENDING


def signature_ms() -> float:
    """The time of one, in the thread that makes them."""

    async def sign(count: int) -> None:
        for number in range(count):
            await signer.sign(f"{number}" + "x" * MESSAGE_BYTES, "1")

    signer = Signer()
    asyncio.run(sign(10))
    started_s = time.perf_counter()
    asyncio.run(sign(500))
    signer.close()
    return (time.perf_counter() - started_s) / 500 * 1000


def benchmark() -> None:
    with endpoints() as sink, EmbeddedAws(port=0, limits=NONE) as aws:
        topic = local_cloud(aws.endpoints).client("sns").create_topic(Name="healthy")["TopicArn"]
        for number in range(ENDPOINTS):
            subscribe(aws, topic, f"{sink.url}/hook/{number}")
        details: dict[str, Any] = {
            "endpoints": ENDPOINTS,
            "message_bytes": MESSAGE_BYTES,
            "rates": "deliveries a second",
            "signature_ms": round(signature_ms(), 3),
        }
        comparison = compare(
            "sns_delivery",
            {
                "launchday": lambda: measured(sink, lambda: publish(aws.endpoints["sns"], topic, MESSAGES)),
                "bare aiohttp client": lambda: measured(sink, lambda: post(sink)),
            },
            details=details,
        )
    comparison.details["pending_bytes_each"] = round(pending_bytes_each())
    report(comparison)
    published = comparison.median("launchday").per_s / ENDPOINTS
    print(f"  published {published:,.0f} messages/s to {ENDPOINTS} endpoints each")
    print(f"  one signature takes {comparison.details['signature_ms']} ms")
    print(f"  a pending delivery of {MESSAGE_BYTES} bytes holds {comparison.details['pending_bytes_each']}")


if __name__ == "__main__":
    sys.exit(run(benchmark))
