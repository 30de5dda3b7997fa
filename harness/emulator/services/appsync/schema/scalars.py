"""The scalars: GraphQL's own as AppSync takes and gives them, and those that AppSync adds.

Input comes from variables and literals, output from resolvers. Input is checked strictly; output of GraphQL's
own scalars is converted where Java would convert it, as graphql-java does, on which AppSync runs: a number
becomes a String, "5" an Int.
docs: AppSync Developer Guide, Scalar types in AWS AppSync (read 2026-11)
"""

from __future__ import annotations

import ipaddress
import math
import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import orjson

from harness.emulator.vtl import to_text

Convert = Callable[[Any], Any]
MAX_INT = 2**31 - 1


class NotOfType(Exception):
    """The value cannot be one of this scalar. The message is the end of AppSync's sentence."""


class Scalar(NamedTuple):
    """A scalar by name: `take` makes a resolver's value of input, `give` a response's value of output. Both
    raise NotOfType."""

    name: str
    take: Convert
    give: Convert


def java_type(value: Any) -> str:
    """What Java calls the value's type, for messages."""
    if isinstance(value, bool):
        return "Boolean"
    if isinstance(value, int):
        return "Integer" if abs(value) <= MAX_INT else "BigInteger"
    if isinstance(value, float):
        return "Double"
    if isinstance(value, str):
        return "String"
    return "Map" if isinstance(value, dict) else "List" if isinstance(value, list) else "null"


def _expected(name: str, value: Any) -> NotOfType:
    return NotOfType(f"Expected type '{name}' but was '{java_type(value)}'.")


