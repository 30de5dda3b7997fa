"""Lambda's event source mappings of tables' streams and of SQS queues."""

from __future__ import annotations

import json

from tests.conformance.behaviours.mappings.source_mappings import (
    DYNAMODB,
    FILTERS,
    READ,
    SOURCE,
    SQS,
    WITHIN_S,
    Maker,
    guide,
    waited,
)
from tests.conformance.catalogue import behaviour, reference
from tests.conformance.functions import function, messages, queue
from tests.conformance.kit import refusing, until

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
