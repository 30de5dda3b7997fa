"""The methods of Java's strings, lists, maps and numbers that templates use.

docs: Java SE 8 API, String, List, Map, Map.Entry, Integer (read 2026-11). A call that Java would not find,
for the number or type of its arguments, gives null; one that Java would throw from raises TemplateFailure.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache

from harness.emulator.vtl.errors import TemplateFailure
from harness.emulator.vtl.values import (
    MAX_ITEMS,
    MAX_TEXT,
    Entry,
    JavaList,
    Loop,
    ReadOnlyMap,
    Signature,
    Value,
    equal,
    joined,
    to_text,
    too_large,
)

_MAX_PATTERN = 500
_MAX_SEARCHED = 256 * 1024
_NESTED_REPETITION = re.compile(r"\([^()]*[+*}][^()]*\)[+*{]")
_PLAIN = re.compile(r"[A-Za-z0-9_ ,;:/&=%@!#~<>'\"-]*")


def _index_out_of_range(text: str, at: int) -> TemplateFailure:
    return TemplateFailure(f"Index {at} is out of range for a length of {len(text)}")


# -- strings


def _substring(text: str, start: Value, end: Value = None) -> Value:
    if type(start) is not int or (end is not None and type(end) is not int):
        return None
    stop = len(text) if end is None else end
    if not 0 <= start <= stop <= len(text):
        raise _index_out_of_range(text, start if not 0 <= start <= len(text) else stop)
    return text[start:stop]


def _char_at(text: str, at: Value) -> Value:
    if type(at) is not int:
        return None
    if not 0 <= at < len(text):
        raise _index_out_of_range(text, at)
    return text[at]


def _on_text(operation: Callable[[str, str], Value]) -> Callable[[str, Value], Value]:
    """A method that takes one string; null for anything else."""

    def method(text: str, other: Value) -> Value:
        return operation(text, other) if type(other) is str else None

    return method


def _replace(text: str, old: Value, new: Value) -> Value:
    if type(old) is not str or type(new) is not str:
        return None
    if len(text) + text.count(old) * max(0, len(new) - len(old)) > MAX_TEXT:
        too_large("text")
    return text.replace(old, new)


@lru_cache(maxsize=512)
def _pattern(pattern: str) -> re.Pattern[str]:
    """A Java regular expression; its everyday syntax is Python's too."""
    if len(pattern) > _MAX_PATTERN or _NESTED_REPETITION.search(pattern):
        raise TemplateFailure(f"The regular expression {pattern!r} is too long or repeats a repetition")
    try:
        return re.compile(pattern)
    except re.error as error:
        raise TemplateFailure(f"The regular expression {pattern!r} is not valid: {error}") from None


def _searched(text: str) -> str:
    if len(text) > _MAX_SEARCHED:
        too_large("text for a regular expression")
    return text


def _replacer(replacement: str) -> Callable[[re.Match[str]], str]:
    """Java's replacement strings: `$1` is a group, a backslash takes the next character as it is."""

    def expand(found: re.Match[str]) -> str:
        def one(part: re.Match[str]) -> str:
            if part[1] is not None:
                return part[1]
            try:
                return found[int(part[2])] or ""
            except IndexError:
                raise TemplateFailure(f"There is no group {part[2]} in the regular expression") from None

        return re.sub(r"\\(.)|\$(\d)", one, replacement, flags=re.DOTALL)

    return expand


def _replace_matches(text: str, pattern: Value, replacement: Value, count: int) -> Value:
    if type(pattern) is not str or type(replacement) is not str:
        return None
    found = _pattern(pattern)
    expand = (lambda _: replacement) if not set("\\$") & set(replacement) else _replacer(replacement)
    room = MAX_TEXT

    def bounded(match: re.Match[str]) -> str:
        nonlocal room
        new = expand(match)
        room -= len(new)
        if room < 0:
            too_large("text")
        return new

    return found.sub(bounded, _searched(text), count=count)


def _split(text: str, pattern: Value, limit: Value = 0) -> Value:
    """Java's String.split: without a limit, empty strings at the end are dropped."""
    if type(pattern) is not str or type(limit) is not int:
        return None
    if text == "":
        return JavaList([""])
    if _PLAIN.fullmatch(pattern) and pattern:
        parts = text.split(pattern, limit - 1 if limit > 0 else -1)
    else:
        parts = _pattern(pattern).split(_searched(text), max(0, limit - 1))
        if parts and parts[0] == "" and len(parts) > 1 and _pattern(pattern).match("") is not None:
            parts = parts[1:]  # Java 8: a match of nothing at the beginning makes no empty string
    if limit == 0:
        while len(parts) > 1 and parts[-1] == "":
            parts.pop()
        if parts == [""]:
            parts = []
    if len(parts) > MAX_ITEMS:
        too_large("list")
    return JavaList(part or "" for part in parts)


