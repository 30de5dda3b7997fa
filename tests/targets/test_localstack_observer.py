"""The observer of a LocalStack whose end is seen before its supervisor has said how it came about."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import chain, repeat
from typing import Any

import pytest

from harness.errors import TargetLost
from harness.targets.localstack.target import WORD_WITHIN_S, LocalStackObserver
from tests.serving import answering
from tests.targets.test_embedded_observer import ANSWER

RAW = "LocalStack at http://127.0.0.1:4952 did not answer when observed: Connection refused."
WORD = "LocalStack was killed by SIGKILL; everything on it was lost."


@contextmanager
def companion(observation: dict[str, Any] | None) -> Iterator[str]:
    """One that answers with that observation, or with 500; its URL."""

    def answer(path: str) -> tuple[int, Any]:
        if path.endswith("/health"):
            return 200, {"parts": []}
        return (500 if observation is None else 200), observation

    with answering(answer) as url:
        yield url


def said_after(looks: int) -> Callable[[], str | None]:
    said = chain(repeat(None, looks), repeat(WORD))
    return lambda: next(said)


@pytest.mark.parametrize("observation", [{**ANSWER, "incidents": [RAW]}, None])
def test_the_supervisors_word_is_waited_for_and_goes_before_what_was_seen(
    observation: dict[str, Any] | None,
) -> None:
    pauses: list[float] = []
    with companion(observation) as url:
        observer = LocalStackObserver(url, said_after(4), pauses.append)
        with pytest.raises(TargetLost) as caught:
            observer.observe()
    assert caught.value.message == WORD
    assert 0 < len(pauses) <= 4


def test_what_the_supervisor_says_nothing_of_is_told_as_it_was_seen() -> None:
    pauses: list[float] = []
    with companion({**ANSWER, "incidents": [RAW]}) as url:
        seen = LocalStackObserver(url, lambda: None, pauses.append).observe()
    assert seen.incidents == [RAW]
    assert sum(pauses) == pytest.approx(WORD_WITHIN_S)
    pauses.clear()
    with companion(None) as url, pytest.raises(TargetLost, match="answered 500 when observed"):
        LocalStackObserver(url, lambda: None, pauses.append).observe()
    assert sum(pauses) == pytest.approx(WORD_WITHIN_S)


def test_nothing_is_waited_for_where_nothing_is_wrong() -> None:
    pauses: list[float] = []
    with companion({**ANSWER, "incidents": []}) as url:
        assert LocalStackObserver(url, lambda: None, pauses.append).observe().incidents == []
    assert pauses == []
