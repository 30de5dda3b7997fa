"""From SDL to a schema that can be executed, or to why it cannot be.

docs: AppSync Developer Guide, Designing your GraphQL schema; Scalar types; Real-time data, @aws_subscribe;
AppSync endpoints and quotas, schema document size (read 2026-11)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from graphql import (
    DefinitionNode,
    DirectiveDefinitionNode,
    DocumentNode,
    GraphQLError,
    GraphQLScalarType,
    GraphQLSchema,
    ScalarTypeDefinitionNode,
    StringValueNode,
    build_ast_schema,
    parse,
    validate_schema,
)
from graphql.language import ListValueNode

from harness.emulator.services.appsync.schema.access import Rules, compile_rules
from harness.emulator.services.appsync.schema.scalars import AWS_SCALARS, SCALARS, NotOfType

MAX_SDL_BYTES = 1024 * 1024
_PRELUDE = """
directive @aws_subscribe(mutations: [String]) on FIELD_DEFINITION
directive @aws_api_key on OBJECT | FIELD_DEFINITION
directive @aws_iam on OBJECT | FIELD_DEFINITION
directive @aws_lambda on OBJECT | FIELD_DEFINITION
directive @aws_cognito_user_pools(cognito_groups: [String]) on OBJECT | FIELD_DEFINITION
directive @aws_auth(cognito_groups: [String]) on FIELD_DEFINITION
"""
_OWN_DIRECTIVES = frozenset(
    ("aws_subscribe", "aws_api_key", "aws_iam", "aws_lambda", "aws_cognito_user_pools", "aws_auth")
)
_NOT_OFFERED = {
    "aws_oidc": "OpenID Connect",
    "aws_publish": "@aws_publish",
    "canonical": "merged APIs",
    "hidden": "merged APIs",
    "renamed": "merged APIs",
}
_BASE = parse(_PRELUDE + "\n".join(f"scalar {name}" for name in AWS_SCALARS), no_location=True)


class SchemaRefused(Exception):
    """The SDL cannot be a schema here. The message says why."""


@dataclass(frozen=True, slots=True)
class CompiledSchema:
    """A schema in use. `document` is what the user wrote; `listeners` maps a mutation field to the
    subscription fields that listen to it, and `mutations` a subscription field to what it listens to."""

    document: DocumentNode
    graphql: GraphQLSchema
    rules: Rules
    listeners: Mapping[str, tuple[str, ...]]
    mutations: Mapping[str, frozenset[str]]

    @property
    def executable(self) -> bool:
        """Whether there is a Query type to begin at."""
        return self.graphql.query_type is not None


def parse_sdl(sdl: str) -> DocumentNode:
    """The definitions that SDL has. Raises SchemaRefused."""
    if len(sdl.encode()) > MAX_SDL_BYTES:
        raise SchemaRefused(f"The schema document is larger than {MAX_SDL_BYTES} bytes.")
    try:
        return parse(sdl)
    except GraphQLError as error:
        where = f" at line {error.locations[0].line}" if error.locations else ""
        raise SchemaRefused(
            "Failed to parse schema document - ensure it's a valid SDL-formatted document: "
            f"{error.message}{where}"
        ) from None
    except RecursionError:
        raise SchemaRefused("The schema document is nested too deeply.") from None


def compile_schema(document: DocumentNode, *, complete: bool = True) -> CompiledSchema:
    """Compile a user's definitions. Without `complete` there need not be a Query type yet.

    Raises SchemaRefused."""
    definitions = [node for node in document.definitions if not _is_own(node)]
    _refuse_unsupported(definitions)
    whole = DocumentNode(definitions=(*_BASE.definitions, *definitions))
    try:
        schema = build_ast_schema(whole)
        _attach_scalars(schema)
        problems = [] if schema.query_type is None and not complete else validate_schema(schema)
    except (GraphQLError, TypeError, ValueError) as error:
        raise SchemaRefused(str(error)) from None
    except RecursionError:
        raise SchemaRefused("The schema is nested too deeply.") from None
    if schema.query_type is None and complete:
        raise SchemaRefused("There is no top level schema object defined.")
    if problems:
        raise SchemaRefused("; ".join(problem.message for problem in problems))
    mutations = _subscribed(schema)
    listeners: dict[str, tuple[str, ...]] = {}
    for field, names in mutations.items():
        for name in sorted(names):
            listeners[name] = (*listeners.get(name, ()), field)
    return CompiledSchema(document, schema, compile_rules(schema), listeners, mutations)


def _is_own(node: DefinitionNode) -> bool:
    """A definition of what AppSync has anyway: people write them down for their editors."""
    if isinstance(node, ScalarTypeDefinitionNode):
        return node.name.value in SCALARS
    return isinstance(node, DirectiveDefinitionNode) and node.name.value in _OWN_DIRECTIVES


def _refuse_unsupported(definitions: list[DefinitionNode]) -> None:
    for node in definitions:
        if isinstance(node, ScalarTypeDefinitionNode):
            raise SchemaRefused(f"Custom scalars are not supported: {node.name.value}.")
    for node in definitions:
        for directive in _directives(node):
            feature = _NOT_OFFERED.get(directive)
            if feature is not None:
                raise SchemaRefused(f"@{directive}: the embedded AppSync does not offer {feature}.")


def _directives(node: DefinitionNode) -> list[str]:
    """The directives of a definition and its fields, by name."""
    found = [directive.name.value for directive in getattr(node, "directives", None) or ()]
    for field in getattr(node, "fields", None) or ():
        found += [directive.name.value for directive in field.directives or ()]
    return found


def _attach_scalars(schema: GraphQLSchema) -> None:
    """Have validation check literals of AppSync's scalars."""
    for name in AWS_SCALARS:
        kind = schema.type_map.get(name)
        if isinstance(kind, GraphQLScalarType):
            kind.coerce_input_value = _checked(name)


def _checked(name: str):  # type: ignore[no-untyped-def]
    take = SCALARS[name].take

    def coerce(value: object) -> object:
        try:
            return take(value)
        except NotOfType as error:
            raise GraphQLError(str(error)) from None

    return coerce


def _subscribed(schema: GraphQLSchema) -> dict[str, frozenset[str]]:
    """What each subscription field listens to. Raises SchemaRefused for what cannot be listened to."""
    found: dict[str, frozenset[str]] = {}
    fields = schema.subscription_type.fields if schema.subscription_type else {}
    for name, field in fields.items():
        node = field.ast_node
        for directive in (node.directives or ()) if node else ():
            if directive.name.value != "aws_subscribe":
                continue
            names = _texts(directive)
            for mutation in names:
                target = schema.mutation_type.fields.get(mutation) if schema.mutation_type else None
                if target is None:
                    raise SchemaRefused(
                        f"Subscription field '{name}' listens to mutation '{mutation}', which does not exist."
                    )
                if str(target.type).rstrip("!") != str(field.type).rstrip("!"):
                    raise SchemaRefused(
                        f"Subscription field '{name}' must be of the type of mutation '{mutation}'."
                    )
            found[name] = frozenset(names)
    return found


def _texts(directive) -> list[str]:  # type: ignore[no-untyped-def]
    for argument in directive.arguments or ():
        if argument.name.value == "mutations":
            value = argument.value
            items = value.values if isinstance(value, ListValueNode) else (value,)
            return [item.value for item in items if isinstance(item, StringValueNode)]
    return []
