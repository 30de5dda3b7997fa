"""Resolved values to what the schema says of them: one completion for each type a field can have.

Messages as AppSync has them: `Can't serialize value (/path) : ...`, `Can't resolve value (/path) : type
mismatch error, expected type LIST`, `Cannot return null for non-nullable type: 'ID' within parent
'Post' (/path)`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping
from types import CoroutineType
from typing import TYPE_CHECKING, Any, Protocol

from graphql import (
    GraphQLEnumType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLScalarType,
)

from harness.emulator.services.appsync.execution.errors import (
    GraphQLErrorBody,
    Path,
    null_error,
    path_text,
    value_error,
)
from harness.emulator.services.appsync.schema.scalars import SCALARS, NotOfType

if TYPE_CHECKING:
    from harness.emulator.services.appsync.execution.plan import Field, Plan

Completed = Any
"""A value of the response, or an awaitable of one where resolvers have to run below it."""


class NullBubble(Exception):
    """A non-null value is null: whatever it is in becomes null."""


class Runner(Protocol):
    """The request, as completions need it."""

    def report(self, error: GraphQLErrorBody, path: Path) -> None:
        """Add an error to the response; one for each path."""

    def fields(
        self, fields: tuple[Field, ...], kind: GraphQLObjectType, source: Any, path: Path
    ) -> Completed:
        """The object's fields. Raises NullBubble, now or when awaited."""


class Completion(Protocol):
    """Completes values of one type."""

    def complete(self, run: Runner, value: Any, path: Path) -> Completed:
        """The value as the response has it. Raises NullBubble, now or when awaited."""


class _Leaf:
    __slots__ = ("_give",)

    def __init__(self, name: str) -> None:
        self._give = SCALARS[name].give

    def complete(self, run: Runner, value: Any, path: Path) -> Completed:
        if value is None:
            return None
        try:
            return self._give(value)
        except NotOfType as error:
            run.report(value_error(f"Can't serialize value ({path_text(path)}) : {error}", path), path)
            return None


class _Enum:
    __slots__ = ("_name", "_values")

    def __init__(self, kind: GraphQLEnumType) -> None:
        self._name = kind.name
        self._values = frozenset(kind.values)

    def complete(self, run: Runner, value: Any, path: Path) -> Completed:
        if value is None or (isinstance(value, str) and value in self._values):
            return value
        text = (
            f"Can't serialize value ({path_text(path)}) : Invalid input for Enum '{self._name}'. "
            f"No value found for name '{str(value)[:100]}'"
        )
        run.report(value_error(text, path), path)
        return None


class _NonNull:
    __slots__ = ("_inner", "_name", "_parent")

    def __init__(self, inner: Completion, name: str, parent: str) -> None:
        self._inner = inner
        self._name = name
        self._parent = parent

    def complete(self, run: Runner, value: Any, path: Path) -> Completed:
        done = self._inner.complete(run, value, path)
        if type(done) is CoroutineType:
            return self._later(run, done, path)
        if done is None:
            self._refuse(run, path)
        return done

    async def _later(self, run: Runner, pending: Awaitable[Any], path: Path) -> Any:
        done = await pending
        if done is None:
            self._refuse(run, path)
        return done

    def _refuse(self, run: Runner, path: Path) -> None:
        run.report(null_error(self._name, self._parent, path), path)
        raise NullBubble


def _mismatch(run: Runner, expected: str, path: Path) -> None:
    text = f"Can't resolve value ({path_text(path)}) : type mismatch error, expected type {expected}"
    run.report(value_error(text, path), path)


class _List:
    __slots__ = ("_item",)

    def __init__(self, item: Completion) -> None:
        self._item = item

    def complete(self, run: Runner, value: Any, path: Path) -> Completed:
        if value is None:
            return None
        if not isinstance(value, list):
            _mismatch(run, "LIST", path)
            return None
        complete = self._item.complete
        out: list[Any] = []
        pending: list[tuple[int, Awaitable[Any]]] = []
        try:
            for at, item in enumerate(value):
                done = complete(run, item, (path, at))
                if type(done) is CoroutineType:
                    pending.append((at, done))
                    done = None
                out.append(done)
        except NullBubble:
            discard(pending)
            return None
        return settle(out, pending) if pending else out


