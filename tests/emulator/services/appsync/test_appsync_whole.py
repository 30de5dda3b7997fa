"""AppSync in the embedded AWS as processes: set up with boto3, asked with urllib and `gql`'s transports."""

# ruff: noqa: E501
from __future__ import annotations

import io
import json
import sys
import urllib.error
import urllib.request
import zipfile
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from harness.aws.limits.profiles import ESTABLISHED
from harness.emulator.launch import EmbeddedAws
from harness.targets.local import local_cloud

pytestmark = pytest.mark.slow

SDL = """
type Query {
  device(id: ID!): Device @aws_api_key @aws_iam
  computed(id: ID!): Device @aws_api_key
  piped(id: ID!): Device @aws_api_key
}
type Mutation { put(id: ID!, name: String): Device @aws_iam @aws_api_key }
type Subscription { onPut(id: ID): Device @aws_subscribe(mutations: ["put"]) @aws_api_key }
type Device @aws_api_key @aws_iam { id: ID!  name: String }
"""
KEY = '{"id": $util.dynamodb.toDynamoDBJson($ctx.args.id)}'
GET = f'{{"version": "2018-05-29", "operation": "GetItem", "key": {KEY}}}'
PUT = f"""{{"version": "2018-05-29", "operation": "PutItem", "key": {KEY},
  "attributeValues": {{"name": $util.dynamodb.toDynamoDBJson($ctx.args.name)}}}}"""
RESPONSE = "$util.toJson($ctx.result)"


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedAws]:
    folder = tmp_path_factory.mktemp("embedded")
    with EmbeddedAws(port=0, data_dir=folder, limits=ESTABLISHED) as running:
        yield running


def client(aws: EmbeddedAws, service: str) -> Any:
    """boto3 by way of the one port that users know."""
    return local_cloud({"": aws.endpoints[""]}).client(service, retries={"max_attempts": 1})


@pytest.fixture(scope="module")
def api(aws: EmbeddedAws) -> dict[str, str]:
    """The API's id, address and key."""
    appsync, dynamodb = client(aws, "appsync"), client(aws, "dynamodb")
    dynamodb.create_table(
        TableName="devices",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
    )
    made = appsync.create_graphql_api(
        name="live",
        authenticationType="API_KEY",
        additionalAuthenticationProviders=[{"authenticationType": "AWS_IAM"}],
    )["graphqlApi"]
    api_id = made["apiId"]
    appsync.start_schema_creation(apiId=api_id, definition=SDL.encode())
    assert appsync.get_schema_creation_status(apiId=api_id)["status"] == "SUCCESS"
    appsync.create_data_source(
        apiId=api_id,
        name="devices",
        type="AMAZON_DYNAMODB",
        dynamodbConfig={"tableName": "devices", "awsRegion": "us-east-1"},
    )
    for kind, field, request in (("Query", "device", GET), ("Mutation", "put", PUT)):
        appsync.create_resolver(
            apiId=api_id,
            typeName=kind,
            fieldName=field,
            dataSourceName="devices",
            requestMappingTemplate=request,
            responseMappingTemplate=RESPONSE,
        )
    key = appsync.create_api_key(apiId=api_id)["apiKey"]["id"]
    return {"id": api_id, "url": made["uris"]["GRAPHQL"], "key": key}


def post(url: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, Any]:
    request = urllib.request.Request(url, body, {"content-type": "application/json", **headers})
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def asked(query: str, **variables: Any) -> bytes:
    return json.dumps({"query": query, "variables": variables}).encode()


def test_a_device_is_put_and_got_with_a_key(api: dict[str, str]) -> None:
    query = 'mutation { put(id: "1", name: "van") { id name } }'
    put = post(api["url"], asked(query), {"x-api-key": api["key"]})
    assert put == (200, {"data": {"put": {"id": "1", "name": "van"}}})
    got = post(
        api["url"], asked("query($id: ID!) { device(id: $id) { name } }", id="1"), {"x-api-key": api["key"]}
    )
    assert got == (200, {"data": {"device": {"name": "van"}}})


@pytest.mark.parametrize("headers", [{}, {"x-api-key": "da2-wrong"}])
def test_who_has_no_key_is_refused(api: dict[str, str], headers: dict[str, str]) -> None:
    status, body = post(api["url"], asked("{ __typename }"), headers)
    assert status == 401
    assert body["errors"][0]["errorType"] == "UnauthorizedException"


