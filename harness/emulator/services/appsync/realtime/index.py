"""Finds who is to be told of a mutation's result, at the cost of those who are and not of all who listen.

docs: AppSync Developer Guide, Using subscription arguments; Argument null value has meaning (read 2026-11):
a subscriber is told when each argument that it gave equals the result's field of that name. An argument that
is null asks for results that do not have the field. Where the resolver set a filter, that stands instead.

Subscriptions to a mutation that give the same arguments' names form a *shape*; within it they are found by
the values. A publish looks up one tuple in each shape, of which there are as many as ways of asking. Filters
are found by an `eq` that must hold, where every alternative has one; the others are tried one by one.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from typing import Any, Generic, Protocol, TypeVar

import orjson

from harness.emulator.services.appsync.contract import SubscriptionRequest
from harness.emulator.services.appsync.realtime.filters import ABSENT, Filter, value_at

Shape = tuple[str, ...]
"""The arguments' names, sorted; or the path of a field that a filter compares."""
TRIED: Shape = ()
"""In place of a path: the filters that must be tried one by one, all under the key None."""


class Subscriber(Protocol):
    """Someone who listens, compared by identity: what it asked for, and the filter, compiled, that stands
    instead of its arguments, if one does."""

    request: SubscriptionRequest
    filter: Filter | None


Listener = TypeVar("Listener", bound=Subscriber)
Level = dict[Shape, dict[Hashable, dict[Listener, None]]]


class _Mutation(Generic[Listener]):
    """Those who listen to one mutation field. Sets keep no order, dicts do: first come, first told."""

    __slots__ = ("anchored", "shapes")

    def __init__(self) -> None:
        self.shapes: Level[Listener] = {}
        self.anchored: Level[Listener] = {}

    def __bool__(self) -> bool:
        return bool(self.shapes or self.anchored)


class Index(Generic[Listener]):
    """The subscriptions of one API."""

    def __init__(self) -> None:
        self._mutations: dict[str, _Mutation[Listener]] = {}

    def add(self, subscriber: Listener) -> None:
        """Have it told from now on."""
        for name in subscriber.request.mutations:
            mutation = self._mutations.setdefault(name, _Mutation())
            for level, group, key in _places(mutation, subscriber):
                level.setdefault(group, {}).setdefault(key, {})[subscriber] = None

    def remove(self, subscriber: Listener) -> None:
        """Have it told no more. Nothing is left of it."""
        for name in subscriber.request.mutations:
            mutation = self._mutations.get(name)
            if mutation is None:
                continue
            for level, group, key in _places(mutation, subscriber):
                _take_out(level, group, key, subscriber)
            if not mutation:
                del self._mutations[name]

    def match(self, mutation_field: str, result: Any) -> list[Listener]:
        """Who is to be told of `result`, each once."""
        mutation = self._mutations.get(mutation_field)
        if mutation is None:
            return []
        found = list(_by_arguments(mutation, result))
        if mutation.anchored:
            found.extend(_by_filter(mutation, result))
        return found

    def __len__(self) -> int:
        """How many groups are kept: 0 when nobody listens."""
        return len(self._mutations)


def key_of(value: Any) -> Hashable:
    """A value as a key: equal for equal GraphQL values, and 1, true and "1" are three values. Numbers are
    equal by value; lists and objects by what they contain. Nothing is null."""
    if value is None or value is ABSENT:
        return None
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return ("boolean", value)
    if isinstance(value, int | float):
        return ("number", value)
    return ("json", orjson.dumps(value, option=orjson.OPT_SORT_KEYS, default=str))


def _by_arguments(mutation: _Mutation[Listener], result: Any) -> Iterable[Listener]:
    fields = result if isinstance(result, Mapping) else None
    for shape, by_values in mutation.shapes.items():
        if not shape:
            yield from by_values[()]
        elif fields is not None:
            yield from by_values.get(tuple(key_of(fields.get(name)) for name in shape), ())


def _by_filter(mutation: _Mutation[Listener], result: Any) -> Iterable[Listener]:
    candidates: dict[Listener, None] = {}
    for path, by_value in mutation.anchored.items():
        candidates.update(by_value.get(None if path == TRIED else key_of(value_at(result, path)), {}))
    for subscriber in candidates:
        if subscriber.filter is not None and subscriber.filter.fits(result):
            yield subscriber


def _places(
    mutation: _Mutation[Listener], subscriber: Listener
) -> list[tuple[Level[Listener], Shape, Hashable]]:
    """Where a subscriber is kept: the level, the group within it, and the key within that."""
    if subscriber.filter is None:
        arguments = subscriber.request.arguments
        shape = tuple(sorted(arguments))
        return [(mutation.shapes, shape, tuple(key_of(arguments[name]) for name in shape))]
    anchors = [anchor for anchor in subscriber.filter.anchors if anchor is not None]
    if len(anchors) < len(subscriber.filter.anchors):
        return [(mutation.anchored, TRIED, None)]
    return [(mutation.anchored, path, key_of(value)) for path, value in anchors]


def _take_out(level: Level[Listener], group: Shape, key: Hashable, subscriber: Listener) -> None:
    """Remove a subscriber, and the groups that are empty then."""
    by_key = level.get(group)
    members = by_key.get(key) if by_key is not None else None
    if by_key is None or members is None:
        return
    members.pop(subscriber, None)
    if not members:
        del by_key[key]
        if not by_key:
            del level[group]
