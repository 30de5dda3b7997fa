"""The control plane: what is set up is answered, what cannot be is refused."""

from __future__ import annotations

import base64
from typing import Any

import orjson
import pytest

SDL = """
# A comment
type Query { device(id: ID!): Device @aws_iam @aws_api_key  devices(after: AWSDateTime): [Device] }
type Mutation { put(id: ID!): Device }
type Subscription { onPut(id: ID): Device @aws_subscribe(mutations: ["put"]) }
"A device"
type Device @aws_api_key { id: ID! name: String }
"""
DAY_S = 86_400
HOUR_S = 3_600


def test_an_api_is_answered_as_it_was_made(appsync: Any) -> None:
    pool = {"userPoolId": "us-east-1_a", "awsRegion": "us-east-1", "defaultAction": "ALLOW"}
    made = appsync(
        "POST",
        "/v1/apis",
        name="live",
        authenticationType="AMAZON_COGNITO_USER_POOLS",
        userPoolConfig=pool,
        additionalAuthenticationProviders=[
            {"authenticationType": "AWS_IAM"},
            {"authenticationType": "AWS_LAMBDA", "lambdaAuthorizerConfig": {"authorizerUri": "arn:f"}},
        ],
        logConfig={"fieldLogLevel": "ERROR", "cloudWatchLogsRoleArn": "arn:role"},
        queryDepthLimit=10,
        tags={"stage": "test"},
    )["graphqlApi"]
    api_id = made["apiId"]
    assert len(api_id) == 26
    assert made["arn"] == f"arn:aws:appsync:us-east-1:123456789012:apis/{api_id}"
    assert made["uris"] == {
        "GRAPHQL": f"http://127.0.0.1:4566/graphql/{api_id}",
        "REALTIME": f"ws://127.0.0.1:4566/graphql/{api_id}/realtime",
    }
    assert made["userPoolConfig"] == pool
    assert made["additionalAuthenticationProviders"][1]["lambdaAuthorizerConfig"] == {
        "authorizerUri": "arn:f",
        "authorizerResultTtlInSeconds": 300,
    }
    assert made["logConfig"]["excludeVerboseContent"] is False
    assert (made["introspectionConfig"], made["queryDepthLimit"], made["resolverCountLimit"]) == (
        "ENABLED",
        10,
        0,
    )
    assert appsync("GET", f"/v1/apis/{api_id}")["graphqlApi"] == made
    assert appsync("GET", "/v1/apis")["graphqlApis"] == [made]


def test_authorization_sees_an_apis_settings_and_keys(appsync: Any) -> None:
    api_id = appsync.create_api()
    key = appsync("POST", f"/v1/apis/{api_id}/apikeys")["apiKey"]
    auth = appsync.service.auth(api_id)
    assert [provider.mode for provider in auth.providers] == ["API_KEY"]
    assert auth.api_keys == {key["id"]: key["expires"]}
    appsync("DELETE", f"/v1/apis/{api_id}/apikeys/{key['id']}")
    assert auth.api_keys == {}
    appsync("POST", f"/v1/apis/{api_id}", name="live", authenticationType="AWS_IAM")
    assert appsync.service.auth(api_id).default.mode == "AWS_IAM"
    assert appsync.service.auth("no-such-api") is None


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ({"authenticationType": "OPENID_CONNECT"}, "does not offer OPENID_CONNECT"),
        ({"authenticationType": "PASSWORD"}, "authenticationType"),
        ({"authenticationType": "AMAZON_COGNITO_USER_POOLS"}, "userPoolConfig"),
        ({"authenticationType": "AWS_LAMBDA"}, "lambdaAuthorizerConfig"),
        ({"apiType": "MERGED"}, "merged APIs"),
        ({"visibility": "PRIVATE"}, "private APIs"),
        ({"queryDepthLimit": 76}, "queryDepthLimit"),
        ({"name": ""}, "name"),
        (
            {"additionalAuthenticationProviders": [{"authenticationType": "API_KEY"}]},
            "only be specified once",
        ),
        ({"tags": {"aws:x": "y"}}, "tag"),
    ],
)
def test_an_api_that_cannot_be_is_refused(appsync: Any, members: Any, words: str) -> None:
    with appsync.refused("BadRequestException", words):
        appsync("POST", "/v1/apis", **{"name": "x", "authenticationType": "API_KEY", **members})
    assert appsync("GET", "/v1/apis")["graphqlApis"] == []


