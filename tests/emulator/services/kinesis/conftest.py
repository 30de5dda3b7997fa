from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import orjson
import pytest

from harness.aws.limits.profiles import FRESH, NONE, Limits
from harness.emulator.services.base import AwsError, CallContext
from harness.emulator.services.kinesis import KinesisService
from harness.measure.meters import Meters
from tests.emulator.services.coroutines import run

T = TypeVar("T")

START_S = 1_700_000_000.0


class Driver:
    """A service under a clock that only the test moves."""

    def __init__(self, data_dir: Path, limits: Limits, **options: Any) -> None:
        self.now_s = START_S
        self.meters = Meters()
        self.context = CallContext(account_id="123456789012")
        self.data_dir = data_dir
        self.service = KinesisService(
            meters=self.meters, limits=limits, data_dir=data_dir, clock=lambda: self.now_s, **options
        )

    def __call__(self, operation: str, **members: Any) -> Any:
        answer = run(self.service.call(operation, orjson.dumps(members), self.context))
        return orjson.loads(answer) if answer else None

    def fails(self, operation: str, **members: Any) -> AwsError:
        with pytest.raises(AwsError) as caught:
            self(operation, **members)
        return caught.value

    def advance(self, seconds: float) -> None:
        self.now_s += seconds

    def housekeep(self) -> None:
        self.service.housekeep()

    def create(self, name: str = "events", shards: int = 1) -> None:
        self("CreateStream", StreamName=name, ShardCount=shards)
        self.advance(1)

    def put(self, key: str = "k", data: str = "", name: str = "events", **members: Any) -> Any:
        return self("PutRecord", StreamName=name, PartitionKey=key, Data=data, **members)

    def iterator(self, shard: str = "shardId-0", kind: str = "TRIM_HORIZON", **members: Any) -> str:
        members.setdefault("StreamName", "events")
        answer = self("GetShardIterator", ShardId=shard, ShardIteratorType=kind, **members)
        token: str = answer["ShardIterator"]
        return token

    def read(self, iterator: str, **members: Any) -> Any:
        return self("GetRecords", ShardIterator=iterator, **members)

    def shards(self, name: str = "events", **members: Any) -> list[dict[str, Any]]:
        listed: list[dict[str, Any]] = self("ListShards", StreamName=name, **members)["Shards"]
        return listed

    def used(self, unit: str, name: str = "events") -> float:
        return self.meters.counter("kinesis", name, unit).value

    def gauge(self, gauge: str, name: str = "events") -> float:
        return next(g.value for g in self.meters.gauges() if (g.resource, g.name) == (name, gauge))


@pytest.fixture
def drive(tmp_path: Path) -> Callable[..., Driver]:
    """Makes a service: `drive(limits=FRESH, memory_budget_bytes=...)`; without limits by default."""

    def make(limits: Limits = NONE, **options: Any) -> Driver:
        return Driver(tmp_path / "kinesis", limits, **options)

    return make


@pytest.fixture
def kinesis(drive: Callable[..., Driver]) -> Driver:
    """A service without limits."""
    return drive()


@pytest.fixture
def limited(drive: Callable[..., Driver]) -> Driver:
    """A service under AWS's own limits."""
    return drive(FRESH)
