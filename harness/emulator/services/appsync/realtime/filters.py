"""Enhanced subscription filters: what a resolver set with `extensions.setSubscriptionFilter`, made a test.

docs: AppSync Developer Guide, Extensions, Argument: filterJsonObject; Defining enhanced subscriptions filters
(read 2026-11):

1. A filterGroup fits when one of its filters does; a filter fits when all of its rules do.
2. At most 10 filters; at most 5 field names a filter; at most 5 values for `in` and `notIn`, 20 for
   `containsAny`; strings of at most 256 characters.
3. A field name may be a path of up to five levels; a deeper one is ignored, so its rule never fits.
4. Comparisons are strict: a number is not the string of it, and letters have their case.
5. Lists at the top level are not filtered: they fit nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

MAX_FILTERS = 10
MAX_FIELDS = 5
MAX_LEVELS = 5
MAX_STRING_CHARS = 256
_MAX_VALUES = {"in": 5, "notIn": 5, "containsAny": 20, "between": 2}

Rule = Callable[[Any], bool]
ABSENT = object()


class FilterError(ValueError):
    """A filter that AppSync would not take, and why."""


class Filter:
    """A compiled filter. `anchors` has one (path, value) for each alternative: an `eq` that must hold for it
    to fit, or None where it has none."""

    __slots__ = ("_alternatives", "anchors")

    def __init__(self, given: Mapping[str, Any]) -> None:
        """Raises FilterError."""
        group = given.get("filterGroup")
        if not isinstance(group, list | tuple) or not group:
            raise FilterError("A filter must have a filterGroup that is not empty.")
        if len(group) > MAX_FILTERS:
            raise FilterError(f"A filterGroup can have at most {MAX_FILTERS} filters.")
        self._alternatives: list[list[tuple[tuple[str, ...], Rule]]] = []
        self.anchors: list[tuple[tuple[str, ...], Any] | None] = []
        for alternative in group:
            rules = alternative.get("filters") if isinstance(alternative, Mapping) else None
            if not isinstance(rules, list | tuple) or not rules:
                raise FilterError("Each entry of a filterGroup must have filters.")
            self._add(rules)

    def _add(self, rules: Sequence[Any]) -> None:
        compiled: list[tuple[tuple[str, ...], Rule]] = []
        anchor: tuple[tuple[str, ...], Any] | None = None
        names = set()
        for rule in rules:
            name, operator, value = _parts(rule)
            names.add(name)
            path = tuple(name.split("."))
            compiled.append((path, _compile(operator, value)))
            if anchor is None and operator == "eq" and len(path) <= MAX_LEVELS:
                anchor = (path, value)
        if len(names) > MAX_FIELDS:
            raise FilterError(f"A filter can have at most {MAX_FIELDS} field names.")
        self._alternatives.append(compiled)
        self.anchors.append(anchor)

    def fits(self, published: Any) -> bool:
        """Whether `published`, a mutation's result or an invalidation's payload, fits."""
        if not isinstance(published, Mapping):
            return False
        return any(
            all(_holds(published, path, rule) for path, rule in alternative)
            for alternative in self._alternatives
        )


def value_at(published: Any, path: Sequence[str]) -> Any:
    """The value at `path`, or ABSENT."""
    for name in path:
        if not isinstance(published, Mapping) or name not in published:
            return ABSENT
        published = published[name]
    return published


def _holds(published: Mapping[str, Any], path: tuple[str, ...], rule: Rule) -> bool:
    if len(path) > MAX_LEVELS:
        return False
    return rule(value_at(published, path))


def _parts(rule: Any) -> tuple[str, str, Any]:
    if not isinstance(rule, Mapping):
        raise FilterError("A filter must have fieldName, operator and value.")
    name, operator = rule.get("fieldName"), rule.get("operator")
    if not isinstance(name, str) or not name or not isinstance(operator, str) or "value" not in rule:
        raise FilterError("A filter must have fieldName, operator and value.")
    value = rule["value"]
    for text in value if isinstance(value, list | tuple) else (value,):
        if isinstance(text, str) and len(text) > MAX_STRING_CHARS:
            raise FilterError(f"A string in a filter can have at most {MAX_STRING_CHARS} characters.")
    return name, operator, value


def _compile(operator: str, value: Any) -> Rule:
    maker = _OPERATORS.get(operator)
    if maker is None:
        raise FilterError(f"'{operator}' is not an operator of subscription filters.")
    limit = _MAX_VALUES.get(operator)
    if limit is not None:
        if not isinstance(value, list | tuple) or not value:
            raise FilterError(f"The operator '{operator}' takes a list of values.")
        if len(value) > limit or (operator == "between" and len(value) != 2):
            raise FilterError(f"The operator '{operator}' takes at most {limit} values.")
    elif isinstance(value, list | tuple | Mapping):
        raise FilterError(f"The operator '{operator}' takes a single value.")
    return maker(value)


def equal(one: Any, other: Any) -> bool:
    """Strictly equal: numbers by value, booleans only to booleans."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    return (type(one) is type(other) and one == other) or (_numbers(one, other) and bool(one == other))


def _numbers(one: Any, other: Any) -> bool:
    return (
        isinstance(one, int | float)
        and isinstance(other, int | float)
        and not isinstance(one, bool)
        and not isinstance(other, bool)
    )


def _comparable(one: Any, other: Any) -> bool:
    return _numbers(one, other) or (isinstance(one, str) and isinstance(other, str))


def _has(container: Any, value: Any) -> bool:
    """`value` is in the list, or is a part of the text, or is the value itself."""
    if isinstance(container, list | tuple):
        return any(equal(entry, value) for entry in container)
    if isinstance(container, str) and isinstance(value, str):
        return value in container
    return equal(container, value)


_OPERATORS: Mapping[str, Callable[[Any], Rule]] = {
    "eq": lambda value: lambda found: equal(found, value),
    "ne": lambda value: lambda found: not equal(found, value),
    "le": lambda value: lambda found: _comparable(found, value) and bool(found <= value),
    "lt": lambda value: lambda found: _comparable(found, value) and bool(found < value),
    "ge": lambda value: lambda found: _comparable(found, value) and bool(found >= value),
    "gt": lambda value: lambda found: _comparable(found, value) and bool(found > value),
    "contains": lambda value: lambda found: _has(found, value),
    "notContains": lambda value: lambda found: not _has(found, value),
    "beginsWith": lambda value: (
        lambda found: isinstance(found, str) and isinstance(value, str) and found.startswith(value)
    ),
    "in": lambda values: lambda found: any(equal(found, value) for value in values),
    "notIn": lambda values: lambda found: not any(equal(found, value) for value in values),
    "between": lambda pair: (
        lambda found: (
            _comparable(found, pair[0]) and _comparable(found, pair[1]) and bool(pair[0] <= found <= pair[1])
        )
    ),
    "containsAny": lambda values: (
        lambda found: isinstance(found, list | tuple) and any(_has(found, value) for value in values)
    ),
}