def test_a_deleted_api_is_gone_and_its_listeners_are_told(appsync: Any) -> None:
    api_id = appsync.create_api(SDL)
    appsync("DELETE", f"/v1/apis/{api_id}")
    assert appsync.subscriptions.dropped == [api_id]
    for method, path in (("GET", f"/v1/apis/{api_id}"), ("GET", f"/v1/apis/{api_id}/types/Device")):
        with appsync.refused("NotFoundException", api_id):
            appsync(method, path, "format=SDL")
    assert appsync.post(api_id, {"query": "{devices{id}}"}).status == 404


def test_an_api_of_another_region_is_not_found(appsync: Any) -> None:
    api_id = appsync.create_api()
    appsync.context.region = "eu-west-1"
    with appsync.refused("NotFoundException"):
        appsync("GET", f"/v1/apis/{api_id}")
    assert appsync("GET", "/v1/apis")["graphqlApis"] == []


@pytest.mark.parametrize(
    ("method", "path", "what"),
    [
        ("POST", "/v2/apis", "CreateApi"),
        ("POST", "/v1/domainnames", "CreateDomainName"),
        ("POST", "/v1/apis/x/ApiCaches", "CreateApiCache"),
        ("POST", "/v1/mergedApis/x/sourceApiAssociations", "AssociateSourceGraphqlApi"),
    ],
)
def test_what_is_not_offered_says_so(appsync: Any, method: str, path: str, what: str) -> None:
    with appsync.refused("NotImplementedException", what):
        appsync(method, path)


# -- keys


def test_keys_expire_at_full_hours_after_a_week_by_default(appsync: Any) -> None:
    api_id = appsync.create_api()
    key = appsync("POST", f"/v1/apis/{api_id}/apikeys", description="web")["apiKey"]
    assert key["id"].startswith("da2-")
    assert len(key["id"]) == 30
    assert key["expires"] % HOUR_S == 0
    assert 0 <= appsync.now_s + 7 * DAY_S - key["expires"] < HOUR_S
    assert key["deletes"] == key["expires"] + 60 * DAY_S
    assert appsync("GET", f"/v1/apis/{api_id}/apikeys")["apiKeys"] == [key]


@pytest.mark.parametrize(
    ("days", "allowed"), [(0.5, False), (1, True), (365, True), (366, False), (-1, False)]
)
def test_keys_live_from_one_to_365_days(appsync: Any, days: float, allowed: bool) -> None:
    api_id = appsync.create_api()
    path, expires = f"/v1/apis/{api_id}/apikeys", int(appsync.now_s + days * DAY_S)
    if allowed:
        assert appsync("POST", path, expires=expires)["apiKey"]["expires"] == expires - expires % HOUR_S
        return
    with appsync.refused("ApiKeyValidityOutOfBoundsException"):
        appsync("POST", path, expires=expires)


def test_a_key_is_changed_kept_and_at_last_deleted(appsync: Any) -> None:
    api_id = appsync.create_api()
    path = f"/v1/apis/{api_id}/apikeys"
    key = appsync("POST", path)["apiKey"]
    changed = appsync("POST", f"{path}/{key['id']}", description="new")["apiKey"]
    assert (changed["expires"], changed["description"]) == (key["expires"], "new")
    appsync.now_s = key["deletes"] - 1
    assert len(appsync("GET", path)["apiKeys"]) == 1
    appsync.now_s = key["deletes"]
    assert appsync("GET", path)["apiKeys"] == []
    with appsync.refused("NotFoundException"):
        appsync("DELETE", f"{path}/{key['id']}")


def test_an_api_has_at_most_fifty_keys_listed_in_pages(appsync: Any) -> None:
    api_id = appsync.create_api()
    path = f"/v1/apis/{api_id}/apikeys"
    made = [appsync("POST", path)["apiKey"]["id"] for _ in range(50)]
    with appsync.refused("ApiKeyLimitExceededException"):
        appsync("POST", path)
    first = appsync("GET", path, "maxResults=20")
    second = appsync("GET", path, f"maxResults=25&nextToken={first['nextToken']}")
    third = appsync("GET", path, f"nextToken={second['nextToken']}")
    assert "nextToken" not in third
    assert [key["id"] for page in (first, second, third) for key in page["apiKeys"]] == made
    with appsync.refused("BadRequestException", "nextToken"):
        appsync("GET", path, "nextToken=!!")


# -- schema and types


