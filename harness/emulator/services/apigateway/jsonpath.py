"""JSONPath, compiled once to a chain of steps.

Offered: `$`, `.name`, `['name']`, `[0]`, `[-1]`, `[a,b]`, `[1:3]`, `.*`, `[*]`, `..name`. A path of names and
indexes only is definite and gives one value; any other gives the list of its matches. Filters (`[?(...)]`)
and functions are refused when the path is compiled.
docs: Jayway JsonPath for Java, README (read 2026-11), which API Gateway's documentation refers to.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

MISSING: Any = object()
"""What a definite path gives when the document has no such place."""

Path = Callable[[Any], Any]
_Step = Callable[[Any], Iterator[Any]]
_MAX_LENGTH = 1_000
_MAX_VISITED = 100_000

_DOT_NAME = re.compile(r"\.([^.\[\]()'\"?*@\s]+)")
_QUOTED = re.compile(r"\s*(?:'((?:[^'\\]|\\.)*)'|\"((?:[^\"\\]|\\.)*)\")\s*")
_INDEX = re.compile(r"\s*(-?\d{1,9})\s*")
_SLICE = re.compile(r"\s*(-?\d{1,9})?\s*:\s*(-?\d{1,9})?\s*(?::\s*(-?\d{1,9})?\s*)?\]")


class JsonPathError(ValueError):
    """A path that cannot be compiled."""


@lru_cache(maxsize=2048)
def compile_path(path: str) -> Path:
    """The function that takes a document to what `path` points at. Raises JsonPathError."""
    if len(path) > _MAX_LENGTH:
        raise JsonPathError(f"The JSONPath is longer than {_MAX_LENGTH} characters")
    keys, at = _definite_keys(path)
    if at == len(path):
        return _definite(keys)
    steps: list[_Step] = [_child(key) for key in keys]
    while at < len(path):
        step, at = _step(path, at)
        steps.append(step)
    return _indefinite(tuple(steps))


def _definite_keys(path: str) -> tuple[list[str | int], int]:
    """The names and indexes at the beginning of `path`, and where they end."""
    if not path.startswith("$"):
        raise JsonPathError(f"The JSONPath {path!r} must begin with '$'")
    keys: list[str | int] = []
    at = 1
    while at < len(path):
        found = _DOT_NAME.match(path, at)
        if found and not path.startswith("(", found.end()):
            keys.append(found[1])
            at = found.end()
            continue
        if not path.startswith("[", at):
            break
        key, end = _key(path, at + 1)
        if key is None or not path.startswith("]", end):
            break
        keys.append(key)
        at = end + 1
    return keys, at


def _key(path: str, at: int) -> tuple[str | int | None, int]:
    quoted = _QUOTED.match(path, at)
    if quoted:
        text = quoted[1] if quoted[1] is not None else quoted[2]
        return re.sub(r"\\(.)", r"\1", text), quoted.end()
    index = _INDEX.match(path, at)
    return (int(index[1]), index.end()) if index else (None, at)


def _definite(keys: list[str | int]) -> Path:
    if not keys:
        return lambda document: document
    if len(keys) == 1 and isinstance(keys[0], str):
        (name,) = keys
        return lambda document: document.get(name, MISSING) if type(document) is dict else MISSING

    def follow(document: Any) -> Any:
        for key in keys:
            document = _get(document, key)
            if document is MISSING:
                break
        return document

    return follow


def _get(value: Any, key: str | int) -> Any:
    if type(key) is str:
        return value.get(key, MISSING) if isinstance(value, dict) else MISSING
    if isinstance(value, list) and isinstance(key, int) and -len(value) <= key < len(value):
        return value[key]
    return MISSING


def _step(path: str, at: int) -> tuple[_Step, int]:
    if path.startswith("..", at):
        return _deep(path, at)
    if path.startswith((".*", "[*]"), at):
        return _children, at + (2 if path[at] == "." else 3)
    found = _DOT_NAME.match(path, at)
    if found and not path.startswith("(", found.end()):
        return _child(found[1]), found.end()
    if path.startswith("[", at):
        sliced = _SLICE.match(path, at + 1)
        if sliced:
            return _slice(*(int(part) if part else None for part in sliced.groups())), sliced.end()
        return _union(path, at)
    raise JsonPathError(f"The JSONPath {path!r} is not supported from {path[at:]!r} on")


def _union(path: str, at: int) -> tuple[_Step, int]:
    keys: list[str | int] = []
    end = at + 1
    while True:
        key, end = _key(path, end)
        if key is None:
            raise JsonPathError(f"The JSONPath {path!r} is not supported from {path[at:]!r} on")
        keys.append(key)
        if path.startswith("]", end):
            break
        if not path.startswith(",", end):
            raise JsonPathError(f"The JSONPath {path!r} is not supported from {path[at:]!r} on")
        end += 1

    def step(value: Any) -> Iterator[Any]:
        for key in keys:
            found = _get(value, key)
            if found is not MISSING:
                yield found

    return step, end + 1


def _deep(path: str, at: int) -> tuple[_Step, int]:
    found = _DOT_NAME.match(path, at + 1)
    if path.startswith("..*", at):
        return _descendants, at + 3
    if not found or path.startswith("(", found.end()):
        raise JsonPathError(f"The JSONPath {path!r} is not supported from {path[at:]!r} on")
    name = found[1]

    def step(value: Any) -> Iterator[Any]:
        for part in (value, *_descendants(value)):
            if isinstance(part, dict) and name in part:
                yield part[name]

    return step, found.end()


def _child(key: str | int) -> _Step:
    def step(value: Any) -> Iterator[Any]:
        found = _get(value, key)
        if found is not MISSING:
            yield found

    return step


def _children(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        yield from value.values()
    elif isinstance(value, list):
        yield from value


def _slice(start: int | None, stop: int | None, stride: int | None) -> _Step:
    if stride is not None and stride <= 0:
        raise JsonPathError("A JSONPath slice needs a step of 1 or more")

    def step(value: Any) -> Iterator[Any]:
        if isinstance(value, list):
            yield from value[start:stop:stride]

    return step


def _descendants(value: Any) -> Iterator[Any]:
    """Everything inside `value`, parents before their children; bounded."""
    waiting = [_children(value)]
    visited = 0
    while waiting and visited < _MAX_VISITED:
        item = next(waiting[-1], MISSING)
        if item is MISSING:
            waiting.pop()
            continue
        visited += 1
        yield item
        waiting.append(_children(item))


def _indefinite(steps: tuple[_Step, ...]) -> Path:
    def follow(document: Any) -> list[Any]:
        found = [document]
        for step in steps:
            found = [match for value in found for match in step(value)][:_MAX_VISITED]
        return found

    return follow
