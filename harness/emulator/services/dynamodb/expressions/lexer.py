"""Expression text to tokens."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from harness.emulator.services.dynamodb.errors import invalid

MAX_EXPRESSION_BYTES = 4096

TokenKind = Literal["word", "name", "value", "index", "symbol", "end"]

_TOKEN = re.compile(
    r"""\s*(?:
      (?P<word>[A-Za-z_][A-Za-z0-9_]*)
    | (?P<name>\#[A-Za-z0-9_]+)
    | (?P<value>:[A-Za-z0-9_]+)
    | (?P<index>[0-9]+)
    | (?P<symbol><>|<=|>=|[=<>+\-()\[\],.])
    )""",
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Token:
    """A token and where it stands: `start` and `end` in the text."""

    kind: TokenKind
    text: str
    start: int
    end: int


def tokens_of(text: str, kind: str) -> list[Token]:
    """The tokens of an expression, closed by one of kind `end`. `kind` is the parameter's name, for messages.

    Raises AwsError ValidationException for an empty or too long text, or a character that means nothing."""
    if not text.strip():
        raise invalid(f"Invalid {kind}: The expression can not be empty;")
    size = len(text.encode())
    if size > MAX_EXPRESSION_BYTES:
        raise invalid(
            f"Invalid {kind}: Expression size has exceeded the maximum allowed size; expression size: {size}"
        )
    tokens: list[Token] = []
    at = 0
    while match := _TOKEN.match(text, at):
        at = match.end()
        found: TokenKind = match.lastgroup  # type: ignore[assignment]  # the groups are named as the kinds are
        tokens.append(Token(found, match[found], match.start(found), at))
    tokens.append(Token("end", "<EOF>", at, at))
    rest = text[at:].lstrip()
    if rest:
        at = len(text) - len(rest)
        raise syntax_error(text, kind, Token("symbol", rest[0], at, at + 1), tokens)
    return tokens


def syntax_error(text: str, kind: str, token: Token, tokens: list[Token]) -> Exception:
    """What AWS says of a token that cannot stand where it does: the token with its neighbours."""
    before = [t for t in tokens if t.end <= token.start and t.kind != "end"]
    after = [t for t in tokens if t.start >= token.end and t.kind != "end"]
    start = before[-1].start if before else token.start
    end = after[0].end if after else token.end
    return invalid(f'Invalid {kind}: Syntax error; token: "{token.text}", near: "{text[start:end]}"')
