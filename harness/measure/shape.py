"""Whether JSON that somebody may have edited has the shape of a type: what is wrong, and in which field.

The type is the one that the code reads the value as, so that there is one description of it: a TypedDict, a
dataclass, a NamedTuple (a JSON list), or what these are made of.
"""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Mapping, Sequence
from functools import cache
from typing import (
    Any,
    Literal,
    NotRequired,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

_NAMES: Mapping[Any, str] = {
    str: "a text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    type(None): "null",
    list: "a list",
    dict: "an object",
}


_SCALARS: Mapping[Any, tuple[type, ...]] = {
    str: (str,),
    int: (int,),
    float: (int, float),  # JSON has no infinities, and writes 1.0 as 1 at times
    bool: (bool,),
    type(None): (type(None),),
}


class Misshapen(ValueError):
    """The field, and what it must be, in words that go on after a file's name."""


def check(value: Any, kind: Any, field: str = "") -> None:
    """Whether `value`, as JSON gives it, is of the type `kind`. Keys that a TypedDict does not know are let
    through. Raises Misshapen, which names the field from `field` on."""
    origin = get_origin(kind)
    if kind in _SCALARS:
        _must(type(value) in _SCALARS[kind], field, kind, value)
    elif origin is not None:
        _check_made_of(value, origin, get_args(kind), field)
    elif _is_named_tuple(kind):
        hints = _hints(kind)
        _must(type(value) is list and len(value) == len(hints), field, f"a list of {', '.join(hints)}", value)
        for (name, hint), item in zip(hints.items(), value, strict=True):
            check(item, hint, _inner(field, name))
    elif kind is not Any:
        check_object(value, kind, field)


def _check_made_of(value: Any, origin: Any, args: Sequence[Any], field: str) -> None:
    if origin is NotRequired:
        check(value, args[0], field)
    elif origin is Literal:
        _must(type(value) is str and value in args, field, f"one of {', '.join(args)}", value)
    elif origin in (Union, types.UnionType):
        _check_one_of(value, args, field)
    elif origin in (list, tuple, Sequence):
        _must(type(value) is list, field, list, value)
        if origin is tuple and args[-1] is not Ellipsis:
            _must(len(value) == len(args), field, f"a list of {len(args)}", value)
        for place, item in enumerate(value):
            check(item, args[0], f"{field}[{place}]")  # of a pair or the like, all are of one type
    else:
        assert origin in (dict, Mapping), origin
        _must(type(value) is dict, field, dict, value)
        for name, item in value.items():
            check(item, args[1], _inner(field, name))


def check_object(value: Any, kind: Any, field: str = "") -> None:
    """The same for a JSON object with the fields of `kind`: a TypedDict, a dataclass, or a NamedTuple."""
    _must(type(value) is dict, field, dict, value)
    hints, required = _hints(kind), _required(kind)
    for name in hints:
        if name in value:
            check(value[name], hints[name], _inner(field, name))
        elif name in required:
            raise Misshapen(f"{_inner(field, name)} is missing")
    unknown = sorted(value.keys() - hints.keys())
    if unknown and not is_typeddict(kind):
        raise Misshapen(f"{_inner(field, unknown[0])} is not known")


def _check_one_of(value: Any, kinds: Sequence[Any], field: str) -> None:
    """Of a type or null; other choices are not stored."""
    if value is not None:
        (kind,) = (kind for kind in kinds if kind is not type(None))
        check(value, kind, field)


def _must(holds: bool, field: str, what: Any, value: Any) -> None:
    if not holds:
        found = _NAMES.get(type(value), "something else")
        if type(value) in (int, float, str):
            found = repr(value) if len(repr(value)) <= 40 else f"{repr(value)[:40]}…"
        raise Misshapen(
            f"{field or 'it'} must be {what if isinstance(what, str) else _NAMES[what]}, not {found}"
        )


def _inner(field: str, name: str) -> str:
    return f"{field}.{name}" if field else name


def _is_named_tuple(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, tuple) and hasattr(kind, "_fields")


@cache
def _hints(kind: Any) -> dict[str, Any]:
    return get_type_hints(kind, include_extras=True)


@cache
def _required(kind: Any) -> frozenset[str]:
    if is_typeddict(kind):  # __required_keys__ does not see a NotRequired in a postponed annotation
        hints = _hints(kind)
        return frozenset(
            name for name in kind.__required_keys__ if get_origin(hints[name]) is not NotRequired
        )
    if _is_named_tuple(kind):
        return frozenset(kind._fields) - frozenset(kind._field_defaults)
    missing = dataclasses.MISSING
    return frozenset(
        field.name
        for field in dataclasses.fields(kind)
        if field.default is missing and field.default_factory is missing
    )


class Rows:
    """Checks many rows of one type: a row with fields of the same types as one that was right is right, but
    for fields that take a few words only."""

    def __init__(self, kind: Any) -> None:
        self._kind = kind
        self._named = not _is_named_tuple(kind)
        self._words = [name for name, hint in _hints(kind).items() if get_origin(hint) is Literal]
        self._right: set[Any] = set()

    def check_object(self, row: Any) -> None:
        """Raises Misshapen when `row` is no object with the fields of the type."""
        if type(row) is dict:
            kinds = (*row, *map(type, row.values()), *[str(row.get(word)) for word in self._words])
            if kinds in self._right:
                return
            check_object(row, self._kind)
            if len(self._right) < _FORMS:
                self._right.add(kinds)
        else:
            check_object(row, self._kind)

    def check_list(self, row: Any) -> None:
        """Raises Misshapen when `row` is no list of the fields of the type."""
        kinds = tuple(map(type, row)) if type(row) is list else None
        if kinds in self._right:
            return
        check(row, self._kind)
        if len(self._right) < _FORMS:
            self._right.add(kinds)


_FORMS = 64  # a row has few forms: each None or not
