"""Each construct of the language, in tables: (template, variables, output)."""

from __future__ import annotations

from typing import Any

import pytest

from harness.emulator.vtl import ReadOnlyMap, TemplateFailure, compile_template


def render(template: str, **variables: Any) -> str:
    return compile_template(template).render(variables)


def check(template: str, variables: dict[str, Any], expected: str) -> None:
    assert render(template, **variables) == expected


REFERENCES = [
    ("Hello $name!", {"name": "x"}, "Hello x!"),
    ("${name}s", {"name": "cat"}, "cats"),
    ("$name.", {"name": "x"}, "x."),
    ("$name.first last", {"name": {"first": "A"}}, "A last"),
    ("$a.b.c", {"a": {"b": {"c": 1}}}, "1"),
    ("$a.b[0].c", {"a": {"b": [{"c": 3}]}}, "3"),
    ("$a[-1]", {"a": [1, 2]}, "2"),
    ("$a['k y']", {"a": {"k y": 1}}, "1"),
    ('$a["$k"]', {"a": {"x": 1}, "k": "x"}, "1"),
    ("${a.b}c", {"a": {"b": 1}}, "1c"),
    ("$nope", {}, "$nope"),
    ("$!nope|$!{nope}|", {}, "||"),
    ("${nope.x[1].size()}", {}, "${nope.x[1].size()}"),
    ("$a.nope", {"a": {}}, "$a.nope"),
    ("$a.b.c", {"a": {"b": None}}, "$a.b.c"),
    ("cost $5 and $ and $$x", {"x": 1}, "cost $5 and $ and $1"),
    ("${unclosed", {"unclosed": 1}, "${unclosed"),
    ("$a-b", {"a": 1, "a-b": 2}, "2"),
    ("${a}-$b", {"a": 1, "b": 2}, "1-2"),
    ("$a-", {"a": 1}, "1-"),
    ("$_x1", {"_x1": 1}, "1"),
    ("$x.size()", {"x": [1, 2]}, "2"),
    ("$x.get('a').length()", {"x": {"a": "four"}}, "4"),
    ("$x.substring(1,3)$x", {"x": "abcd"}, "bcabcd"),
    ("$x.length", {"x": "ab"}, "$x.length"),
    ("$foreach.index", {}, "$foreach.index"),
]


@pytest.mark.parametrize(("template", "variables", "expected"), REFERENCES)
def test_references(template: str, variables: dict[str, Any], expected: str) -> None:
    check(template, variables, expected)


VALUES = [
    (None, "$v"),
    (True, "true"),
    (False, "false"),
    (0, "0"),
    (-12, "-12"),
    (1.0, "1.0"),
    (0.1, "0.1"),
    (1e10, "1.0E10"),
    (12345678.9, "1.23456789E7"),
    (1.5e-7, "1.5E-7"),
    (0.001, "0.001"),
    (float("inf"), "Infinity"),
    ("", ""),
    ("é ☃", "é ☃"),
    ({"a": 1, "b": "x"}, "{a=1, b=x}"),
    ({"a": {"b": None}}, "{a={b=null}}"),
    ([1, "x", None], '[1,"x",null]'),
    ({"a": [{"b": 1}]}, '{a=[{"b":1}]}'),
    ({}, "{}"),
    ([], "[]"),
]


@pytest.mark.parametrize(("value", "expected"), VALUES)
def test_how_values_print(value: Any, expected: str) -> None:
    check("$v", {"v": value}, expected)


ESCAPES = [
    (r"\$x", {"x": 1}, "$x"),
    (r"\\$x", {"x": 1}, "\\1"),
    (r"\\\$x", {"x": 1}, r"\$x"),
    (r"\$nope \\$nope", {}, r"\$nope \\$nope"),
    (r"\#set", {}, "#set"),
    (r"\\#if(true)y#end", {}, "\\y"),
    (r"a\b\n", {}, r"a\b\n"),
    ("#[[ $x #if( ## ]]#|", {"x": 1}, " $x #if( ## |"),
    ("# ## gone\nkept", {}, "# kept"),
    ("a#* $x #if \n *#b", {"x": 1}, "ab"),
    ("#fff #/definitions #endpoint #elsewhere", {}, "#fff #/definitions #endpoint #elsewhere"),
]


