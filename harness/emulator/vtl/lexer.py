"""The tokens of VTL's expressions, and where directives and references begin in its text.

docs: Apache Velocity 1.7, VTL Reference and User Guide (read 2026-11). API Gateway's documentation names
Velocity without a version; the rules here are those of 1.7, which was current when API Gateway came out.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from harness.emulator.vtl.errors import TemplateError

NAME = re.compile(r"[A-Za-z_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?")
"""A reference's or a property's name. Hyphens belong to names in Velocity 1.7, so `$a-1` is one name."""

SPECIAL = re.compile(r"[$#]")
REFERENCE_START = re.compile(r"\$(?P<quiet>!?)(?P<formal>\{?)(?=[A-Za-z_])")
DIRECTIVE = re.compile(
    r"#(?:\{(?P<braced>[A-Za-z_@][A-Za-z0-9_]*)\}|(?P<plain>[A-Za-z_@][A-Za-z0-9_]*))",
)
REST_OF_LINE = re.compile(r"[ \t]*(?:\r\n|\n|\r)")
LINE_COMMENT = re.compile(r"##[^\r\n]*(?:\r\n|\n|\r)?")
SPACE = re.compile(r"\s*")

_TOKEN = re.compile(
    r"""
      (?P<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)
    | (?P<string>"(?:[^"]|"")*"|'(?:[^']|'')*')
    | (?P<word>[A-Za-z_][A-Za-z0-9_]*)
    | (?P<mark>\.\.|\|\||&&|==|!=|<=|>=|[-+*/%<>=!()\[\]{},:$])
    """,
    re.VERBOSE,
)

_WORD_OPERATORS = {
    "and": "&&", "or": "||", "not": "!",
    "eq": "==", "ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">=",
}  # fmt: skip


class Token(NamedTuple):
    """`kind` is number, string, word, mark or end; an operator in words is the mark it stands for."""

    kind: str
    text: str
    start: int
    end: int


def line_and_column(source: str, at: int) -> tuple[int, int]:
    """Where offset `at` is, for a person; both count from 1."""
    before = source[:at]
    return before.count("\n") + 1, at - (before.rfind("\n") + 1) + 1


def error_at(source: str, at: int, message: str) -> TemplateError:
    """The error that says what is wrong at offset `at`."""
    return TemplateError(message, *line_and_column(source, at))


def next_token(source: str, at: int) -> Token:
    """The token at or after `at`, past white space. Raises TemplateError where no token begins."""
    space = SPACE.match(source, at)
    start = space.end() if space else at
    if start >= len(source):
        return Token("end", "", start, start)
    found = _TOKEN.match(source, start)
    if found is None:
        if source[start] in "\"'":
            raise error_at(source, start, "A string is not closed")
        raise error_at(source, start, f"Unexpected {source[start]!r}")
    kind, text = str(found.lastgroup), found.group()
    if kind == "word" and text in _WORD_OPERATORS:
        kind, text = "mark", _WORD_OPERATORS[text]
    return Token(kind, text, start, found.end())