def test_a_schema_is_created_and_comes_back(appsync: Any) -> None:
    api_id = appsync.create_api()
    assert appsync("GET", f"/v1/apis/{api_id}/schemacreation")["status"] == "NOT_APPLICABLE"
    assert appsync.schema(api_id, SDL) == {
        "status": "SUCCESS",
        "details": "Successfully created schema with 4 types.",
    }
    path = f"/v1/apis/{api_id}/schema"
    sdl = appsync("GET", path, "format=SDL").decode()
    assert "onPut(id: ID): Device @aws_subscribe" in sdl
    bare = appsync("GET", path, "format=SDL&includeDirectives=false").decode()
    assert "@aws" not in bare
    assert "onPut(id: ID): Device" in bare
    types = {kind["name"] for kind in appsync("GET", path, "format=JSON")["data"]["__schema"]["types"]}
    assert {"Query", "Device", "AWSDateTime"} <= types


@pytest.mark.parametrize(
    ("sdl", "words"),
    [
        ("type Query {", "Failed to parse schema document"),
        ("type Device { id: ID }", "There is no top level schema object defined."),
        ("type Query { a: Nothing }", "Unknown type 'Nothing'"),
        ("type Query { a: String } type Query { b: String }", "Query"),
        ("scalar Mine type Query { a: Mine }", "Custom scalars are not supported"),
        ("type Query { a: String @aws_oidc }", "does not offer OpenID Connect"),
        ("type Query { a: String @what }", "Unknown directive '@what'"),
        (
            'type Query { a: Int } type Subscription { s: Int @aws_subscribe(mutations: ["m"]) }',
            "does not exist",
        ),
        (
            'type Query { a: Int } type Mutation { m: String } type Subscription { s: Int @aws_subscribe(mutations: ["m"]) }',  # noqa: E501
            "must be of the type of mutation 'm'",
        ),
    ],
)
def test_a_schema_that_cannot_be_fails_and_leaves_the_one_before(appsync: Any, sdl: str, words: str) -> None:
    api_id = appsync.create_api(SDL)
    status = appsync.schema(api_id, sdl)
    assert status["status"] == "FAILED"
    assert words in status["details"]
    assert b"Device" in appsync("GET", f"/v1/apis/{api_id}/schema", "format=SDL")


def test_editors_own_definitions_of_aws_names_are_taken(appsync: Any) -> None:
    api_id = appsync.create_api()
    sdl = "scalar AWSDate directive @aws_iam on OBJECT type Query { a: AWSDate @aws_iam }"
    assert appsync.schema(api_id, sdl)["status"] == "SUCCESS"


def test_a_definition_must_be_base64(appsync: Any) -> None:
    api_id = appsync.create_api()
    with appsync.refused("BadRequestException", "base64"):
        appsync("POST", f"/v1/apis/{api_id}/schemacreation", definition="type Query")


def test_types_make_a_schema_too(appsync: Any) -> None:
    api_id = appsync.create_api()
    path = f"/v1/apis/{api_id}/types"
    appsync("POST", path, format="SDL", definition='"A device" type Device { id: ID! }')
    appsync("POST", path, format="SDL", definition="type Query { device: Device }")
    made = appsync("GET", f"{path}/Device", "format=SDL")["type"]
    assert (made["name"], made["description"], made["format"]) == ("Device", "A device", "SDL")
    assert made["arn"].endswith("/types/Device")
    appsync("POST", f"{path}/Device", format="SDL", definition="type Device { id: ID! name: String }")
    listed = appsync("GET", path, "format=JSON")["types"]
    assert [kind["name"] for kind in listed] == ["Device", "Query"]
    fields = orjson.loads(listed[0]["definition"])["fields"]
    assert [field["name"] for field in fields] == ["id", "name"]
    assert appsync.query(api_id, "{ device { name } }") == {"data": {"device": None}}
    with appsync.refused("BadRequestException", "Unknown type 'Device'"):
        appsync("DELETE", f"{path}/Device")
    appsync("DELETE", f"{path}/Query")
    appsync("DELETE", f"{path}/Device")
    with appsync.refused("NotFoundException", "Device"):
        appsync("GET", f"{path}/Device", "format=SDL")


# -- data sources


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ({"type": "AMAZON_EVENTBRIDGE"}, "does not offer data sources of type AMAZON_EVENTBRIDGE"),
        ({"type": "RELATIONAL_DATABASE"}, "does not offer data sources of type RELATIONAL_DATABASE"),
        ({"type": "AMAZON_DYNAMODB"}, "dynamodbConfig"),
        (
            {
                "type": "AMAZON_DYNAMODB",
                "dynamodbConfig": {"tableName": "t", "awsRegion": "us-east-1", "versioned": True},
            },
            "versioned",
        ),
        ({"type": "NONE", "name": "not-a-name"}, "[_A-Za-z]"),
    ],
)
def test_data_sources_that_cannot_be_are_refused(appsync: Any, members: Any, words: str) -> None:
    api_id = appsync.create_api()
    with appsync.refused("BadRequestException", words):
        appsync("POST", f"/v1/apis/{api_id}/datasources", **{"name": "x", **members})


