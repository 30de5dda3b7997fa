"""What requests have in common: names, choices and numbers checked as AWS checks them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from harness.emulator.services.dynamodb.errors import constraint, invalid, not_json_type

Request = Mapping[str, Any]
"""The input of an operation, parsed."""
Answer = dict[str, Any]
"""The output of an operation, for orjson; stored items go in as they are held."""

_NAME = re.compile(r"[a-zA-Z0-9_.-]+")
_ARN = re.compile(r"arn:aws[a-z-]*:dynamodb:[^:]*:[^:]*:table/([^/]+).*")
MIN_NAME = 3
MAX_NAME = 255
CAPACITY_MODES = ("INDEXES", "TOTAL", "NONE")
COLLECTION_METRICS = ("SIZE", "NONE")


def table_name(request: Request, member: str = "TableName") -> str:
    """The name of the table, given by name or by ARN. Raises AwsError when it can be no name."""
    name = request.get(member)
    if name is None:
        raise invalid(f"The parameter '{member}' is required but was not present in the request")
    if type(name) is not str:
        raise not_json_type(name, "String")
    if match := _ARN.fullmatch(name):
        return match[1]
    return checked_name(name, member)


def checked_name(name: Any, member: str) -> str:
    """A table's or an index's name. Raises AwsError when it breaks AWS's rules for names."""
    lower = member[0].lower() + member[1:]
    if name is None:
        raise constraint(None, lower, "Member must not be null")
    if type(name) is not str:
        raise not_json_type(name, "String")
    if not _NAME.fullmatch(name):
        raise constraint(name, lower, f"Member must satisfy regular expression pattern: {_NAME.pattern}")
    if not MIN_NAME <= len(name) <= MAX_NAME:
        raise invalid(
            f"{member} must be at least {MIN_NAME} characters long and at most {MAX_NAME} characters long"
        )
    return name


def choice(request: Request, member: str, allowed: Sequence[str], default: str) -> str:
    """One of the values that a member may have. Raises AwsError for another."""
    value = request.get(member)
    if value is None:
        return default
    if value not in allowed:
        raise constraint(
            value,
            member[0].lower() + member[1:],
            f"Member must satisfy enum value set: [{', '.join(allowed)}]",
        )
    return str(value)


def text(request: Request, member: str) -> str | None:
    """A string member. Raises AwsError when it is of another type."""
    value = request.get(member)
    if value is not None and type(value) is not str:
        raise not_json_type(value, "String")
    return value


def flag(request: Request, member: str, *, default: bool = False) -> bool:
    """A boolean member. Raises AwsError when it is of another type."""
    value = request.get(member)
    if value is None:
        return default
    if type(value) is not bool:
        raise not_json_type(value, "Boolean")
    return value


def whole_number(request: Request, member: str, *, at_least: int, at_most: int | None = None) -> int | None:
    """An integer member. Raises AwsError when it is of another type or out of range."""
    value = request.get(member)
    if value is None:
        return None
    if type(value) is not int:
        raise not_json_type(value, "Integer")
    lower = member[0].lower() + member[1:]
    if value < at_least:
        raise constraint(value, lower, f"Member must have value greater than or equal to {at_least}")
    if at_most is not None and value > at_most:
        raise constraint(value, lower, f"Member must have value less than or equal to {at_most}")
    return value


def listed(request: Request, member: str) -> list[Any]:
    """A list member; empty when absent. Raises AwsError when it is of another type."""
    value = request.get(member)
    if value is None:
        return []
    if type(value) is not list:
        raise not_json_type(value, "List")
    return value


def structure(value: Any, member: str) -> dict[str, Any]:
    """A structure. Raises AwsError when it is missing or of another type."""
    if value is None:
        raise constraint(None, member[0].lower() + member[1:], "Member must not be null")
    if type(value) is not dict:
        raise not_json_type(value, "Structure")
    return value
