"""Helpers that ask what a value is, refuse and raise: the top level of `$util`.

docs: AppSync Developer Guide, Helper methods in $util, Utility helpers in $util (read 2026-11)
"""

from __future__ import annotations

import base64
import binascii
import os
import re
import uuid
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote_plus, unquote_plus

import orjson

from harness.emulator.services.appsync.resolvers.failures import ResolverFailure, Unauthorized
from harness.emulator.services.appsync.resolvers.invocation import Invocation
from harness.emulator.vtl import TemplateFailure, Value, to_json, to_text
from harness.emulator.vtl.java import JAVA_METHODS

Methods = dict[tuple[str, int], Callable[..., Value]]


class Util:
    """`$util` within one run of a resolver."""

    __slots__ = ("call",)

    def __init__(self, call: Invocation) -> None:
        self.call = call


def _text(value: Value) -> str | None:
    return None if value is None else to_text(value)


def failure(*given: Value) -> ResolverFailure:
    """The error that `message`, `type`, `data` and `errorInfo` describe."""
    message, kind, data, info = (*given, None, None, None)[:4]
    return ResolverFailure(to_text(message), _text(kind), data, info)


def _error(_: Util, *given: Value) -> Value:
    raise failure(*given)


def _append_error(util: Util, *given: Value) -> Value:
    util.call.appended.append(failure(*given))
    return ""


def _validate(_: Util, holds: Value, *given: Value) -> Value:
    if holds is not True:
        message, kind, data = (*given, None, None)[:3]
        kind = "CustomTemplateException" if len(given) < 2 else kind
        raise failure(message, kind, data)
    return ""


def _unauthorized(util: Util) -> Value:
    raise Unauthorized(util.call.field.name, util.call.field.type_name)


_AUTH_TYPES: Mapping[str, str] = {
    "API_KEY": "API Key Authorization",
    "AWS_IAM": "IAM Authorization",
    "AMAZON_COGNITO_USER_POOLS": "User Pool Authorization",
    "AWS_LAMBDA": "Lambda Authorization",
}


def type_of(value: Value) -> str:
    """`$util.typeOf`"""
    if value is None:
        return "Null"
    if isinstance(value, bool):
        return "Boolean"
    if isinstance(value, int | float):
        return "Number"
    if isinstance(value, str):
        return "String"
    if isinstance(value, dict):
        return "Map"
    return "List" if isinstance(value, list) else "Object"


def _is_empty(value: Value) -> bool:
    return value is None or value == ""


def _is_blank(value: Value) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


def _parse_json(value: Value) -> Value:
    if value is None:
        return None
    try:
        return orjson.loads(to_text(value))
    except orjson.JSONDecodeError as error:
        raise ResolverFailure(f"Unable to parse the JSON document: '{error}'", "MappingTemplate") from None


def _encoded(value: Value) -> bytes:
    text = to_json(value) if isinstance(value, dict | list) else to_text(value)
    return text.encode("utf-8", "surrogatepass")


def base64_decode(value: Value) -> Value:
    """`$util.base64Decode`"""
    if value is None:
        return None
    try:
        return base64.b64decode(_encoded(value)).decode("utf-8", "replace")
    except (binascii.Error, ValueError):
        raise TemplateFailure("$util.base64Decode was given no base64") from None


def url_encode(value: Value) -> Value:
    """As Java's URLEncoder."""
    return None if value is None else quote_plus(_encoded(value), safe="*").replace("~", "%7E")


_ESCAPED = re.compile(r"""[^ !#-&(-.0-\[\]-~]""")
_SHORT = {"\b": "\\b", "\n": "\\n", "\t": "\\t", "\f": "\\f", "\r": "\\r"}
_SHORT |= {character: "\\" + character for character in "'\"\\/"}


def escape_javascript(value: Value) -> Value:
    """As Apache Commons' escapeEcmaScript."""

    def escaped(found: re.Match[str]) -> str:
        character = found.group()
        units = character.encode("utf-16-be", "surrogatepass")
        return _SHORT.get(character) or "".join(
            f"\\u{units[at]:02X}{units[at + 1]:02X}" for at in range(0, len(units), 2)
        )

    return None if value is None else _ESCAPED.sub(escaped, to_text(value))


_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_KSUID_EPOCH_S = 1_400_000_000


def _in_base(number: int, digits: str, length: int) -> str:
    out = ""
    for _ in range(length):
        number, digit = divmod(number, len(digits))
        out = digits[digit] + out
    return out


def ulid(now_s: float) -> str:
    """A ULID: 48 bits of milliseconds, 80 of chance."""
    return _in_base(int(now_s * 1000) << 80 | int.from_bytes(os.urandom(10)), _CROCKFORD, 26)


def ksuid(now_s: float) -> str:
    """A KSUID: 32 bits of seconds, 128 of chance."""
    return _in_base((int(now_s) - _KSUID_EPOCH_S) << 128 | int.from_bytes(os.urandom(16)), _BASE62, 27)


_matches: Any = JAVA_METHODS[str]["matches", 1]


def _matching(_: Util, pattern: Value, text: Value) -> Value:
    return type(text) is str and bool(_matches(text, pattern))


METHODS: Methods = {
    ("qr", 1): lambda _, __: "",
    ("quiet", 1): lambda _, __: "",
    ("escapeJavaScript", 1): lambda _, value: escape_javascript(value),
    ("urlEncode", 1): lambda _, value: url_encode(value),
    ("urlDecode", 1): lambda _, value: None if value is None else unquote_plus(to_text(value)),
    ("base64Encode", 1): lambda _, value: (
        None if value is None else base64.b64encode(_encoded(value)).decode()
    ),
    ("base64Decode", 1): lambda _, value: base64_decode(value),
    ("parseJson", 1): lambda _, value: _parse_json(value),
    ("toJson", 1): lambda _, value: to_json(value),
    ("autoId", 0): lambda _: str(uuid.uuid4()),
    ("autoUlid", 0): lambda util: ulid(util.call.request.clock()),
    ("autoKsuid", 0): lambda util: ksuid(util.call.request.clock()),
    ("unauthorized", 0): _unauthorized,
    **{("error", count): _error for count in (1, 2, 3, 4)},
    **{("appendError", count): _append_error for count in (1, 2, 3, 4)},
    **{("validate", count): _validate for count in (2, 3, 4)},
    ("isNull", 1): lambda _, value: value is None,
    ("isNullOrEmpty", 1): lambda _, value: _is_empty(value),
    ("isNullOrBlank", 1): lambda _, value: _is_blank(value),
    ("defaultIfNull", 2): lambda _, value, default: default if value is None else value,
    ("defaultIfNullOrEmpty", 2): lambda _, value, default: default if _is_empty(value) else value,
    ("defaultIfNullOrBlank", 2): lambda _, value, default: default if _is_blank(value) else value,
    ("isString", 1): lambda _, value: isinstance(value, str),
    ("isNumber", 1): lambda _, value: isinstance(value, int | float) and not isinstance(value, bool),
    ("isBoolean", 1): lambda _, value: isinstance(value, bool),
    ("isList", 1): lambda _, value: isinstance(value, list),
    ("isMap", 1): lambda _, value: isinstance(value, dict),
    ("typeOf", 1): lambda _, value: type_of(value),
    ("matches", 2): _matching,
    ("authType", 0): lambda util: _AUTH_TYPES[util.call.request.identity.mode],
}
