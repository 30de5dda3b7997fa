"""What one entry of a filter policy's array asks of a value, compiled to a function.

docs: SNS Developer Guide, String value matching, Numeric value matching, Key matching (read 2026). The
wording of refusals is AWS's, as its answers are known from others' recordings; it is not documented.
"""

from __future__ import annotations

import ipaddress
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

Value = str | int | float | bool | None
Test = Callable[[Value], bool]

MAX_NUMBER: Final = 1_000_000_000
DIGITS: Final = 5
"""docs: Filter policy constraints: from -10^9 to 10^9, with five digits after the decimal point"""
RESERVED: Final = frozenset(
    {"anything-but", "cidr", "equals-ignore-case", "exists", "numeric", "prefix", "suffix", "wildcard"}
)
_COMPARE: Final[Mapping[str, Callable[[float, float], bool]]] = {
    "<": operator.lt,
    "<=": operator.le,
    "=": operator.eq,
    ">": operator.gt,
    ">=": operator.ge,
}
_WILDCARD_PARTS = re.compile(r"\\([\\*])|(\*)|(\\)|([^\\*]+)", re.DOTALL)


class FilterPolicyError(Exception):
    """Why a policy is refused, in AWS's words after `FilterPolicy: `."""


def number(value: float) -> float:
    """A number as filters compare it. Raises FilterPolicyError when no filter may hold it."""
    if not -MAX_NUMBER <= value <= MAX_NUMBER:
        raise FilterPolicyError("Value must be between -1.0E9 and 1.0E9, inclusive")
    return round(value, DIGITS)


