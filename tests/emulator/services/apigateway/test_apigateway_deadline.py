from __future__ import annotations

import asyncio
from typing import Any

import pytest

from harness.emulator.services.apigateway.deadline import within


async def answer(*waits: asyncio.Future[int]) -> list[int]:
    return [await wait for wait in waits]


def test_work_that_never_waits_sets_no_timer(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_timer(_delay: float | None) -> Any:
        raise AssertionError("a timer was set")

    monkeypatch.setattr(asyncio, "timeout", no_timer)

    async def at_once() -> str:
        return "done"

    assert asyncio.run(within(1.0, at_once())) == "done"


def test_work_that_waits_several_times_goes_on() -> None:
    async def main() -> list[int]:
        loop = asyncio.get_running_loop()
        first, second = loop.create_future(), loop.create_future()
        loop.call_soon(first.set_result, 1)
        loop.call_soon(lambda: loop.call_soon(second.set_result, 2))
        return await within(60.0, answer(first, second))

    assert asyncio.run(main()) == [1, 2]


def test_work_that_waits_too_long_is_cancelled() -> None:
    trace = []

    async def stuck() -> None:
        try:
            await asyncio.get_running_loop().create_future()
        except asyncio.CancelledError:
            trace.append("cancelled")
            raise

    with pytest.raises(TimeoutError):
        asyncio.run(within(0.0, stuck()))
    assert trace == ["cancelled"]


def test_errors_come_through_before_and_after_waiting() -> None:
    async def at_once() -> None:
        raise LookupError("at once")

    async def later() -> None:
        await asyncio.sleep(0)
        raise LookupError("later")

    for work in (at_once(), later()):
        with pytest.raises(LookupError):
            asyncio.run(within(60.0, work))


def test_a_failed_wait_reaches_the_work() -> None:
    async def main() -> str:
        future = asyncio.get_running_loop().create_future()
        future.set_exception(LookupError("failed"))

        async def tolerant() -> str:
            await asyncio.sleep(0)
            try:
                await future
            except LookupError as error:
                return f"saw {error}"
            return "saw nothing"

        return await within(60.0, tolerant())

    assert asyncio.run(main()) == "saw failed"


def test_a_client_that_leaves_cancels_the_work() -> None:
    trace = []

    async def main() -> None:
        async def stuck() -> None:
            try:
                await asyncio.get_running_loop().create_future()
            finally:
                trace.append("ended")

        task = asyncio.create_task(within(60.0, stuck()))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert trace == ["ended"]
