"""Environments of one version that help each other out, and the marks of their processes, by themselves."""

from __future__ import annotations

import asyncio
from typing import Any, cast

from harness.emulator.services.credentials import Credentials
from harness.emulator.services.lambda_.environments.process import Sweeps
from harness.emulator.services.lambda_.hosted.guardian import Guardian
from harness.emulator.services.lambda_.hosted.marks import Marks
from harness.emulator.services.lambda_.hosted.process import CountedKeys
from harness.emulator.services.lambda_.hosted.siblings import Siblings


class Member:
    def __init__(self, process: str | None = None, alive: bool = False) -> None:
        self.process: Any = process
        self.alive = alive or process is not None

    def lend(self) -> Any:
        process, self.process = self.process, None
        return process


def siblings(*members: Member) -> Siblings:
    made = Siblings()
    for member in members:
        made.add(member)
    return made


def test_an_idle_process_goes_to_whoever_asks() -> None:
    here = siblings(Member(), Member("p"))
    taken: list[Any] = [here.idle(), here.idle()]
    assert taken == ["p", None]


def test_who_waits_goes_first_in_the_order_they_came() -> None:
    async def main() -> None:
        one, two = Member(), Member()
        here = siblings(one, two)
        waiting = [here.wait() for _ in range(3)]
        waiting[0].cancel()
        one.process = "p"
        assert here.idle() is None  # it is for those who wait
        here.offer(one)
        two.process = "q"
        here.offer(two)
        granted: list[Any] = [each.result() for each in waiting[1:]]
        assert granted == ["p", "q"]
        one.process = "r"
        here.offer(one)
        assert one.process == "r"  # nobody wants it

    asyncio.run(main())


def test_who_does_not_wait_any_more_is_in_nobodys_way() -> None:
    async def main() -> None:
        here = siblings(Member("p"))
        here.wait().cancel()
        taken: Any = here.idle()
        assert taken == "p"

    asyncio.run(main())


def test_what_has_nothing_to_lend_grants_nothing() -> None:
    async def main() -> None:
        here = siblings(Member())
        waiting = here.wait()
        here.offer(Member())
        assert not waiting.done()

    asyncio.run(main())


def test_siblings_are_alive_while_one_has_a_process_or_starts_one() -> None:
    starting = Member(alive=True)
    here = siblings(Member(), starting)
    assert here.alive
    here.remove(starting)
    assert not here.alive
    assert not here.empty


class FakeSweeps:
    """Sweeps that are done when a test says so."""

    def __init__(self) -> None:
        self.done = asyncio.Event()

    async def settled(self) -> None:
        await self.done.wait()


class FakeGuardian:
    def __init__(self) -> None:
        self.marks: set[str] = set()

    def begin(self, mark: str) -> None:
        self.marks.add(mark)

    def end(self, mark: str) -> None:
        self.marks.remove(mark)

    def close(self) -> None:
        pass


def test_no_two_living_processes_have_one_mark() -> None:
    async def main() -> None:
        sweeps, guardian = FakeSweeps(), FakeGuardian()
        marks = Marks(cast(Sweeps, sweeps), cast(Guardian, guardian))
        first = await marks.claim("stream")
        second = await marks.claim("stream")
        assert first == "stream"
        assert second.startswith("stream-")
        assert guardian.marks == {first, second}
        marks.release(second)
        marks.release(second)
        sweeps.done.set()
        await marks.close()
        assert guardian.marks == {first}

    asyncio.run(main())


def test_a_mark_is_free_again_when_what_had_it_is_swept() -> None:
    async def main() -> None:
        sweeps, guardian = FakeSweeps(), FakeGuardian()
        marks = Marks(cast(Sweeps, sweeps), cast(Guardian, guardian))
        await marks.claim("stream")
        marks.release("stream")
        again = asyncio.create_task(marks.claim("stream"))
        await asyncio.sleep(0)
        assert not again.done()
        assert guardian.marks == {"stream"}
        sweeps.done.set()
        assert await again == "stream"

    asyncio.run(main())


def test_a_key_is_known_until_its_last_holder_lets_go() -> None:
    known: list[str] = []

    class Keys:
        def hold(self, credentials: Any, principal_arn: str) -> None:
            known.append(credentials.access_key)

        def release(self, access_key: str) -> None:
            known.clear()

    credentials, keys = Credentials("k", "secret", "token"), CountedKeys(Keys())
    keys.hold(credentials, "a")
    keys.hold(credentials, "a")
    keys.release("k")
    assert known
    keys.release("k")
    assert not known
