"""`$util.time`, as templates call it.

docs: AppSync Developer Guide, Time helpers in $util.time (read 2026-11)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from harness.emulator.services.appsync.templates import times
from harness.emulator.services.appsync.templates.checks import Methods
from harness.emulator.services.appsync.templates.groups import Group
from harness.emulator.vtl import TemplateFailure, Value, to_text


class Time(Group):
    """`$util.time`"""

    __slots__ = ()


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


TIME: Methods = {
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