def test_a_data_source_is_answered_changed_and_deleted_when_unused(appsync: Any) -> None:
    api_id = appsync.create_api(SDL)
    appsync.table(api_id, "devices")
    path = f"/v1/apis/{api_id}/datasources/devices"
    made = appsync("GET", path)["dataSource"]
    assert made["dynamodbConfig"] == {
        "tableName": "devices",
        "awsRegion": "us-east-1",
        "useCallerCredentials": False,
    }
    assert made["dataSourceArn"].endswith(f"apis/{api_id}/datasources/devices")
    with appsync.refused("BadRequestException", "already exists"):
        appsync.source(api_id, "devices")
    appsync.resolver(api_id, "Query.devices", source="devices")
    with appsync.refused("BadRequestException", "currently in use"):
        appsync("DELETE", path)
    changed = appsync("POST", path, type="NONE", description="none")["dataSource"]
    assert "dynamodbConfig" not in changed
    appsync("DELETE", f"/v1/apis/{api_id}/types/Query/resolvers/devices")
    appsync("DELETE", path)
    with appsync.refused("NotFoundException", "devices"):
        appsync("GET", path)


# -- resolvers and functions


def test_a_resolver_is_answered_changed_and_deleted(appsync: Any) -> None:
    api_id = appsync.create_api(SDL)
    appsync.source(api_id)
    appsync.resolver(api_id, "Query.devices", response="[]")
    path = f"/v1/apis/{api_id}/types/Query/resolvers"
    made = appsync("GET", f"{path}/devices")["resolver"]
    assert (made["kind"], made["dataSourceName"], made["responseMappingTemplate"]) == ("UNIT", "none", "[]")
    assert made["resolverArn"].endswith("/types/Query/resolvers/devices")
    assert appsync("GET", path)["resolvers"] == [made]
    with appsync.refused("BadRequestException", "Only one resolver is allowed per field"):
        appsync.resolver(api_id, "Query.devices")
    assert appsync.query(api_id, "{ devices { id } }") == {"data": {"devices": []}}
    appsync(
        "POST",
        f"{path}/devices",
        dataSourceName="none",
        requestMappingTemplate='{"version": "2018-05-29"}',
        responseMappingTemplate='[{"id": 1}]',
    )
    assert appsync.query(api_id, "{ devices { id } }") == {"data": {"devices": [{"id": "1"}]}}
    appsync("DELETE", f"{path}/devices")
    assert appsync.query(api_id, "{ devices { id } }") == {"data": {"devices": None}}


@pytest.mark.parametrize(
    ("code", "members", "words"),
    [
        ("BadRequestException", {"requestMappingTemplate": "#if($x)"}, "request mapping template is not valid"),  # noqa: E501
        ("BadRequestException", {"requestMappingTemplate": "$util.frobnicate(1)"}, "frobnicate"),
        ("BadRequestException", {"requestMappingTemplate": "$util.rds.toJsonObject($x)"}, "toJsonObject"),
        ("BadRequestException", {"responseMappingTemplate": "$util.time.nowISO8601(1)"}, "1 arguments"),
        ("BadRequestException", {"responseMappingTemplate": "$extensions.evictFromApiCache('a', 'b', $c)"}, "evict"),  # noqa: E501
        ("NotFoundException", {"dataSourceName": "nowhere"}, "nowhere"),
        ("BadRequestException", {"cachingConfig": {"ttl": 60}}, "caching"),
        ("BadRequestException", {"runtime": {"name": "APPSYNC_JS", "runtimeVersion": "1.0.0"}}, "together"),
        ("BadRequestException", {"requestMappingTemplate": None}, "request mapping template is required"),
        ("BadRequestException", {"syncConfig": {"conflictDetection": "VERSION"}}, "conflict detection"),
    ],
)  # fmt: skip
def test_a_resolver_that_could_not_run_is_refused_when_it_is_made(
    appsync: Any, code: str, members: Any, words: str
) -> None:
    api_id = appsync.create_api(SDL)
    appsync.source(api_id)
    given = {"request": "{}", "response": "null"}
    if "requestMappingTemplate" in members:
        given["request"] = members.pop("requestMappingTemplate")
    if "responseMappingTemplate" in members:
        given["response"] = members.pop("responseMappingTemplate")
    source = members.pop("dataSourceName", "none")
    with appsync.refused(code, words):
        appsync.resolver(api_id, "Query.devices", source=source, **given, **members)
    assert appsync("GET", f"/v1/apis/{api_id}/types/Query/resolvers")["resolvers"] == []