class _Object:
    __slots__ = ("_field", "_fields", "_kind", "_plan")

    def __init__(self, kind: GraphQLObjectType, field: Field, plan: Plan) -> None:
        self._kind = kind
        self._field = field
        self._plan = plan
        self._fields: tuple[Field, ...] | None = None

    def complete(self, run: Runner, value: Any, path: Path) -> Completed:
        if value is None:
            return None
        if not isinstance(value, dict):
            _mismatch(run, "OBJECT", path)
            return None
        if self._fields is None:
            self._fields = self._plan.subfields(self._field, self._kind)
        try:
            done = run.fields(self._fields, self._kind, value, path)
        except NullBubble:
            return None
        return null_when_bubbling(done) if type(done) is CoroutineType else done


class _Abstract:
    """An interface or union: the value's `__typename` says what it is."""

    __slots__ = ("_name", "_objects")

    def __init__(self, name: str, objects: Mapping[str, _Object]) -> None:
        self._name = name
        self._objects = objects

    def complete(self, run: Runner, value: Any, path: Path) -> Completed:
        if value is None:
            return None
        name = value.get("__typename") if isinstance(value, dict) else None
        found = self._objects.get(name) if isinstance(name, str) else None
        if found is None:
            text = (
                f"Abstract type '{self._name}' must resolve to an Object type at runtime for field "
                f"({path_text(path)}): the value's __typename names none of its types."
            )
            run.report(value_error(text, path), path)
            return None
        return found.complete(run, value, path)


def completion_for(kind: Any, field: Field, plan: Plan) -> Completion:
    """The completion of a field's type."""
    if isinstance(kind, GraphQLNonNull):
        inner = completion_for(kind.of_type, field, plan)
        return _NonNull(inner, str(kind.of_type), field.type_name)
    if isinstance(kind, GraphQLList):
        return _List(completion_for(kind.of_type, field, plan))
    if isinstance(kind, GraphQLScalarType):
        return _Leaf(kind.name)
    if isinstance(kind, GraphQLEnumType):
        return _Enum(kind)
    if isinstance(kind, GraphQLObjectType):
        return _Object(kind, field, plan)
    possible = plan.schema.graphql.get_possible_types(kind)
    return _Abstract(kind.name, {each.name: _Object(each, field, plan) for each in possible})


async def null_when_bubbling(pending: Awaitable[Any]) -> Any:
    """What is awaited, or null when a non-null value within it is null."""
    try:
        return await pending
    except NullBubble:
        return None


async def settle(out: Any, pending: list[tuple[Any, Awaitable[Any]]]) -> Any:
    """Put what is pending into `out`, a list or map, and answer it. All are let run to their ends. Null when
    an item of a list is null that must not be; raises NullBubble for a map."""
    if len(pending) == 1:
        key, awaitable = pending[0]
        results: list[Any] = [await _kept(awaitable)]
        keys = [key]
    else:
        keys = [key for key, _ in pending]
        results = list(await asyncio.gather(*(_kept(awaitable) for _, awaitable in pending)))
    for key, result in zip(keys, results, strict=True):
        if isinstance(result, NullBubble):
            if isinstance(out, list):
                return None
            raise result
        out[key] = result
    return out


async def _kept(awaitable: Awaitable[Any]) -> Any:
    """The result, or the NullBubble that it ends with."""
    try:
        return await awaitable
    except NullBubble as bubble:
        return bubble


def discard(pending: list[tuple[Any, Any]]) -> None:
    """Close coroutines that nobody will await."""
    for _, coroutine in pending:
        coroutine.close()
