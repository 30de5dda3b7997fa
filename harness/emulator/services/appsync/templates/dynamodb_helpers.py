"""`$util.dynamodb`: plain values as DynamoDB's.

docs: AppSync Developer Guide, DynamoDB helpers in $util.dynamodb (read 2026-11)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from harness.emulator.services.appsync.attribute_values import number_text, typed
from harness.emulator.services.appsync.templates.checks import METHODS as UTIL_METHODS
from harness.emulator.services.appsync.templates.checks import Methods
from harness.emulator.services.appsync.templates.groups import Group
from harness.emulator.vtl import TemplateFailure, Value, to_json, to_text


class DynamoDb(Group):
    """`$util.dynamodb`"""

    __slots__ = ()


def _items(value: Value) -> list[Any]:
    if not isinstance(value, list):
        raise TemplateFailure("A set must be made of a list")
    return value


def _s3_object(key: Value, bucket: Value, region: Value, version: Value = None) -> dict[str, Any]:
    inner = {"key": to_text(key), "bucket": to_text(bucket), "region": to_text(region)}
    if version is not None:
        inner["version"] = to_text(version)
    return {"S": to_json({"s3": inner})}


_TYPED: Mapping[str, Callable[..., Any]] = {
    "toDynamoDB": typed,
    "toString": lambda value: {"NULL": True} if value is None else {"S": to_text(value)},
    "toStringSet": lambda value: {"SS": [to_text(item) for item in _items(value)]},
    "toNumber": lambda value: typed(value) if value is None else {"N": _number(value)},
    "toNumberSet": lambda value: {"NS": [_number(item) for item in _items(value)]},
    "toBinary": lambda value: {"NULL": True} if value is None else {"B": to_text(value)},
    "toBinarySet": lambda value: {"BS": [to_text(item) for item in _items(value)]},
    "toBoolean": lambda value: {"NULL": True} if value is None else {"BOOL": value is True},
    "toList": lambda value: typed(value),
    "toMap": lambda value: typed(value),
    "toMapValues": lambda value: {name: typed(item) for name, item in _map(value).items()},
}


def _number(value: Value) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TemplateFailure(f"{to_text(value)[:60]} is not a number")
    return number_text(value)


def _map(value: Value) -> dict[Any, Any]:
    if not isinstance(value, dict):
        raise TemplateFailure("A map is needed")
    return value


def _methods() -> Methods:
    methods: Methods = {}
    for name, make in _TYPED.items():
        methods[name, 1] = lambda _, value, make=make: make(value)
        methods[name + "Json", 1] = lambda _, value, make=make: to_json(make(value))
    methods["toNull", 0] = lambda _: {"NULL": True}
    methods["toNullJson", 0] = lambda _: '{"NULL":true}'
    for count in (3, 4):
        methods["toS3Object", count] = lambda _, *given: _s3_object(*given)
        methods["toS3ObjectJson", count] = lambda _, *given: to_json(_s3_object(*given))
    methods["fromS3ObjectJson", 1] = lambda _, value: UTIL_METHODS["parseJson", 1](None, value)
    return methods


DYNAMODB: Methods = _methods()