def _hash_code(text: str) -> int:
    total = 0
    for character in text:
        total = (31 * total + ord(character)) & 0xFFFFFFFF
    return total - (1 << 32) if total >= 1 << 31 else total


_STRING: dict[Signature, Callable[..., Value]] = {
    ("length", 0): len,
    ("isEmpty", 0): lambda text: not text,
    ("isBlank", 0): lambda text: not text.strip(),
    ("substring", 1): _substring,
    ("substring", 2): _substring,
    ("charAt", 1): _char_at,
    ("indexOf", 1): _on_text(str.find),
    ("indexOf", 2): lambda text, other, start: (
        text.find(to_text(other), max(0, start)) if type(start) is int else None
    ),
    ("lastIndexOf", 1): _on_text(str.rfind),
    ("contains", 1): _on_text(lambda text, other: other in text),
    ("startsWith", 1): _on_text(str.startswith),
    ("endsWith", 1): _on_text(str.endswith),
    ("equals", 1): lambda text, other: type(other) is str and text == other,
    ("equalsIgnoreCase", 1): lambda text, other: type(other) is str and text.lower() == other.lower(),
    ("compareTo", 1): _on_text(lambda text, other: (text > other) - (text < other)),
    ("concat", 1): _on_text(lambda text, other: joined((text, other))),
    ("toLowerCase", 0): str.lower,
    ("toUpperCase", 0): str.upper,
    ("trim", 0): lambda text: text.strip(" \t\r\n\f\v\0"),
    ("replace", 2): _replace,
    ("replaceAll", 2): lambda text, pattern, new: _replace_matches(text, pattern, new, 0),
    ("replaceFirst", 2): lambda text, pattern, new: _replace_matches(text, pattern, new, 1),
    ("matches", 1): _on_text(lambda text, pattern: _pattern(pattern).fullmatch(_searched(text)) is not None),
    ("split", 1): _split,
    ("split", 2): _split,
    ("hashCode", 0): _hash_code,
    ("toString", 0): lambda text: text,
}

# -- lists


def _at(items: list[Value], at: Value) -> int:
    if type(at) is not int or not 0 <= at < len(items):
        raise TemplateFailure(f"Index {to_text(at)} is out of range for a list of {len(items)}")
    return at


def _list_add(items: list[Value], item: Value) -> Value:
    if len(items) >= MAX_ITEMS:
        too_large("list")
    items.append(item)
    return True


def _list_insert(items: list[Value], at: Value, item: Value) -> Value:
    if type(at) is not int or not 0 <= at <= len(items):
        raise TemplateFailure(f"Index {to_text(at)} is out of range for a list of {len(items)}")
    if len(items) >= MAX_ITEMS:
        too_large("list")
    items.insert(at, item)
    return ""


def _list_add_all(items: list[Value], others: Value) -> Value:
    if not isinstance(others, list):
        return None
    if len(items) + len(others) > MAX_ITEMS:
        too_large("list")
    items.extend(others)
    return bool(others)


def _list_remove(items: list[Value], item: Value) -> Value:
    """By index when the argument is a whole number, as Java does for an int; else by value."""
    if type(item) is int:
        return items.pop(_at(items, item))
    at = _index_of(items, item)
    if at >= 0:
        del items[at]
    return at >= 0


def _list_set(items: list[Value], at: Value, item: Value) -> Value:
    index = _at(items, at)
    before, items[index] = items[index], item
    return before


def _index_of(items: list[Value], item: Value) -> int:
    return next((at for at, other in enumerate(items) if equal(other, item)), -1)


def _sub_list(items: list[Value], start: Value, end: Value) -> Value:
    if type(start) is not int or type(end) is not int or not 0 <= start <= end <= len(items):
        raise TemplateFailure(f"A range is out of range for a list of {len(items)}")
    return JavaList(items[start:end])


def _clear(value: Value) -> Value:
    value.clear()
    return ""


_LIST: dict[Signature, Callable[..., Value]] = {
    ("size", 0): len,
    ("count", 0): len,
    ("length", 0): len,
    ("isEmpty", 0): lambda items: not items,
    ("get", 1): lambda items, at: items[_at(items, at)],
    ("set", 2): _list_set,
    ("add", 1): _list_add,
    ("add", 2): _list_insert,
    ("addAll", 1): _list_add_all,
    ("remove", 1): _list_remove,
    ("contains", 1): lambda items, item: _index_of(items, item) >= 0,
    ("indexOf", 1): _index_of,
    ("subList", 2): _sub_list,
    ("clear", 0): _clear,
    ("equals", 1): equal,
    ("toString", 0): to_text,
}

# -- maps


