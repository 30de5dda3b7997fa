"""DynamoDB PutItem over HTTP: the embedded AWS beside dynalite, under the same wrk script.

    python benchmarks/dynamodb_put.py

Puts devices as the pipeline's processor does, new ones and known ones. Needs wrk and npm. dynalite is
installed into the user's cache folder, once.
"""

from __future__ import annotations

import json
import sys
import time
import urllib.request

from devices import KEY, device
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

DYNALITE = "dynalite@4.0.0"
TABLE = "devices"
DEVICES = 512


def headers(operation: str) -> dict[str, str]:
    """What an SDK sends. Neither server checks the signature; dynalite wants to see one."""
    return {
        "Content-Type": "application/x-amz-json-1.0",
        "X-Amz-Target": f"DynamoDB_20120810.{operation}",
        "X-Amz-Date": "20260101T000000Z",
        "Authorization": "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/dynamodb/aws4_request, "
        f"SignedHeaders=content-type;host;x-amz-date;x-amz-target, Signature={'0' * 64}",
    }


def call(url: str, operation: str, **members: object) -> dict[str, object]:
    request = urllib.request.Request(url, json.dumps(members).encode(), headers(operation))
    with urllib.request.urlopen(request, timeout=10) as response:
        answer: dict[str, object] = json.loads(response.read())
    return answer


def create_table(url: str) -> None:
    call(
        url,
        "CreateTable",
        TableName=TABLE,
        AttributeDefinitions=[{"AttributeName": KEY, "AttributeType": "S"}],
        KeySchema=[{"AttributeName": KEY, "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
    )
    for _ in range(100):
        table = call(url, "DescribeTable", TableName=TABLE)["Table"]
        assert isinstance(table, dict)
        if table["TableStatus"] == "ACTIVE":
            return
        time.sleep(0.1)
    raise CannotMeasure(f"The table at {url} did not become ACTIVE.")


def put_requests() -> list[Request]:
    """The same for both."""
    puts = [{"TableName": TABLE, "Item": device(number)} for number in range(DEVICES)]
    return [Request("/", headers("PutItem"), json.dumps(put)) for put in puts]


def benchmark() -> None:
    cli = npm_command(DYNALITE, "dynalite", "cli.js")
    node = tool("node", "It comes with npm: https://nodejs.org, or apt-get install nodejs.")
    port = free_port()
    peer = f"http://127.0.0.1:{port}/"
    with (
        EmbeddedAws(port=0, limits=NONE) as aws,
        Server([node, str(cli), "--port", str(port), "--createTableMs", "0"], port),
        wrk_script(put_requests()) as script,
    ):
        pin_server(aws.pid)
        ours = aws.endpoints["dynamodb"].rstrip("/") + "/"
        for url in (ours, peer):
            create_table(url)
        comparison = compare(
            "dynamodb_put",
            {"launchday": lambda: wrk(ours, script), "dynalite": lambda: wrk(peer, script)},
            details={"devices": DEVICES, "item_bytes": len(json.dumps(device(0))), "peer": DYNALITE},
        )
    report(comparison)


if __name__ == "__main__":
    sys.exit(run(benchmark))