def is_number(value: object) -> bool:
    """Whether `value` is a JSON number: Python's booleans are ints, JSON's are not."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def compile_operator(name: str, given: Any) -> Test:
    """The test that `{name: given}` stands for; `exists` is not one, as it asks nothing of a value.

    Raises FilterPolicyError."""
    compiler = _COMPILERS.get(name)
    if compiler is None:
        raise FilterPolicyError(f"Unrecognized match type {name}")
    return compiler(given)


def _prefix(given: Any) -> Test:
    pattern = _string("prefix", given)
    return lambda value: isinstance(value, str) and value.startswith(pattern)


def _suffix(given: Any) -> Test:
    pattern = _string("suffix", given)
    return lambda value: isinstance(value, str) and value.endswith(pattern)


def _equals_ignore_case(given: Any) -> Test:
    pattern = _string("equals-ignore-case", given).lower()
    return lambda value: isinstance(value, str) and value.lower() == pattern


def _wildcard(given: Any) -> Test:
    """`*` stands for any characters, also none; a backslash makes it, or a backslash, stand for itself."""
    literals = [""]
    for escaped, star, stray, text in _WILDCARD_PARTS.findall(_string("wildcard", given)):
        if stray:
            raise FilterPolicyError("Invalid escape character at pos of wildcard pattern")
        if not star:
            literals[-1] += escaped or text
        elif len(literals) > 1 and not literals[-1]:
            raise FilterPolicyError("Consecutive wildcard characters are not allowed")
        else:
            literals.append("")
    if len(literals) == 1:
        exact = literals[0]
        return lambda value: value == exact
    first, *middle, last = literals
    return lambda value: isinstance(value, str) and _fits(value, first, middle, last)


def _fits(value: str, first: str, middle: Sequence[str], last: str) -> bool:
    """Whether `value` is `first`, then the literals of `middle` in order, then `last`, with anything between.
    Taking each at its first place is enough, so the time grows with the value only."""
    end = len(value) - len(last)
    if end < len(first) or not value.startswith(first) or not value.endswith(last):
        return False
    at = len(first)
    for literal in middle:
        at = value.find(literal, at, end)
        if at < 0:
            return False
        at += len(literal)
    return True


def _cidr(given: Any) -> Test:
    # AWS names the prefix operator here.
    address, slash, mask = _string("cidr", given, "prefix").partition("/")
    if not slash or "/" in mask:
        raise FilterPolicyError("Malformed CIDR, one '/' required")
    if not (mask.isascii() and mask.isdecimal()):
        raise FilterPolicyError("Malformed CIDR, mask bits must be an integer")
    try:
        network = ipaddress.ip_network(f"{address}/{mask}", strict=False)
    except ValueError:
        raise FilterPolicyError(f"Nonstandard IP address: {address}") from None

    def within(value: Value) -> bool:
        if not isinstance(value, str):
            return False
        try:
            return ipaddress.ip_address(value) in network
        except ValueError:
            return False

    return within


def _numeric(given: Any) -> Test:
    """`[">", 0, "<=", 150]`, or one comparison alone."""
    if not isinstance(given, list) or not given:
        raise FilterPolicyError("Invalid member in numeric match: ]")
    name, bound = _comparison(given[0], given[1:2], "Unrecognized numeric range operator")
    low = _COMPARE[name]
    if len(given) == 2:
        return lambda value: is_number(value) and low(round(value, DIGITS), bound)  # type: ignore[arg-type]
    if name not in (">", ">="):
        raise FilterPolicyError("Too many elements in numeric expression")
    if not isinstance(given[2], str):
        raise FilterPolicyError(f"Bad value in numeric range: {given[2]}")
    if given[2] not in ("<", "<="):
        raise FilterPolicyError(f"Bad numeric range operator: {given[2]}")
    name, top = _comparison(given[2], given[3:4], "Bad numeric range operator")
    high = _COMPARE[name]
    if top <= bound:
        raise FilterPolicyError("Bottom must be less than top")
    if len(given) > 4:
        raise FilterPolicyError("Too many terms in numeric range expression")

    def within(value: Value) -> bool:
        if not is_number(value):
            return False
        rounded = round(value, DIGITS)  # type: ignore[arg-type]
        return low(rounded, bound) and high(rounded, top)

    return within


def _comparison(name: Any, rest: Sequence[Any], unknown: str) -> tuple[str, float]:
    if not isinstance(name, str):
        raise FilterPolicyError(f"Invalid member in numeric match: {name}")
    if name not in _COMPARE:
        raise FilterPolicyError(f"{unknown}: {name}")
    if not rest or not is_number(rest[0]):
        raise FilterPolicyError(f"Value of {'equals' if name == '=' else name} must be numeric")
    return name, number(rest[0])


def _anything_but(given: Any) -> Test:
    """A value or a list of them, or a pattern (`{"prefix": "order-"}`), or a list of one kind of patterns."""
    if isinstance(given, dict):
        if len(given) != 1:
            raise FilterPolicyError("Only one key allowed in match expression")
        ((name, patterns),) = given.items()
        if name not in _NEGATABLE:
            raise FilterPolicyError(f"Unsupported anything-but pattern: {name}")
        if patterns == []:
            raise FilterPolicyError("Empty arrays are not allowed")
        several = patterns if isinstance(patterns, list) else [patterns]
        tests = [compile_operator(name, pattern) for pattern in several]
        return lambda value: not any(test(value) for test in tests)
    values = given if isinstance(given, list) else [given]
    if not values:
        raise FilterPolicyError("Empty arrays are not allowed")
    if all(isinstance(value, str) for value in values):
        strings = frozenset(values)
        return lambda value: not (isinstance(value, str) and value in strings)
    if all(is_number(value) for value in values):
        numbers = frozenset(number(value) for value in values)
        return lambda value: not (is_number(value) and round(value, DIGITS) in numbers)  # type: ignore[arg-type]
    raise FilterPolicyError(
        "Inside anything but list, either all values are number or string, mixed type is not supported"
    )


def _string(name: str, given: Any, said: str = "") -> str:
    if not isinstance(given, str):
        raise FilterPolicyError(f"{said or name} match pattern must be a string")
    return given


_NEGATABLE: Final = frozenset({"equals-ignore-case", "prefix", "suffix", "wildcard"})
_COMPILERS: Final[Mapping[str, Callable[[Any], Test]]] = {
    "anything-but": _anything_but,
    "cidr": _cidr,
    "equals-ignore-case": _equals_ignore_case,
    "numeric": _numeric,
    "prefix": _prefix,
    "suffix": _suffix,
    "wildcard": _wildcard,
}
