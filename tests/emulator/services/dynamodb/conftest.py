from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import orjson
import pytest

from harness.aws.limits.profiles import NONE, Limits
from harness.emulator.services.base import AwsError, CallContext
from harness.emulator.services.dynamodb import DynamoDbService, DynamoDbStreamsService
from harness.measure.meters import Meters
from tests.emulator.services.coroutines import run

T = TypeVar("T")

START_S = 1_700_000_000.0


class Driver:
    """DynamoDB under a clock that only the test moves."""

    def __init__(self, limits: Limits) -> None:
        self.now_s = START_S
        self.meters = Meters()
        self.context = CallContext(account_id="123456789012")
        self.service = DynamoDbService(meters=self.meters, limits=limits, clock=lambda: self.now_s)
        self.streams = DynamoDbStreamsService(self.service)
        self.run = run

    def __call__(self, operation: str, **members: Any) -> Any:
        return orjson.loads(run(self.service.call(operation, orjson.dumps(members), self.context)))

    def fails(self, operation: str, **members: Any) -> AwsError:
        with pytest.raises(AwsError) as caught:
            self(operation, **members)
        return caught.value

    def read_streams(self, operation: str, **members: Any) -> Any:
        return orjson.loads(run(self.streams.call(operation, orjson.dumps(members), self.context)))

    def create(
        self, name: str = "things", hash_key: str = "id:S", range_key: str = "", **members: Any
    ) -> Any:
        """A table; keys are given as `name:type`, further attribute definitions as `define`."""
        keys = [key.split(":") for key in (hash_key, range_key) if key]
        kinds = dict(keys) | members.pop("define", {})
        members.setdefault("BillingMode", "PAY_PER_REQUEST")
        return self(
            "CreateTable",
            TableName=name,
            AttributeDefinitions=[{"AttributeName": n, "AttributeType": kind} for n, kind in kinds.items()],
            KeySchema=[
                {"AttributeName": key[0], "KeyType": role}
                for key, role in zip(keys, ("HASH", "RANGE"), strict=False)
            ],
            **members,
        )["TableDescription"]

    def put(self, item: Any, table: str = "things", **members: Any) -> Any:
        return self("PutItem", TableName=table, Item=item, **members)

    def get(self, key: Any, table: str = "things", **members: Any) -> Any:
        return self("GetItem", TableName=table, Key=key, **members).get("Item")

    def units(self, unit: str = "write_request_units", table: str = "things") -> float:
        return self.meters.counter("dynamodb", table, unit).value

    def gauges(self) -> dict[str, float]:
        return {gauge.name: gauge.value for gauge in self.meters.gauges()}


@pytest.fixture
def make_db() -> Callable[..., Driver]:
    """DynamoDB under given limits."""

    def make(limits: Limits = NONE) -> Driver:
        return Driver(limits)

    return make


@pytest.fixture
def db(make_db: Callable[..., Driver]) -> Driver:
    """DynamoDB without limits, no table yet."""
    return make_db()
