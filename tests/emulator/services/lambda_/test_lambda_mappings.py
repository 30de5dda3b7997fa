"""Event source mappings against the embedded Kinesis, on virtual time: what reaches the function, when."""

from __future__ import annotations

import asyncio
import base64
from typing import Any

import orjson
import pytest

from harness.emulator.services.base import AwsError

Rig = Any
FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:app"
STREAM = "arn:aws:kinesis:us-east-1:000000000000:stream/events"
QUEUE = "arn:aws:sqs:us-east-1:000000000000:dead"


def test_the_event_is_as_aws_sends_it(rig: Any) -> None:
    async def test(rig: Rig) -> None:
        await rig.stream()
        await rig.put("hello", key="k")
        await rig.map()
        await rig.drained()
        call = rig.calls[0]
        (record,) = orjson.loads(call.payload)["Records"]
        kinesis = record.pop("kinesis")
        sequence_number = kinesis.pop("sequenceNumber")
        assert (call.source, call.records) == ("kinesis:events", 1)
        assert kinesis.pop("approximateArrivalTimestamp") == pytest.approx(rig.loop.time(), abs=5)
        assert kinesis == {"kinesisSchemaVersion": "1.0", "partitionKey": "k", "data": "aGVsbG8="}
        assert record == {
            "eventSource": "aws:kinesis",
            "eventVersion": "1.0",
            "eventID": f"shardId-000000000000:{sequence_number}",
            "eventName": "aws:kinesis:record",
            "invokeIdentityArn": "arn:aws:iam::000000000000:role/lambda",
            "awsRegion": "us-east-1",
            "eventSourceARN": STREAM,
        }

    rig(test)


def test_an_idle_shard_is_read_every_second_and_a_backlog_in_batches(rig: Any) -> None:
    async def test(rig: Rig) -> None:
        rig.invocation_s = 0.1
        await rig.stream()
        await rig.map(BatchSize=2)
        mapped_s = rig.loop.time()
        await asyncio.sleep(0.5)
        await rig.put(*"abcde")
        assert rig.gauge("backlog_records") == 5
        await rig.drained()
        assert rig.timed() == [(0.0, ["a", "b"]), (0.1, ["c", "d"]), (0.2, ["e"])]
        assert rig.trace[0][0] - mapped_s == pytest.approx(1.0, abs=0.05)

    rig(test)


def test_latest_begins_with_what_comes_after(rig: Any) -> None:
    async def test(rig: Rig) -> None:
        await rig.stream()
        await rig.put("old")
        await rig.map(StartingPosition="LATEST")
        assert rig.gauge("backlog_records") == 0
        await rig.put("new")
        assert rig.gauge("backlog_records") == 1
        await rig.drained()
        assert [data for _, data in rig.trace] == [["new"]]

    rig(test)


def test_a_timestamp_begins_there(rig: Any) -> None:
    async def test(rig: Rig) -> None:
        await rig.stream()
        await rig.put("old")
        await asyncio.sleep(5)
        at_s = rig.loop.time()
        await asyncio.sleep(1)
        await rig.put("new")
        await rig.map(StartingPosition="AT_TIMESTAMP", StartingPositionTimestamp=at_s)
        await rig.drained()
        assert [data for _, data in rig.trace] == [["new"]]

    rig(test)


def test_a_poison_record_is_isolated_retried_and_told_to_the_queue(rig: Any, queues: Any) -> None:
    async def test(rig: Rig) -> None:
        rig.answer = lambda data: "error" if "poison" in data else None
        await rig.stream()
        await rig.put("a", "poison", "b", key="k")
        await rig.map(
            BisectBatchOnFunctionError=True,
            MaximumRetryAttempts=1,
            DestinationConfig={"OnFailure": {"Destination": QUEUE}},
        )
        await rig.drained()
        assert rig.timed() == [
            (0.0, ["a", "poison", "b"]),
            (0.0, ["a"]),
            (0.0, ["poison", "b"]),
            (0.0, ["poison"]),
            (0.2, ["poison"]),
            (0.2, ["b"]),
        ]
        record = orjson.loads(queues.sent[0]["MessageBody"])
        batch = record["KinesisBatchInfo"]
        assert record["requestContext"]["requestId"] == rig.calls[4].request_id
        assert record["requestContext"]["condition"] == "RetryAttemptsExhausted"
        assert record["requestContext"]["approximateInvokeCount"] == 4
        assert record["requestContext"]["functionArn"] == FUNCTION
        assert record["responseContext"]["functionError"] == "Unhandled"
        assert (batch["shardId"], batch["batchSize"], batch["streamArn"]) == (
            "shardId-000000000000",
            1,
            STREAM,
        )
        assert batch["startSequenceNumber"] == batch["endSequenceNumber"]
        assert rig.usage("discarded_records") == rig.usage("destination_deliveries") == 1

    rig(test)


