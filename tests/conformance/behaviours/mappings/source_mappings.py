"""Event source mappings of the cases, to a function that reports what it is given."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.conformance.catalogue import documented
from tests.conformance.functions import REPORTING, Function, Reports, queue
from tests.conformance.kit import Cleanup, until
from tests.conformance.targets import Aws

READ = "2026-11-24"
WITHIN_S = 25.0
SOURCE = (
    REPORTING
    + """
import base64
def said(record):
    if "kinesis" in record:
        return base64.b64decode(record["kinesis"]["data"]).decode()
    if "dynamodb" in record:
        return record["dynamodb"].get("NewImage", {}).get("said", {}).get("S", "")
    return record["body"]
def handler(event, context):
    if not event:
        return
    report(event)
    records = event["Records"]
    poisoned = [record for record in records if said(record).startswith("poison")]
    if poisoned and any(said(record).startswith("poison: raise") for record in poisoned):
        raise RuntimeError("poison")
    failed = []
    for record in poisoned:
        if "kinesis" in record:
            failed.append(record["kinesis"]["sequenceNumber"])
        elif "dynamodb" in record:
            failed.append(record["dynamodb"]["SequenceNumber"])
        else:
            failed.append(record["messageId"])
    return {"batchItemFailures": [{"itemIdentifier": each} for each in failed]}
"""
)
"""Reports each event; raises for `poison: raise`, names as failed what else begins with `poison`."""


def guide(title: str, page: str) -> Any:
    return documented(f"Lambda Developer Guide, {title}", f"lambda/latest/dg/{page}.html", noted=READ)


KINESIS = guide("How Lambda processes records from Amazon Kinesis Data Streams", "with-kinesis")
RETAIN = guide(
    "Retain discarded batch records for a Kinesis Data Streams event source", "kinesis-on-failure-destination"
)
DYNAMODB = guide("Using AWS Lambda with Amazon DynamoDB", "with-ddb")
SQS = guide("Using Lambda with Amazon SQS", "with-sqs")
FILTERS = guide("Control which events Lambda sends to your function", "invocation-eventfiltering")


@dataclass(frozen=True)
class Mapped:
    """A mapping of one source to the function of the module."""

    client: Any
    uuid: str
    source_arn: str
    reports: Reports

    def events(self) -> list[dict[str, Any]]:
        """The events that the function was given from this source so far."""
        return [
            event for event in self.reports.all() if event["Records"][0]["eventSourceARN"] == self.source_arn
        ]

    def batches(self) -> list[list[str]]:
        """What the records of each of them said."""
        return [[said(record) for record in event["Records"]] for event in self.events()]

    def seen(self) -> list[str]:
        """What all records said, in the order that they came."""
        return [each for batch in self.batches() for each in batch]

    def state(self) -> str:
        return str(self.client.get_event_source_mapping(UUID=self.uuid)["State"])


def said(record: Mapping[str, Any]) -> str:
    if "kinesis" in record:
        return base64.b64decode(record["kinesis"]["data"]).decode()
    if "dynamodb" in record:
        return str(record["dynamodb"].get("NewImage", {}).get("said", {}).get("S", ""))
    return str(record["body"])


class Maker:
    """Makes sources and maps them to one function that reports what it is given."""

    def __init__(self, aws: Aws, target: Function, reports: Reports, cleanup: Cleanup) -> None:
        self.aws = aws
        self.target = target
        self.reports = reports
        self.cleanup = cleanup

    def mapped(self, source_arn: str, **more: Any) -> Mapped:
        client = self.target.client
        asked = {"FunctionName": self.target.name, "EventSourceArn": source_arn, **more}
        uuid = client.create_event_source_mapping(**asked)["UUID"]
        self.cleanup.add(client.delete_event_source_mapping, UUID=uuid)
        made = Mapped(client, uuid, source_arn, self.reports)
        wanted = "Disabled" if more.get("Enabled") is False else "Enabled"
        until(lambda: made.state() == wanted, f"the mapping is {wanted}", within_s=60)
        return made

    def stream(self) -> Stream:
        kinesis, name = self.aws.client("kinesis"), self.aws.name("stream")
        kinesis.create_stream(StreamName=name, ShardCount=1)
        self.cleanup.add(kinesis.delete_stream, StreamName=name)

        def described() -> dict[str, Any]:
            found: dict[str, Any] = kinesis.describe_stream(StreamName=name)["StreamDescription"]
            return found

        until(lambda: described()["StreamStatus"] == "ACTIVE", f"{name} is active")
        return Stream(kinesis, name, described()["StreamARN"])

    def table(self) -> Table:
        db, name = self.aws.client("dynamodb"), self.aws.name("table")
        db.create_table(
            TableName=name,
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
            StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
        )
        self.cleanup.add(db.delete_table, TableName=name)

        def described() -> dict[str, Any]:
            found: dict[str, Any] = db.describe_table(TableName=name)["Table"]
            return found

        until(lambda: described()["TableStatus"] == "ACTIVE", f"{name} is active")
        return Table(db, name, described()["LatestStreamArn"])

    def queue(self, **attributes: str) -> Queue:
        url, arn = queue(self.aws, self.cleanup, VisibilityTimeout="30", **attributes)
        return Queue(self.aws.client("sqs"), url, arn)


@dataclass(frozen=True)
class Stream:
    kinesis: Any
    name: str
    arn: str

    def put(self, *said: str) -> None:
        records = [{"Data": each.encode(), "PartitionKey": "key"} for each in said]
        answer = self.kinesis.put_records(StreamName=self.name, Records=records)
        assert answer["FailedRecordCount"] == 0


@dataclass(frozen=True)
class Table:
    db: Any
    name: str
    arn: str

    def put(self, said: str, pk: str = "a") -> None:
        self.db.put_item(TableName=self.name, Item={"pk": {"S": pk}, "said": {"S": said}})


@dataclass(frozen=True)
class Queue:
    sqs: Any
    url: str
    arn: str

    def send(self, *said: str) -> None:
        for each in said:
            self.sqs.send_message(QueueUrl=self.url, MessageBody=each)

    def left(self) -> int:
        """How many messages it still has, visible or not."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        told = self.sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=names)["Attributes"]
        return sum(int(told[name]) for name in names)


def waited(mapped: Mapped, *expected: str) -> None:
    """The function is given `expected`, in that order and nothing else before them."""
    until(
        lambda: len(mapped.seen()) >= len(expected), f"{len(expected)} records are given", within_s=WITHIN_S
    )
    assert mapped.seen() == list(expected)
