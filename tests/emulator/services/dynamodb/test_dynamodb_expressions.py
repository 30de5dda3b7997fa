# ruff: noqa: E501  AWS's messages stand whole, to be searched for
from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.emulator.services.base import AwsError
from harness.emulator.services.dynamodb.expressions.of_request import Expressions

CONDITION = "ConditionExpression"

ITEM: dict[str, Any] = {
    "a": {"N": "5"},
    "s": {"S": "hello"},
    "bin": {"B": "YWJj"},
    "l": {"L": [{"N": "1"}, {"S": "x"}, {"M": {"k": {"N": "9"}}}]},
    "m": {"M": {"x": {"N": "1"}, "y": {"M": {"z": {"S": "deep"}}}}},
    "ss": {"SS": ["a", "b"]},
    "ns": {"NS": ["1", "2"]},
    "t": {"BOOL": True},
    "nul": {"NULL": True},
}


def holds(text: str, names: dict[str, str] | None = None, item: Any = None, **values: Any) -> bool:
    request: dict[str, Any] = {CONDITION: text}
    if names:
        request["ExpressionAttributeNames"] = names
    if values:
        request["ExpressionAttributeValues"] = {f":{name}": value for name, value in values.items()}
    expressions = Expressions(request, (CONDITION,))
    condition = expressions.condition(CONDITION)
    expressions.check_all_used()
    assert condition is not None
    return condition.holds(ITEM if item is None else item)


def n(text: Any) -> dict[str, str]:
    return {"N": str(text)}


def s(text: str) -> dict[str, str]:
    return {"S": text}


@pytest.mark.parametrize(
    ("text", "values", "expected"),
    [
        ("a = :v", {"v": n(5)}, True),
        ("a = :v", {"v": s("5")}, False),
        ("a <> :v", {"v": n(5)}, False),
        ("absent <> :v", {"v": n(5)}, True),
        ("absent = absent2", {}, False),
        ("a < :v", {"v": n(10)}, True),
        ("a < :v", {"v": s("9")}, False),
        ("s < :v", {"v": s("world")}, True),
        ("bin >= :v", {"v": {"B": "YWE="}}, True),
        ("a >= :v AND a <= :v", {"v": n(5)}, True),
        ("a BETWEEN :v AND :w", {"v": n(5), "w": n(6)}, True),
        ("NOT a BETWEEN :v AND :w", {"v": n(6), "w": n(7)}, True),
        ("a IN (:v, :w)", {"v": n(4), "w": n(5)}, True),
        ("a IN (:v)", {"v": n(4)}, False),
        ("attribute_exists(m.y.z)", {}, True),
        ("attribute_exists(m.y.q)", {}, False),
        ("attribute_exists(l[2].k)", {}, True),
        ("attribute_exists(l[3])", {}, False),
        ("attribute_not_exists(absent)", {}, True),
        ("attribute_not_exists(nul)", {}, False),
        ("attribute_type(nul, :v)", {"v": s("NULL")}, True),
        ("attribute_type(a, :v)", {"v": s("S")}, False),
        ("begins_with(s, :v)", {"v": s("hel")}, True),
        ("begins_with(bin, :v)", {"v": {"B": "YWI="}}, True),
        ("begins_with(a, :v)", {"v": s("5")}, False),
        ("contains(s, :v)", {"v": s("ell")}, True),
        ("contains(ss, :v)", {"v": s("b")}, True),
        ("contains(ns, :v)", {"v": n("2.0")}, True),
        ("contains(ns, :v)", {"v": s("2")}, False),
        ("contains(l, :v)", {"v": n(1)}, True),
        ("contains(l, :v)", {"v": {"M": {"k": n(9)}}}, True),
        ("contains(a, :v)", {"v": n(5)}, False),
        ("size(s) = :v", {"v": n(5)}, True),
        ("size(bin) = :v", {"v": n(3)}, True),
        ("size(l) > size(ss)", {}, True),
        ("size(m) = :v", {"v": n(2)}, True),
        ("size(a) > :v", {"v": n(0)}, False),
        ("size(absent) > :v", {"v": n(0)}, False),
        (":v = a", {"v": n(5)}, True),
        ("a = :v OR a = :w AND s = :w", {"v": n(5), "w": n(6)}, True),
        ("(a = :v OR a = :w) AND s = :w", {"v": n(5), "w": n(6)}, False),
        ("NOT a = :v OR a = :v", {"v": n(5)}, True),
        ("not (a = :v and s = :w)", {"v": n(5), "w": s("x")}, True),
        ("m = :v", {"v": {"M": {"y": {"M": {"z": s("deep")}}, "x": n("1.0")}}}, True),
        ("ss = :v", {"v": {"SS": ["b", "a"]}}, True),
        ("t = :v", {"v": {"BOOL": True}}, True),
    ],
)
def test_what_a_condition_says_of_an_item(text: str, values: dict[str, Any], expected: bool) -> None:
    assert holds(text, **values) is expected


