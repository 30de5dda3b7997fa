"""A bare process that holds what a run held, and tells of its growth; started by benchmarks/memory.py.

    python holder.py '{"devices": [a, b], "writes": [a, b], "item_bytes": n}'     a table with its stream
    python holder.py '{"records": [a, b], "record_bytes": n, "shards": n}'        a Kinesis stream
    python holder.py '{"objects": [a, b], "object_bytes": n, "invocations": [a, b]}'  moto's S3, and its Logs

It is filled up to `a`, as the run was when it had warmed up, measured, filled up to `b`, and measured again.
Prints {"grown_bytes": n}.
"""

from __future__ import annotations

import asyncio
import base64
import gc
import json
import random
import sys
import tempfile
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import orjson
import psutil

from harness.aws.limits.profiles import NONE
from harness.emulator.moto.hosted import HostedMoto
from harness.emulator.services.base import AwsRequest, CallContext
from harness.emulator.services.dynamodb import DynamoDbService
from harness.emulator.services.kinesis import KinesisService
from harness.measure.meters import Meters

CONTEXT = CallContext()
A_WRITE = 25
Fill = Callable[[int], Awaitable[None]]


async def table(devices: list[int], writes: list[int], item_bytes: int) -> list[Fill]:
    """Writes in the order of the run's: new devices at the run's pace, all others over what is there."""
    service = DynamoDbService(meters=Meters(), limits=NONE)
    created = {
        "TableName": "devices",
        "AttributeDefinitions": [{"AttributeName": "device_key", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "device_key", "KeyType": "HASH"}],
        "BillingMode": "PAY_PER_REQUEST",
        "StreamSpecification": {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    }
    await service.call("CreateTable", orjson.dumps(created), CONTEXT)
    pick, known, done = random.Random(1), 0, 0
    marks = [(0, 0), *zip(writes, devices, strict=True)]

    async def fill(step: int) -> None:
        nonlocal known, done
        (from_writes, from_devices), (to_writes, to_devices) = marks[step], marks[step + 1]
        new_share = (to_devices - from_devices) / max(1, to_writes - from_writes)
        while done < to_writes:
            puts = {}
            for _ in range(min(A_WRITE, to_writes - done)):
                done += 1
                wanted = from_devices + round((done - from_writes) * new_share)
                number = known if wanted > known else pick.randrange(max(1, known))
                known = max(known, number + 1)
                puts[number] = {"PutRequest": {"Item": item(number, done, item_bytes)}}
            request = {"RequestItems": {"devices": list(puts.values())}}
            await service.call("BatchWriteItem", orjson.dumps(request), CONTEXT)

    return [fill, fill]


def item(number: int, version: int, item_bytes: int) -> dict[str, Any]:
    key = f"account-{number % 200:05d}/device-{number:08d}"
    filler = f"{version:012d}".ljust(max(12, item_bytes - len(key) - 50), "x")
    return {
        "device_key": {"S": key},
        "registered_at": {"N": str(1_795_000_000_000 + version)},
        "recent": {"S": filler},
    }


async def stream(records: list[int], record_bytes: int, shards: int, folder: Path) -> list[Fill]:
    """Records one by one, as API Gateway's mapping puts them."""
    service = KinesisService(meters=Meters(), limits=NONE, data_dir=folder)
    created = {
        "StreamName": "events",
        "ShardCount": shards,
        "StreamModeDetails": {"StreamMode": "PROVISIONED"},
    }
    await service.call("CreateStream", orjson.dumps(created), CONTEXT)
    described = orjson.dumps({"StreamName": "events"})
    while b'"ACTIVE"' not in await service.call("DescribeStreamSummary", described, CONTEXT):
        await asyncio.sleep(0.05)
    marks = [0, *records]

    async def fill(step: int) -> None:
        for number in range(marks[step], marks[step + 1]):
            data = base64.b64encode(f"{number:012d}".ljust(record_bytes, "x").encode()).decode()
            put = {"StreamName": "events", "PartitionKey": f"device-{number}", "Data": data}
            await service.call("PutRecord", orjson.dumps(put), CONTEXT)

    return [fill, fill]


async def bucket(objects: list[int], object_bytes: int, invocations: list[int], folder: Path) -> list[Fill]:
    """Objects through moto's whole way in, and the three lines that the platform logs of each invocation."""
    hosted = HostedMoto(meters=Meters(), data_dir=folder)
    hosted.start_loading()
    for thread in threading.enumerate():
        if thread.name == "moto-loader":
            await asyncio.to_thread(thread.join)
    marks = [0, *objects]

    async def put(path: str, body: bytes) -> None:
        headers = {"host": "localhost", "authorization": _S3, "content-length": str(len(body))}
        answer = await hosted.handle(AwsRequest("PUT", path, "", headers, body, CONTEXT))
        if answer.status != 200:
            raise SystemExit(f"moto answered {answer.status} to PUT {path}: {answer.body[:300]!r}")

    async def log(number: int) -> None:
        lines = [[1_795_000_000_000 + number, line.format(f"{number:036d}")] for line in LINES]
        batch = orjson.dumps([["/aws/lambda/function", "2026/11/23/[$LATEST]0123456789abcdef", lines]])
        await hosted.take_logs(AwsRequest("POST", "/", "", {}, batch, CONTEXT))

    await put("/archive", b"")
    logged = [0, *invocations]

    async def fill(step: int) -> None:
        for number in range(logged[step], logged[step + 1]):
            await log(number)
        for number in range(marks[step], marks[step + 1]):
            key = f"audit/processor/date=2026-11-23/hour=17/shardId-000000000001/{number:056d}-500.json.gz"
            await put(f"/archive/{key}", b"x" * object_bytes)

    return [fill, fill]


LINES = (
    "START RequestId: {} Version: $LATEST\n",
    "END RequestId: {}\n",
    "REPORT RequestId: {}\tDuration: 123.45 ms\tBilled Duration: 124 ms\tMemory Size: 512 MB\t"
    "Max Memory Used: 64 MB\t\n",
)
_S3 = "AWS4-HMAC-SHA256 Credential=test/20261123/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0"


async def main(asked: dict[str, Any]) -> None:
    with tempfile.TemporaryDirectory(prefix="launchday-holder-") as name:
        if "writes" in asked:
            fills = await table(**asked)
        elif "records" in asked:
            fills = await stream(**asked, folder=Path(name))
        else:
            fills = await bucket(**asked, folder=Path(name))
        await fills[0](0)
        before = _resident_bytes()
        await fills[1](1)
        print(json.dumps({"grown_bytes": _resident_bytes() - before}))


def _resident_bytes() -> int:
    gc.collect()
    resident: int = psutil.Process().memory_info().rss
    return resident


if __name__ == "__main__":
    asyncio.run(main(json.loads(sys.argv[1])))
