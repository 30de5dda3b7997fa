"""A resolver's module: what of JavaScript it may use, and its imports and exports made plain code.

AppSync runs a part of ECMAScript: no asynchronous code, no exceptions, no loops but `for-in` and `for-of`, no
classes, no regular expressions, no `++`, `--` and `~`, and imports of AppSync's two modules only.
docs: AppSync Developer Guide, JavaScript runtime features for resolvers and functions; the rules of
@aws-appsync/eslint-plugin (read 2026-11)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from harness.emulator.services.appsync.javascript.tokens import NoToken, Token, tokens

UTILS = "@aws-appsync/utils"
DYNAMODB = "@aws-appsync/utils/dynamodb"
EXPORTS: Mapping[str, frozenset[str]] = {
    UTILS: frozenset(("util", "runtime", "extensions")),
    DYNAMODB: frozenset(
        (
            *("get", "put", "remove", "update", "query", "scan", "operations"),
            *("batchGet", "batchPut", "batchDelete", "transactGet", "transactWrite"),
        )
    ),
}
"""What the modules export here."""
_REFUSED_WORDS: Mapping[str, str] = {
    **dict.fromkeys(("async", "await", "Promise", "yield"), "asynchronous code and generators"),
    **dict.fromkeys(("try", "catch", "finally", "throw"), "exceptions"),
    **dict.fromkeys(("while", "do"), "while loops"),
    **dict.fromkeys(("class", "this", "super"), "classes"),
    **dict.fromkeys(("eval", "Function", "with", "debugger"), "code made at run time"),
    "continue": "continue",
}
_REFUSED_MARKS = {"++": "the ++ operator", "--": "the -- operator", "~": "the ~ operator", "@": "decorators"}


class CodeError(Exception):
    """The code cannot be a resolver's. `at` is where, an offset."""

    def __init__(self, message: str, at: int) -> None:
        super().__init__(message)
        self.at = at


class Module(NamedTuple):
    """Plain code, and the functions that it exported."""

    code: str
    exports: tuple[str, ...]


def read_module(code: str) -> Module:
    """The module that `code` is. Raises CodeError."""
    try:
        found = tokens(code)
    except NoToken as error:
        raise CodeError(str(error), error.at) from None
    _check(found)
    return _plain(code, found)


def _check(found: list[Token]) -> None:
    for at, token in enumerate(found):
        before = found[at - 1].text if at else ""
        after = found[at + 1].text if at + 1 < len(found) else ""
        if token.kind == "regex":
            raise CodeError("Regular expressions are not supported: use util.matches.", token.start)
        if token.kind == "mark" and token.text in _REFUSED_MARKS:
            raise CodeError(f"{_REFUSED_MARKS[token.text]} is not supported.".capitalize(), token.start)
        if token.kind != "name" or before in (".", "?.") or (after == ":" and before in ("{", ",")):
            continue  # a property's name may be any word
        what = _REFUSED_WORDS.get(token.text)
        if what is not None:
            raise CodeError(f"'{token.text}' is not supported: APPSYNC_JS has no {what}.", token.start)
        if token.text == "function" and after == "*":
            raise CodeError("Generators are not supported.", token.start)
        if token.text == "for":
            _check_for(found, at)


def _check_for(found: list[Token], at: int) -> None:
    depth = 0
    for token in found[at + 1 :]:
        if token.text in ("(", "[", "{") and token.kind == "mark":
            depth += 1
        elif token.text in (")", "]", "}") and token.kind == "mark":
            depth -= 1
            if not depth:
                return
        elif token.text == ";" and depth == 1:
            raise CodeError("Only for-in and for-of loops are supported.", found[at].start)


class _Edits:
    """Replacements of stretches of the code, which keep its lines where they are."""

    def __init__(self, code: str) -> None:
        self._code = code
        self._edits: list[tuple[int, int, str]] = []

    def replace(self, start: int, end: int, text: str) -> None:
        lines = self._code.count("\n", start, end)
        self._edits.append((start, end, text + "\n" * lines))

    def done(self) -> str:
        out: list[str] = []
        at = 0
        for start, end, text in sorted(self._edits):
            out += (self._code[at:start], text)
            at = end
        return "".join(out) + self._code[at:]


def _plain(code: str, found: list[Token]) -> Module:
    edits = _Edits(code)
    exports: list[str] = []
    depth = 0
    at = 0
    while at < len(found):
        token = found[at]
        if token.kind == "mark" and token.text in ("{", "(", "["):
            depth += 1
        elif token.kind == "mark" and token.text in ("}", ")", "]"):
            depth -= 1
        elif token.kind == "name" and token.text == "import":
            if depth or (at + 1 < len(found) and found[at + 1].text in ("(", ".")):
                raise CodeError("Dynamic imports are not supported.", token.start)
            at = _import(found, at, edits)
            continue
        elif token.kind == "name" and token.text == "export" and not depth:
            at = _export(found, at, edits, exports)
            continue
        at += 1
    return Module(edits.done(), tuple(exports))


def _import(found: list[Token], at: int, edits: _Edits) -> int:
    """`import { a as b } from 'm'`, `import * as m from 'm'`; the answer is where the code goes on."""
    start = found[at].start
    end = at + 1
    while end < len(found) and found[end].kind != "string":
        end += 1
    if end == len(found):
        raise CodeError("An import names no module.", start)
    name = found[end].text[1:-1]
    exported = EXPORTS.get(name)
    if exported is None:
        raise CodeError(
            f"The module '{name[:60]}' cannot be imported: there are {', '.join(EXPORTS)}.", start
        )
    words = [token.text for token in found[at + 1 : end]]
    value = f"globalThis.__modules['{name}']"
    if words[:2] == ["*", "as"] and len(words) == 4:
        text = f"const {words[2]} = {value};"
    elif words[:1] == ["{"] and words[-2:] == ["}", "from"]:
        parts: list[str] = []
        for part in " ".join(words[1:-2]).split(","):
            names = part.split()
            if not names:
                continue
            if names[0] not in exported:
                raise CodeError(f"The embedded AppSync does not offer '{names[0]}' of {name}.", start)
            parts.append(names[0] if len(names) == 1 else f"{names[0]}: {names[-1]}")
        text = f"const {{ {', '.join(parts)} }} = {value};"
    else:
        raise CodeError("An import must name what it imports.", start)
    semicolon = end + 1 < len(found) and found[end + 1].text == ";"
    edits.replace(start, found[end + 1 if semicolon else end].end, text)
    return end + (2 if semicolon else 1)


def _export(found: list[Token], at: int, edits: _Edits, exports: list[str]) -> int:
    """`export function f`, `export const f = ...`, `export { f, g as h }`."""
    start = found[at].start
    words = [token.text for token in found[at + 1 : at + 3]]
    if words and words[0] in ("function", "const", "let", "var") and len(words) == 2:
        exports.append(words[1])
        edits.replace(start, found[at].end, "")
        return at + 1
    if words and words[0] == "{":
        end = at + 2
        while end < len(found) and found[end].text != "}":
            end += 1
        text = ""
        for part in " ".join(token.text for token in found[at + 2 : end]).split(","):
            names = part.split()
            if names:
                exports.append(names[-1])
                text += f"const {names[-1]} = {names[0]};" if names[0] != names[-1] else ""
        stop = found[min(end, len(found) - 1)].end
        edits.replace(start, stop, text)
        return end + 1
    raise CodeError("Only functions and variables can be exported, by name.", start)
