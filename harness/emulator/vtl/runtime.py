"""What generated code calls, and all that it can call: its only names are those of `NAMES`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from harness.emulator.vtl import values
from harness.emulator.vtl.errors import TemplateFailure
from harness.emulator.vtl.exposure import METHODS, PROPERTIES
from harness.emulator.vtl.values import (
    MAX_ITEMS,
    MAX_LOOP,
    JavaList,
    Loop,
    ReadOnlyMap,
    Signature,
    Value,
    joined,
    to_text,
    too_large,
)

MAX_MACRO_DEPTH = 20
"""Velocity's default for `velocimacro.max.depth`."""
_UNSET: Any = object()
Variables = dict[str, Value]
Output = list[str]


class Stop(Exception):
    """#stop: unwinds to the end of the template."""


class Returned(Exception):
    """#return: the template gives `value` instead of text."""

    def __init__(self, value: Value) -> None:
        super().__init__("#return")
        self.value = value


def early_return(value: Value) -> None:
    """End the template. Raises Returned, always."""
    raise Returned(value)


class Budget:
    """What one rendering may still spend: iterations and macro calls, and how deep macros may call."""

    __slots__ = ("depth", "left")

    def __init__(self) -> None:
        self.left = MAX_ITEMS
        self.depth = 0

    def spend(self, count: int) -> None:
        """Raises TemplateFailure when there is not so much left."""
        self.left -= count
        if self.left < 0:
            too_large("number of iterations")


def text_of(value: Value, missing: str) -> str:
    """A reference as it is printed; `missing` is what stands for null."""
    if type(value) is str:
        return value
    return missing if value is None else to_text(value)


def escaped(value: Value, kept: str, source: str, missing: str, odd: bool) -> str:
    """A reference behind backslashes: half of them are `kept` when it resolves, all of them when not."""
    if value is None:
        return missing
    return kept + (source if odd else to_text(value))


def get_property(value: Value, name: str) -> Value:
    """`$value.name`; null when there is no such thing."""
    kind = type(value)
    if kind is dict or kind is ReadOnlyMap:
        return value.get(name)
    exposed = PROPERTIES.get(kind)
    getter = exposed.get(name) if exposed is not None else None
    return getter(value) if getter else None


def call_method(value: Value, signature: Signature, arguments: tuple[Value, ...]) -> Value:
    """`$value.name(arguments)`; null when there is no such method."""
    exposed = METHODS.get(type(value))
    method = exposed.get(signature) if exposed is not None else None
    return method(value, *arguments) if method else None


def get_item(value: Value, key: Value) -> Value:
    """`$value[key]`: an item of a list, counting from its end when negative, or of a map; null without it."""
    if isinstance(value, list):
        return value[key] if type(key) is int and -len(value) <= key < len(value) else None
    if isinstance(value, dict):
        return value.get(key) if isinstance(key, str | int | float) else None
    return get_property(value, key) if type(key) is str else None


def set_item(value: Value, key: Value, item: Value) -> None:
    """`#set($value[key] = item)` and `#set($value.key = item)`. Assigning null, or to null, does nothing."""
    if value is None or item is None:
        return
    kind = type(value)
    if kind is dict and isinstance(key, str | int | float):
        if len(value) >= MAX_ITEMS:
            too_large("map")
        value[key] = item
    elif kind in (list, JavaList) and type(key) is int:
        if not -len(value) <= key < len(value):
            raise TemplateFailure(f"Index {key} is out of range for a list of {len(value)}")
        value[key] = item
    else:
        raise TemplateFailure(f"{to_text(key)!r} cannot be assigned to: the value it belongs to is read-only")


def iterated(value: Value) -> Sequence[Value]:
    """What #foreach goes through: a list's items or a map's values, at most MAX_LOOP of them."""
    if isinstance(value, list):
        return value[:MAX_LOOP]
    if isinstance(value, dict):
        return list(value.values())[:MAX_LOOP]
    return ()


def enter_loop(variables: Variables, name: str, size: int) -> tuple[Loop, Value, Value]:
    """The state of a loop that begins, and what its variables hide."""
    hidden = variables.get("foreach", _UNSET), variables.get(name, _UNSET)
    loop = Loop(size, hidden[0])
    variables["foreach"] = loop
    return loop, *hidden


def leave_loop(variables: Variables, name: str, hidden_loop: Value, hidden: Value) -> None:
    """Bring back what the loop's variables hid."""
    _restore(variables, "foreach", hidden_loop)
    _restore(variables, name, hidden)


def _restore(variables: Variables, name: str, value: Value) -> None:
    if value is _UNSET:
        variables.pop(name, None)
    else:
        variables[name] = value


def call_macro(
    body: Callable[[Variables, Budget, Output], None],
    parameters: tuple[str, ...],
    arguments: tuple[Value, ...],
    variables: Variables,
    budget: Budget,
    out: Output,
) -> None:
    """Run a macro with its parameters bound; missing arguments are null. Raises TemplateFailure when macros
    call each other too deeply."""
    budget.spend(1)
    budget.depth += 1
    if budget.depth > MAX_MACRO_DEPTH:
        raise TemplateFailure(f"Macros call each other more than {MAX_MACRO_DEPTH} deep")
    hidden = [variables.get(name, _UNSET) for name in parameters]
    for name, value in zip(parameters, arguments + (None,) * len(parameters), strict=False):
        _restore(variables, name, _UNSET if value is None else value)
    body(variables, budget, out)
    for name, value in zip(parameters, hidden, strict=True):
        _restore(variables, name, value)
    budget.depth -= 1


def less(left: Value, right: Value) -> bool:
    """`<`; false for what is not two numbers."""
    return values.order(left, right) == -1


def less_or_equal(left: Value, right: Value) -> bool:
    """`<=`; false for what is not two numbers."""
    return values.order(left, right) in (-1, 0)


def greater(left: Value, right: Value) -> bool:
    """`>`; false for what is not two numbers."""
    return values.order(left, right) == 1


def greater_or_equal(left: Value, right: Value) -> bool:
    """`>=`; false for what is not two numbers."""
    return values.order(left, right) in (0, 1)


def listed(*items: Value) -> JavaList:
    """A list literal."""
    return JavaList(items)


BINARY = {
    "==": "equal", "<": "less", "<=": "less_or_equal", ">": "greater",
    ">=": "greater_or_equal", "+": "add", "-": "subtract", "*": "multiply", "/": "divide", "%": "remainder",
}  # fmt: skip
"""The function that stands for each operator in generated code."""

NAMES: dict[str, object] = {
    "Stop": Stop,
    "add": values.add,
    "call_macro": call_macro,
    "call_method": call_method,
    "divide": values.divide,
    "early_return": early_return,
    "enter_loop": enter_loop,
    "enumerate": enumerate,
    "equal": values.equal,
    "escaped": escaped,
    "get_item": get_item,
    "get_property": get_property,
    "greater": greater,
    "greater_or_equal": greater_or_equal,
    "is_true": values.is_true,
    "iterated": iterated,
    "joined": joined,
    "leave_loop": leave_loop,
    "len": len,
    "less": less,
    "less_or_equal": less_or_equal,
    "listed": listed,
    "mapped": values.mapped,
    "multiply": values.multiply,
    "negate": values.negate,
    "numbers": values.numbers,
    "remainder": values.remainder,
    "set_item": set_item,
    "subtract": values.subtract,
    "text_of": text_of,
}
