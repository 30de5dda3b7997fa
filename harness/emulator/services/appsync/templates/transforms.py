"""`transform`: filters as clients write them to DynamoDB's expressions and to subscription filters.

A filter is a map of fields to conditions, `{"title": {"contains": "x"}, "or": [...]}`; conditions side by
side must all hold, `and` and `or` hold lists of filters, `not` a filter.
docs: AppSync Developer Guide, Transformation helpers in $util.transform; Enhanced subscription filtering
(read 2026-11)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from harness.emulator.services.appsync.attribute_values import typed

MAX_CONDITIONS = 1_000
_MAX_NESTING = 20
_COMPARED = {"eq": "=", "ne": "<>", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}
_SUBSCRIPTION_OPERATORS = frozenset(
    (
        "eq",
        "ne",
        "le",
        "lt",
        "ge",
        "gt",
        "contains",
        "notContains",
        "beginsWith",
        "in",
        "notIn",
        "between",
        "containsAny",
    )
)


class BadFilter(Exception):
    """The filter says something that it cannot say."""


class _Expression:
    """A DynamoDB expression under construction: names and values stand behind placeholders."""

    def __init__(self) -> None:
        self.names: dict[str, str] = {}
        self.values: dict[str, Any] = {}
        self._left = MAX_CONDITIONS

    def of(self, filter_: Any, depth: int = 0) -> str:
        if depth > _MAX_NESTING:
            raise BadFilter("The filter is nested too deeply")
        if not isinstance(filter_, dict):
            raise BadFilter("A filter must be a map")
        parts: list[str] = []
        for name, value in filter_.items():
            if value is not None:
                parts += self._parts(name, value, depth)
        return _joined("AND", parts)

    def _parts(self, name: str, value: Any, depth: int) -> list[str]:
        """Expressions that must all hold, none with parentheses around it that DynamoDB finds redundant."""
        if name in ("and", "or"):
            items = value if isinstance(value, list) else [value]
            inner = [part for item in items if (part := self.of(item, depth + 1))]
            return [_joined(name.upper(), inner)] if inner else []
        if name == "not":
            part = self.of(value, depth + 1)
            return [f"NOT {part if _is_wrapped(part) else f'({part})'}"] if part else []
        if not isinstance(value, dict):
            raise BadFilter(f"The conditions of '{name}' must be a map")
        return [f"({self._condition(name, op, operand)})" for op, operand in value.items()]

    def _condition(self, field: str, operator: str, operand: Any) -> str:
        self._left -= 1
        if self._left < 0:
            raise BadFilter(f"The filter has more than {MAX_CONDITIONS} conditions")
        name = self._name(field)
        if operator in _COMPARED:
            return f"{name} {_COMPARED[operator]} {self._value(field, operator, operand)}"
        if operator == "contains":
            return f"contains({name}, {self._value(field, operator, operand)})"
        if operator == "notContains":
            return f"NOT contains({name}, {self._value(field, operator, operand)})"
        if operator == "beginsWith":
            return f"begins_with({name}, {self._value(field, operator, operand)})"
        if operator == "attributeExists":
            return f"attribute_exists({name})" if operand else f"attribute_not_exists({name})"
        if operator == "attributeType":
            return f"attribute_type({name}, {self._value(field, operator, operand)})"
        if operator == "size" and isinstance(operand, dict):
            return " AND ".join(self._sized(field, name, op, value) for op, value in operand.items())
        if not isinstance(operand, list) or not operand:
            raise BadFilter(f"'{operator}' is not a condition, or not of this value")
        return self._listed(field, name, operator, operand)

    def _listed(self, field: str, name: str, operator: str, operand: list[Any]) -> str:
        if operator == "between" and len(operand) == 2:
            low, high = (self._value(field, "between", item) for item in operand)
            return f"{name} BETWEEN {low} AND {high}"
        if operator == "in":
            return f"{name} IN ({', '.join(self._value(field, 'in', item) for item in operand)})"
        raise BadFilter(f"'{operator}' is not a condition, or not of this value")

    def _sized(self, field: str, name: str, operator: str, operand: Any) -> str:
        if operator == "between" and isinstance(operand, list) and len(operand) == 2:
            low, high = (self._value(field, "size", item) for item in operand)
            return f"size({name}) BETWEEN {low} AND {high}"
        if operator not in _COMPARED:
            raise BadFilter(f"'{operator}' is not a condition of a size")
        return f"size({name}) {_COMPARED[operator]} {self._value(field, 'size', operand)}"

    def _name(self, field: str) -> str:
        placeholder = "#" + _placeholder(field)
        self.names[placeholder] = field
        return placeholder

    def _value(self, field: str, operator: str, operand: Any) -> str:
        placeholder = base = f":{_placeholder(field)}_{operator}"
        count = 0
        while placeholder in self.values:
            count += 1
            placeholder = f"{base}_{count}"
        self.values[placeholder] = typed(operand)
        return placeholder


def _joined(operator: str, parts: list[str]) -> str:
    """The parts with an operator between them, in parentheses when there are several."""
    return parts[0] if len(parts) == 1 else f"({f' {operator} '.join(parts)})" if parts else ""


def _is_wrapped(part: str) -> bool:
    return part.startswith("(")


def _placeholder(field: str) -> str:
    return "".join(c if c.isascii() and c.isalnum() else "_" for c in field)


def dynamodb_expression(filter_: Any) -> dict[str, Any]:
    """`expression`, `expressionNames` and `expressionValues` for a filter. Raises BadFilter."""
    built = _Expression()
    expression = built.of(filter_)
    found: dict[str, Any] = {"expression": expression}
    found["expressionNames"] = built.names
    found["expressionValues"] = built.values
    return found


Filters = list[dict[str, Any]]


def subscription_filter(filter_: Any, ignored: Any = None, added: Any = None) -> dict[str, Any]:
    """`{"filterGroup": [{"filters": [...]}, ...]}`: groups of which one must hold, each of filters that must
    all hold. `ignored` fields are left out; the conditions of `added` go into every group.

    Raises BadFilter."""
    left_out = frozenset(ignored) if isinstance(ignored, list) else frozenset()
    groups = _groups(filter_ or {}, left_out, 0)
    if isinstance(added, dict):
        groups = _product(groups, _groups(added, frozenset(), 0))
    return {"filterGroup": [{"filters": group} for group in groups if group]}


def _groups(filter_: Any, ignored: frozenset[str], depth: int) -> list[Filters]:
    if depth > _MAX_NESTING:
        raise BadFilter("The filter is nested too deeply")
    if not isinstance(filter_, dict):
        raise BadFilter("A filter must be a map")
    groups: list[Filters] = [[]]
    for name, value in filter_.items():
        if name in ignored or value is None:
            continue
        groups = _product(groups, _alternatives(name, value, ignored, depth))
    return groups


def _alternatives(name: str, value: Any, ignored: frozenset[str], depth: int) -> list[Filters]:
    if name in ("and", "or"):
        items = [
            _groups(item, ignored, depth + 1) for item in (value if isinstance(value, list) else [value])
        ]
        if name == "or":
            return [group for item in items for group in item] or [[]]
        groups: list[Filters] = [[]]
        for item in items:
            groups = _product(groups, item)
        return groups
    if not isinstance(value, dict):
        raise BadFilter(f"The conditions of '{name}' must be a map")
    filters: Filters = []
    for operator, operand in value.items():
        if operator not in _SUBSCRIPTION_OPERATORS:
            raise BadFilter(f"'{operator}' is not an operator of subscription filters")
        filters.append({"fieldName": name, "operator": operator, "value": operand})
    return [filters]


def _product(left: list[Filters], right: list[Filters]) -> list[Filters]:
    if len(left) * len(right) > MAX_CONDITIONS:
        raise BadFilter("The filter has too many alternatives")
    return [[*one, *other] for one in left for other in right]


Transform = Callable[..., Any]
TRANSFORMS: Mapping[str, Transform] = {
    "toDynamoDBFilterExpression": dynamodb_expression,
    "toDynamoDBConditionExpression": dynamodb_expression,
    "toSubscriptionFilter": subscription_filter,
}
