"""AppSync's scalars, and who may use which field: pure policy."""

from __future__ import annotations

from typing import Any

import pytest
from graphql import build_schema

from harness.emulator.services.appsync.identity import AuthMode, Identity
from harness.emulator.services.appsync.model import AuthProvider, UserPool
from harness.emulator.services.appsync.schema.access import allowed, compile_rules
from harness.emulator.services.appsync.schema.compile import SchemaRefused, compile_schema, parse_sdl
from harness.emulator.services.appsync.schema.scalars import SCALARS, NotOfType

VALID = {
    "AWSDate": ["1970-01-01", "1970-01-01Z", "1970-01-01-07:00", "1970-01-01+05:30", "2020-02-29"],
    "AWSTime": ["12:00:34.", "12:00:34.500", "12:00:34Z", "12:00:34.1+05:30", "12:00:34-07:00:30", "23:59"],
    "AWSDateTime": [
        "1970-01-01T12:00:34Z",
        "1970-01-01T12:00:34.500+05:30",
        "2020-12-31T23:59:59.123456789-07:00",
    ],
    "AWSTimestamp": [0, -123, 1_700_000_000],
    "AWSEmail": ["a@example.com", "first.last+tag@sub.example.co"],
    "AWSURL": [
        "https://example.com",
        "https://example.com/a?b=c#d",
        "mailto:a@example.com",
        "ftp://x.example:21/y",
    ],
    "AWSPhone": ["+1 650-555-0100", "650 555 0100", "+441632960001"],
    "AWSIPAddress": ["127.0.0.1", "10.0.0.0/8", "::1", "2001:db8::/32"],
    "Int": [0, 2**31 - 1, -(2**31), 5.0],
    "Float": [1, 1.5, -1e300],
    "ID": ["x", 5],
}
INVALID = {
    "AWSDate": ["1970-1-1", "1970-13-01", "2021-02-29", "1970-01-01T00:00:00Z", "", 5, None],
    "AWSTime": ["25:00", "12:60:00", "noon", "12"],
    "AWSDateTime": ["1970-01-01T12:00:34", "1970-01-01 12:00:34Z", "1970-00-01T12:00:34Z", "now", 5],
    "AWSTimestamp": ["5", 1.5, True],
    "AWSEmail": ["a", "a@b", "@example.com", "a b@example.com", "a@ex..com", "a@example.com\n"],
    "AWSURL": ["example.com", "https://", "http:// x", "://x", ""],
    "AWSPhone": ["abc", "+1", "1" * 30],
    "AWSIPAddress": ["256.0.0.1", "1.2.3", "::1::", "10.0.0.0/33", "10.0.0.0/"],
    "AWSJSON": ["{", "", 5, {"a": 1}],
    "Int": [2**31, 1.5, "5", True],
    "Float": [True, "1.5", float("inf"), float("nan")],
    "String": [5, None, True],
    "Boolean": ["true", 1, None],
    "ID": [1.5, True, None],
}


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, values in VALID.items() for value in values]
)
def test_input_that_is_of_the_scalar_is_taken(name: str, value: Any) -> None:
    taken = SCALARS[name].take(value)
    assert taken == (str(value) if name == "ID" else value)
    SCALARS[name].give(taken)


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, values in INVALID.items() for value in values]
)
def test_input_that_is_not_is_refused(name: str, value: Any) -> None:
    with pytest.raises(NotOfType):
        SCALARS[name].take(value)


@pytest.mark.parametrize(
    ("text", "value"), [('{"a": [1]}', {"a": [1]}), ('"x"', "x"), ("null", None), ("1.5", 1.5)]
)
def test_json_is_text_to_clients_and_a_value_to_resolvers(text: str, value: Any) -> None:
    import json

    assert SCALARS["AWSJSON"].take(text) == value
    assert json.loads(SCALARS["AWSJSON"].give(value)) == value


# -- access

