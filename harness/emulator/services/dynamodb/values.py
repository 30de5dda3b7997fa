"""Attribute values: checked, made canonical in place, and measured, in one walk over what was sent.

A value stays what it is on the wire, `{"S": "x"}` or `{"N": "1"}`: numbers are held as AWS returns them,
binary as canonical base64. `measure_*` return the bytes that DynamoDB counts.

docs: DynamoDB Developer Guide, DynamoDB item sizes and formats: names and strings in UTF-8 bytes, a number
about a byte for two digits and one, null and boolean 1, an empty list or map 3, each element 1 more (read
2026-11)
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from typing import Any

from harness.emulator.services.base import AwsError
from harness.emulator.services.dynamodb import numbers
from harness.emulator.services.dynamodb.errors import invalid, invalid_parameter, not_json_type

Value = dict[str, Any]
"""One attribute value: a dict of exactly one type to its content."""
Item = dict[str, Value]
"""Attributes by name."""

MAX_ITEM_BYTES = 400 * 1024
MAX_NESTING = 32
_CONTAINER_BYTES = 3
_ELEMENT_BYTES = 1


def text_bytes(text: str) -> int:
    """The length of `text` in UTF-8."""
    return len(text) if text.isascii() else len(text.encode("utf-8"))


def measure_item(item: Any) -> int:
    """The size of a whole item; its values are made canonical.

    Raises AwsError: SerializationException for the wrong JSON types, ValidationException for wrong values."""
    if type(item) is not dict:
        raise not_json_type(item, "Map")
    total = 0
    for name, value in item.items():
        if type(value) is dict and len(value) == 1:
            if "S" in value:
                content = value["S"]
                if type(content) is str:
                    total += text_bytes(content) + (len(name) if name.isascii() else text_bytes(name))
                    continue
            elif "N" in value:
                content = value["N"]
                if type(content) is str:
                    value["N"] = content = numbers.canonical(content)
                    total += numbers.number_bytes(content) + text_bytes(name)
                    continue
        total += text_bytes(name) + measure_value(value)
    if total > MAX_ITEM_BYTES:
        raise invalid("Item size has exceeded the maximum allowed size")
    return total


def stored_bytes(item: Item) -> int:
    """The size of an item whose values are canonical already."""
    return sum(text_bytes(name) + measure_value(value) for name, value in item.items())


def measure_value(value: Any, depth: int = 0) -> int:
    """The size of one value; numbers and binary in it are made canonical. Raises as `measure_item` does."""
    if type(value) is not dict:
        raise not_json_type(value, "AttributeValue")
    if len(value) != 1:
        raise _not_one_type(value)
    ((kind, content),) = value.items()
    measure = _MEASURES.get(kind)
    if measure is None:
        raise _not_one_type({})
    return measure(value, content, depth)


def _not_one_type(value: Value) -> AwsError:
    what = "has more than one datatypes set" if value else "is empty"
    return invalid(f"Supplied AttributeValue {what}, must contain exactly one of the supported datatypes")


def _measure_string(_value: Value, content: Any, _depth: int) -> int:
    if type(content) is not str:
        raise not_json_type(content, "String")
    return text_bytes(content)


def _measure_number(value: Value, content: Any, _depth: int) -> int:
    if type(content) is not str:
        raise not_json_type(content, "String")
    value["N"] = content = numbers.canonical(content)
    return numbers.number_bytes(content)


def _measure_binary(value: Value, content: Any, _depth: int) -> int:
    data = decode_binary(content)
    value["B"] = base64.b64encode(data).decode()
    return len(data)


def decode_binary(content: Any) -> bytes:
    """The bytes behind base64. Raises AwsError SerializationException."""
    if type(content) is not str:
        raise not_json_type(content, "Blob")
    try:
        return base64.b64decode(content, validate=True)
    except (binascii.Error, ValueError):
        raise AwsError("SerializationException", "Invalid Base64 in a binary value") from None


def _measure_bool(_value: Value, content: Any, _depth: int) -> int:
    if type(content) is not bool:
        raise not_json_type(content, "Boolean")
    return 1


def _measure_null(_value: Value, content: Any, _depth: int) -> int:
    if type(content) is not bool:
        raise not_json_type(content, "Boolean")
    if not content:
        raise invalid_parameter("Null attribute value types must have the value of true")
    return 1


def _measure_list(_value: Value, content: Any, depth: int) -> int:
    if type(content) is not list:
        raise not_json_type(content, "List")
    _check_depth(depth)
    return _CONTAINER_BYTES + sum(measure_value(element, depth + 1) + _ELEMENT_BYTES for element in content)


def _measure_map(_value: Value, content: Any, depth: int) -> int:
    if type(content) is not dict:
        raise not_json_type(content, "Map")
    _check_depth(depth)
    return _CONTAINER_BYTES + sum(
        text_bytes(name) + measure_value(member, depth + 1) + _ELEMENT_BYTES
        for name, member in content.items()
    )


def _check_depth(depth: int) -> None:
    if depth >= MAX_NESTING:
        raise invalid("Nesting Levels have exceeded supported limits")


def _measure_string_set(_value: Value, content: Any, _depth: int) -> int:
    _check_set(content, "string")
    total = sum(_measure_string({}, element, 0) for element in content)
    _check_distinct(content, content, "")
    return total


def _measure_number_set(value: Value, content: Any, _depth: int) -> int:
    _check_set(content, "number")
    for element in content:
        if type(element) is not str:
            raise not_json_type(element, "String")
    value["NS"] = canonical = [numbers.canonical(element) for element in content]
    if len(set(canonical)) != len(canonical):
        raise invalid("Input collection contains duplicates")
    return sum(numbers.number_bytes(element) for element in canonical)


def _measure_binary_set(value: Value, content: Any, _depth: int) -> int:
    if content == []:
        raise invalid_parameter("Binary sets should not be empty")
    _check_set(content, "binary")
    decoded = [decode_binary(element) for element in content]
    _check_distinct(decoded, content, "of type BS ")
    value["BS"] = [base64.b64encode(data).decode() for data in decoded]
    return sum(len(data) for data in decoded)


def _check_set(content: Any, kind: str) -> None:
    if type(content) is not list:
        raise not_json_type(content, "Set")
    if not content:
        raise invalid_parameter(f"An {kind} set  may not be empty")


def _check_distinct(elements: list[Any], shown: list[str], of_type: str) -> None:
    if len(set(elements)) != len(elements):
        listed = ", ".join(shown)
        joint = of_type or " "
        raise invalid_parameter(f"Input collection [{listed}]{joint}contains duplicates.")


_MEASURES: dict[str, Callable[[Value, Any, int], int]] = {
    "S": _measure_string,
    "N": _measure_number,
    "B": _measure_binary,
    "BOOL": _measure_bool,
    "NULL": _measure_null,
    "L": _measure_list,
    "M": _measure_map,
    "SS": _measure_string_set,
    "NS": _measure_number_set,
    "BS": _measure_binary_set,
}
TYPES = frozenset(_MEASURES)


def kind_of(value: Value) -> str:
    """The type of a value: `S`, `N`, ..."""
    return next(iter(value))


def equal(left: Value, right: Value) -> bool:
    """Whether two canonical values are equal; the order within sets does not count."""
    kind = kind_of(left)
    if kind != kind_of(right):
        return False
    a, b = left[kind], right[kind]
    if kind in ("SS", "NS", "BS"):
        return len(a) == len(b) and set(a) == set(b)
    if kind == "L":
        return len(a) == len(b) and all(equal(x, y) for x, y in zip(a, b, strict=True))
    if kind == "M":
        return a.keys() == b.keys() and all(equal(a[name], b[name]) for name in a)
    return bool(a == b)


def shown(value: Value) -> str:
    """A value as AWS shows it in messages: `{S:a}`."""
    kind = kind_of(value)
    content = value[kind]
    return (
        f"{{{kind}:[{', '.join(map(str, content))}]}}"
        if isinstance(content, list)
        else f"{{{kind}:{content}}}"
    )
