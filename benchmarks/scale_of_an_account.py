"""What a large account costs beside the pipeline: 300 functions, 200 tables and 50 streams that do nothing.

    python benchmarks/scale_of_an_account.py [--idle 20]

Stands up the reference pipeline (`launchday up`), and looks at each process of the emulator for `--idle`
seconds: memory, CPU time, and how many processes there are. Then creates, through boto3 and one by one, the
functions (one package of a few hundred bytes each), the tables (a quarter of them with a stream), the streams
and some queues, and maps every stream, the tables' streams and the queues to functions; and looks again. Last
it puts one record into every stream, to see that what was idle still works. Prints the time of each kind of
creation, and each process before and after. The bare limit beside it is the pipeline alone. Takes about two
minutes. Needs nothing beside Launchday itself.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
import zipfile
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psutil
from rehearsals import busy_s, launchday, role_of
from side_by_side import CannotMeasure, keep, run

from harness.targets.local import local_cloud

FUNCTIONS = 300
TABLES = 200
STREAMED_TABLES = 50
STREAMS = 50
QUEUES = 20
SETTLE_S = 5.0
WORKED_WITHIN_S = 60.0
ROLE = "arn:aws:iam::000000000000:role/idle"
HANDLER = "def handler(event, context):\n    return None\n"
MB = 1_000_000


@dataclass(frozen=True)
class Idle:
    """The emulator at rest: by role of process, resident MB, cores used, and how many processes."""

    memory_mb: Mapping[str, float]
    cores: Mapping[str, float]
    processes: Mapping[str, int]
    others_cores: float


@dataclass(frozen=True)
class Created:
    """How long one call took, of those of one kind."""

    kind: str
    count: int
    total_s: float
    median_ms: float
    max_ms: float


def at_rest(supervisor: int, idle_s: float) -> Idle:
    before, busy_before_s = _cpu_s(supervisor), busy_s()
    began_s = time.monotonic()
    time.sleep(idle_s)
    took_s = time.monotonic() - began_s
    after, machine_s = _cpu_s(supervisor), busy_s() - busy_before_s
    cores = {role: (after[role] - before.get(role, 0.0)) / took_s for role in after}
    memory: Counter[str] = Counter()
    processes: Counter[str] = Counter()
    for process in _all(supervisor):
        memory[role_of(process)] += process.memory_info().rss
        processes[role_of(process)] += 1
    return Idle(
        {role: size / MB for role, size in memory.items()},
        cores,
        dict(processes),
        max(0.0, machine_s / took_s - sum(cores.values())),
    )


def _all(supervisor: int) -> list[psutil.Process]:
    owner = psutil.Process(supervisor)
    return [owner, *owner.children(recursive=True)]


def _cpu_s(supervisor: int) -> dict[str, float]:
    total: dict[str, float] = {}
    for process in _all(supervisor):
        times, role = process.cpu_times(), role_of(process)
        total[role] = total.get(role, 0.0) + times.user + times.system
    return total


def create(kind: str, count: int, make: Callable[[int], object]) -> Created:
    took_s = []
    for number in range(count):
        began_s = time.perf_counter()
        make(number)
        took_s.append(time.perf_counter() - began_s)
    made = Created(
        kind, count, sum(took_s), statistics.median(took_s) * 1000, max(took_s, default=0.0) * 1000
    )
    print(
        f"  {made.count:>4} {made.kind:<22} {made.total_s:>6.2f} s   median {made.median_ms:>6.1f} ms   "
        f"highest {made.max_ms:>7.1f} ms",
        flush=True,
    )
    return made


class Account:
    """Creates what an account has, through boto3."""

    def __init__(self, endpoints: Mapping[str, str]) -> None:
        cloud = local_cloud(endpoints)
        names = ("lambda", "dynamodb", "kinesis", "sqs")
        self._clients: dict[str, Any] = {name: cloud.client(name) for name in names}
        self._package = _package()
        self.sources: list[tuple[str, dict[str, Any]]] = []

    def function(self, number: int) -> None:
        self._clients["lambda"].create_function(
            FunctionName=f"idle-{number}",
            Runtime="python3.12",
            Handler="app.handler",
            Role=ROLE,
            Code={"ZipFile": self._package},
        )

    def table(self, number: int) -> None:
        stream = {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"}
        created = self._clients["dynamodb"].create_table(
            TableName=f"idle-{number}",
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            BillingMode="PAY_PER_REQUEST",
            **({"StreamSpecification": stream} if number < STREAMED_TABLES else {}),
        )["TableDescription"]
        if number < STREAMED_TABLES:
            self.sources.append((created["LatestStreamArn"], {"StartingPosition": "LATEST"}))

    def stream(self, number: int) -> None:
        name = f"idle-{number}"
        kinesis = self._clients["kinesis"]
        kinesis.create_stream(StreamName=name, ShardCount=2)
        summary = kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]
        self.sources.append((summary["StreamARN"], {"StartingPosition": "LATEST"}))

    def queue(self, number: int) -> None:
        url = self._clients["sqs"].create_queue(QueueName=f"idle-{number}")["QueueUrl"]
        found = self._clients["sqs"].get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
        self.sources.append((found["Attributes"]["QueueArn"], {}))

    def mapping(self, number: int) -> None:
        arn, members = self.sources[number]
        self._clients["lambda"].create_event_source_mapping(
            FunctionName=f"idle-{number % FUNCTIONS}", EventSourceArn=arn, **members
        )

    def awaken(self) -> int:
        """A record into every stream; how many functions are to be invoked."""
        for number in range(STREAMS):
            self._clients["kinesis"].put_record(StreamName=f"idle-{number}", Data=b"{}", PartitionKey="k")
        for number in range(STREAMED_TABLES):
            self._clients["dynamodb"].put_item(TableName=f"idle-{number}", Item={"id": {"S": "k"}})
        return STREAMS + STREAMED_TABLES


def _package() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("app.py", HANDLER)
    return packed.getvalue()


def worked_s(edge: str, wanted: int) -> float:
    """How long until the idle functions had been invoked `wanted` times."""
    began_s = time.monotonic()
    while time.monotonic() < began_s + WORKED_WITHIN_S:
        with urllib.request.urlopen(f"{edge}/_launchday/observation", timeout=20) as answer:
            usage = json.load(answer)["usage"]
        done = sum(
            quantity
            for service, resource, unit, quantity in usage
            if service == "lambda" and unit == "requests" and resource.startswith("idle-")
        )
        if done >= wanted:
            return time.monotonic() - began_s
        time.sleep(0.2)
    raise CannotMeasure(f"Of {wanted} functions {done:.0f} were invoked within {WORKED_WITHIN_S:.0f} s.")


def tell(before: Idle, after: Idle) -> None:
    print("\n  at rest            memory (MB)           cores            processes")
    for role in sorted(before.memory_mb.keys() | after.memory_mb.keys()):
        memory = [each.memory_mb.get(role, 0.0) for each in (before, after)]
        cores = [each.cores.get(role, 0.0) for each in (before, after)]
        processes = [each.processes.get(role, 0) for each in (before, after)]
        print(
            f"  {role:<14} {memory[0]:>8.1f} -> {memory[1]:>7.1f}   {cores[0]:>7.3f} -> {cores[1]:>6.3f}"
            f"   {processes[0]:>4} -> {processes[1]}"
        )
    for name, idle in (("before", before), ("after", after)):
        print(
            f"  {name:<7} {sum(idle.memory_mb.values()):.0f} MB, {sum(idle.cores.values()):.3f} cores "
            f"(others on the machine: {idle.others_cores:.2f})"
        )


def benchmark(idle_s: float) -> None:
    with tempfile.TemporaryDirectory(prefix="launchday-benchmark-") as name:
        environment = {
            **os.environ,
            "LAUNCHDAY_STATE_DIR": str(Path(name) / "state"),
            "LAUNCHDAY_STAGE": "benchmark",
        }
        up = subprocess.run(
            [launchday(), "up", "--port", "0"], env=environment, capture_output=True, text=True, check=False
        )
        if up.returncode:
            raise CannotMeasure(f"`launchday up` failed: {up.stderr.strip()[-500:]}")
        try:
            measure(json.loads((Path(name) / "state" / "standing.json").read_bytes()), idle_s)
        finally:
            subprocess.run([launchday(), "down"], env=environment, capture_output=True, check=True)


def measure(standing: Mapping[str, Any], idle_s: float) -> None:
    supervisor, endpoints = standing["pid"], standing["endpoints"]
    time.sleep(SETTLE_S)
    before = at_rest(supervisor, idle_s)
    account = Account(endpoints)
    made = [
        create("functions", FUNCTIONS, account.function),
        create("tables", TABLES, account.table),
        create("streams", STREAMS, account.stream),
        create("queues", QUEUES, account.queue),
        create("mappings", STREAMED_TABLES + STREAMS + QUEUES, account.mapping),
    ]
    time.sleep(SETTLE_S)
    after = at_rest(supervisor, idle_s)
    tell(before, after)
    awake_s = worked_s(endpoints[""], account.awaken())
    print(
        f"\n  a record in each of {STREAMS + STREAMED_TABLES} streams: all were processed in {awake_s:.1f} s"
    )
    keep(
        "scale_of_an_account",
        {
            "created": [asdict(each) for each in made],
            "before": asdict(before),
            "after": asdict(after),
            "awake_s": awake_s,
        },
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--idle", type=float, default=20.0, help="seconds to look at the idle emulator")
    options = parser.parse_args()
    sys.exit(run(lambda: benchmark(options.idle)))