def test_reported_failures_are_retried_from_the_lowest(rig: Any) -> None:
    async def test(rig: Rig) -> None:
        def fail_c_once(data: list[str]) -> str | None:
            if len(rig.trace) > 1:
                return None
            records = orjson.loads(rig.calls[-1].payload)["Records"]
            failed = [{"itemIdentifier": records[index]["kinesis"]["sequenceNumber"]} for index in (3, 2)]
            return orjson.dumps({"batchItemFailures": failed}).decode()

        rig.answer = fail_c_once
        await rig.stream()
        await rig.put(*"abcd", key="k")
        await rig.map(FunctionResponseTypes=["ReportBatchItemFailures"])
        await rig.drained()
        assert [data for _, data in rig.trace] == [["a", "b", "c", "d"], ["c", "d"]]

    rig(test)


def test_throttles_are_waited_out_and_lose_nothing(rig: Any) -> None:
    async def test(rig: Rig) -> None:
        rig.answer = lambda _: "throttle" if len(rig.trace) < 4 else None
        await rig.stream()
        await rig.put("a")
        await rig.map(MaximumRetryAttempts=0)
        await rig.drained()
        assert rig.timed() == [(0.0, ["a"]), (0.2, ["a"]), (0.6, ["a"]), (1.4, ["a"])]
        assert (rig.usage("throttles"), rig.usage("discarded_records")) == (3, 0)

    rig(test)


def test_a_blocked_shard_blocks_no_other_and_shows_its_age(rig: Any) -> None:
    async def test(rig: Rig) -> None:
        rig.answer = lambda data: "error" if "stuck" in data else None
        await rig.stream(2)
        shards = (await rig.ask("ListShards", StreamName="events"))["Shards"]
        for shard, data in zip(shards, ("stuck", "fine"), strict=True):
            await rig.ask(
                "PutRecord",
                StreamName="events",
                Data=base64.b64encode(data.encode()).decode(),
                PartitionKey="k",
                ExplicitHashKey=shard["HashKeyRange"]["StartingHashKey"],
            )
        await rig.map()
        await asyncio.sleep(400)
        assert ["fine"] in [data for _, data in rig.trace]
        assert rig.gauge("backlog_records") == 1
        assert rig.gauge("iterator_age_ms") == pytest.approx(400_000, rel=0.01)
        rig.answer = lambda _: None  # the iterator has expired meanwhile
        await rig.drained()
        await asyncio.sleep(61)
        await rig.put("later")
        await rig.drained()
        assert rig.trace[-1][1] == ["later"]
        await asyncio.sleep(2)
        assert rig.gauge("iterator_age_ms") == 0

    rig(test)


def test_children_are_read_after_their_parents_are_through(rig: Any) -> None:
    async def test(rig: Rig) -> None:
        rig.answer = lambda _: "error" if len(rig.trace) < 3 else None
        await rig.stream()
        await rig.put("a", "b")
        await rig.map(BatchSize=10)
        await rig.ask(
            "SplitShard",
            StreamName="events",
            ShardToSplit="shardId-000000000000",
            NewStartingHashKey=str(2**127),
        )
        await rig.active()
        await rig.put("c", "d", "e", "f")
        assert rig.gauge("backlog_records") == 6
        await rig.drained()
        order = [each for _, data in rig.trace for each in data]
        assert order[:6] == ["a", "b"] * 3
        assert sorted(order[6:]) == ["c", "d", "e", "f"]

    rig(test)


