"""The stand-up against moto: what AWS's control planes accept, without an AWS."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from deploy.pipeline import LiveLocation, sizing_of
from deploy.standup import engine
from deploy.standup.blueprint import Blueprint
from deploy.standup.names import Names
from deploy.standup.packaging import PackageCache
from deploy.standup.sizing import Sizing
from harness.errors import TargetError, UsageError
from harness.pipeline import Cloud, DeployParameters
from tests.deploy.fake_appsync import FakeAppSync, installed

CLOUD = Cloud("us-east-1", access_key_id="test", secret_access_key="test")
NAMES = Names("local", "123456789012", "us-east-1")


@pytest.fixture(autouse=True)
def appsync(monkeypatch: pytest.MonkeyPatch) -> FakeAppSync:
    return installed(monkeypatch)


@pytest.fixture(autouse=True)
def aws(appsync: FakeAppSync) -> Iterator[None]:
    with mock_aws():
        # Moto builds a service's routes when it is first asked, which two threads must not do at once:
        # CPython 3.11 then fails with a SystemError.
        everything(CLOUD.clients())
        CLOUD.client("sts").get_caller_identity()
        yield


@pytest.fixture
def clients() -> engine.Clients:
    return CLOUD.clients()


@pytest.fixture
def packages(tmp_path: Path) -> PackageCache:
    return PackageCache(tmp_path)


def everything(clients: engine.Clients) -> dict[str, list[Any]]:
    """What there is in the account."""
    return {
        "tables": clients("dynamodb").list_tables()["TableNames"],
        "streams": clients("kinesis").list_streams()["StreamNames"],
        "buckets": clients("s3").list_buckets()["Buckets"],
        "queues": clients("sqs").list_queues().get("QueueUrls", []),
        "roles": clients("iam").list_roles()["Roles"],
        "parameters": clients("ssm").describe_parameters()["Parameters"],
        "functions": clients("lambda").list_functions()["Functions"],
        "mappings": clients("lambda").list_event_source_mappings()["EventSourceMappings"],
        "apis": clients("apigateway").get_rest_apis()["items"],
        "topics": clients("sns").list_topics()["Topics"],
        "pools": clients("cognito-idp").list_user_pools(MaxResults=60)["UserPools"],
        "graphql": clients("appsync").list_graphql_apis()["graphqlApis"],
        "alarms": clients("cloudwatch").describe_alarms()["MetricAlarms"],
    }


def api_named(clients: engine.Clients, name: str) -> str:
    """The id of the API."""
    [found] = [each["id"] for each in clients("apigateway").get_rest_apis()["items"] if each["name"] == name]
    return str(found)


def test_the_second_stand_up_changes_nothing(clients: engine.Clients, packages: PackageCache) -> None:
    blueprint = Blueprint(clients, NAMES, Sizing(accounts=30), packages)
    _, first = engine.stand_up(blueprint.resources())
    _, second = engine.stand_up(blueprint.resources())
    assert len(first.changes) > 25
    assert second.changes == []


def test_a_stand_up_brings_back_what_differs(clients: engine.Clients, packages: PackageCache) -> None:
    blueprint = Blueprint(clients, NAMES, Sizing(), packages)
    engine.stand_up(blueprint.resources())
    function = "launchday-processing-local-processor"
    clients("lambda").update_function_configuration(FunctionName=function, MemorySize=128)
    clients("ssm").put_parameter(
        Name="/launchday/local/archive/bucket", Value="else", Type="String", Overwrite=True
    )
    api = api_named(clients, "launchday-local-ingest")
    resources = {
        each["path"]: each["id"] for each in clients("apigateway").get_resources(restApiId=api)["items"]
    }
    clients("apigateway").delete_method(
        restApiId=api, resourceId=resources["/v1/locations"], httpMethod="POST"
    )
    clients("apigateway").create_resource(restApiId=api, parentId=resources["/v1"], pathPart="strange")
    _, journal = engine.stand_up(blueprint.resources())
    assert sorted(journal.changes) == [
        "changed the methods of launchday-local-ingest",
        f"changed the settings of {function}",
        "put the parameter /launchday/local/archive/bucket",
    ]
    described = clients("lambda").get_function_configuration(FunctionName=function)
    assert described["MemorySize"] == 512
    paths = {each["path"] for each in clients("apigateway").get_resources(restApiId=api)["items"]}
    assert "/v1/strange" not in paths


def test_the_retries_of_webhooks_follow_the_setting(clients: engine.Clients, packages: PackageCache) -> None:
    def retries() -> dict[str, Any]:
        [topic] = clients("sns").list_topics()["Topics"]
        attributes = clients("sns").get_topic_attributes(TopicArn=topic["TopicArn"])["Attributes"]
        policy: dict[str, Any] = json.loads(attributes["DeliveryPolicy"])["http"]["defaultHealthyRetryPolicy"]
        return policy

    engine.stand_up(Blueprint(clients, NAMES, Sizing(), packages).resources())
    quick = Blueprint(clients, NAMES, Sizing(webhook_retry_delay_s=1), packages)
    _, journal = engine.stand_up(quick.resources())
    assert journal.changes == ["changed the DeliveryPolicy of launchday-local-device_events"]
    found = retries()
    assert (found["numRetries"], found["minDelayTarget"], found["maxDelayTarget"]) == (3, 1, 1)
    journal.undo()
    assert retries()["minDelayTarget"] == 20


def test_an_authorizer_that_is_gone_is_made_and_deployed_again(
    clients: engine.Clients, packages: PackageCache
) -> None:
    blueprint = Blueprint(clients, NAMES, Sizing(), packages)
    engine.stand_up(blueprint.resources())
    gateway = clients("apigateway")
    api = api_named(clients, "launchday-local-ingest")
    [authorizer] = gateway.get_authorizers(restApiId=api)["items"]
    gateway.delete_authorizer(restApiId=api, authorizerId=authorizer["id"])
    _, journal = engine.stand_up(blueprint.resources())
    assert "created the authorizer of launchday-local-ingest" in journal.changes
    assert "deployed launchday-local-ingest" in journal.changes
    journal.undo()
    assert gateway.get_authorizers(restApiId=api)["items"] == []
    served = gateway.get_stage(restApiId=api, stageName="local")["deploymentId"]
    described = gateway.get_deployment(restApiId=api, deploymentId=served)["description"]
    assert described.endswith(authorizer["id"])


def test_alarms_and_the_app_client_are_brought_back(clients: engine.Clients, packages: PackageCache) -> None:
    blueprint = Blueprint(clients, NAMES, Sizing(), packages)
    engine.stand_up(blueprint.resources())
    cloudwatch, cognito = clients("cloudwatch"), clients("cognito-idp")
    alarms = {each["AlarmName"]: each["Threshold"] for each in cloudwatch.describe_alarms()["MetricAlarms"]}
    assert alarms["launchday-local-alarm-behind-fanout"] == 60_000
    assert {"launchday-local-alarm-spend", "launchday-local-alarm-dead-letters-webhooks"} <= alarms.keys()
    cloudwatch.delete_alarms(AlarmNames=["launchday-local-alarm-spend"])
    strange = {
        "AlarmName": "launchday-local-alarm-strange", "Namespace": "x", "MetricName": "y", "Threshold": 1.0,
        "Statistic": "Sum", "Period": 60, "EvaluationPeriods": 1, "ComparisonOperator": "LessThanThreshold",
    }  # fmt: skip
    cloudwatch.put_metric_alarm(**strange)
    pool = cognito.list_user_pools(MaxResults=10)["UserPools"][0]["Id"]
    client = cognito.list_user_pool_clients(UserPoolId=pool)["UserPoolClients"][0]["ClientId"]
    cognito.update_user_pool_client(UserPoolId=pool, ClientId=client, WriteAttributes=["custom:account_id"])
    _, journal = engine.stand_up(blueprint.resources())
    assert sorted(journal.changes) == [
        "changed the app client of launchday-local-users",
        "deleted the alarm launchday-local-alarm-strange",
        "put the alarm launchday-local-alarm-spend",
    ]
    there = cognito.describe_user_pool_client(UserPoolId=pool, ClientId=client)["UserPoolClient"]
    assert there["WriteAttributes"] == ["email"]
    assert journal.undo() == []
    names = {each["AlarmName"] for each in cloudwatch.describe_alarms()["MetricAlarms"]}
    assert "launchday-local-alarm-strange" in names
    assert "launchday-local-alarm-spend" not in names


def test_users_are_made_as_far_as_they_are_missing(clients: engine.Clients, packages: PackageCache) -> None:
    def stand_up(users: int) -> list[str]:
        blueprint = Blueprint(clients, NAMES, Sizing(accounts=5, users=users), packages)
        return list(engine.stand_up(blueprint.resources())[1].changes)

    assert "made 2 users" in stand_up(2)
    assert stand_up(2) == []
    assert stand_up(9) == ["made 3 users"]  # there are five accounts
    cognito = clients("cognito-idp")
    pool = cognito.list_user_pools(MaxResults=10)["UserPools"][0]["Id"]
    users = cognito.list_users(UserPoolId=pool)["Users"]
    assert {each["Username"] for each in users} == {f"acct_{n:06d}.user" for n in range(1, 6)}
    assert {each["UserStatus"] for each in users} == {"CONFIRMED"}
    claims = {each["Username"]: {a["Name"]: a["Value"] for a in each["Attributes"]} for each in users}
    assert claims["acct_000003.user"]["custom:account_id"] == "acct_000003"


def test_more_accounts_are_added_to_those_there_are(clients: engine.Clients, packages: PackageCache) -> None:
    engine.stand_up(Blueprint(clients, NAMES, Sizing(accounts=3), packages).resources())
    known, journal = engine.stand_up(Blueprint(clients, NAMES, Sizing(accounts=60), packages).resources())
    assert journal.changes == ["wrote 57 accounts"]
    assert known["accounts"]["count"] == "60"
    count = clients("dynamodb").scan(TableName="launchday-local-accounts", Select="COUNT")["Count"]
    assert count == 2 * 61  # by both of its credentials, and the disabled one


@pytest.mark.parametrize(
    ("service", "operation"),
    [("kinesis", "create_stream"), ("lambda", "create_event_source_mapping"), ("apigateway", "create_stage")],
)
def test_a_stand_up_that_fails_half_way_leaves_nothing(
    clients: engine.Clients, packages: PackageCache, service: str, operation: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    before = everything(clients)

    def refuse(**_given: Any) -> None:
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": "not you"}}, operation)

    monkeypatch.setattr(clients(service), operation, refuse)
    with pytest.raises(TargetError, match=r"could not be stood up.*not you"):
        engine.stand_up(Blueprint(clients, NAMES, Sizing(), packages).resources())
    assert everything(clients) == before


def test_an_update_that_fails_half_way_is_put_back(
    clients: engine.Clients, packages: PackageCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    blueprint = Blueprint(clients, NAMES, Sizing(), packages)
    engine.stand_up(blueprint.resources())
    function = "launchday-processing-local-processor"
    clients("lambda").update_function_configuration(FunctionName=function, MemorySize=128)
    stage = api_named(clients, "launchday-local-ingest")
    clients("lambda").remove_permission(
        FunctionName="launchday-ingest-local-authorizer", StatementId="ingest-authorizer"
    )

    def refuse(**_given: Any) -> None:
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": "not you"}}, "AddPermission")

    monkeypatch.setattr(clients("lambda"), "add_permission", refuse)
    with pytest.raises(TargetError, match="not you"):
        engine.stand_up(blueprint.resources())
    assert clients("lambda").get_function_configuration(FunctionName=function)["MemorySize"] == 128
    assert api_named(clients, "launchday-local-ingest") == stage


def test_destroy_removes_everything_and_may_be_repeated(packages: PackageCache) -> None:
    pipeline = LiveLocation("local", packages)
    before = everything(CLOUD.clients())
    outputs = pipeline.deploy(CLOUD, DeployParameters(accounts=2))
    CLOUD.client("s3").put_object(Bucket=outputs["archive"]["bucket"], Key="audit/x", Body=b"x")
    pipeline.destroy(CLOUD)
    pipeline.destroy(CLOUD)
    assert everything(CLOUD.clients()) == before


@pytest.mark.slow
def test_two_stages_stand_side_by_side(packages: PackageCache) -> None:
    blue, green = LiveLocation("blue", packages), LiveLocation("green", packages)
    blue_outputs = blue.deploy(CLOUD, DeployParameters())
    green.deploy(CLOUD, DeployParameters())
    green.destroy(CLOUD)
    again = blue.deploy(CLOUD, DeployParameters())
    newer = {**again, "live": {**again["live"], "tokens": blue_outputs["live"]["tokens"]}}
    assert newer == blue_outputs


def test_outputs_are_json_and_give_the_entrances(packages: PackageCache) -> None:
    import orjson

    pipeline = LiveLocation("local", packages)
    outputs = orjson.loads(orjson.dumps(pipeline.deploy(CLOUD, DeployParameters(accounts=2))))
    routes = [entrance.route for entrance in pipeline.entrances(outputs)]
    assert routes[:3] == ["POST /v1/devices", "POST /v1/locations", "POST /v1/locations/batch"]
    assert pipeline.unbilled(outputs)[0].resource.endswith("/audit")


@pytest.mark.parametrize(
    "settings",
    [
        {"colour": "red"},
        {"shards": "0"},
        {"stale_after_s": "a day"},
        {"webhook_hosts": "all"},
        {"webhook_retry_delay_s": "3601"},
        {"webhook_retry_delay_s": "0"},
        {"users": "1" * 5000},
    ],
)
def test_a_wrong_setting_is_wrong_use(settings: dict[str, str]) -> None:
    with pytest.raises(UsageError):
        sizing_of(DeployParameters(settings=settings))


def test_a_stage_must_be_usable_in_every_name() -> None:
    with pytest.raises(UsageError, match="Blue Stage"):
        Names("Blue Stage", "1", "us-east-1")


def test_a_provisioned_stream_has_its_shards(packages: PackageCache) -> None:
    pipeline = LiveLocation("local", packages)
    outputs = pipeline.deploy(CLOUD, DeployParameters(settings={"shards": "3"}))
    summary = CLOUD.client("kinesis").describe_stream_summary(StreamName=outputs["events"]["stream"])
    assert summary["StreamDescriptionSummary"]["OpenShardCount"] == 3
    with pytest.raises(TargetError, match="change its mode"):
        pipeline.deploy(CLOUD, DeployParameters())


def test_a_stream_for_a_large_launch_begins_warm(packages: PackageCache) -> None:
    pipeline = LiveLocation("local", packages)
    outputs = pipeline.deploy(CLOUD, DeployParameters(peak_events_per_s=10_000))
    summary = CLOUD.client("kinesis").describe_stream_summary(StreamName=outputs["events"]["stream"])
    described = summary["StreamDescriptionSummary"]
    assert described["OpenShardCount"] == 15
    assert described["StreamModeDetails"]["StreamMode"] == "ON_DEMAND"


def test_the_fingerprint_is_stable(packages: PackageCache) -> None:
    assert LiveLocation("a", packages).fingerprint() == LiveLocation("b", packages).fingerprint()