@pytest.mark.parametrize(("template", "variables", "expected"), ESCAPES)
def test_escapes_comments_and_literal_blocks(template: str, variables: dict[str, Any], expected: str) -> None:
    check(template, variables, expected)


SETS = [
    ("#set($x = 1)$x", {}, "1"),
    ("#set( $x = 'a' )$x", {}, "a"),
    ('#set($x = "$y!")$x', {"y": 1}, "1!"),
    ("#set($x = '$y!')$x", {"y": 1}, "$y!"),
    ("#set($x = [1, 'b', $y])$x", {"y": 3}, "[1, b, 3]"),
    ("#set($x = {'a': 1, \"b\": [2]})$x $x.a $x.b", {}, "{a=1, b=[2]} 1 [2]"),
    ("#set($x = {})#set($x.y = 1)#set($x['z'] = 2)$x", {}, "{y=1, z=2}"),
    ("#set($x = [1,2])#set($x[1] = 9)$x", {}, "[1, 9]"),
    ("#set($x = $nope)$x", {"x": "before"}, "before"),
    ("#set($x = $y.nope)$x", {"x": "before", "y": {}}, "before"),
    ("#set($x = true)$x#set($x = !$x)$x", {}, "truefalse"),
    ("#set($x.y.z = 1)$x", {"x": {"y": {}}}, "{y={z=1}}"),
    ("#set($x = 'it''s')$x", {}, "it's"),
    ('#set($x = "say ""hi""")$x', {}, 'say "hi"'),
    (r'#set($x = "a\b")$x', {}, r"a\b"),
    ("#set($x =\n  1\n)$x", {}, "1"),
    ("#{set}($x = 1)$x", {}, "1"),
]


@pytest.mark.parametrize(("template", "variables", "expected"), SETS)
def test_set(template: str, variables: dict[str, Any], expected: str) -> None:
    check(template, variables, expected)


def test_rendering_leaves_the_variables_as_they_were() -> None:
    variables = {"x": 1}
    assert compile_template("#set($x = 2)#set($y = 3)$x$y").render(variables) == "23"
    assert variables == {"x": 1}


ARITHMETIC = [
    ("1 + 2 * 3", "7"),
    ("(1 + 2) * 3", "9"),
    ("10 - 4 - 3", "3"),
    ("7 / 2", "3"),
    ("-7 / 2", "-3"),
    ("7 / -2", "-3"),
    ("-7 % 3", "-1"),
    ("7 % -3", "1"),
    ("7.0 / 2", "3.5"),
    ("-7.5 % 2", "-1.5"),
    ("2 * 1.5", "3.0"),
    ("'a' + 1", "a1"),
    ("1 + 'a'", "1a"),
    ("1.0 + 'a'", "1.0a"),
    ("true + 'x'", "truex"),
    ("-3 + 1", "-2"),
    ("5 -3", "2"),
    ("1e3 + 1", "1001.0"),
    ("1 / 0", "none"),
    ("1 % 0", "none"),
    ("'a' - 1", "none"),
    ("true + 1", "none"),
    ("$nope + 1", "none"),
    ("'a' + $nope", "none"),
    ("-$n", "-5"),
    ("-$s", "none"),
]


@pytest.mark.parametrize(("expression", "expected"), ARITHMETIC)
def test_arithmetic(expression: str, expected: str) -> None:
    check(f"#set($x = 'none')#set($x = {expression})$x", {"n": 5, "s": "s"}, expected)


CONDITIONS = [
    ("1 == 1", True),
    ("1 == 1.0", True),
    ("1 == '1'", True),
    ("'a' == 'a'", True),
    ("'a' == 'A'", False),
    ("true == 'true'", True),
    ("$nope == $other", True),
    ("$nope == 1", False),
    ("$nope != 1", True),
    ("$list == [1, 2]", False),
    ("$map == $map", True),
    ("1 eq 1 and 2 ne 3", True),
    ("1 lt 2 && 2 le 2 && 3 gt 2 && 3 ge 3", True),
    ("1 < 2", True),
    ("2 <= 1", False),
    ("2 > 1", True),
    ("1 >= 2", False),
    ("'a' < 'b'", False),
    ("$nope < 1", False),
    ("!true", False),
    ("not false", True),
    ("!$nope", True),
    ("!!$one", True),
    ("$nope", False),
    ("$no", False),
    ("$empty", True),
    ("$zero", True),
    ("$list", True),
    ("false || true", True),
    ("true or false and false", True),
    ("(true or false) and false", False),
    ("$list.size() > 1 && $list[0] == 1", True),
    ("'x' == $map.k", True),
    ("\"$one\" == '1'", True),
]


