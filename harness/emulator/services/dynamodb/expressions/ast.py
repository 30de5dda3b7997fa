"""The tree of a condition: what the parser builds, a request's bindings fill in, and items are held against.

`bind` returns the same tree with names and values put in, checked as AWS checks them before it looks at any
item; only bound trees may be evaluated. `kind` is the name of the parameter, for messages.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from harness.emulator.services.base import AwsError
from harness.emulator.services.dynamodb.errors import invalid
from harness.emulator.services.dynamodb.expressions import evaluate
from harness.emulator.services.dynamodb.expressions.binding import Bindings
from harness.emulator.services.dynamodb.values import TYPES, Item, Value, equal, kind_of, shown

Part = str | int
"""A step of a document path: an attribute name (`#x` until bound), or an index into a list."""


class Operand(Protocol):
    """Something that has a value, or none, in an item."""

    def bind(self, bindings: Bindings, kind: str, /) -> Operand:
        """The operand with names and values put in."""

    def value(self, item: Item, /) -> Value | None:
        """The value in `item`; None when there is none."""


class Condition(Protocol):
    """Something that holds of an item or does not."""

    def bind(self, bindings: Bindings, kind: str) -> Condition:
        """The condition with names and values put in."""

    def holds(self, item: Item) -> bool:
        """Whether it holds of `item`; an item that is not there is an empty one."""

    def paths(self) -> Iterator[Path]:
        """The document paths in it."""


@dataclass(frozen=True, slots=True)
class Path:
    """A document path: `a.b[1]`."""

    parts: tuple[Part, ...]

    def bind(self, bindings: Bindings, kind: str) -> Path:
        """As Operand.bind."""
        if not any(isinstance(part, str) and part.startswith("#") for part in self.parts):
            return self
        return Path(
            tuple(
                bindings.name(part, kind) if isinstance(part, str) and part.startswith("#") else part
                for part in self.parts
            )
        )

    def value(self, item: Item) -> Value | None:
        """As Operand.value."""
        value = item.get(str(self.parts[0]))
        for part in self.parts[1:]:
            if value is None:
                return None
            value = step(value, part)
        return value

    def shown(self) -> str:
        """The path as AWS shows it: `[a, [1]]`."""
        return f"[{', '.join(part if isinstance(part, str) else f'[{part}]' for part in self.parts)}]"


def step(value: Value, part: Part) -> Value | None:
    """What lies under `part` in a map or a list; None when it is neither, or nothing is there."""
    found: Value | None = None
    if isinstance(part, str):
        found = value["M"].get(part) if "M" in value else None
    elif "L" in value and part < len(value["L"]):
        found = value["L"][part]
    return found


@dataclass(frozen=True, slots=True)
class Placeholder:
    """`:x`, until it is bound."""

    name: str

    def bind(self, bindings: Bindings, kind: str) -> Literal:
        """As Operand.bind."""
        return Literal(bindings.value(self.name, kind))

    def value(self, _item: Item) -> Value | None:
        """A placeholder has no value before it is bound: reaching this is a mistake of the caller."""
        raise TypeError(f"{self.name} is not bound")


@dataclass(frozen=True, slots=True)
class Literal:
    """A value that came with the request."""

    content: Value

    def bind(self, _bindings: Bindings, _kind: str) -> Literal:
        """As Operand.bind."""
        return self

    def value(self, _item: Item) -> Value | None:
        """As Operand.value."""
        return self.content


@dataclass(frozen=True, slots=True)
class Size:
    """`size(path)` as an operand."""

    of: Operand

    def bind(self, bindings: Bindings, kind: str) -> Size:
        """As Operand.bind."""
        of = self.of.bind(bindings, kind)
        if isinstance(of, Literal) and kind_of(of.content) in ("N", "BOOL", "NULL"):
            raise wrong_operand(kind, "size", of.content)
        return Size(of)

    def value(self, item: Item) -> Value | None:
        """As Operand.value."""
        return evaluate.size(self.of.value(item))


def wrong_operand(kind: str, what: str, operand: Value) -> AwsError:
    """The error for an operand of a type that an operator or function cannot take."""
    return invalid(
        f"Invalid {kind}: Incorrect operand type for operator or function; "
        f"operator or function: {what}, operand type: {kind_of(operand)}"
    )


def _paths_of(*operands: Operand) -> Iterator[Path]:
    for operand in operands:
        inner = operand.of if isinstance(operand, Size) else operand
        if isinstance(inner, Path):
            yield inner


def _check_distinct(kind: str, what: str, operands: tuple[Operand, ...]) -> None:
    first = operands[0]
    if isinstance(first, Path) and first in operands[1:]:
        raise invalid(
            f"Invalid {kind}: The first operand must be distinct from the remaining operands for this "
            f"operator or function; operator: {what}, first operand: {first.shown()}"
        )


@dataclass(frozen=True, slots=True)
class Compare:
    """`left operator right`."""

    operator: str
    left: Operand
    right: Operand

    def bind(self, bindings: Bindings, kind: str) -> Compare:
        """As Condition.bind."""
        bound = Compare(self.operator, self.left.bind(bindings, kind), self.right.bind(bindings, kind))
        _check_distinct(kind, self.operator, (bound.left, bound.right))
        if self.operator not in ("=", "<>"):
            for operand in (bound.left, bound.right):
                if isinstance(operand, Literal) and kind_of(operand.content) not in evaluate.ORDERED:
                    raise wrong_operand(kind, self.operator, operand.content)
        return bound

    def holds(self, item: Item) -> bool:
        """As Condition.holds."""
        return evaluate.COMPARATORS[self.operator](self.left.value(item), self.right.value(item))

    def paths(self) -> Iterator[Path]:
        """As Condition.paths."""
        return _paths_of(self.left, self.right)


@dataclass(frozen=True, slots=True)
class Between:
    """`operand BETWEEN low AND high`."""

    operand: Operand
    low: Operand
    high: Operand

    def bind(self, bindings: Bindings, kind: str) -> Between:
        """As Condition.bind."""
        operand, low, high = (part.bind(bindings, kind) for part in (self.operand, self.low, self.high))
        for bound in (operand, low, high):
            if isinstance(bound, Literal) and kind_of(bound.content) not in evaluate.ORDERED:
                raise wrong_operand(kind, "BETWEEN", bound.content)
        if isinstance(low, Literal) and isinstance(high, Literal):
            _check_bounds(kind, low.content, high.content)
        return Between(operand, low, high)

    def holds(self, item: Item) -> bool:
        """As Condition.holds."""
        value = self.operand.value(item)
        return evaluate.at_most(self.low.value(item), value) and evaluate.at_most(
            value, self.high.value(item)
        )

    def paths(self) -> Iterator[Path]:
        """As Condition.paths."""
        return _paths_of(self.operand, self.low, self.high)


def _check_bounds(kind: str, low: Value, high: Value) -> None:
    if kind_of(low) != kind_of(high):
        rule = "same data type for lower and upper bounds"
    elif not evaluate.at_most(low, high):
        rule = "upper bound to be greater than or equal to lower bound"
    else:
        return
    raise invalid(
        f"Invalid {kind}: The BETWEEN operator requires {rule}; lower bound operand: AttributeValue: "
        f"{shown(low)}, upper bound operand: AttributeValue: {shown(high)}"
    )


@dataclass(frozen=True, slots=True)
class In:
    """`operand IN (options)`."""

    operand: Operand
    options: tuple[Operand, ...]

    def bind(self, bindings: Bindings, kind: str) -> In:
        """As Condition.bind."""
        return In(self.operand.bind(bindings, kind), tuple(o.bind(bindings, kind) for o in self.options))

    def holds(self, item: Item) -> bool:
        """As Condition.holds."""
        value = self.operand.value(item)
        if value is None:
            return False
        options = (option.value(item) for option in self.options)
        return any(option is not None and equal(value, option) for option in options)

    def paths(self) -> Iterator[Path]:
        """As Condition.paths."""
        return _paths_of(self.operand, *self.options)


FUNCTION_OPERANDS = {
    "attribute_exists": 1,
    "attribute_not_exists": 1,
    "attribute_type": 2,
    "begins_with": 2,
    "contains": 2,
}


@dataclass(frozen=True, slots=True)
class Call:
    """A function that holds or does not."""

    function: str
    operands: tuple[Operand, ...]

    def bind(self, bindings: Bindings, kind: str) -> Call:
        """As Condition.bind."""
        bound = tuple(operand.bind(bindings, kind) for operand in self.operands)
        first = bound[0]
        if len(bound) > 1:
            _check_distinct(kind, self.function, bound)
        if self.function.startswith("attribute_") and not isinstance(first, Path):
            raise invalid(
                f"Invalid {kind}: Operator or function requires a document path; "
                f"operator or function: {self.function}"
            )
        if self.function == "attribute_type":
            _check_type_name(kind, bound[1])
        if self.function == "begins_with":
            for operand in bound:
                if isinstance(operand, Literal) and kind_of(operand.content) not in ("S", "B"):
                    raise wrong_operand(kind, self.function, operand.content)
        return Call(self.function, bound)

    def holds(self, item: Item) -> bool:
        """As Condition.holds."""
        value = self.operands[0].value(item)
        if self.function == "attribute_exists":
            return value is not None
        if self.function == "attribute_not_exists":
            return value is None
        second = self.operands[1].value(item)
        if self.function == "attribute_type":
            return value is not None and second is not None and second["S"] in value
        if self.function == "begins_with":
            return evaluate.begins_with(value, second)
        return evaluate.contains(value, second)

    def paths(self) -> Iterator[Path]:
        """As Condition.paths."""
        return _paths_of(*self.operands)


def _check_type_name(kind: str, operand: Operand) -> None:
    if not isinstance(operand, Literal):
        raise invalid(
            f"Invalid {kind}: Incorrect operand type for operator or function; "
            "operator or function: attribute_type, operand type: document path"
        )
    if "S" not in operand.content:
        raise wrong_operand(kind, "attribute_type", operand.content)
    if operand.content["S"] not in TYPES:
        raise invalid(
            f"Invalid {kind}: Invalid attribute type name found; type: {operand.content['S']}, "
            "valid types: {B,NULL,SS,BOOL,L,BS,N,NS,S,M}"
        )


@dataclass(frozen=True, slots=True)
class And:
    """Both hold."""

    left: Condition
    right: Condition

    def bind(self, bindings: Bindings, kind: str) -> And:
        """As Condition.bind."""
        return And(self.left.bind(bindings, kind), self.right.bind(bindings, kind))

    def holds(self, item: Item) -> bool:
        """As Condition.holds."""
        return self.left.holds(item) and self.right.holds(item)

    def paths(self) -> Iterator[Path]:
        """As Condition.paths."""
        yield from self.left.paths()
        yield from self.right.paths()


@dataclass(frozen=True, slots=True)
class Or:
    """At least one holds."""

    left: Condition
    right: Condition

    def bind(self, bindings: Bindings, kind: str) -> Or:
        """As Condition.bind."""
        return Or(self.left.bind(bindings, kind), self.right.bind(bindings, kind))

    def holds(self, item: Item) -> bool:
        """As Condition.holds."""
        return self.left.holds(item) or self.right.holds(item)

    def paths(self) -> Iterator[Path]:
        """As Condition.paths."""
        yield from self.left.paths()
        yield from self.right.paths()


@dataclass(frozen=True, slots=True)
class Not:
    """It does not hold."""

    of: Condition

    def bind(self, bindings: Bindings, kind: str) -> Not:
        """As Condition.bind."""
        return Not(self.of.bind(bindings, kind))

    def holds(self, item: Item) -> bool:
        """As Condition.holds."""
        return not self.of.holds(item)

    def paths(self) -> Iterator[Path]:
        """As Condition.paths."""
        return self.of.paths()
