"""The expressions of one request, bound to its names and values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.emulator.services.dynamodb.errors import invalid, not_json_type
from harness.emulator.services.dynamodb.expressions.ast import Condition
from harness.emulator.services.dynamodb.expressions.binding import Bindings
from harness.emulator.services.dynamodb.expressions.parser import (
    parse_condition,
    parse_projection,
    parse_update,
)
from harness.emulator.services.dynamodb.expressions.projection import KIND as PROJECTION
from harness.emulator.services.dynamodb.expressions.projection import Projection
from harness.emulator.services.dynamodb.expressions.update import KIND as UPDATE
from harness.emulator.services.dynamodb.expressions.update import Update


class Expressions:
    """Parses and binds what a request asks for. `kinds` are the expression parameters of its operation.

    Raises AwsError ValidationException when names or values come without an expression, or are malformed."""

    __slots__ = ("_bindings", "_request")

    def __init__(self, request: Mapping[str, Any], kinds: tuple[str, ...]) -> None:
        self._request = request
        names = request.get("ExpressionAttributeNames")
        values = request.get("ExpressionAttributeValues")
        if names is not None or values is not None:
            _check_expressions_there(request, kinds, names, values)
        self._bindings = Bindings(names, values)

    def condition(self, kind: str) -> Condition | None:
        """The condition in the parameter `kind`, or None. Raises AwsError when it is wrong."""
        text = self._text(kind)
        return None if text is None else parse_condition(text, kind).bind(self._bindings, kind)

    def projection(self) -> Projection | None:
        """The ProjectionExpression, or None. Raises AwsError when it is wrong."""
        text = self._text(PROJECTION)
        return None if text is None else parse_projection(text).bind(self._bindings)

    def update(self) -> Update | None:
        """The UpdateExpression, or None. Raises AwsError when it is wrong."""
        text = self._text(UPDATE)
        return None if text is None else parse_update(text).bind(self._bindings)

    def check_all_used(self) -> None:
        """Raises AwsError when a name or a value was given that no expression used; call it last."""
        self._bindings.check_all_used()

    def _text(self, kind: str) -> str | None:
        text = self._request.get(kind)
        if text is not None and type(text) is not str:
            raise not_json_type(text, "String")
        return text


def _check_expressions_there(
    request: Mapping[str, Any], kinds: tuple[str, ...], names: object, values: object
) -> None:
    absent = [kind for kind in kinds if request.get(kind) is None]
    if len(absent) == len(kinds) and names is not None:
        raise invalid("ExpressionAttributeNames can only be specified when using expressions")
    taking_values = [kind for kind in kinds if kind != PROJECTION]
    if values is not None and all(kind in absent for kind in taking_values):
        verb = "is" if len(taking_values) == 1 else "are"
        raise invalid(
            "ExpressionAttributeValues can only be specified when using expressions: "
            f"{' and '.join(taking_values)} {verb} null"
        )
