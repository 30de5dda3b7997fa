"""The resource types that the extension gives LocalStack's CloudFormation, against the companion."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from botocore.exceptions import ClientError

from launchday_localstack.cloudformation import appsync, cognito
from launchday_localstack.cloudformation.parameters import PropertyError
from launchday_localstack.cloudformation.resources import Model, Request, ResourceType
from tests.localstack.companions import RunningCompanion, companion

ACCOUNT = "000000000000"
FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:f"
SCHEMA = "type Query { thing(id: ID!): String }"


@dataclass
class Bucket:
    """S3, as far as a template reads from it."""

    objects: Mapping[str, str]

    def get_object(self, *, Bucket: str, Key: str) -> Any:  # noqa: N803
        return {"Body": io.BytesIO(self.objects[f"{Bucket}/{Key}"].encode())}


@dataclass
class Stack:
    """Makes, changes and deletes resources as LocalStack does it: with the properties of a template, then
    with those of the model."""

    here: RunningCompanion
    objects: Mapping[str, str]

    def client(self, service: str) -> Any:
        return Bucket(self.objects) if service == "s3" else self.here.client(service)

    def request(self, properties: Model, previous: Model | None = None) -> Request:
        return Request(properties, previous or {}, self.client, "us-east-1", ACCOUNT, "stack-Thing-1234")

    def create(self, kind: ResourceType, **properties: Any) -> Model:
        model = kind.create(self.request(properties))
        assert model[kind.reference]
        assert properties.items() <= model.items()
        return model

    def update(self, kind: ResourceType, previous: Model, **properties: Any) -> Model:
        model = kind.update(self.request(properties, previous))
        assert model[kind.reference] == previous[kind.reference]
        return model

    def delete(self, kind: ResourceType, model: Model) -> None:
        kind.delete(self.request(model))
        kind.delete(self.request(model))  # what is gone is no error


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningCompanion]:
    with companion(tmp_path_factory.mktemp("companion")) as running:
        yield running


@pytest.fixture
def stack(here: RunningCompanion) -> Stack:
    return Stack(here, {"templates/schema.graphql": SCHEMA, "templates/code.js": RESOLVER_CODE})


RESOLVER_CODE = """
export function request(ctx) { return {payload: ctx.args.id}; }
export function response(ctx) { return ctx.result; }
"""


# User pools


def test_a_pool_with_a_client_and_a_group(stack: Stack) -> None:
    pool = stack.create(
        cognito.USER_POOL,
        UserPoolName="people",
        AutoVerifiedAttributes=["email"],
        Schema=[{"Name": "account_id", "AttributeDataType": "String", "Mutable": "true"}],
        Policies={"PasswordPolicy": {"MinimumLength": "10", "RequireSymbols": False}},
        UserPoolTags={"stage": "test"},
    )
    pool_id = pool["UserPoolId"]
    described = stack.client("cognito-idp").describe_user_pool(UserPoolId=pool_id)["UserPool"]
    assert described["Arn"] == pool["Arn"]
    assert described["Policies"]["PasswordPolicy"]["MinimumLength"] == 10
    assert described["UserPoolTags"] == {"stage": "test"}
    assert "custom:account_id" in {attribute["Name"] for attribute in described["SchemaAttributes"]}
    assert pool["ProviderURL"] == f"https://cognito-idp.us-east-1.amazonaws.com/{pool_id}"

    client = stack.create(cognito.USER_POOL_CLIENT, UserPoolId=pool_id, GenerateSecret="true")
    assert client["Name"] == "stack-Thing-1234"
    assert client["ClientSecret"]
    changed = stack.update(
        cognito.USER_POOL_CLIENT,
        client,
        UserPoolId=pool_id,
        GenerateSecret="true",
        ClientName="app",
        ExplicitAuthFlows=["ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
    )
    assert changed["Name"] == "app"
    assert changed["ClientSecret"] == client["ClientSecret"]
    found = stack.client("cognito-idp").describe_user_pool_client(
        UserPoolId=pool_id, ClientId=changed["ClientId"]
    )["UserPoolClient"]
    assert found["ExplicitAuthFlows"] == ["ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"]

    group = stack.create(cognito.USER_POOL_GROUP, UserPoolId=pool_id, GroupName="staff", Precedence="1")
    stack.update(cognito.USER_POOL_GROUP, group, UserPoolId=pool_id, GroupName="staff", Precedence="2")
    kept = stack.client("cognito-idp").get_group(UserPoolId=pool_id, GroupName="staff")["Group"]
    assert kept["Precedence"] == 2
    for kind, model in (
        (cognito.USER_POOL_GROUP, group),
        (cognito.USER_POOL_CLIENT, client),
        (cognito.USER_POOL, pool),
    ):
        stack.delete(kind, model)
    pools = stack.client("cognito-idp").list_user_pools(MaxResults=60)["UserPools"]
    assert pool_id not in {found["Id"] for found in pools}


def test_users_and_their_groups(stack: Stack) -> None:
    pool_id = stack.create(cognito.USER_POOL)["UserPoolId"]
    stack.create(cognito.USER_POOL_GROUP, UserPoolId=pool_id, GroupName="staff")
    email = [{"Name": "email", "Value": "ann@example.com"}]
    user = stack.create(
        cognito.USER_POOL_USER,
        UserPoolId=pool_id,
        Username="ann",
        UserAttributes=email,
        MessageAction="SUPPRESS",
    )
    attachment = stack.create(
        cognito.USER_POOL_USER_TO_GROUP_ATTACHMENT, UserPoolId=pool_id, Username="ann", GroupName="staff"
    )
    client = stack.client("cognito-idp")
    found = client.admin_get_user(UserPoolId=pool_id, Username=user["Username"])
    assert email[0] in found["UserAttributes"]

    def members() -> list[str]:
        listed = client.list_users_in_group(UserPoolId=pool_id, GroupName="staff")["Users"]
        return [each["Username"] for each in listed]

    assert members() == ["ann"]
    with pytest.raises(PropertyError, match="Updates are not allowed"):
        stack.update(cognito.USER_POOL_USER, user, UserPoolId=pool_id, Username="ann")
    stack.delete(cognito.USER_POOL_USER_TO_GROUP_ATTACHMENT, attachment)
    assert members() == []
    stack.delete(cognito.USER_POOL_USER, user)
    with pytest.raises(ClientError, match="UserNotFoundException"):
        client.admin_get_user(UserPoolId=pool_id, Username="ann")


def test_a_pool_has_second_factors_from_the_start(stack: Stack) -> None:
    factors = {"MfaConfiguration": "OPTIONAL", "EnabledMfas": ["SOFTWARE_TOKEN_MFA"]}
    pool = stack.create(cognito.USER_POOL, **factors)
    stack.update(cognito.USER_POOL, pool, **factors, AutoVerifiedAttributes=["email"])
    described = stack.client("cognito-idp").get_user_pool_mfa_config(UserPoolId=pool["UserPoolId"])
    assert described["MfaConfiguration"] == "OPTIONAL"
    assert described["SoftwareTokenMfaConfiguration"] == {"Enabled": True}


def test_a_pool_that_fails_half_way_is_not_left_behind(stack: Stack) -> None:
    with pytest.raises(PropertyError, match="EnabledMfas: SMS_MFA is not supported"):
        stack.create(cognito.USER_POOL, UserPoolName="half", MfaConfiguration="ON", EnabledMfas=["SMS_MFA"])
    pools = stack.client("cognito-idp").list_user_pools(MaxResults=60)["UserPools"]
    assert "half" not in {pool["Name"] for pool in pools}


@pytest.mark.parametrize(
    "change",
    [
        {"UsernameAttributes": ["phone_number"]},
        {"AliasAttributes": ["email"]},
        {"Schema": []},
        {"Schema": [{"Name": "team", "AttributeDataType": "Number"}]},
    ],
)
def test_what_a_pool_cannot_change_is_refused(stack: Stack, change: Model) -> None:
    given = {
        "UsernameAttributes": ["email"],
        "Schema": [{"Name": "team", "AttributeDataType": "String"}],
    }
    pool = stack.create(cognito.USER_POOL, **given)
    with pytest.raises(PropertyError, match=next(iter(change))):
        stack.update(cognito.USER_POOL, pool, **{**given, **change})


# GraphQL APIs


def test_an_api_with_all_its_parts(stack: Stack) -> None:
    api = stack.create(
        appsync.GRAPHQL_API,
        Name="live",
        AuthenticationType="API_KEY",
        XrayEnabled="false",
        Tags=[{"Key": "stage", "Value": "test"}],
        EnvironmentVariables={"TABLE": "things"},
    )
    api_id = api["ApiId"]
    schema = stack.create(appsync.GRAPHQL_SCHEMA, ApiId=api_id, Definition=SCHEMA)
    assert schema["Id"] == f"{api_id}GraphQLSchema"
    source = stack.create(appsync.DATA_SOURCE, ApiId=api_id, Name="none", Type="NONE")
    function = stack.create(
        appsync.FUNCTION_CONFIGURATION,
        ApiId=api_id,
        Name="pass_on",
        DataSourceName="none",
        RequestMappingTemplate='{"version": "2018-05-29", "payload": $util.toJson($ctx.args.id)}',
        ResponseMappingTemplate="$util.toJson($ctx.result)",
    )
    resolver = stack.create(
        appsync.RESOLVER,
        ApiId=api_id,
        TypeName="Query",
        FieldName="thing",
        Kind="PIPELINE",
        PipelineConfig={"Functions": [function["FunctionId"]]},
        RequestMappingTemplate="{}",
        ResponseMappingTemplate="$util.toJson($ctx.result)",
    )
    key = stack.create(appsync.API_KEY, ApiId=api_id, Description="for tests")
    assert key["Arn"].endswith(f"apis/{api_id}/apikey/{key['ApiKey']}")
    assert ask(api, key) == {"data": {"thing": "a"}}

    client = stack.client("appsync")
    assert client.list_tags_for_resource(resourceArn=api["Arn"])["tags"] == {"stage": "test"}
    stack.update(
        appsync.GRAPHQL_API,
        api,
        Name="renamed",
        AuthenticationType="API_KEY",
        Tags=[{"Key": "owner", "Value": "me"}],
    )
    assert client.get_graphql_api(apiId=api_id)["graphqlApi"]["name"] == "renamed"
    assert client.list_tags_for_resource(resourceArn=api["Arn"])["tags"] == {"owner": "me"}
    variables = client.get_graphql_api_environment_variables(apiId=api_id)["environmentVariables"]
    assert variables == {}
    stack.update(appsync.API_KEY, key, ApiId=api_id, Description="for others")
    assert client.list_api_keys(apiId=api_id)["apiKeys"][0]["description"] == "for others"

    for kind, model in (
        (appsync.API_KEY, key),
        (appsync.RESOLVER, resolver),
        (appsync.FUNCTION_CONFIGURATION, function),
        (appsync.DATA_SOURCE, source),
        (appsync.GRAPHQL_SCHEMA, schema),
        (appsync.GRAPHQL_API, api),
    ):
        stack.delete(kind, model)
    assert api_id not in {found["apiId"] for found in client.list_graphql_apis()["graphqlApis"]}


def ask(api: Model, key: Model) -> Any:
    import json
    import urllib.request

    request = urllib.request.Request(
        api["GraphQLUrl"],
        json.dumps({"query": '{ thing(id: "a") }'}).encode(),
        {"x-api-key": key["ApiKey"], "content-type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=20) as answer:
        return json.load(answer)


def test_schemas_and_code_may_be_in_a_bucket(stack: Stack) -> None:
    api = stack.create(appsync.GRAPHQL_API, Name="stored", AuthenticationType="API_KEY")
    api_id = api["ApiId"]
    stack.create(appsync.GRAPHQL_SCHEMA, ApiId=api_id, DefinitionS3Location="s3://templates/schema.graphql")
    stack.create(appsync.DATA_SOURCE, ApiId=api_id, Name="none", Type="NONE")
    resolver = {"ApiId": api_id, "TypeName": "Query", "FieldName": "thing", "DataSourceName": "none"}
    runtime = {"Name": "APPSYNC_JS", "RuntimeVersion": "1.0.0"}
    made = stack.create(
        appsync.RESOLVER, **resolver, Runtime=runtime, CodeS3Location="s3://templates/code.js"
    )
    key = stack.create(appsync.API_KEY, ApiId=api_id)
    assert ask(api, key) == {"data": {"thing": "a"}}
    changed = RESOLVER_CODE.replace("ctx.args.id", "'b'")
    stack.update(appsync.RESOLVER, made, **resolver, Runtime=runtime, Code=changed)
    assert ask(api, key) == {"data": {"thing": "b"}}
    with pytest.raises(PropertyError, match=r"CodeS3Location must be of the form s3://bucket/key, not 'x'"):
        stack.create(appsync.RESOLVER, **resolver, CodeS3Location="x")


def test_a_schema_that_is_wrong_fails_with_its_reason(stack: Stack) -> None:
    api = stack.create(appsync.GRAPHQL_API, Name="wrong", AuthenticationType="API_KEY")
    with pytest.raises(PropertyError, match=r"Status is FAILED with details: .*Missing"):
        stack.create(appsync.GRAPHQL_SCHEMA, ApiId=api["ApiId"], Definition="type Query { a: Missing }")


def test_a_pool_need_not_say_its_region(stack: Stack) -> None:
    pool = stack.create(cognito.USER_POOL)["UserPoolId"]
    api = stack.create(
        appsync.GRAPHQL_API,
        Name="signed in",
        AuthenticationType="AMAZON_COGNITO_USER_POOLS",
        UserPoolConfig={"UserPoolId": pool},
        AdditionalAuthenticationProviders=[
            {"AuthenticationType": "AMAZON_COGNITO_USER_POOLS", "UserPoolConfig": {"UserPoolId": pool}},
            {"AuthenticationType": "AWS_IAM"},
        ],
    )
    described = stack.client("appsync").get_graphql_api(apiId=api["ApiId"])["graphqlApi"]
    assert described["userPoolConfig"]["awsRegion"] == "us-east-1"
    assert described["userPoolConfig"]["defaultAction"] == "ALLOW"


# What is wrong


@pytest.mark.parametrize(
    ("kind", "properties", "message"),
    [
        (cognito.USER_POOL, {"Colour": "red"}, "The property Colour is not supported"),
        (
            cognito.USER_POOL,
            {"Policies": {"PasswordPolicy": {"MinimumLength": "ten"}}},
            "Policies.PasswordPolicy.MinimumLength must be a number, not 'ten'",
        ),
        (
            cognito.USER_POOL,
            {"Policies": {"PasswordPolicy": {"Strength": 1}}},
            r"Policies\.PasswordPolicy\.Strength is not supported",
        ),
        (cognito.USER_POOL, {"Schema": "none"}, "Schema must be a list"),
        (cognito.USER_POOL, {"Policies": []}, "Policies must be an object"),
        (cognito.USER_POOL, {"UserPoolName": {}}, "PoolName must be a string"),
        (cognito.USER_POOL_GROUP, {"UserPoolId": "x", "Precedence": []}, "Precedence must be a integer"),
        (
            appsync.GRAPHQL_API,
            {"Name": "a", "AuthenticationType": "API_KEY", "XrayEnabled": "maybe"},
            "XrayEnabled must be true or false, not 'maybe'",
        ),
        (appsync.GRAPHQL_SCHEMA, {"Definition": SCHEMA}, "The property ApiId is required"),
    ],
)
def test_wrong_properties_are_named(
    stack: Stack, kind: ResourceType, properties: Model, message: str
) -> None:
    with pytest.raises(PropertyError, match=message):
        kind.create(stack.request(properties))


@pytest.mark.parametrize(
    ("kind", "properties", "code"),
    [
        (
            cognito.USER_POOL,
            {"LambdaConfig": {"PreSignUp": "arn:aws:lambda:us-east-1:000000000000:function:f"}},
            "NotImplemented",
        ),
        (cognito.USER_POOL_CLIENT, {"UserPoolId": "us-east-1_missing"}, "ResourceNotFoundException"),
        (appsync.DATA_SOURCE, {"ApiId": "missing", "Name": "n", "Type": "NONE"}, "NotFoundException"),
    ],
)
def test_what_the_service_refuses_fails_in_its_words(
    stack: Stack, kind: ResourceType, properties: Model, code: str
) -> None:
    with pytest.raises(ClientError, match=code):
        kind.create(stack.request(properties))
