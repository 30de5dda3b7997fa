"""Checks an operation's input against its rules, and says what AWS says when it breaks one.

First the types (SerializationException, the first one found), then the constraints (ValidationException,
all of them in one message). A rule describes one member; `shapes.py` holds the rules of every operation.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from harness.emulator.services.base import AwsError

_LIST_FOUND = "Start of list found where not expected"
_STRUCTURE_FOUND = "Start of structure or map found where not expected."


class Rule(Protocol):
    """What one member may hold. `None` never reaches a rule: AWS takes a null member as absent."""

    @property
    def required(self) -> bool:
        """Whether the member must be there."""

    def check_type(self, value: Any) -> None:
        """Raises AwsError SerializationException when the value has the wrong JSON type."""

    def broken(self, value: Any, path: str) -> Iterator[str]:
        """What the value breaks, each as `Value '...' at '<path>' failed to satisfy constraint: ...`."""


def check(rules: Mapping[str, Rule], body: Mapping[str, Any]) -> None:
    """Raises AwsError SerializationException or ValidationException when `body` breaks `rules`.

    Members without a rule are let pass, as AWS does."""
    check_types(rules, body)
    broken = list(broken_constraints(rules, body, ""))
    if broken:
        errors = "error" if len(broken) == 1 else "errors"
        raise AwsError(
            "ValidationException", f"{len(broken)} validation {errors} detected: {'; '.join(broken)}"
        )


def check_types(rules: Mapping[str, Rule], body: Mapping[str, Any]) -> None:
    """The first half of `check`."""
    for name, rule in rules.items():
        value = body.get(name)
        if value is not None:
            rule.check_type(value)


def broken_constraints(rules: Mapping[str, Rule], body: Mapping[str, Any], prefix: str) -> Iterator[str]:
    """The second half of `check`."""
    for name, rule in rules.items():
        path = prefix + name[0].lower() + name[1:]
        value = body.get(name)
        if value is not None:
            yield from rule.broken(value, path)
        elif rule.required:
            yield f"Value null at '{path}' failed to satisfy constraint: Member must not be null"


def _broken(value: object, path: str, constraint: str) -> str:
    return f"Value '{value}' at '{path}' failed to satisfy constraint: Member must {constraint}"


def _java_class(value: object) -> str:
    if isinstance(value, bool):
        return "class java.lang.Boolean"
    if isinstance(value, str):
        return "class java.lang.String"
    return "class com.amazon.coral.value.json.numbers.TruncatingBigNumber"


def _wrong_type(value: object, wanted: str) -> AwsError:
    if isinstance(value, list):
        message = _LIST_FOUND
    elif isinstance(value, dict):
        message = _STRUCTURE_FOUND
    else:
        message = f"{_java_class(value)} can not be converted to {wanted}"
    return AwsError("SerializationException", message)


def _wrong_container(value: object, wanted: str) -> AwsError:
    if isinstance(value, list):
        return AwsError("SerializationException", _LIST_FOUND)
    if isinstance(value, dict):
        return AwsError("SerializationException", _STRUCTURE_FOUND)
    return AwsError("SerializationException", wanted)


@dataclass(frozen=True)
class Text:
    """A string, by length, pattern or a set of values."""

    min_length: int = 0
    max_length: int | None = None
    pattern: str | None = None
    one_of: tuple[str, ...] = ()
    required: bool = False

    def check_type(self, value: Any) -> None:
        """It must be a string."""
        if not isinstance(value, str):
            raise _wrong_type(value, "an String")

    def broken(self, value: str, path: str) -> Iterator[str]:
        """See Rule."""
        if self.one_of and value not in self.one_of:
            yield _broken(value, path, f"satisfy enum value set: [{', '.join(self.one_of)}]")
        if self.pattern is not None and not re.fullmatch(self.pattern, value, re.ASCII):
            yield _broken(value, path, f"satisfy regular expression pattern: {self.pattern}")
        if len(value) < self.min_length:
            yield _broken(value, path, f"have length greater than or equal to {self.min_length}")
        if self.max_length is not None and len(value) > self.max_length:
            yield _broken(value, path, f"have length less than or equal to {self.max_length}")


@dataclass(frozen=True)
class Whole:
    """An integer within bounds; a fraction is cut off, as AWS does."""

    minimum: int | None = None
    maximum: int | None = None
    required: bool = False

    def check_type(self, value: Any) -> None:
        """It must be a number."""
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise _wrong_type(value, "an Integer")

    def broken(self, value: float, path: str) -> Iterator[str]:
        """See Rule."""
        if self.minimum is not None and int(value) < self.minimum:
            yield _broken(int(value), path, f"have value greater than or equal to {self.minimum}")
        if self.maximum is not None and int(value) > self.maximum:
            yield _broken(int(value), path, f"have value less than or equal to {self.maximum}")


@dataclass(frozen=True)
class Moment:
    """A timestamp: seconds since the epoch, with a fraction."""

    required: bool = False

    def check_type(self, value: Any) -> None:
        """It must be a number."""
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise _wrong_type(value, "an Date")

    def broken(self, value: float, path: str) -> Iterator[str]:  # noqa: ARG002
        """See Rule."""
        return iter(())


@dataclass(frozen=True)
class Blob:
    """Bytes in base64."""

    max_bytes: int
    required: bool = False

    def check_type(self, value: Any) -> None:
        """It must be a string of base64."""
        if not isinstance(value, str):
            raise _wrong_type(value, "a Blob")
        problem = base64_problem(value)
        if problem:
            raise AwsError("SerializationException", f"'{value}' can not be converted to a Blob: {problem}")

    def broken(self, value: str, path: str) -> Iterator[str]:
        """See Rule."""
        size = len(binascii.a2b_base64(value))
        if size > self.max_bytes:
            shown = f"java.nio.HeapByteBuffer[pos=0 lim={size} cap={size}]"
            yield _broken(shown, path, f"have length less than or equal to {self.max_bytes}")


def base64_problem(text: str) -> str | None:
    """What is wrong with a text that should be base64, in AWS's words; None when nothing is."""
    if len(text) % 4:
        return f"Base64 encoded length is expected a multiple of 4 bytes but found: {len(text)}"
    wrong = re.search(r"[^A-Za-z0-9+/=]|=(?!=?$)", text)
    if wrong:
        return f"Invalid Base64 character: '{wrong[0]}'"
    try:
        binascii.a2b_base64(text, strict_mode=True)
    except binascii.Error as error:
        return str(error)
    if not ends_canonically(text):
        return "Invalid last non-pad Base64 character dectected"  # AWS's own spelling
    return None


