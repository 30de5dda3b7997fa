"""AppSync: resolvers of a GraphQL API, and its errors."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.conformance.behaviours.appsync.graphql_apis import (
    GRAPHQL,
    KEY,
    READ,
    RETURN,
    SDL,
    TROUBLES,
    UTIL,
    VTL,
    Api,
    created,
    guide,
    none,
)
from tests.conformance.catalogue import behaviour, reference
from tests.conformance.functions import Function, function, role
from tests.conformance.kit import Cleanup, until
from tests.conformance.targets import Aws

JS = """
import { util } from "@aws-appsync/utils";
export function request(ctx) { return { payload: { n: ctx.args.n * 2, id: util.autoId() } }; }
export function response(ctx) { return ctx.result; }
"""
FUNCTION = """
def handler(event, context):
    if event.get("text") == "raise":
        raise ValueError("broken")
    return "called with " + str(event.get("text"))
"""


@pytest.fixture(scope="module")
def backend(aws: Aws, module_cleanup: Cleanup) -> Function:
    return function(aws, module_cleanup, FUNCTION)


# --- resolvers ---------------------------------------------------------------------------------------------


@behaviour(
    "appsync.arguments-reach-the-template",
    "A template sees the arguments, given as variables or in place, with the schema's defaults.",
    VTL,
)
def test_arguments(api: Api) -> None:
    assert api.data('{ echo(text: "hi", n: 1) }') == {"echo": "hi 1"}
    query = "query Q($t: String!) { first: echo(text: $t) ...F } fragment F on Query { echo(text: $t, n: 2) }"
    assert api.data(query, t="é") == {"first": "é 7", "echo": "é 2"}


@behaviour(
    "appsync.fields-see-their-source",
    "A field's own resolver sees the object that it is of, for each element of a list.",
    guide("Resolver mapping template context reference", "resolver-context-reference"),
)
def test_source(api: Api) -> None:
    items = api.data("{ items { id upper } }")["items"]
    assert items == [{"id": "1", "upper": "A"}, {"id": "2", "upper": "B"}]


@behaviour(
    "appsync.reads-and-writes-a-table",
    "Resolvers on a table put an item and get it back by its key; what is not there is null.",
    guide("Resolver mapping template reference for DynamoDB", "resolver-mapping-template-reference-dynamodb"),
)
def test_table(api: Api) -> None:
    put = 'mutation { put(id: "t1", name: "van") { id name } }'
    assert api.data(put) == {"put": {"id": "t1", "name": "van"}}
    assert api.data('{ item(id: "t1") { name } }') == {"item": {"name": "van"}}
    assert api.data('{ item(id: "missing") { name } }') == {"item": None}


@behaviour(
    "appsync.failed-conditions-are-errors",
    "A condition that fails is an error of the type DynamoDB:ConditionalCheckFailedException.",
    GRAPHQL,
)
def test_condition(api: Api) -> None:
    mutation = 'mutation M($name: String) { putOnce(id: "once", name: $name) { name } }'
    assert api.data(mutation, name="first") == {"putOnce": {"name": "first"}}
    answer = api.ask(mutation, name="second")
    assert answer["data"] == {"putOnce": None}
    assert answer["errors"][0]["errorType"] == "DynamoDB:ConditionalCheckFailedException"


@behaviour(
    "appsync.calls-functions",
    "A resolver on a function gives it its payload and returns the result; its error is Lambda:Unhandled.",
    GRAPHQL,
)
def test_function(aws: Aws, cleanup: Cleanup, backend: Function) -> None:
    api = created(aws, cleanup).schema(SDL)
    api.source(
        "backend",
        "AWS_LAMBDA",
        serviceRoleArn=role(aws, cleanup),
        lambdaConfig={"lambdaFunctionArn": backend.arn},
    )
    request = (
        '{"version": "2018-05-29", "operation": "Invoke", "payload": {"text": $util.toJson($ctx.args.text)}}'
    )
    response = f"#if($ctx.error)$util.error($ctx.error.message, $ctx.error.type)#end{RETURN}"
    api.resolver("Query.called", request, response, source="backend")
    assert api.data('{ called(text: "x") }') == {"called": "called with x"}
    answer = api.ask('{ called(text: "raise") }')
    assert answer["data"] == {"called": None}
    assert answer["errors"][0]["errorType"] == "Lambda:Unhandled"
    assert "broken" in answer["errors"][0]["message"]


@behaviour(
    "appsync.pipelines-run-in-order",
    "A pipeline runs its functions in order: each sees the result before it, and all share the stash.",
    guide(
        "AWS AppSync resolver mapping template overview, Pipeline resolvers",
        "resolver-mapping-template-reference-overview",
    ),
)
def test_pipeline(aws: Aws, cleanup: Cleanup) -> None:
    api = created(aws, cleanup).schema(SDL)
    api.source("none")
    steps = ("$ctx.prev.result * 10", "$ctx.prev.result + $ctx.stash.add")
    ids = []
    for number, step in enumerate(steps):
        expression, operator, right = step.split(" ")
        request = f"#set($n = {expression} {operator} {right}){none('$n')}"
        made = api.appsync.create_function(
            apiId=api.id,
            name=f"step{number}",
            dataSourceName="none",
            requestMappingTemplate=request,
            responseMappingTemplate=RETURN,
        )
        ids.append(made["functionConfiguration"]["functionId"])
    api.appsync.create_resolver(
        apiId=api.id,
        typeName="Query",
        fieldName="piped",
        kind="PIPELINE",
        pipelineConfig={"functions": ids},
        requestMappingTemplate='$util.qr($ctx.stash.put("add", 5))$util.toJson($ctx.args.n)',
        responseMappingTemplate=RETURN,
    )
    assert api.data("{ piped(n: 2) }") == {"piped": 25}


@behaviour(
    "appsync.resolvers-in-javascript",
    "A resolver may be JavaScript of the runtime APPSYNC_JS, with its utilities.",
    guide("AWS AppSync JavaScript resolvers overview", "resolver-reference-overview-js"),
)
def test_javascript(aws: Aws, cleanup: Cleanup) -> None:
    api = created(aws, cleanup).schema(SDL)
    api.appsync.create_resolver(
        apiId=api.id,
        typeName="Query",
        fieldName="scripted",
        dataSourceName=api.source("none"),
        runtime={"name": "APPSYNC_JS", "runtimeVersion": "1.0.0"},
        code=JS,
    )
    scripted = api.data("{ scripted(n: 21) { n id } }")["scripted"]
    assert (scripted["n"], len(scripted["id"])) == (42, 36)


@behaviour(
    "appsync.fields-without-a-resolver-are-null",
    "A field that has no resolver, and no value in the object that it is of, is null.",
    TROUBLES,
)
def test_no_resolver(api: Api) -> None:
    assert api.data('{ called(text: "x") }') == {"called": None}


# --- errors ------------------------------------------------------------------------------------------------


@behaviour(
    "appsync.errors-of-templates",
    "What a template raises is an error with its message, type, data, info and path; the field is null.",
    UTIL,
)
def test_error(api: Api) -> None:
    answer = api.ask('{ failing echo(text: "x") }')
    assert answer["data"] == {"failing": None, "echo": "x 7"}
    (error,) = answer["errors"]
    assert (error["message"], error["errorType"], error["path"]) == ("it is so", "MyType", ["failing"])
    assert (error["data"], error["errorInfo"]) == ({"k": 1}, {"i": 2})
    assert error["locations"][0]["line"] == 1


@behaviour(
    "appsync.errors-beside-data",
    "An error that is appended comes beside the field's value.",
    UTIL,
)
def test_append_error(api: Api) -> None:
    answer = api.ask("{ half }")
    assert answer["data"] == {"half": "kept"}
    assert [error["errorType"] for error in answer["errors"]] == ["Beside"]


@behaviour(
    "appsync.templates-that-make-no-request",
    "A request template that names no operation is an error of the type MappingTemplate.",
    TROUBLES,
)
def test_no_operation(aws: Aws, cleanup: Cleanup, api: Api) -> None:
    source = api.appsync.get_data_source(apiId=api.id, name="table")["dataSource"]
    own = created(aws, cleanup).schema(SDL)
    own.source(
        "table",
        "AMAZON_DYNAMODB",
        serviceRoleArn=source["serviceRoleArn"],
        dynamodbConfig={"tableName": source["dynamodbConfig"]["tableName"], "awsRegion": aws.region},
    )
    own.resolver("Query.item", f'{{"version": "2018-05-29", "key": {KEY}}}', source="table")
    answer = own.ask('{ item(id: "1") { name } }')
    assert answer["data"] == {"item": None}
    assert answer["errors"][0]["errorType"] == "MappingTemplate"


@behaviour(
    "appsync.null-where-it-must-not-be",
    "Null in a field that must not be null makes the object around it null, with an error.",
    GRAPHQL,
)
def test_non_null(api: Api) -> None:
    answer = api.ask("{ strict { must may } }")
    assert answer["data"] == {"strict": None}
    assert "must" in json.dumps(answer["errors"][0]["path"])


@behaviour(
    "appsync.invalid-queries-are-told",
    "A query that does not fit the schema is answered 200, without data, and an error that names the field.",
    GRAPHQL,
)
def test_validation(api: Api) -> None:
    answer = api.ask("{ nothing }")
    assert answer.get("data") is None
    assert "nothing" in answer["errors"][0]["message"]


@behaviour(
    "appsync.malformed-requests-are-400",
    "A body that is no JSON, or has no query, is answered 400 with an error's type.",
    GRAPHQL,
)
def test_malformed(api: Api) -> None:
    for body in ("{no json", "{}"):
        reply = api.post_raw(body, **api.authorization)
        assert reply.status == 400
        assert reply.json["errors"][0]["errorType"].endswith("Exception")


@behaviour(
    "appsync.scalars-are-checked",
    "A value that is none of its AWS scalar type is refused before the resolver runs.",
    guide("Scalar types in AWS AppSync", "scalars"),
)
def test_scalars(api: Api) -> None:
    mutation = "mutation M($at: AWSDateTime!) { dated(at: $at) }"
    assert api.data(mutation, at="2026-11-24T10:00:00Z") == {"dated": "2026-11-24T10:00:00Z"}
    answer = api.ask(mutation, at="yesterday")
    assert "errors" in answer
    assert (answer.get("data") or {}).get("dated") is None


@behaviour(
    "appsync.broken-schemas-are-refused",
    "A schema that is not right ends as FAILED, with what is wrong.",
    reference(
        "appsync", "GetSchemaCreationStatus", "Detailed information about the status of the schema", read=READ
    ),
)
def test_broken_schema(aws: Aws, cleanup: Cleanup) -> None:
    api = created(aws, cleanup)
    try:
        api.appsync.start_schema_creation(apiId=api.id, definition=b"type Query { a: NoSuchType }")
    except api.appsync.exceptions.BadRequestException:
        return
    told: dict[str, Any] = {}

    def ended() -> bool:
        told.update(api.appsync.get_schema_creation_status(apiId=api.id))
        return told["status"] not in ("PROCESSING", "NOT_APPLICABLE")

    until(ended, "the schema is looked at")
    assert told["status"] == "FAILED"
    assert "NoSuchType" in told["details"]
