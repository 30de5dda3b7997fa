"""The groups of helpers below `$util` (dynamodb, time, list, map, str, math, http, transform), and
`$extensions`.

docs: AppSync Developer Guide, Helper methods in $util; Extensions (read 2026-11)
"""

from __future__ import annotations

import random
import unicodedata
from collections.abc import Callable, Mapping
from typing import Any

from harness.emulator.services.appsync.attribute_values import number_text, typed
from harness.emulator.services.appsync.resolvers.failures import ResolverFailure
from harness.emulator.services.appsync.resolvers.invocation import Invocation
from harness.emulator.services.appsync.templates import times
from harness.emulator.services.appsync.templates.checks import METHODS as UTIL_METHODS
from harness.emulator.services.appsync.templates.checks import Methods, Util
from harness.emulator.services.appsync.templates.transforms import (
    dynamodb_expression,
    subscription_filter,
)
from harness.emulator.vtl import JavaList, TemplateFailure, Value, expose, to_json, to_text


class _Group:
    """A group of helpers within one run of a resolver."""

    __slots__ = ("call",)

    def __init__(self, call: Invocation) -> None:
        self.call = call


class DynamoDb(_Group):
    """`$util.dynamodb`"""

    __slots__ = ()


class Time(_Group):
    """`$util.time`"""

    __slots__ = ()


class Lists(_Group):
    """`$util.list`"""

    __slots__ = ()


class Maps(_Group):
    """`$util.map`"""

    __slots__ = ()


class Strings(_Group):
    """`$util.str`"""

    __slots__ = ()


class Numbers(_Group):
    """`$util.math`"""

    __slots__ = ()


class Http(_Group):
    """`$util.http`"""

    __slots__ = ()


class Transforms(_Group):
    """`$util.transform`"""

    __slots__ = ()


class Extensions(_Group):
    """`$extensions`"""

    __slots__ = ()


# -- dynamodb


def _items(value: Value) -> list[Any]:
    if not isinstance(value, list):
        raise TemplateFailure("A set must be made of a list")
    return value


def _s3_object(key: Value, bucket: Value, region: Value, version: Value = None) -> dict[str, Any]:
    inner = {"key": to_text(key), "bucket": to_text(bucket), "region": to_text(region)}
    if version is not None:
        inner["version"] = to_text(version)
    return {"S": to_json({"s3": inner})}


_TYPED: Mapping[str, Callable[..., Any]] = {
    "toDynamoDB": typed,
    "toString": lambda value: {"NULL": True} if value is None else {"S": to_text(value)},
    "toStringSet": lambda value: {"SS": [to_text(item) for item in _items(value)]},
    "toNumber": lambda value: typed(value) if value is None else {"N": _number(value)},
    "toNumberSet": lambda value: {"NS": [_number(item) for item in _items(value)]},
    "toBinary": lambda value: {"NULL": True} if value is None else {"B": to_text(value)},
    "toBinarySet": lambda value: {"BS": [to_text(item) for item in _items(value)]},
    "toBoolean": lambda value: {"NULL": True} if value is None else {"BOOL": value is True},
    "toList": lambda value: typed(value),
    "toMap": lambda value: typed(value),
    "toMapValues": lambda value: {name: typed(item) for name, item in _map(value).items()},
}


def _number(value: Value) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TemplateFailure(f"{to_text(value)[:60]} is not a number")
    return number_text(value)


def _map(value: Value) -> dict[Any, Any]:
    if not isinstance(value, dict):
        raise TemplateFailure("A map is needed")
    return value


def _dynamodb_methods() -> Methods:
    methods: Methods = {}
    for name, make in _TYPED.items():
        methods[name, 1] = lambda _, value, make=make: make(value)
        methods[name + "Json", 1] = lambda _, value, make=make: to_json(make(value))
    methods["toNull", 0] = lambda _: {"NULL": True}
    methods["toNullJson", 0] = lambda _: '{"NULL":true}'
    for count in (3, 4):
        methods["toS3Object", count] = lambda _, *given: _s3_object(*given)
        methods["toS3ObjectJson", count] = lambda _, *given: to_json(_s3_object(*given))
    methods["fromS3ObjectJson", 1] = lambda _, value: UTIL_METHODS["parseJson", 1](None, value)
    return methods


# -- time


def _timely(work: Callable[..., Any]) -> Callable[..., Any]:
    """A helper whose wrong arguments end the template."""

    def method(group: Time, *given: Value) -> Value:
        try:
            return work(group, *given)
        except times.BadTime as error:
            raise TemplateFailure(str(error)) from None

    return method


def _milliseconds(value: Value) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise times.BadTime(f"{to_text(value)[:60]} is not a number of milliseconds")
    return value


def _now_s(group: Time) -> float:
    return group.call.request.clock()


