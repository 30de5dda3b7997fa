"""What a million registered devices take in memory, and how fast DynamoDB's operations answer in-process.

    python benchmarks/device_memory.py [--devices N] [--stream]

Puts the devices in batches of 25 into one table, as the processor does, and tells of the growth of resident
memory an item; then the rates of single operations and batches on that table, without HTTP.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import sys
import time
from collections.abc import Iterable
from typing import Any

import orjson
import psutil
from devices import KEY, device
from side_by_side import keep, run

from harness.aws.limits.profiles import NONE
from harness.emulator.services.base import CallContext
from harness.emulator.services.dynamodb import DynamoDbService
from harness.measure.meters import Meters

TABLE = "devices"
BATCH = 25
READ_BATCH = 100
SAMPLE = 20_000
CONTEXT = CallContext()


def rss_bytes() -> int:
    gc.collect()
    resident: int = psutil.Process().memory_info().rss
    return resident


def create(stream: bool) -> bytes:
    request: dict[str, Any] = {
        "TableName": TABLE,
        "AttributeDefinitions": [{"AttributeName": KEY, "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": KEY, "KeyType": "HASH"}],
        "BillingMode": "PAY_PER_REQUEST",
    }
    if stream:
        request["StreamSpecification"] = {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}
    return orjson.dumps(request)


def batch_write(numbers: Iterable[int]) -> bytes:
    puts = [{"PutRequest": {"Item": device(number)}} for number in numbers]
    return orjson.dumps({"RequestItems": {TABLE: puts}})


def key(number: int) -> dict[str, Any]:
    return {KEY: device(number)[KEY]}


def operations() -> dict[str, tuple[int, list[bytes]]]:
    """By operation: items a call, and the calls' bodies."""
    update = {
        "UpdateExpression": "SET lat = :lat, lon = :lon, recorded_at = :at",
        "ConditionExpression": "attribute_not_exists(recorded_at) OR recorded_at <= :at",
        "ExpressionAttributeValues": {
            ":lat": {"N": "40.75"},
            ":lon": {"N": "-73.99"},
            ":at": {"S": "2027-01-01T00:00:00.000Z"},
        },
    }
    sample = range(SAMPLE)
    gets = [
        {"RequestItems": {TABLE: {"Keys": [key(n) for n in range(i, i + READ_BATCH)]}}}
        for i in range(0, SAMPLE, READ_BATCH)
    ]
    return {
        "PutItem": (1, [orjson.dumps({"TableName": TABLE, "Item": device(n)}) for n in sample]),
        "GetItem": (1, [orjson.dumps({"TableName": TABLE, "Key": key(n)}) for n in sample]),
        "UpdateItem": (1, [orjson.dumps({"TableName": TABLE, "Key": key(n), **update}) for n in sample]),
        "BatchWriteItem": (BATCH, [batch_write(range(i, i + BATCH)) for i in range(0, SAMPLE, BATCH)]),
        "BatchGetItem": (READ_BATCH, [orjson.dumps(get) for get in gets]),
    }


async def measure(devices: int, stream: bool) -> dict[str, Any]:
    service = DynamoDbService(meters=Meters(), limits=NONE)
    await service.call("CreateTable", create(stream), CONTEXT)
    before = rss_bytes()
    started = time.perf_counter()
    for first in range(0, devices, BATCH):
        await service.call("BatchWriteItem", batch_write(range(first, min(first + BATCH, devices))), CONTEXT)
    loaded_s = time.perf_counter() - started
    grown = rss_bytes() - before
    print(f"{devices:,} devices in {loaded_s:.1f} s, making the requests included")
    print(f"{grown / 2**20:,.0f} MB more resident: {grown / devices:,.0f} bytes an item")
    rates: dict[str, float] = {}
    for name, (items, bodies) in operations().items():
        started = time.perf_counter()
        for body in bodies:
            await service.call(name, body, CONTEXT)
        rates[name] = len(bodies) * items / (time.perf_counter() - started)
        print(f"  {name:<16} {rates[name]:>10,.0f} items/s")
    return {
        "devices": devices,
        "stream": stream,
        "grown_bytes": grown,
        "bytes_per_item": round(grown / devices, 1),
        "resident_bytes": rss_bytes(),
        "items_per_s": {name: round(rate) for name, rate in rates.items()},
    }


def benchmark() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--devices", type=int, default=1_000_000)
    parser.add_argument("--stream", action="store_true", help="with a stream of new and old images")
    arguments = parser.parse_args()
    figures = asyncio.run(measure(arguments.devices, arguments.stream))
    keep("device_memory_stream" if arguments.stream else "device_memory", figures)


if __name__ == "__main__":
    sys.exit(run(benchmark))
