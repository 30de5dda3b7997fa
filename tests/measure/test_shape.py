"""What is wrong with JSON that somebody edited, and where."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, NotRequired, TypedDict

import pytest

from harness.measure.shape import Misshapen, Rows, check


class Pair(NamedTuple):
    name: str
    n: int


@dataclass(frozen=True)
class Inner:
    share: float | None
    words: tuple[str, ...] = ()


class Whole(TypedDict):
    status: Literal["on", "off"]
    inner: Inner
    pairs: list[Pair]
    by_name: dict[str, int]
    place: NotRequired[tuple[int, int]]


SOUND: dict[str, Any] = {
    "status": "on",
    "inner": {"share": 1},
    "pairs": [["a", 1], ["b", 2]],
    "by_name": {"x": 3},
    "place": [1, 2],
    "anything": object,
}


def test_what_is_sound_passes() -> None:
    check(SOUND, Whole)
    check({name: SOUND[name] for name in SOUND if name != "place"}, Whole)


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        ({"status": "half"}, "status must be one of on, off, not 'half'"),
        ({"status": 1}, "status must be one of on, off, not 1"),
        ({"inner": None}, "inner must be an object, not null"),
        ({"inner": {}}, "inner.share is missing"),
        ({"inner": {"share": "1"}}, "inner.share must be a number, not '1'"),
        ({"inner": {"share": True}}, "inner.share must be a number, not true or false"),
        ({"inner": {"share": 1, "more": 2}}, "inner.more is not known"),
        ({"inner": {"share": 1, "words": [7]}}, "inner.words[0] must be a text, not 7"),
        ({"pairs": [["a", 1], ["b", 1.5]]}, "pairs[1].n must be a whole number, not 1.5"),
        ({"pairs": [["a"]]}, "pairs[0] must be a list of name, n, not a list"),
        ({"by_name": {"x": None}}, "by_name.x must be a whole number, not null"),
        ({"place": [1]}, "place must be a list of 2, not a list"),
    ],
)
def test_what_is_not_is_named(edit: dict[str, Any], said: str) -> None:
    with pytest.raises(Misshapen) as caught:
        check(SOUND | edit, Whole)
    assert str(caught.value) == said


def test_rows_of_a_form_that_was_right_are_still_looked_at_where_words_are_few() -> None:
    rows = Rows(Whole)
    rows.check_object(SOUND)
    rows.check_object(SOUND)
    with pytest.raises(Misshapen, match="status must be one of"):
        rows.check_object(SOUND | {"status": "half"})
    lists = Rows(Pair)
    lists.check_list(["a", 1])
    lists.check_list(["b", 2])
    for wrong in (["a", "1"], ["a"], {"name": "a", "n": 1}, None):
        with pytest.raises(Misshapen):
            lists.check_list(wrong)
