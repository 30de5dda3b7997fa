"""The syntax tree of a template. `at` is the offset into the template's source."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Text:
    """Characters that are copied to the output."""

    text: str


@dataclass(frozen=True, slots=True)
class Property:
    """`.name` in a reference."""

    name: str


@dataclass(frozen=True, slots=True)
class Call:
    """`.name(arguments)` in a reference."""

    name: str
    arguments: tuple[Expression, ...]
    at: int


@dataclass(frozen=True, slots=True)
class Index:
    """`[key]` in a reference."""

    key: Expression


Link = Property | Call | Index


@dataclass(frozen=True, slots=True)
class Reference:
    """`$root.link...`; `source` is how the template wrote it, and what an unresolved one prints as."""

    root: str
    links: tuple[Link, ...]
    quiet: bool
    source: str
    at: int


@dataclass(frozen=True, slots=True)
class EscapedReference:
    """A reference behind `backslashes` backslashes: an odd number keeps it from being resolved."""

    reference: Reference
    backslashes: int


@dataclass(frozen=True, slots=True)
class Literal:
    """A string, number or boolean that stands in the template."""

    value: str | int | float | bool


@dataclass(frozen=True, slots=True)
class Interpolated:
    """A string in double quotes that holds references or directives."""

    body: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class ListLiteral:
    """`[a, b]`"""

    items: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class RangeLiteral:
    """`[first..last]`, both included, upwards or downwards."""

    first: Expression
    last: Expression


@dataclass(frozen=True, slots=True)
class MapLiteral:
    """`{key: value}`"""

    entries: tuple[tuple[Expression, Expression], ...]


@dataclass(frozen=True, slots=True)
class Not:
    """`!a`"""

    operand: Expression


@dataclass(frozen=True, slots=True)
class Negative:
    """`-a`"""

    operand: Expression


@dataclass(frozen=True, slots=True)
class Binary:
    """`left operator right`; the operator is one of `|| && == != < <= > >= + - * / %`."""

    operator: str
    left: Expression
    right: Expression


Expression = (
    Reference | Literal | Interpolated | ListLiteral | RangeLiteral | MapLiteral | Not | Negative | Binary
)


@dataclass(frozen=True, slots=True)
class Set:
    """`#set(target = value)`"""

    target: Reference
    value: Expression


@dataclass(frozen=True, slots=True)
class If:
    """`#if ... #elseif ... #else ... #end`"""

    branches: tuple[tuple[Expression, tuple[Node, ...]], ...]
    otherwise: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Foreach:
    """`#foreach($name in items) ... #end`"""

    name: str
    items: Expression
    body: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Break:
    """`#break`: leaves the innermost loop, or the template when there is none."""


@dataclass(frozen=True, slots=True)
class Stop:
    """`#stop`: ends the template, keeping what was written."""


@dataclass(frozen=True, slots=True)
class Return:
    """`#return` and `#return(value)`: ends the template, without what was written (AppSync's own)."""

    value: Expression | None


@dataclass(frozen=True, slots=True)
class Macro:
    """`#macro(name $a $b) ... #end`"""

    name: str
    parameters: tuple[str, ...]
    body: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class MacroCall:
    """`#name(a b)`"""

    name: str
    arguments: tuple[Expression, ...]


Node = Text | Reference | EscapedReference | Set | If | Foreach | Break | Stop | Return | Macro | MacroCall
