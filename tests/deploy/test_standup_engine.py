from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from threading import Barrier

import pytest

from deploy.standup.engine import Facts, Journal, Known, stand_up, take_down
from deploy.standup.waiting import once_possible, until
from harness.errors import TargetError


@dataclass
class Thing:
    name: str
    log: list[str]
    needs: Sequence[str] = ()
    fails: BaseException | None = None
    sees: dict[str, str] = field(default_factory=dict)
    meets: Barrier | None = None
    undo_fails: bool = False

    def stand_up(self, known: Known, journal: Journal) -> Facts:
        if self.meets:
            self.meets.wait(5)
        self.sees = {need: known[need]["id"] for need in self.needs}
        self.log.append(f"+{self.name}")
        journal.note(f"made {self.name}", self._undo)
        if self.fails:
            raise self.fails
        return {"id": f"id of {self.name}"}

    def _undo(self) -> None:
        self.log.append(f"-{self.name}")
        if self.undo_fails:
            raise TargetError("stuck")

    def take_down(self) -> None:
        self._undo()


def test_a_resource_stands_after_what_it_needs_and_knows_it() -> None:
    log: list[str] = []
    last = Thing("c", log, ("b", "a"))
    _, journal = stand_up([last, Thing("b", log, ("a",)), Thing("a", log)])
    assert log == ["+a", "+b", "+c"]
    assert last.sees == {"a": "id of a", "b": "id of b"}
    assert journal.changes == ["made a", "made b", "made c"]


def test_what_needs_nothing_of_each_other_runs_at_once() -> None:
    meet = Barrier(3)
    stand_up([Thing(name, [], meets=meet) for name in "abc"])


@pytest.mark.parametrize("failure", [TargetError("no"), KeyboardInterrupt()])
def test_a_failure_undoes_everything_last_first(failure: BaseException) -> None:
    log: list[str] = []
    things = [Thing("a", log), Thing("b", log, ("a",), failure), Thing("c", log, ("b",))]
    with pytest.raises(type(failure)):
        stand_up(things)
    assert log == ["+a", "+b", "-b", "-a"]


def test_what_cannot_be_undone_is_said() -> None:
    log: list[str] = []
    things = [Thing("a", log, undo_fails=True), Thing("b", log, ("a",), TargetError("no"))]
    with pytest.raises(TargetError, match="no Not undone: made a: stuck"):
        stand_up(things)


def test_taking_down_goes_the_other_way_and_tries_everything() -> None:
    log: list[str] = []
    things = [Thing("a", log), Thing("b", log, ("a",), undo_fails=True), Thing("c", log, ("b",))]
    with pytest.raises(TargetError, match=r"the b \(stuck\)"):
        take_down(things)
    assert log == ["-c", "-b", "-a"]


class Clock:
    def __init__(self) -> None:
        self.s = 0.0

    def now(self) -> float:
        return self.s

    def sleep(self, wait_s: float) -> None:
        self.s += wait_s


def test_until_asks_less_and_less_often_and_gives_up() -> None:
    clock, asked = Clock(), []

    def never() -> bool:
        asked.append(round(clock.s, 2))
        return False

    with pytest.raises(TargetError, match="still not so after 10 s that it is there"):
        until(never, "it is there", within_s=10, sleep=clock.sleep, now=clock.now)
    assert asked[:4] == [0.0, 0.05, 0.13, 0.26]
    assert max(after - before for before, after in pairwise(asked)) == pytest.approx(2.0)


def test_once_possible_raises_other_errors_at_once() -> None:
    from botocore.exceptions import ClientError

    def failing() -> None:
        raise ClientError({"Error": {"Code": "AccessDenied"}}, "CreateFunction")

    with pytest.raises(ClientError):
        once_possible(failing, lambda _: False, sleep=lambda _: pytest.fail("waited"))
