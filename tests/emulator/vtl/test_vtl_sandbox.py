"""Templates are data: what they must not reach, and what they must not exhaust."""

from __future__ import annotations

import builtins
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.emulator.vtl import TemplateError, TemplateFailure, compile_template, expose
from harness.emulator.vtl.exposure import METHODS
from harness.emulator.vtl.runtime import NAMES


class Tool:
    """A host's object that exposes one method and one property, and has more."""

    secret = "secret"

    def __init__(self) -> None:
        self.hidden = "hidden"

    def leak(self) -> str:
        return "leak"


expose(Tool, methods={("greet", 1): lambda _, name: f"hi {name}"}, properties={"open": lambda _: "open"})

ATTRIBUTES = [
    "__class__", "__dict__", "__globals__", "__init__", "__subclasses__", "__builtins__", "__code__",
    "__doc__", "_at", "secret", "hidden", "leak", "gi_frame", "f_globals", "func_globals", "mro", "real",
    "index", "format", "class", "getClass", "append", "pop", "items", "keys", "encode", "bit_length",
]  # fmt: skip
SUBJECTS = [Tool(), "text", 1, 1.5, True, [1], {"a": 1}, None]


def outcome(template: str, **variables: Any) -> str | None:
    """The output, or None where the template was refused."""
    try:
        return compile_template(template).render(variables)
    except (TemplateError, TemplateFailure):
        return None


def test_what_a_host_exposes_is_there() -> None:
    assert outcome("$tool.open $tool.greet('x')", tool=Tool()) == "open hi x"


@pytest.mark.parametrize("name", ATTRIBUTES)
def test_no_python_attribute_can_be_read_called_or_set(name: str) -> None:
    for subject in SUBJECTS:
        assert outcome(f"$x.{name}", x=subject) == f"$x.{name}"
        assert outcome(f"$x['{name}']", x=subject) == f"$x['{name}']"
        assert outcome(f"$x.{name}()", x=subject) in (f"$x.{name}()", None)
        outcome(f"#set($x.{name} = 'changed')", x=subject)
    assert Tool.secret == "secret"
    assert SUBJECTS[0].hidden == "hidden"  # type: ignore[union-attr]


def test_a_host_object_cannot_be_changed() -> None:
    tool = Tool()
    with pytest.raises(TemplateFailure):
        compile_template("#set($tool.hidden = 'x')").render({"tool": tool})
    assert tool.hidden == "hidden"


@pytest.mark.parametrize(
    "name", sorted({*dir(builtins), *NAMES, "variables", "budget", "out", "k1", "render"})
)
def test_no_name_of_the_generated_code_is_a_variable(name: str) -> None:
    if name.isidentifier() and name[0].isalpha():
        assert outcome(f"${{{name}}}") == f"${{{name}}}"
        assert outcome(f"#set(${name} = 1)${{{name}}}#foreach($i in [1..2])#set(${name} = $i)#end") == "1"


INJECTIONS = [
    "'); import os; os.abort(); ('",
    '"""\nimport os\n"""',
    "\\' + open('/etc/passwd').read() + \\'",
    "{0.__class__}",
    "%(x)s",
    "k1",
    "\x00\n\r\\",
    "}} {{",
    "]]# #end",
]


@pytest.mark.parametrize("text", INJECTIONS)
def test_no_text_of_a_template_becomes_code(text: str) -> None:
    assert compile_template(text.replace("#", "")).render({}) == text.replace("#", "")
    quoted = text.replace("'", "''")
    assert compile_template(f"#set($x = '{quoted}')$x").render({}) == text
    assert compile_template("$m.get($k)").render({"m": {text: "v"}, "k": text}) == "v"
    assert compile_template("$x").render({"x": text}) == text


