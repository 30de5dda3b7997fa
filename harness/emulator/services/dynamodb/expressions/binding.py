"""A request's ExpressionAttributeNames and ExpressionAttributeValues, and which of them were used."""

from __future__ import annotations

import re
from typing import Any

from harness.emulator.services.base import AwsError
from harness.emulator.services.dynamodb.errors import invalid, not_json_type
from harness.emulator.services.dynamodb.values import Value, measure_value

_NAME = re.compile(r"#[A-Za-z0-9_]+")
_VALUE = re.compile(r":[A-Za-z0-9_]+")


class Bindings:
    """What the placeholders of a request's expressions stand for.

    Raises AwsError ValidationException when a placeholder or its content is malformed."""

    __slots__ = ("_names", "_unused_names", "_unused_values", "_values")

    def __init__(self, names: Any, values: Any) -> None:
        self._names: dict[str, str] = {} if names is None else _checked_names(names)
        self._values: dict[str, Value] = {} if values is None else _checked_values(values)
        self._unused_names = set(self._names)
        self._unused_values = set(self._values)

    def name(self, placeholder: str, kind: str) -> str:
        """The attribute name behind `#x`, as an expression of this kind uses it."""
        found = self._names.get(placeholder)
        if found is None:
            raise invalid(
                f"Invalid {kind}: An expression attribute name used in the document path is not defined; "
                f"attribute name: {placeholder}"
            )
        self._unused_names.discard(placeholder)
        return found

    def value(self, placeholder: str, kind: str) -> Value:
        """The value behind `:x`, as an expression of this kind uses it."""
        found = self._values.get(placeholder)
        if found is None:
            raise invalid(
                f"Invalid {kind}: An expression attribute value used in expression is not defined; "
                f"attribute value: {placeholder}"
            )
        self._unused_values.discard(placeholder)
        return found

    def check_all_used(self) -> None:
        """Raises AwsError when a placeholder was given that no expression used."""
        for what, unused in (("Names", self._unused_names), ("Values", self._unused_values)):
            if unused:
                raise invalid(
                    f"Value provided in ExpressionAttribute{what} unused in expressions: "
                    f"keys: {{{', '.join(sorted(unused))}}}"
                )


def _checked_names(names: Any) -> dict[str, str]:
    if type(names) is not dict:
        raise not_json_type(names, "Map")
    if not names:
        raise invalid("ExpressionAttributeNames must not be empty")
    for placeholder, name in names.items():
        if not _NAME.fullmatch(placeholder):
            raise invalid(
                f'ExpressionAttributeNames contains invalid key: Syntax error; key: "{placeholder}"'
            )
        if type(name) is not str:
            raise not_json_type(name, "String")
        if not name:
            raise invalid(
                "ExpressionAttributeNames contains invalid value: Attribute name must not be empty for "
                f"key {placeholder}"
            )
    return dict(names)


def _checked_values(values: Any) -> dict[str, Value]:
    if type(values) is not dict:
        raise not_json_type(values, "Map")
    if not values:
        raise invalid("ExpressionAttributeValues must not be empty")
    for placeholder, value in values.items():
        if not _VALUE.fullmatch(placeholder):
            raise invalid(
                f'ExpressionAttributeValues contains invalid key: Syntax error; key: "{placeholder}"'
            )
        try:
            measure_value(value)
        except AwsError as error:
            if error.code != "ValidationException":
                raise
            raise invalid(
                f"ExpressionAttributeValues contains invalid value: {error.message} for key {placeholder}"
            ) from None
    return dict(values)
