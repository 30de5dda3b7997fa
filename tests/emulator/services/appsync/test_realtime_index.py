"""The index against the rule itself, tried on every subscriber."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from harness.emulator.services.appsync.contract import SubscriptionRequest
from harness.emulator.services.appsync.realtime.filters import Filter
from harness.emulator.services.appsync.realtime.index import Index, key_of
from tests.emulator.services.appsync.realtime_parts import request
from tests.emulator.services.appsync.test_realtime_filters import group


class Listener:
    def __init__(self, request: SubscriptionRequest) -> None:
        self.request = request
        self.filter = Filter(request.filter) if request.filter is not None else None

    def is_told(self, result: Any) -> bool:
        """The rule, as the documentation puts it."""
        if self.filter is not None:
            return self.filter.fits(result)
        if not self.request.arguments:
            return True
        if not isinstance(result, Mapping):
            return False
        return all(same(value, result.get(name)) for name, value in self.request.arguments.items())


def same(one: Any, other: Any) -> bool:
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    return one == other


NAMES = ("a", "b", "c")
VALUES = st.none() | st.booleans() | st.integers(0, 2) | st.sampled_from(["0", "1", "x"]) | st.just([1])
FIELDS = st.dictionaries(st.sampled_from(NAMES), VALUES)
SCALARS = st.booleans() | st.integers(0, 2) | st.sampled_from(["0", "1", "x"])
RULES = st.tuples(st.sampled_from(NAMES), st.sampled_from(["eq", "ne", "ge"]), SCALARS)
FILTERS = st.lists(st.lists(RULES, min_size=1, max_size=3), min_size=1, max_size=3).map(lambda g: group(*g))
WANTED = st.builds(lambda arguments: request(arguments=arguments), FIELDS) | st.builds(
    lambda given: request(filter=given), FILTERS
)


@given(st.lists(WANTED, max_size=20), FIELDS | st.none() | st.lists(FIELDS), st.data())
def test_who_is_found_is_who_the_rule_says(
    wanted: list[SubscriptionRequest], result: Any, data: st.DataObject
) -> None:
    index: Index[Listener] = Index()
    listeners = [Listener(each) for each in wanted]
    for listener in listeners:
        index.add(listener)
    found = index.match("publishLocation", result)
    assert len(found) == len(set(found))
    assert set(found) == {listener for listener in listeners if listener.is_told(result)}
    gone = data.draw(st.sets(st.sampled_from(listeners))) if listeners else set()
    for listener in gone:
        index.remove(listener)
    left = {listener for listener in listeners if listener not in gone and listener.is_told(result)}
    assert set(index.match("publishLocation", result)) == left
    for listener in listeners:
        index.remove(listener)
    assert len(index) == 0


def test_a_value_is_only_itself() -> None:
    values: list[Any] = [None, True, False, 0, 1, "0", "1", "true", "", [1], ["1"], {"a": 1}, {"a": True}]
    assert len({key_of(value) for value in values}) == len(values)
    assert key_of(1) == key_of(1.0)
    assert key_of({"a": 1, "b": 2}) == key_of({"b": 2, "a": 1})


def test_a_publish_looks_at_those_who_match_only() -> None:
    class Counting(dict[str, Any]):
        looked = 0

        def get(self, name: str, default: Any = None) -> Any:
            Counting.looked += 1
            return super().get(name, default)

    index: Index[Listener] = Index()
    for number in range(1_000):
        index.add(Listener(request(arguments={"device_id": f"d-{number}"})))
        index.add(Listener(request(arguments={"device_id": f"d-{number}", "account_id": "a"})))
    assert len(index.match("publishLocation", Counting(device_id="d-7", account_id="a"))) == 2
    assert Counting.looked <= 6
    assert index.match("anotherMutation", {"device_id": "d-7"}) == []


def test_one_subscription_to_several_mutations() -> None:
    index: Index[Listener] = Index()
    listener = Listener(request(mutations=("create", "update")))
    index.add(listener)
    assert index.match("create", {}) == index.match("update", {}) == [listener]
    index.remove(listener)
    assert len(index) == 0
