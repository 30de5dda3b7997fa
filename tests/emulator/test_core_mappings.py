"""Lambda across the processes of the embedded AWS: what invokes functions, and where their failures go."""

from __future__ import annotations

import io
import json
import os
import time
import urllib.request
import zipfile
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from harness.aws.limits.profiles import ESTABLISHED
from harness.emulator.launch import EmbeddedAws
from harness.targets.local import local_cloud

pytestmark = pytest.mark.slow

LISTENER = """
import json, os
import boto3

sqs = boto3.client("sqs")

def handler(event, context):
    sqs.send_message(QueueUrl=os.environ["HEARD"], MessageBody=json.dumps(event))
"""

POISONED_LISTENER = """
import json, os
import boto3

sqs = boto3.client("sqs")

def handler(event, context):
    failed = []
    for record in event["Records"]:
        if record["body"] == "poison":
            failed.append({"itemIdentifier": record["messageId"]})
        else:
            sqs.send_message(QueueUrl=os.environ["HEARD"], MessageBody=json.dumps(record))
    return {"batchItemFailures": failed}
"""

CALLER = """
import json, os
import boto3

functions = boto3.client("lambda")

def handler(event, context):
    answer = functions.invoke(
        FunctionName=os.environ["CALLED"], InvocationType="Event", Payload=json.dumps(event)
    )
    return answer["StatusCode"]
"""
FAILING = """
def handler(event, context):
    raise ValueError(event["why"])
"""

RECURSIVE = """
import json, os
import boto3

functions = boto3.client("lambda")

def handler(depth, context):
    if not depth:
        return 0
    answer = functions.invoke(FunctionName=context.function_name, Payload=json.dumps(depth - 1))
    return 1 + json.load(answer["Payload"])
"""


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedAws]:
    with EmbeddedAws(port=0, data_dir=tmp_path_factory.mktemp("data"), limits=ESTABLISHED) as running:
        yield running


def client(aws: EmbeddedAws, service: str) -> Any:
    return local_cloud(aws.endpoints).client(service, retries={"max_attempts": 1})


def until(found: Callable[[], Any], what: str) -> Any:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        answer = found()
        if answer:
            return answer
        time.sleep(0.05)
    raise AssertionError(f"{what} did not come about")


def create_function(aws: EmbeddedAws, name: str, source: str, timeout_s: int = 30, **variables: str) -> str:
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w") as archive:
        archive.writestr("app.py", source)
    functions = client(aws, "lambda")
    created = functions.create_function(
        FunctionName=name,
        Runtime="python3.12",
        Handler="app.handler",
        Role="arn:aws:iam::000000000000:role/r",
        Timeout=timeout_s,
        Code={"ZipFile": package.getvalue()},
        Environment={"Variables": variables},
    )
    functions.get_waiter("function_active_v2").wait(FunctionName=name)
    return str(created["FunctionArn"])


def map_source(aws: EmbeddedAws, function: str, source_arn: str, **members: Any) -> str:
    functions = client(aws, "lambda")
    created = functions.create_event_source_mapping(
        FunctionName=function, EventSourceArn=source_arn, **members
    )
    mapping_id = str(created["UUID"])
    until(
        lambda: functions.get_event_source_mapping(UUID=mapping_id)["State"] == "Enabled",
        "an enabled mapping",
    )
    return mapping_id


def heard(aws: EmbeddedAws, queue_url: str) -> list[Any]:
    """The events that the listening function told of since the last time."""
    queues = client(aws, "sqs")
    found = queues.receive_message(QueueUrl=queue_url, MaxNumberOfMessages=10).get("Messages", [])
    for message in found:
        queues.delete_message(QueueUrl=queue_url, ReceiptHandle=message["ReceiptHandle"])
    return [json.loads(message["Body"]) for message in found]


def gauges(aws: EmbeddedAws, function: str) -> dict[str, float]:
    with urllib.request.urlopen(aws.endpoints[""] + "/_launchday/observation", timeout=20) as answer:
        rows = json.load(answer)["gauges"]
    return {name: value for _, resource, name, value in rows if resource == function}


def test_changes_of_a_table_reach_a_function_and_its_backlog_is_seen(aws: EmbeddedAws) -> None:
    tables = client(aws, "dynamodb")
    created = tables.create_table(
        TableName="watched",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
    )
    stream = created["TableDescription"]["LatestStreamArn"]
    queue = client(aws, "sqs").create_queue(QueueName="heard-of-table")["QueueUrl"]
    create_function(aws, "table-listener", LISTENER, HEARD=queue)
    map_source(aws, "table-listener", stream, StartingPosition="LATEST", BatchSize=10)
    for number in range(50):
        tables.put_item(TableName="watched", Item={"id": {"S": f"k{number}"}})
    records: list[Any] = []
    until(
        lambda: (
            records.extend(r for event in heard(aws, queue) for r in event["Records"]) or len(records) >= 50
        ),
        "fifty changes",
    )
    assert sorted(record["dynamodb"]["Keys"]["id"]["S"] for record in records) == sorted(
        f"k{number}" for number in range(50)
    )
    assert {record["eventSourceARN"] for record in records} == {stream}
    assert until(lambda: gauges(aws, "table-listener")["backlog_records"] == 0, "an empty backlog")


