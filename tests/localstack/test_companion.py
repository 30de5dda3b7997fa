"""The companion of a LocalStack as a process: its services through boto3, its own paths, its life."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as SigningKey
from botocore.exceptions import ClientError
from gql import Client, gql
from gql.transport.appsync_auth import AppSyncApiKeyAuthentication
from gql.transport.appsync_websockets import AppSyncWebsocketsTransport

from harness.emulator.companion.keys import ISSUED_KEYS_PATH, HeldKeys
from harness.emulator.companion.metering.intake import METERING_PATH, REQUESTS_PATH
from harness.emulator.companion.parts import PARTS, parts_of
from harness.emulator.processes import process_space
from harness.emulator.services.credentials import Credentials
from harness.errors import TargetError
from harness.targets.embedded import EmbeddedObserver
from tests.localstack.companions import FakeLocalStack, RunningCompanion, companion, fake_localstack

KEY = [{"AttributeName": "id", "KeyType": "HASH"}]
ATTRIBUTES = [{"AttributeName": "id", "AttributeType": "S"}]
FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:echo"
INVOCATIONS = (
    "/2015-03-31/functions/arn%3Aaws%3Alambda%3Aus-east-1%3A000000000000%3Afunction%3Aecho/invocations"
)
NOTHING_SERVED = json.dumps(
    {
        "source": "a",
        "number": 0,
        "lost": 0,
        "flushed": True,
        "gauges": [],
        "pid": os.getpid(),
        "process_space": process_space(),
    }
).encode()
SCHEMA = b"type Query { echo(text: String!): String }"
POOL_MODES = ["ALLOW_ADMIN_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"]


@pytest.fixture(scope="module")
def localstack() -> Iterator[FakeLocalStack]:
    with fake_localstack({INVOCATIONS: b'"said"', METERING_PATH: NOTHING_SERVED}) as running:
        yield running


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory, localstack: FakeLocalStack) -> Iterator[RunningCompanion]:
    with companion(tmp_path_factory.mktemp("companion"), localstack.url) as running:
        yield running


def create(client: Any, name: str, **settings: Any) -> Any:
    return client.create_table(
        TableName=name,
        KeySchema=KEY,
        AttributeDefinitions=ATTRIBUTES,
        BillingMode="PAY_PER_REQUEST",
        **settings,
    )["TableDescription"]


def forward(here: RunningCompanion, operation: str, body: dict[str, Any], **headers: str) -> Any:
    """What LocalStack's extension sends: unsigned, with the caller's account and Region in headers."""
    target = {"content-type": "application/x-amz-json-1.0", "x-amz-target": f"DynamoDB_20120810.{operation}"}
    request = urllib.request.Request(here.url, json.dumps(body).encode(), {**target, **headers})
    with urllib.request.urlopen(request, timeout=20) as answer:
        return json.load(answer)


def test_tables_and_their_streams_are_served(here: RunningCompanion) -> None:
    stream = {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"}
    table = create(here.client("dynamodb"), "watched", StreamSpecification=stream)
    here.client("dynamodb").put_item(TableName="watched", Item={"id": {"S": "a"}})
    streams = here.client("dynamodbstreams")
    (shard,) = streams.describe_stream(StreamArn=table["LatestStreamArn"])["StreamDescription"]["Shards"]
    assert shard["ShardId"].startswith("shardId-")


def test_the_account_and_region_of_a_forwarded_request_are_the_callers(here: RunningCompanion) -> None:
    caller = {"x-launchday-account": "123456789012", "x-launchday-region": "eu-west-1"}
    table = {"TableName": "theirs", "KeySchema": KEY, "AttributeDefinitions": ATTRIBUTES}
    made = forward(here, "CreateTable", {**table, "BillingMode": "PAY_PER_REQUEST"}, **caller)
    assert made["TableDescription"]["TableArn"] == "arn:aws:dynamodb:eu-west-1:123456789012:table/theirs"
    assert forward(here, "ListTables", {}, **caller) == {"TableNames": ["theirs"]}
    assert "theirs" not in forward(here, "ListTables", {})["TableNames"]
    assert "theirs" not in forward(here, "ListTables", {}, **{"x-launchday-account": "nobody"})["TableNames"]


def test_user_pools_sign_with_keys_that_are_published_here(here: RunningCompanion) -> None:
    cognito = here.client("cognito-idp")
    pool = cognito.create_user_pool(PoolName="people")["UserPool"]["Id"]
    assert here.get(f"/{pool}/.well-known/jwks.json")["keys"]
    assert here.get("/_launchday/cognito/messages") == []


def graphql(here: RunningCompanion, uri: str, query: str, headers: dict[str, str]) -> Any:
    request = urllib.request.Request(uri, json.dumps({"query": query}).encode(), headers)
    with urllib.request.urlopen(request, timeout=20) as answer:
        return json.load(answer)


def api(here: RunningCompanion, mode: str) -> dict[str, Any]:
    """An API with one field that calls a function."""
    appsync = here.client("appsync")
    made: dict[str, Any] = appsync.create_graphql_api(name="echo", authenticationType=mode)["graphqlApi"]
    api_id = made["apiId"]
    appsync.start_schema_creation(apiId=api_id, definition=SCHEMA)
    assert appsync.get_schema_creation_status(apiId=api_id)["status"] == "SUCCESS"
    appsync.create_data_source(
        apiId=api_id,
        name="function",
        type="AWS_LAMBDA",
        serviceRoleArn="arn:aws:iam::000000000000:role/any",
        lambdaConfig={"lambdaFunctionArn": FUNCTION},
    )
    appsync.create_resolver(apiId=api_id, typeName="Query", fieldName="echo", dataSourceName="function")
    return made


def test_a_resolvers_function_is_localstacks(here: RunningCompanion, localstack: FakeLocalStack) -> None:
    made = api(here, "API_KEY")
    key = here.client("appsync").create_api_key(apiId=made["apiId"])["apiKey"]["id"]
    uri = made["uris"]["GRAPHQL"]
    assert uri.startswith(here.url)
    assert made["uris"]["REALTIME"].startswith("ws" + here.url.removeprefix("http"))
    answer = graphql(here, uri, '{ echo(text: "hello") }', {"x-api-key": key})
    assert answer == {"data": {"echo": "said"}}
    path, body = localstack.asked[-1]
    assert path == INVOCATIONS
    assert json.loads(body)["arguments"] == {"text": "hello"}


def test_a_subscriber_at_the_address_that_the_api_names_is_told(here: RunningCompanion) -> None:
    appsync = here.client("appsync")
    made = appsync.create_graphql_api(name="live", authenticationType="API_KEY")["graphqlApi"]
    api_id = made["apiId"]
    schema = """type Query { a: ID } type Mutation { say(text: String!): String }
    type Subscription { onSay: String @aws_subscribe(mutations: ["say"]) }"""
    appsync.start_schema_creation(apiId=api_id, definition=schema.encode())
    appsync.create_data_source(apiId=api_id, name="none", type="NONE")
    appsync.create_resolver(
        apiId=api_id,
        typeName="Mutation",
        fieldName="say",
        dataSourceName="none",
        requestMappingTemplate='{"version": "2018-05-29", "payload": $util.toJson($ctx.args.text)}',
        responseMappingTemplate="$util.toJson($ctx.result)",
    )
    key = appsync.create_api_key(apiId=api_id)["apiKey"]["id"]
    host = urlsplit(made["uris"]["GRAPHQL"]).netloc
    transport = AppSyncWebsocketsTransport(
        url=made["uris"]["REALTIME"], auth=AppSyncApiKeyAuthentication(host=host, api_key=key)
    )

    async def first_update() -> dict[str, Any]:
        async with Client(transport=transport) as session, asyncio.timeout(60):
            updates = session.subscribe(gql("subscription { onSay }"))
            first = asyncio.ensure_future(anext(updates))
            while not first.done():  # nobody says when the subscription has begun
                mutation = 'mutation { say(text: "hello") }'
                await asyncio.to_thread(graphql, here, made["uris"]["GRAPHQL"], mutation, {"x-api-key": key})
                await asyncio.wait({first}, timeout=0.05)
            await updates.aclose()
            return first.result()

    assert asyncio.run(first_update()) == {"onSay": "hello"}


@pytest.mark.parametrize(
    ("access_key", "secret", "status"),
    [
        ("test", "test", 200),
        ("123456789012", "test", 200),
        ("test", "guess", 403),
        ("AKIAUNKNOWN", "test", 403),
    ],
)
def test_signatures_by_the_customary_keys_are_accepted_and_no_others(
    here: RunningCompanion, access_key: str, secret: str, status: int
) -> None:
    uri = api(here, "AWS_IAM")["uris"]["GRAPHQL"]
    body = json.dumps({"query": '{ echo(text: "hello") }'})
    sent = signed(uri, SigningKey(access_key, secret), body.encode())
    if status == 200:
        with urllib.request.urlopen(sent, timeout=20) as answer:
            assert json.load(answer) == {"data": {"echo": "said"}}
    else:
        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(sent, timeout=20)
        assert caught.value.code == status
        caught.value.close()


def signed(uri: str, key: SigningKey, body: bytes) -> urllib.request.Request:
    request = AWSRequest("POST", uri, {"content-type": "application/json"}, body)
    SigV4Auth(key, "appsync", "us-east-1").add_auth(request)
    return urllib.request.Request(uri, body, dict(request.headers))


def test_a_key_that_localstack_issued_is_known_by_asking_it_once(tmp_path: Path) -> None:
    """Those of functions that LocalStack runs itself."""
    issued = {
        "arn": "arn:aws:sts::000000000000:assumed-role/r/f",
        "user_id": "AROA:f",
        "secret_key": "theirs",
    }
    body = json.dumps({"query": '{ echo(text: "hello") }'}).encode()
    answers = {INVOCATIONS: b'"said"', ISSUED_KEYS_PATH: json.dumps(issued).encode()}
    with fake_localstack(answers) as localstack, companion(tmp_path, localstack.url) as here:
        uri = api(here, "AWS_IAM")["uris"]["GRAPHQL"]
        for _ in range(2):
            key = SigningKey("LSIAQAAAAAAVNCBMPNSG", "theirs", "token")
            with urllib.request.urlopen(signed(uri, key, body), timeout=20) as answer:
                assert json.load(answer) == {"data": {"echo": "said"}}
        told = json.loads(localstack.asked[-1][1])["identity"]
        assert (told["userArn"], told["username"]) == (issued["arn"], "AROA:f")
        asked = [json.loads(sent) for path, sent in localstack.asked if path == ISSUED_KEYS_PATH]
        assert asked == [{"access_key": "LSIAQAAAAAAVNCBMPNSG", "session_token": "token"}]
        forged = SigningKey("LSIAQAAAAAAVNCBMPNSG", "guess", "token")
        assert refused(signed(uri, forged, body)) == 403
        no_token = SigningKey("LSIAQAAAAAAVNCBMPNSG", "theirs")
        assert refused(signed(uri, no_token, body)) == 403
        assert sum(path == ISSUED_KEYS_PATH for path, _ in localstack.asked) == 1


@pytest.mark.parametrize("answers", [{}, {ISSUED_KEYS_PATH: b"{}"}, {ISSUED_KEYS_PATH: b"no JSON"}])
def test_a_key_that_localstack_does_not_know_is_refused(tmp_path: Path, answers: dict[str, bytes]) -> None:
    with fake_localstack(answers) as localstack, companion(tmp_path, localstack.url) as here:
        uri = api(here, "AWS_IAM")["uris"]["GRAPHQL"]
        key = SigningKey("LSIAQAAAAAAVNCBMPNSG", "theirs", "token")
        assert refused(signed(uri, key, b'{"query": "{ echo }"}')) == 403
        assert [path for path, _ in localstack.asked] == [ISSUED_KEYS_PATH]


def refused(request: urllib.request.Request) -> int:
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request, timeout=20)
    caught.value.close()
    return caught.value.code


def test_it_is_observed_as_the_embedded_aws_is(here: RunningCompanion) -> None:
    observer = EmbeddedObserver(here.url)
    observer.observe()
    create(here.client("dynamodb"), "metered")
    here.client("dynamodb").put_item(TableName="metered", Item={"id": {"S": "a"}})
    seen = observer.observe()
    used = {(row.service, row.resource, row.unit): row.quantity for row in seen.usage}
    assert used["dynamodb", "metered", "write_request_units"] == 1
    assert {process.name for process in seen.processes} == {"companion", "localstack", "functions"}
    assert (seen.incidents, seen.lost) == ([], 0)
    observer.close()


def test_what_localstack_served_is_metered_once_and_what_is_no_row_is_lost(tmp_path: Path) -> None:
    row = ["call", 1, "ssm", "GetParameter", "", 200, "", "", "", "", {}]
    batch = json.dumps({"source": "here", "number": 1, "rows": [row, row, ["unheard of"]]}).encode()
    answers = {METERING_PATH: NOTHING_SERVED}
    with fake_localstack(answers) as quiet, companion(tmp_path, quiet.url) as beside:
        for _ in range(2):  # its answer was lost, and it is posted again
            with urllib.request.urlopen(beside.url + REQUESTS_PATH, batch, timeout=20) as answer:
                assert json.load(answer) == {"status": "ok"}
        seen = EmbeddedObserver(beside.url).observe()
    assert ("ssm", "parameters", "requests", 2) in seen.usage
    assert seen.lost == 1


def test_a_localstack_that_does_not_say_what_it_served_is_an_incident(tmp_path: Path) -> None:
    with fake_localstack({}) as silent, companion(tmp_path, silent.url) as beside:
        (incident,) = EmbeddedObserver(beside.url).observe().incidents
        assert "does not say what it served (it answered 404)" in incident
    with companion(tmp_path / "alone", "http://127.0.0.1:1") as beside:
        (incident,) = EmbeddedObserver(beside.url).observe().incidents
        refused = "LocalStack at http://127.0.0.1:1 did not answer when observed: Connection refused."
        assert incident == refused


def test_health_names_the_parts(here: RunningCompanion) -> None:
    health = here.get("/_launchday/health")
    assert health["status"] == "running"
    assert health["parts"] == ["appsync", "authorizers", "cognito", "dynamodb", "lambda"]
    assert health["pid"] == here.process.pid


def test_what_is_not_here_is_said(here: RunningCompanion) -> None:
    with pytest.raises(ClientError, match="companion of LocalStack does not offer") as caught:
        here.client("ssm").get_parameter(Name="x")
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 501
    with pytest.raises(urllib.error.HTTPError, match="404") as missing:
        here.get("/_launchday/nothing")
    missing.value.close()


def test_a_reset_forgets_everything(tmp_path: Path) -> None:
    with companion(tmp_path) as here:
        create(here.client("dynamodb"), "gone")
        here.client("cognito-idp").create_user_pool(PoolName="gone")
        api(here, "API_KEY")
        here.client("dynamodb").scan(TableName="gone")
        before = here.get("/_launchday/observation")["usage"]
        assert any(quantity > 0 for _, resource, _, quantity in before if resource == "gone")
        assert here.post("/_launchday/reset") == {"status": "ok"}
        assert here.client("dynamodb").list_tables()["TableNames"] == []
        assert here.client("cognito-idp").list_user_pools(MaxResults=10)["UserPools"] == []
        assert here.client("appsync").list_graphql_apis()["graphqlApis"] == []
        usage = here.get("/_launchday/observation")["usage"]
        assert all(quantity == 0 for _, resource, _, quantity in usage if resource == "gone")


def test_one_part_may_be_reset_alone(tmp_path: Path) -> None:
    with companion(tmp_path) as here:
        create(here.client("dynamodb"), "gone")
        here.client("cognito-idp").create_user_pool(PoolName="kept")
        assert here.post("/_launchday/reset?part=dynamodb") == {"status": "ok"}
        assert here.client("dynamodb").list_tables()["TableNames"] == []
        assert len(here.client("cognito-idp").list_user_pools(MaxResults=10)["UserPools"]) == 1
        with pytest.raises(urllib.error.HTTPError, match="404") as caught:
            here.post("/_launchday/reset?part=kinesis")
        caught.value.close()


def test_an_apis_tables_are_localstacks_where_dynamodb_is(tmp_path: Path) -> None:
    item = b'{"Item": {"id": {"S": "a"}}}'
    with (
        fake_localstack({"/": item}) as localstack,
        companion(tmp_path, localstack.url, "appsync") as here,
    ):
        appsync = here.client("appsync")
        made = appsync.create_graphql_api(name="things", authenticationType="API_KEY")["graphqlApi"]
        api_id = made["apiId"]
        appsync.start_schema_creation(apiId=api_id, definition=b"type Query { id: ID }")
        appsync.create_data_source(
            apiId=api_id,
            name="table",
            type="AMAZON_DYNAMODB",
            serviceRoleArn="arn:aws:iam::000000000000:role/any",
            dynamodbConfig={"tableName": "things", "awsRegion": "us-east-1"},
        )
        appsync.create_resolver(
            apiId=api_id,
            typeName="Query",
            fieldName="id",
            dataSourceName="table",
            requestMappingTemplate='{"version": "2018-05-29", "operation": "GetItem", "key": '
            '{"id": {"S": "a"}}}',
            responseMappingTemplate="$util.toJson($ctx.result.id)",
        )
        key = appsync.create_api_key(apiId=api_id)["apiKey"]["id"]
        answer = graphql(here, made["uris"]["GRAPHQL"], "{ id }", {"x-api-key": key})
        assert answer == {"data": {"id": "a"}}
        assert json.loads(localstack.asked[-1][1])["TableName"] == "things"


def test_only_the_parts_that_were_asked_for_are_offered(tmp_path: Path) -> None:
    with companion(tmp_path, parts="appsync, lambda") as here:
        assert here.get("/_launchday/health")["parts"] == ["appsync", "lambda"]
        assert here.client("appsync").list_graphql_apis()["graphqlApis"] == []
        for service, operation in (("dynamodb", "list_tables"), ("cognito-idp", "list_user_pools")):
            arguments = {"MaxResults": 1} if service == "cognito-idp" else {}
            with pytest.raises(ClientError, match="does not offer"):
                getattr(here.client(service), operation)(**arguments)


@pytest.mark.parametrize("end", ["lifeline", "signal"])
def test_it_ends_when_it_is_told_to(tmp_path: Path, end: str) -> None:
    with companion(tmp_path) as here:
        if end == "signal":
            here.process.send_signal(signal.SIGTERM)
        else:
            assert here.process.stdin is not None
            here.process.stdin.close()
        assert here.process.wait(timeout=30) == 0


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", set(PARTS)),
        (" , ", set(PARTS)),
        ("Lambda, dynamodb ,", {"lambda", "dynamodb"}),
    ],
)
def test_parts_are_listed_or_all(text: str, parts: set[str]) -> None:
    assert parts_of(text) == parts


def test_a_part_that_there_is_not_is_said() -> None:
    with pytest.raises(TargetError, match="LAUNCHDAY_PARTS names kinesis, which is no part") as caught:
        parts_of("dynamodb,kinesis")
    assert caught.value.remedy == "The parts are lambda, dynamodb, cognito, appsync, authorizers."


def test_a_functions_key_is_known_with_its_token_while_its_environment_lives() -> None:
    keys = HeldKeys()
    keys.hold(Credentials("LSIAQAAAAAAA", "secret", "token"), "arn:aws:sts::000000000000:assumed-role/r/f")
    holder = asyncio.run(keys.find("LSIAQAAAAAAA", "token"))
    assert holder is not None
    assert (holder.secret_key, holder.user_id) == ("secret", "LSIAQAAAAAAA:f")
    assert asyncio.run(keys.find("LSIAQAAAAAAA", "another")) is None
    assert asyncio.run(keys.find("LSIAQAAAAAAA", None)) is None
    keys.release("LSIAQAAAAAAA")
    assert asyncio.run(keys.find("LSIAQAAAAAAA", "token")) is None
    keys.release("LSIAQAAAAAAA")