def test_placeholders_stand_for_names_with_any_characters() -> None:
    names = {"#n": "odd.name[0]", "#m": "size"}
    item = {"odd.name[0]": {"M": {"size": n(1)}}}
    assert holds("#n.#m = :v", names, item, v=n(1))


@pytest.mark.parametrize(
    ("text", "values", "message"),
    [
        ("", {}, "The expression can not be empty;"),
        ("a", {}, 'Syntax error; token: "<EOF>", near: "a"'),
        ("a = ", {}, 'Syntax error; token: "<EOF>", near: "="'),
        ("a == :v", {"v": n(1)}, 'Syntax error; token: "=", near: "== :v"'),
        ("a = :v)", {"v": n(1)}, 'Syntax error; token: ")", near: ":v)"'),
        ("a ? :v", {"v": n(1)}, 'Syntax error; token: "?", near: "a ?"'),
        ("l[x] = :v", {"v": n(1)}, 'Syntax error; token: "x", near: "[x]"'),
        ("((a = :v))", {"v": n(1)}, "The expression has redundant parentheses;"),
        ("(" * 2000 + "a" + ")" * 2000, {}, "The expression is nested too deeply;"),
        ("NOT " * 1000 + "a = a", {}, "The expression is nested too deeply;"),
        (
            "a = :v",
            {},
            "An expression attribute value used in expression is not defined; attribute value: :v",
        ),
        (
            "#a = :v",
            {"v": n(1)},
            "An expression attribute name used in the document path is not defined; attribute name: #a",
        ),
        ("name = :v", {"v": n(1)}, "Attribute name is a reserved keyword; reserved keyword: name"),
        ("foo(a)", {}, "Invalid function name; function: foo"),
        ("size(a)", {}, "The function is not allowed to be used this way in an expression; function: size"),
        (
            "a = attribute_exists(b)",
            {},
            "The function is not allowed to be used this way in an expression; function: attribute_exists",
        ),
        (
            "begins_with(a)",
            {},
            "Incorrect number of operands for operator or function; operator or function: begins_with, number of operands: 1",
        ),
        (
            "begins_with(a, :v)",
            {"v": n(1)},
            "Incorrect operand type for operator or function; operator or function: begins_with, operand type: N",
        ),
        (
            "a < :v",
            {"v": {"BOOL": True}},
            "Incorrect operand type for operator or function; operator or function: <, operand type: BOOL",
        ),
        (
            "attribute_exists(:v)",
            {"v": n(1)},
            "Operator or function requires a document path; operator or function: attribute_exists",
        ),
        (
            "attribute_type(a, :v)",
            {"v": s("Q")},
            "Invalid attribute type name found; type: Q, valid types: {B,NULL,SS,BOOL,L,BS,N,NS,S,M}",
        ),
        (
            "a = a",
            {},
            "The first operand must be distinct from the remaining operands for this operator or function; operator: =, first operand: [a]",
        ),
        (
            "a BETWEEN :v AND :w",
            {"v": n(2), "w": n(1)},
            "The BETWEEN operator requires upper bound to be greater than or equal to lower bound; lower bound operand: AttributeValue: {N:2}, upper bound operand: AttributeValue: {N:1}",
        ),
        (
            "a BETWEEN :v AND :w",
            {"v": n(2), "w": s("3")},
            "The BETWEEN operator requires same data type for lower and upper bounds; lower bound operand: AttributeValue: {N:2}, upper bound operand: AttributeValue: {S:3}",
        ),
        (
            "a = :v" + " " * 4096,
            {"v": n(1)},
            "Expression size has exceeded the maximum allowed size; expression size: 4102",
        ),
    ],
)
def test_a_wrong_condition_is_refused_in_aws_words(text: str, values: dict[str, Any], message: str) -> None:
    with pytest.raises(AwsError) as caught:
        holds(text, **values)
    assert (caught.value.code, caught.value.message) == (
        "ValidationException",
        f"Invalid {CONDITION}: {message}",
    )


