from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import orjson
import pytest

from harness.emulator.services.base import AwsError, CallContext
from harness.emulator.services.sns import SnsService
from harness.measure.meters import Meters

T = TypeVar("T")
ACCOUNT = "123456789012"


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """The result of a coroutine that never waits."""
    try:
        coroutine.send(None)
    except StopIteration as stop:
        result: T = stop.value
        return result
    raise AssertionError("the coroutine waited")


class Driver:
    """A service, used in-process."""

    def __init__(self) -> None:
        self.meters = Meters()
        self.context = CallContext(account_id=ACCOUNT)
        self.service = SnsService(meters=self.meters)

    def __call__(self, operation: str, **members: Any) -> Any:
        return orjson.loads(run(self.service.call(operation, orjson.dumps(members), self.context)))

    def create(self, name: str = "events", **members: Any) -> str:
        arn: str = self("CreateTopic", Name=name, **members)["TopicArn"]
        return arn

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
