"""What of a document is done once: its operation as fields to resolve, by type, with all that does not depend
on the request worked out.

`@skip` and `@include` with variables make another plan for each outcome; all else is the same for every
request. A selection set is planned for a type once, however often the document comes to it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from graphql import (
    BooleanValueNode,
    DirectiveNode,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLField,
    GraphQLObjectType,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
    get_named_type,
    is_abstract_type,
    is_object_type,
    print_ast,
)

from harness.emulator.services.appsync.execution.coercion import coerce_arguments, place
from harness.emulator.services.appsync.execution.completion import Completion, completion_for
from harness.emulator.services.appsync.execution.documents import Document
from harness.emulator.services.appsync.execution.errors import Location
from harness.emulator.services.appsync.resolvers.compiled import Resolver
from harness.emulator.services.appsync.schema.access import Rule
from harness.emulator.services.appsync.schema.compile import CompiledSchema

MAX_SELECTIONS_LISTED = 5_000
Conditions = Mapping[str, bool]
"""The values of the variables that `@skip` and `@include` look at."""
FieldName = tuple[str, str]


class Field:
    """A field of a type, as one place of the operation asks for it."""

    __slots__ = (
        *("key", "name", "type_name", "definition", "nodes", "rule", "resolver", "completion", "place"),
        *("static_arguments", "introspects", "_plan", "_selections", "_text"),
    )

    def __init__(self, plan: Plan, key: str, parent: GraphQLObjectType, nodes: list[FieldNode]) -> None:
        node = nodes[0]
        self._plan = plan
        self.key = key
        self.name = node.name.value
        self.type_name = parent.name
        self.nodes = nodes
        self.place: Location = place(node)
        self.definition: GraphQLField = plan.schema.graphql.get_field(parent, self.name)  # type: ignore[assignment]
        name = (parent.name, self.name)
        self.introspects = self.name in ("__schema", "__type")
        self.rule: Rule | None = plan.schema.rules.get(name)
        self.resolver: Resolver | None = plan.resolvers.get(name)
        self.completion: Completion = completion_for(self.definition.type, self, plan)
        given = node.arguments or ()
        self.static_arguments: dict[str, Any] | None = None
        if not any(has_variable(argument.value) for argument in given):
            self.static_arguments = coerce_arguments(self.definition, given, {})
        self._selections: list[str] | None = None
        self._text: str | None = None

    def arguments(self, variables: Mapping[str, Any]) -> dict[str, Any]:
        """The field's arguments in one request. Raises BadValue."""
        return coerce_arguments(self.definition, self.nodes[0].arguments or (), variables)

    @property
    def selection_list(self) -> list[str]:
        """As FieldInfo.selection_list."""
        if self._selections is None:
            out: list[str] = []
            self._plan.list_selections(self, "", out)
            self._selections = out
        return self._selections

    @property
    def selection_graphql(self) -> str:
        """As FieldInfo.selection_graphql."""
        if self._text is None:
            selections = self.nodes[0].selection_set
            self._text = print_ast(selections) if selections else ""
        return self._text


class Parts(Protocol):
    """What a plan takes from an API."""

    schema: CompiledSchema | None

    @property
    def resolvers(self) -> Mapping[FieldName, Resolver]:
        """The resolvers by type and field."""