def test_the_backlog_is_exact_while_records_come_and_go(rig: Any) -> None:
    async def test(rig: Rig) -> None:
        rig.invocation_s = 0.37
        processed = 0

        def count(data: list[str]) -> None:
            nonlocal processed
            processed += len(data)

        rig.answer = count
        await rig.stream(3)
        await rig.put("before")
        await rig.map(BatchSize=7, ParallelizationFactor=2)
        accepted = 1
        for step in range(200):
            await rig.put(*(f"{step}-{n}" for n in range(step % 5)))
            accepted += step % 5
            await asyncio.sleep(0.083)
            assert accepted - processed - 2 * 3 * 7 <= rig.gauge("backlog_records")
            assert rig.gauge("backlog_records") == accepted - processed
        await rig.drained()
        assert processed == accepted

    rig(test)


def test_a_disabled_mapping_goes_on_where_it_stood(rig: Any) -> None:
    async def test(rig: Rig) -> None:
        await rig.stream()
        await rig.put("a")
        mapping_id = (await rig.map())["UUID"]
        await rig.drained()
        changed = await rig.do("UpdateEventSourceMapping", UUID=mapping_id, Enabled=False)
        assert changed["State"] == "Disabling"
        await rig.until(mapping_id, "Disabled")
        await rig.put("b")
        await asyncio.sleep(10)
        assert [data for _, data in rig.trace] == [["a"]]
        assert rig.gauge("backlog_records") == 1
        await rig.do("UpdateEventSourceMapping", UUID=mapping_id, Enabled=True, BatchSize=9)
        await rig.until(mapping_id, "Enabled")
        await rig.drained()
        assert [data for _, data in rig.trace] == [["a"], ["b"]]
        assert (await rig.do("GetEventSourceMapping", UUID=mapping_id))["BatchSize"] == 9

    rig(test)


def test_another_parallelization_factor_loses_nothing_and_keeps_the_order(rig: Any) -> None:
    async def test(rig: Rig) -> None:
        rig.invocation_s = 0.5
        await rig.stream()
        for n in range(30):
            await rig.put(f"{n}", key=f"key {n % 3}")
        mapping_id = (await rig.map(BatchSize=4, ParallelizationFactor=3))["UUID"]
        await asyncio.sleep(0.2)
        await rig.do("UpdateEventSourceMapping", UUID=mapping_id, ParallelizationFactor=1)
        await rig.until(mapping_id, "Enabled")
        await rig.drained()
        for key in range(3):
            seen = [int(each) for _, data in rig.trace for each in data if int(each) % 3 == key]
            assert list(dict.fromkeys(seen)) == list(range(key, 30, 3))

    rig(test)


def test_a_deleted_mapping_lets_what_is_under_way_end(rig: Any) -> None:
    async def test(rig: Rig) -> None:
        rig.invocation_s = 3.0
        await rig.stream()
        await rig.put("a")
        mapping_id = (await rig.map())["UUID"]
        await asyncio.sleep(1)
        assert (await rig.do("DeleteEventSourceMapping", UUID=mapping_id))["State"] == "Deleting"
        assert (await rig.do("GetEventSourceMapping", UUID=mapping_id))["State"] == "Deleting"
        await asyncio.sleep(3)
        with pytest.raises(AwsError, match="ResourceNotFoundException"):
            await rig.do("GetEventSourceMapping", UUID=mapping_id)
        assert (await rig.do("ListEventSourceMappings"))["EventSourceMappings"] == []

    rig(test)


def test_a_mapping_whose_stream_went_before_it_began_can_be_deleted(rig: Any) -> None:
    async def test(rig: Rig) -> None:
        await rig.stream()
        given = {"FunctionName": "app", "EventSourceArn": STREAM, "StartingPosition": "TRIM_HORIZON"}
        mapping_id = (await rig.do("CreateEventSourceMapping", Enabled=False, **given))["UUID"]
        await rig.until(mapping_id, "Disabled")
        await rig.ask("DeleteStream", StreamName="events")
        await asyncio.sleep(1)
        rig.kinesis.housekeep()
        await rig.do("UpdateEventSourceMapping", UUID=mapping_id, Enabled=True)
        await asyncio.sleep(5)
        found = await rig.do("GetEventSourceMapping", UUID=mapping_id)
        assert (found["State"], found["LastProcessingResult"][:16]) == ("Enabling", "PROBLEM: Stream ")
        await rig.do("DeleteEventSourceMapping", UUID=mapping_id)
        await asyncio.sleep(1)
        assert (await rig.do("ListEventSourceMappings"))["EventSourceMappings"] == []

    rig(test)