def test_messages_of_a_queue_reach_a_function_and_poison_its_dead_letters(aws: EmbeddedAws) -> None:
    queues = client(aws, "sqs")
    heard_of = queues.create_queue(QueueName="heard-of-queue")["QueueUrl"]
    dead = queues.create_queue(QueueName="dead-of-queue")["QueueUrl"]
    redrive = {"deadLetterTargetArn": arn_of(aws, dead), "maxReceiveCount": 1}
    work = queues.create_queue(
        QueueName="work", Attributes={"VisibilityTimeout": "10", "RedrivePolicy": json.dumps(redrive)}
    )["QueueUrl"]
    create_function(aws, "queue-listener", POISONED_LISTENER, timeout_s=10, HEARD=heard_of)
    map_source(aws, "queue-listener", arn_of(aws, work), FunctionResponseTypes=["ReportBatchItemFailures"])
    for number in range(12):
        queues.send_message(QueueUrl=work, MessageBody=f"m{number}")
    queues.send_message(QueueUrl=work, MessageBody="poison")
    bodies: list[str] = []
    until(lambda: bodies.extend(e["body"] for e in heard(aws, heard_of)) or len(bodies) >= 12, "12 messages")
    assert sorted(bodies) == sorted(f"m{number}" for number in range(12))
    (letter,) = until(lambda: queues.receive_message(QueueUrl=dead).get("Messages"), "a dead letter")
    assert letter["Body"] == "poison"
    assert until(lambda: gauges(aws, "queue-listener")["backlog_records"] == 0, "an empty backlog")


def test_a_group_of_a_fifo_queue_keeps_its_order(aws: EmbeddedAws) -> None:
    queues = client(aws, "sqs")
    heard_of = queues.create_queue(QueueName="heard-of-fifo")["QueueUrl"]
    work = queues.create_queue(QueueName="work.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]
    create_function(aws, "fifo-listener", LISTENER, HEARD=heard_of)
    map_source(aws, "fifo-listener", arn_of(aws, work), BatchSize=3)
    for number in range(20):
        queues.send_message(
            QueueUrl=work,
            MessageBody=f"{number}",
            MessageGroupId=f"g{number % 2}",
            MessageDeduplicationId=f"d{number}",
        )
    records: list[Any] = []
    until(
        lambda: (
            records.extend(r for event in heard(aws, heard_of) for r in event["Records"])
            or len(records) >= 20
        ),
        "20 messages",
    )
    for group in range(2):
        of_group = [r for r in records if r["attributes"]["MessageGroupId"] == f"g{group}"]
        of_group.sort(key=lambda r: int(r["attributes"]["ApproximateFirstReceiveTimestamp"]))
        assert [int(r["body"]) for r in of_group] == list(range(group, 20, 2))


def arn_of(aws: EmbeddedAws, queue_url: str) -> str:
    found = client(aws, "sqs").get_queue_attributes(QueueUrl=queue_url, AttributeNames=["QueueArn"])
    return str(found["Attributes"]["QueueArn"])


def test_an_asynchronous_failure_is_told_wherever_it_was_asked_for(aws: EmbeddedAws) -> None:
    functions, queues, topics = client(aws, "lambda"), client(aws, "sqs"), client(aws, "sns")
    box = queues.create_queue(QueueName="box")["QueueUrl"]
    topic = topics.create_topic(Name="failures")["TopicArn"]
    raw = {"RawMessageDelivery": "true"}
    topics.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn_of(aws, box), Attributes=raw)
    listener = create_function(aws, "failure-listener", LISTENER, HEARD=box)
    failing = create_function(aws, "failing", FAILING)
    create_function(aws, "caller", CALLER, CALLED="failing")

    def call(why: str) -> None:
        answer = functions.invoke(FunctionName="caller", Payload=json.dumps({"why": why}))
        assert json.load(answer["Payload"]) == 202

    def told() -> Any:
        (letter,) = until(
            lambda: queues.receive_message(QueueUrl=box, MessageAttributeNames=["All"]).get("Messages"),
            "a record of the failure",
        )
        queues.delete_message(QueueUrl=box, ReceiptHandle=letter["ReceiptHandle"])
        return letter

    for target in (arn_of(aws, box), topic, listener):
        functions.put_function_event_invoke_config(
            FunctionName="failing",
            MaximumRetryAttempts=0,
            DestinationConfig={"OnFailure": {"Destination": target}},
        )
        call(target)
        record = json.loads(told()["Body"])
        assert record["requestContext"]["condition"] == "RetriesExhausted"
        assert record["requestContext"]["functionArn"] == f"{failing}:$LATEST"
        assert record["requestPayload"] == {"why": target}
        assert record["responsePayload"]["errorMessage"] == target
    functions.put_function_event_invoke_config(FunctionName="failing", MaximumRetryAttempts=0)
    for target in (arn_of(aws, box), topic):
        functions.update_function_configuration(
            FunctionName="failing", DeadLetterConfig={"TargetArn": target}
        )
        functions.get_waiter("function_updated_v2").wait(FunctionName="failing")
        call(target)
        letter = told()
        assert json.loads(letter["Body"]) == {"why": target}
        assert letter["MessageAttributes"]["ErrorMessage"]["StringValue"] == target
    with pytest.raises(functions.exceptions.InvalidParameterValueException, match="not arn:aws:events"):
        functions.put_function_event_invoke_config(
            FunctionName="failing",
            DestinationConfig={
                "OnFailure": {"Destination": "arn:aws:events:us-east-1:000000000000:event-bus/default"}
            },
        )


def test_a_function_may_wait_for_itself_deeper_than_there_are_processes(aws: EmbeddedAws) -> None:
    create_function(aws, "recursive", RECURSIVE, timeout_s=60)
    depth = 4 * (os.cpu_count() or 1) + 2
    answer = client(aws, "lambda").invoke(FunctionName="recursive", Payload=json.dumps(depth))
    assert json.load(answer["Payload"]) == depth
