"""What tables, functions and APIs of a LocalStack are to each other: streams to functions by LocalStack's own
event source mappings, resolvers that call functions, and functions that call APIs with their own keys.

Needs a LocalStack (see conftest.py)."""

from __future__ import annotations

import json
import urllib.request
from typing import Any

import pytest

from tests.localstack.conftest import RunningLocalStack
from tests.localstack.made import KEY, ROLE, zipped
from tests.resolvers import resolver_of_templates
from tests.waiting import until

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("localstack")]

RECORDER = """
import os, boto3
table = boto3.client("dynamodb")
def handler(event, context):
    for record in event["Records"]:
        change = record["dynamodb"]
        told = [record["eventName"], change.get("NewImage", {}).get("n", {}).get("N", ""),
                change.get("NewImage", {}).get("blob", {}).get("B", "")]
        table.update_item(
            TableName=os.environ["TABLE"], Key={"id": change["Keys"]["id"]},
            UpdateExpression="SET told = list_append(if_not_exists(told, :none), :told)",
            ExpressionAttributeValues={":none": {"L": []}, ":told": {"L": [{"S": "|".join(told)}]}})
"""
ECHO = """
def handler(event, context):
    return event["arguments"]["text"] + "!"
"""
CALLER = """
import os, json, urllib.request
import botocore.session
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
def handler(event, context):
    body = json.dumps({"query": "{ me }"})
    request = AWSRequest("POST", event["url"], {"content-type": "application/json"}, body)
    SigV4Auth(botocore.session.get_session().get_credentials(), "appsync", "us-east-1").add_auth(request)
    sent = urllib.request.Request(event["url"], body.encode(), dict(request.headers))
    with urllib.request.urlopen(sent) as answer:
        return json.load(answer)
"""


def function(localstack: RunningLocalStack, name: str, source: str, **environment: str) -> str:
    """The ARN of a new function, once it is active."""
    functions = localstack.client("lambda")
    made = functions.create_function(
        FunctionName=localstack.unique(name),
        Runtime="python3.13",
        Role=ROLE,
        Handler="app.handler",
        Code={"ZipFile": zipped(source)},
        Timeout=30,
        Environment={"Variables": environment},
    )
    arn: str = made["FunctionArn"]
    until(
        lambda: functions.get_function(FunctionName=arn)["Configuration"]["State"] == "Active",
        "the function is active",
    )
    return arn


def test_changes_of_a_key_reach_a_function_in_their_order(localstack: RunningLocalStack) -> None:
    """LocalStack's own forwarder of changes sends those of one key out of order, and encodes binary twice."""
    dynamodb = localstack.client("dynamodb")
    source, seen = localstack.unique("source"), localstack.unique("seen")
    dynamodb.create_table(TableName=seen, **KEY)
    stream = dynamodb.create_table(
        TableName=source,
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
        **KEY,
    )["TableDescription"]["LatestStreamArn"]
    recorder = function(localstack, "recorder", RECORDER, TABLE=seen)
    localstack.client("lambda").create_event_source_mapping(
        FunctionName=recorder, EventSourceArn=stream, StartingPosition="TRIM_HORIZON", BatchSize=10
    )
    for number in range(60):
        item = {"id": {"S": f"key {number % 4}"}, "n": {"N": str(number)}, "blob": {"B": b"\x00\xff"}}
        dynamodb.put_item(TableName=source, Item=item)
        dynamodb.put_item(TableName=source, Item=item)  # changes nothing: not told
    for number in range(4):
        dynamodb.delete_item(TableName=source, Key={"id": {"S": f"key {number}"}})

    def told() -> dict[str, list[str]]:
        items = dynamodb.scan(TableName=seen, ConsistentRead=True)["Items"]
        return {item["id"]["S"]: [entry["S"] for entry in item["told"]["L"]] for item in items}

    until(lambda: sum(map(len, told().values())) >= 64, "all changes are told")
    for number in range(4):
        kinds = ["INSERT", *["MODIFY"] * 14]
        changes = [f"{kind}|{n}|AP8=" for kind, n in zip(kinds, range(number, 60, 4), strict=True)]
        assert told()[f"key {number}"] == [*changes, "REMOVE||"]


def api(localstack: RunningLocalStack, schema: str, **settings: Any) -> dict[str, Any]:
    appsync = localstack.client("appsync")
    made: dict[str, Any] = appsync.create_graphql_api(name=localstack.unique("api"), **settings)["graphqlApi"]
    appsync.start_schema_creation(apiId=made["apiId"], definition=schema.encode())
    return made


def test_a_resolver_calls_a_function_at_localstack(localstack: RunningLocalStack) -> None:
    appsync = localstack.client("appsync")
    made = api(localstack, "type Query { say(text: String!): String }", authenticationType="API_KEY")
    api_id = made["apiId"]
    arn = function(localstack, "echo", ECHO)
    appsync.create_data_source(
        apiId=api_id,
        name="function",
        type="AWS_LAMBDA",
        serviceRoleArn=ROLE,
        lambdaConfig={"lambdaFunctionArn": arn},
    )
    appsync.create_resolver(apiId=api_id, typeName="Query", fieldName="say", dataSourceName="function")
    key = appsync.create_api_key(apiId=api_id)["apiKey"]["id"]
    request = urllib.request.Request(
        made["uris"]["GRAPHQL"],
        json.dumps({"query": '{ say(text: "hello") }'}).encode(),
        {"x-api-key": key, "content-type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        assert json.load(answer) == {"data": {"say": "hello!"}}


@pytest.mark.parametrize("at", ["its own address", "localstack's port"])
def test_a_function_is_known_to_an_api_by_its_own_keys(localstack: RunningLocalStack, at: str) -> None:
    appsync = localstack.client("appsync")
    made = api(localstack, "type Query { me: String }", authenticationType="AWS_IAM")
    api_id = made["apiId"]
    resolver_of_templates(appsync, api_id, "Query.me", answer="$util.toJson($ctx.identity.userArn)")
    caller = function(localstack, "caller", CALLER)
    url = made["uris"]["GRAPHQL"] if at == "its own address" else f"{localstack.url}/graphql/{api_id}"
    answer = localstack.client("lambda").invoke(FunctionName=caller, Payload=json.dumps({"url": url}))
    result = json.load(answer["Payload"])
    assert "FunctionError" not in answer, result
    name = caller.rpartition(":")[2]
    assert result == {"data": {"me": f"arn:aws:sts::000000000000:assumed-role/any/{name}"}}