def test_a_stream_made_anew_under_its_mapping_is_read_from_its_beginning(rig: Any) -> None:
    async def test(rig: Rig) -> None:
        await rig.stream()
        await rig.map()
        await rig.put("a", "b", "c")
        await rig.drained()
        await rig.ask("DeleteStream", StreamName="events")
        await asyncio.sleep(3)
        rig.kinesis.housekeep()
        await rig.stream()
        await rig.put("d", "e")
        await asyncio.sleep(5)
        assert [each for _, data in rig.trace for each in data] == ["a", "b", "c", "d", "e"]
        assert rig.gauge("backlog_records") == 0

    rig(test)


def test_a_stream_made_anew_with_more_shards_has_all_of_them_read(rig: Any) -> None:
    async def test(rig: Rig) -> None:
        await rig.stream()
        mapping_id = (await rig.map())["UUID"]
        await rig.put("a")
        split = {"ShardToSplit": "shardId-000000000000", "NewStartingHashKey": str(2**127)}
        await rig.ask("SplitShard", StreamName="events", **split)
        await rig.active()
        await asyncio.sleep(5)  # the first shard is through, and so is the number that the new stream's has
        for enabled in (True, False):
            if not enabled:
                await rig.do("UpdateEventSourceMapping", UUID=mapping_id, Enabled=False)
                await rig.until(mapping_id, "Disabled")
            rig.trace.clear()
            await rig.ask("DeleteStream", StreamName="events")
            await asyncio.sleep(3)
            rig.kinesis.housekeep()
            await rig.stream(4)
            await rig.put(*"bcdefghijkl")
            if not enabled:
                await rig.do("UpdateEventSourceMapping", UUID=mapping_id, Enabled=True)
                await rig.until(mapping_id, "Enabled")
            await asyncio.sleep(3)
            assert sorted(each for _, data in rig.trace for each in data) == list("bcdefghijkl")
            assert rig.gauge("backlog_records") == 0

    rig(test)


def test_an_idle_mapping_asks_for_news_and_nothing_else(rig: Any) -> None:
    async def test(rig: Rig) -> None:
        await rig.stream(4)
        await rig.map()
        await asyncio.sleep(120)
        rig.asked.clear()
        await asyncio.sleep(600)
        assert rig.asked["LaunchdayStreamPosition"] <= 600 / 15 + 1
        assert rig.asked["GetRecords"] <= 4 * (600 / 60 + 1)
        await rig.put("a")
        await asyncio.sleep(1)
        assert [data for _, data in rig.trace] == [["a"]]

    rig(test)


def test_only_records_that_match_a_filter_reach_the_function(rig: Any) -> None:
    async def test(rig: Rig) -> None:
        patterns = ['{"data": {"kind": ["ping"]}}', '{"partitionKey": [{"prefix": "vip-"}]}']
        await rig.stream()
        mapping = await rig.map(FilterCriteria={"Filters": [{"Pattern": each} for each in patterns]})
        assert [each["Pattern"] for each in mapping["FilterCriteria"]["Filters"]] == patterns
        ping, pong = '{"kind":"ping"}', '{"kind":"pong"}'
        await rig.put(ping, pong, "no JSON", key="k")
        await rig.put("anything", key="vip-1")
        await rig.drained()
        assert [each for _, data in rig.trace for each in data] == [ping, "anything"]
        assert rig.usage("filtered_records") == 2
        await rig.do("UpdateEventSourceMapping", UUID=mapping["UUID"], FilterCriteria={})
        await rig.until(mapping["UUID"], "Enabled")
        await rig.put(pong)
        await rig.drained()
        assert rig.trace[-1][1] == [pong]

    rig(test)


