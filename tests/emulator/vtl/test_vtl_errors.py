"""Templates that cannot be compiled say where and why."""

from __future__ import annotations

import pytest

from harness.emulator.vtl import TemplateError, compile_template

ERRORS = [
    ("#if($x)", 1, 1, "#if is not closed by #end"),
    ("a\n  #foreach($x in $y)\n", 2, 3, "#foreach is not closed by #end"),
    ("#macro(f $a) $a", 1, 1, "#macro is not closed by #end"),
    ("x #end", 1, 7, "#end has no #if, #foreach or #macro before it"),
    ("#else", 1, 6, "#else has no #if, #foreach or #macro before it"),
    ("#if($x)a#{else}b#{else}c#end", 1, 1, "#if is not closed by #end"),
    ("#if $x", 1, 5, "Expected '(' and found '$'"),
    ("#if()a#end", 1, 5, "Expected a value and found ')'"),
    ("#set($x = )", 1, 11, "Expected a value and found ')'"),
    ("#set($x 1)", 1, 9, "Expected '=' and found '1'"),
    ("#set(x = 1)", 1, 6, "#set needs a reference to assign to"),
    ("#set($x = 'a)", 1, 11, "A string is not closed"),
    ("#set($x = [1, 2)", 1, 16, "Expected ']' and found ')'"),
    ("#set($x = {'a' 1})", 1, 16, "Expected ':' and found '1'"),
    ("#set($x = 1 +)", 1, 14, "Expected a value and found ')'"),
    ("#set($x = nothing)", 1, 11, "Expected a value and found 'nothing'"),
    ("#set($x = ${y)", 1, 11, "A ${ reference is not closed by }"),
    ("#set($x = @)", 1, 11, "Unexpected '@'"),
    ("#set($x.size() = 1)", 1, 6, "#set cannot assign to a method call"),
    ("#foreach($x of $y)#end", 1, 13, "#foreach needs 'in' after its variable"),
    ("#foreach(x in $y)#end", 1, 10, "#foreach needs a variable: #foreach($item in $items)"),
    ("#foreach($x.y in $z)#end", 1, 10, "#foreach's variable cannot be a property or method"),
    ("#macro(if)#end", 1, 8, "#macro needs a name of its own"),
    ("line\n$x.size(", 2, 9, "Expected a value and found the end of the template"),
    ("#* open", 1, 1, "A #* comment is not closed"),
    ("#[[ open", 1, 1, "A #[[ block is not closed"),
    ("#include('x')", 1, 1, "#include is not available in mapping templates"),
    ("a #evaluate($x)", 1, 3, "#evaluate is not available in mapping templates"),
    ("\n\n  $x.explode()", 3, 6, "The method explode() is not supported"),
    ('#set($x = "a #if($y)")', 1, 11, "In the string that begins here: #if is not closed by #end"),
    ("#set($x = " + "9" * 41 + ")", 1, 11, "A number is longer than 40 digits"),
]


@pytest.mark.parametrize(("source", "line", "column", "message"), ERRORS)
def test_errors(source: str, line: int, column: int, message: str) -> None:
    with pytest.raises(TemplateError) as caught:
        compile_template(source)
    error = caught.value
    assert (error.message, error.line, error.column) == (message, line, column)
    assert str(error) == f"{message} (line {line}, column {column})"


@pytest.mark.parametrize(
    "source",
    [
        "#if(true)" * 500,
        "#foreach($x in $y)" * 30 + "#end" * 30,
        "#set($x = " + "(" * 500 + "1" + ")" * 500 + ")",
        "#set($x = " + "!" * 500 + "true)",
        "#set($x = " + "[" * 200 + "]" * 200 + ")",
        "$a" + ".b" * 5000,
        "#set($x = 1" + " + 1" * 5000 + ")",
        "x" * 300_000 + "x" * 8_000,
    ],
)
def test_templates_beyond_the_bounds_are_refused_and_do_no_harm(source: str) -> None:
    with pytest.raises(TemplateError):
        compile_template(source)
