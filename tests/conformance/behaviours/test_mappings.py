"""Lambda's event source mappings: of Kinesis streams, of tables' streams, and of SQS queues."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from tests.conformance.catalogue import behaviour, documented, reference
from tests.conformance.functions import REPORTING, Function, Reports, function, messages, queue
from tests.conformance.kit import Cleanup, refusing, until
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
    return documented(f"Lambda Developer Guide, {title}", f"lambda/latest/dg/{page}.html", read=READ)


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


@pytest.fixture(scope="module")
def target(aws: Aws, module_cleanup: Cleanup) -> tuple[Function, Reports]:
    reports = Reports(aws, module_cleanup)
    made = function(aws, module_cleanup, SOURCE, Environment=reports.environment)
    made.invoke({})  # where functions do not run, this tells
    return made, reports


@pytest.fixture
def make(aws: Aws, target: tuple[Function, Reports], cleanup: Cleanup) -> Maker:
    return Maker(aws, *target, cleanup)


def waited(mapped: Mapped, *expected: str) -> None:
    """The function is given `expected`, in that order and nothing else before them."""
    until(
        lambda: len(mapped.seen()) >= len(expected), f"{len(expected)} records are given", within_s=WITHIN_S
    )
    assert mapped.seen() == list(expected)


# --- Kinesis -----------------------------------------------------------------------------------------------


@behaviour(
    "mappings.kinesis-event",
    "A record of a stream is given with its data in base64, its key, number, time and source.",
    KINESIS,
)
def test_kinesis_event(make: Maker) -> None:
    stream = make.stream()
    mapped = make.mapped(stream.arn, StartingPosition="TRIM_HORIZON")
    stream.put("one")
    waited(mapped, "one")
    (record,) = mapped.events()[0]["Records"]
    assert (record["eventSource"], record["eventName"]) == ("aws:kinesis", "aws:kinesis:record")
    assert (record["awsRegion"], record["eventSourceARN"]) == (make.aws.region, stream.arn)
    data = record["kinesis"]
    assert record["eventID"] == f"shardId-000000000000:{data['sequenceNumber']}"
    assert (data["partitionKey"], data["kinesisSchemaVersion"]) == ("key", "1.0")
    assert data["approximateArrivalTimestamp"] > 1e9


@behaviour(
    "mappings.kinesis-in-order-from-the-beginning",
    "From TRIM_HORIZON a function is given the records of a shard in their order, in batches up to the size.",
    KINESIS,
)
def test_kinesis_order(make: Maker) -> None:
    stream = make.stream()
    said = [str(n) for n in range(10)]
    stream.put(*said)
    mapped = make.mapped(stream.arn, StartingPosition="TRIM_HORIZON", BatchSize=4)
    waited(mapped, *said)
    assert max(len(batch) for batch in mapped.batches()) == 4


@behaviour(
    "mappings.kinesis-latest",
    "From LATEST a function is given what comes after the mapping.",
    KINESIS,
)
def test_kinesis_latest(make: Maker) -> None:
    stream = make.stream()
    stream.put("before")
    mapped = make.mapped(stream.arn, StartingPosition="LATEST")

    def given() -> bool:
        stream.put("after")
        return bool(mapped.seen())

    until(given, "a record after the mapping is given", within_s=WITHIN_S)
    assert set(mapped.seen()) == {"after"}


@behaviour(
    "mappings.kinesis-retries-block-the-shard",
    "A batch that fails is given again, as it was, as often as the retries say, before the shard goes on.",
    KINESIS,
)
def test_kinesis_retries(make: Maker) -> None:
    stream = make.stream()
    stream.put("poison: raise")
    mapped = make.mapped(stream.arn, StartingPosition="TRIM_HORIZON", BatchSize=1, MaximumRetryAttempts=2)
    stream.put("next")
    waited(mapped, *["poison: raise"] * 3, "next")


@behaviour(
    "mappings.kinesis-discarded-batch-is-told",
    "A batch that is given up is told to the on-failure destination: its shard, its numbers, and why.",
    RETAIN,
)
def test_kinesis_destination(make: Maker) -> None:
    stream = make.stream()
    url, arn = queue(make.aws, make.cleanup)
    stream.put("poison: raise", "same batch")
    mapped = make.mapped(
        stream.arn,
        StartingPosition="TRIM_HORIZON",
        MaximumRetryAttempts=0,
        DestinationConfig={"OnFailure": {"Destination": arn}},
    )
    told = json.loads(messages(make.aws, url)[0]["Body"])
    records = mapped.events()[0]["Records"]
    assert told["requestContext"]["condition"] == "RetryAttemptsExhausted"
    assert told["responseContext"]["functionError"] == "Unhandled"
    batch = told["KinesisBatchInfo"]
    assert (batch["shardId"], batch["batchSize"], batch["streamArn"]) == (
        "shardId-000000000000",
        2,
        stream.arn,
    )
    assert batch["startSequenceNumber"] == records[0]["kinesis"]["sequenceNumber"]
    assert batch["endSequenceNumber"] == records[1]["kinesis"]["sequenceNumber"]


@behaviour(
    "mappings.kinesis-bisects-a-failed-batch",
    "A failed batch is split in two when asked for, until the poisonous record is alone; the others pass.",
    KINESIS,
)
def test_kinesis_bisect(make: Maker) -> None:
    stream = make.stream()
    url, arn = queue(make.aws, make.cleanup)
    stream.put("a", "b", "poison: raise", "d")
    mapped = make.mapped(
        stream.arn,
        StartingPosition="TRIM_HORIZON",
        BisectBatchOnFunctionError=True,
        MaximumRetryAttempts=4,
        DestinationConfig={"OnFailure": {"Destination": arn}},
    )
    batch = json.loads(messages(make.aws, url)[0]["Body"])["KinesisBatchInfo"]
    assert batch["batchSize"] == 1
    until(lambda: ["d"] in mapped.batches(), "the record behind it is given", within_s=WITHIN_S)
    batches = mapped.batches()
    assert batches[0] == ["a", "b", "poison: raise", "d"]
    assert ["a", "b"] in batches
    assert batches[-1] == ["d"]


@behaviour(
    "mappings.kinesis-goes-on-at-the-first-failure",
    "With partial batch responses a batch is given again from the lowest failed number on.",
    guide(
        "Configuring partial batch response with Kinesis Data Streams and Lambda",
        "services-kinesis-batchfailurereporting",
    ),
)
def test_kinesis_partial(make: Maker) -> None:
    stream = make.stream()
    stream.put("a", "poison: report", "c")
    mapped = make.mapped(
        stream.arn,
        StartingPosition="TRIM_HORIZON",
        FunctionResponseTypes=["ReportBatchItemFailures"],
        MaximumRetryAttempts=1,
    )
    until(lambda: len(mapped.batches()) >= 2, "the batch is given again", within_s=WITHIN_S)
    assert mapped.batches()[:2] == [["a", "poison: report", "c"], ["poison: report", "c"]]


@behaviour(
    "mappings.kinesis-filters-by-data",
    "A filter on the data lets records through that match it, and passes the others over.",
    FILTERS,
)
def test_kinesis_filter(make: Maker) -> None:
    stream = make.stream()
    pattern = {"data": {"kind": ["good"], "n": [{"numeric": [">", 1]}]}}
    rows = [
        {"kind": "bad", "n": 5},
        {"kind": "good", "n": 1},
        {"kind": "good", "n": 2},
        {"kind": "good", "n": 3},
    ]
    stream.put(*(json.dumps(row) for row in rows), "no json")
    stream.put(json.dumps({"kind": "good", "n": 9}))
    mapped = make.mapped(
        stream.arn,
        StartingPosition="TRIM_HORIZON",
        FilterCriteria={"Filters": [{"Pattern": json.dumps(pattern)}]},
    )
    until(lambda: len(mapped.seen()) >= 3, "the records that match are given", within_s=WITHIN_S)
    assert [json.loads(each)["n"] for each in mapped.seen()] == [2, 3, 9]


@behaviour(
    "mappings.disabled-mapping-waits",
    "A mapping that is disabled gives nothing; enabled again, it goes on where it was.",
    reference("lambda", "UpdateEventSourceMapping", "or pause invocation and resume later", read=READ),
)
def test_disabled(make: Maker) -> None:
    stream = make.stream()
    mapped = make.mapped(stream.arn, StartingPosition="TRIM_HORIZON")
    stream.put("1")
    waited(mapped, "1")
    mapped.client.update_event_source_mapping(UUID=mapped.uuid, Enabled=False)
    until(lambda: mapped.state() == "Disabled", "the mapping is disabled", within_s=WITHIN_S)
    stream.put("2")
    mapped.client.update_event_source_mapping(UUID=mapped.uuid, Enabled=True)
    until(lambda: mapped.state() == "Enabled", "the mapping is enabled", within_s=WITHIN_S)
    waited(mapped, "1", "2")


@behaviour(
    "mappings.a-source-is-mapped-once",
    "Mapping a source to a function a second time is refused with ResourceConflictException (409).",
    reference("lambda", "CreateEventSourceMapping", "The resource already exists", read=READ),
)
def test_twice(make: Maker) -> None:
    stream = make.stream()
    make.mapped(stream.arn, StartingPosition="LATEST")
    with refusing("ResourceConflictException", status=409):
        make.mapped(stream.arn, StartingPosition="LATEST")


@behaviour(
    "mappings.function-must-be-there",
    "Mapping a source to a function that does not exist is refused with ResourceNotFoundException or"
    " InvalidParameterValueException.",
    reference(
        "lambda",
        "CreateEventSourceMapping",
        "The resource specified in the request does not exist",
        read=READ,
    ),
)
def test_no_function(make: Maker) -> None:
    stream = make.stream()
    with refusing("ResourceNotFoundException", "InvalidParameterValueException"):
        make.target.client.create_event_source_mapping(
            FunctionName=f"{make.target.name}-missing", EventSourceArn=stream.arn, StartingPosition="LATEST"
        )


# --- DynamoDB ----------------------------------------------------------------------------------------------


@behaviour(
    "mappings.dynamodb-event",
    "A change of an item is given with its kind, its keys, its images and its sequence number, in order.",
    DYNAMODB,
)
def test_dynamodb_event(make: Maker) -> None:
    table = make.table()
    mapped = make.mapped(table.arn, StartingPosition="TRIM_HORIZON")
    table.put("1")
    table.put("2")
    table.db.delete_item(TableName=table.name, Key={"pk": {"S": "a"}})
    until(lambda: len(mapped.seen()) == 3, "three changes are given", within_s=WITHIN_S)
    records = [record for event in mapped.events() for record in event["Records"]]
    assert [record["eventName"] for record in records] == ["INSERT", "MODIFY", "REMOVE"]
    change = records[1]["dynamodb"]
    assert change["Keys"] == {"pk": {"S": "a"}}
    assert (change["OldImage"]["said"], change["NewImage"]["said"]) == ({"S": "1"}, {"S": "2"})
    assert change["StreamViewType"] == "NEW_AND_OLD_IMAGES"
    assert (records[0]["eventSource"], records[0]["eventSourceARN"]) == ("aws:dynamodb", table.arn)


@behaviour(
    "mappings.dynamodb-filters",
    "A filter on the kind of change and on an image lets through what matches both.",
    FILTERS,
)
def test_dynamodb_filter(make: Maker) -> None:
    table = make.table()
    pattern = {"eventName": ["INSERT"], "dynamodb": {"NewImage": {"said": {"S": [{"prefix": "yes"}]}}}}
    mapped = make.mapped(
        table.arn,
        StartingPosition="TRIM_HORIZON",
        FilterCriteria={"Filters": [{"Pattern": json.dumps(pattern)}]},
    )
    table.put("no", "a")
    table.put("yes, changed", "a")
    table.put("yes", "b")
    table.put("yes, too", "c")
    until(lambda: len(mapped.seen()) >= 2, "what matches is given", within_s=WITHIN_S)
    assert sorted(mapped.seen()) == ["yes", "yes, too"]


@behaviour(
    "mappings.dynamodb-discarded-batch-is-told",
    "A batch of changes that is given up is told to the on-failure destination, with its shard and numbers.",
    guide("Retain discarded records for a DynamoDB event source", "services-dynamodb-errors"),
)
def test_dynamodb_destination(make: Maker) -> None:
    table = make.table()
    url, arn = queue(make.aws, make.cleanup)
    mapped = make.mapped(
        table.arn,
        StartingPosition="TRIM_HORIZON",
        MaximumRetryAttempts=0,
        DestinationConfig={"OnFailure": {"Destination": arn}},
    )
    table.put("poison: raise")
    told = json.loads(messages(make.aws, url)[0]["Body"])
    (record,) = mapped.events()[0]["Records"]
    batch = told["DDBStreamBatchInfo"]
    assert told["requestContext"]["condition"] == "RetryAttemptsExhausted"
    assert (batch["batchSize"], batch["streamArn"]) == (1, table.arn)
    assert batch["startSequenceNumber"] == record["dynamodb"]["SequenceNumber"]


@behaviour(
    "mappings.dynamodb-goes-on-at-the-first-failure",
    "With partial batch responses the changes are given again from the lowest failed number on.",
    guide(
        "Configuring partial batch response with DynamoDB and Lambda", "services-ddb-batchfailurereporting"
    ),
)
def test_dynamodb_partial(make: Maker) -> None:
    table = make.table()
    for said_ in ("a", "poison: report", "c"):
        table.put(said_)
    mapped = make.mapped(
        table.arn,
        StartingPosition="TRIM_HORIZON",
        FunctionResponseTypes=["ReportBatchItemFailures"],
        MaximumRetryAttempts=1,
    )
    until(lambda: len(mapped.batches()) >= 2, "the batch is given again", within_s=WITHIN_S)
    assert mapped.batches()[:2] == [["a", "poison: report", "c"], ["poison: report", "c"]]


# --- SQS ---------------------------------------------------------------------------------------------------


@behaviour(
    "mappings.sqs-event",
    "A message is given with id, receipt, body, attributes and MD5, and deleted when the function is done.",
    SQS,
)
def test_sqs_event(make: Maker) -> None:
    source = make.queue()
    mapped = make.mapped(source.arn)
    attributes = {"kind": {"DataType": "String", "StringValue": "x"}}
    sent = source.sqs.send_message(QueueUrl=source.url, MessageBody="héllo", MessageAttributes=attributes)
    waited(mapped, "héllo")
    (record,) = mapped.events()[0]["Records"]
    assert (record["messageId"], record["md5OfBody"]) == (sent["MessageId"], sent["MD5OfMessageBody"])
    assert (record["eventSource"], record["awsRegion"]) == ("aws:sqs", make.aws.region)
    assert record["messageAttributes"]["kind"]["stringValue"] == "x"
    assert record["messageAttributes"]["kind"]["dataType"] == "String"
    assert record["attributes"]["ApproximateReceiveCount"] == "1"
    assert record["receiptHandle"]
    until(lambda: source.left() == 0, "the message is deleted", within_s=WITHIN_S)


@behaviour(
    "mappings.sqs-failed-messages-come-back-to-dead-letters",
    "A batch that fails is given again when it is visible, and ends in the queue's dead-letter queue.",
    guide("Handling errors for an SQS event source in Lambda", "services-sqs-errorhandling"),
)
def test_sqs_failure(make: Maker) -> None:
    dead_url, dead_arn = queue(make.aws, make.cleanup)
    policy = json.dumps({"deadLetterTargetArn": dead_arn, "maxReceiveCount": "2"})
    made = function(make.aws, make.cleanup, SOURCE, Environment=make.reports.environment, Timeout=1)
    url, arn = queue(make.aws, make.cleanup, VisibilityTimeout="2", RedrivePolicy=policy)
    mapped = Maker(make.aws, made, make.reports, make.cleanup).mapped(arn)
    make.aws.client("sqs").send_message(QueueUrl=url, MessageBody="poison: raise")
    (dead,) = messages(make.aws, dead_url)
    assert dead["Body"] == "poison: raise"
    until(lambda: mapped.seen() == ["poison: raise"] * 2, "the message was given twice", within_s=WITHIN_S)


@behaviour(
    "mappings.sqs-only-failed-messages-come-back",
    "With partial batch responses only the messages named as failed stay in the queue.",
    guide("Handling errors for an SQS event source in Lambda", "services-sqs-errorhandling"),
)
def test_sqs_partial(make: Maker) -> None:
    source = make.queue()
    mapped = make.mapped(source.arn, FunctionResponseTypes=["ReportBatchItemFailures"])
    source.send("good", "poison: report", "good too")
    until(lambda: len(mapped.seen()) == 3, "three messages are given", within_s=WITHIN_S)
    until(lambda: source.left() == 1, "one message is left", within_s=WITHIN_S)


@behaviour(
    "mappings.sqs-filtered-messages-are-deleted",
    "A message that does not match the filter is deleted without an invocation.",
    FILTERS,
)
def test_sqs_filter(make: Maker) -> None:
    source = make.queue()
    pattern = {"body": {"kind": [{"anything-but": ["bad"]}]}}
    mapped = make.mapped(source.arn, FilterCriteria={"Filters": [{"Pattern": json.dumps(pattern)}]})
    source.send(json.dumps({"kind": "bad"}), json.dumps({"kind": "good"}))
    until(lambda: len(mapped.seen()) >= 1, "the message that matches is given", within_s=WITHIN_S)
    until(lambda: source.left() == 0, "both are deleted", within_s=WITHIN_S)
    assert mapped.seen() == [json.dumps({"kind": "good"})]


@behaviour(
    "mappings.sqs-batch-size",
    "A function is given no more messages at once than the batch size.",
    reference("lambda", "CreateEventSourceMapping", "The maximum number of records in each batch", read=READ),
)
def test_sqs_batch_size(make: Maker) -> None:
    source = make.queue()
    source.send(*(str(n) for n in range(5)))
    mapped = make.mapped(source.arn, BatchSize=2)
    until(lambda: len(mapped.seen()) >= 5, "all messages are given", within_s=WITHIN_S)
    assert sorted(mapped.seen()) == ["0", "1", "2", "3", "4"]
    assert max(len(batch) for batch in mapped.batches()) <= 2


@behaviour(
    "mappings.sqs-visibility-outlasts-the-function",
    "A queue whose visibility timeout is shorter than the function's timeout is refused.",
    guide("Creating and configuring an Amazon SQS event source mapping", "services-sqs-configure"),
)
def test_sqs_visibility(make: Maker) -> None:
    _, arn = queue(make.aws, make.cleanup, VisibilityTimeout="5")
    with refusing("InvalidParameterValueException", status=400):
        make.mapped(arn)