def test_a_destination_that_fails_in_any_way_blocks_no_shard(
    rig: Any, queues: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object) -> bytes:
        raise ValueError("no answer that can be read")

    async def test(rig: Rig) -> None:
        monkeypatch.setattr(queues, "call", broken)
        rig.answer = lambda data: "error" if data == ["poison"] else None
        await rig.stream()
        await rig.map(
            MaximumRetryAttempts=0, BatchSize=1, DestinationConfig={"OnFailure": {"Destination": QUEUE}}
        )
        await rig.put("poison", "good", key="one")
        await rig.drained()
        assert rig.trace[-1][1] == ["good"]
        assert rig.usage("destination_failures") == 1

    rig(test)


def test_a_deleted_function_is_waited_for(rig: Any) -> None:
    async def test(rig: Rig) -> None:
        await rig.stream()
        mapping_id = (await rig.map())["UUID"]
        rig.mappings.functions.remove(rig.function)
        await rig.put("a")
        await asyncio.sleep(5)
        found = await rig.do("GetEventSourceMapping", UUID=mapping_id)
        assert found["LastProcessingResult"] == "PROBLEM: Function not found"
        rig.mappings.functions.add(rig.function)
        await rig.drained()
        assert [data for _, data in rig.trace] == [["a"]]

    rig(test)


@pytest.mark.parametrize(
    ("members", "code", "words"),
    [
        (
            {"EventSourceArn": "arn:aws:kafka:us-east-1:000000000000:cluster/c/1"},
            "InvalidParameterValueException",
            "not offer",
        ),
        (
            {"EventSourceArn": "arn:aws:dynamodb:us-east-1:000000000000:table/t/stream/s"},
            "InvalidParameterValueException",
            "Stream not found",
        ),
        ({"EventSourceArn": f"{STREAM}-none"}, "InvalidParameterValueException", "Stream not found"),
        ({"FunctionName": "none"}, "ResourceNotFoundException", "Function not found"),
        ({"StartingPosition": None}, "InvalidParameterValueException", "StartingPosition"),
        ({"StartingPosition": "AT_TIMESTAMP"}, "InvalidParameterValueException", "Timestamp"),
        ({"TumblingWindowInSeconds": 30}, "InvalidParameterValueException", "TumblingWindowInSeconds"),
        (
            {"FilterCriteria": {"Filters": [{"Pattern": '{"data": {"n": [{"cidr": "10.0.0.0/8"}]}}'}]}},
            "InvalidParameterValueException",
            "Invalid filter pattern definition",
        ),
        ({"BatchSize": 10_001}, "ValidationException", "BatchSize"),
        ({"ParallelizationFactor": 11}, "ValidationException", "ParallelizationFactor"),
        ({"MaximumRecordAgeInSeconds": 59}, "ValidationException", "maximumRecordAgeInSeconds"),
        (
            {"DestinationConfig": {"OnFailure": {"Destination": "arn:aws:s3:::bucket"}}},
            "InvalidParameterValueException",
            "SQS queues",
        ),
        (
            {"DestinationConfig": {"OnFailure": {"Destination": "arn:aws:sqs:us-east-1:queue"}}},
            "InvalidParameterValueException",
            "SQS queues",
        ),
    ],
)
def test_what_cannot_be_mapped(rig: Any, members: dict[str, Any], code: str, words: str) -> None:
    async def test(rig: Rig) -> None:
        await rig.stream()
        given = {"FunctionName": "app", "EventSourceArn": STREAM, "StartingPosition": "LATEST", **members}
        with pytest.raises(AwsError) as caught:
            await rig.do("CreateEventSourceMapping", **given)
        assert caught.value.code == code
        assert words in caught.value.message

    rig(test)


def test_a_stream_and_a_function_are_mapped_once(rig: Any) -> None:
    async def test(rig: Rig) -> None:
        await rig.stream()
        await rig.map()
        with pytest.raises(AwsError, match="ResourceConflictException"):
            await rig.map()

    rig(test)


def test_keys_and_data_of_every_kind_make_valid_events(rig: Any) -> None:
    async def test(rig: Rig) -> None:
        await rig.stream()
        keys = ['a"b\\c', "é\n\t", "\u2028", "x" * 256]
        for key in keys:
            await rig.put("", key=key)
        await rig.map()
        await rig.drained()
        records = orjson.loads(rig.calls[0].payload)["Records"]
        assert [each["kinesis"]["partitionKey"] for each in records] == keys
        assert {each["kinesis"]["data"] for each in records} == {""}

    rig(test)
