"""Values as Velocity sees them: how they print, what is true, what equals what, and their arithmetic.

Nothing here can be made to run away: text is bounded by `MAX_TEXT`, numbers by `MAX_INTEGER_BITS`, and a
structure that holds itself is noticed.
"""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any, NoReturn, TypeGuard

import orjson

from harness.emulator.vtl.errors import TemplateFailure

MAX_TEXT = 10 * 1024 * 1024
"""Characters in one value or in the output. docs: API Gateway quotas, payload size 10 MB (read 2026-04)"""
MAX_ITEMS = 100_000
"""Items in a list that a template makes, and iterations of all its loops together."""
MAX_LOOP = 1_000
"""Iterations of one #foreach; it ends there, as Velocity's `directive.foreach.maxloops` does.
docs: API Gateway quotas, iterations in a #foreach loop in mapping templates (read 2026-04)"""
MAX_INTEGER_BITS = 1_024
_MAX_NESTING = 250

Value = Any
"""What a template computes with: None, bool, int, float, str, list, dict, and what a host exposes."""
Signature = tuple[str, int]
"""A method's name and how many arguments it takes."""


class JavaList(list[Value]):
    """A list that a template made: prints as Java's lists do. One out of JSON prints as JSON."""

    __slots__ = ()


class ReadOnlyMap(dict[str, Value]):
    """A map that templates may read and not change, because it outlives them."""

    __slots__ = ()


class Entry:
    """An entry of a map, as `entrySet()` gives them."""

    __slots__ = ("key", "value")

    def __init__(self, key: Value, value: Value) -> None:
        self.key = key
        self.value = value


class Loop:
    """`$foreach`: the state of one loop. `index` counts from 0."""

    __slots__ = ("index", "parent", "size")

    def __init__(self, size: int, parent: Value) -> None:
        self.index = 0
        self.size = size
        self.parent: Loop | None = parent if type(parent) is Loop else None

    def topmost(self) -> Loop:
        """The outermost of the loops around this one."""
        loop = self
        while loop.parent is not None:
            loop = loop.parent
        return loop


def too_large(what: str) -> NoReturn:
    """Raise the failure that says which bound was passed."""
    raise TemplateFailure(f"The template's {what} exceeds the limit")


def to_text(value: Value) -> str:
    """`value` as Velocity prints it; None is empty."""
    kind = type(value)
    if kind is str:
        return value  # type: ignore[no-any-return]
    if kind is bool:
        return "true" if value else "false"
    if kind is int:
        return str(value)
    if kind is float:
        return _float_text(value)
    out: list[str] = []
    _write(value, out, [MAX_TEXT], 0)
    return "".join(out)


def _float_text(value: float) -> str:
    """As Java's Double.toString: 1.0, 1.0E10."""
    if math.isinf(value) or math.isnan(value):
        return "NaN" if math.isnan(value) else ("Infinity" if value > 0 else "-Infinity")
    size = abs(value)
    if size == 0 or 1e-3 <= size < 1e7:
        return repr(value)
    mantissa, exponent = f"{Decimal(repr(value)).normalize():E}".split("E")
    return f"{mantissa if '.' in mantissa else mantissa + '.0'}E{int(exponent)}"


def _write(value: Value, out: list[str], room: list[int], depth: int) -> None:
    """Print `value` into `out`: maps as Java's, lists of JSON as JSON, lists of templates as Java's."""
    if depth > _MAX_NESTING:
        too_large("nesting of values")
    if isinstance(value, dict):
        pieces = [
            ("{" if n == 0 else ", ", to_text(key) + "=", item) for n, (key, item) in enumerate(value.items())
        ]
        opening, closing = "{", "}"
    elif type(value) is JavaList:
        pieces = [("[" if n == 0 else ", ", "", item) for n, item in enumerate(value)]
        opening, closing = "[", "]"
    elif isinstance(value, list):
        _add(to_json(value), out, room)
        return
    elif type(value) is Entry:
        pieces = [("", to_text(value.key) + "=", value.value)]
        opening, closing = "", ""
    else:
        _add(
            "null" if value is None else to_text(value) if isinstance(value, str | int | float) else "",
            out,
            room,
        )
        return
    if not pieces:
        _add(opening, out, room)
    for before, key, item in pieces:
        _add(before + key, out, room)
        _write(item, out, room, depth + 1)
    _add(closing, out, room)


