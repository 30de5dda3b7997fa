"""The extension in a LocalStack: DynamoDB and its streams, Cognito and AppSync at its port.

Needs a LocalStack (see conftest.py)."""

from __future__ import annotations

import json
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
from tests.localstack.made import KEY, records
from tests.resolvers import resolver_of_templates

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("localstack")]

FLOWS = ["ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"]
STREAM = {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}


def get(localstack: RunningLocalStack, path: str) -> Any:
    with urllib.request.urlopen(localstack.url + path, timeout=20) as answer:
        return json.load(answer)


def test_the_services_are_listed_and_the_extension_says_what_it_turned_on(
    localstack: RunningLocalStack,
) -> None:
    services = get(localstack, "/_localstack/health")["services"]
    for name in ("dynamodb", "dynamodbstreams", "cognito-idp", "appsync"):
        assert services[name] in ("available", "running")
    assert (
        "Launchday's extension: appsync, authorizers, cognito, dynamodb, lambda by http://"
        in localstack.log()
    )


def test_only_this_machine_reaches_it_and_its_kinesis(localstack: RunningLocalStack) -> None:
    """LocalStack's server and its Kinesis leave out the host that they were told."""
    localstack.client("kinesis").list_streams()
    port = urlsplit(localstack.url).port
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


def test_items_pass_with_the_checksum_of_their_answer(localstack: RunningLocalStack) -> None:
    dynamodb, name = localstack.client("dynamodb"), localstack.unique("table")
    dynamodb.create_table(TableName=name, **KEY)
    item = {"id": {"S": "ä"}, "n": {"N": "1.50"}, "b": {"B": b"\x00\xff"}, "set": {"NS": ["1", "2"]}}
    dynamodb.put_item(TableName=name, Item=item)
    found = dynamodb.get_item(TableName=name, Key={"id": {"S": "ä"}}, ConsistentRead=True)
    assert found["Item"] == {**item, "n": {"N": "1.5"}}
    headers = found["ResponseMetadata"]["HTTPHeaders"]
    raw = urllib.request.Request(
        localstack.url,
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


def test_errors_pass_as_they_are(localstack: RunningLocalStack) -> None:
    dynamodb, name = localstack.client("dynamodb"), localstack.unique("table")
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


def test_accounts_and_regions_are_apart_as_localstack_has_them(localstack: RunningLocalStack) -> None:
    theirs = Cloud("eu-west-1", {"": localstack.url}, "123456789012", "test").client("dynamodb")
    ours = Cloud("eu-west-1", {"": localstack.url}, "test", "test").client("dynamodb")
    name = localstack.unique("theirs")
    made = theirs.create_table(TableName=name, **KEY)["TableDescription"]
    assert made["TableArn"] == f"arn:aws:dynamodb:eu-west-1:123456789012:table/{name}"
    assert name in theirs.list_tables()["TableNames"]
    assert name not in localstack.client("dynamodb").list_tables()["TableNames"]
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        ours.describe_table(TableName=name)


def test_what_is_not_offered_says_so(localstack: RunningLocalStack) -> None:
    dynamodb, name = localstack.client("dynamodb"), localstack.unique("table")
    dynamodb.create_table(TableName=name, **KEY)
    with pytest.raises(ClientError, match="EnableKinesisStreamingDestination is not offered"):
        dynamodb.enable_kinesis_streaming_destination(
            TableName=name, StreamArn="arn:aws:kinesis:us-east-1:000000000000:stream/s"
        )


def test_streams_tell_what_happened_and_nothing_else(localstack: RunningLocalStack) -> None:
    """The faults of moto's streams, which LocalStack would have: an upsert told twice, a put that changes
    nothing told as MODIFY, a failed transaction told and later records lost, binary encoded twice."""
    dynamodb, name = localstack.client("dynamodb"), localstack.unique("table")
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
    told = records(localstack, stream)
    assert [(record["eventName"], record["dynamodb"]["Keys"]["id"]["S"]) for record in told] == [
        ("INSERT", "a"),
        ("INSERT", "b"),
    ]
    assert told[1]["dynamodb"]["NewImage"]["blob"] == {"B": b"\x00\xff"}


# Cognito


def published(localstack: RunningLocalStack, pool: str, document: str) -> Any:
    return get(localstack, f"/{pool}/.well-known/{document}")


def signed_in(localstack: RunningLocalStack, name: str) -> tuple[str, str]:
    """A pool's id and the access token of a user in it."""
    cognito = localstack.client("cognito-idp")
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
    localstack: RunningLocalStack,
) -> None:
    import jwt

    pool, token = signed_in(localstack, "people")
    keys = {key["kid"]: jwt.PyJWK(key) for key in published(localstack, pool, "jwks.json")["keys"]}
    claims = jwt.decode(token, keys[jwt.get_unverified_header(token)["kid"]], algorithms=["RS256"])
    assert claims["iss"].endswith(pool)
    assert published(localstack, pool, "openid-configuration")["issuer"] == claims["iss"]
    assert localstack.client("cognito-idp").get_user(AccessToken=token)["Username"] == "ann"
    with pytest.raises(urllib.error.HTTPError, match="404") as missing:
        published(localstack, "us-east-1_missing00", "jwks.json")
    missing.value.close()


