"""The same requests, made to the embedded AWS and to a LocalStack: the same units on the bill.

Needs a LocalStack (see conftest.py)."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from harness.aws.limits.profiles import ESTABLISHED
from harness.emulator.launch import EmbeddedAws
from harness.measure.observation import Observation
from harness.pipeline import Cloud
from harness.targets.embedded import EmbeddedObserver
from harness.targets.local import local_cloud
from harness.targets.localstack.target import LocalStackObserver
from tests.localstack.conftest import RunningLocalStack
from tests.localstack.made import KEY, ROLE, zipped
from tests.serving import Request, serving
from tests.waiting import until

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("localstack")]

BY_THE_HOUR = ("provisioned_shard_seconds", "on_demand_stream_seconds")
Units = dict[tuple[str, str, str], float]


@contextmanager
def hook() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """An HTTP endpoint of a subscription, and what it was told."""
    told: list[dict[str, Any]] = []

    def take(request: Request) -> None:
        told.append(json.loads(request.body()))
        request.answer(200)

    with serving("POST", take) as url:
        yield f"{url}/hook", told


class User:
    """Makes the same requests wherever it is told to, to resources whose names end in `mark`."""

    def __init__(self, cloud: Cloud, url: str, mark: str) -> None:
        self.cloud = cloud
        self.url = url
        self.mark = mark

    def client(self, service: str) -> Any:
        return self.cloud.client(service, retries={"max_attempts": 1})

    def named(self, name: str) -> str:
        return f"{name}-{self.mark}"

    def use_everything(self) -> None:
        self._stream()
        self._bucket()
        self._queue_and_topic()
        self._logs()
        self._table()
        self._api()

    def _stream(self) -> None:
        kinesis, name = self.client("kinesis"), self.named("events")
        kinesis.create_stream(StreamName=name, ShardCount=1)
        kinesis.get_waiter("stream_exists").wait(StreamName=name)
        kinesis.put_record(StreamName=name, PartitionKey="é", Data=b"x" * 1023)
        sizes = (0, 25 * 1024 - 1, 25 * 1024, 60_000)
        records = [{"PartitionKey": "k", "Data": bytes(size)} for size in sizes]
        kinesis.put_records(StreamName=name, Records=records)
        (shard,) = kinesis.list_shards(StreamName=name)["Shards"]
        first = kinesis.get_shard_iterator(
            StreamName=name, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )
        assert len(kinesis.get_records(ShardIterator=first["ShardIterator"])["Records"]) == 5

    def _bucket(self) -> None:
        s3, name = self.client("s3"), self.named("bucket")
        s3.create_bucket(Bucket=name)
        s3.put_object(Bucket=name, Key="audit/1", Body=b"x" * 777)
        s3.get_object(Bucket=name, Key="audit/1")["Body"].read()
        s3.head_object(Bucket=name, Key="audit/1")
        s3.list_objects_v2(Bucket=name)
        part = s3.create_multipart_upload(Bucket=name, Key="archive/1")["UploadId"]
        s3.abort_multipart_upload(Bucket=name, Key="archive/1", UploadId=part)
        s3.delete_object(Bucket=name, Key="audit/1")

    def _queue_and_topic(self) -> None:
        sqs, sns, name = self.client("sqs"), self.client("sns"), self.named("told")
        queue = sqs.create_queue(QueueName=name)["QueueUrl"]
        sqs.send_message(QueueUrl=queue, MessageBody="m" * 70_000)
        sqs.receive_message(QueueUrl=queue)
        topic = sns.create_topic(Name=name)["TopicArn"]
        sns.subscribe(
            TopicArn=topic,
            Protocol="sqs",
            Endpoint=f"arn:aws:sqs:us-east-1:000000000000:{name}",
            Attributes={"FilterPolicy": json.dumps({"kind": ["moved"]}), "RawMessageDelivery": "true"},
        )
        with hook() as (endpoint, told):
            sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=endpoint)
            until(lambda: bool(told), "the confirmation")
            sns.confirm_subscription(TopicArn=topic, Token=told[0]["Token"])
            moved = {"kind": {"DataType": "String", "StringValue": "moved"}}
            sns.publish(TopicArn=topic, Message="m" * 65_530, MessageAttributes=moved)
            sns.publish(TopicArn=topic, Message="stopped")
            entries = [{"Id": str(n), "Message": "m" * 40_000} for n in range(2)]
            sns.publish_batch(TopicArn=topic, PublishBatchRequestEntries=entries)
            until(lambda: len(told) == 5, "every delivery")

    def _logs(self) -> None:
        logs, name = self.client("logs"), self.named("group")
        logs.create_log_group(logGroupName=name)
        logs.create_log_stream(logGroupName=name, logStreamName="one")
        event = {"timestamp": int(time.time() * 1000), "message": "höhe"}
        logs.put_log_events(logGroupName=name, logStreamName="one", logEvents=[event, event])

    def _table(self) -> None:
        dynamodb, name = self.client("dynamodb"), self.named("devices")
        dynamodb.create_table(TableName=name, **KEY)
        dynamodb.put_item(TableName=name, Item={"id": {"S": "a"}, "b": {"B": bytes(1_500)}})
        dynamodb.get_item(TableName=name, Key={"id": {"S": "a"}})

    def _api(self) -> None:
        gateway = self.client("apigateway")
        api = gateway.create_rest_api(name=self.named("ingest"))["id"]
        (root,) = gateway.get_resources(restApiId=api)["items"]
        made = gateway.create_resource(restApiId=api, parentId=root["id"], pathPart="devices")
        method = {"restApiId": api, "resourceId": made["id"], "httpMethod": "POST"}
        gateway.put_method(**method, authorizationType="NONE")
        gateway.put_method_response(**method, statusCode="200")
        gateway.put_integration(
            **method,
            type="AWS",
            integrationHttpMethod="POST",
            uri="arn:aws:apigateway:us-east-1:kinesis:action/PutRecord",
            credentials=ROLE,
            requestTemplates={
                "application/json": json.dumps(
                    {
                        "StreamName": self.named("events"),
                        "PartitionKey": "k",
                        "Data": "$util.base64Encode($input.body)",
                    }
                )
            },
        )
        gateway.put_integration_response(
            **method, statusCode="200", responseTemplates={"application/json": '{"taken":true}'}
        )
        gateway.create_deployment(restApiId=api, stageName="v1")
        base = f"{self.url}/_aws/execute-api/{api}/v1"
        for path in ("devices", "devices", "nowhere"):
            request = urllib.request.Request(
                f"{base}/{path}", b'{"device":1}', {"content-type": "application/json"}
            )
            try:
                urllib.request.urlopen(request, timeout=20).close()
            except urllib.error.HTTPError as error:
                assert path == "nowhere"
                error.close()


def units(seen: Observation, mark: str) -> Units:
    """What was used of the resources whose names end in `mark`, without what time brings."""
    return {
        (row.service, row.resource.replace(f"-{mark}", ""), row.unit): row.quantity
        for row in seen.usage
        if f"-{mark}" in row.resource and row.unit not in BY_THE_HOUR
    }


def observer_of(localstack: RunningLocalStack) -> LocalStackObserver:
    return LocalStackObserver(localstack.companion_url, lambda: None)


def test_the_same_requests_are_the_same_units(localstack: RunningLocalStack, tmp_path: Path) -> None:
    mark = localstack.unique("x").rpartition("-")[2]
    with EmbeddedAws(port=0, data_dir=tmp_path, limits=ESTABLISHED) as aws:
        User(local_cloud({"": aws.endpoints[""]}), aws.endpoints[""], mark).use_everything()
        expected = units(EmbeddedObserver(aws.endpoints[""]).observe(), mark)
    User(localstack.cloud, localstack.url, mark).use_everything()
    seen = observer_of(localstack).observe()
    metered = units(seen, mark)
    assert (seen.incidents, seen.lost) == ([], 0)
    assert {process.name for process in seen.processes} == {"companion", "localstack", "functions"}
    for key in [key for key in expected if key[2].endswith("bytes_out")]:
        # An answer's headers, XML and signatures are LocalStack's own: some bytes more or fewer.
        assert metered.pop(key) == pytest.approx(expected.pop(key), rel=0.3)
    accepted = expected.pop(("sns", "told", "http_deliveries"))
    assert accepted == 4  # LocalStack's provider does not say what an endpoint answered
    assert metered == expected


GATED = """
import os, boto3
parameters = boto3.client("ssm")
def handler(event, context):
    parameters.get_parameter(Name=os.environ["GATE"])