class Plan:
    """An operation under certain conditions. `root` are its first fields."""

    def __init__(
        self,
        schema: CompiledSchema,
        resolvers: Mapping[FieldName, Resolver],
        document: Document,
        operation: OperationDefinitionNode,
        conditions: Conditions,
    ) -> None:
        self.schema = schema
        self.resolvers = resolvers
        self.operation = operation
        self.document = document
        self._conditions = conditions
        self._planned: dict[tuple[frozenset[int], str], tuple[Field, ...]] = {}
        kind: Any = schema.graphql.get_root_type(operation.operation)
        self.root_type: GraphQLObjectType = kind
        self.root = self._fields([operation.selection_set], kind)

    def subfields(self, field: Field, kind: GraphQLObjectType) -> tuple[Field, ...]:
        """The fields asked of the objects of type `kind` that `field` gives."""
        return self._fields([node.selection_set for node in field.nodes if node.selection_set], kind)

    def _fields(self, sets: list[SelectionSetNode], kind: GraphQLObjectType) -> tuple[Field, ...]:
        mark = frozenset(map(id, sets)), kind.name
        found = self._planned.get(mark)
        if found is None:
            groups: dict[str, list[FieldNode]] = {}
            self._collect(sets, kind, groups, set())
            found = tuple(Field(self, key, kind, nodes) for key, nodes in groups.items())
            self._planned[mark] = found
        return found

    def _collect(
        self,
        sets: Iterable[SelectionSetNode],
        kind: GraphQLObjectType,
        groups: dict[str, list[FieldNode]],
        entered: set[str],
    ) -> None:
        for selections in sets:
            for node in selections.selections:
                if not self._included(node.directives or ()):
                    continue
                if isinstance(node, FieldNode):
                    key = node.alias.value if node.alias else node.name.value
                    groups.setdefault(key, []).append(node)
                    continue
                fragment: InlineFragmentNode | FragmentDefinitionNode
                if isinstance(node, InlineFragmentNode):
                    fragment = node
                else:
                    name = node.name.value  # type: ignore[attr-defined]
                    if name in entered:
                        continue
                    entered.add(name)
                    fragment = self.document.fragments[name]
                if self._applies(fragment, kind):
                    self._collect([fragment.selection_set], kind, groups, entered)

    def _applies(
        self, fragment: InlineFragmentNode | FragmentDefinitionNode, kind: GraphQLObjectType
    ) -> bool:
        if fragment.type_condition is None:
            return True
        condition = self.schema.graphql.get_type(fragment.type_condition.name.value)
        if condition is kind:
            return True
        return is_abstract_type(condition) and self.schema.graphql.is_sub_type(condition, kind)

    def _included(self, directives: Iterable[DirectiveNode]) -> bool:
        for directive in directives:
            name = directive.name.value
            if name not in ("skip", "include") or not directive.arguments:
                continue
            value = directive.arguments[0].value
            if isinstance(value, VariableNode):
                holds = self._conditions.get(value.name.value, False)
            else:
                holds = isinstance(value, BooleanValueNode) and value.value
            if holds == (name == "skip"):
                return False
        return True

    def list_selections(self, field: Field, prefix: str, out: list[str]) -> None:
        """The selection set of a field as paths, into `out`; cut off where it would not end."""
        kind = get_named_type(field.definition.type)
        kinds: Iterable[Any] = [kind] if is_object_type(kind) else ()
        if is_abstract_type(kind):
            kinds = self.schema.graphql.get_possible_types(kind)
        seen: set[str] = set()
        for each in kinds:
            for inner in self.subfields(field, each):
                if inner.key in seen:
                    continue
                seen.add(inner.key)
                if len(out) >= MAX_SELECTIONS_LISTED:
                    return
                out.append(prefix + inner.key)
                if len(prefix) < 1_000:
                    self.list_selections(inner, f"{prefix}{inner.key}/", out)

    def depth(self, at_most: int) -> int:
        """How deep the operation is nested, or `at_most` plus one when it is deeper. Introspection does not
        count."""
        level: dict[tuple[int, ...], tuple[Field, ...]] = {(0,): self.root}
        depth = 0
        while level:
            depth += 1
            if depth > at_most:
                return depth
            following: dict[tuple[int, ...], tuple[Field, ...]] = {}
            for fields in level.values():
                for field in fields:
                    if field.name.startswith("__"):
                        continue
                    kind = get_named_type(field.definition.type)
                    kinds: Iterable[Any] = [kind] if is_object_type(kind) else ()
                    if is_abstract_type(kind):
                        kinds = self.schema.graphql.get_possible_types(kind)
                    for each in kinds:
                        inner = self.subfields(field, each)
                        if inner:
                            following[tuple(map(id, inner))] = inner
            level = following
        return depth


def has_variable(node: Any) -> bool:
    """Whether a literal has a variable in it."""
    if isinstance(node, VariableNode):
        return True
    for item in getattr(node, "values", None) or ():
        if has_variable(item):
            return True
    return any(has_variable(field.value) for field in getattr(node, "fields", None) or ())


def condition_variables(document: Document, operation: OperationDefinitionNode) -> tuple[str, ...]:
    """The variables that `@skip` and `@include` look at, in an operation and the document's fragments."""
    found: set[str] = set()
    stack: list[SelectionSetNode] = [operation.selection_set]
    stack += [fragment.selection_set for fragment in document.fragments.values()]
    while stack:
        for node in stack.pop().selections:
            for directive in node.directives or ():
                if directive.name.value in ("skip", "include"):
                    found.update(
                        argument.value.name.value
                        for argument in directive.arguments or ()
                        if isinstance(argument.value, VariableNode)
                    )
            inner = getattr(node, "selection_set", None)
            if inner is not None:
                stack.append(inner)
    return tuple(sorted(found))
