"""The sampler hands on what it sees, and what went wrong, to whoever asks."""

from __future__ import annotations

import threading
from collections.abc import Mapping

import pytest

from harness.errors import TargetLost
from harness.measure.observation import Observation
from harness.measure.sampler import Sampler


class Observer:
    completeness = "everything"
    unseen: Mapping[str, str] = {"backlog": "nobody shows it"}

    def __init__(self, *answers: Observation | Exception) -> None:
        self._answers = list(answers)
        self.asked = threading.Semaphore(0)

    def observe(self) -> Observation:
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        self.asked.release()
        if isinstance(answer, Exception):
            raise answer
        return answer


def at(at_s: float, *incidents: str) -> Observation:
    return Observation(at_s=at_s, usage=[], gauges=[], incidents=list(incidents))


def test_what_is_seen_is_handed_on_in_order() -> None:
    seen: list[float] = []
    sampler = Sampler(Observer(at(1), at(2)), lambda o: seen.append(o.at_s), interval_s=3600)
    with sampler:
        sampler.look()
        assert sampler.look().at_s == 2
    assert seen == [1, 2]


def test_what_the_observer_cannot_see_goes_with_what_it_saw() -> None:
    seen: list[Observation] = []
    Sampler(Observer(at(1)), seen.append).look()
    assert seen[0].unseen == {"backlog": "nobody shows it"}


def test_an_incident_is_kept_and_then_raised() -> None:
    seen: list[float] = []
    sampler = Sampler(Observer(at(1, "The state process ended.")), lambda o: seen.append(o.at_s))
    with pytest.raises(TargetLost, match="The state process ended"):
        sampler.look()
    assert seen == [1]


@pytest.mark.parametrize(
    ("failure", "said"),
    [
        (TargetLost("It does not answer."), "It does not answer"),
        (OSError("no route"), "could not be observed"),
    ],
)
def test_what_goes_wrong_in_the_thread_is_raised_where_it_is_asked_for(failure: Exception, said: str) -> None:
    observer = Observer(failure)
    sampler = Sampler(observer, lambda _: None, interval_s=0)
    with sampler:
        assert observer.asked.acquire(timeout=10)
    with pytest.raises(TargetLost, match=said):
        sampler.check()


def test_nothing_wrong_is_nothing_raised() -> None:
    with Sampler(Observer(at(1)), lambda _: None, interval_s=3600) as sampler:
        sampler.check()
