"""Kinesis PutRecord over HTTP: the embedded AWS beside kinesalite, under the same wrk script.

    python benchmarks/kinesis_put.py

Needs wrk and npm. kinesalite is installed into the user's cache folder, once.
"""

from __future__ import annotations

import base64
import json
import random
import sys
import time
import urllib.request

from side_by_side import (
    CannotMeasure,
    Request,
    Server,
    compare,
    free_port,
    npm_command,
    pin_server,
    report,
    run,
    tool,
    wrk,
    wrk_script,
)

from harness.aws.limits.profiles import NONE
from harness.emulator.launch import EmbeddedAws

KINESALITE = "kinesalite@3.3.3"
STREAM = "events"
SHARDS = 4
DATA_BYTES = 300  # about what a device's event takes in the pipeline


def headers(operation: str) -> dict[str, str]:
    """What an SDK sends. Neither server checks the signature; kinesalite wants to see one."""
    return {
        "Content-Type": "application/x-amz-json-1.1",
        "X-Amz-Target": f"Kinesis_20131202.{operation}",
        "X-Amz-Date": "20260101T000000Z",
        "Authorization": "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/kinesis/aws4_request, "
        f"SignedHeaders=content-type;host;x-amz-date;x-amz-target, Signature={'0' * 64}",
    }


def call(url: str, operation: str, **members: object) -> dict[str, object]:
    request = urllib.request.Request(url, json.dumps(members).encode(), headers(operation))
    with urllib.request.urlopen(request, timeout=10) as response:
        body = response.read()
    answer: dict[str, object] = json.loads(body) if body else {}
    return answer


def create_stream(url: str) -> None:
    call(url, "CreateStream", StreamName=STREAM, ShardCount=SHARDS)
    for _ in range(100):
        description = call(url, "DescribeStream", StreamName=STREAM)["StreamDescription"]
        assert isinstance(description, dict)
        if description["StreamStatus"] == "ACTIVE":
            return
        time.sleep(0.1)
    raise CannotMeasure(f"The stream at {url} did not become ACTIVE.")


def put_requests() -> list[Request]:
    """The same for both: 64 records of 64 devices."""
    draw = random.Random(1)
    return [
        Request(
            "/",
            headers("PutRecord"),
            json.dumps(
                {
                    "StreamName": STREAM,
                    "PartitionKey": f"device-{draw.randrange(10**6)}",
                    "Data": base64.b64encode(draw.randbytes(DATA_BYTES)).decode(),
                }
            ),
        )
        for _ in range(64)
    ]


def benchmark() -> None:
    cli = npm_command(KINESALITE, "kinesalite", "cli.js")
    node = tool("node", "It comes with npm: https://nodejs.org, or apt-get install nodejs.")
    port = free_port()
    peer = f"http://127.0.0.1:{port}/"
    with (
        EmbeddedAws(port=0, limits=NONE) as aws,
        Server([node, str(cli), "--port", str(port)], port),
        wrk_script(put_requests()) as script,
    ):
        pin_server(aws.pid)
        ours = aws.endpoints["kinesis"].rstrip("/") + "/"
        for url in (ours, peer):
            create_stream(url)
        comparison = compare(
            "kinesis_put",
            {"launchday": lambda: wrk(ours, script), "kinesalite": lambda: wrk(peer, script)},
            details={"shards": SHARDS, "data_bytes": DATA_BYTES, "peer": KINESALITE},
        )
    report(comparison)


if __name__ == "__main__":
    sys.exit(run(benchmark))