BOMBS = {
    "doubled text": "#set($s = 'xxxxxxxxxx')#foreach($i in [1..100])#set($s = \"$s$s\")#end$s",
    "added text": "#set($s = 'xxxxxxxxxx')#foreach($i in [1..100])#set($s = $s + $s)#end$s",
    "replaced text": "#set($s = 'xxxxxxxxxx')#foreach($i in [1..100])#set($s = $s.replace('x', $s))#end",
    "matched text": "#set($s = 'xxxxxxxxxx')#foreach($i in [1..100])#set($s = $s.replaceAll('x', $s))#end",
    "squared number": "#set($n = 10)#foreach($i in [1..1000])#set($n = $n * $n)#end$n",
    "huge float": "#set($n = 1e300)#foreach($i in [1..1000])#set($n = $n * 1e300)#end#set($m = $n - $n)$m",
    "nested loops": "#foreach($a in [1..1000])#foreach($b in [1..1000])x#end#end",
    "three loops": "#foreach($a in [1..99])#foreach($b in [1..99])#foreach($c in [1..99])x#end#end#end",
    "printed long": "#foreach($a in [1..1000])$long$long#end",
    "doubled list": "#set($l = [1])#foreach($i in [1..100])#set($ok = $l.addAll($l))#end$l",
    "list of itself": "#set($l = [])#set($ok = $l.add($l))$l",
    "map of itself": "#set($m = {})#set($m.m = $m)$m",
    "list of lists": "#set($l = [1])#foreach($i in [1..100])#set($l = [$l, $l])#end$l",
    "compared lists": "#set($l = [1])#set($k = [1])#foreach($i in [1..100])#set($l = [$l, $l])"
    "#set($k = [$k, $k])#end#if($l == $k)y#end",
    "range": "#set($r = [1..999999999999])",
    "recursive macro": "#macro(f)#f()#end#f()",
    "branching macro": "#macro(f $n)#if($n > 0)#set($m = $n - 1)#f($m)#set($m = $n - 1)#f($m)#end#end#f(19)",
    "nested repetition": "$s.matches('(a+)+b')",
    "long pattern": "$s.matches($long)",
}


@pytest.mark.parametrize("bomb", BOMBS.values(), ids=BOMBS)
def test_no_template_runs_away(bomb: str) -> None:
    variables = {"long": "x" * 100_000, "s": "a" * 30}
    try:
        output = compile_template(bomb).render(variables)
    except TemplateFailure:
        return
    assert bomb == BOMBS["huge float"]  # infinity is a number like others
    assert output == "NaN"


FRAGMENTS = st.sampled_from(
    [
        "$x", "${x}", "$!x.y", "$x.get('a')", "$x[0]", "$", "#", "\\", "##\n", "#*", "*#", "#[[", "]]#", "\n",
        " ", "#set($x = 1)", "#set($x.y = $x)", "#set($x = \"$x\")", "#if($x)", "#else", "#elseif(1 == 2)",
        "#end", "#foreach($x in $y)", "#foreach($i in [1..3])", "#break", "#stop", "#macro(m $a)", "#m($x)",
        "(", ")", "'", '"', "{", "}", "[", "]", "$foreach.index", "$x.add($x)", "$x.put('k', $x)", "text",
        "0", "..",
    ]
)  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(st.lists(FRAGMENTS, max_size=25).map("".join), st.sampled_from([1, "s", [1, [2]], {"a": [1]}, None]))
def test_whatever_the_template_it_renders_or_is_refused(template: str, value: Any) -> None:
    outcome(template, x=value, y=[value, 2])


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=3),
    max_leaves=4,
)
SIGNATURES = sorted({signature for methods in METHODS.values() for signature in methods})


@settings(max_examples=500, deadline=None)
@given(VALUES, st.sampled_from(SIGNATURES), st.lists(VALUES, min_size=2, max_size=2))
def test_whatever_a_method_is_given_it_answers_or_fails(
    subject: Any, signature: tuple[str, int], arguments: list[Any]
) -> None:
    name, count = signature
    given = ", ".join(["$a", "$b"][:count])
    outcome(f"$x.{name}({given})", x=subject, a=arguments[0], b=arguments[1])


@settings(max_examples=300, deadline=None)
@given(VALUES, st.sampled_from(["+", "-", "*", "/", "%", "==", "<", ">=", "&&"]), VALUES)
def test_whatever_is_computed_there_is_a_value(left: Any, operator: str, right: Any) -> None:
    outcome(f"#set($v = $x {operator} $y)$v [$x..$y]$x[$y]#foreach($i in $x)$i#end", x=left, y=right)


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=60))
def test_whatever_the_text_it_renders_or_is_refused(template: str) -> None:
    outcome(template, x=1)


@given(st.text(max_size=200))
def test_text_without_directives_and_references_is_itself(text: str) -> None:
    plain = text.replace("$", "").replace("#", "")
    assert outcome(plain) == plain
