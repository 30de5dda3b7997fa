"""Reads the members of an operation's input, each checked as the API's model says."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

from harness.emulator.services.appsync.errors import bad_request

_NAME = re.compile(r"[_A-Za-z][_0-9A-Za-z]*")
_MAX_NAME = 65_536


def invalid(name: str, constraint: str) -> Exception:
    """BadRequestException: the member `name` breaks `constraint`."""
    return bad_request(f"Invalid value for '{name}': it must {constraint}.")


class Members:
    """The input of one operation, from path, query and body, under the API's member names. `within` is the
    structure that they are in, for messages.

    Every reader raises AwsError BadRequestException for a wrong value."""

    def __init__(self, values: Mapping[str, Any], within: str = "") -> None:
        self._values = values
        self._within = f"{within}." if within else ""

    def __contains__(self, name: str) -> bool:
        return self._values.get(name) is not None

    @property
    def raw(self) -> Mapping[str, Any]:
        """All members as they came."""
        return self._values

    def text(self, name: str, *, at_most: int | None = None) -> str | None:
        """A string, or None when it is not there."""
        value = self._values.get(name)
        if value is None:
            return None
        if not isinstance(value, str):
            raise invalid(self._within + name, "be a string")
        if at_most is not None and len(value) > at_most:
            raise invalid(self._within + name, f"have length less than or equal to {at_most}")
        return value

    def required_text(self, name: str) -> str:
        """A string that must be there and not be empty."""
        value = self.text(name)
        if not value:
            raise invalid(self._within + name, "not be empty")
        return value

    def name(self, name: str) -> str:
        """A required name, as GraphQL has names."""
        value = self.required_text(name)
        if len(value) > _MAX_NAME or not _NAME.fullmatch(value):
            raise invalid(self._within + name, "satisfy regular expression pattern: [_A-Za-z][_0-9A-Za-z]*")
        return value

    def one_of(self, name: str, allowed: Collection[str]) -> str | None:
        """One of the `allowed` strings, or None when it is not there."""
        value = self.text(name)
        if value is not None and value not in allowed:
            raise invalid(self._within + name, f"satisfy enum value set: [{', '.join(allowed)}]")
        return value

    def required_one_of(self, name: str, allowed: Collection[str]) -> str:
        """One of the `allowed` strings."""
        self.required_text(name)
        return self.one_of(name, allowed) or ""

    def integer(self, name: str, at_least: int, at_most: int) -> int | None:
        """An integer within bounds, or None when it is not there."""
        value = self._values.get(name)
        if value is None:
            return None
        if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,18}", value):
            value = int(value)  # a query string has no numbers
        if isinstance(value, bool) or not isinstance(value, int):
            raise invalid(self._within + name, "be an integer")
        if not at_least <= value <= at_most:
            raise invalid(self._within + name, f"be between {at_least} and {at_most}")
        return value

    def flag(self, name: str) -> bool | None:
        """A boolean, or None when it is not there."""
        value = self._values.get(name)
        if isinstance(value, str) and value in ("true", "false"):
            return value == "true"
        if value is not None and not isinstance(value, bool):
            raise invalid(self._within + name, "be a boolean")
        return value

    def structure(self, name: str) -> Members | None:
        """A structure's members, or None when it is not there."""
        value = self._values.get(name)
        if value is None:
            return None
        if not isinstance(value, dict):
            raise invalid(self._within + name, "be a structure")
        return Members(value, self._within + name)

    def structures(self, name: str) -> list[Members]:
        """A list of structures; empty when it is not there."""
        value = self._values.get(name)
        if value is None:
            return []
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            raise invalid(self._within + name, "be a list of structures")
        return [Members(item, f"{self._within}{name}[{at}]") for at, item in enumerate(value)]

    def texts(self, name: str) -> list[str]:
        """A list of strings; empty when it is not there."""
        value = self._values.get(name)
        if value is None:
            return []
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise invalid(self._within + name, "be a list of strings")
        return value

    def text_map(self, name: str) -> dict[str, str] | None:
        """A map of strings to strings, or None when it is not there."""
        value = self._values.get(name)
        if value is None:
            return None
        if not isinstance(value, dict) or not all(isinstance(item, str) for item in value.values()):
            raise invalid(self._within + name, "be a map of strings")
        return dict(value)
