"""Event filtering: whether an event matches a filter pattern.

A pattern has the shape of the event. Its leaves are lists of which one must match; all members must. Where
the event has a list, one of its elements must match.
docs: Lambda Developer Guide, Control which events Lambda sends to your function: Filter rule syntax
(read 2026)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import orjson

Match = Callable[[Any], bool]
"""Whether a value matches; MISSING stands for one that is not there."""


class InvalidPattern(ValueError):
    """A filter pattern that AWS does not take either, or a comparison that is not offered."""


class _Missing:
    """A member that the event has not."""


MISSING = _Missing()
_COMPARISONS: Mapping[str, Callable[[float, float], bool]] = {
    "=": lambda value, bound: value == bound,
    "<": lambda value, bound: value < bound,
    "<=": lambda value, bound: value <= bound,
    ">": lambda value, bound: value > bound,
    ">=": lambda value, bound: value >= bound,
}


def compile_pattern(text: str, encoded: str | None = None) -> Match:
    """The predicate of a pattern. The event's member `encoded` (a Kinesis record's `data`, a message's
    `body`) holds bytes: a pattern of members takes it as JSON, a list as plain text. Raises InvalidPattern.
    """
    try:
        pattern = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise InvalidPattern(f"not JSON: {error}") from None
    if not isinstance(pattern, dict) or not pattern:
        raise InvalidPattern("a pattern is an object with members")
    return _members(pattern, encoded)


def _members(pattern: Mapping[str, Any], encoded: str | None = None) -> Match:
    rules = [_member(name, rule, encoded) for name, rule in pattern.items()]
    return lambda value: all(rule(value) for rule in rules)


def _member(name: str, rule: Any, encoded: str | None) -> Match:
    if name == "$or":
        if not isinstance(rule, list) or len(rule) < 2 or not all(isinstance(each, dict) for each in rule):
            raise InvalidPattern("$or takes a list of at least two patterns")
        choices = [_members(each, encoded) for each in rule]
        return lambda value: any(choice(value) for choice in choices)
    matches = _text_or_json(rule) if name == encoded else _rule(name, rule)
    return lambda value: matches(value.get(name, MISSING) if isinstance(value, dict) else MISSING)


def _rule(name: str, rule: Any) -> Match:
    if isinstance(rule, dict):
        if not rule:
            raise InvalidPattern(f"{name} is an empty object")
        nested = _members(rule)
        return lambda value: any(map(nested, value)) if isinstance(value, list) and value else nested(value)
    if not isinstance(rule, list) or not rule:
        raise InvalidPattern(f"{name} must be an object or a list that is not empty")
    return _leaf(rule)


def _leaf(rule: list[Any]) -> Match:
    comparisons = [_comparison(each) for each in rule]

    def matches(value: Any) -> bool:
        values = value if isinstance(value, list) and value else [value]
        return any(comparison(each) for comparison in comparisons for each in values)

    return matches


def _text_or_json(rule: Any) -> Match:
    """docs: as above, Properly filtering: a pattern of one form drops data of the other."""
    matches = _rule("data", rule)
    wants_json = isinstance(rule, dict)

    def of_data(value: Any) -> bool:
        try:
            text = value.decode() if isinstance(value, bytes) else value
        except UnicodeDecodeError:
            return False
        try:
            parsed = orjson.loads(text)
        except (orjson.JSONDecodeError, TypeError):
            parsed = None
        if isinstance(parsed, dict):
            return wants_json and matches(parsed)
        return not wants_json and matches(text)

    return of_data


def _comparison(rule: Any) -> Match:
    if isinstance(rule, dict):
        if len(rule) != 1:
            raise InvalidPattern("a comparison has one operator")
        ((operator, operand),) = rule.items()
        make = _OPERATORS.get(operator)
        if make is None:
            raise InvalidPattern(f"the operator {operator} is not one of {sorted(_OPERATORS)}")
        return make(operand)
    if isinstance(rule, list):
        raise InvalidPattern("a list within a list")
    return lambda value: _same(value, rule)


def _same(value: Any, wanted: Any) -> bool:
    if isinstance(value, bool) or isinstance(wanted, bool):
        return value is wanted
    return bool(value == wanted)


def _is_text(operand: Any, operator: str) -> str:
    if not isinstance(operand, str):
        raise InvalidPattern(f"{operator} takes a string")
    return operand


def _prefix(operand: Any) -> Match:
    prefix = _is_text(operand, "prefix")
    return lambda value: isinstance(value, str) and value.startswith(prefix)


def _suffix(operand: Any) -> Match:
    suffix = _is_text(operand, "suffix")
    return lambda value: isinstance(value, str) and value.endswith(suffix)


def _equals_ignore_case(operand: Any) -> Match:
    wanted = _is_text(operand, "equals-ignore-case").casefold()
    return lambda value: isinstance(value, str) and value.casefold() == wanted


def _exists(operand: Any) -> Match:
    if not isinstance(operand, bool):
        raise InvalidPattern("exists takes true or false")
    # docs: as above: exists works on leaf nodes only
    return lambda value: (value is not MISSING and not isinstance(value, dict)) is operand


def _anything_but(operand: Any) -> Match:
    unwanted = operand if isinstance(operand, list) else [operand]
    if not unwanted or any(isinstance(each, list) for each in unwanted):
        raise InvalidPattern("anything-but takes a value, a list of values or a comparison")
    refused = [_comparison(each) for each in unwanted]
    return lambda value: value is not MISSING and not any(each(value) for each in refused)


def _numeric(operand: Any) -> Match:
    if not isinstance(operand, list) or len(operand) not in (2, 4):
        raise InvalidPattern("numeric takes one or two operators, each with a number")
    bounds = []
    for operator, bound in zip(operand[::2], operand[1::2], strict=True):
        compare = _COMPARISONS.get(operator) if isinstance(operator, str) else None
        if compare is None or isinstance(bound, bool) or not isinstance(bound, int | float):
            raise InvalidPattern(f"numeric takes no {operator} {bound}")
        bounds.append((compare, bound))

    def within(value: Any) -> bool:
        if isinstance(value, bool) or not isinstance(value, int | float):
            return False
        return all(compare(value, bound) for compare, bound in bounds)

    return within


_OPERATORS: Mapping[str, Callable[[Any], Match]] = {
    "anything-but": _anything_but,
    "equals-ignore-case": _equals_ignore_case,
    "exists": _exists,
    "numeric": _numeric,
    "prefix": _prefix,
    "suffix": _suffix,
}