# AppSync


def api(localstack: RunningLocalStack, name: str, **settings: Any) -> dict[str, Any]:
    """An API whose field answers who asks."""
    appsync = localstack.client("appsync")
    made: dict[str, Any] = appsync.create_graphql_api(name=name, **settings)["graphqlApi"]
    api_id = made["apiId"]
    appsync.start_schema_creation(apiId=api_id, definition=b"type Query { me: AWSJSON }")
    resolver_of_templates(appsync, api_id, "Query.me", answer="$util.toJson($util.toJson($ctx.identity))")
    return made


def ask(url: str, headers: dict[str, str]) -> Any:
    request = urllib.request.Request(
        url, b'{"query": "{ me }"}', {"content-type": "application/json", **headers}
    )
    with urllib.request.urlopen(request, timeout=20) as answer:
        return json.load(answer)


def test_an_api_is_asked_at_its_own_address_and_at_localstacks(localstack: RunningLocalStack) -> None:
    made = api(localstack, "by key", authenticationType="API_KEY")
    key = localstack.client("appsync").create_api_key(apiId=made["apiId"])["apiKey"]["id"]
    assert made["uris"]["GRAPHQL"].startswith(localstack.companion_url)
    host = f"{made['apiId']}.appsync-api.us-east-1.localhost.localstack.cloud"
    expected = {"data": {"me": "null"}}
    assert ask(made["uris"]["GRAPHQL"], {"x-api-key": key}) == expected
    assert ask(f"{localstack.url}/graphql/{made['apiId']}", {"x-api-key": key}) == expected
    assert ask(f"{localstack.url}/graphql", {"x-api-key": key, "host": host}) == expected
    with pytest.raises(urllib.error.HTTPError, match="401") as refused:
        ask(f"{localstack.url}/graphql/{made['apiId']}", {"x-api-key": "da2-wrong"})
    refused.value.close()


def test_pages_ask_an_api_by_localstacks_rules(localstack: RunningLocalStack) -> None:
    made = api(localstack, "of a page", authenticationType="API_KEY")
    key = localstack.client("appsync").create_api_key(apiId=made["apiId"])["apiKey"]["id"]
    url, page = f"{localstack.url}/graphql/{made['apiId']}", "https://app.localstack.cloud"
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


def test_tokens_and_signatures_are_verified_at_both(localstack: RunningLocalStack) -> None:
    pool, token = signed_in(localstack, "viewers")
    made = api(
        localstack,
        "by token",
        authenticationType="AMAZON_COGNITO_USER_POOLS",
        userPoolConfig={"userPoolId": pool, "awsRegion": "us-east-1", "defaultAction": "ALLOW"},
        additionalAuthenticationProviders=[{"authenticationType": "AWS_IAM"}],
    )
    for url in (made["uris"]["GRAPHQL"], f"{localstack.url}/graphql/{made['apiId']}"):
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


def test_keys_of_an_assumed_role_are_verified(localstack: RunningLocalStack) -> None:
    """LocalStack's own functions have such keys."""
    url = api(localstack, "by role", authenticationType="AWS_IAM")["uris"]["GRAPHQL"]
    role = "arn:aws:iam::000000000000:role/publisher"
    key = localstack.client("sts").assume_role(RoleArn=role, RoleSessionName="fan-out")["Credentials"]
    assert key["AccessKeyId"] not in ("", "test")
    by_role = signature(url, key["SecretAccessKey"], key["AccessKeyId"], key["SessionToken"])
    me = json.loads(ask(url, by_role)["data"]["me"])
    assert me["userArn"] == "arn:aws:sts::000000000000:assumed-role/publisher/fan-out"
    for secret, token in (("guess", key["SessionToken"]), (key["SecretAccessKey"], "guess")):
        with pytest.raises(urllib.error.HTTPError, match="403") as forged:
            ask(url, signature(url, secret, key["AccessKeyId"], token))
        forged.value.close()


def test_a_bucket_may_be_named_as_the_endpoint_is(localstack: RunningLocalStack) -> None:
    s3 = localstack.client("s3", s3={"addressing_style": "path"})
    s3.create_bucket(Bucket="graphql")
    s3.put_object(Bucket="graphql", Key="key", Body=b"kept")
    assert s3.get_object(Bucket="graphql", Key="key")["Body"].read() == b"kept"
