"""Small conversions between Cognito's JSON and ours."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from harness.emulator.services.cognito.users import User


def attribute_values(given: Iterable[Mapping[str, Any]] | None) -> dict[str, str]:
    """A list of `{"Name": ..., "Value": ...}` as a dictionary; a missing value is an empty one."""
    return {str(item["Name"]): str(item.get("Value") or "") for item in given or ()}


def attribute_list(values: Mapping[str, str]) -> list[dict[str, str]]:
    """The inverse."""
    return [{"Name": name, "Value": value} for name, value in values.items()]


def user_shape(
    user: User, attributes: Mapping[str, str] | None = None, key: str = "Attributes"
) -> dict[str, Any]:
    """A UserType; AdminGetUser has its attributes under another `key`."""
    return {
        "Username": user.username,
        key: attribute_list(user.all_attributes() if attributes is None else attributes),
        "UserCreateDate": user.created_s,
        "UserLastModifiedDate": user.modified_s,
        "Enabled": user.enabled,
        "UserStatus": user.status,
    }
