"""What LocalStack's extension adds to LocalStack's work on a request that it hands to the companion.

    python benchmarks/localstack_forwarding.py

Asks one LocalStack for DynamoDB's PutItem and ListTables, which the extension forwards, and for simple
operations that LocalStack serves itself, four clients at a time; then the companion directly. Tells the CPU
time of a request in LocalStack and in the companion (their own account of it, so that a busy machine matters
little) and the requests a second. How much of it the extension's client takes is measured alone, in
LocalStack's Python: the same request, sent to the companion over a kept connection.
"""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from side_by_side import CannotMeasure, keep, run

from harness.aws.limits.profiles import NONE
from harness.errors import LaunchdayError
from harness.targets.embedded import EmbeddedObserver
from harness.targets.localstack import environment, extension
from harness.targets.localstack.launch import LocalStack

CLIENTS = 4
WARM_UP_S = 2.0
RUN_S = 10.0
TABLE = {
    "TableName": "devices",
    "KeySchema": [{"AttributeName": "device_id", "KeyType": "HASH"}],
    "AttributeDefinitions": [{"AttributeName": "device_id", "AttributeType": "S"}],
    "BillingMode": "PAY_PER_REQUEST",
}
BARE_CLIENT = """
import json, sys, time
from launchday_localstack.companion import Companion, call_headers
companion, given, body = Companion(sys.argv[1]), json.loads(sys.argv[2]), sys.argv[3].encode()
def send():
    headers = call_headers(given.items(), service="dynamodb", account_id="000000000000", region="us-east-1")
    assert companion.send("POST", "/", headers, body).status == 200
for _ in range(300):
    send()
start = time.thread_time()
for _ in range(3000):
    send()
print((time.thread_time() - start) / 3000 * 1000)
"""


@dataclass(frozen=True)
class Operation:
    """What is asked; `body` makes the body of the n-th request of a client."""

    target: str
    scope: str
    body: Callable[[int, int], Mapping[str, Any]] = lambda _client, _number: {}

    @property
    def headers(self) -> dict[str, str]:
        """As an SDK sends them; nobody here verifies the signature."""
        credential = f"test/20260101/us-east-1/{self.scope}/aws4_request"
        return {
            "Content-Type": "application/x-amz-json-1.0",
            "X-Amz-Target": self.target,
            "Authorization": f"AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders=host, Signature=0",
        }


def item(client: int, number: int) -> dict[str, Any]:
    return {
        "TableName": "devices",
        "Item": {"device_id": {"S": f"{client}-{number}"}, "note": {"S": "x" * 200}, "n": {"N": "1"}},
    }


FORWARDED = {
    "dynamodb:PutItem": Operation("DynamoDB_20120810.PutItem", "dynamodb", item),
    "dynamodb:ListTables": Operation("DynamoDB_20120810.ListTables", "dynamodb"),
}
OWN = {
    "sqs:ListQueues": Operation("AmazonSQS.ListQueues", "sqs"),
    "kms:ListKeys": Operation("TrentService.ListKeys", "kms"),
    "ssm:DescribeParameters": Operation("AmazonSSM.DescribeParameters", "ssm"),
}


@dataclass(frozen=True)
class Row:
    """One operation, measured."""

    operation: str
    served_by: str
    per_s: float
    localstack_cpu_ms: float
    companion_cpu_ms: float


def load(url: str, operation: Operation, run_s: float) -> int:
    """How many requests were answered with 200 in that time. Raises CannotMeasure for any other answer."""
    address = urlsplit(url)
    counts, refused = [0] * CLIENTS, list[bytes]()
    end = time.monotonic() + run_s

    def ask(client: int) -> None:
        connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=30)
        while time.monotonic() < end and not refused:
            body = json.dumps(operation.body(client, counts[client]))
            connection.request("POST", "/", body, operation.headers)
            answer = connection.getresponse()
            content = answer.read()
            if answer.status != 200:
                refused.append(content)
            counts[client] += 1
        connection.close()

    threads = [threading.Thread(target=ask, args=(client,)) for client in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if refused:
        raise CannotMeasure(f"{operation.target} was refused: {refused[0][:300]!r}")
    return sum(counts)


def cpu_s(observer: EmbeddedObserver) -> dict[str, float]:
    """The CPU time of LocalStack and of the companion so far."""
    return {process.name: process.cpu_s for process in observer.observe().processes}


def measure(name: str, served_by: str, url: str, operation: Operation, observer: EmbeddedObserver) -> Row:
    load(url, operation, WARM_UP_S)
    before = cpu_s(observer)
    count = load(url, operation, RUN_S)
    after = cpu_s(observer)

    def each_ms(process: str) -> float:
        return (after[process] - before[process]) / count * 1000

    return Row(name, served_by, count / RUN_S, each_ms("localstack"), each_ms("companion"))


def client_alone_ms(python: Path, path: Path, companion_url: str) -> float:
    """The CPU time of a forwarded PutItem in the extension's client, in ms."""
    operation = FORWARDED["dynamodb:PutItem"]
    arguments = (companion_url, json.dumps(operation.headers), json.dumps(item(0, 0)))
    said = subprocess.run(
        [python, "-c", BARE_CLIENT, *arguments],
        env={"PYTHONPATH": str(path)},
        stdout=subprocess.PIPE,
        check=True,
        timeout=120,
    ).stdout
    return float(said)


def benchmark() -> None:
    try:
        installed = environment.install(print)
    except LaunchdayError as error:
        raise CannotMeasure(str(error)) from error
    with LocalStack(installed, port=0, limits=NONE) as aws:
        url, companion_url = aws.endpoints[""], aws.observed_at
        observer = EmbeddedObserver(companion_url)
        create_table(companion_url)
        rows = [
            *(measure(name, "companion, by LocalStack", url, op, observer) for name, op in FORWARDED.items()),
            *(measure(name, "LocalStack", url, op, observer) for name, op in OWN.items()),
            *(measure(name, "companion", companion_url, op, observer) for name, op in FORWARDED.items()),
        ]
        alone_ms = client_alone_ms(installed.python, extension.build(installed), companion_url)
        observer.close()
    print(f"{'operation':24} {'served by':26} {'requests/s':>10} {'LocalStack':>12} {'companion':>12}")
    for row in rows:
        print(
            f"{row.operation:24} {row.served_by:26} {row.per_s:10.0f} {row.localstack_cpu_ms:9.2f} ms "
            f"{row.companion_cpu_ms:9.2f} ms"
        )
    print(f"The extension's client alone: {alone_ms:.2f} ms of CPU a PutItem.")
    keep(
        "localstack_forwarding",
        {"clients": CLIENTS, "client_alone_ms": alone_ms, "rows": [asdict(row) for row in rows]},
    )


def create_table(url: str) -> None:
    """Make the table, unless it is there."""
    address = urlsplit(url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=30)
    operation = Operation("DynamoDB_20120810.CreateTable", "dynamodb")
    connection.request("POST", "/", json.dumps(TABLE), operation.headers)
    content = connection.getresponse().read()
    connection.close()
    if b"TableDescription" not in content:
        raise CannotMeasure(f"The table could not be made: {content[:300]!r}")


if __name__ == "__main__":
    sys.exit(run(benchmark))
