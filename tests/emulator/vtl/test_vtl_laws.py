"""The compiled language against a naive reading of the same expression."""

from __future__ import annotations

import math
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from harness.emulator.vtl import compile_template

INTEGERS = st.integers(-(2**31), 2**31 - 1)
Tree = Any
"""An int, or (operator, left, right)."""


def trees(leaves: st.SearchStrategy[int]) -> st.SearchStrategy[Tree]:
    return st.recursive(leaves, lambda inner: st.tuples(st.sampled_from("+-*/%"), inner, inner), max_leaves=8)


def source_of(tree: Tree, names: dict[str, int]) -> str:
    """The tree in VTL, fully parenthesised; every other leaf is a reference."""
    if isinstance(tree, int):
        if len(names) % 2:
            names[f"v{len(names)}"] = tree
            return f"$v{len(names) - 1}"
        names[f"v{len(names)}"] = tree
        return str(tree)
    operator, left, right = tree
    return f"({source_of(left, names)} {operator} {source_of(right, names)})"


def value_of(tree: Tree) -> int | None:
    """The tree as Java computes it on whole numbers of any size; None once something divides by zero."""
    if isinstance(tree, int):
        return tree
    operator, left, right = tree[0], value_of(tree[1]), value_of(tree[2])
    if left is None or right is None:
        return None
    if operator in "/%":
        if right == 0:
            return None
        quotient = int(math.copysign(1, left) * math.copysign(1, right)) * (abs(left) // abs(right))
        return quotient if operator == "/" else left - right * quotient
    return {"+": left + right, "-": left - right, "*": left * right}[operator]


@settings(max_examples=300, deadline=None)
@given(trees(INTEGERS))
def test_arithmetic_is_javas(tree: Tree) -> None:
    names: dict[str, int] = {}
    source = source_of(tree, names)
    rendered = compile_template(f"#set($x = 'null')#set($x = {source})$x").render(names)
    expected = value_of(tree)
    assert rendered == ("null" if expected is None else str(expected))


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["+", "-"]), st.integers(0, 99)), min_size=1, max_size=8))
def test_sums_without_parentheses_group_to_the_left(terms: list[tuple[str, int]]) -> None:
    source = "0 " + " ".join(f"{operator} {number}" for operator, number in terms)
    expected = sum(number if operator == "+" else -number for operator, number in terms)
    assert compile_template(f"#set($x = {source})$x").render({}) == str(expected)


@given(st.text(max_size=50), st.text(max_size=50))
def test_strings_join_in_both_ways(left: str, right: str) -> None:
    variables = {"a": left, "b": right}
    assert compile_template("#set($x = $a + $b)$x").render(variables) == left + right
    assert compile_template('#set($x = "${a}${b}")$x').render(variables) == left + right


@given(st.text(max_size=80), st.data())
def test_substrings_are_slices(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    template = compile_template("$s.substring($i)|$s.substring($i, $j)|$s.length()")
    rendered = template.render({"s": text, "i": start, "j": end})
    assert rendered == f"{text[start:]}|{text[start:end]}|{len(text)}"


@given(st.text(alphabet="ab,", max_size=30))
def test_splitting_keeps_all_but_empty_strings_at_the_end(text: str) -> None:
    expected = text.split(",")
    while len(expected) > 1 and expected[-1] == "":
        expected.pop()
    if expected == [""] and text:
        expected = []
    template = compile_template("#foreach($p in $s.split(','))[$p]#end")
    assert template.render({"s": text}) == "".join(f"[{part}]" for part in expected)


@given(st.lists(st.integers(), max_size=30))
def test_a_loop_sees_every_item_in_order(items: list[int]) -> None:
    template = compile_template("#foreach($i in $items)$foreach.index:$i#if($foreach.hasNext),#end#end")
    expected = ",".join(f"{at}:{item}" for at, item in enumerate(items))
    assert template.render({"items": items}) == expected