def ends_canonically(text: str) -> bool:
    """Whether the bits that the padding of a valid base64 text leaves over are zero, as AWS wants them."""
    if text[-1:] != "=":
        return True
    return text[-3] in "AQgw" if text[-2] == "=" else text[-2] in "AEIMQUYcgkosw048"


@dataclass(frozen=True)
class TextList:
    """A list of strings."""

    min_items: int
    max_items: int
    item: Text
    required: bool = False

    def check_type(self, value: Any) -> None:
        """It must be a list of strings."""
        if not isinstance(value, list):
            raise _wrong_container(value, "Expected list or null")
        for item in value:
            self.item.check_type(item)

    def broken(self, value: list[str], path: str) -> Iterator[str]:
        """See Rule."""
        shown = f"[{', '.join(value)}]"
        if len(value) < self.min_items:
            yield _broken(shown, path, f"have length greater than or equal to {self.min_items}")
        if len(value) > self.max_items:
            yield _broken(shown, path, f"have length less than or equal to {self.max_items}")
        for i, item in enumerate(value, 1):
            yield from self.item.broken(item, f"{path}.{i}.member")


@dataclass(frozen=True)
class TextMap:
    """A map of strings to strings."""

    min_items: int
    max_items: int
    key: Text
    value: Text
    required: bool = False

    def check_type(self, value: Any) -> None:
        """It must be a map of strings."""
        if not isinstance(value, dict):
            raise _wrong_container(value, "Expected map or null")
        for item in value.values():
            self.value.check_type(item)

    def broken(self, value: dict[str, str], path: str) -> Iterator[str]:
        """See Rule."""
        shown = "{" + ", ".join(f"{key}={item}" for key, item in value.items()) + "}"
        if len(value) < self.min_items:
            yield _broken(shown, path, f"have length greater than or equal to {self.min_items}")
        if len(value) > self.max_items:
            yield _broken(shown, path, f"have length less than or equal to {self.max_items}")
        for key, item in value.items():
            yield from self.key.broken(key, f"{path}.{key}.key")
            yield from self.value.broken(item, f"{path}.{key}.member")


@dataclass(frozen=True)
class Structure:
    """A structure of further members."""

    members: Mapping[str, Rule] = field(default_factory=dict)
    required: bool = False

    def check_type(self, value: Any) -> None:
        """It must be a structure."""
        if not isinstance(value, dict):
            raise _wrong_container(value, "Expected null")
        check_types(self.members, value)

    def broken(self, value: dict[str, Any], path: str) -> Iterator[str]:
        """See Rule."""
        yield from broken_constraints(self.members, value, f"{path}.")


@dataclass(frozen=True)
class StructureList:
    """A list of structures."""

    min_items: int
    max_items: int
    item: Structure
    required: bool = False

    def check_type(self, value: Any) -> None:
        """It must be a list of structures."""
        if not isinstance(value, list):
            raise _wrong_container(value, "Expected list or null")
        for item in value:
            self.item.check_type(item)

    def broken(self, value: list[dict[str, Any]], path: str) -> Iterator[str]:
        """See Rule."""
        shown = "[]" if not value else f"[{len(value)} structures]"
        if len(value) < self.min_items:
            yield _broken(shown, path, f"have length greater than or equal to {self.min_items}")
        if len(value) > self.max_items:
            yield _broken(shown, path, f"have length less than or equal to {self.max_items}")
        for i, item in enumerate(value, 1):
            yield from self.item.broken(item, f"{path}.{i}.member")
