"""The extension in a LocalStack: its types in CloudFormation's stacks.

Needs a LocalStack (see conftest.py)."""

from __future__ import annotations

import json
import urllib.request
from typing import Any

import pytest

from tests.localstack.conftest import RunningLocalStack
from tests.localstack.made import KEY, records
from tests.waiting import until

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("localstack")]


def deployed(localstack: RunningLocalStack, name: str, template: dict[str, Any]) -> dict[str, Any]:
    """The stack, once nothing is in progress."""
    cloudformation = localstack.client("cloudformation")
    body = json.dumps(template)
    if any(stack["StackName"] == name for stack in cloudformation.describe_stacks()["Stacks"]):
        cloudformation.update_stack(StackName=name, TemplateBody=body)
    else:
        cloudformation.create_stack(StackName=name, TemplateBody=body)
    return settled(cloudformation, name)


def settled(cloudformation: Any, name: str) -> dict[str, Any]:
    def seen() -> dict[str, Any] | None:
        (stack,) = cloudformation.describe_stacks(StackName=name)["Stacks"]
        return None if stack["StackStatus"].endswith("IN_PROGRESS") else stack

    return until(seen, f"{name} is settled")


def reasons(localstack: RunningLocalStack, name: str) -> str:
    events = localstack.client("cloudformation").describe_stack_events(StackName=name)["StackEvents"]
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
                "ExplicitAuthFlows": ["ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
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


def test_a_stack_of_all_that_is_added_comes_works_and_goes(localstack: RunningLocalStack) -> None:
    name = localstack.unique("whole")
    stack = deployed(localstack, name, TEMPLATE)
    assert stack["StackStatus"] == "CREATE_COMPLETE", reasons(localstack, name)
    outputs = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
    localstack.client("dynamodb").put_item(TableName=outputs["Table"], Item={"id": {"S": "a"}})
    (record,) = records(localstack, outputs["Stream"])
    assert record["dynamodb"]["NewImage"] == {"id": {"S": "a"}}
    request = urllib.request.Request(
        outputs["Url"],
        b'{"query": "{ thing(id: \\"a\\") { id } }"}',
        {"content-type": "application/json", "x-api-key": outputs["Key"]},
    )
    with urllib.request.urlopen(request, timeout=20) as answer:
        assert json.load(answer) == {"data": {"thing": {"id": "a"}}}
    described = localstack.client("cognito-idp").describe_user_pool_client(
        UserPoolId=outputs["Pool"], ClientId=outputs["App"]
    )
    assert described["UserPoolClient"]["UserPoolId"] == outputs["Pool"]

    listed = localstack.client("cognito-idp").list_users_in_group(
        UserPoolId=outputs["Pool"], GroupName="staff"
    )
    assert [user["Username"] for user in listed["Users"]] == ["ann"]

    changed = json.loads(json.dumps(TEMPLATE))
    changed["Resources"]["Api"]["Properties"]["Name"] = "renamed"
    stack = deployed(localstack, name, changed)
    assert stack["StackStatus"] == "UPDATE_COMPLETE", reasons(localstack, name)
    apis = {found["name"] for found in localstack.client("appsync").list_graphql_apis()["graphqlApis"]}
    assert "renamed" in apis
    assert "stack-api" not in apis

    cloudformation = localstack.client("cloudformation")
    cloudformation.delete_stack(StackName=name)
    dynamodb = localstack.client("dynamodb")
    until(lambda: outputs["Table"] not in dynamodb.list_tables()["TableNames"], "the table is gone")
    pools = localstack.client("cognito-idp").list_user_pools(MaxResults=60)["UserPools"]
    assert outputs["Pool"] not in {pool["Id"] for pool in pools}


@pytest.mark.parametrize("unknown", ["AWS::Cognito::UserPoolDomain", "AWS::Athena::WorkGroup"])
def test_a_type_that_nobody_provides_fails_its_stack_by_name(
    localstack: RunningLocalStack, unknown: str
) -> None:
    name = localstack.unique(unknown.rpartition("::")[2])
    template = {"Resources": {"It": {"Type": unknown, "Properties": {}}}}
    stack = deployed(localstack, name, template)
    assert stack["StackStatus"] in ("CREATE_FAILED", "ROLLBACK_COMPLETE")
    assert unknown in stack.get("StackStatusReason", "") + reasons(localstack, name)


def test_a_property_that_is_not_supported_fails_its_stack_by_name(localstack: RunningLocalStack) -> None:
    pool = {"Type": "AWS::Cognito::UserPool", "Properties": {"UserPoolName": "p", "Colour": "red"}}
    name = localstack.unique("coloured")
    stack = deployed(localstack, name, {"Resources": {"It": pool}})
    assert stack["StackStatus"] not in ("CREATE_COMPLETE", "UPDATE_COMPLETE")
    assert "The property Colour is not supported." in reasons(localstack, name)
