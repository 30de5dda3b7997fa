"""Event source mappings of a table's stream, on virtual time: what reaches the function, when."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
import pytest

from harness.emulator.services.base import AwsError
from harness.emulator.services.dynamodb.streams.capture import BUDGET_BYTES

Rig = Any
FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:app"
QUEUE = "arn:aws:sqs:us-east-1:000000000000:dead"


def records(rig: Rig, call: int = -1) -> list[Any]:
    found: list[Any] = orjson.loads(rig.calls[call].payload)["Records"]
    return found


async def drained(rig: Rig) -> None:
    """DynamoDB counts in another process: what it took is known to the mapping a moment later."""
    await asyncio.sleep(0.1)
    await rig.drained()


def seen(rig: Rig) -> list[str]:
    return [each for _, data in rig.trace for each in data]


def test_the_event_is_as_aws_sends_it(rig: Any) -> None:
    async def test(rig: Rig) -> None:
        stream = await rig.table()
        await rig.map(EventSourceArn=stream)
        await rig.put_item("a", "1")
        await rig.put_item("a", "22")
        await rig.write("DeleteItem", TableName="things", Key={"id": {"S": "a"}})
        await drained(rig)
        call, found = rig.calls[0], records(rig, 0)
        assert (call.source, call.records) == ("dynamodb:things", 3)
        assert [each["eventName"] for each in found] == ["INSERT", "MODIFY", "REMOVE"]
        modified = found[1]
        change = modified.pop("dynamodb")
        assert len(modified.pop("eventID")) == 32
        assert modified == {
            "eventName": "MODIFY",
            "eventVersion": "1.1",
            "eventSource": "aws:dynamodb",
            "awsRegion": "us-east-1",
            "eventSourceARN": stream,
        }
        assert change.pop("ApproximateCreationDateTime") == pytest.approx(rig.loop.time(), abs=2)
        assert int(change.pop("SequenceNumber")) == int(found[0]["dynamodb"]["SequenceNumber"]) + 1
        assert change == {
            "Keys": {"id": {"S": "a"}},
            "NewImage": {"id": {"S": "a"}, "v": {"S": "22"}},
            "OldImage": {"id": {"S": "a"}, "v": {"S": "1"}},
            "SizeBytes": 3 + 6 + 5,
            "StreamViewType": "NEW_AND_OLD_IMAGES",
        }
        assert "NewImage" not in found[2]["dynamodb"]

    rig(test)


def test_a_change_waits_for_the_poll_of_its_shard_and_is_seen_in_time(rig: Any) -> None:
    async def test(rig: Rig) -> None:
        await rig.map(EventSourceArn=await rig.table())
        await asyncio.sleep(10.1)
        delays = []
        for number in range(40):
            await rig.put_item(f"{number}")
            put_s = rig.loop.time()
            await drained(rig)
            delays.append(rig.trace[-1][0] - put_s)
            assert rig.gauge("iterator_age_ms") <= 300
            await asyncio.sleep(1.37)
        assert len(rig.trace) == 40
        assert max(delays) <= 0.3
        assert max(delays) - min(delays) > 0.1  # as on AWS: a change comes anywhere between two polls
        await asyncio.sleep(2)
        assert rig.gauge("iterator_age_ms") == 0

    rig(test)


def test_an_idle_mapping_asks_for_news_and_nothing_else(rig: Any) -> None:
    async def test(rig: Rig) -> None:
        await rig.map(EventSourceArn=await rig.table())
        shards = rig.asked["GetShardIterator"]
        await asyncio.sleep(120)
        rig.asked.clear()
        await asyncio.sleep(600)
        assert rig.asked["LaunchdayStreamPosition"] <= 600 / 15 + 1
        assert rig.asked["LaunchdayStreamRead"] <= shards * (600 / 60 + 1)

    rig(test)


def test_the_backlog_counts_what_is_written_and_not_yet_processed(rig: Any) -> None:
    async def test(rig: Rig) -> None:
        rig.invocation_s = 0.5
        stream = await rig.table()
        await rig.put_item("before")
        await rig.map(EventSourceArn=stream, BatchSize=3)
        for number in range(50):
            await rig.put_item(f"k{number % 9}", f"{number}")
            await asyncio.sleep(0.05)
        assert rig.gauge("backlog_records") > 0
        await drained(rig)
        assert sorted(seen(rig)) == sorted(["before", *(f"{number}" for number in range(50))])

    rig(test)


def test_a_mapping_that_is_through_has_no_age_whatever_its_window(rig: Any) -> None:
    async def test(rig: Rig) -> None:
        await rig.map(EventSourceArn=await rig.table(), MaximumBatchingWindowInSeconds=5)
        await rig.put_item("a")
        await drained(rig)
        assert rig.gauge("iterator_age_ms") > 1_000
        await asyncio.sleep(2)
        assert rig.gauge("iterator_age_ms") == 0

    rig(test)


def test_changes_of_an_item_keep_their_order_in_parallel_lanes(rig: Any) -> None:
    async def test(rig: Rig) -> None:
        rig.invocation_s = 0.2
        stream = await rig.table()
        for number in range(60):
            await rig.put_item(f"k{number % 6}", f"{number}")
        await rig.map(EventSourceArn=stream, BatchSize=2, ParallelizationFactor=5)
        await drained(rig)
        for key in range(6):
            assert [int(each) for each in seen(rig) if int(each) % 6 == key] == list(range(key, 60, 6))

    rig(test)


def test_latest_begins_with_what_comes_after(rig: Any) -> None:
    async def test(rig: Rig) -> None:
        stream = await rig.table()
        await rig.put_item("old")
        await rig.map(EventSourceArn=stream, StartingPosition="LATEST")
        assert rig.gauge("backlog_records") == 0
        await asyncio.sleep(400)
        await rig.put_item("new")
        await asyncio.sleep(1)
        assert seen(rig) == ["new"]

    rig(test)


def test_a_poison_change_is_isolated_retried_and_told_to_the_queue(rig: Any, queues: Any) -> None:
    async def test(rig: Rig) -> None:
        rig.answer = lambda data: "error" if "poison" in data else None
        stream = await rig.table()
        for value in ("a", "poison", "b"):
            await rig.put_item("k", value)
        await rig.map(
            EventSourceArn=stream,
            BisectBatchOnFunctionError=True,
            MaximumRetryAttempts=1,
            DestinationConfig={"OnFailure": {"Destination": QUEUE}},
        )
        await drained(rig)
        assert [data for _, data in rig.trace] == [
            ["a", "poison", "b"],
            ["a"],
            ["poison", "b"],
            ["poison"],
            ["poison"],
            ["b"],
        ]
        told = orjson.loads(queues.sent[0]["MessageBody"])
        batch = told["DDBStreamBatchInfo"]
        assert "KinesisBatchInfo" not in told
        assert batch.pop("shardId").startswith("shardId-")
        assert batch.pop("approximateArrivalOfFirstRecord") == batch.pop("approximateArrivalOfLastRecord")
        number = records(rig, 3)[0]["dynamodb"]["SequenceNumber"]
        assert batch == {
            "startSequenceNumber": number,
            "endSequenceNumber": number,
            "batchSize": 1,
            "streamArn": stream,
        }

    rig(test)


def test_reported_failures_are_retried_from_the_lowest(rig: Any) -> None:
    async def test(rig: Rig) -> None:
        def fail_c_once(_: list[str]) -> str | None:
            if len(rig.trace) > 1:
                return None
            failed = records(rig)[2]["dynamodb"]["SequenceNumber"]
            return orjson.dumps({"batchItemFailures": [{"itemIdentifier": failed}]}).decode()

        rig.answer = fail_c_once
        stream = await rig.table()
        for value in "abcd":
            await rig.put_item("k", value)
        await rig.map(EventSourceArn=stream, FunctionResponseTypes=["ReportBatchItemFailures"])
        await drained(rig)
        assert [data for _, data in rig.trace] == [["a", "b", "c", "d"], ["c", "d"]]

    rig(test)


def test_filters_see_the_change(rig: Any) -> None:
    async def test(rig: Rig) -> None:
        pattern = {"eventName": ["INSERT"], "dynamodb": {"NewImage": {"v": {"S": [{"prefix": "good"}]}}}}
        criteria = {"Filters": [{"Pattern": orjson.dumps(pattern).decode()}]}
        await rig.map(EventSourceArn=await rig.table(), FilterCriteria=criteria)
        for value in ("good 1", "bad", "good 2"):
            await rig.put_item("k", value)
        await rig.put_item("l", "good 3")
        await drained(rig)
        assert sorted(seen(rig)) == ["good 1", "good 3"]
        assert rig.usage("filtered_records") == 2

    rig(test)


def test_a_disabled_stream_is_read_to_its_end(rig: Any) -> None:
    async def test(rig: Rig) -> None:
        mapping = await rig.map(EventSourceArn=await rig.table())
        await rig.put_item("a")
        await rig.write("UpdateTable", TableName="things", StreamSpecification={"StreamEnabled": False})
        await drained(rig)
        assert seen(rig) == ["a"]
        await asyncio.sleep(60)
        rig.asked.clear()
        await asyncio.sleep(600)
        assert sum(rig.asked.values()) <= 600 / 15 + 1
        assert rig.gauge("backlog_records") == 0
        assert (await rig.do("GetEventSourceMapping", UUID=mapping["UUID"]))["State"] == "Enabled"

    rig(test)


def test_what_was_trimmed_is_passed_over(rig: Any) -> None:
    async def test(rig: Rig) -> None:
        rig.answer = lambda data: "error" if "stuck" in data else None
        stream = await rig.table()
        await rig.map(EventSourceArn=stream, BatchSize=1)
        await rig.put_item("k", "stuck")
        await asyncio.sleep(5)
        mapping_id = (await rig.do("ListEventSourceMappings"))["EventSourceMappings"][0]["UUID"]
        await rig.do("UpdateEventSourceMapping", UUID=mapping_id, Enabled=False)
        await rig.until(mapping_id, "Disabled")
        changes = rig.dynamodb.tables.changes
        changes.budget_bytes = 0
        await rig.put_item("k", "gone")
        changes.budget_bytes = BUDGET_BYTES
        await rig.put_item("k", "kept")
        await rig.do("UpdateEventSourceMapping", UUID=mapping_id, Enabled=True)
        await rig.until(mapping_id, "Enabled")
        await asyncio.sleep(5)
        assert rig.trace[-1][1] == ["kept"]
        assert rig.gauge("backlog_records") == 0

    rig(test)


def test_a_stream_that_is_gone_is_not_asked_busily(rig: Any) -> None:
    async def test(rig: Rig) -> None:
        await rig.map(EventSourceArn=await rig.table())
        await rig.put_item("a")
        await drained(rig)
        rig.dynamodb.tables.clear()
        await asyncio.sleep(60)
        rig.asked.clear()
        await asyncio.sleep(60)
        assert sum(rig.asked.values()) <= 60 + 4 * 2

    rig(test)


@pytest.mark.parametrize(
    ("members", "code", "words"),
    [
        (
            {"StartingPosition": "AT_TIMESTAMP", "StartingPositionTimestamp": 1.0},
            "InvalidParameterValueException",
            "StartingPosition",
        ),
        ({"TumblingWindowInSeconds": 30}, "InvalidParameterValueException", "TumblingWindowInSeconds"),
        ({"BatchSize": 10_001}, "ValidationException", "BatchSize"),
        (
            {"EventSourceArn": "arn:aws:dynamodb:us-east-1:000000000000:table/things/stream/none"},
            "InvalidParameterValueException",
            "Stream not found",
        ),
        (
            {"EventSourceArn": "arn:aws:dynamodb:us-east-1:000000000000:table/things"},
            "InvalidParameterValueException",
            "not offer",
        ),
        (
            {"FilterCriteria": {"Filters": [{"Pattern": "{}"}] * 6}},
            "ValidationException",
            "at most 5",
        ),
    ],
)
def test_what_cannot_be_mapped(rig: Any, members: dict[str, Any], code: str, words: str) -> None:
    async def test(rig: Rig) -> None:
        given = {
            "FunctionName": "app",
            "EventSourceArn": await rig.table(),
            "StartingPosition": "LATEST",
            **members,
        }
        with pytest.raises(AwsError) as caught:
            await rig.do("CreateEventSourceMapping", **given)
        assert caught.value.code == code
        assert words in caught.value.message

    rig(test)
