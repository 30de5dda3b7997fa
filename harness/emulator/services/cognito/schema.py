"""The attributes that a pool's users may have: the standard ones of OpenID Connect and the pool's own.

docs: Cognito Developer Guide, Working with user attributes (read 2026)
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from harness.emulator.services.cognito.errors import invalid_parameter

MAX_VALUE_BYTES = 2_048
MAX_CUSTOM_ATTRIBUTES = 50
_MAX_CUSTOM_NAME = 20
_EMAIL = re.compile(r"[^\s@<>()\[\],;:\\\"]+@[^\s@.<>()\[\],;:\\\"]+(\.[^\s@.<>()\[\],;:\\\"]+)*")
_PHONE = re.compile(r"\+[0-9]{1,15}", re.ASCII)
_WHOLE = re.compile(r"-?[0-9]{1,18}", re.ASCII)
_TEXT_NAMES = (
    *("name", "given_name", "family_name", "middle_name", "nickname", "preferred_username", "profile"),
    *("picture", "website", "email", "gender", "birthdate", "zoneinfo", "locale", "phone_number", "address"),
)
_TYPES = ("Boolean", "DateTime", "Number", "String")
VERIFIABLE = ("email", "phone_number")


@dataclass(frozen=True, slots=True)
class Attribute:
    """One attribute of a pool. Bounds are of the length for a String, of the value for a Number."""

    name: str
    data_type: str
    mutable: bool = True
    required: bool = False
    minimum: int | None = None
    maximum: int | None = None
    developer_only: bool = False

    def describe(self) -> dict[str, Any]:
        """As DescribeUserPool shows it."""
        shown: dict[str, Any] = {
            "Name": self.name,
            "AttributeDataType": self.data_type,
            "DeveloperOnlyAttribute": self.developer_only,
            "Mutable": self.mutable,
            "Required": self.required,
        }
        bounds = {"String": ("Length", "String"), "Number": ("Value", "Number")}.get(self.data_type)
        if bounds is not None:
            suffix, kind = bounds
            shown[f"{kind}AttributeConstraints"] = {
                f"{which}{suffix}": str(bound)
                for which, bound in (("Min", self.minimum), ("Max", self.maximum))
                if bound is not None
            }
        return shown

    def check(self, value: str) -> None:
        """Raises AwsError InvalidParameterException when the attribute cannot have that value."""
        if len(value.encode()) > MAX_VALUE_BYTES:
            raise _unfit(self.name, "String must be no longer than 2048 bytes")
        if self.data_type == "Boolean":
            if value not in ("true", "false"):
                raise _unfit(self.name, "Value must be true or false")
        elif self.data_type == "String":
            self._check_bounds(len(value), "String must be {} characters or {}", ("longer", "shorter"))
        elif not _WHOLE.fullmatch(value):
            raise _unfit(self.name, "Value must be a whole number")
        elif self.data_type == "Number":
            self._check_bounds(int(value), "Number must be {} or {}", ("more", "less"))
        if self.name == "email" and value and not _EMAIL.fullmatch(value):
            raise invalid_parameter("Invalid email address format.")
        if self.name == "phone_number" and value and not _PHONE.fullmatch(value):
            raise invalid_parameter("Invalid phone number format.")

    def _check_bounds(self, size: int, text: str, words: tuple[str, str]) -> None:
        if self.minimum is not None and size < self.minimum:
            raise _unfit(self.name, text.format(self.minimum, words[0]))
        if self.maximum is not None and size > self.maximum:
            raise _unfit(self.name, text.format(self.maximum, words[1]))


def _standard() -> Iterable[Attribute]:
    yield Attribute("sub", "String", mutable=False, required=True, minimum=1, maximum=2_048)
    for name in _TEXT_NAMES:
        exact = name == "birthdate"
        yield Attribute(name, "String", minimum=10 if exact else 0, maximum=10 if exact else 2_048)
    yield Attribute("email_verified", "Boolean")
    yield Attribute("phone_number_verified", "Boolean")
    yield Attribute("updated_at", "Number", minimum=0)


STANDARD: Mapping[str, Attribute] = {attribute.name: attribute for attribute in _standard()}


class Schema:
    """The attributes of one pool, standard ones first."""

    def __init__(self, given: Iterable[Mapping[str, Any]] = ()) -> None:
        self.attributes: dict[str, Attribute] = dict(STANDARD)
        for item in given:
            name = str(item.get("Name", ""))
            if name in STANDARD:
                self.attributes[name] = _changed_standard(STANDARD[name], item)
            else:
                self.add_custom(item)

    @property
    def required(self) -> list[str]:
        """What a user must have, but for `sub`, which Cognito gives."""
        return [name for name, a in self.attributes.items() if a.required and name != "sub"]

    def add_custom(self, item: Mapping[str, Any]) -> None:
        """Add an attribute of the pool's own. Raises AwsError InvalidParameterException."""
        attribute = _custom(item)
        if attribute.name in self.attributes:
            raise invalid_parameter(
                f"{attribute.name}: Existing attribute already has name {attribute.name}."
            )
        if sum(name not in STANDARD for name in self.attributes) >= MAX_CUSTOM_ATTRIBUTES:
            raise invalid_parameter("A user pool can have 50 custom attributes at most.")
        self.attributes[attribute.name] = attribute

    def known(self, name: str) -> Attribute:
        """The attribute. Raises AwsError InvalidParameterException when the pool has none of that name."""
        attribute = self.attributes.get(name)
        if attribute is None:
            raise _unfit(name, "Attribute does not exist in the schema.")
        return attribute

    def check_new(self, values: Mapping[str, str], *, demand_required: bool) -> None:
        """The attributes of a new user. Raises AwsError InvalidParameterException."""
        for name, value in values.items():
            attribute = self.known(name)
            if name == "sub":
                raise invalid_parameter("Cannot modify the non-mutable attribute sub")
            attribute.check(value)
        if demand_required:
            for name in self.required:
                if not values.get(name):
                    raise _unfit(name, f"The attribute {name} is required")

    def check_change(self, values: Mapping[str, str]) -> None:
        """New values of a user's attributes. Raises AwsError InvalidParameterException."""
        for name, value in values.items():
            attribute = self.known(name)
            if not attribute.mutable:
                raise invalid_parameter(
                    f"user.{name}: Attribute cannot be updated. (changing an immutable attribute)"
                )
            attribute.check(value)
            if attribute.required and not value:
                raise _unfit(name, f"The attribute {name} is required")

    def check_removal(self, names: Iterable[str]) -> None:
        """Attributes that a user is to lose. Raises AwsError InvalidParameterException."""
        for name in names:
            attribute = self.known(name)
            if attribute.required:
                raise _unfit(name, f"The attribute {name} is required")
            if not attribute.mutable:
                raise invalid_parameter(f"user.{name}: Attribute cannot be updated.")

    def describe(self) -> list[dict[str, Any]]:
        """As DescribeUserPool shows it."""
        return [attribute.describe() for attribute in self.attributes.values()]


