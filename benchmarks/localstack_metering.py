"""What metering adds to LocalStack's work on a request.

    python benchmarks/localstack_metering.py

Asks one LocalStack for a REST API's MOCK method and for PutRecord, one request after the other, and tells the
CPU time of a request in LocalStack's process (its own account, so that a busy machine matters little). What
the extension's notes take of it is measured alone, in LocalStack's Python, and told as a share. The claim:
under 5 %.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
from side_by_side import CannotMeasure, keep, run

from harness.aws.limits.profiles import NONE
from harness.errors import LaunchdayError
from harness.targets.local import local_cloud
from harness.targets.localstack import environment, extension
from harness.targets.localstack.environment import Environment
from harness.targets.localstack.launch import LocalStack

WARM_UP = 200
REQUESTS = 1_000
NOTING = Path(__file__).parent / "bare" / "noting.py"


def benchmark() -> None:
    """Both, and the share."""
    try:
        found = environment.install(print)
    except LaunchdayError as error:
        raise CannotMeasure(f"There is no LocalStack here: {error}") from error
    noting = _noting(found)
    with LocalStack(found, port=0, limits=NONE) as aws:
        url, process = aws.endpoints[""], psutil.Process(aws.processes["localstack"])
        asks = {"stage": _stage(url), "PutRecord": _put_record(url)}
        figures = {}
        for name, ask in asks.items():
            cpu_us = _cpu_us(process, ask)
            taken = sum(noting[name].values())
            figures[name] = {"localstack_cpu_us": cpu_us, **noting[name], "share": taken / cpu_us}
            print(f"  {name}: {taken:.1f} of {cpu_us:,.0f} µs of LocalStack's CPU time, {taken / cpu_us:.2%}")
    keep("localstack_metering", {"requests": figures, "noting": noting})


def _noting(found: Environment) -> dict[str, dict[str, float]]:
    ended = subprocess.run(
        [found.python, NOTING],
        env={**os.environ, "PYTHONPATH": str(extension.build(found))},
        capture_output=True,
        check=True,
    )
    noting: dict[str, dict[str, float]] = json.loads(ended.stdout)
    return noting


def _cpu_us(process: psutil.Process, ask: Callable[[], None]) -> float:
    for _ in range(WARM_UP):
        ask()
    before = process.cpu_times()
    for _ in range(REQUESTS):
        ask()
    after = process.cpu_times()
    return ((after.user + after.system) - (before.user + before.system)) / REQUESTS * 1e6


def _client(url: str, service: str) -> Any:
    return local_cloud({"": url}).client(service)


def _put_record(url: str) -> Callable[[], None]:
    kinesis = _client(url, "kinesis")
    kinesis.create_stream(StreamName="events", ShardCount=1)
    kinesis.get_waiter("stream_exists").wait(StreamName="events")
    return lambda: kinesis.put_record(StreamName="events", PartitionKey="0123456789", Data=b"x" * 300)


def _stage(url: str) -> Callable[[], None]:
    gateway = _client(url, "apigateway")
    api = gateway.create_rest_api(name="api")["id"]
    (root,) = gateway.get_resources(restApiId=api)["items"]
    method = {"restApiId": api, "resourceId": root["id"], "httpMethod": "POST"}
    gateway.put_method(**method, authorizationType="NONE")
    gateway.put_method_response(**method, statusCode="200")
    gateway.put_integration(
        **method, type="MOCK", requestTemplates={"application/json": '{"statusCode": 200}'}
    )
    gateway.put_integration_response(**method, statusCode="200")
    gateway.create_deployment(restApiId=api, stageName="v1")
    request = urllib.request.Request(
        f"{url}/_aws/execute-api/{api}/v1/", b"{}", {"content-type": "application/json"}
    )

    def ask() -> None:
        with urllib.request.urlopen(request, timeout=20) as answer:
            answer.read()

    return ask


if __name__ == "__main__":
    sys.exit(run(benchmark))
