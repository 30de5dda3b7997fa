"""Which methods and properties templates may use: an allow-list by exact type, and nothing else.

A template never reaches a Python attribute. `$x.name` and `$x.name(...)` are looked up here by the type of
the value, the name and the number of arguments; what is not listed does not exist.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from harness.emulator.vtl.java import JAVA_METHODS, JAVA_PROPERTIES
from harness.emulator.vtl.values import Signature, Value

METHODS: dict[type, Mapping[Signature, Callable[..., Value]]] = dict(JAVA_METHODS)
PROPERTIES: dict[type, Mapping[str, Callable[[Value], Value]]] = dict(JAVA_PROPERTIES)


def expose(
    kind: type,
    *,
    methods: Mapping[Signature, Callable[..., Value]] | None = None,
    properties: Mapping[str, Callable[[Value], Value]] | None = None,
) -> None:
    """Let templates use these methods and properties of values whose type is exactly `kind`.

    A method is called with the value and the arguments, a property with the value."""
    METHODS[kind] = {} if methods is None else methods
    PROPERTIES[kind] = {} if properties is None else properties


def is_known_method(name: str) -> bool:
    """Whether any type has a method of this name."""
    return any(name == known for methods in METHODS.values() for known, _ in methods)
