"""Execution: values completed, errors in AppSync's shapes, mutations in order, access by directives."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from harness.emulator.services.appsync.identity import Identity

SDL = """
type Query {
  echo(
    id: ID, n: Int, tags: [String!], input: Thing, json: AWSJSON, at: AWSDateTime, kind: Kind = CAR
  ): Device
  required(id: ID!): Device!
  devices: [Device]
  strict: [Device!]!
  anything: Found
  plain: String
}
type Mutation {
  put(id: ID!, name: String): Device
  log(id: ID!): Device!
}
type Subscription {
  onPut(id: ID): Device @aws_subscribe(mutations: ["put"])
}
interface Named { name: String }
type Device implements Named {
  id: ID!
  name: String
  n: Int
  x: Float
  on: Boolean
  at: AWSDateTime
  json: AWSJSON
  kind: Kind
  tags: [String]
  owner: Owner
  owners: [Owner!]
  twin: Device
}
type Owner implements Named { name: String  email: AWSEmail! }
union Found = Device | Owner
enum Kind { CAR BIKE }
input Thing { name: String!  size: Int = 3 }
"""


@pytest.fixture
def api(appsync: Any) -> str:
    api_id: str = appsync.create_api(SDL)
    appsync.source(api_id)
    return api_id


def gives(appsync: Any, api: str, field: str, value: Any) -> None:
    """Have a field resolve to `value`."""
    appsync.resolver(api, field, '{"version": "2018-05-29"}', orjson.dumps(value).decode())


def test_arguments_reach_the_template_and_values_come_back(appsync: Any, api: str) -> None:
    appsync.resolver(api, "Query.echo")
    answer = appsync.query(api, '{ echo(id: 7, n: 2, tags: ["a"]) { id n tags kind name __typename } }')
    assert answer == {
        "data": {
            "echo": {"id": "7", "n": 2, "tags": ["a"], "kind": "CAR", "name": None, "__typename": "Device"}
        }
    }


def test_variables_are_coerced_and_those_not_given_are_not_there(appsync: Any, api: str) -> None:
    response = '{"id": "1", "json": $util.toJson($ctx.args)}'
    appsync.resolver(api, "Query.echo", response=response)
    query = """query($id: ID, $n: Int, $input: Thing, $j: AWSJSON) {
      echo(id: $id, n: $n, input: $input, json: $j) { json }
    }"""
    answer = appsync.query(api, query, id=5, input={"name": "x"}, j='{"a": [1]}')
    assert orjson.loads(answer["data"]["echo"]["json"]) == {
        "id": "5",
        "input": {"name": "x", "size": 3},
        "json": {"a": [1]},
        "kind": "CAR",
    }


def test_aliases_fragments_and_conditions(appsync: Any, api: str) -> None:
    appsync.resolver(api, "Query.echo")
    query = """
    query($skip: Boolean!) {
      one: echo(id: 1) { ...Shown }
      two: echo(id: 2) { ...Shown  n @skip(if: $skip) }
      three: echo(id: 3) @include(if: false) { id }
    }
    fragment Shown on Device { id  again: id }
    """
    assert appsync.query(api, query, skip=True) == {
        "data": {"one": {"id": "1", "again": "1"}, "two": {"id": "2", "again": "2"}}
    }
    assert "n" in appsync.query(api, query, skip=False)["data"]["two"]


def test_a_field_without_a_resolver_is_null_at_the_root(appsync: Any, api: str) -> None:
    assert appsync.query(api, "{ plain devices { id } }") == {"data": {"plain": None, "devices": None}}


def test_output_is_converted_as_java_converts_it(appsync: Any, api: str) -> None:
    value = {"id": 12, "name": {"a": 1}, "n": "5", "x": "1.5", "on": "true", "json": {"b": [True]}}
    gives(appsync, api, "Query.echo", value)
    assert appsync.query(api, "{ echo { id name n x on json } }")["data"]["echo"] == {
        "id": "12",
        "name": "{a=1}",
        "n": 5,
        "x": 1.5,
        "on": True,
        "json": '{"b":[true]}',
    }


@pytest.mark.parametrize(
    ("value", "selection", "message"),
    [
        (
            {"id": "1", "n": "five"},
            "n",
            "Can't serialize value (/echo/n) : Expected type 'Int' but was 'String'.",
        ),
        (
            {"id": "1", "at": "yesterday"},
            "at",
            "Can't serialize value (/echo/at) : Unable to serialize `yesterday` as a valid DateTime Object.",
        ),
        (
            {"id": "1", "kind": "BOAT"},
            "kind",
            "Can't serialize value (/echo/kind) : Invalid input for Enum 'Kind'. No value found for name 'BOAT'",  # noqa: E501
        ),
        (
            {"id": "1", "tags": "a"},
            "tags",
            "Can't resolve value (/echo/tags) : type mismatch error, expected type LIST",
        ),
        (
            {"id": "1", "owner": "bob"},
            "owner { name }",
            "Can't resolve value (/echo/owner) : type mismatch error, expected type OBJECT",
        ),
    ],
)
def test_a_value_that_is_none_of_its_type_is_null_with_an_error(
    appsync: Any, api: str, value: Any, selection: str, message: str
) -> None:
    gives(appsync, api, "Query.echo", value)
    answer = appsync.query(api, f"{{ echo {{ {selection} }} }}")
    name = selection.split()[0]
    assert answer["data"] == {"echo": {name: None}}
    assert answer["errors"] == [{"path": ["echo", name], "locations": None, "message": message}]


def test_null_goes_up_to_the_nearest_field_that_may_be_null(appsync: Any, api: str) -> None:
    gives(appsync, api, "Query.devices", [{"id": "1"}, {"name": "no id"}])
    assert appsync.query(api, "{ devices { id } }") == {
        "data": {"devices": [{"id": "1"}, None]},
        "errors": [
            {
                "path": ["devices", 1, "id"],
                "locations": None,
                "message": "Cannot return null for non-nullable type: 'ID' within parent 'Device' (/devices[1]/id)",  # noqa: E501
            }
        ],
    }


def test_null_in_a_strict_list_takes_the_whole_answer(appsync: Any, api: str) -> None:
    gives(appsync, api, "Query.strict", [{"id": "1"}, None])
    answer = appsync.query(api, "{ strict { id } }")
    assert answer["data"] is None
    assert [error["path"] for error in answer["errors"]] == [["strict", 1], ["strict"]]


def test_unions_are_told_apart_by_typename(appsync: Any, api: str) -> None:
    gives(appsync, api, "Query.anything", {"__typename": "Owner", "name": "Ann", "email": "ann@example.com"})
    query = "{ anything { __typename ... on Named { name } ... on Owner { email } ... on Device { id } } }"
    assert appsync.query(api, query)["data"]["anything"] == {
        "__typename": "Owner",
        "name": "Ann",
        "email": "ann@example.com",
    }


def test_a_union_without_typename_is_an_error(appsync: Any, api: str) -> None:
    gives(appsync, api, "Query.anything", {"name": "Ann"})
    answer = appsync.query(api, "{ anything { __typename } }")
    assert answer["data"] == {"anything": None}
    assert "Abstract type 'Found' must resolve to an Object type" in answer["errors"][0]["message"]


def test_nested_resolvers_see_their_source(appsync: Any, api: str) -> None:
    gives(appsync, api, "Query.devices", [{"id": "1"}, {"id": "2"}])
    payload = (
        '{"version": "2018-05-29", "payload": {"name": "owner of $ctx.source.id", "email": "a@b.example"}}'
    )
    appsync.resolver(api, "Device.owner", payload)
    answer = appsync.query(api, "{ devices { id owner { name email } } }")
    assert [device["owner"]["name"] for device in answer["data"]["devices"]] == ["owner of 1", "owner of 2"]


def test_util_error_is_the_fields_error(appsync: Any, api: str) -> None:
    appsync.resolver(
        api, "Query.echo", response='$util.error("No such device", "NotFound", {"id": "1"}, {"code": 4})'
    )
    assert appsync.query(api, "{\n  plain\n  echo { id }\n}") == {
        "data": {"plain": None, "echo": None},
        "errors": [
            {
                "path": ["echo"],
                "data": {"id": "1"},
                "errorType": "NotFound",
                "errorInfo": {"code": 4},
                "locations": [{"line": 3, "column": 3, "sourceName": None}],
                "message": "No such device",
            }
        ],
    }


def test_appended_errors_leave_the_value(appsync: Any, api: str) -> None:
    response = '$util.appendError("careful", "Warning") $util.toJson($ctx.result)'
    appsync.resolver(api, "Query.echo", response=response)
    answer = appsync.query(api, '{ echo(id: "1") { id } }')
    assert answer["data"] == {"echo": {"id": "1"}}
    assert [(e["message"], e["errorType"]) for e in answer["errors"]] == [("careful", "Warning")]


def test_an_error_of_a_required_field_is_told_once(appsync: Any, api: str) -> None:
    appsync.resolver(api, "Query.required", response="$util.unauthorized()")
    answer = appsync.query(api, "{ required(id: 1) { id } }")
    assert answer["data"] is None
    assert [(e["errorType"], e["message"]) for e in answer["errors"]] == [
        ("Unauthorized", "Not Authorized to access required on type Query")
    ]


def test_mutations_run_one_after_the_other_and_are_published(appsync: Any, api: str) -> None:
    appsync.resolver(api, "Mutation.put")
    appsync.resolver(api, "Mutation.log")
    query = """mutation {
      a: put(id: "1", name: "x") { id called: name }
      log(id: "9") { id }
      b: put(id: "2") { id }
    }"""
    answer = appsync.query(api, query)
    assert list(answer["data"]) == ["a", "log", "b"]
    assert appsync.subscriptions.published == [
        ("put", {"id": "1", "name": "x"}, {"id": "1", "called": "x"}),
        ("put", {"id": "2"}, {"id": "2"}),
    ]


def test_a_mutation_that_failed_is_not_published(appsync: Any, api: str) -> None:
    appsync.resolver(api, "Mutation.put", response='$util.error("no")')
    assert appsync.query(api, "mutation { put(id: 1) { id } }")["data"] == {"put": None}
    assert appsync.subscriptions.published == []


# -- what is refused


@pytest.mark.parametrize(
    "body",
    [
        b"meow",
        b"{}",
        b"{}}",
        b"[]",
        b'{"query": 1}',
        b'{"query": "{"}',
        b'{"query":"{plain}","variables":[]}',
    ],
)
def test_what_cannot_be_read_is_malformed(appsync: Any, api: str, body: bytes) -> None:
    answer = appsync.post(api, body)
    assert answer.status == 400
    assert orjson.loads(answer.body) == {
        "errors": [
            {"errorType": "MalformedHttpRequestException", "message": "Unable to parse GraphQL query."}
        ]
    }


def test_an_empty_body_is_malformed(appsync: Any, api: str) -> None:
    answer = appsync.post(api, b"")
    assert answer.status == 400
    assert b"Request body is empty." in answer.body


def test_who_is_not_authorized_learns_nothing_of_the_query(appsync: Any, api: str) -> None:
    for body in (b'{"query": "{ badfield }"}', b"meow"):
        answer = appsync.post(api, body, {"x-api-key": "wrong"})
        assert answer.status == 401
        assert orjson.loads(answer.body)["errors"][0]["errorType"] == "UnauthorizedException"


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("{badfield}", "FieldUndefined: Field 'badfield' in type 'Query' is undefined @ 'badfield'"),
        ("{echo}", "SubSelectionRequired: Sub selection required for type Device of field echo @ 'echo'"),
        ("{plain{x}}", "SubSelectionNotAllowed: Sub selection not allowed on leaf type String of field plain @ 'plain'"),  # noqa: E501
        ("{required{id}}", "MissingFieldArgument: Missing field argument id @ 'required'"),
        ("{echo(id:1){owner{zip}}}", "FieldUndefined: Field 'zip' in type 'Owner' is undefined @ 'echo/owner/zip'"),  # noqa: E501
        ("{echo(what:1){id}}", "UnknownArgument: Unknown field argument what @ 'echo'"),
        ("query($v: Nothing){plain}", "UnknownType: Unknown type Nothing"),
        ("query($v: Int){plain}", "UnusedVariable: Unused variable v"),
        ("{echo(id:$v){id}}", "UndefinedVariable: Undefined variable v @ 'echo'"),
        ("query($v:Int){required(id:$v){id}}", "VariableTypeMismatch: Variable type 'Int' doesn't match expected type 'ID!' @ 'required'"),  # noqa: E501
        ("{...F}", "UndefinedFragment: Undefined fragment F"),
        ("{plain} fragment F on Query{plain}", "UnusedFragment: Unused fragment F"),
        ('{echo(n:"x"){id}}', "WrongType: argument 'n' with value 'StringValue{value='x'}' is not a valid 'Int' @ 'echo'"),  # noqa: E501
        (
            '{echo(input:{size:1}){id}}',
            "WrongType: argument 'input' with value 'ObjectValue{objectFields=[ObjectField{name='size', "
            "value=IntValue{value=1}}]}' is missing required fields '[name]' @ 'echo'",
        ),
        ("{a:plain a:echo{id}}", "FieldsConflict: a: plain and echo are different fields @ 'plain'"),
    ],
)  # fmt: skip
def test_what_does_not_validate_is_200_with_graphql_javas_words(
    appsync: Any, api: str, query: str, message: str
) -> None:
    answer = appsync.query(api, query)
    assert answer["data"] is None
    error = answer["errors"][0]
    assert error["message"] == f"Validation error of type {message}"
    assert error["path"] is None
    assert {"line", "column", "sourceName"} == set(error["locations"][0])


@pytest.mark.parametrize(
    ("definition", "variables", "message"),
    [
        ("$v: ID!", {}, "Variable 'v' has coerced Null value for NonNull type 'ID!'"),
        ("$v: Int", {"v": "x"}, "Variable 'v' has an invalid value. Expected type 'Int' but was 'String'."),
        (
            "$v: AWSDateTime",
            {"v": "now"},
            "Variable 'v' has an invalid value. Unable to parse `now` as a valid DateTime Object.",
        ),
        (
            "$v: Thing",
            {"v": {"name": "x", "colour": 1}},
            "The variables input contains a field that is not defined for input object type 'Thing' ",
        ),
        ("$v: Thing", {"v": {}}, "Variable 'v' has coerced Null value for NonNull type 'String!'"),
        (
            "$v: Kind",
            {"v": "BOAT"},
            "Variable 'v' has an invalid value. Invalid input for Enum 'Kind'. No value found for name 'BOAT'",  # noqa: E501
        ),
    ],
)
def test_wrong_variables_are_refused(
    appsync: Any, api: str, definition: str, variables: Any, message: str
) -> None:
    name = {"ID!": "id", "Int": "n", "AWSDateTime": "at", "Thing": "input", "Kind": "kind"}[definition[4:]]
    answer = appsync.query(api, f"query({definition}) {{ echo({name}: $v) {{ id }} }}", **variables)
    assert (answer["data"], answer["errors"][0]["message"]) == (None, message)


def test_an_operation_is_chosen_by_name(appsync: Any, api: str) -> None:
    body = {"query": "query A { plain } query B { x: plain }", "operationName": "B"}
    assert orjson.loads(appsync.post(api, body).body) == {"data": {"x": None}}
    body["operationName"] = "C"
    assert "Unknown operation named 'C'" in orjson.loads(appsync.post(api, body).body)["errors"][0]["message"]


def test_get_carries_the_query_in_its_parameters(appsync: Any, api: str) -> None:
    from harness.emulator.services.base import AwsRequest

    query = "query=%7Bplain%7D&variables=%7B%7D"
    request = AwsRequest("GET", f"/graphql/{api}", query, {}, b"", appsync.context)
    answer = appsync.run(appsync.service.handle(request))
    assert orjson.loads(answer.body) == {"data": {"plain": None}}


# -- introspection and limits


def test_introspection_answers_and_can_be_switched_off(appsync: Any, api: str) -> None:
    query = '{ __schema { queryType { name } } __type(name: "Device") { name } plain }'
    assert appsync.query(api, query)["data"] == {
        "__schema": {"queryType": {"name": "Query"}},
        "__type": {"name": "Device"},
        "plain": None,
    }
    appsync("POST", f"/v1/apis/{api}", name="x", authenticationType="API_KEY", introspectionConfig="DISABLED")
    answer = appsync.query(api, query)
    assert answer["data"] is None
    assert "FieldUndefined: Field '__schema' in type 'Query' is undefined" in answer["errors"][0]["message"]


def test_queries_deeper_than_the_limit_are_refused(appsync: Any, api: str) -> None:
    appsync("POST", f"/v1/apis/{api}", name="x", authenticationType="API_KEY", queryDepthLimit=3)
    assert "errors" not in appsync.query(api, "{ echo { twin { id } } }")
    answer = appsync.query(api, "{ echo { ...F } } fragment F on Device { twin { twin { id } } }")
    assert answer["data"] is None
    assert "3" in answer["errors"][0]["message"]


def test_a_request_runs_so_many_resolvers_and_no_more(appsync: Any, api: str) -> None:
    appsync("POST", f"/v1/apis/{api}", name="x", authenticationType="API_KEY", resolverCountLimit=3)
    appsync.resolver(api, "Query.echo")
    answer = appsync.query(api, "{ a: echo { n } b: echo { n } c: echo { n } d: echo { n } }")
    assert answer["data"] == {"a": {"n": None}, "b": {"n": None}, "c": {"n": None}, "d": None}
    assert [error["errorType"] for error in answer["errors"]] == ["ResolverExecutionLimitReached"]


# -- access

GUARDED = """
type Query {
  open: Thing
  both: Thing @aws_api_key @aws_iam
  admins: String @aws_cognito_user_pools(cognito_groups: ["admins"])
}
type Thing @aws_api_key @aws_iam { id: ID  secret: String @aws_iam }
"""


def user(*groups: str) -> Identity:
    return Identity("AMAZON_COGNITO_USER_POOLS", {"sub": "1", "claims": {}}, tuple(groups))


@pytest.fixture
def guarded(appsync: Any) -> str:
    pool = {"userPoolId": "us-east-1_a", "awsRegion": "us-east-1", "defaultAction": "ALLOW"}
    api_id: str = appsync.create_api(
        GUARDED,
        authenticationType="AMAZON_COGNITO_USER_POOLS",
        userPoolConfig=pool,
        additionalAuthenticationProviders=[
            {"authenticationType": "API_KEY"},
            {"authenticationType": "AWS_IAM"},
        ],
    )
    appsync.source(api_id)
    for field in ("open", "both"):
        appsync.resolver(
            api_id, f"Query.{field}", '{"version": "2018-05-29", "payload": {"id": "1", "secret": "s"}}'
        )
    appsync.resolver(api_id, "Query.admins", '{"version": "2018-05-29", "payload": "all"}')
    return api_id


@pytest.mark.parametrize(
    ("caller", "query", "refused"),
    [
        (user(), "{ open { id } }", ["id on type Thing"]),
        (user(), "{ admins }", ["admins on type Query"]),
        (user("staff", "admins"), "{ admins }", []),
        (Identity("API_KEY"), "{ open { id } }", ["open on type Query"]),
        (Identity("API_KEY"), "{ both { id secret } }", ["secret on type Thing"]),
        (Identity("AWS_IAM", {}), "{ both { id secret } }", []),
        (Identity("AWS_IAM", {}, denied_fields=frozenset({"Thing.id"})), "{ both { id } }", ["id on type Thing"]),  # noqa: E501
    ],
)  # fmt: skip
def test_directives_say_who_may_use_a_field(
    appsync: Any, guarded: str, caller: Identity, query: str, refused: list[str]
) -> None:
    appsync.authorizer.identity = caller
    answer = appsync.query(guarded, query)
    errors = answer.get("errors", [])
    assert [error["message"] for error in errors] == [f"Not Authorized to access {one}" for one in refused]
    assert all(error["errorType"] == "Unauthorized" and error["data"] is None for error in errors)
