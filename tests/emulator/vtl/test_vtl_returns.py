"""#return, which AppSync has and API Gateway has not, and what hosts learn of a template's calls."""

from __future__ import annotations

from typing import Any

import pytest

from harness.emulator.vtl import MethodCall, Returned, TemplateError, compile_template


def returned(source: str, **variables: Any) -> Any:
    with pytest.raises(Returned) as caught:
        compile_template(source, returns=True).render(variables)
    return caught.value.value


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("#return", None),
        ("#return()", None),
        ("text #return($a) more", 1),
        ('#return({"x": [$a, "$a"]})', {"x": [1, "1"]}),
        ("#if($a == 1)#return('yes')#end", "yes"),
        ("#foreach($x in [1, 2, 3])#if($x == 2)#return($x)#end#end", 2),
        ("#macro(out $v)#return($v)#end#out('inner')", "inner"),
        ('#set($b = "#return($a)")', 1),
        ("#{return}($a)", 1),
    ],
)
def test_return_ends_the_template_with_a_value(source: str, value: Any) -> None:
    assert returned(source, a=1) == value


def test_a_return_that_is_not_reached_changes_nothing() -> None:
    template = compile_template("a#if($x)\n#return(1)\n#end\nb", returns=True)
    assert template.render({}) == "ab"


def test_without_it_return_is_text() -> None:
    assert compile_template("#return($a)").render({"a": 1}) == "#return(1)"
    assert compile_template(r"\#return", returns=True).render({}) == "#return"


def test_a_return_must_be_whole() -> None:
    with pytest.raises(TemplateError):
        compile_template("#return($a", returns=True)


def test_calls_are_listed_with_their_way_and_place() -> None:
    template = compile_template("$a.b.get($c.d.size())\n  #if($a.trim())#end")
    assert template.methods == (
        MethodCall("a", ("b",), "get", 1, 1, 6),
        MethodCall("c", ("d",), "size", 0, 1, 15),
        MethodCall("a", (), "trim", 0, 2, 10),
    )
