"""What the operators and functions of conditions say of values."""

from __future__ import annotations

import operator
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from harness.emulator.services.dynamodb.values import Value, decode_binary, equal, kind_of

ORDERED = frozenset(("S", "N", "B"))
_SETS = {"SS": "S", "NS": "N", "BS": "B"}


def order_key(kind: str, content: Any) -> Any:
    """Something that orders as DynamoDB orders contents of this kind (S, N or B)."""
    if kind == "N":
        return Decimal(content)
    return decode_binary(content) if kind == "B" else content


def _ordering(compare: Callable[[Any, Any], bool]) -> Callable[[Value | None, Value | None], bool]:
    def holds(left: Value | None, right: Value | None) -> bool:
        if left is None or right is None:
            return False
        kind = kind_of(left)
        if kind not in ORDERED or kind not in right:
            return False
        return compare(order_key(kind, left[kind]), order_key(kind, right[kind]))

    return holds


def equals(left: Value | None, right: Value | None) -> bool:
    """`=`: what is missing equals nothing."""
    return left is not None and right is not None and equal(left, right)


def differs(left: Value | None, right: Value | None) -> bool:
    """`<>`: what is missing differs from everything."""
    return not equals(left, right)


at_most = _ordering(operator.le)
COMPARATORS: dict[str, Callable[[Value | None, Value | None], bool]] = {
    "=": equals,
    "<>": differs,
    "<": _ordering(operator.lt),
    "<=": at_most,
    ">": _ordering(operator.gt),
    ">=": _ordering(operator.ge),
}


def size(value: Value | None) -> Value | None:
    """size(): characters of a string, bytes of a binary, elements of a set, list or map; None for others."""
    if value is None:
        return None
    kind = kind_of(value)
    if kind in ("N", "BOOL", "NULL"):
        return None
    content = decode_binary(value["B"]) if kind == "B" else value[kind]
    return {"N": str(len(content))}


def contains(value: Value | None, wanted: Value | None) -> bool:
    """contains(): a part of a string or binary, an element of a set or list."""
    if value is None or wanted is None:
        return False
    kind = kind_of(value)
    if kind == "L":
        return any(equal(element, wanted) for element in value["L"])
    if kind in _SETS:
        return wanted.get(_SETS[kind]) in value[kind]
    if kind not in wanted:
        return False
    if kind == "S":
        return wanted["S"] in value["S"]
    return kind == "B" and decode_binary(wanted["B"]) in decode_binary(value["B"])


def begins_with(value: Value | None, prefix: Value | None) -> bool:
    """begins_with(): of strings and of binaries."""
    if value is None or prefix is None:
        return False
    if "S" in value and "S" in prefix:
        return bool(value["S"].startswith(prefix["S"]))
    return "B" in value and "B" in prefix and decode_binary(value["B"]).startswith(decode_binary(prefix["B"]))
