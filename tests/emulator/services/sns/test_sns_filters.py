"""The expectations are the examples and rules of AWS's own documentation, unless one says otherwise."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.emulator.services.sns.filters.fields import attribute_reader, body_reader, leaves
from harness.emulator.services.sns.filters.operators import FilterPolicyError
from harness.emulator.services.sns.filters.policy import Scope, compile_policy


def on_attributes(policy: Mapping[str, Any], attributes: Mapping[str, tuple[str, str]]) -> bool:
    compiled = compile_policy(json.dumps(policy), "MessageAttributes")
    return compiled is None or compiled.matches(attribute_reader(attributes))


def on_body(policy: Mapping[str, Any], body: Any) -> bool:
    compiled = compile_policy(json.dumps(policy), "MessageBody")
    read = body_reader(json.dumps(body))
    return compiled is None or (read is not None and compiled.matches(read))


def refusal(policy: Any, scope: Scope = "MessageAttributes") -> str:
    with pytest.raises(FilterPolicyError) as caught:
        compile_policy(policy if isinstance(policy, str) else json.dumps(policy), scope)
    return str(caught.value)


@pytest.mark.parametrize(
    ("entries", "matching", "other"),
    [
        (["rugby", "tennis"], ["rugby", "tennis", ["x", "tennis"]], ["baseball", ["baseball"], 1, None]),
        ([{"anything-but": ["rugby", "tennis"]}], ["baseball", ["rugby", "baseball"], 1], ["rugby"]),
        ([{"anything-but": "rugby"}], ["tennis"], ["rugby", ["rugby"]]),
        ([{"anything-but": {"prefix": "order-"}}], ["data-entry", "order_number"], ["order-cancelled"]),
        ([{"anything-but": {"suffix": "ball"}}], ["rugby"], ["football"]),
        ([{"anything-but": {"suffix": ["ball", "bee"]}}], ["rugby"], ["football", "frisbee"]),
        ([{"anything-but": {"wildcard": "*ball*"}}], ["rugby"], ["football", "balls"]),
        ([{"anything-but": {"equals-ignore-case": "Rugby"}}], ["tennis"], ["RUGBY"]),
        ([{"equals-ignore-case": "tennis"}], ["TENNIS", "Tennis"], ["tenni", 1]),
        ([{"prefix": "bas"}], ["baseball", "bas"], ["rugby", "abas", 1]),
        ([{"suffix": "ball"}], ["baseball", "ball"], ["rugby", "balls"]),
        ([{"cidr": "10.0.0.0/24"}], ["10.0.0.0", "10.0.0.255"], ["10.1.1.0", "x", "::1", 10]),
        ([{"cidr": "2001:db8::/32"}], ["2001:db8::1"], ["2001:db9::1", "10.0.0.1"]),
        ([{"wildcard": "*ball"}], ["ball", "baseball"], ["balls", 1]),
        ([{"wildcard": "a*b*c"}], ["abc", "aXbYc", "abbcc"], ["ab", "acb", "abcd"]),
        ([{"wildcard": "a*a"}], ["aa", "aba"], ["a"]),
        ([{"wildcard": r"a\*b\\*"}], ["a*b\\", "a*b\\x"], ["aXb\\", "a*b"]),
        ([{"numeric": ["=", 301.5]}], [301.5, 3.015e2], [301, "301.5", True]),
        ([{"anything-but": [100, 500]}], [101, 100.1, [100, 50], "100"], [100]),
        ([{"numeric": ["<", 0]}], [-1], [0, 1]),
        ([{"numeric": [">", 0, "<=", 150]}], [0.5, 150], [0, 150.5, -1]),
        ([100], [100, 100.0], ["100", 101, True]),
        ([True, None], [True, None], [False, 1, "true"]),
    ],
)
def test_operators(entries: list[Any], matching: list[Any], other: list[Any]) -> None:
    for value in matching:
        assert on_body({"key": entries}, {"key": value}), value
    for value in other:
        assert not on_body({"key": entries}, {"key": value}), value
    if entries != [{"exists": False}]:
        assert not on_body({"key": entries}, {"other": "rugby"})


def test_exists_asks_for_the_key_alone() -> None:
    there, absent = {"store": [{"exists": True}]}, {"store": [{"exists": False}]}
    attributes = {"store": ("String", "fans")}
    assert (on_attributes(there, attributes), on_attributes(there, {})) == (True, False)
    assert (on_attributes(absent, attributes), on_attributes(absent, {})) == (False, True)
    for body, exists in (({"store": None}, True), ({"store": {"a": 1}}, False), ({"store": []}, False)):
        assert on_body(there, body) is exists
        assert on_body(absent, body) is not exists


def test_attributes_are_compared_by_their_type() -> None:
    assert on_attributes({"k": ["a"]}, {"k": ("String", "a")})
    assert on_attributes({"k": ["b"]}, {"k": ("String.Array", '["a", "b"]')})
    assert on_attributes({"k": [{"numeric": ["=", 301.5]}]}, {"k": ("Number", "3.015e2")})
    assert on_attributes({"k": [{"anything-but": [100]}]}, {"k": ("Number.Array", "[100, 50]")})
    assert not on_attributes({"k": [{"numeric": ["=", 1]}]}, {"k": ("String", "1")})
    assert not on_attributes({"k": ["1"]}, {"k": ("Number", "1")})
    assert not on_attributes({"k": ["a"]}, {"k": ("String.Array", "[")})
    for policy in ({"k": [{"exists": True}]}, {"k": [{"anything-but": "a"}]}):
        assert not on_attributes(policy, {"k": ("Binary", "YQ==")})


def test_all_keys_must_match_and_one_value_of_each() -> None:
    policy = {"customer_interests": ["rugby", "football"], "price_usd": [{"numeric": [">", 100]}]}
    assert on_body(policy, {"customer_interests": "football", "price_usd": 101, "more": 1})
    assert not on_body(policy, {"customer_interests": "football", "price_usd": 100})
    assert not on_body(policy, {"price_usd": 101})


def test_or_across_keys() -> None:
    policy = {
        "source": ["aws.cloudwatch"],
        "$or": [
            {"metricName": ["CPUUtilization"]},
            {"namespace": ["AWS/EC2"], "$or": [{"a": [1]}, {"b": [2]}]},
        ],
    }
    assert on_body(policy, {"source": "aws.cloudwatch", "metricName": "CPUUtilization"})
    assert on_body(policy, {"source": "aws.cloudwatch", "namespace": "AWS/EC2", "b": 2})
    assert not on_body(policy, {"source": "aws.cloudwatch", "namespace": "AWS/EC2", "b": 3})
    assert not on_body(policy, {"metricName": "CPUUtilization"})


def test_or_is_a_key_like_any_other_when_its_objects_are_operators() -> None:
    policy = {"$or": [{"prefix": "a"}, {"suffix": "b"}]}
    assert on_attributes(policy, {"$or": ("String", "ax")})
    assert not on_attributes(policy, {"other": ("String", "ax")})


def test_bodies_are_read_at_any_depth_and_through_arrays() -> None:
    policy = {"a": {"b": {"c": ["x"]}}}
    assert on_body(policy, {"a": {"b": {"c": "x"}}})
    assert on_body(policy, {"a": [{"b": {"c": "y"}}, {"b": [{"c": ["x"]}]}]})
    assert not on_body(policy, {"a": {"c": "x"}})
    assert on_body({"a.b": ["x"]}, {"a.b": "x"})
    assert on_body({"a.b": ["x"]}, {"a": {"b": "x"}})
    assert on_body({"a": {"b": ["x"]}}, {"a.b": "x"})
    deep: Any = "x"
    for _ in range(500):
        deep = [deep]
    assert on_body({"a": ["x"]}, {"a": deep})


@pytest.mark.parametrize("text", ["", "x", "[1]", '"a"', "1", '{"a": '])
def test_a_body_that_is_no_object_passes_no_policy(text: str) -> None:
    assert body_reader(text) is None


@pytest.mark.parametrize(
    ("policy", "says"),
    [
        ("{", "failed to parse JSON"),
        ("[]", "must be an object"),
        ({"a": "b"}, '"a" must be an object or an array'),
        ({"a": []}, "Empty arrays"),
        ({"a": [["b"]]}, "Match value must be"),
        ({"a": [{}]}, "Only one key"),
        ({"a": [{"prefix": "a", "suffix": "b"}]}, "Only one key"),
        ({"a": [{"like": "a"}]}, "Unrecognized match type like"),
        ({"a": [{"exists": "true"}]}, "exists match pattern"),
        ({"a": [{"prefix": 1}]}, "prefix match pattern must be a string"),
        ({"a": [{"suffix": ["x"]}]}, "suffix match pattern must be a string"),
        ({"a": [{"wildcard": "a**b"}]}, "Consecutive wildcard"),
        ({"a": [{"wildcard": "a\\b"}]}, "escape"),
        ({"a": [{"cidr": 1}]}, "must be a string"),
        ({"a": [{"cidr": "10.0.0.0"}]}, "one '/' required"),
        ({"a": [{"cidr": "10.0.0.0/x"}]}, "mask bits must be an integer"),
        ({"a": [{"cidr": "10.0.0/8"}]}, "Nonstandard IP address"),
        ({"a": [{"cidr": "10.0.0.0/33"}]}, "Nonstandard IP address"),
        ({"a": [{"numeric": []}]}, "Invalid member in numeric match: ]"),
        ({"a": [{"numeric": [1]}]}, "Invalid member in numeric match: 1"),
        ({"a": [{"numeric": ["~", 1]}]}, "Unrecognized numeric range operator: ~"),
        ({"a": [{"numeric": ["="]}]}, "Value of equals must be numeric"),
        ({"a": [{"numeric": ["<", "1"]}]}, "Value of < must be numeric"),
        ({"a": [{"numeric": ["<", 1, ">", 0]}]}, "Too many elements"),
        ({"a": [{"numeric": [">", 1, 2]}]}, "Bad value in numeric range"),
        ({"a": [{"numeric": [">", 1, ">", 2]}]}, "Bad numeric range operator"),
        ({"a": [{"numeric": [">", 1, "<", 1]}]}, "Bottom must be less than top"),
        ({"a": [{"numeric": [">", 1, "<", 2, "<", 3]}]}, "Too many terms"),
        ({"a": [{"numeric": ["=", 1_000_000_001]}]}, "between -1.0E9 and 1.0E9"),
        ({"a": [1e10]}, "between -1.0E9 and 1.0E9"),
        ({"a": [{"anything-but": ["x", 1]}]}, "mixed type is not supported"),
        ({"a": [{"anything-but": []}]}, "Empty arrays"),
        ({"a": [{"anything-but": {"prefix": []}}]}, "Empty arrays"),
        ({"a": [{"anything-but": {"numeric": ["=", 1]}}]}, "Unsupported anything-but pattern: numeric"),
        ({"a": [{"anything-but": {"prefix": "a", "suffix": "b"}}]}, "Only one key"),
        ({"a": {"b": ["c"]}}, "does not support nested"),
        ({"$or": [{"a": ["b"]}]}, "Unrecognized match type a"),
        ({key: ["v"] for key in "abcdef"}, "more than 5 keys"),
        ({"a": list(map(str, range(151)))}, "too complex"),
    ],
)
def test_policies_that_are_refused(policy: Any, says: str) -> None:
    assert says in refusal(policy)


def test_the_combinations_are_counted_as_aws_counts_them() -> None:
    def nested(values: int) -> dict[str, Any]:
        return {"a": {"b": {"c": list(range(4))}}, "d": {"e": list(range(values))}}

    compile_policy(json.dumps(nested(6)), "MessageBody")  # 3 x 4 x 2 x 6 = 144
    assert "too complex" in refusal(nested(7), "MessageBody")
    branches = {"$or": [{"a": list(range(75))}, {"b": list(range(75))}]}
    compile_policy(json.dumps(branches), "MessageBody")  # 75 + 75
    assert "too complex" in refusal({**branches, "c": [1, 2]}, "MessageBody")


def test_policies_of_any_size_and_depth_are_answered() -> None:
    deep = '{"a":' * 900 + '["b"]' + "}" * 900
    assert "too complex" in refusal(deep, "MessageBody")
    assert "larger than" in refusal(json.dumps({"a": ["x" * 262_144]}))
    assert compile_policy("{}", "MessageBody") is None


# Laws

WORDS = st.text(st.sampled_from("ab*\\.é"), max_size=6)
SCALARS = st.none() | st.booleans() | st.integers(-10, 10) | st.floats(-10, 10) | WORDS


@given(SCALARS, SCALARS)
def test_an_exact_value_matches_itself_alone(expected: Any, value: Any) -> None:
    same = type(expected) is type(value) and expected == value
    numbers = [each for each in (expected, value) if type(each) in (int, float)]
    if len(numbers) == 2:
        same = round(numbers[0], 5) == round(numbers[1], 5)
    assert on_body({"k": [expected]}, {"k": value}) is same


@given(WORDS, SCALARS)
def test_anything_but_is_the_opposite_of_its_pattern(pattern: str, value: Any) -> None:
    for name in ("prefix", "suffix", "equals-ignore-case"):
        positive = on_body({"k": [{name: pattern}]}, {"k": value})
        assert on_body({"k": [{"anything-but": {name: pattern}}]}, {"k": value}) is not positive


@given(st.lists(st.text(st.sampled_from("ab"), max_size=3), min_size=1, max_size=4), st.data())
def test_a_wildcard_matches_whatever_stands_in_its_place(literals: list[str], data: st.DataObject) -> None:
    if any(not literal for literal in literals[1:-1]):
        literals = [literals[0], *filter(None, literals[1:-1]), *literals[1:][-1:]]
    fillers = [data.draw(st.text(max_size=4)) for _ in literals[1:]]
    value = literals[0] + "".join(f + literal for f, literal in zip(fillers, literals[1:], strict=True))
    assert on_body({"k": [{"wildcard": "*".join(literals)}]}, {"k": value})


@given(st.lists(SCALARS, min_size=1, max_size=4), SCALARS)
def test_an_array_matches_when_one_of_its_values_does(values: list[Any], expected: Any) -> None:
    each = [on_body({"k": [expected]}, {"k": value}) for value in values]
    assert on_body({"k": [expected]}, {"k": values}) is any(each)


@given(st.dictionaries(st.sampled_from("abc"), SCALARS, min_size=1))
def test_two_keys_match_when_both_do(body: dict[str, Any]) -> None:
    left, right = {"a": [{"exists": True}]}, {"b": ["ab"]}
    assert on_body({**left, **right}, body) is (on_body(left, body) and on_body(right, body))
    assert on_body({"$or": [left, right]}, body) is (on_body(left, body) or on_body(right, body))


JSON = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3)
)


@given(JSON, WORDS)
def test_any_body_can_be_read_at_any_path(body: Any, path: str) -> None:
    found = leaves(body, path)
    assert found is None or len(found) > 0


@given(JSON)
def test_any_policy_is_compiled_or_refused(policy: Any) -> None:
    for scope in ("MessageAttributes", "MessageBody"):
        try:
            compiled = compile_policy(json.dumps(policy), scope)
        except FilterPolicyError:
            continue
        assert compiled is None or isinstance(compiled.matches(lambda _path: ["x"]), bool)