def _is_key(key: Value) -> bool:
    return isinstance(key, str | int | float)


def _map_get(entries: dict[Value, Value], key: Value, default: Value = None) -> Value:
    return entries.get(key, default) if _is_key(key) else default


def _map_put(entries: dict[Value, Value], key: Value, value: Value) -> Value:
    if not _is_key(key):
        return None
    if len(entries) >= MAX_ITEMS:
        too_large("map")
    before = entries.get(key)
    entries[key] = value
    return before


def _map_put_all(entries: dict[Value, Value], others: Value) -> Value:
    if not isinstance(others, dict):
        return None
    if len(entries) + len(others) > MAX_ITEMS:
        too_large("map")
    entries.update(others)
    return ""


_READ_MAP: dict[Signature, Callable[..., Value]] = {
    ("size", 0): len,
    ("count", 0): len,
    ("isEmpty", 0): lambda entries: not entries,
    ("get", 1): _map_get,
    ("getOrDefault", 2): _map_get,
    ("containsKey", 1): lambda entries, key: _is_key(key) and key in entries,
    ("containsValue", 1): lambda entries, value: any(equal(item, value) for item in entries.values()),
    ("keySet", 0): lambda entries: JavaList(entries),
    ("values", 0): lambda entries: JavaList(entries.values()),
    ("entrySet", 0): lambda entries: JavaList(Entry(key, value) for key, value in entries.items()),
    ("equals", 1): equal,
    ("toString", 0): to_text,
}
_WRITE_MAP: dict[Signature, Callable[..., Value]] = {
    ("put", 2): _map_put,
    ("putAll", 1): _map_put_all,
    ("remove", 1): lambda entries, key: entries.pop(key, None) if _is_key(key) else None,
    ("clear", 0): _clear,
}


def _refuse_write(*_: Value) -> Value:
    raise TemplateFailure("This map cannot be changed by a template")


# -- numbers


def _parse_int(_: Value, text: Value) -> Value:
    """`$Integer.parseInt("12")`: Java's static method, by way of any whole number."""
    if type(text) is not str:
        return None
    if not re.fullmatch(r"[+-]?[0-9]{1,18}", text):
        raise TemplateFailure(f"For input string: {text[:40]!r}")
    return int(text)


def _parse_double(_: Value, text: Value) -> Value:
    try:
        return float(text) if type(text) is str and len(text) < 400 else None
    except ValueError:
        raise TemplateFailure(f"For input string: {text[:40]!r}") from None


def _whole(value: Value) -> int:
    return int(value) if abs(value) < 2**63 else 2**63 - 1


_NUMBER: dict[Signature, Callable[..., Value]] = {
    ("intValue", 0): _whole,
    ("longValue", 0): _whole,
    ("doubleValue", 0): float,
    ("compareTo", 1): lambda value, other: (
        (value > other) - (value < other) if type(other) is type(value) else None
    ),
    ("equals", 1): lambda value, other: type(other) is type(value) and bool(value == other),
    ("parseInt", 1): _parse_int,
    ("parseLong", 1): _parse_int,
    ("parseDouble", 1): _parse_double,
    ("valueOf", 1): lambda value, text: (_parse_int if type(value) is int else _parse_double)(value, text),
    ("toString", 0): to_text,
    ("toString", 1): lambda _, value: to_text(value),
}

# -- all of it

Methods = Mapping[Signature, Callable[..., Value]]

JAVA_METHODS: Mapping[type, Methods] = {
    str: _STRING,
    list: _LIST,
    JavaList: _LIST,
    dict: {**_READ_MAP, **_WRITE_MAP},
    ReadOnlyMap: {**_READ_MAP, **dict.fromkeys(_WRITE_MAP, _refuse_write)},
    int: _NUMBER,
    float: _NUMBER,
    bool: {("equals", 1): lambda value, other: value is other, ("toString", 0): to_text},
    Entry: {("getKey", 0): lambda entry: entry.key, ("getValue", 0): lambda entry: entry.value},
    Loop: {
        ("getIndex", 0): lambda loop: loop.index,
        ("getCount", 0): lambda loop: loop.index + 1,
        ("hasNext", 0): lambda loop: loop.index + 1 < loop.size,
    },
}
JAVA_PROPERTIES: Mapping[type, Mapping[str, Callable[[Value], Value]]] = {
    Entry: {"key": lambda entry: entry.key, "value": lambda entry: entry.value},
    Loop: {
        "index": lambda loop: loop.index,
        "count": lambda loop: loop.index + 1,
        "hasNext": lambda loop: loop.index + 1 < loop.size,
        "first": lambda loop: loop.index == 0,
        "last": lambda loop: loop.index + 1 == loop.size,
        "parent": lambda loop: loop.parent,
        "topmost": lambda loop: loop.topmost(),
    },
}