@pytest.mark.parametrize(
    ("request_members", "message"),
    [
        (
            {"ExpressionAttributeNames": {"#a": "a"}},
            "ExpressionAttributeNames can only be specified when using expressions",
        ),
        (
            {"ExpressionAttributeValues": {":a": n(1)}},
            "ExpressionAttributeValues can only be specified when using expressions: ConditionExpression is null",
        ),
        ({CONDITION: "a = b", "ExpressionAttributeNames": {}}, "ExpressionAttributeNames must not be empty"),
        (
            {CONDITION: "a = b", "ExpressionAttributeValues": {}},
            "ExpressionAttributeValues must not be empty",
        ),
        (
            {CONDITION: "a = b", "ExpressionAttributeNames": {"a": "b"}},
            'ExpressionAttributeNames contains invalid key: Syntax error; key: "a"',
        ),
        (
            {CONDITION: "a = b", "ExpressionAttributeValues": {"a": n(1)}},
            'ExpressionAttributeValues contains invalid key: Syntax error; key: "a"',
        ),
        (
            {CONDITION: "a = b", "ExpressionAttributeNames": {"#b": "b"}},
            "Value provided in ExpressionAttributeNames unused in expressions: keys: {#b}",
        ),
        (
            {CONDITION: "a = b", "ExpressionAttributeValues": {":b": n(1)}},
            "Value provided in ExpressionAttributeValues unused in expressions: keys: {:b}",
        ),
        (
            {CONDITION: "a = :b", "ExpressionAttributeValues": {":b": n("x")}},
            "ExpressionAttributeValues contains invalid value: The parameter cannot be converted to a numeric value: x for key :b",
        ),
    ],
)
def test_wrong_names_and_values_are_refused_in_aws_words(
    request_members: dict[str, Any], message: str
) -> None:
    def bind() -> None:
        expressions = Expressions(request_members, (CONDITION,))
        expressions.condition(CONDITION)
        expressions.check_all_used()

    with pytest.raises(AwsError) as caught:
        bind()
    assert caught.value.message == message


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a, s", {"a": n(5), "s": s("hello")}),
        ("absent", {}),
        ("m.x", {"m": {"M": {"x": n(1)}}}),
        ("m.x, m.y.z", {"m": {"M": {"x": n(1), "y": {"M": {"z": s("deep")}}}}}),
        ("l[2], l[0]", {"l": {"L": [n(1), {"M": {"k": n(9)}}]}}),
        ("l[2].k, l[7]", {"l": {"L": [{"M": {"k": n(9)}}]}}),
        ("m.q, a.b, l[9]", {}),
        ("a, m.x", {"a": n(5), "m": {"M": {"x": n(1)}}}),
    ],
)
def test_a_projection_picks_what_is_there(text: str, expected: dict[str, Any]) -> None:
    projection = Expressions({"ProjectionExpression": text}, ("ProjectionExpression",)).projection()
    assert projection is not None
    assert projection.of(ITEM) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "a.b, a",
            "Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [a, b], path two: [a]",
        ),
        (
            "a[0], a.b",
            "Two document paths conflict with each other; must remove or rewrite one of these paths; path one: [a, [0]], path two: [a, b]",
        ),
        ("a,, b", 'Syntax error; token: ",", near: ",, b"'),
        ("a b", 'Syntax error; token: "b", near: "a b"'),
    ],
)
def test_a_wrong_projection_is_refused_in_aws_words(text: str, message: str) -> None:
    with pytest.raises(AwsError) as caught:
        Expressions({"ProjectionExpression": text}, ("ProjectionExpression",)).projection()
    assert caught.value.message == f"Invalid ProjectionExpression: {message}"


# A condition is drawn together with what it must say, computed by Python's own operators.
numbers_drawn = st.integers(min_value=-3, max_value=3)
model_items = st.dictionaries(st.sampled_from("xyz"), numbers_drawn)
_PYTHON = {
    "=": lambda a, b: a == b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}
Drawn = tuple[str, Any]
"""Expression text, and a function of the model item that says whether it holds."""


def compare(name: str, operator: str, value: int) -> Drawn:
    return (
        f"{name} {operator} :n{value + 3}",
        lambda item: name in item and _PYTHON[operator](item[name], value),
    )


def exists(name: str) -> Drawn:
    return f"attribute_exists({name})", lambda item: name in item


leaves = st.one_of(
    st.builds(compare, st.sampled_from("xyz"), st.sampled_from(sorted(_PYTHON)), numbers_drawn),
    st.builds(exists, st.sampled_from("xyz")),
)


def joined(word: str, left: Drawn, right: Drawn) -> Drawn:
    decide = all if word == "AND" else any
    return f"({left[0]} {word} {right[0]})", lambda item: decide([left[1](item), right[1](item)])


def negated(of: Drawn) -> Drawn:
    return f"NOT {of[0]}", lambda item: not of[1](item)


conditions = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.builds(joined, st.sampled_from(("AND", "OR")), inner, inner), st.builds(negated, inner)
    ),
    max_leaves=8,
)


@settings(max_examples=200)
@given(conditions, model_items)
def test_conditions_say_what_a_naive_evaluator_says(drawn: Drawn, model: dict[str, int]) -> None:
    text, expected = drawn
    values = {f"n{value + 3}": n(value) for value in range(-3, 4) if f":n{value + 3}" in text}
    item = {name: n(value) for name, value in model.items()} or {"other": n(0)}
    assert holds(text, item=item, **values) == expected(model)
