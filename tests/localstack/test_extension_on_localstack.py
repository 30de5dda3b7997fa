"""The extension in a LocalStack: DynamoDB and its streams, Cognito, AppSync and CloudFormation at its port.

Needs a LocalStack (see conftest.py)."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
import zlib
from typing import Any
from urllib.parse import urlsplit

import psutil
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from harness.pipeline import Cloud
from tests.localstack.conftest import RunningLocalStack

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("localstack")]

KEY = {
    "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
    "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
    "BillingMode": "PAY_PER_REQUEST",
}
FLOWS = ["ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"]
STREAM = {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}


@pytest.fixture
def here(localstack: RunningLocalStack) -> RunningLocalStack:
    return localstack


def get(here: RunningLocalStack, path: str) -> Any:
    with urllib.request.urlopen(here.url + path, timeout=20) as answer:
        return json.load(answer)


def test_the_services_are_listed_and_the_extension_says_what_it_turned_on(here: RunningLocalStack) -> None:
    services = get(here, "/_localstack/health")["services"]
    for name in ("dynamodb", "dynamodbstreams", "cognito-idp", "appsync"):
        assert services[name] in ("available", "running")
    assert "Launchday's extension: appsync, authorizers, cognito, dynamodb, lambda by http://" in here.log()


def test_only_this_machine_reaches_it_and_its_kinesis(here: RunningLocalStack) -> None:
    """LocalStack's server and its Kinesis leave out the host that they were told."""
    here.client("kinesis").list_streams()
    port = urlsplit(here.url).port
    (ours,) = (
        process
        for process in psutil.process_iter()
        if any(c.laddr.port == port and c.status == "LISTEN" for c in connections(process))
    )
    listening = {
        connection.laddr.ip
        for process in (ours, *ours.children(recursive=True))
        for connection in connections(process)
        if connection.status == "LISTEN"
    }
    assert any("kinesis" in " ".join(child.cmdline()) for child in ours.children(recursive=True))
    assert listening == {"127.0.0.1"}


def connections(process: psutil.Process) -> list[Any]:
    try:
        return list(process.net_connections("tcp"))
    except psutil.Error:
        return []


# DynamoDB


def test_items_pass_with_the_checksum_of_their_answer(here: RunningLocalStack) -> None:
    dynamodb, name = here.client("dynamodb"), here.unique("table")
    dynamodb.create_table(TableName=name, **KEY)
    item = {"id": {"S": "ä"}, "n": {"N": "1.50"}, "b": {"B": b"\x00\xff"}, "set": {"NS": ["1", "2"]}}
    dynamodb.put_item(TableName=name, Item=item)
    found = dynamodb.get_item(TableName=name, Key={"id": {"S": "ä"}}, ConsistentRead=True)
    assert found["Item"] == {**item, "n": {"N": "1.5"}}
    headers = found["ResponseMetadata"]["HTTPHeaders"]
    raw = urllib.request.Request(
        here.url,
        json.dumps({"TableName": name, "Key": {"id": {"S": "ä"}}}).encode(),
        {
            "x-amz-target": "DynamoDB_20120810.GetItem",
            "content-type": "application/x-amz-json-1.0",
            "authorization": "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/dynamodb/aws4_request, "
            "SignedHeaders=host, Signature=0",
        },
    )
    with urllib.request.urlopen(raw, timeout=20) as answer:
        assert int(answer.headers["x-amz-crc32"]) == zlib.crc32(answer.read())
    assert "x-amz-crc32" in headers


def test_errors_pass_as_they_are(here: RunningLocalStack) -> None:
    dynamodb, name = here.client("dynamodb"), here.unique("table")
    dynamodb.create_table(TableName=name, **KEY)
    dynamodb.put_item(TableName=name, Item={"id": {"S": "a"}})
    with pytest.raises(dynamodb.exceptions.ConditionalCheckFailedException) as caught:
        dynamodb.put_item(
            TableName=name,
            Item={"id": {"S": "a"}},
            ConditionExpression="attribute_not_exists(id)",
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )
    assert caught.value.response["Item"] == {"id": {"S": "a"}}
    with pytest.raises(dynamodb.exceptions.TransactionCanceledException) as cancelled:
        dynamodb.transact_write_items(
            TransactItems=[
                {
                    "ConditionCheck": {
                        "TableName": name,
                        "Key": {"id": {"S": "b"}},
                        "ConditionExpression": "attribute_exists(id)",
                    }
                }
            ]
        )
    assert cancelled.value.response["CancellationReasons"][0]["Code"] == "ConditionalCheckFailed"


