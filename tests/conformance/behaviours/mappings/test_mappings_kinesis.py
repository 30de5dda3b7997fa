"""Lambda's event source mappings of Kinesis streams."""

from __future__ import annotations

import json

from tests.conformance.behaviours.mappings.source_mappings import (
    FILTERS,
    KINESIS,
    READ,
    RETAIN,
    WITHIN_S,
    Maker,
    guide,
    waited,
)
from tests.conformance.catalogue import behaviour, reference
from tests.conformance.functions import messages, queue
from tests.conformance.kit import refusing, until

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
