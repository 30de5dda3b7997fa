"""Environments lent, started, closed and replaced, on virtual time, with processes that a test plays."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from harness.emulator.services.base import AwsError
from harness.emulator.services.lambda_.environments import pool as pool_module
from harness.emulator.services.lambda_.environments.placement import Bounds
from harness.emulator.services.lambda_.environments.pool import EnvironmentPool
from harness.emulator.services.lambda_.environments.process import Sweeps
from harness.emulator.services.lambda_.environments.runtime_api import Answer
from harness.emulator.services.lambda_.environments.sandbox import InitFailed, Usage
from harness.emulator.services.lambda_.functions import Configuration, Revision
from harness.emulator.services.lambda_.packages import CodePackage

PACKAGE = CodePackage(Path("task"), Path("code.zip"), "", 0)


def revision(name: str, number: int = 1, timeout_s: int = 30) -> Revision:
    configuration = Configuration("python3.12", "app.handler", "role", timeout_s=timeout_s)
    return Revision(f"{name}-{number}", name, f"arn:{name}", "us-east-1", configuration, PACKAGE)


class FakeEnvironment:
    """Takes a second to start."""

    started: list[FakeEnvironment]
    outcomes: list[str]
    limits_s: list[float]

    def __init__(self, revision: Revision, surroundings: object) -> None:
        self.revision = revision
        self.idle_since_s = 0.0
        self.usable = False
        self.closed = False

    async def start(self, limit_s: float) -> None:
        self.started.append(self)
        self.limits_s.append(limit_s)
        try:
            await asyncio.sleep(1.0)
        except asyncio.CancelledError:
            self.closed = True
            raise
        outcome = self.outcomes.pop(0) if self.outcomes else "ok"
        if outcome == "fault":
            self.closed = True
            raise RuntimeError("can't start new thread")
        if outcome != "ok":
            self.closed = True
            status: Any = outcome
            raise InitFailed(Answer(b"{}", "Init"), status, Usage(1.0, 1.0, 1.0), b"")
        self.usable = True

    async def close(self) -> None:
        self.closed, self.usable = True, False


@pytest.fixture
def play(virtual_loop: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Runs a test's coroutine with a pool of at most 4 processes, 2 starting."""
    FakeEnvironment.started, FakeEnvironment.outcomes, FakeEnvironment.limits_s = [], [], []
    monkeypatch.setattr(pool_module, "Environment", FakeEnvironment)

    def run(test: Callable[[EnvironmentPool], Any]) -> None:
        async def main() -> None:
            surroundings: Any = SimpleNamespace(sweeps=Sweeps("NONE"))
            pool = EnvironmentPool(surroundings, Bounds(4, 2, 0.05), virtual_loop.time)
            await test(pool)
            await pool.close()
            assert all(each.closed for each in FakeEnvironment.started)

        virtual_loop.run_until_complete(main())

    return run


async def use(pool: EnvironmentPool, of: Revision, seconds: float) -> float:
    """Use an environment; the seconds waited for it."""
    environment, waited_s = await pool.acquire(of)
    await asyncio.sleep(seconds)
    pool.release(environment)
    return waited_s


def test_a_surge_starts_two_at_a_time_and_four_in_all_and_serves_in_order(play: Any) -> None:
    async def test(pool: EnvironmentPool) -> None:
        served: list[int] = []

        async def one(number: int) -> None:
            environment, _ = await pool.acquire(revision("a"))
            served.append(number)
            await asyncio.sleep(1.0)
            pool.release(environment)

        surge = [asyncio.ensure_future(one(number)) for number in range(20)]
        await asyncio.sleep(0.5)
        assert len(FakeEnvironment.started) == 2
        await asyncio.gather(*surge)
        assert len(FakeEnvironment.started) == 4
        assert served == list(range(20))
        assert pool.environments("arn:a") == 4

    play(test)


def test_a_warm_environment_that_comes_free_soon_is_waited_for(play: Any) -> None:
    async def test(pool: EnvironmentPool) -> None:
        await use(pool, revision("a"), 0.0)
        waits = await asyncio.gather(*(use(pool, revision("a"), 0.01) for _ in range(4)))
        assert len(FakeEnvironment.started) == 1
        assert [round(each, 3) for each in waits] == [0, 0.01, 0.02, 0.03]

    play(test)


def test_an_idle_environment_gives_way_on_a_full_machine(play: Any) -> None:
    async def test(pool: EnvironmentPool) -> None:
        for name in "abcd":
            await use(pool, revision(name), 0.0)
        await use(pool, revision("e"), 0.0)
        assert [each.closed for each in FakeEnvironment.started] == [True, False, False, False, False]

    play(test)