@pytest.mark.parametrize(("condition", "expected"), CONDITIONS)
def test_conditions(condition: str, expected: bool) -> None:
    variables = {"one": 1, "no": False, "empty": "", "zero": 0, "list": [1, 2], "map": {"k": "x"}}
    check(f"#if({condition})yes#{{else}}no#end", variables, "yes" if expected else "no")
    check(f"#set($c = {condition})$c", {**variables, "c": "null"}, _as_value(condition, expected, variables))


def _as_value(condition: str, expected: bool, variables: dict[str, Any]) -> str:
    """As a value, a bare reference is itself and not its truth."""
    name = condition.removeprefix("$")
    if condition.startswith("$") and name.isidentifier():
        return {"nope": "null", "no": "false", "empty": "", "zero": "0", "list": "[1,2]"}[name]
    return "true" if expected else "false"


BRANCHES = [
    ("#if($x == 1)a#elseif($x == 2)b#elseif($x == 3)c#{else}d#end", {"x": 1}, "a"),
    ("#if($x == 1)a#elseif($x == 2)b#elseif($x == 3)c#{else}d#end", {"x": 3}, "c"),
    ("#if($x == 1)a#elseif($x == 2)b#elseif($x == 3)c#{else}d#end", {"x": 4}, "d"),
    ("#if(false)a#end", {}, ""),
    ("#if($x)#if($y)1#{else}2#end#end", {"x": 1}, "2"),
    ("#if ( $x ) y #end", {"x": 1}, " y "),
]


@pytest.mark.parametrize(("template", "variables", "expected"), BRANCHES)
def test_branches(template: str, variables: dict[str, Any], expected: str) -> None:
    check(template, variables, expected)


LOOPS = [
    ("#foreach($i in [1..3])$i,#end", {}, "1,2,3,"),
    ("#foreach($i in [3..1])$i#end", {}, "321"),
    ("#foreach($i in [$a..$b])$i#end", {"a": -1, "b": 1}, "-101"),
    ("#foreach($i in $x)$i#if($foreach.hasNext),#end#end", {"x": ["a", "b"]}, "a,b"),
    ("#foreach($i in $x)$foreach.index$foreach.count$foreach.first$foreach.last #end", {"x": "no"}, ""),
    ("#foreach($i in $x)$foreach.index$foreach.count$foreach.first$foreach.last #end", {"x": [7, 8]},
     "01truefalse 12falsetrue "),
    ("#foreach($i in $x)$velocityCount#end", {"x": [7, 8]}, "12"),
    ("#foreach($v in $x)$v#end", {"x": {"a": 1, "b": 2}}, "12"),
    ("#foreach($k in $x.keySet())$k=$x.get($k);#end", {"x": {"a": 1, "b": 2}}, "a=1;b=2;"),
    ("#foreach($e in $x.entrySet())$e.key=$e.value;$e.getKey()#end", {"x": {"a": 1}}, "a=1;a"),
    ("#foreach($i in $x)#foreach($j in $i)$foreach.parent.index$foreach.index #end#end", {"x": [[1], [2, 3]]},
     "00 10 11 "),
    ("#foreach($i in $x)$i#break no#end after", {"x": [1, 2]}, "1 after"),
    ("#foreach($i in $x)#if($i == 2)#break#end$i#end", {"x": [1, 2, 3]}, "1"),
    ("#foreach($i in $x)$i#end$i", {"x": [1], "i": "before"}, "1before"),
    ("#foreach($i in $x)$i#end$i", {"x": [1]}, "1$i"),
    ("#foreach($i in $nope)x#end|", {}, "|"),
    ("#foreach($i in [])x#end|", {}, "|"),
    ("#foreach($i in $x)#set($last = $i)#end$last", {"x": [1, 2]}, "2"),
    ("#foreach($i in $x)#set($ok = $x.add(9))$i#end $x.size()", {"x": [1, 2]}, "12 4"),
    ("#foreach($i in $x)$i#end", {"x": [None, 1]}, "$i1"),
    ("a#stop b", {}, "a"),
    ("#foreach($i in [1..3])$i#if($i == 2)#stop#end#end never", {}, "12"),
    ("a#break b", {}, "a"),
]  # fmt: skip