def test_awss_own_host_leads_to_the_api(aws: EmbeddedAws, api: dict[str, str]) -> None:
    headers = {"x-api-key": api["key"], "host": f"{api['id']}.appsync-api.us-east-1.amazonaws.com"}
    answer = post(aws.endpoints[""] + "/graphql", asked('{ device(id: "nobody") { id } }'), headers)
    assert answer == (200, {"data": {"device": None}})


def package(code: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("app.py", code)
    return buffer.getvalue()


def test_a_function_resolves_a_field_by_itself(aws: EmbeddedAws, api: dict[str, str]) -> None:
    appsync = client(aws, "appsync")
    arn = client(aws, "lambda").create_function(
        FunctionName="devices",
        Runtime=f"python3.{sys.version_info.minor}",
        Role="arn:aws:iam::000000000000:role/r",
        Handler="app.handler",
        Code={
            "ZipFile": package(
                "def handler(event, context): return {'id': event['arguments']['id'], 'name': event['info']['fieldName']}"
            )
        },
    )["FunctionArn"]
    appsync.create_data_source(
        apiId=api["id"], name="function", type="AWS_LAMBDA", lambdaConfig={"lambdaFunctionArn": arn}
    )
    appsync.create_resolver(
        apiId=api["id"], typeName="Query", fieldName="computed", dataSourceName="function"
    )
    answer = post(api["url"], asked('{ computed(id: "7") { id name } }'), {"x-api-key": api["key"]})
    assert answer == (200, {"data": {"computed": {"id": "7", "name": "computed"}}})


def test_a_pipeline_in_javascript_reads_a_table(aws: EmbeddedAws, api: dict[str, str]) -> None:
    appsync = client(aws, "appsync")
    runtime = {"name": "APPSYNC_JS", "runtimeVersion": "1.0.0"}
    step = """
    import { get } from '@aws-appsync/utils/dynamodb';
    export const request = (ctx) => get({ key: { id: ctx.stash.id } });
    export const response = (ctx) => ctx.result;
    """
    whole = """
    export function request(ctx) { ctx.stash.id = ctx.args.id; return {}; }
    export function response(ctx) { return { ...ctx.result, name: `the ${ctx.result.name}` }; }
    """
    function = appsync.create_function(
        apiId=api["id"], name="read", dataSourceName="devices", runtime=runtime, code=step
    )["functionConfiguration"]["functionId"]
    appsync.create_resolver(
        apiId=api["id"],
        typeName="Query",
        fieldName="piped",
        kind="PIPELINE",
        runtime=runtime,
        code=whole,
        pipelineConfig={"functions": [function]},
    )
    post(api["url"], asked('mutation { put(id: "2", name: "bus") { id } }'), {"x-api-key": api["key"]})
    answer = post(api["url"], asked('{ piped(id: "2") { id name } }'), {"x-api-key": api["key"]})
    assert answer == (200, {"data": {"piped": {"id": "2", "name": "the bus"}}})


def test_the_emulator_is_no_data_source_of_its_own(aws: EmbeddedAws, api: dict[str, str]) -> None:
    appsync = client(aws, "appsync")
    with pytest.raises(appsync.exceptions.BadRequestException, match="the emulator itself"):
        appsync.create_data_source(
            apiId=api["id"],
            name="itself",
            type="HTTP",
            httpConfig={"endpoint": aws.endpoints[""].rstrip("/")},
        )


def test_what_was_used_is_metered(aws: EmbeddedAws, api: dict[str, str]) -> None:
    post(api["url"], asked('{ device(id: "1") { id } }'), {"x-api-key": api["key"]})
    with urllib.request.urlopen(aws.endpoints[""] + "/_launchday/observation", timeout=20) as answer:
        usage = {tuple(row[:3]): row[3] for row in json.load(answer)["usage"]}
    assert usage["appsync", "live", "requests"] >= 1
    assert usage["appsync", "live", "tokens"] == usage["appsync", "live", "requests"]


def test_what_is_deleted_is_not_found(aws: EmbeddedAws) -> None:
    appsync = client(aws, "appsync")
    made = appsync.create_graphql_api(name="other", authenticationType="API_KEY")["graphqlApi"]
    appsync.delete_graphql_api(apiId=made["apiId"])
    with pytest.raises(appsync.exceptions.NotFoundException):
        appsync.get_graphql_api(apiId=made["apiId"])
