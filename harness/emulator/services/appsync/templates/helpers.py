"""The groups of helpers below `$util` (dynamodb, time, list, map, str, math, http, transform), and
`$extensions`.

docs: AppSync Developer Guide, Helper methods in $util; Extensions (read 2026-11)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from harness.emulator.services.appsync.resolvers.failures import ResolverFailure
from harness.emulator.services.appsync.resolvers.invocation import Invocation
from harness.emulator.services.appsync.templates.checks import METHODS as UTIL_METHODS
from harness.emulator.services.appsync.templates.checks import Methods, Util
from harness.emulator.services.appsync.templates.dynamodb_helpers import DYNAMODB, DynamoDb
from harness.emulator.services.appsync.templates.groups import Group
from harness.emulator.services.appsync.templates.time_helpers import TIME, Time
from harness.emulator.services.appsync.templates.transforms import (
    dynamodb_expression,
    subscription_filter,
)
from harness.emulator.services.appsync.templates.value_helpers import (
    LISTS,
    MAPS,
    NUMBERS,
    STRINGS,
    Lists,
    Maps,
    Numbers,
    Strings,
    list_of,
    map_of,
)
from harness.emulator.vtl import TemplateFailure, Value, expose, to_json, to_text


class Http(Group):
    """`$util.http`"""

    __slots__ = ()


class Transforms(Group):
    """`$util.transform`"""

    __slots__ = ()


class Extensions(Group):
    """`$extensions`"""

    __slots__ = ()


# -- http

_NOT_COPIED = frozenset(
    (
        *("transfer-encoding", "connection", "host", "expect", "keep-alive", "upgrade", "te"),
        *("proxy-authenticate", "proxy-authorization", "content-length"),
    )
)


def _copied_headers(_: Http, headers: Value, kept: Value = None) -> Value:
    wanted = None if kept is None else {to_text(name).lower() for name in list_of(kept)}
    return {
        name: value
        for name, value in map_of(headers).items()
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
    for name, value in map_of(headers).items():
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
    call.request.extensions[name] = map_of(value)


def invalidate(call: Invocation, value: Any) -> None:
    """Have subscriptions ended once the mutation is done."""
    wanted = map_of(value)
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

_GROUPS: Mapping[str, tuple[type[Group], Methods]] = {
    "dynamodb": (DynamoDb, DYNAMODB),
    "time": (Time, TIME),
    "list": (Lists, LISTS),
    "map": (Maps, MAPS),
    "str": (Strings, STRINGS),
    "math": (Numbers, NUMBERS),
    "http": (Http, _HTTP),
    "transform": (Transforms, _TRANSFORMS),
}
for _kind, _methods in _GROUPS.values():
    expose(_kind, methods=_methods)


def _group_of(kind: type[Group]) -> Callable[[Util], Group]:
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