@pytest.mark.parametrize(("template", "variables", "expected"), LOOPS)
def test_loops(template: str, variables: dict[str, Any], expected: str) -> None:
    check(template, variables, expected)


def test_a_loop_ends_after_a_thousand_iterations_as_on_aws() -> None:
    assert render("#foreach($i in [1..5000])#set($n = $i)#end$n") == "1000"


MACROS = [
    ("#macro(hi $who)Hi $who!#end#hi('x')#hi($y)", {"y": "z"}, "Hi x!Hi z!"),
    ("#macro(two $a, $b)$a$b#end#two(1 2)#two(3, 4)", {}, "1234"),
    ("#macro(none)x#end#none()#none()", {}, "xx"),
    ("#macro(f $a)$!a|#end#f($nope)", {}, "|"),
    ("#macro(f $a)$a#end#f('in')$a", {"a": "out"}, "inout"),
    ("#macro(down $n)$n#if($n > 0)#set($m = $n - 1)#down($m)#end#end#down(3)", {}, "3210"),
    ("#macro(f $a)#foreach($x in $a)<$x>#end#end#f([1,2])", {}, "<1><2>"),
    ("#later() #macro(later)x#end", {}, "#later() "),
]


@pytest.mark.parametrize(("template", "variables", "expected"), MACROS)
def test_macros(template: str, variables: dict[str, Any], expected: str) -> None:
    check(template, variables, expected)


INTERPOLATION = [
    ('#set($s = "$a ${a}b $!nope")$s', {"a": 1}, "1 1b "),
    ('#set($s = "$nope")$s', {}, "$nope"),
    ('#set($s = "#if($a)y#{else}n#end")$s', {"a": 1}, "y"),
    ('#set($s = "#foreach($i in [1..3])$i#end")$s', {}, "123"),
    ('#set($s = "a ## b")$s', {}, "a "),
    ("#set($s = \"$m.get('k')\")$s", {"m": {"k": 1}}, "1"),
    ('#set($s = "5$ #")$s', {}, "5$ #"),
    ('#set($s = "${d}\\""$k\\"":")$s', {"d": "{", "k": "a"}, '{\\"a\\":'),
    ('$f.get("$k")', {"f": {"x": 1}, "k": "x"}, "1"),
    ('#set($s = "a#stop b")$s never', {}, ""),
]


@pytest.mark.parametrize(("template", "variables", "expected"), INTERPOLATION)
def test_strings_in_double_quotes_are_templates(
    template: str, variables: dict[str, Any], expected: str
) -> None:
    check(template, variables, expected)


GOBBLING = [
    ("#set($x = 1)\n$x", "1"),
    ("a\n   #set($x = 1)  \nb", "a\nb"),
    ("a #set($x = 1) b", "a b"),
    ("#if(true)\n  a\n#end\nb", "  a\nb"),
    ("#if(true)  \n  a\n#else\n  b\n#end  \nc", "  a\nc"),
    ("#foreach($i in [1..2])\n$i\n#end\nx", "1\n2\nx"),
    ("#if(true) a #end b", " a  b"),
    ("{\n  ## comment\n  a\n}", "{\n    a\n}"),
    ("#if(true)\r\na\r\n#end\r\nb", "a\r\nb"),
]


@pytest.mark.parametrize(("template", "expected"), GOBBLING)
def test_directives_take_the_rest_of_a_blank_line_with_them(template: str, expected: str) -> None:
    check(template, {}, expected)


def test_nothing_prints_where_the_host_wants_unresolved_references_empty() -> None:
    template = compile_template("[$nope][${nope.x}][$a][$b]", unresolved="empty")
    assert template.render({"a": None, "b": 1}) == "[][][][1]"


def test_a_read_only_map_is_read_and_not_written() -> None:
    shared = ReadOnlyMap(a=1)
    assert render("$m.a $m.get('a') $m.size() $m", m=shared) == "1 1 1 {a=1}"
    for attempt in ("#set($m.a = 2)", "#set($m['b'] = 2)", "$m.put('b', 2)", "$m.remove('a')", "$m.clear()"):
        with pytest.raises(TemplateFailure):
            render(attempt, m=shared)
    assert shared == {"a": 1}
