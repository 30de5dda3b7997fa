"""Reads the members of an operation's input, each checked as the API's model says."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from harness.emulator.services.lambda_.errors import invalid, validation

MISSING_TEXT = "not be null"


class Members:
    """The input of one operation: what the path, the query and the body say, under the API's member names.

    Every reader raises AwsError (ValidationException, InvalidParameterValueException) for a wrong value."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = values

    def __contains__(self, name: str) -> bool:
        return self._values.get(name) is not None

    def names(self) -> list[str]:
        """The members that are there."""
        return [name for name, value in self._values.items() if value is not None]

    def text(self, name: str) -> str | None:
        """A string, or None when it is not there."""
        value = self._values.get(name)
        if value is not None and not isinstance(value, str):
            raise validation(value, name, "be a string")
        return value

    def required_text(self, name: str) -> str:
        """A string that must be there and not be empty."""
        value = self.text(name)
        if not value:
            raise validation(value, name, MISSING_TEXT)
        return value

    def one_of(self, name: str, allowed: Collection[str]) -> str | None:
        """One of the `allowed` strings, or None when it is not there."""
        value = self.text(name)
        if value is not None and value not in allowed:
            raise validation(value, name, f"satisfy enum value set: [{', '.join(sorted(allowed))}]")
        return value

    def integer(self, name: str, at_least: int, at_most: int) -> int | None:
        """An integer within bounds, or None when it is not there."""
        value = self._values.get(name)
        if value is None:
            return None
        if isinstance(value, str) and value.lstrip("-").isdigit():
            value = int(value)  # a query string has no numbers
        if isinstance(value, bool) or not isinstance(value, int):
            raise validation(value, name, "be an integer")
        if value < at_least:
            raise validation(value, name, f"have value greater than or equal to {at_least}")
        if value > at_most:
            raise validation(value, name, f"have value less than or equal to {at_most}")
        return value

    def flag(self, name: str) -> bool | None:
        """A boolean, or None when it is not there."""
        value = self._values.get(name)
        if value is not None and not isinstance(value, bool):
            raise validation(value, name, "be a boolean")
        return value

    def seconds(self, name: str) -> float | None:
        """A timestamp in seconds since the epoch, or None when it is not there."""
        value = self._values.get(name)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
            raise validation(value, name, "be a timestamp")
        return value

    def structure(self, name: str) -> Members | None:
        """A structure's members, or None when it is not there."""
        value = self._values.get(name)
        if value is None:
            return None
        if not isinstance(value, dict):
            raise validation(value, name, "be a structure")
        return Members(value)

    def text_map(self, name: str) -> dict[str, str] | None:
        """A map of strings, or None when it is not there."""
        value = self._values.get(name)
        if value is None:
            return None
        if not isinstance(value, dict) or not all(isinstance(item, str) for item in value.values()):
            raise validation(value, name, "be a map of strings")
        return value

    def texts(self, name: str) -> list[str] | None:
        """A list of strings, or None when it is not there."""
        value = self._values.get(name)
        if value is None:
            return None
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise validation(value, name, "be a list of strings")
        return value

    def raw(self, name: str) -> Any:
        """The value as it came: for what is stored and given back, but not evaluated."""
        return self._values.get(name)

    def refuse(self, *names: str) -> None:
        """Refuse members whose function is not there, unless they are empty."""
        for name in names:
            if self._values.get(name):
                raise invalid(f"The embedded Lambda does not offer the member {name}.")
