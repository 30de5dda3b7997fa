"""Java's methods, in tables: (expression on the variables, output)."""

from __future__ import annotations

from copy import deepcopy

import pytest

from harness.emulator.vtl import TemplateFailure, compile_template

VARIABLES = {
    "s": "Hello, World",
    "h": "hello",
    "e": "",
    "sp": "  x ",
    "l": [3, "b", {"k": 1}],
    "m": {"a": 1, "b": None, "c": [1]},
    "n": 42,
    "f": 2.5,
    "t": True,
}


def render(template: str) -> str:
    return compile_template(template).render(deepcopy(VARIABLES))


STRINGS = [
    ("$s.length()", "12"),
    ("$e.isEmpty() $s.isEmpty()", "true false"),
    ("$s.substring(7)", "World"),
    ("$s.substring(0, 5)", "Hello"),
    ("$s.charAt(4)", "o"),
    ("$s.indexOf('o')", "4"),
    ("$s.indexOf('o', 5)", "8"),
    ("$s.indexOf('zz')", "-1"),
    ("$s.lastIndexOf('o')", "8"),
    ("$s.contains('World')", "true"),
    ("$s.startsWith('Hell') $s.endsWith('x')", "true false"),
    ("$s.equals('x') $s.equals($s) $s.equals(1)", "false true false"),
    ("$s.equalsIgnoreCase('hello, world')", "true"),
    ("$s.toLowerCase() $s.toUpperCase()", "hello, world HELLO, WORLD"),
    ("[$sp.trim()]", "[x]"),
    ("$s.replace('l', 'L')", "HeLLo, WorLd"),
    ("$s.replace('', '-')", "-H-e-l-l-o-,- -W-o-r-l-d-"),
    ("$s.replaceAll('[aeiou]', '*')", "H*ll*, W*rld"),
    ("$s.replaceAll('(\\w+), (\\w+)', '$2 $1')", "World Hello"),
    ("$s.replaceFirst('l', '')", "Helo, World"),
    ("$s.matches('Hello.*') $s.matches('Hello')", "true false"),
    ("$s.concat('!')", "Hello, World!"),
    ("$s.split(', ')", "[Hello, World]"),
    ("$s.split('')", "[H, e, l, l, o, ,,  , W, o, r, l, d]"),
    ("$s.split('o')", "[Hell, , W, rld]"),
    ("$s.split('ld')", "[Hello, Wor]"),
    ("$s.split(',\\s*')", "[Hello, World]"),
    ("$s.split('o', 2)", "[Hell, , World]"),
    ("$s.split('nope').size()", "1"),
    ("$e.split(',').size()", "1"),
    ("$s.compareTo('A') $s.compareTo($s)", "1 0"),
    ("$s.toString()", "Hello, World"),
    ("$h.hashCode()", "99162322"),
]

LISTS = [
    ("$l.size() $l.isEmpty()", "3 false"),
    ("$l.get(1) $l[1]", "b b"),
    ("$l.contains('b') $l.contains(4) $l.indexOf('b')", "true false 1"),
    ("$l.add(9) $l.size() $l.get(3)", "true 4 9"),
    ("$l.add(0, 'first')$l.get(0)", "first"),
    ("$l.addAll([1,2]) $l.size()", "true 5"),
    ("$l.remove(0) $l.size()", "3 2"),
    ("$l.remove('b') $l.size()", "true 2"),
    ("$l.set(0, 'x') $l.get(0)", "3 x"),
    ("$l.subList(0, 2)", "[3, b]"),
    ("$l.clear()$l.size()", "0"),
    ("$l.equals($l)", "true"),
    ("$l.toString()", '[3,"b",{"k":1}]'),
]

MAPS = [
    ("$m.size() $m.isEmpty()", "3 false"),
    ("$m.get('a') $m.a $m['a']", "1 1 1"),
    ("$m.getOrDefault('z', 'd')", "d"),
    ("$m.containsKey('b') $m.containsKey('z') $m.containsValue(1)", "true false true"),
    ("$!m.put('z', 2)$m.z $m.put('z', 3) $m.z", "2 2 3"),
    ("$m.remove('a') $m.size()", "1 2"),
    ("$m.keySet() $m.keySet().size()", "[a, b, c] 3"),
    ("$m.values().size()", "3"),
    ("$m.putAll({'x': 1, 'y': 2})$m.size()", "5"),
    ("$m.clear()$m.size()", "0"),
    ("$m.entrySet()", "[a=1, b=null, c=[1]]"),
]

NUMBERS = [
    ("$n.intValue() $f.intValue() $n.doubleValue()", "42 2 42.0"),
    ("$n.toString().length()", "2"),
    ("$n.equals(42) $n.equals(42.0) $n.compareTo(41)", "true false 1"),
    ("$n.parseInt('-17')", "-17"),
    ("$f.parseDouble('1.5')", "1.5"),
    ("$n.valueOf('7')", "7"),
    ("$t.equals(true) $t.toString()", "true true"),
]


@pytest.mark.parametrize(("template", "expected"), STRINGS + LISTS + MAPS + NUMBERS)
def test_methods(template: str, expected: str) -> None:
    assert render(template) == expected


@pytest.mark.parametrize(
    "template",
    [
        "$s.length(1)",
        "$s.size()",
        "$n.length()",
        "$s.substring('a')",
        "$l.get()",
        "$m.keySet(1)",
        "$s.indexOf(1)",
    ],
)
def test_a_call_that_java_would_not_find_is_null(template: str) -> None:
    assert render(template) == template


@pytest.mark.parametrize(
    "template",
    [
        "$s.substring(99)",
        "$s.substring(5, 2)",
        "$s.charAt(-1)",
        "$l.get(3)",
        "$l.get('a')",
        "$l.set(9, 1)",
        "$l.add(9, 1)",
        "$l.subList(2, 1)",
        "#set($l[7] = 1)",
        "$s.replaceAll('(', '')",
        "$s.replaceAll('l', '$9')",
        "$n.parseInt('x')",
        "$f.parseDouble('x')",
    ],
)
def test_what_java_would_throw_fails_the_rendering(template: str) -> None:
    with pytest.raises(TemplateFailure):
        render(template)