SDL = """
directive @aws_api_key on OBJECT | FIELD_DEFINITION
directive @aws_iam on OBJECT | FIELD_DEFINITION
directive @aws_lambda on OBJECT | FIELD_DEFINITION
directive @aws_cognito_user_pools(cognito_groups: [String]) on OBJECT | FIELD_DEFINITION
directive @aws_auth(cognito_groups: [String]) on FIELD_DEFINITION
type Query {
  plain: Int
  iam: Int @aws_iam
  users: Int @aws_cognito_user_pools
  staff: Int @aws_cognito_user_pools(cognito_groups: ["staff", "admins"])
  old: Int @aws_auth(cognito_groups: ["admins"])
  anyone: Int @aws_api_key @aws_iam @aws_cognito_user_pools @aws_lambda
}
type Keyed @aws_api_key { plain: Int  iam: Int @aws_iam }
"""
RULES = compile_rules(build_schema(SDL + "extend type Query { keyed: Keyed }"))
MODES: tuple[AuthMode, ...] = ("API_KEY", "AWS_IAM", "AMAZON_COGNITO_USER_POOLS", "AWS_LAMBDA")


def may(field: str, caller: Identity, default: AuthProvider | AuthMode = "AMAZON_COGNITO_USER_POOLS") -> bool:
    provider = default if isinstance(default, AuthProvider) else AuthProvider(default)
    kind, _, name = field.partition(".")
    return allowed(RULES, provider, kind, name, caller)


@pytest.mark.parametrize(
    ("field", "modes"),
    [
        ("Query.plain", {"AMAZON_COGNITO_USER_POOLS"}),
        ("Query.iam", {"AWS_IAM"}),
        ("Query.users", {"AMAZON_COGNITO_USER_POOLS"}),
        ("Query.anyone", set(MODES)),
        ("Query.keyed", {"AMAZON_COGNITO_USER_POOLS"}),
        ("Keyed.plain", {"API_KEY"}),
        ("Keyed.iam", {"AWS_IAM"}),
    ],
)
def test_a_fields_directives_come_before_its_types_and_those_before_the_default(
    field: str, modes: set[str]
) -> None:
    assert {mode for mode in MODES if may(field, Identity(mode))} == modes


@pytest.mark.parametrize(
    ("field", "groups", "passes"),
    [
        ("Query.staff", (), False),
        ("Query.staff", ("users",), False),
        ("Query.staff", ("users", "staff"), True),
        ("Query.old", ("staff",), False),
        ("Query.old", ("admins",), True),
    ],
)
def test_groups(field: str, groups: tuple[str, ...], passes: bool) -> None:
    assert may(field, Identity("AMAZON_COGNITO_USER_POOLS", groups=groups)) is passes


def test_a_pool_that_denies_lets_in_by_directive_only() -> None:
    pool = AuthProvider("AMAZON_COGNITO_USER_POOLS", UserPool("p", "us-east-1", default_action="DENY"))
    caller = Identity("AMAZON_COGNITO_USER_POOLS", groups=("admins",))
    assert [may(f"Query.{name}", caller, pool) for name in ("plain", "users", "old", "iam")] == [
        False,
        True,
        True,
        False,
    ]


def test_what_a_function_denied_is_denied_whatever_the_directives_say() -> None:
    caller = Identity("AWS_LAMBDA", denied_fields=frozenset({"Query.anyone"}))
    assert not may("Query.anyone", caller)
    assert not may("Query.plain", caller)
    assert may("Query.plain", Identity("AWS_LAMBDA"), "AWS_LAMBDA")


# -- schemas


@pytest.mark.parametrize(
    "sdl",
    [
        "type Query { a: " + "[" * 5_000 + "Int" + "]" * 5_000 + " }",
        "type Query { a: Int }" + "#" * (1024 * 1024),
        "type Query implements I { a: Int } interface I { b: Int }",
        "type Query { a(b: Query): Int }",
        "enum E { A A } type Query { a: E }",
        "type Query { __a: Int }",
        'type Query { a(d: AWSDate = "tomorrow"): Int }',
        'type Query { a(i: In): Int } input In { d: AWSJSON = "{" }',
        'type Query { a(n: Int = "x"): Int }',
        "query { a }",
        "",
    ],
)
def test_schemas_that_cannot_be_are_refused_with_a_reason(sdl: str) -> None:
    with pytest.raises(SchemaRefused) as caught:
        compile_schema(parse_sdl(sdl))
    assert str(caught.value)


def test_a_schema_may_name_its_roots() -> None:
    compiled = compile_schema(parse_sdl("schema { query: Q } type Q { a: Int }"))
    assert compiled.executable