def _add(text: str, out: list[str], room: list[int]) -> None:
    room[0] -= len(text)
    if room[0] < 0 or len(out) > 3 * MAX_ITEMS:
        too_large("text")
    out.append(text)


def to_json(value: Value) -> str:
    """`value` as compact JSON."""
    _measure(value, [MAX_ITEMS], 0)
    try:
        return orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS).decode()
    except orjson.JSONEncodeError as error:
        raise TemplateFailure(f"A value cannot be written as JSON: {error}") from None


def _measure(value: Value, room: list[int], depth: int) -> None:
    """Refuse a structure that is too large to write: it may hold itself many times over."""
    if not isinstance(value, dict | list):
        return
    room[0] -= len(value) + 1
    if room[0] < 0 or depth > _MAX_NESTING:
        too_large("nesting of values")
    for item in value.values() if isinstance(value, dict) else value:
        _measure(item, room, depth + 1)


def is_true(value: Value) -> bool:
    """Velocity 1.7: only null and false are false; an empty string, 0 and an empty list are true."""
    return value is not None and value is not False


def is_number(value: Value) -> TypeGuard[int | float]:
    """Whether `value` is a number; a boolean is not."""
    return type(value) is int or type(value) is float


def equal(left: Value, right: Value) -> bool:
    """`==`: numbers by value, values of one type by content, others by how they print."""
    if left is None or right is None:
        return left is right
    if is_number(left) and is_number(right):
        return bool(left == right)
    if type(left) is str and type(right) is str:
        return bool(left == right)
    return left is right or to_text(left) == to_text(right)


def order(left: Value, right: Value) -> int | None:
    """-1, 0 or 1 for numbers, None for what cannot be ordered: then every comparison is false."""
    if not (is_number(left) and is_number(right)):
        return None
    return (left > right) - (left < right)


def add(left: Value, right: Value) -> Value:
    """`+`: numbers are added; when either side is a string they are put one behind the other."""
    if type(left) is str or type(right) is str:
        if left is None or right is None:
            return None
        return joined((to_text(left), to_text(right)))
    return _number(left, right, lambda a, b: a + b)


def subtract(left: Value, right: Value) -> Value:
    """`-`; null unless both are numbers."""
    return _number(left, right, lambda a, b: a - b)


def multiply(left: Value, right: Value) -> Value:
    """`*`; null unless both are numbers."""
    return _number(left, right, lambda a, b: a * b)


def divide(left: Value, right: Value) -> Value:
    """`/`: whole numbers divide towards zero, as in Java; null when dividing by zero."""
    if not is_number(right) or right == 0:
        return None
    return _number(left, right, _java_divide)


def remainder(left: Value, right: Value) -> Value:
    """`%`: has the sign of the left side, as in Java; null when dividing by zero."""
    if not is_number(right) or right == 0:
        return None
    return _number(
        left,
        right,
        lambda a, b: math.fmod(a, b) if float in (type(a), type(b)) else a - b * _java_divide(a, b),
    )


def negate(value: Value) -> Value:
    """`-value`; null unless it is a number."""
    return -value if is_number(value) else None


def _java_divide(a: Value, b: Value) -> Value:
    if type(a) is float or type(b) is float:
        return a / b
    quotient = abs(a) // abs(b)
    return quotient if (a < 0) == (b < 0) else -quotient


def _number(left: Value, right: Value, operation: Any) -> Value:
    if not (is_number(left) and is_number(right)):
        return None
    try:
        result = operation(left, right)
    except OverflowError:
        too_large("number")
    except ValueError:  # infinity % 1
        return math.nan
    if type(result) is int and result.bit_length() > MAX_INTEGER_BITS:
        too_large("number")
    return result


def joined(parts: tuple[str, ...] | list[str]) -> str:
    """The parts as one string, within bounds."""
    if sum(map(len, parts)) > MAX_TEXT:
        too_large("text")
    return "".join(parts)


def numbers(first: Value, last: Value) -> JavaList | None:
    """`[first..last]`; null unless both are whole numbers."""
    if type(first) is not int or type(last) is not int:
        return None
    if abs(last - first) >= MAX_ITEMS:
        too_large("range")
    return JavaList(range(first, last + 1) if first <= last else range(first, last - 1, -1))


def mapped(*pairs: tuple[Value, Value]) -> dict[Value, Value]:
    """A map literal; a key must be a string, number or boolean."""
    return {key: value for key, value in pairs if isinstance(key, str | int | float)}
