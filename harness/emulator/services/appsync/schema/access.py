"""Who may use which field, by the directives of a schema. Pure policy, compiled with the schema.

A field's own directives count; where it has none, its type's; where that has none, only the API's default
mode may use it. `cognito_groups` asks for one of those groups. `@aws_auth` is the older form of it, which
AWS has for APIs whose only mode is Cognito.
With the default action DENY of such an API a field without a directive may not be used.
docs: AppSync Developer Guide, Configuring authorization and authentication to secure your GraphQL APIs,
Using additional authorization modes; Fine-grained access control (read 2026-11)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from graphql import DirectiveNode, GraphQLObjectType, GraphQLSchema, ListValueNode, StringValueNode

from harness.emulator.services.appsync.identity import AuthMode, Identity
from harness.emulator.services.appsync.model import AuthProvider

_MODES: Mapping[str, AuthMode] = {
    "aws_api_key": "API_KEY",
    "aws_iam": "AWS_IAM",
    "aws_cognito_user_pools": "AMAZON_COGNITO_USER_POOLS",
    "aws_lambda": "AWS_LAMBDA",
}


class Rule(NamedTuple):
    """What directives ask for: the modes that may pass, each with the groups of which the user must be in
    one (empty: any user)."""

    modes: Mapping[AuthMode, frozenset[str]]


Rules = Mapping[tuple[str, str], Rule]
"""The rule of every field that has one, by type and field."""


def compile_rules(schema: GraphQLSchema) -> Rules:
    """The rules of a schema's object types."""
    rules: dict[tuple[str, str], Rule] = {}
    for name, kind in schema.type_map.items():
        if not isinstance(kind, GraphQLObjectType) or name.startswith("__"):
            continue
        nodes = [kind.ast_node, *kind.extension_ast_nodes]
        of_type = _rule(directive for node in nodes if node for directive in node.directives or ())
        for field_name, field in kind.fields.items():
            own = _rule(field.ast_node.directives or ()) if field.ast_node else None
            rule = own or of_type
            if rule is not None:
                rules[name, field_name] = rule
    return rules


def _rule(directives: Iterable[DirectiveNode]) -> Rule | None:
    modes: dict[AuthMode, frozenset[str]] = {}
    for directive in directives:
        name = directive.name.value
        if name == "aws_auth":
            modes.setdefault("AMAZON_COGNITO_USER_POOLS", _groups(directive))
        elif name in _MODES:
            modes[_MODES[name]] = _groups(directive)
    return Rule(modes) if modes else None


def _groups(directive: DirectiveNode) -> frozenset[str]:
    for argument in directive.arguments or ():
        value = argument.value
        if argument.name.value != "cognito_groups":
            continue
        items = value.values if isinstance(value, ListValueNode) else (value,)
        return frozenset(item.value for item in items if isinstance(item, StringValueNode))
    return frozenset()


def allowed(rules: Rules, default: AuthProvider, type_name: str, field_name: str, caller: Identity) -> bool:
    """Whether `caller` may use the field. `default` is the API's default mode."""
    if caller.denied_fields and f"{type_name}.{field_name}" in caller.denied_fields:
        return False
    rule = rules.get((type_name, field_name))
    if rule is None:
        denied = default.user_pool is not None and default.user_pool.default_action == "DENY"
        return caller.mode == default.mode and not denied
    groups = rule.modes.get(caller.mode)
    if groups is None:
        return False
    return not groups or not groups.isdisjoint(caller.groups)