def _custom(item: Mapping[str, Any]) -> Attribute:
    name, data_type = str(item.get("Name", "")), item.get("AttributeDataType")
    if not name or len(name) > _MAX_CUSTOM_NAME:
        raise invalid_parameter("The name of a custom attribute has 1 to 20 characters.")
    if data_type not in _TYPES:
        raise invalid_parameter(
            "Invalid AttributeDataType input, consider using the provided AttributeDataType enum."
        )
    if item.get("Required"):
        raise invalid_parameter("Required custom attributes are not supported currently.")
    developer_only = bool(item.get("DeveloperOnlyAttribute"))
    minimum, maximum = _bounds(name, data_type, item)
    return Attribute(
        ("dev:custom:" if developer_only else "custom:") + name,
        data_type,
        mutable=bool(item.get("Mutable", True)),
        minimum=minimum,
        maximum=maximum,
        developer_only=developer_only,
    )


def _changed_standard(standard: Attribute, item: Mapping[str, Any]) -> Attribute:
    name = standard.name
    if item.get("AttributeDataType", standard.data_type) != standard.data_type or item.get(
        "DeveloperOnlyAttribute"
    ):
        raise invalid_parameter(
            f"You can not change AttributeDataType or set developerOnlyAttribute for standard schema "
            f"attribute {name}"
        )
    minimum, maximum = _bounds(name, standard.data_type, item)
    return Attribute(
        name,
        standard.data_type,
        mutable=bool(item.get("Mutable", standard.mutable)),
        required=bool(item.get("Required", standard.required)),
        minimum=standard.minimum if minimum is None else minimum,
        maximum=standard.maximum if maximum is None else maximum,
    )


def _bounds(name: str, data_type: str, item: Mapping[str, Any]) -> tuple[int | None, int | None]:
    kind, suffix = ("Number", "Value") if data_type == "Number" else ("String", "Length")
    constraints = item.get(f"{kind}AttributeConstraints") or {}
    found = []
    for which in ("Min", "Max"):
        bound = constraints.get(which + suffix)
        if bound is not None and not _WHOLE.fullmatch(str(bound)):
            raise invalid_parameter(f"Invalid {kind}AttributeConstraints for schema attribute {name}")
        found.append(None if bound is None else int(bound))
    minimum, maximum = found
    if data_type == "String" and max(minimum or 0, maximum or 0) > MAX_VALUE_BYTES:
        raise invalid_parameter(f"user.{name}: String attributes cannot have a length of more than 2048")
    if minimum is not None and maximum is not None and minimum > maximum:
        raise invalid_parameter(
            f"user.{name}: Max {suffix.lower()} cannot be less than min {suffix.lower()}."
        )
    return minimum, maximum


def _unfit(name: str, why: str) -> Exception:
    return invalid_parameter(f"Attributes did not conform to the schema: {name}: {why}")