def test_accounts_and_regions_are_apart_as_localstack_has_them(here: RunningLocalStack) -> None:
    theirs = Cloud("eu-west-1", {"": here.url}, "123456789012", "test").client("dynamodb")
    ours = Cloud("eu-west-1", {"": here.url}, "test", "test").client("dynamodb")
    name = here.unique("theirs")
    made = theirs.create_table(TableName=name, **KEY)["TableDescription"]
    assert made["TableArn"] == f"arn:aws:dynamodb:eu-west-1:123456789012:table/{name}"
    assert name in theirs.list_tables()["TableNames"]
    assert name not in here.client("dynamodb").list_tables()["TableNames"]
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        ours.describe_table(TableName=name)


def test_what_is_not_offered_says_so(here: RunningLocalStack) -> None:
    dynamodb, name = here.client("dynamodb"), here.unique("table")
    dynamodb.create_table(TableName=name, **KEY)
    with pytest.raises(ClientError, match="EnableKinesisStreamingDestination is not offered"):
        dynamodb.enable_kinesis_streaming_destination(
            TableName=name, StreamArn="arn:aws:kinesis:us-east-1:000000000000:stream/s"
        )


def records(here: RunningLocalStack, stream: str) -> list[dict[str, Any]]:
    """All of a stream's records, in the order of their sequence numbers."""
    streams = here.client("dynamodbstreams")
    found: list[dict[str, Any]] = []
    for shard in streams.describe_stream(StreamArn=stream)["StreamDescription"]["Shards"]:
        iterator = streams.get_shard_iterator(
            StreamArn=stream, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        found += streams.get_records(ShardIterator=iterator)["Records"]
    return sorted(found, key=lambda record: int(record["dynamodb"]["SequenceNumber"]))


def test_streams_tell_what_happened_and_nothing_else(here: RunningLocalStack) -> None:
    """The faults of moto's streams, which LocalStack would have: an upsert told twice, a put that changes
    nothing told as MODIFY, a failed transaction told and later records lost, binary encoded twice."""
    dynamodb, name = here.client("dynamodb"), here.unique("table")
    table = dynamodb.create_table(TableName=name, StreamSpecification=STREAM, **KEY)
    stream = table["TableDescription"]["LatestStreamArn"]
    upsert = {"UpdateExpression": "SET v = :v", "ExpressionAttributeValues": {":v": {"N": "1"}}}
    dynamodb.update_item(TableName=name, Key={"id": {"S": "a"}}, **upsert)
    dynamodb.put_item(TableName=name, Item={"id": {"S": "a"}, "v": {"N": "1"}})
    with pytest.raises(ClientError, match="TransactionCanceledException"):
        dynamodb.transact_write_items(
            TransactItems=[
                {"Put": {"TableName": name, "Item": {"id": {"S": "rolled back"}}}},
                {
                    "Update": {
                        "TableName": name,
                        "Key": {"id": {"S": "a"}},
                        "ConditionExpression": "attribute_not_exists(id)",
                        **upsert,
                    }
                },
            ]
        )
    dynamodb.put_item(TableName=name, Item={"id": {"S": "b"}, "blob": {"B": b"\x00\xff"}})
    told = records(here, stream)
    assert [(record["eventName"], record["dynamodb"]["Keys"]["id"]["S"]) for record in told] == [
        ("INSERT", "a"),
        ("INSERT", "b"),
    ]
    assert told[1]["dynamodb"]["NewImage"]["blob"] == {"B": b"\x00\xff"}


# Cognito


def published(here: RunningLocalStack, pool: str, document: str) -> Any:
    return get(here, f"/{pool}/.well-known/{document}")


def signed_in(here: RunningLocalStack, name: str) -> tuple[str, str]:
    """A pool's id and the access token of a user in it."""
    cognito = here.client("cognito-idp")
    pool = cognito.create_user_pool(PoolName=name)["UserPool"]["Id"]
    app = cognito.create_user_pool_client(
        UserPoolId=pool,
        ClientName="app",
        ExplicitAuthFlows=[*FLOWS, "ALLOW_USER_PASSWORD_AUTH"],
    )["UserPoolClient"]["ClientId"]
    cognito.admin_create_user(UserPoolId=pool, Username="ann", MessageAction="SUPPRESS")
    cognito.admin_set_user_password(UserPoolId=pool, Username="ann", Password="Passw0rd!", Permanent=True)
    result = cognito.initiate_auth(
        ClientId=app,
        AuthFlow="USER_PASSWORD_AUTH",
        AuthParameters={"USERNAME": "ann", "PASSWORD": "Passw0rd!"},
    )["AuthenticationResult"]
    return pool, result["AccessToken"]


def test_users_sign_in_and_their_tokens_keys_are_published_at_localstacks_port(
    here: RunningLocalStack,
) -> None:
    import jwt

    pool, token = signed_in(here, "people")
    keys = {key["kid"]: jwt.PyJWK(key) for key in published(here, pool, "jwks.json")["keys"]}
    claims = jwt.decode(token, keys[jwt.get_unverified_header(token)["kid"]], algorithms=["RS256"])
    assert claims["iss"].endswith(pool)
    assert published(here, pool, "openid-configuration")["issuer"] == claims["iss"]
    assert here.client("cognito-idp").get_user(AccessToken=token)["Username"] == "ann"
    with pytest.raises(urllib.error.HTTPError, match="404") as missing:
        published(here, "us-east-1_missing00", "jwks.json")
    missing.value.close()


# AppSync


def api(here: RunningLocalStack, name: str, **settings: Any) -> dict[str, Any]:
    """An API whose field answers who asks."""
    appsync = here.client("appsync")
    made: dict[str, Any] = appsync.create_graphql_api(name=name, **settings)["graphqlApi"]
    api_id = made["apiId"]
    appsync.start_schema_creation(apiId=api_id, definition=b"type Query { me: AWSJSON }")
    appsync.create_data_source(apiId=api_id, name="none", type="NONE")
    appsync.create_resolver(
        apiId=api_id,
        typeName="Query",
        fieldName="me",
        dataSourceName="none",
        requestMappingTemplate='{"version": "2018-05-29", "payload": {}}',
        responseMappingTemplate="$util.toJson($util.toJson($ctx.identity))",
    )
    return made


def ask(url: str, headers: dict[str, str]) -> Any:
    request = urllib.request.Request(
        url, b'{"query": "{ me }"}', {"content-type": "application/json", **headers}
    )
    with urllib.request.urlopen(request, timeout=20) as answer:
        return json.load(answer)


def test_an_api_is_asked_at_its_own_address_and_at_localstacks(here: RunningLocalStack) -> None:
    made = api(here, "by key", authenticationType="API_KEY")
    key = here.client("appsync").create_api_key(apiId=made["apiId"])["apiKey"]["id"]
    assert made["uris"]["GRAPHQL"].startswith(here.companion_url)
    host = f"{made['apiId']}.appsync-api.us-east-1.localhost.localstack.cloud"
    expected = {"data": {"me": "null"}}
    assert ask(made["uris"]["GRAPHQL"], {"x-api-key": key}) == expected
    assert ask(f"{here.url}/graphql/{made['apiId']}", {"x-api-key": key}) == expected
    assert ask(f"{here.url}/graphql", {"x-api-key": key, "host": host}) == expected
    with pytest.raises(urllib.error.HTTPError, match="401") as refused:
        ask(f"{here.url}/graphql/{made['apiId']}", {"x-api-key": "da2-wrong"})
    refused.value.close()


def test_pages_ask_an_api_by_localstacks_rules(here: RunningLocalStack) -> None:
    made = api(here, "of a page", authenticationType="API_KEY")
    key = here.client("appsync").create_api_key(apiId=made["apiId"])["apiKey"]["id"]
    url, page = f"{here.url}/graphql/{made['apiId']}", "https://app.localstack.cloud"
    asked = {"origin": page, "access-control-request-method": "POST"}
    preflight = urllib.request.Request(url, None, asked, method="OPTIONS")
    with urllib.request.urlopen(preflight, timeout=20) as answer:
        assert answer.status == 204
        assert answer.headers["access-control-allow-origin"] == page
    sent = {"x-api-key": key, "origin": page, "referer": page + "/live", "sec-fetch-site": "cross-site"}
    assert ask(url, sent) == {"data": {"me": "null"}}
    with pytest.raises(urllib.error.HTTPError, match="403") as refused:
        ask(url, {**sent, "origin": "https://elsewhere.example"})
    refused.value.close()


def test_tokens_and_signatures_are_verified_at_both(here: RunningLocalStack) -> None:
    pool, token = signed_in(here, "viewers")
    made = api(
        here,
        "by token",
        authenticationType="AMAZON_COGNITO_USER_POOLS",
        userPoolConfig={"userPoolId": pool, "awsRegion": "us-east-1", "defaultAction": "ALLOW"},
        additionalAuthenticationProviders=[{"authenticationType": "AWS_IAM"}],
    )
    for url in (made["uris"]["GRAPHQL"], f"{here.url}/graphql/{made['apiId']}"):
        me = json.loads(ask(url, {"authorization": token})["data"]["me"])
        assert me["username"] == "ann"
        refused = ask(url, signature(url, "test"))
        assert "Not Authorized" in refused["errors"][0]["message"]  # the field is the pool's only
        with pytest.raises(urllib.error.HTTPError, match="403") as forged:
            ask(url, signature(url, "guess"))
        forged.value.close()


def signature(url: str, secret: str, access_key: str = "test", token: str | None = None) -> dict[str, str]:
    request = AWSRequest("POST", url, {"content-type": "application/json"}, b'{"query": "{ me }"}')
    SigV4Auth(Credentials(access_key, secret, token), "appsync", "us-east-1").add_auth(request)
    return dict(request.headers)


def test_keys_of_an_assumed_role_are_verified(here: RunningLocalStack) -> None:
    """LocalStack's own functions have such keys."""
    url = api(here, "by role", authenticationType="AWS_IAM")["uris"]["GRAPHQL"]
    role = "arn:aws:iam::000000000000:role/publisher"
    key = here.client("sts").assume_role(RoleArn=role, RoleSessionName="fan-out")["Credentials"]
    assert key["AccessKeyId"] not in ("", "test")
    by_role = signature(url, key["SecretAccessKey"], key["AccessKeyId"], key["SessionToken"])
    me = json.loads(ask(url, by_role)["data"]["me"])
    assert me["userArn"] == "arn:aws:sts::000000000000:assumed-role/publisher/fan-out"
    for secret, token in (("guess", key["SessionToken"]), (key["SecretAccessKey"], "guess")):
        with pytest.raises(urllib.error.HTTPError, match="403") as forged:
            ask(url, signature(url, secret, key["AccessKeyId"], token))
        forged.value.close()


def test_a_bucket_may_be_named_as_the_endpoint_is(here: RunningLocalStack) -> None:
    s3 = here.client("s3", s3={"addressing_style": "path"})
    s3.create_bucket(Bucket="graphql")
    s3.put_object(Bucket="graphql", Key="key", Body=b"kept")
    assert s3.get_object(Bucket="graphql", Key="key")["Body"].read() == b"kept"


# CloudFormation


def deployed(here: RunningLocalStack, name: str, template: dict[str, Any]) -> dict[str, Any]:
    """The stack, once nothing is in progress."""
    cloudformation = here.client("cloudformation")
    body = json.dumps(template)
    if any(stack["StackName"] == name for stack in cloudformation.describe_stacks()["Stacks"]):
        cloudformation.update_stack(StackName=name, TemplateBody=body)
    else:
        cloudformation.create_stack(StackName=name, TemplateBody=body)
    return settled(cloudformation, name)


def settled(cloudformation: Any, name: str) -> dict[str, Any]:
    deadline = time.monotonic() + 60
    while True:
        (stack,) = cloudformation.describe_stacks(StackName=name)["Stacks"]
        if not stack["StackStatus"].endswith("IN_PROGRESS"):
            found: dict[str, Any] = stack
            return found
        assert time.monotonic() < deadline, stack
        time.sleep(0.2)


def reasons(here: RunningLocalStack, name: str) -> str:
    events = here.client("cloudformation").describe_stack_events(StackName=name)["StackEvents"]
    return "\n".join(event.get("ResourceStatusReason", "") for event in events)


TEMPLATE: dict[str, Any] = {
    "Resources": {
        "Things": {
            "Type": "AWS::DynamoDB::Table",
            "Properties": {
                **KEY,
                "StreamSpecification": {"StreamViewType": "NEW_IMAGE"},
                "TimeToLiveSpecification": {"AttributeName": "expires_at", "Enabled": True},
            },
        },
        "Pool": {"Type": "AWS::Cognito::UserPool", "Properties": {"UserPoolName": "stack-people"}},
        "App": {
            "Type": "AWS::Cognito::UserPoolClient",
            "Properties": {
                "UserPoolId": {"Ref": "Pool"},
                "ExplicitAuthFlows": FLOWS,
            },
        },
        "Staff": {
            "Type": "AWS::Cognito::UserPoolGroup",
            "Properties": {"UserPoolId": {"Ref": "Pool"}, "GroupName": "staff"},
        },
        "Ann": {
            "Type": "AWS::Cognito::UserPoolUser",
            "Properties": {"UserPoolId": {"Ref": "Pool"}, "Username": "ann", "MessageAction": "SUPPRESS"},
        },
        "AnnOfStaff": {
            "Type": "AWS::Cognito::UserPoolUserToGroupAttachment",
            "Properties": {
                "UserPoolId": {"Ref": "Pool"},
                "Username": {"Ref": "Ann"},
                "GroupName": {"Ref": "Staff"},
            },
        },
        "Api": {
            "Type": "AWS::AppSync::GraphQLApi",
            "Properties": {
                "Name": "stack-api",
                "AuthenticationType": "API_KEY",
                "AdditionalAuthenticationProviders": [
                    {
                        "AuthenticationType": "AMAZON_COGNITO_USER_POOLS",
                        "UserPoolConfig": {"UserPoolId": {"Ref": "Pool"}},
                    }
                ],
            },
        },
        "Schema": {
            "Type": "AWS::AppSync::GraphQLSchema",
            "Properties": {
                "ApiId": {"Fn::GetAtt": ["Api", "ApiId"]},
                "Definition": "type Thing { id: ID! } type Query { thing(id: ID!): Thing }",
            },
        },
        "Source": {
            "Type": "AWS::AppSync::DataSource",
            "Properties": {
                "ApiId": {"Fn::GetAtt": ["Api", "ApiId"]},
                "Name": "things",
                "Type": "AMAZON_DYNAMODB",
                "ServiceRoleArn": "arn:aws:iam::000000000000:role/any",
                "DynamoDBConfig": {"TableName": {"Ref": "Things"}, "AwsRegion": {"Ref": "AWS::Region"}},
            },
        },
        "Resolver": {
            "Type": "AWS::AppSync::Resolver",
            "DependsOn": "Schema",
            "Properties": {
                "ApiId": {"Fn::GetAtt": ["Api", "ApiId"]},
                "TypeName": "Query",
                "FieldName": "thing",
                "DataSourceName": {"Fn::GetAtt": ["Source", "Name"]},
                "RequestMappingTemplate": '{"version": "2018-05-29", "operation": "GetItem", '
                '"key": {"id": $util.dynamodb.toDynamoDBJson($ctx.args.id)}}',
                "ResponseMappingTemplate": "$util.toJson($ctx.result)",
            },
        },
        "Key": {"Type": "AWS::AppSync::ApiKey", "Properties": {"ApiId": {"Fn::GetAtt": ["Api", "ApiId"]}}},
    },
    "Outputs": {
        "Table": {"Value": {"Ref": "Things"}},
        "Stream": {"Value": {"Fn::GetAtt": ["Things", "StreamArn"]}},
        "Pool": {"Value": {"Ref": "Pool"}},
        "App": {"Value": {"Ref": "App"}},
        "Url": {"Value": {"Fn::GetAtt": ["Api", "GraphQLUrl"]}},
        "Key": {"Value": {"Fn::GetAtt": ["Key", "ApiKey"]}},
    },
}


def test_a_stack_of_all_that_is_added_comes_works_and_goes(here: RunningLocalStack) -> None:
    name = here.unique("whole")
    stack = deployed(here, name, TEMPLATE)
    assert stack["StackStatus"] == "CREATE_COMPLETE", reasons(here, name)
    outputs = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
    here.client("dynamodb").put_item(TableName=outputs["Table"], Item={"id": {"S": "a"}})
    (record,) = records(here, outputs["Stream"])
    assert record["dynamodb"]["NewImage"] == {"id": {"S": "a"}}
    request = urllib.request.Request(
        outputs["Url"],
        b'{"query": "{ thing(id: \\"a\\") { id } }"}',
        {"content-type": "application/json", "x-api-key": outputs["Key"]},
    )
    with urllib.request.urlopen(request, timeout=20) as answer:
        assert json.load(answer) == {"data": {"thing": {"id": "a"}}}
    described = here.client("cognito-idp").describe_user_pool_client(
        UserPoolId=outputs["Pool"], ClientId=outputs["App"]
    )
    assert described["UserPoolClient"]["UserPoolId"] == outputs["Pool"]

    listed = here.client("cognito-idp").list_users_in_group(UserPoolId=outputs["Pool"], GroupName="staff")
    assert [user["Username"] for user in listed["Users"]] == ["ann"]

    changed = json.loads(json.dumps(TEMPLATE))
    changed["Resources"]["Api"]["Properties"]["Name"] = "renamed"
    stack = deployed(here, name, changed)
    assert stack["StackStatus"] == "UPDATE_COMPLETE", reasons(here, name)
    apis = {found["name"] for found in here.client("appsync").list_graphql_apis()["graphqlApis"]}
    assert "renamed" in apis
    assert "stack-api" not in apis

    cloudformation = here.client("cloudformation")
    cloudformation.delete_stack(StackName=name)
    deadline = time.monotonic() + 60
    while outputs["Table"] in here.client("dynamodb").list_tables()["TableNames"]:
        assert time.monotonic() < deadline, "the table is still there"
        time.sleep(0.2)
    pools = here.client("cognito-idp").list_user_pools(MaxResults=60)["UserPools"]
    assert outputs["Pool"] not in {pool["Id"] for pool in pools}


@pytest.mark.parametrize("unknown", ["AWS::Cognito::UserPoolDomain", "AWS::Athena::WorkGroup"])
def test_a_type_that_nobody_provides_fails_its_stack_by_name(here: RunningLocalStack, unknown: str) -> None:
    name = here.unique(unknown.rpartition("::")[2])
    template = {"Resources": {"It": {"Type": unknown, "Properties": {}}}}
    stack = deployed(here, name, template)
    assert stack["StackStatus"] in ("CREATE_FAILED", "ROLLBACK_COMPLETE")
    assert unknown in stack.get("StackStatusReason", "") + reasons(here, name)


def test_a_property_that_is_not_supported_fails_its_stack_by_name(here: RunningLocalStack) -> None:
    pool = {"Type": "AWS::Cognito::UserPool", "Properties": {"UserPoolName": "p", "Colour": "red"}}
    name = here.unique("coloured")
    stack = deployed(here, name, {"Resources": {"It": pool}})
    assert stack["StackStatus"] not in ("CREATE_COMPLETE", "UPDATE_COMPLETE")
    assert "The property Colour is not supported." in reasons(here, name)