def _number(value: Any) -> int | float | None:
    """A number, also when it is written in a string."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return value
    if isinstance(value, str) and len(value) < 400:
        try:
            return int(value) if re.fullmatch(r"-?[0-9]+", value) else float(value)
        except ValueError:
            return None
    return None


def _take_int(value: Any) -> int:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not -MAX_INT - 1 <= value <= MAX_INT:
        raise _expected("Int", value)
    return value


def _give_int(value: Any) -> int:
    number = _number(value)
    if number is None or not math.isfinite(number) or number != int(number):
        raise _expected("Int", value)
    if not -MAX_INT - 1 <= number <= MAX_INT:
        raise _expected("Int", value)
    return int(number)


def _take_float(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise _expected("Float", value)
    return value


def _give_float(value: Any) -> float:
    number = _number(value)
    if number is None or not math.isfinite(number):
        raise _expected("Float", value)
    return number


def _take_string(value: Any) -> str:
    if not isinstance(value, str):
        raise _expected("String", value)
    return value


def _give_string(value: Any) -> str:
    return value if isinstance(value, str) else to_text(value)


def _take_boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise _expected("Boolean", value)
    return value


def _give_boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    if isinstance(value, int | float):
        return value != 0
    raise _expected("Boolean", value)


def _take_id(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise _expected("ID", value)
    return str(value)


def _give_id(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise _expected("ID", value)
    return to_text(value)


# -- AppSync's own

_OFFSET = r"(?:Z|[+-](?:0\d|1\d|2[0-3]):[0-5]\d(?::[0-5]\d)?)"
_DAY = r"(\d{4})-(\d\d)-(\d\d)"
_TIME = r"(?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d{0,9})?)?"
_DATE = re.compile(rf"{_DAY}{_OFFSET}?")
_TIME_OF_DAY = re.compile(rf"{_TIME}{_OFFSET}?")
_DATE_TIME = re.compile(rf"{_DAY}T{_TIME}{_OFFSET}")
_EMAIL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,253}[A-Za-z0-9])?")
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:(?://[^/\s:?#@]+[^\s]*|(?!//)[^\s]+)")
_PHONE = re.compile(r"\+?\(?\d[\d ()-]{5,24}")
_DAYS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def _is_day(found: re.Match[str] | None) -> bool:
    if found is None:
        return False
    year, month, day = int(found[1]), int(found[2]), int(found[3])
    if not 1 <= month <= 12 or not 1 <= day <= _DAYS[month - 1]:
        return False
    return (month, day) != (2, 29) or (year % 4 == 0 and (year % 100 != 0 or year % 400 == 0))


def _is_email(text: str) -> bool:
    return bool(_EMAIL.fullmatch(text)) and "." in text.rpartition("@")[2] and ".." not in text


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_interface(text)
    except ValueError:
        return False
    return not text.endswith("/")


def _is_phone(text: str) -> bool:
    """AWS asks libphonenumber; here a number has 7 to 15 digits, spaces and hyphens between them."""
    return bool(_PHONE.fullmatch(text)) and 7 <= sum(map(str.isdigit, text)) <= 15


def _shortened(value: Any) -> str:
    text = to_text(value)
    return text if len(text) <= 100 else text[:100] + "..."


def _text_scalar(name: str, called: str, fits: Callable[[str], bool]) -> Scalar:
    """A scalar that is a string which `fits`."""

    def take(value: Any) -> Any:
        if not isinstance(value, str) or not fits(value):
            raise NotOfType(f"Unable to parse `{_shortened(value)}` as a valid {called}.")
        return value

    def give(value: Any) -> Any:
        if not isinstance(value, str) or not fits(value):
            raise NotOfType(f"Unable to serialize `{_shortened(value)}` as a valid {called}.")
        return value

    return Scalar(name, take, give)


def _take_timestamp(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise NotOfType(f"Unable to parse `{_shortened(value)}` as a valid timestamp.")
    return value


def _give_timestamp(value: Any) -> int:
    number = _number(value)
    if number is None or not math.isfinite(number) or number != int(number):
        raise NotOfType(f"Unable to serialize `{_shortened(value)}` as a valid timestamp.")
    return int(number)


def _take_json(value: Any) -> Any:
    """Resolvers see what the JSON says, not its text."""
    try:
        return orjson.loads(_take_string(value))
    except (orjson.JSONDecodeError, NotOfType):
        raise NotOfType(f"Unable to parse `{_shortened(value)}` as valid JSON.") from None


def _give_json(value: Any) -> str:
    """Clients see text: a string that is no JSON is made one."""
    if isinstance(value, str):
        try:
            orjson.loads(value)
        except orjson.JSONDecodeError:
            pass
        else:
            return value
    try:
        return orjson.dumps(value).decode()
    except TypeError:
        raise NotOfType(f"Unable to serialize `{_shortened(value)}` as valid JSON.") from None


_ALL = (
    Scalar("Int", _take_int, _give_int),
    Scalar("Float", _take_float, _give_float),
    Scalar("String", _take_string, _give_string),
    Scalar("Boolean", _take_boolean, _give_boolean),
    Scalar("ID", _take_id, _give_id),
    _text_scalar("AWSDate", "Date Object", lambda text: _is_day(_DATE.fullmatch(text))),
    _text_scalar("AWSTime", "Time Object", lambda text: bool(_TIME_OF_DAY.fullmatch(text))),
    _text_scalar("AWSDateTime", "DateTime Object", lambda text: _is_day(_DATE_TIME.fullmatch(text))),
    Scalar("AWSTimestamp", _take_timestamp, _give_timestamp),
    _text_scalar("AWSEmail", "Email", _is_email),
    Scalar("AWSJSON", _take_json, _give_json),
    _text_scalar("AWSURL", "URL", lambda text: bool(_URL.fullmatch(text))),
    _text_scalar("AWSPhone", "Phone Number", _is_phone),
    _text_scalar("AWSIPAddress", "IP Address", _is_address),
)
SCALARS: Mapping[str, Scalar] = {scalar.name: scalar for scalar in _ALL}
AWS_SCALARS = tuple(name for name in SCALARS if name.startswith("AWS"))