"""


WAITING = """
import os, time, boto3
parameters = boto3.client("ssm")
def handler(event, context):
    while not parameters.get_parameters(Names=[os.environ["GATE"]])["Parameters"]:
        time.sleep(0.05)
"""


def gated_function(here: RunningLocalStack, gate: str, source: str = GATED) -> str:
    """The name of a function that fails, or does what `source` says, until the parameter `gate` is there."""
    name, functions = here.unique("gated"), here.client("lambda")
    functions.create_function(
        FunctionName=name,
        Runtime="python3.13",
        Role=ROLE,
        Handler="app.handler",
        Code={"ZipFile": zipped(source)},
        Timeout=20,
        Environment={"Variables": {"GATE": gate}},
    )
    until(
        lambda: functions.get_function(FunctionName=name)["Configuration"]["State"] == "Active",
        "the function is active",
    )
    return name


def gauge(observer: LocalStackObserver, resource: str, name: str) -> float:
    seen = observer.observe()
    assert seen.incidents == []
    return next((g.value for g in seen.gauges if (g.resource, g.name) == (resource, name)), 0.0)


def used(observer: LocalStackObserver, function: str, unit: str) -> float:
    rows = observer.observe().usage
    return next((row.quantity for row in rows if (row.resource, row.unit) == (function, unit)), 0)


def test_what_a_mapping_is_not_done_with_is_its_backlog(localstack: RunningLocalStack) -> None:
    observer, gate = observer_of(localstack), "/" + localstack.unique("gate")
    kinesis, stream = localstack.client("kinesis"), localstack.unique("behind")
    kinesis.create_stream(StreamName=stream, ShardCount=1)
    kinesis.get_waiter("stream_exists").wait(StreamName=stream)
    arn = kinesis.describe_stream_summary(StreamName=stream)["StreamDescriptionSummary"]["StreamARN"]
    function, functions = gated_function(localstack, gate), localstack.client("lambda")
    functions.create_event_source_mapping(
        FunctionName=function, EventSourceArn=arn, StartingPosition="TRIM_HORIZON", BatchSize=10
    )
    records = [{"PartitionKey": str(n), "Data": b"x"} for n in range(5)]
    kinesis.put_records(StreamName=stream, Records=records)
    until(lambda: used(observer, function, "errors") >= 2, "the batch is tried and fails")
    age_ms = gauge(observer, function, "iterator_age_ms")
    assert gauge(observer, function, "backlog_records") == 5
    assert gauge(observer, function, "iterator_age_ms") > age_ms > 0
    localstack.client("ssm").put_parameter(Name=gate, Value="open", Type="String")
    until(lambda: gauge(observer, function, "backlog_records") == 0, "the batch is done")
    assert used(observer, function, "requests") > used(observer, function, "errors")


def test_what_a_mapping_of_a_table_is_not_done_with_is_its_backlog(localstack: RunningLocalStack) -> None:
    observer, gate = observer_of(localstack), "/" + localstack.unique("gate")
    dynamodb, table = localstack.client("dynamodb"), localstack.unique("watched")
    stream = {"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"}
    made = dynamodb.create_table(TableName=table, StreamSpecification=stream, **KEY)["TableDescription"]
    function = gated_function(localstack, gate)
    for number in range(7):
        dynamodb.put_item(TableName=table, Item={"id": {"S": str(number)}})
    localstack.client("lambda").create_event_source_mapping(
        FunctionName=function, EventSourceArn=made["LatestStreamArn"], StartingPosition="TRIM_HORIZON"
    )
    until(lambda: used(observer, function, "errors") >= 1, "the batch is tried and fails")
    dynamodb.put_item(TableName=table, Item={"id": {"S": "one more"}})
    assert gauge(observer, function, "backlog_records") == 8
    localstack.client("ssm").put_parameter(Name=gate, Value="open", Type="String")
    until(lambda: gauge(observer, function, "backlog_records") == 0, "the batch is done")


def test_an_asynchronous_invocation_waits_in_sight_until_it_is_done(localstack: RunningLocalStack) -> None:
    observer, gate = observer_of(localstack), "/" + localstack.unique("gate")
    function, functions = gated_function(localstack, gate, WAITING), localstack.client("lambda")
    functions.put_function_event_invoke_config(FunctionName=function, MaximumRetryAttempts=0)
    before = observer.observe()
    assert before.lost == 0
    functions.invoke(FunctionName=function, InvocationType="Event", Payload=b"{}")
    assert gauge(observer, function, "async_backlog") == 1
    localstack.client("ssm").put_parameter(Name=gate, Value="open", Type="String")
    until(lambda: gauge(observer, function, "async_backlog") == 0, "the invocation is done")


def test_the_calls_of_an_invocation_are_told_by_its_trace(localstack: RunningLocalStack) -> None:
    observer, gate = observer_of(localstack), "/" + localstack.unique("gate")
    function = gated_function(localstack, gate)
    localstack.client("ssm").put_parameter(Name=gate, Value="open", Type="String")
    observer.observe()
    localstack.client("lambda").invoke(FunctionName=function, Payload=b"{}")
    seen = observer.observe()
    (ran,) = [each for each in seen.invocations if each.function == function]
    calls = [each[1:] for each in seen.calls if each.trace_id == ran.trace_id]
    assert calls == [("ssm", "GetParameter", "parameters", 1)]
