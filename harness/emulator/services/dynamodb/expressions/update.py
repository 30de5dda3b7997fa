"""Update expressions: bound to a request, then applied to an item.

Every operand is read from the item as it was before the update (docs: DynamoDB Developer Guide, Update
expressions; read 2026-11).
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import NamedTuple

from harness.emulator.services.dynamodb import numbers
from harness.emulator.services.dynamodb.errors import invalid
from harness.emulator.services.dynamodb.expressions.ast import (
    Literal,
    Operand,
    Path,
    step,
    wrong_operand,
)
from harness.emulator.services.dynamodb.expressions.binding import Bindings
from harness.emulator.services.dynamodb.expressions.projection import check_paths_apart
from harness.emulator.services.dynamodb.values import Item, Value, kind_of

KIND = "UpdateExpression"
_SETS = ("SS", "NS", "BS")
_TYPE_NAMES = {
    "S": "STRING",
    "N": "NUMBER",
    "B": "BINARY",
    "BOOL": "BOOLEAN",
    "NULL": "NULL",
    "L": "LIST",
    "M": "MAP",
    "SS": "STRING_SET",
    "NS": "NUMBER_SET",
    "BS": "BINARY_SET",
}
_WRONG_TYPE = "An operand in the update expression has an incorrect data type"
_NO_SUCH_ATTRIBUTE = "The provided expression refers to an attribute that does not exist in the item"
_INVALID_PATH = "The document path provided in the update expression is invalid for update"


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """`left + right` or `left - right`."""

    operator: str
    left: Operand
    right: Operand

    def bind(self, bindings: Bindings, kind: str) -> Arithmetic:
        """As Operand.bind."""
        bound = Arithmetic(self.operator, self.left.bind(bindings, kind), self.right.bind(bindings, kind))
        for operand in (bound.left, bound.right):
            if isinstance(operand, Literal) and "N" not in operand.content:
                raise wrong_operand(kind, self.operator, operand.content)
        return bound

    def value(self, item: Item) -> Value:
        """As Operand.value. Raises AwsError when an operand is missing or no number."""
        left, right = _required(self.left, item), _required(self.right, item)
        if "N" not in left or "N" not in right:
            raise invalid(_WRONG_TYPE)
        combine = numbers.add if self.operator == "+" else numbers.subtract
        return {"N": combine(left["N"], right["N"])}


@dataclass(frozen=True, slots=True)
class IfNotExists:
    """`if_not_exists(path, otherwise)`."""

    path: Path
    otherwise: Operand

    def bind(self, bindings: Bindings, kind: str) -> IfNotExists:
        """As Operand.bind."""
        return IfNotExists(self.path.bind(bindings, kind), self.otherwise.bind(bindings, kind))

    def value(self, item: Item) -> Value | None:
        """As Operand.value."""
        found = self.path.value(item)
        return self.otherwise.value(item) if found is None else found


@dataclass(frozen=True, slots=True)
class ListAppend:
    """`list_append(first, second)`."""

    first: Operand
    second: Operand

    def bind(self, bindings: Bindings, kind: str) -> ListAppend:
        """As Operand.bind."""
        bound = ListAppend(self.first.bind(bindings, kind), self.second.bind(bindings, kind))
        for operand in (bound.first, bound.second):
            if isinstance(operand, Literal) and "L" not in operand.content:
                raise wrong_operand(kind, "list_append", operand.content)
        return bound

    def value(self, item: Item) -> Value:
        """As Operand.value. Raises AwsError when an operand is missing or no list."""
        first, second = _required(self.first, item), _required(self.second, item)
        if "L" not in first or "L" not in second:
            raise invalid(_WRONG_TYPE)
        return {"L": [*first["L"], *second["L"]]}


def _required(operand: Operand, item: Item) -> Value:
    value = operand.value(item)
    if value is None:
        raise invalid(_NO_SUCH_ATTRIBUTE)
    return value


class Action(NamedTuple):
    """A path and the operand that is set there, added to it or deleted from it."""

    path: Path
    operand: Operand


@dataclass(frozen=True, slots=True)
class Update:
    """An update expression."""

    sets: tuple[Action, ...] = ()
    removes: tuple[Path, ...] = ()
    adds: tuple[Action, ...] = ()
    deletes: tuple[Action, ...] = ()

    def paths(self) -> tuple[Path, ...]:
        """Every path that it changes."""
        actions = (*self.sets, *self.adds, *self.deletes)
        return (*(action.path for action in actions), *self.removes)

    def bind(self, bindings: Bindings) -> Update:
        """The update with names and values put in.

        Raises AwsError ValidationException for wrong operands or overlapping paths."""
        bound = Update(
            _bind_actions(self.sets, bindings),
            tuple(path.bind(bindings, KIND) for path in self.removes),
            _bind_actions(self.adds, bindings),
            _bind_actions(self.deletes, bindings),
        )
        for action in bound.adds:
            _check_operand("ADD", action.operand, ("N", *_SETS))
        for action in bound.deletes:
            _check_operand("DELETE", action.operand, _SETS)
        check_paths_apart(bound.paths(), KIND)
        return bound

    def apply(self, item: Item) -> Item:
        """The item as the update leaves it; `item` itself stays as it is.

        Raises AwsError ValidationException when a path or an operand does not fit the item."""
        assigned = [(action.path, _required(action.operand, item)) for action in self.sets]
        assigned += [(a.path, _added(a.path.value(item), _required(a.operand, item))) for a in self.adds]
        removed = list(self.removes)
        for path, operand in self.deletes:
            left = _without(path.value(item), _required(operand, item))
            if left is None:
                removed.append(path)
            else:
                assigned.append((path, left))
        updated: Item = (
            copy.deepcopy(item) if any(len(path.parts) > 1 for path in self.paths()) else dict(item)
        )
        # Elements set beyond the end of a list are appended in the order of their indices.
        for path, value in sorted(assigned, key=lambda entry: _indices(entry[0])):
            _assign(updated, path, value)
        # From the back, so that removing an element does not move those still to be removed.
        for path in sorted(removed, key=_indices, reverse=True):
            _remove(updated, path)
        return updated


def _bind_actions(actions: tuple[Action, ...], bindings: Bindings) -> tuple[Action, ...]:
    return tuple(Action(path.bind(bindings, KIND), operand.bind(bindings, KIND)) for path, operand in actions)


def _check_operand(section: str, operand: Operand, kinds: tuple[str, ...]) -> None:
    if isinstance(operand, Literal) and kind_of(operand.content) not in kinds:
        raise invalid(
            f"Invalid {KIND}: Incorrect operand type for operator or function; operator: {section}, "
            f"operand type: {_TYPE_NAMES[kind_of(operand.content)]}, typeSet: ALLOWED_FOR_{section}_OPERAND"
        )


def _indices(path: Path) -> tuple[int, ...]:
    return tuple(part for part in path.parts if isinstance(part, int))


def _added(old: Value | None, operand: Value) -> Value:
    if old is None:
        return operand
    kind = kind_of(operand)
    if kind not in old:
        raise invalid(_WRONG_TYPE)
    if kind == "N":
        return {"N": numbers.add(old["N"], operand["N"])}
    return {kind: list(dict.fromkeys([*old[kind], *operand[kind]]))}


def _without(old: Value | None, operand: Value) -> Value | None:
    """The set without the operand's elements; None when nothing is left, or nothing was there."""
    if old is None:
        return None
    kind = kind_of(operand)
    if kind not in old:
        raise invalid(_WRONG_TYPE)
    gone = set(operand[kind])
    left = [element for element in old[kind] if element not in gone]
    return {kind: left} if left else None


def _assign(item: Item, path: Path, value: Value) -> None:
    *parents, last = path.parts
    if not parents:
        item[str(last)] = value
        return
    parent = _parent(item, path)
    if parent is None:
        raise invalid(_INVALID_PATH)
    if isinstance(last, str) and "M" in parent:
        parent["M"][last] = value
    elif isinstance(last, int) and "L" in parent:
        parent["L"][last : last + 1] = [value]
    else:
        raise invalid(_INVALID_PATH)


def _remove(item: Item, path: Path) -> None:
    *parents, last = path.parts
    if not parents:
        item.pop(str(last), None)
        return
    parent = _parent(item, path)
    if parent is None:
        raise invalid(_INVALID_PATH)
    if isinstance(last, str) and "M" in parent:
        parent["M"].pop(last, None)
    elif isinstance(last, int) and "L" in parent:
        del parent["L"][last : last + 1]
    else:
        raise invalid(_INVALID_PATH)


def _parent(item: Item, path: Path) -> Value | None:
    value = item.get(str(path.parts[0]))
    for part in path.parts[1:-1]:
        value = None if value is None else step(value, part)
    return value