_TIME: Methods = {
    ("nowISO8601", 0): lambda group: times.iso8601(_now_s(group)),
    ("nowEpochSeconds", 0): lambda group: int(_now_s(group)),
    ("nowEpochMilliSeconds", 0): lambda group: int(_now_s(group) * 1000),
    ("nowFormatted", 1): _timely(
        lambda group, pattern: times.formatted(_now_s(group) * 1000, to_text(pattern))
    ),
    ("nowFormatted", 2): _timely(
        lambda group, pattern, zone: times.formatted(_now_s(group) * 1000, to_text(pattern), to_text(zone))
    ),
    ("parseFormattedToEpochMilliSeconds", 2): _timely(
        lambda _, text, pattern: times.parsed(to_text(text), to_text(pattern))
    ),
    ("parseFormattedToEpochMilliSeconds", 3): _timely(
        lambda _, text, pattern, zone: times.parsed(to_text(text), to_text(pattern), to_text(zone))
    ),
    ("parseISO8601ToEpochMilliSeconds", 1): _timely(lambda _, text: times.parsed_iso8601(to_text(text))),
    ("epochMilliSecondsToSeconds", 1): _timely(lambda _, value: int(_milliseconds(value)) // 1000),
    ("epochMilliSecondsToISO8601", 1): _timely(lambda _, value: times.iso8601(_milliseconds(value) / 1000)),
    ("epochMilliSecondsToFormatted", 2): _timely(
        lambda _, value, pattern: times.formatted(_milliseconds(value), to_text(pattern))
    ),
    ("epochMilliSecondsToFormatted", 3): _timely(
        lambda _, value, pattern, zone: times.formatted(_milliseconds(value), to_text(pattern), to_text(zone))
    ),
}

# -- lists, maps, strings, numbers


def _sorted(_: Lists, items: Value, descending: Value, name: Value) -> Value:
    if not isinstance(items, list):
        raise TemplateFailure("$util.list.sortList needs a list")
    key = to_text(name)

    def order(item: Any) -> tuple[int, Any]:
        value = item.get(key) if isinstance(item, dict) else item
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            return (2, to_text(value))
        return (1, value) if isinstance(value, str) else (0, value)

    return JavaList(sorted(items, key=order, reverse=descending is True))


_LISTS: Methods = {
    ("copyAndRetainAll", 2): lambda _, items, kept: JavaList(i for i in _items(items) if i in _items(kept)),
    ("copyAndRemoveAll", 2): lambda _, items, gone: JavaList(
        i for i in _items(items) if i not in _items(gone)
    ),
    ("sortList", 3): _sorted,
}
_MAPS: Methods = {
    ("copyAndRetainAllKeys", 2): lambda _, value, kept: {
        key: item for key, item in _map(value).items() if key in _items(kept)
    },
    ("copyAndRemoveAllKeys", 2): lambda _, value, gone: {
        key: item for key, item in _map(value).items() if key not in _items(gone)
    },
}
_FORMS: Mapping[str, Any] = {"nfc": "NFC", "nfd": "NFD", "nfkc": "NFKC", "nfkd": "NFKD"}
_STRINGS: Methods = {
    ("toUpper", 1): lambda _, text: to_text(text).upper(),
    ("toLower", 1): lambda _, text: to_text(text).lower(),
    ("toReplace", 3): lambda _, text, old, new: _replaced(to_text(text), to_text(old), to_text(new)),
    ("normalize", 2): lambda _, text, form: _normalized(to_text(text), to_text(form)),
}


def _replaced(text: str, old: str, new: str) -> str:
    if len(text) + text.count(old) * len(new) > 10 * 1024 * 1024:
        raise TemplateFailure("The replaced text exceeds the limit")
    return text.replace(old, new)


def _normalized(text: str, form: str) -> str:
    known = _FORMS.get(form.lower())
    if known is None:
        raise TemplateFailure(f"'{form[:20]}' is not a form of normalization")
    return unicodedata.normalize(known, text)


def _numeric(value: Value) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TemplateFailure(f"{to_text(value)[:60]} is not a number")
    return value


_NUMBERS: Methods = {
    ("roundNum", 1): lambda _, value: (
        int(_numeric(value) + 0.5) if value >= 0 else -int(0.5 - _numeric(value))
    ),
    ("minVal", 2): lambda _, one, other: min(_numeric(one), _numeric(other)),
    ("maxVal", 2): lambda _, one, other: max(_numeric(one), _numeric(other)),
    ("randomDouble", 0): lambda _: random.random(),
    ("randomWithinRange", 2): lambda _, low, high: random.randrange(
        int(_numeric(low)), max(int(_numeric(high)), int(low) + 1)
    ),
}

# -- http

_NOT_COPIED = frozenset(
    (
        *("transfer-encoding", "connection", "host", "expect", "keep-alive", "upgrade", "te"),
        *("proxy-authenticate", "proxy-authorization", "content-length"),
    )
)


def _copied_headers(_: Http, headers: Value, kept: Value = None) -> Value:
    wanted = None if kept is None else {to_text(name).lower() for name in _items(kept)}
    return {
        name: value
        for name, value in _map(headers).items()
        if str(name).lower() not in _NOT_COPIED and (wanted is None or str(name).lower() in wanted)
    }


def add_response_header(call: Invocation, name: str, value: str) -> None:
    """Have the answer carry a header. Raises TemplateFailure for what no header can be."""
    if not name or not all(c.isalnum() or c in "-_" for c in name) or not name.isascii():
        raise TemplateFailure(f"'{name[:60]}' is not a valid header name")
    if len(value) > 4096 or not value.isascii() or not value.isprintable():
        raise TemplateFailure(f"The value of header '{name[:60]}' is not valid")
    if name.lower().startswith(("access-control-", "x-amzn-", "content-")) or name.lower() in _NOT_COPIED:
        raise TemplateFailure(f"The header '{name[:60]}' cannot be set")
    call.request.response_headers[name.lower()] = value


def _add_headers(group: Http, headers: Value) -> Value:
    for name, value in _map(headers).items():
        add_response_header(group.call, to_text(name), to_text(value))
    return ""


def _add_header(group: Http, name: Value, value: Value) -> Value:
    return _add_headers(group, {to_text(name): value})


_HTTP: Methods = {
    ("copyHeaders", 1): _copied_headers,
    ("copyHeaders", 2): _copied_headers,
    ("addResponseHeader", 2): _add_header,
    ("addResponseHeaders", 1): _add_headers,
}

# -- transform, extensions


def _transformed(work: Callable[..., Any]) -> Callable[..., Value]:
    def method(_: Transforms, *given: Value) -> Value:
        try:
            return work(*given)
        except Exception as error:
            raise TemplateFailure(f"$util.transform: {error}") from None

    return method


_TRANSFORMS: Methods = {
    ("toDynamoDBFilterExpression", 1): _transformed(lambda value: to_json(dynamodb_expression(value))),
    ("toDynamoDBConditionExpression", 1): _transformed(lambda value: to_json(dynamodb_expression(value))),
    **{("toSubscriptionFilter", count): _transformed(subscription_filter) for count in (1, 2, 3)},
}


def set_filter(call: Invocation, name: str, value: Any) -> None:
    """Keep a subscription's filter. Raises ResolverFailure outside of subscriptions."""
    if call.field.type_name != "Subscription":
        raise ResolverFailure(
            "Subscription filters can only be set by resolvers of subscriptions.", "BadRequest"
        )
    call.request.extensions[name] = _map(value)


def invalidate(call: Invocation, value: Any) -> None:
    """Have subscriptions ended once the mutation is done."""
    wanted = _map(value)
    if not isinstance(wanted.get("subscriptionField"), str) or not isinstance(wanted.get("payload"), dict):
        raise TemplateFailure("invalidateSubscriptions needs a subscriptionField and a payload")
    if len(call.request.invalidations) >= 5:  # docs: at most five a request
        raise TemplateFailure("invalidateSubscriptions can be called five times a request")
    call.request.invalidations.append(wanted)


def _extension(work: Callable[[Invocation, Any], None]) -> Callable[..., Value]:
    def method(group: Extensions, value: Value) -> Value:
        work(group.call, value)
        return ""

    return method


_EXTENSIONS: Methods = {
    ("setSubscriptionFilter", 1): _extension(lambda call, value: set_filter(call, "filter", value)),
    ("setSubscriptionInvalidationFilter", 1): _extension(
        lambda call, value: set_filter(call, "invalidation_filter", value)
    ),
    ("invalidateSubscriptions", 1): _extension(invalidate),
}

# -- all of it

_GROUPS: Mapping[str, tuple[type[_Group], Methods]] = {
    "dynamodb": (DynamoDb, _dynamodb_methods()),
    "time": (Time, _TIME),
    "list": (Lists, _LISTS),
    "map": (Maps, _MAPS),
    "str": (Strings, _STRINGS),
    "math": (Numbers, _NUMBERS),
    "http": (Http, _HTTP),
    "transform": (Transforms, _TRANSFORMS),
}
for _kind, _methods in _GROUPS.values():
    expose(_kind, methods=_methods)


def _group_of(kind: type[_Group]) -> Callable[[Util], _Group]:
    return lambda util: kind(util.call)


expose(
    Util,
    methods=UTIL_METHODS,
    properties={name: _group_of(kind) for name, (kind, _) in _GROUPS.items()},
)
expose(Extensions, methods=_EXTENSIONS)

_KNOWN: Mapping[str, Mapping[tuple[str, ...], Methods]] = {
    "util": {(): UTIL_METHODS, **{(name,): methods for name, (_, methods) in _GROUPS.items()}},
    "extensions": {(): _EXTENSIONS},
}


def missing_helper(variable: str, path: tuple[str, ...], method: str, arguments: int) -> str | None:
    """What is wrong with a call on `$util` or `$extensions`, or None when there is such a helper."""
    groups = _KNOWN.get({"utils": "util"}.get(variable, variable))
    if groups is None:
        return None
    written = ".".join((variable, *path, method))
    methods = groups.get(path)
    if methods is None or not any(name == method for name, _ in methods):
        return f"The embedded AppSync does not offer ${written}()"
    if (method, arguments) not in methods:
        return f"${written}() does not take {arguments} arguments"
    return None