def test_a_function_that_waits_for_another_on_a_full_machine_does_not_wait_forever(play: Any) -> None:
    async def test(pool: EnvironmentPool) -> None:
        async def outer() -> None:
            environment, _ = await pool.acquire(revision("outer"))
            await use(pool, revision("inner"), 0.1)
            pool.release(environment)

        async with asyncio.timeout(60):
            await asyncio.gather(*(outer() for _ in range(8)))

    play(test)


def test_a_cancelled_wait_takes_nothing_with_it(play: Any) -> None:
    async def test(pool: EnvironmentPool) -> None:
        cancelled = asyncio.ensure_future(use(pool, revision("a"), 0.0))
        await asyncio.sleep(0.5)
        cancelled.cancel()
        await asyncio.sleep(1.0)
        assert await use(pool, revision("a"), 0.0) == 0.0  # what was started for it serves the next
        assert len(FakeEnvironment.started) == 1

    play(test)


def test_a_failed_initialization_is_one_invocations_error(play: Any) -> None:
    async def test(pool: EnvironmentPool) -> None:
        FakeEnvironment.outcomes = ["error"]
        answers = await asyncio.gather(
            *(use(pool, revision("a"), 0.0) for _ in range(3)), return_exceptions=True
        )
        assert [isinstance(each, InitFailed) for each in answers] == [True, False, False]

    play(test)


def test_an_initialization_that_takes_too_long_begins_again_under_the_functions_timeout(play: Any) -> None:
    async def test(pool: EnvironmentPool) -> None:
        FakeEnvironment.outcomes = ["timeout", "ok"]
        assert await use(pool, revision("a", timeout_s=77), 0.0) == pytest.approx(2.0)
        assert FakeEnvironment.limits_s == [10.0, 77]

    play(test)


def test_a_retired_revision_closes_idle_environments_at_once_and_busy_ones_when_they_are_back(
    play: Any,
) -> None:
    async def test(pool: EnvironmentPool) -> None:
        old = revision("a", 1)
        busy = asyncio.ensure_future(use(pool, old, 5.0))
        await asyncio.sleep(2.0)
        pool.retire(old.id)
        assert await use(pool, revision("a", 2), 0.0) == pytest.approx(1.0)
        assert not FakeEnvironment.started[0].closed
        await busy
        await asyncio.sleep(0)
        assert [each.closed for each in FakeEnvironment.started] == [True, False]

    play(test)


def test_idle_and_dead_environments_are_reaped(play: Any) -> None:
    async def test(pool: EnvironmentPool) -> None:
        await use(pool, revision("a"), 0.0)
        await use(pool, revision("b"), 0.0)
        FakeEnvironment.started[1].usable = False
        await asyncio.sleep(299)
        pool.reap()
        assert [pool.environments(f"arn:{name}") for name in "ab"] == [1, 0]
        await asyncio.sleep(3)
        pool.reap()
        assert pool.environments("arn:a") == 0

    play(test)


def test_a_fault_while_starting_is_told_and_gives_its_place_back(play: Callable[..., None]) -> None:
    async def test(pool: EnvironmentPool) -> None:
        FakeEnvironment.outcomes = ["fault"] * 3
        for _ in range(3):  # more than may start at once
            with pytest.raises(InitFailed) as caught:
                await pool.acquire(revision("a"))
            assert b"can't start new thread" in caught.value.answer.payload
        await use(pool, revision("a"), 1.0)

    play(test)


def test_a_function_may_wait_for_itself_until_that_is_refused(play: Callable[..., None]) -> None:
    async def test(pool: EnvironmentPool) -> None:
        recursive, depth = revision("recursive"), 0

        async def invoke(nested: bool) -> None:
            nonlocal depth
            environment, _ = await pool.acquire(recursive, nested=nested)
            depth += 1
            try:
                with pool.blocked(environment):
                    await invoke(nested=True)
            finally:
                pool.release(environment)

        with pytest.raises(AwsError, match="TooManyRequestsException"):
            await asyncio.wait_for(invoke(nested=False), 100)
        assert depth == 4 + Bounds(4, 2).max_nested
        pool.release((await asyncio.wait_for(pool.acquire(recursive), 10))[0])  # all came back

    play(test)


def test_a_waiting_function_goes_before_callers_from_outside(play: Callable[..., None]) -> None:
    async def test(pool: EnvironmentPool) -> None:
        held = [(await pool.acquire(revision("a")))[0] for _ in range(4)]
        order: list[str] = []

        async def take(name: str, nested: bool) -> None:
            environment, _ = await pool.acquire(revision("a"), nested=nested)
            order.append(name)
            held.append(environment)

        outside = asyncio.ensure_future(take("outside", nested=False))
        await asyncio.sleep(0.01)
        inside = asyncio.ensure_future(take("inside", nested=True))
        await asyncio.sleep(0.01)
        pool.release(held.pop())
        await inside
        pool.release(held.pop())
        await outside
        assert order == ["inside", "outside"]
        for environment in held:
            pool.release(environment)

    play(test)
