"""AWS::AppSync::GraphQLApi, GraphQLSchema, DataSource, Resolver, FunctionConfiguration and ApiKey.

docs: CloudFormation Template Reference, AWS AppSync (read 2026-11); createOnlyProperties are those of the
types' registry schemas, Ref and Fn::GetAtt as the reference says.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import partial
from typing import Any

from launchday_localstack.cloudformation.parameters import PropertyError
from launchday_localstack.cloudformation.resources import (
    Model,
    Request,
    ResourceType,
    call,
    deletion,
    required,
    undone,
    without,
)

SERVICE = "appsync"
SCHEMA_TIMEOUT_S = 60.0
_BESIDE = ("Tags", "EnvironmentVariables")
"""Properties of an API that calls of their own set."""
_IN_BUCKETS: Mapping[str, str] = {
    "CodeS3Location": "Code",
    "DefinitionS3Location": "Definition",
    "RequestMappingTemplateS3Location": "RequestMappingTemplate",
    "ResponseMappingTemplateS3Location": "ResponseMappingTemplate",
}


def create_api(request: Request) -> Model:
    """CreateGraphqlApi, and PutGraphqlApiEnvironmentVariables where there are some."""
    client = request.client(SERVICE)
    given = {**_api_settings(request), "Tags": _tags(request.properties)}
    made = call(client, "create_graphql_api", given)["graphqlApi"]
    with undone(lambda: client.delete_graphql_api(apiId=made["apiId"])):
        _put_environment(client, made["apiId"], request.properties)
    return {**request.properties, **_api_attributes(made, request)}


def update_api(request: Request) -> Model:
    """UpdateGraphqlApi, which takes all settings anew, and what changed of tags and variables."""
    client = request.client(SERVICE)
    api_id = request.previous["ApiId"]
    made = call(client, "update_graphql_api", {**_api_settings(request), "apiId": api_id})["graphqlApi"]
    before, after = _tags(request.previous), _tags(request.properties)
    removed = [key for key in before if key not in after]
    if removed:
        client.untag_resource(resourceArn=made["arn"], tagKeys=removed)
    if after != before and after:
        client.tag_resource(resourceArn=made["arn"], tags=after)
    if request.changed("EnvironmentVariables"):
        _put_environment(client, api_id, {"EnvironmentVariables": {}, **request.properties})
    return {**request.properties, **_api_attributes(made, request)}


def _api_settings(request: Request) -> Model:
    """What CreateGraphqlApi takes: a template need not give a pool's Region and default action."""
    given = without(request.properties, *_BESIDE)
    if given.get("UserPoolConfig"):
        pool = {"AwsRegion": request.region, "DefaultAction": "ALLOW", **given["UserPoolConfig"]}
        given["UserPoolConfig"] = pool
    if given.get("AdditionalAuthenticationProviders"):
        given["AdditionalAuthenticationProviders"] = [
            {**provider, "UserPoolConfig": {"AwsRegion": request.region, **provider["UserPoolConfig"]}}
            if provider.get("UserPoolConfig")
            else provider
            for provider in given["AdditionalAuthenticationProviders"]
        ]
    return given


def _api_attributes(made: Mapping[str, Any], request: Request) -> Model:
    api_id = made["apiId"]
    endpoint = f"arn:aws:appsync:{request.region}:{request.account_id}:endpoints/graphql-endpoint/{api_id}"
    return {
        "ApiId": api_id,
        "Id": api_id,
        "Arn": made["arn"],
        "GraphQLUrl": made["uris"]["GRAPHQL"],
        "RealtimeUrl": made["uris"]["REALTIME"],
        "GraphQLDns": made["dns"]["GRAPHQL"],
        "RealtimeDns": made["dns"]["REALTIME"],
        "GraphQLEndpointArn": endpoint,
    }


def _tags(properties: Mapping[str, Any]) -> dict[str, str]:
    return {tag["Key"]: str(tag["Value"]) for tag in properties.get("Tags") or []}


def _put_environment(client: Any, api_id: str, properties: Mapping[str, Any]) -> None:
    variables = properties.get("EnvironmentVariables")
    if variables is not None:
        given = {"apiId": api_id, "environmentVariables": variables}
        call(client, "put_graphql_api_environment_variables", given)


def put_schema(request: Request) -> Model:
    """StartSchemaCreation, until it has succeeded. Raises PropertyError with what is wrong with it."""
    client = request.client(SERVICE)
    api_id = required(request.properties, "ApiId")
    given = _inlined(request)
    call(client, "start_schema_creation", given)
    deadline_s = time.monotonic() + SCHEMA_TIMEOUT_S
    while (answer := client.get_schema_creation_status(apiId=api_id))["status"] in ("PROCESSING", "ACTIVE"):
        if time.monotonic() > deadline_s:
            raise PropertyError(f"The schema was not made within {SCHEMA_TIMEOUT_S:.0f} s.")
        time.sleep(0.05)
    if answer["status"] != "SUCCESS":
        raise PropertyError(f"Schema Creation Status is {answer['status']} with details: {answer['details']}")
    return {**request.properties, "Id": f"{api_id}GraphQLSchema"}


