"""A template, compiled once and rendered many times."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from harness.emulator.vtl import nodes
from harness.emulator.vtl.errors import TemplateError
from harness.emulator.vtl.exposure import is_known_method
from harness.emulator.vtl.generate import Unresolved, generate
from harness.emulator.vtl.lexer import error_at, line_and_column
from harness.emulator.vtl.parser import parse
from harness.emulator.vtl.runtime import Budget
from harness.emulator.vtl.values import Value

MAX_SOURCE = 300 * 1024
"""docs: API Gateway quotas, mapping template size 300 KB (read 2026-04)"""


class LiteralCall(NamedTuple):
    """A method called on a variable with strings that stand in the template: `$input.path('$.a')`."""

    variable: str
    method: str
    arguments: tuple[str, ...]
    line: int
    column: int


class MethodCall(NamedTuple):
    """A method called on a variable, by way of properties: `$util.time.nowISO8601()` has the path `("time",)`
    and no arguments."""

    variable: str
    path: tuple[str, ...]
    method: str
    arguments: int
    line: int
    column: int


class Template:
    """Renders with `render(variables)`. `calls` are its literal calls and `methods` all calls that begin at a
    variable, for hosts that check them early."""

    __slots__ = ("_render", "calls", "methods")

    def __init__(self, source: str, unresolved: Unresolved, *, returns: bool = False) -> None:
        if len(source) > MAX_SOURCE:
            raise TemplateError(f"The template is longer than {MAX_SOURCE} characters", 1, 1)
        tree = parse(source, returns=returns)
        for call in _calls(tree):
            if not is_known_method(call.name):
                raise error_at(source, call.at, f"The method {call.name}() is not supported")
        self.calls = tuple(_literal_calls(source, tree))
        self.methods = tuple(_method_calls(source, tree))
        self._render = generate(tree, unresolved)

    def render(self, variables: Mapping[str, Value]) -> str:
        """The output for these variables, which are left as they are (what they hold may be changed).

        Raises TemplateFailure, and Returned when the template comes to a #return."""
        return self._render(dict(variables), Budget())


def compile_template(source: str, *, unresolved: Unresolved = "source", returns: bool = False) -> Template:
    """Compile `source`. An unresolved reference prints as its source, or, as in API Gateway, as nothing. With
    `returns` the template may have #return, as in AppSync.

    Raises TemplateError with the line and column of what is wrong."""
    try:
        return Template(source, unresolved, returns=returns)
    except (RecursionError, SyntaxError, MemoryError):  # bounds of Python's own compiler
        raise TemplateError("The template is nested too deeply", 1, 1) from None


def _calls(tree: Sequence[nodes.Node]) -> Iterator[nodes.Call]:
    for reference in _references(tree):
        yield from (link for link in reference.links if isinstance(link, nodes.Call))


def _literal_calls(source: str, tree: Sequence[nodes.Node]) -> Iterator[LiteralCall]:
    for reference in _references(tree):
        first = reference.links[0] if reference.links else None
        if not isinstance(first, nodes.Call):
            continue
        texts = [
            a.value for a in first.arguments if isinstance(a, nodes.Literal) and isinstance(a.value, str)
        ]
        if len(texts) == len(first.arguments):
            where = line_and_column(source, first.at)
            yield LiteralCall(reference.root, first.name, tuple(texts), *where)


def _method_calls(source: str, tree: Sequence[nodes.Node]) -> Iterator[MethodCall]:
    for reference in _references(tree):
        path: list[str] = []
        for link in reference.links:
            if isinstance(link, nodes.Call):
                where = line_and_column(source, link.at)
                yield MethodCall(reference.root, tuple(path), link.name, len(link.arguments), *where)
            if not isinstance(link, nodes.Property):
                break
            path.append(link.name)


def _references(part: object) -> Iterator[nodes.Reference]:
    """Every reference in a part of the tree, however deep."""
    if isinstance(part, nodes.Reference):
        yield part
    if isinstance(part, tuple | list):
        for item in part:
            yield from _references(item)
    elif type(part).__module__ == nodes.__name__:
        for name in type(part).__slots__:  # type: ignore[attr-defined]
            yield from _references(getattr(part, name))
