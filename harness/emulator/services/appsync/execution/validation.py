"""Validation of documents, with its findings in graphql-java's words, which are AppSync's.

Seen on AWS: `Validation error of type FieldUndefined: Field 'x' in type 'Query' is undefined @ 'x'`,
`UnknownType: Unknown type AWSTimestamp`, `WrongType: argument 'input' with value '...' ...`
(github.com/graphql/graphql-over-http/issues/81, github.com/aws/aws-appsync-community/issues/273, read
2026-11); the other types are graphql-java's ValidationErrorType.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLSchema,
    Node,
    OperationDefinitionNode,
    validate,
    validation,
)
from graphql.language import ArgumentNode, Visitor, visit

from harness.emulator.services.appsync.execution.coercion import place
from harness.emulator.services.appsync.execution.errors import GraphQLErrorBody, request_error
from harness.emulator.services.appsync.execution.overlap import Overlap

_MAX_ERRORS = 100
_ABORTED = "Validation aborted."
"""What graphql-core says when a document is nested deeper than Python can follow."""
Words = tuple[str, str]
"""A type of error and what is said of it."""


def _matched(kind: str, pattern: str, words: str) -> Callable[[str], Words]:
    """Makes AppSync's words of graphql-core's: `{0}` and so on are what `pattern` finds."""
    compiled = re.compile(pattern)

    def translate(message: str) -> Words:
        found = compiled.search(message)
        return kind, words.format(*found.groups()) if found else message

    return translate


def _scalar_leafs(message: str) -> Words:
    found = re.match(r"Field '(\w+)' of type '([^']+)' must have", message)
    if found:
        return "SubSelectionRequired", f"Sub selection required for type {found[2]} of field {found[1]}"
    found = re.match(r"Field '(\w+)' must not have a selection since type '([^']+)'", message)
    name, kind = (found[1], found[2]) if found else ("", "")
    return "SubSelectionNotAllowed", f"Sub selection not allowed on leaf type {kind} of field {name}"


def _directives(message: str) -> Words:
    found = re.search(r"'@(\w+)'", message)
    name = found[1] if found else ""
    if message.startswith("Unknown"):
        return "UnknownDirective", f"Unknown directive {name}"
    return "MisplacedDirective", f"Directive {name} not allowed here"


def _arguments(message: str) -> Words:
    found = re.match(r"Unknown argument '(\w+)' on (directive|field)", message)
    name, on = (found[1], found[2]) if found else ("", "field")
    return "UnknownArgument", f"Unknown {on} argument {name}"


def _several_roots(message: str) -> Words:
    found = re.search(r"'(\w+)'", message)
    name = found[1] if found else ""
    return (
        "SubscriptionMultipleRootFields",
        f"Subscription operation '{name}' must have exactly one root field",
    )


_TRANSLATED: Mapping[str, Callable[[str], Words]] = {
    "FieldsOnCorrectTypeRule": _matched(
        "FieldUndefined", r"field '(\w+)' on type '(\w+)'", "Field '{0}' in type '{1}' is undefined"
    ),
    "KnownTypeNamesRule": _matched("UnknownType", r"Unknown type '(\w+)'", "Unknown type {0}"),
    "KnownArgumentNamesRule": _arguments,
    "ProvidedRequiredArgumentsRule": _matched(
        "MissingFieldArgument", r"\((\w+):\)", "Missing field argument {0}"
    ),
    "ScalarLeafsRule": _scalar_leafs,
    "NoUndefinedVariablesRule": _matched(
        "UndefinedVariable", r"Variable '\$(\w+)'", "Undefined variable {0}"
    ),
    "NoUnusedVariablesRule": _matched("UnusedVariable", r"Variable '\$(\w+)'", "Unused variable {0}"),
    "NoUnusedFragmentsRule": _matched("UnusedFragment", r"Fragment '(\w+)'", "Unused fragment {0}"),
    "KnownFragmentNamesRule": _matched("UndefinedFragment", r"fragment '(\w+)'", "Undefined fragment {0}"),
    "NoFragmentCyclesRule": _matched("FragmentCycle", r"()", "Fragment cycles not allowed"),
    "FragmentsOnCompositeTypesRule": _matched(
        "InlineFragmentTypeConditionInvalid",
        r"()",
        "Fragment type condition is invalid, must be on Object/Interface/Union",
    ),
    "PossibleFragmentSpreadsRule": _matched(
        "InvalidFragmentType",
        r"Fragment '?(\w*)'? ?cannot be spread here as objects of type '(\w+)' can never be of type '(\w+)'",
        "Fragment {0} cannot be spread here as objects of type {1} can never be of type {2}",
    ),
    "VariablesInAllowedPositionRule": _matched(
        "VariableTypeMismatch",
        r"of type '([^']+)' used in position expecting type '([^']+)'",
        "Variable type '{0}' doesn't match expected type '{1}'",
    ),
    "VariablesAreInputTypesRule": _matched(
        "NonInputTypeOnVariable",
        r"Variable '\$(\w+)' cannot be non-input type '([^']+)'",
        "Input variable {0} type {1} is not an input type",
    ),
    "UniqueOperationNamesRule": _matched(
        "DuplicateOperationName", r"named '(\w+)'", "There can be only one operation named '{0}'"
    ),
    "UniqueFragmentNamesRule": _matched(
        "DuplicateFragmentName", r"named '(\w+)'", "There can be only one fragment named '{0}'"
    ),
    "UniqueVariableNamesRule": _matched(
        "DuplicateVariableName", r"'\$(\w+)'", "There can be only one variable named '{0}'"
    ),
    "UniqueArgumentNamesRule": _matched(
        "DuplicateArgumentNames", r"named '(\w+)'", "There can be only one argument named '{0}'"
    ),
    "LoneAnonymousOperationRule": _matched(
        "LoneAnonymousOperationViolation", r"()", "Anonymous operation with other operations."
    ),
    "KnownDirectivesRule": _directives,
    "SingleFieldSubscriptionsRule": _several_roots,
}
_FURTHER = (
    *("ExecutableDefinitionsRule", "UniqueDirectivesPerLocationRule", "UniqueInputFieldNamesRule"),
    *("ValuesOfCorrectTypeRule", "MaxIntrospectionDepthRule"),
)
_RULES: tuple[Any, ...] = tuple(getattr(validation, name) for name in (*_TRANSLATED, *_FURTHER))
_WITHOUT_PATH = frozenset(("KnownTypeNamesRule", "UniqueOperationNamesRule", "LoneAnonymousOperationRule"))
_PREFIX = "Validation error of type "


def findings(schema: GraphQLSchema, document: DocumentNode, *, introspection: bool) -> list[GraphQLErrorBody]:
    """What is wrong with a document; nothing when it can be executed."""
    found: list[GraphQLErrorBody] = []
    first = validate(schema, document, _RULES, max_errors=_MAX_ERRORS, hide_suggestions=True)
    if any(error.message == _ABORTED for error in first):
        return [request_error("The query is nested too deeply.")]
    if first:
        for rule in _RULES:  # a second look, for which rule said what
            errors = validate(schema, document, [rule], max_errors=_MAX_ERRORS, hide_suggestions=True)
            found += [_worded(rule.__name__, error, document) for error in errors]
        return found[:_MAX_ERRORS]
    if not introspection:
        found = _introspecting(document)
    return found or _conflicts(schema, document)


def _conflicts(schema: GraphQLSchema, document: DocumentNode) -> list[GraphQLErrorBody]:
    fragments = {
        node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)
    }
    overlap = Overlap(schema, fragments)
    for node in document.definitions:
        if isinstance(node, OperationDefinitionNode):
            conflict = overlap.conflict(node, schema.get_root_type(node.operation))
            if conflict:
                text = f"{_PREFIX}FieldsConflict: {conflict.key}: {conflict.reason}"
                return [request_error(text + _at(conflict.node, document), [place(conflict.node)])]
    return []


def _worded(rule: str, error: GraphQLError, document: DocumentNode) -> GraphQLErrorBody:
    nodes: list[Node] | list[None] = error.nodes or [None]
    node = nodes[-1 if rule == "VariablesInAllowedPositionRule" else 0]
    translate = _TRANSLATED.get(rule)
    if rule == "ValuesOfCorrectTypeRule":
        kind, words = _wrong_type(error, node, document)
    elif translate is not None:
        kind, words = translate(error.message)
    else:
        kind, words = rule.removesuffix("Rule"), error.message
    at = _at(node, document) if node is not None and rule not in _WITHOUT_PATH else ""
    return request_error(f"{_PREFIX}{kind}: {words}{at}", [place(node)] if node is not None else None)


def _wrong_type(error: GraphQLError, node: Node | None, document: DocumentNode) -> Words:
    argument = _enclosing(node, document, ArgumentNode) if node is not None else None
    if argument is None:
        return "WrongType", error.message
    value = _java_value(argument.value)
    missing = re.search(r"to include required field '(\w+)'", error.message) or re.search(
        r"Field '\w+\.(\w+)' of required type", error.message
    )
    if missing:
        end = f"is missing required fields '[{missing[1]}]'"
    else:
        unknown = re.search(
            r"to include unknown field '(\w+)'|Field '(\w+)' is not defined by type", error.message
        )
        if unknown:
            end = f"contains a field not in the schema: '{unknown[1] or unknown[2]}'"
        else:
            kind = re.search(r"type '([^']+)'|(Int|Float|String|Boolean|ID) cannot", error.message)
            end = f"is not a valid '{(kind[1] or kind[2]) if kind else 'value'}'"
            if error.message.startswith("Unable to parse"):
                end = f"is not valid: {error.message}"
    return "WrongType", f"argument '{argument.name.value}' with value '{value}' {end}"


def _java_value(node: Any) -> str:
    """A literal as graphql-java prints it, cut short."""
    kind = type(node).__name__.removesuffix("Node")
    if kind == "ListValue":
        text = f"ArrayValue{{values=[{', '.join(map(_java_value, node.values[:20]))}]}}"
    elif kind == "ObjectValue":
        fields = (
            f"ObjectField{{name='{field.name.value}', value={_java_value(field.value)}}}"
            for field in node.fields[:20]
        )
        text = f"ObjectValue{{objectFields=[{', '.join(fields)}]}}"
    elif kind == "StringValue":
        text = f"StringValue{{value='{node.value}'}}"
    elif kind == "EnumValue":
        text = f"EnumValue{{name='{node.value}'}}"
    else:
        text = f"{kind}{{value={getattr(node, 'value', 'null')}}}"
    return text if len(text) <= 500 else text[:500] + "..."


class _Finder(Visitor):
    """The way from the document down to a node."""

    def __init__(self, wanted: Node) -> None:
        super().__init__()
        self.wanted = wanted
        self.way: list[Any] | None = None

    def enter(self, node: Node, _key: Any, parent: Any, _path: Any, ancestors: list[Any]) -> Any:
        """Look at a node."""
        if node is self.wanted:
            self.way = [one for one in (*ancestors, parent, node) if isinstance(one, Node)]
            return self.BREAK
        return None


def _way(node: Node, document: DocumentNode) -> list[Any]:
    finder = _Finder(node)
    visit(document, finder)
    return finder.way or []


def _at(node: Node, document: DocumentNode) -> str:
    names = [one.name.value for one in _way(node, document) if isinstance(one, FieldNode)]
    return f" @ '{'/'.join(names)}'" if names else ""


def _enclosing(node: Node, document: DocumentNode, kind: type) -> Any:
    return next((one for one in reversed(_way(node, document)) if isinstance(one, kind)), None)


class _Introspection(Visitor):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[GraphQLErrorBody] = []

    def enter_field(self, node: FieldNode, *_: Any) -> None:
        """Note a field that asks for the schema."""
        name = node.name.value
        if name in ("__schema", "__type"):
            text = f"{_PREFIX}FieldUndefined: Field '{name}' in type 'Query' is undefined @ '{name}'"
            self.found.append(request_error(text, [place(node)]))


def _introspecting(document: DocumentNode) -> list[GraphQLErrorBody]:
    visitor = _Introspection()
    visit(document, visitor)
    return visitor.found