def delete_schema(request: Request) -> None:
    """AppSync deletes no schema: it goes with its API."""


def put_data_source(request: Request, method: str) -> Model:
    """CreateDataSource or UpdateDataSource."""
    made = call(request.client(SERVICE), method, request.properties)["dataSource"]
    return {**request.properties, "DataSourceArn": made["dataSourceArn"]}


def put_resolver(request: Request, method: str) -> Model:
    """CreateResolver or UpdateResolver."""
    made = call(request.client(SERVICE), method, _inlined(request))["resolver"]
    return {**request.properties, "ResolverArn": made["resolverArn"]}


def create_function(request: Request) -> Model:
    """CreateFunction."""
    return _put_function(request, "create_function", {})


def update_function(request: Request) -> Model:
    """UpdateFunction."""
    return _put_function(request, "update_function", {"functionId": request.previous["FunctionId"]})


def _put_function(request: Request, method: str, identity: Model) -> Model:
    given = {**_inlined(request), **identity}
    if "Code" not in given:
        given.setdefault("FunctionVersion", "2018-05-29")
    made = call(request.client(SERVICE), method, given)["functionConfiguration"]
    return {**request.properties, "FunctionArn": made["functionArn"], "FunctionId": made["functionId"]}


def create_key(request: Request) -> Model:
    """CreateApiKey."""
    made = call(request.client(SERVICE), "create_api_key", without(request.properties, "ApiKeyId"))["apiKey"]
    api_id = request.properties["ApiId"]
    arn = f"arn:aws:appsync:{request.region}:{request.account_id}:apis/{api_id}/apikey/{made['id']}"
    return {**request.properties, "ApiKey": made["id"], "ApiKeyId": made["id"], "Arn": arn}


def update_key(request: Request) -> Model:
    """UpdateApiKey."""
    attributes = {name: request.previous[name] for name in ("ApiKey", "ApiKeyId", "Arn")}
    given = without(request.properties, "ApiKeyId")
    call(request.client(SERVICE), "update_api_key", {**given, "id": attributes["ApiKeyId"]})
    return {**request.properties, **attributes}


def _inlined(request: Request) -> Model:
    """The properties, with the text of each object in S3 (`s3://bucket/key`) in its place."""
    given = dict(request.properties)
    for location, name in _IN_BUCKETS.items():
        address = given.pop(location, None)
        if address is not None:
            bucket, _, key = str(address).removeprefix("s3://").partition("/")
            if not str(address).startswith("s3://") or not bucket or not key:
                raise PropertyError(f"{location} must be of the form s3://bucket/key, not '{address}'.")
            given[name] = request.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read().decode()
    return given


GRAPHQL_API = ResourceType(
    "AWS::AppSync::GraphQLApi",
    SERVICE,
    "Arn",
    create_api,
    update_api,
    deletion(SERVICE, "delete_graphql_api", "ApiId"),
)
GRAPHQL_SCHEMA = ResourceType(
    "AWS::AppSync::GraphQLSchema", SERVICE, "Id", put_schema, put_schema, delete_schema, ("ApiId",)
)
DATA_SOURCE = ResourceType(
    "AWS::AppSync::DataSource",
    SERVICE,
    "DataSourceArn",
    partial(put_data_source, method="create_data_source"),
    partial(put_data_source, method="update_data_source"),
    deletion(SERVICE, "delete_data_source", "ApiId", "Name"),
    ("ApiId", "Name"),
)
RESOLVER = ResourceType(
    "AWS::AppSync::Resolver",
    SERVICE,
    "ResolverArn",
    partial(put_resolver, method="create_resolver"),
    partial(put_resolver, method="update_resolver"),
    deletion(SERVICE, "delete_resolver", "ApiId", "TypeName", "FieldName"),
    ("ApiId", "FieldName", "TypeName"),
)
FUNCTION_CONFIGURATION = ResourceType(
    "AWS::AppSync::FunctionConfiguration",
    SERVICE,
    "FunctionArn",
    create_function,
    update_function,
    deletion(SERVICE, "delete_function", "ApiId", "FunctionId"),
    ("ApiId",),
)
API_KEY = ResourceType(
    "AWS::AppSync::ApiKey",
    SERVICE,
    "Arn",
    create_key,
    update_key,
    deletion(SERVICE, "delete_api_key", "ApiId", id="ApiKeyId"),
    ("ApiId",),
)
TYPES = (GRAPHQL_API, GRAPHQL_SCHEMA, DATA_SOURCE, RESOLVER, FUNCTION_CONFIGURATION, API_KEY)
