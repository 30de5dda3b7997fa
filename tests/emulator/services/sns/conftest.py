from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, TypeVar

import orjson
import pytest

from harness.aws.limits.profiles import NONE, Limits
from harness.emulator.services.base import AwsError, CallContext
from harness.emulator.services.sns import SnsService
from harness.emulator.services.sns.delivery.deliveries import Delivery, Outcome
from harness.measure.meters import Meters
from tests.emulator.services.coroutines import run

T = TypeVar("T")
ACCOUNT = "123456789012"
START_S = 1_700_000_000.0
BASE_URL = "http://127.0.0.1:4566"
TOPIC = f"arn:aws:sns:us-east-1:{ACCOUNT}:events"
QUEUE = f"arn:aws:sqs:us-east-1:{ACCOUNT}:queue"
DEAD = f"arn:aws:sqs:us-east-1:{ACCOUNT}:dead"
FUNCTION = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:f"
HOOK = "http://127.0.0.1:9999/hook"


class Calls:
    """AWS as SNS calls it: what was asked, and answers or errors as told."""

    def __init__(self) -> None:
        self.made: list[tuple[str, str, Any]] = []
        self.errors: list[AwsError] = []

    async def call(self, service: str, operation: str, body: bytes, context: CallContext) -> bytes:
        self.made.append((service, operation, json.loads(body)))
        if self.errors:
            raise self.errors.pop(0)
        return b"{}"


class Endpoints:
    """Takes the attempts, and lets each end when and as the test says; by default at once and well."""

    def __init__(self) -> None:
        self.attempts: list[Delivery] = []
        self.outcomes: dict[str, Outcome] = {}
        self.held: dict[str, asyncio.Event] = {}

    async def send(self, delivery: Delivery) -> Outcome:
        self.attempts.append(delivery)
        key = self.key(delivery)
        if key in self.held:
            await self.held[key].wait()
        return self.outcomes.get(key, Outcome("delivered"))

    @staticmethod
    def key(delivery: Delivery) -> str:
        return delivery.dead_letter_arn or delivery.subscription.endpoint

    def of(self, key: str) -> list[Delivery]:
        return [each for each in self.attempts if self.key(each) == key]


class Driver:
    """A service under a clock that only the test moves, used in-process."""

    def __init__(self, limits: Limits = NONE, *, real_sends: bool = False, **options: Any) -> None:
        self.now_s = START_S
        self.meters = Meters()
        self.calls = Calls()
        self.endpoints = Endpoints()
        self.context = CallContext(account_id=ACCOUNT)
        self.service = SnsService(
            meters=self.meters,
            limits=limits,
            calls=self.calls,
            **{
                "base_url": BASE_URL,
                "functions_url": BASE_URL,
                "own_ports": (4566,),
                "clock": lambda: self.now_s,
                "jitter": lambda: 0.5,
                "send": None if real_sends else self.endpoints.send,
                **options,
            },
        )

    def __call__(self, operation: str, **members: Any) -> Any:
        return orjson.loads(run(self.service.call(operation, orjson.dumps(members), self.context)))

    def create(self, name: str = "events", **members: Any) -> str:
        arn: str = self("CreateTopic", Name=name, **members)["TopicArn"]
        return arn

    def subscribe(self, endpoint: str, topic: str = TOPIC, **attributes: str) -> str:
        protocol = endpoint.split(":")[2] if endpoint.startswith("arn:") else endpoint.partition(":")[0]
        answer = self(
            "Subscribe",
            TopicArn=topic,
            Protocol=protocol,
            Endpoint=endpoint,
            Attributes=attributes,
            ReturnSubscriptionArn="true",
        )
        arn: str = answer["SubscriptionArn"]
        return arn

    def publish(self, message: str = "hello", topic: str = TOPIC, **members: Any) -> str:
        message_id: str = self("Publish", TopicArn=topic, Message=message, **members)["MessageId"]
        return message_id

    def token(self, endpoint: str = HOOK) -> str:
        """The token in the last message that asked `endpoint` to confirm."""
        asked = [each for each in self.endpoints.of(endpoint) if each.fields is not None]
        assert asked[-1].fields is not None
        return asked[-1].fields["Token"]

    async def confirmed(self, endpoint: str = HOOK, **attributes: str) -> str:
        """A confirmed subscription of `endpoint`; within `running`."""
        self.subscribe(endpoint, **attributes)
        await self.settle()
        answer = self("ConfirmSubscription", TopicArn=TOPIC, Token=self.token(endpoint))
        self.endpoints.attempts.clear()
        arn: str = answer["SubscriptionArn"]
        return arn

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """With the dispatcher at work; it looks at the clock when the test calls `settle`."""
        try:
            yield
        finally:
            await self.service.close()

    async def settle(self) -> None:
        """Let the dispatcher do all that can be done now."""
        for _ in range(100):
            self.service._dispatcher.tick()
            await asyncio.sleep(0)

    async def advance(self, seconds: float) -> None:
        self.now_s += seconds
        await self.settle()

    def used(self, unit: str, topic: str = "events") -> float:
        return self.meters.counter("sns", topic, unit).value

    def pending(self, topic: str = "events") -> float:
        gauges = self.meters.gauges()
        return sum(g.value for g in gauges if (g.resource, g.name) == (topic, "pending_deliveries"))

    @contextmanager
    def refused(self, code: str, *words: str) -> Iterator[None]:
        with pytest.raises(AwsError) as caught:
            yield
        assert caught.value.code == code
        for word in words:
            assert word in caught.value.message


@pytest.fixture
def sns() -> Driver:
    return Driver()


@pytest.fixture
def make() -> Callable[..., Driver]:
    return Driver
