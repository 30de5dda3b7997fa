"""Whether fields with one response key can be merged, in time linear in the document.

The rule of the specification compares all pairs, which a query of some thousand aliases makes quadratic, and
fragments make exponential. Here fields are gathered by response key once, each is compared with the first of
its kind, and a set of selections is looked at once however often it is reached.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    GraphQLField,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    get_named_type,
    is_composite_type,
    is_leaf_type,
    print_ast,
)


class Conflict(NamedTuple):
    """Fields that cannot be merged: their response key, why, and one of them."""

    key: str
    reason: str
    node: FieldNode


class _Use(NamedTuple):
    node: FieldNode
    parent: Any
    definition: GraphQLField | None


class Overlap:
    """The check over one document."""

    def __init__(self, schema: GraphQLSchema, fragments: dict[str, FragmentDefinitionNode]) -> None:
        self._schema = schema
        self._fragments = fragments
        self._seen: set[tuple[bool, frozenset[int]]] = set()

    def conflict(self, operation: OperationDefinitionNode, root: Any) -> Conflict | None:
        """The first conflict in an operation, if there is one."""
        start = [(operation.selection_set, root)]
        work: list[tuple[bool, list[tuple[SelectionSetNode, Any]]]] = [(True, start), (False, start)]
        while work:
            shapes, sets = work.pop()
            mark = shapes, frozenset(id(selections) for selections, _ in sets)
            if mark in self._seen:
                continue
            self._seen.add(mark)
            for key, uses in self._by_key(sets).items():
                groups = [uses] if shapes else list(_common_parents(uses))
                for group in groups:
                    reason = _differing_shape(group) if shapes else _differing_field(group)
                    if reason:
                        return Conflict(key, reason, group[0].node)
                    inner = [
                        (use.node.selection_set, get_named_type(use.definition.type))
                        for use in group
                        if use.node.selection_set and use.definition
                    ]
                    if inner:
                        work.append((shapes, inner))
        return None

    def _by_key(self, sets: Iterable[tuple[SelectionSetNode, Any]]) -> dict[str, list[_Use]]:
        """The fields of several selection sets by response key; fragments are entered once."""
        out: dict[str, list[_Use]] = {}
        entered: set[tuple[str, str]] = set()
        stack = list(sets)
        done: set[tuple[int, str]] = set()
        while stack:
            selections, parent = stack.pop()
            mark = id(selections), str(parent)
            if mark in done:
                continue
            done.add(mark)
            for selection in selections.selections:
                if isinstance(selection, FieldNode):
                    key = selection.alias.value if selection.alias else selection.name.value
                    definition = (
                        self._schema.get_field(parent, selection.name.value)
                        if parent is not None and is_composite_type(parent)
                        else None
                    )
                    out.setdefault(key, []).append(_Use(selection, parent, definition))
                elif isinstance(selection, InlineFragmentNode):
                    condition = selection.type_condition
                    kind = self._schema.get_type(condition.name.value) if condition else parent
                    stack.append((selection.selection_set, kind))
                else:
                    name = selection.name.value  # type: ignore[attr-defined]
                    fragment = self._fragments.get(name)
                    if fragment is not None and (name, str(parent)) not in entered:
                        entered.add((name, str(parent)))
                        kind = self._schema.get_type(fragment.type_condition.name.value)
                        stack.append((fragment.selection_set, kind))
        return out


def _common_parents(uses: list[_Use]) -> Iterator[list[_Use]]:
    """Those that may be of one object: all of one object type, with those of interfaces and unions."""
    abstract = [use for use in uses if not isinstance(use.parent, GraphQLObjectType)]
    concrete: dict[str, list[_Use]] = {}
    for use in uses:
        if isinstance(use.parent, GraphQLObjectType):
            concrete.setdefault(use.parent.name, []).append(use)
    if not concrete:
        yield abstract
    for group in concrete.values():
        yield group + abstract


def _differing_field(uses: list[_Use]) -> str | None:
    first = uses[0].node
    arguments = _arguments(first)
    for use in uses[1:]:
        if use.node is first:
            continue
        if use.node.name.value != first.name.value:
            return f"{first.name.value} and {use.node.name.value} are different fields"
        if _arguments(use.node) != arguments:
            return "they have differing arguments"
    return None


def _arguments(node: FieldNode) -> frozenset[tuple[str, str]]:
    return frozenset((given.name.value, print_ast(given.value)) for given in node.arguments or ())


def _differing_shape(uses: list[_Use]) -> str | None:
    kinds = [use.definition.type for use in uses if use.definition is not None]
    for kind in kinds[1:]:
        if not _same_shape(kinds[0], kind):
            return f"they return differing types {kinds[0]} and {kind}"
    return None


def _same_shape(one: Any, other: Any) -> bool:
    while True:
        for wrapper in (GraphQLNonNull, GraphQLList):
            if isinstance(one, wrapper) or isinstance(other, wrapper):
                if not (isinstance(one, wrapper) and isinstance(other, wrapper)):
                    return False
                one, other = one.of_type, other.of_type
                break
        else:
            break
    if is_leaf_type(one) or is_leaf_type(other):
        return one is other
    return True
