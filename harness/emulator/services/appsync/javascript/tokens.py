"""JavaScript's tokens, as far as checks and module syntax need them.

docs: ECMAScript 2023, Lexical Grammar. Whether a slash begins a regular expression or divides is told from
the token before it, which is right for all code that has no statement beginning with one.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_TOKEN = re.compile(
    r"""
      (?P<space>[\s\ufeff]+|//[^\n\r]*|/\*(?s:.*?)\*/)
    | (?P<number>(?:0[xX][0-9a-fA-F_]+|0[bB][01_]+|0[oO][0-7_]+
        |(?:\d[\d_]*)?\.?\d[\d_]*\.?(?:[eE][+-]?\d+)?)n?)
    | (?P<name>[A-Za-z_$#][\w$]*)
    | (?P<string>"(?:[^"\\\n]|\\(?s:.))*"|'(?:[^'\\\n]|\\(?s:.))*')
    | (?P<mark>\.\.\.|=>|===|!==|\*\*=|<<=|>>>=|>>=|>>>|&&=|\|\|=|\?\?=|\?\.(?!\d)|\?\?
        |\+\+|--|\*\*|==|!=|<=|>=|&&|\|\||<<|>>|\+=|-=|\*=|/=|%=|&=|\|=|\^=|[{}()\[\];,<>+\-*/%&|^!~?:=.@])
    """,
    re.VERBOSE,
)
_REGEX = re.compile(r"/(?:[^/\\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+/[a-z]*")
_VALUE_KEYWORDS = frozenset(
    ("return", "typeof", "case", "in", "of", "delete", "void", "instanceof", "do", "else")
)


class Token(NamedTuple):
    """`kind` is name, number, string, template, regex or mark; `start` and `end` are offsets."""

    kind: str
    text: str
    start: int
    end: int


class NoToken(Exception):
    """The code cannot be read at `at`."""

    def __init__(self, message: str, at: int) -> None:
        super().__init__(message)
        self.at = at


def tokens(code: str) -> list[Token]:
    """All tokens but white space and comments; those within the `${}` of a template are there, its text is
    not. Raises NoToken."""
    found: list[Token] = []
    _scan(code, 0, found, 0)
    return found


def _scan(code: str, at: int, found: list[Token], depth: int) -> int:
    """Tokens from `at`: to the end, or within a template to the brace that closes its `${`."""
    if depth > 50:
        raise NoToken("Templates are nested too deeply", at)
    braces = 0
    while at < len(code):
        if code[at] == "`":
            at = _template(code, at, found, depth)
            continue
        if code[at] == "/" and _regex_may_begin(found) and code[at + 1 : at + 2] not in ("/", "*"):
            regex = _REGEX.match(code, at)
            if regex:
                found.append(Token("regex", regex.group(), at, regex.end()))
                at = regex.end()
                continue
        token = _TOKEN.match(code, at)
        if token is None:
            raise NoToken(f"Unexpected token {code[at]!r}", at)
        kind = str(token.lastgroup)
        if kind != "space":
            text = token.group()
            if text == "{":
                braces += 1
            elif text == "}":
                if depth and not braces:
                    return at
                braces -= 1
            found.append(Token(kind, text, at, token.end()))
        at = token.end()
    if depth:
        raise NoToken("A template is not closed", at)
    return at


def _template(code: str, start: int, found: list[Token], depth: int) -> int:
    at = start + 1
    found.append(Token("template", "`", start, at))
    while at < len(code):
        character = code[at]
        if character == "\\":
            at += 2
        elif character == "`":
            return at + 1
        elif code.startswith("${", at):
            at = _scan(code, at + 2, found, depth + 1) + 1
        else:
            at += 1
    raise NoToken("A template is not closed", start)


def _regex_may_begin(found: list[Token]) -> bool:
    if not found:
        return True
    last = found[-1]
    if last.kind == "name":
        return last.text in _VALUE_KEYWORDS
    return last.kind == "mark" and last.text not in (")", "]", "}")
