"""Enhanced filters: each operator as documented, and the limits."""

from __future__ import annotations

from typing import Any

import pytest

from harness.emulator.services.appsync.realtime.filters import Filter, FilterError


def group(*alternatives: list[tuple[str, str, Any]]) -> dict[str, Any]:
    return {
        "filterGroup": [
            {"filters": [{"fieldName": n, "operator": o, "value": v} for n, o, v in rules]}
            for rules in alternatives
        ]
    }


def fits(operator: str, value: Any, found: Any) -> bool:
    return Filter(group([("f", operator, value)])).fits({"f": found})


@pytest.mark.parametrize(
    ("operator", "value", "good", "bad"),
    [
        ("eq", "AWS AppSync", ["AWS AppSync"], ["aws appsync", "", None, ["AWS AppSync"]]),
        ("eq", 1, [1, 1.0], [2, "1", True, None]),
        ("eq", True, [True], [False, 1, "true", None]),
        ("eq", 0, [0], [False, "", None]),
        ("ne", "a", ["b", None, 1], ["a"]),
        ("le", 5, [5, 4.5], [6, "4", None, True]),
        ("lt", 5, [4], [5, None]),
        ("ge", 5, [5, 6], [4, "6", None]),
        ("gt", 5, [6], [5, None]),
        ("gt", "b", ["c", "ba"], ["b", "a", 9]),
        ("contains", 10, [[10, 11], 10], [[1], [], "10", None]),
        ("contains", "launch", ["a launch day", ["launch"]], ["Launch", ["launches"], None]),
        ("notContains", 10, [[1], [], None], [[10]]),
        ("notContains", "launch", ["a day", None], ["launches"]),
        ("beginsWith", "AWS", ["AWS", "AWS AppSync"], ["the AWS", "aws", None, 1]),
        ("in", [1, 2, 3], [1, 2.0], [4, "1", True, None]),
        ("notIn", [1, 2, 3], [4, "1", None], [1]),
        ("between", [1, 5], [1, 3, 5], [0, 6, "3", None]),
        ("between", ["a", "c"], ["a", "b"], ["d", 1]),
        ("containsAny", [10, 15], [[10, 11], [15, 20]], [[1], [], 10, None]),
    ],
)
def test_operators(operator: str, value: Any, good: list[Any], bad: list[Any]) -> None:
    for found in good:
        assert fits(operator, value, found), found
    for found in bad:
        assert not fits(operator, value, found), found


def test_all_rules_of_a_filter_and_any_filter_of_a_group() -> None:
    compiled = Filter(
        group(
            [("severity", "ge", 7), ("priority", "in", ["high", "medium"])],
            [("category", "eq", "security")],
        )
    )
    assert compiled.fits({"severity": 8, "priority": "high"})
    assert compiled.fits({"severity": 1, "category": "security"})
    assert not compiled.fits({"severity": 8, "priority": "low"})
    assert not compiled.fits({})


def test_nested_fields_to_the_fifth_level() -> None:
    fifth = {"a": {"b": {"c": {"d": {"e": 1, "f": {"g": 1}}}}}}
    assert Filter(group([("a.b.c.d.e", "eq", 1)])).fits(fifth)
    assert not Filter(group([("a.b.c.d.f.g", "eq", 1)])).fits(fifth)
    assert not Filter(group([("a.b.c.d.f.g", "ne", 2)])).fits(fifth)
    assert not Filter(group([("a.x.c", "eq", 1)])).fits(fifth)


@pytest.mark.parametrize("published", [[{"f": 1}], None, "text", 1])
def test_what_is_no_object_fits_nothing(published: Any) -> None:
    assert not Filter(group([("f", "ne", 2)])).fits(published)


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"filterGroup": []},
        {"filterGroup": {}},
        {"filterGroup": [{}]},
        {"filterGroup": [{"filters": []}]},
        {"filterGroup": ["x"]},
        {"filterGroup": [{"filters": ["x"]}]},
        {"filterGroup": [{"filters": [{"fieldName": "a", "operator": "eq"}]}]},
        group([("", "eq", 1)]),
        group([("a", "matches", 1)]),
        group([("a", "eq", [1])]),
        group([("a", "in", 1)]),
        group([("a", "in", [])]),
        group([("a", "in", [1, 2, 3, 4, 5, 6])]),
        group([("a", "notIn", list(range(6)))]),
        group([("a", "containsAny", list(range(21)))]),
        group([("a", "between", [1])]),
        group([("a", "between", [1, 2, 3])]),
        group([("a", "eq", "x" * 257)]),
        group([("a", "in", ["x" * 257])]),
        group([(name, "eq", 1) for name in "abcdef"]),
        group(*([("a", "eq", number)] for number in range(11))),
    ],
)
def test_what_appsync_would_not_take(given: dict[str, Any]) -> None:
    with pytest.raises(FilterError):
        Filter(given)


def test_the_limits_themselves_are_taken() -> None:
    Filter(group(*([("a", "eq", number)] for number in range(10))))
    Filter(group([(name, "eq", 1) for name in "abcde"] + [("a", "ne", 2)]))
    Filter(group([("a", "containsAny", list(range(20)))]))
    Filter(group([("a", "in", ["x" * 256] * 5)]))
