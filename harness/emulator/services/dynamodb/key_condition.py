"""Key conditions: which hash key a Query looks under, and within what bounds of the range key.

docs: DynamoDB Developer Guide, Key condition expressions for the Query operation (read 2026-11)
"""

from __future__ import annotations

from collections.abc import Iterator

from harness.emulator.services.dynamodb.errors import invalid, invalid_parameter
from harness.emulator.services.dynamodb.expressions.ast import (
    And,
    Between,
    Call,
    Compare,
    Condition,
    In,
    Literal,
    Not,
    Operand,
    Or,
    Path,
)
from harness.emulator.services.dynamodb.items import EVERYTHING, KeyRange
from harness.emulator.services.dynamodb.keys import KeyAttribute, KeySchema, sortable
from harness.emulator.services.dynamodb.values import Value

KIND = "KeyConditionExpression"
_FLIPPED = {"=": "=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
_Part = tuple[str, str, tuple[Value, ...]]
"""Attribute, operator, values."""


def key_condition(condition: Condition, keys: KeySchema) -> tuple[bytes, KeyRange]:
    """The hash key and the bounds that a bound condition stands for.

    Raises AwsError for what it may not say."""
    parts: dict[str, _Part] = {}
    for part in _parts(condition):
        if part[0] in parts:
            raise invalid("KeyConditionExpressions must only contain one condition per key")
        parts[part[0]] = part
    if len(parts) > 2:
        raise invalid("Conditions can be of length 1 or 2 only")
    hash_part = parts.pop(keys.hash.name, None)
    if hash_part is None:
        raise invalid(f"Query condition missed key schema element: {keys.hash.name}")
    if hash_part[1] != "=":
        raise invalid("Query key condition not supported")
    hash_key = _sortable(hash_part[2][0], keys.hash)
    if not parts:
        return hash_key, EVERYTHING
    if keys.range is None or keys.range.name not in parts:
        missed = keys.range.name if keys.range is not None else next(iter(parts))
        raise invalid(f"Query condition missed key schema element: {missed}")
    return hash_key, _bounds(parts[keys.range.name], keys.range)


def _parts(condition: Condition) -> Iterator[_Part]:
    if isinstance(condition, And):
        yield from _parts(condition.left)
        yield from _parts(condition.right)
    elif isinstance(condition, Compare):
        yield _comparison(condition)
    elif isinstance(condition, Between):
        yield _name(condition.operand), "BETWEEN", (_literal(condition.low), _literal(condition.high))
    elif isinstance(condition, Call) and condition.function == "begins_with":
        yield _name(condition.operands[0]), "begins_with", (_literal(condition.operands[1]),)
    else:
        raise _invalid_operator(condition)


def _comparison(condition: Compare) -> _Part:
    if condition.operator == "<>":
        raise invalid(f"Invalid operator used in {KIND}: <>")
    if isinstance(condition.left, Literal):
        return _name(condition.right), _FLIPPED[condition.operator], (condition.left.content,)
    return _name(condition.left), condition.operator, (_literal(condition.right),)


def _invalid_operator(condition: Condition) -> Exception:
    names = {Or: "OR", Not: "NOT", In: "IN"}
    name = condition.function if isinstance(condition, Call) else names.get(type(condition), "")
    return invalid(f"Invalid operator used in {KIND}: {name}")


def _name(operand: Operand) -> str:
    if not isinstance(operand, Path):
        raise invalid(f"Invalid condition in {KIND}: No key attribute specified")
    if len(operand.parts) > 1:
        raise invalid("KeyConditionExpressions cannot have conditions on nested attributes")
    return str(operand.parts[0])


def _literal(operand: Operand) -> Value:
    if not isinstance(operand, Literal):
        raise invalid(f"Invalid condition in {KIND}: Multiple attribute names used in one condition")
    return operand.content


def _sortable(value: Value, attribute: KeyAttribute) -> bytes:
    if attribute.kind not in value:
        raise invalid_parameter("Condition parameter type does not match schema type")
    data = sortable(value)
    if not data:
        kind = "string" if attribute.kind == "S" else "binary"
        raise invalid(
            "One or more parameter values are not valid. The AttributeValue for a key attribute cannot "
            f"contain an empty {kind} value. Key: {attribute.name}"
        )
    return data


def _bounds(part: _Part, attribute: KeyAttribute) -> KeyRange:
    _name, operator, values = part
    if operator == "begins_with":
        if attribute.kind == "N":
            raise invalid(
                f"Invalid {KIND}: Incorrect operand type for operator or function; "
                "operator or function: begins_with, operand type: N"
            )
        prefix = _sortable(values[0], attribute)
        return KeyRange(prefix, _after_prefix(prefix), high_included=False)
    limits = [_sortable(value, attribute) for value in values]
    if operator == "=":
        return KeyRange(limits[0], limits[0])
    if operator == "BETWEEN":
        return KeyRange(limits[0], limits[1])
    included = operator.endswith("=")
    if operator.startswith("<"):
        return KeyRange(high=limits[0], high_included=included)
    return KeyRange(low=limits[0], low_included=included)


def _after_prefix(prefix: bytes) -> bytes | None:
    """The least bytes above all that begin with `prefix`; None when nothing is."""
    trimmed = prefix.rstrip(b"\xff")
    return trimmed[:-1] + bytes([trimmed[-1] + 1]) if trimmed else None