@pytest.mark.parametrize("field", ["Query.nothing", "Nothing.devices"])
def test_a_resolver_needs_a_field(appsync: Any, field: str) -> None:
    api_id = appsync.create_api(SDL)
    appsync.source(api_id)
    with appsync.refused("NotFoundException", "othing"):
        appsync.resolver(api_id, field)


def function(appsync: Any, api_id: str, name: str, **members: Any) -> str:
    given = {
        "name": name,
        "dataSourceName": "none",
        "functionVersion": "2018-05-29",
        "requestMappingTemplate": "{}",
        "responseMappingTemplate": "null",
    }
    made = appsync("POST", f"/v1/apis/{api_id}/functions", **{**given, **members})
    function_id: str = made["functionConfiguration"]["functionId"]
    return function_id


def test_functions_and_the_pipelines_that_use_them(appsync: Any) -> None:
    api_id = appsync.create_api(SDL)
    appsync.source(api_id)
    one = function(appsync, api_id, "one")
    resolver = {
        "fieldName": "devices",
        "kind": "PIPELINE",
        "requestMappingTemplate": "{}",
        "responseMappingTemplate": "null",
    }
    path = f"/v1/apis/{api_id}/types/Query/resolvers"
    with appsync.refused("NotFoundException", "other"):
        appsync("POST", path, **resolver, pipelineConfig={"functions": ["other"]})
    appsync("POST", path, **resolver, pipelineConfig={"functions": [one]})
    users = appsync("GET", f"/v1/apis/{api_id}/functions/{one}/resolvers")["resolvers"]
    assert [user["fieldName"] for user in users] == ["devices"]
    with appsync.refused("BadRequestException", "used by a resolver"):
        appsync("DELETE", f"/v1/apis/{api_id}/functions/{one}")
    appsync("DELETE", f"{path}/devices")
    appsync("DELETE", f"/v1/apis/{api_id}/functions/{one}")
    assert appsync("GET", f"/v1/apis/{api_id}/functions")["functions"] == []


# -- tags and environment


def test_tags_are_put_listed_and_taken_away(appsync: Any) -> None:
    from urllib.parse import quote

    api_id = appsync.create_api(tags={"a": "1"})
    arn = f"arn:aws:appsync:us-east-1:123456789012:apis/{api_id}"
    for path in (f"/v1/tags/{quote(arn, safe='')}", f"/v1/tags/{arn}"):
        appsync("POST", path, tags={"b": "2"})
        assert appsync("GET", path)["tags"] == {"a": "1", "b": "2"}
        appsync("DELETE", path, "tagKeys=b&tagKeys=c")
        assert appsync("GET", path)["tags"] == {"a": "1"}
    with appsync.refused("NotFoundException"):
        appsync("GET", "/v1/tags/arn:aws:appsync:us-east-1:123456789012:apis/aaaaaaaaaaaaaaaaaaaaaaaaaa")


def test_environment_variables_reach_templates(appsync: Any) -> None:
    api_id = appsync.create_api(SDL)
    path = f"/v1/apis/{api_id}/environmentVariables"
    assert appsync("PUT", path, environmentVariables={"STAGE": "test"}) == {
        "environmentVariables": {"STAGE": "test"}
    }
    assert appsync("GET", path)["environmentVariables"] == {"STAGE": "test"}
    appsync.source(api_id)
    appsync.resolver(api_id, "Query.devices", response='[{"id": "$ctx.env.STAGE"}]')
    assert appsync.query(api_id, "{ devices { id } }")["data"] == {"devices": [{"id": "test"}]}
    with appsync.refused("BadRequestException", "1x"):
        appsync("PUT", path, environmentVariables={"1x": ""})


def test_a_reset_forgets_every_api(appsync: Any) -> None:
    api_id = appsync.create_api()
    appsync.run(appsync.service.reset())
    assert appsync("GET", "/v1/apis")["graphqlApis"] == []
    assert appsync.subscriptions.dropped == [api_id]
    assert appsync.authorizer.resets == 1


def test_base64_of_what_is_no_text_is_refused(appsync: Any) -> None:
    api_id = appsync.create_api()
    definition = base64.b64encode(b"\xff\xfe").decode()
    with appsync.refused("BadRequestException"):
        appsync("POST", f"/v1/apis/{api_id}/schemacreation", definition=definition)
