"""Input values: variables and arguments, checked against the schema's types.

The wording is graphql-java's, on which AppSync runs. Seen on AWS: github.com/aws/aws-appsync-community issues
273, 322 and 406 (read 2026-11); the rest follows it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graphql import (
    BooleanValueNode,
    EnumValueNode,
    FloatValueNode,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLScalarType,
    GraphQLSchema,
    IntValueNode,
    ListValueNode,
    NullValueNode,
    ObjectValueNode,
    StringValueNode,
    ValueNode,
    VariableDefinitionNode,
    VariableNode,
    type_from_ast,
)
from graphql.language import ArgumentNode

from harness.emulator.services.appsync.contract import OperationRefused
from harness.emulator.services.appsync.execution.errors import Location, request_error
from harness.emulator.services.appsync.schema.scalars import SCALARS, NotOfType, java_type

MISSING: Any = object()
_MAX_NESTING = 100
_MAX_DIGITS = 400


class BadValue(Exception):
    """A value that is none of its type. `bare` messages name no variable."""

    def __init__(self, message: str, *, bare: bool = False) -> None:
        super().__init__(message)
        self.bare = bare


class _NullForNonNull(Exception):
    def __init__(self, kind: str) -> None:
        super().__init__(kind)


def place(node: Any) -> Location:
    """Where a node is in its document."""
    token = node.loc.start_token
    return token.line, token.column


def coerce_variables(
    schema: GraphQLSchema, definitions: tuple[VariableDefinitionNode, ...], given: Mapping[str, Any]
) -> dict[str, Any]:
    """The operation's variables. One that was not given and has no default is not there.

    Raises OperationRefused."""
    values: dict[str, Any] = {}
    for definition in definitions:
        name = definition.variable.name.value
        kind: Any = type_from_ast(schema, definition.type)
        value = given.get(name, MISSING)
        try:
            if value is MISSING:
                if definition.default_value is not None:
                    values[name] = coerce_literal(definition.default_value, kind, {})
                elif isinstance(kind, GraphQLNonNull):
                    raise _NullForNonNull(str(kind))
                continue
            values[name] = coerce_value(value, kind)
        except _NullForNonNull as null:
            message = f"Variable '{name}' has coerced Null value for NonNull type '{null}'"
            raise OperationRefused([request_error(message, [place(definition)])]) from None
        except BadValue as bad:
            message = str(bad) if bad.bare else f"Variable '{name}' has an invalid value. {bad}"
            found = None if bad.bare else [place(definition)]
            raise OperationRefused([request_error(message, found)]) from None
    return values


def coerce_value(value: Any, kind: GraphQLInputType, depth: int = 0) -> Any:
    """A JSON value as one of `kind`. Raises BadValue, _NullForNonNull."""
    if depth > _MAX_NESTING:
        raise BadValue("The value is nested too deeply.")
    if isinstance(kind, GraphQLNonNull):
        if value is None:
            raise _NullForNonNull(str(kind))
        return coerce_value(value, kind.of_type, depth + 1)
    if value is None:
        return None
    if isinstance(kind, GraphQLScalarType):
        return _scalar(value, kind)
    if isinstance(kind, GraphQLList):
        items = value if isinstance(value, list) else [value]
        return [coerce_value(item, kind.of_type, depth + 1) for item in items]
    if isinstance(kind, GraphQLEnumType):
        if not isinstance(value, str) or value not in kind.values:
            raise BadValue(
                f"Invalid input for Enum '{kind.name}'. No value found for name '{str(value)[:100]}'"
            )
        return value
    return _input_object(value, kind, depth)


def _scalar(value: Any, kind: GraphQLScalarType) -> Any:
    try:
        return SCALARS[kind.name].take(value)
    except NotOfType as error:
        raise BadValue(str(error)) from None


def _input_object(value: Any, kind: GraphQLInputObjectType, depth: int) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise BadValue(
            f"Expected type 'Map' but was '{java_type(value)}'. "
            "Variables for input objects must be an instance of type 'Map'."
        )
    for name in value:
        if name not in kind.fields:
            message = (
                "The variables input contains a field that is not defined for input object type "
                f"'{kind.name}' "
            )
            raise BadValue(message, bare=True)
    out: dict[str, Any] = {}
    for name, field in kind.fields.items():
        if name in value:
            out[name] = coerce_value(value[name], field.type, depth + 1)
            continue
        default = field.ast_node.default_value if field.ast_node else None
        if default is not None:
            out[name] = coerce_literal(default, field.type, {})
        elif isinstance(field.type, GraphQLNonNull):
            raise _NullForNonNull(str(field.type))
    return out


# -- literals


def coerce_arguments(
    field: GraphQLField, given: tuple[ArgumentNode, ...], variables: Mapping[str, Any]
) -> dict[str, Any]:
    """The arguments of a field. One that was not given and has no default is not there. Raises BadValue."""
    nodes = {argument.name.value: argument.value for argument in given}
    values: dict[str, Any] = {}
    for name, argument in field.args.items():
        node = nodes.get(name)
        if node is None or (isinstance(node, VariableNode) and node.name.value not in variables):
            default = argument.ast_node.default_value if argument.ast_node else None
            if default is not None:
                values[name] = coerce_literal(default, argument.type, {})
            continue
        values[name] = coerce_literal(node, argument.type, variables)
        if values[name] is None and isinstance(argument.type, GraphQLNonNull):
            raise BadValue(f"Argument '{name}' has coerced Null value for NonNull type '{argument.type}'")
    return values


def coerce_literal(
    node: ValueNode, kind: GraphQLInputType, variables: Mapping[str, Any], depth: int = 0
) -> Any:
    """A valid document's literal as a value of `kind`, its variables put in."""
    if isinstance(node, VariableNode):
        return variables.get(node.name.value)
    if isinstance(kind, GraphQLNonNull):
        return coerce_literal(node, kind.of_type, variables, depth)
    if isinstance(node, NullValueNode):
        return None
    if isinstance(kind, GraphQLList):
        items = node.values if isinstance(node, ListValueNode) else (node,)
        return [coerce_literal(item, kind.of_type, variables, depth + 1) for item in items]
    if isinstance(kind, GraphQLScalarType):
        return _scalar(_untyped(node), kind)
    if isinstance(kind, GraphQLInputObjectType) and isinstance(node, ObjectValueNode):
        return _literal_object(node, kind, variables, depth)
    return _untyped(node)


def _literal_object(
    node: ObjectValueNode, kind: GraphQLInputObjectType, variables: Mapping[str, Any], depth: int
) -> dict[str, Any]:
    nodes = {field.name.value: field.value for field in node.fields}
    out: dict[str, Any] = {}
    for name, field in kind.fields.items():
        value = nodes.get(name)
        if value is None or (isinstance(value, VariableNode) and value.name.value not in variables):
            default = field.ast_node.default_value if field.ast_node else None
            if default is not None:
                out[name] = coerce_literal(default, field.type, {})
            continue
        out[name] = coerce_literal(value, field.type, variables, depth + 1)
    return out


def _untyped(node: ValueNode) -> Any:
    match node:
        case IntValueNode(value=text):
            if len(text) > _MAX_DIGITS:
                raise BadValue("The number is too long.")
            return int(text)
        case FloatValueNode(value=text):
            return float(text)
        case StringValueNode() | BooleanValueNode() | EnumValueNode():
            return node.value
        case ListValueNode():
            return [_untyped(item) for item in node.values]
        case ObjectValueNode():
            return {field.name.value: _untyped(field.value) for field in node.fields}
    return None
