"""Event source mappings of a queue, on virtual time: what reaches the function, is deleted, comes back."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
import pytest

from harness.emulator.services.base import AwsError, CallContext

Rig = Any
QUEUE = "arn:aws:sqs:us-east-1:000000000000:work"
FIFO = f"{QUEUE}.fifo"


@dataclass
class _Held:
    id: str
    body: str
    group: str | None
    visible_s: float = 0.0
    receives: int = 0


@dataclass
class MemoryQueue:
    """As much of SQS as a mapping can tell: visibility, long polling, groups, a dead-letter queue."""

    loop: Any
    visibility_s: int = 30
    most_receives: int | None = None
    held: list[_Held] = field(default_factory=list)
    dead: list[str] = field(default_factory=list)
    receives: list[int] = field(default_factory=list)
    """How many messages each receive asked for."""
    sent: int = 0

    def send(self, *bodies: str, group: str | None = None) -> None:
        for body in bodies:
            self.sent += 1
            self.held.append(_Held(f"id-{self.sent}", body, group))

    async def call(self, _service: str, operation: str, body: bytes, _context: CallContext) -> bytes:
        members = orjson.loads(body)
        if not members["QueueUrl"].rpartition("/")[2].startswith("work"):
            raise AwsError("QueueDoesNotExist", "The specified queue does not exist.")
        operations = {
            "GetQueueAttributes": self.attributes,
            "LaunchdayQueueDepth": self.depth,
            "ReceiveMessage": self.receive,
            "DeleteMessageBatch": self.delete,
            "ChangeMessageVisibilityBatch": self.change_visibility,
        }
        return orjson.dumps(await operations[operation](members))

    async def attributes(self, _members: Mapping[str, Any]) -> Any:
        return {"Attributes": {"VisibilityTimeout": str(self.visibility_s)}}

    async def depth(self, _members: Mapping[str, Any]) -> Any:
        return {"Messages": len(self.held)}

    async def receive(self, members: Mapping[str, Any]) -> Any:
        self.receives.append(members["MaxNumberOfMessages"])
        until_s = self.loop.time() + members["WaitTimeSeconds"]
        while True:
            found = self._take(members["MaxNumberOfMessages"])
            if found or self.loop.time() >= until_s:
                return {"Messages": found} if found else {}
            await asyncio.sleep(0.01)

    def _take(self, most: int) -> list[dict[str, Any]]:
        now_s = self.loop.time()
        busy = {each.group for each in self.held if each.group and each.visible_s > now_s}
        found = []
        for each in list(self.held):
            if each.visible_s > now_s or each.group in busy or len(found) == most:
                continue
            if self.most_receives is not None and each.receives >= self.most_receives:
                self.held.remove(each)
                self.dead.append(each.body)
                continue
            each.visible_s = now_s + self.visibility_s
            each.receives += 1
            found.append(
                {
                    "MessageId": each.id,
                    "ReceiptHandle": f"{each.id}/{each.receives}",
                    "Body": each.body,
                    "MD5OfBody": hashlib.md5(each.body.encode()).hexdigest(),
                    "Attributes": {"ApproximateReceiveCount": str(each.receives)},
                    "MessageAttributes": {"kind": {"StringValue": "k", "DataType": "String"}},
                    "MD5OfMessageAttributes": "0" * 32,
                }
            )
        return found

    async def delete(self, members: Mapping[str, Any]) -> Any:
        assert len(members["Entries"]) <= 10
        receipts = {entry["ReceiptHandle"] for entry in members["Entries"]}
        self.held = [each for each in self.held if f"{each.id}/{each.receives}" not in receipts]
        return {}

    async def change_visibility(self, members: Mapping[str, Any]) -> Any:
        receipts = {entry["ReceiptHandle"] for entry in members["Entries"]}
        for each in self.held:
            if f"{each.id}/{each.receives}" in receipts:
                each.visible_s = 0.0
        return {}


async def mapped(rig: Rig, arn: str = QUEUE, **members: Any) -> tuple[MemoryQueue, str]:
    rig.queues = queue = MemoryQueue(rig.loop)
    given = {"FunctionName": "app", "EventSourceArn": arn, **members}
    mapping = await rig.do("CreateEventSourceMapping", **given)
    await rig.until(mapping["UUID"], "Enabled")
    return queue, mapping["UUID"]


async def drained(rig: Rig) -> None:
    await asyncio.sleep(0.1)
    await rig.drained()


def seen(rig: Rig) -> list[str]:
    return [each for _, data in rig.trace for each in data]


def test_the_event_is_as_aws_sends_it_and_what_was_processed_is_deleted(rig: Any) -> None:
    async def test(rig: Rig) -> None:
        queue, _ = await mapped(rig)
        queue.send("hello")
        await asyncio.sleep(0.05)
        call = rig.calls[0]
        assert (call.source, call.records) == ("sqs:work", 1)
        (record,) = orjson.loads(call.payload)["Records"]
        assert record == {
            "messageId": "id-1",
            "receiptHandle": "id-1/1",
            "body": "hello",
            "attributes": {"ApproximateReceiveCount": "1"},
            "messageAttributes": {
                "kind": {
                    "stringValue": "k",
                    "stringListValues": [],
                    "binaryListValues": [],
                    "dataType": "String",
                }
            },
            "md5OfBody": hashlib.md5(b"hello").hexdigest(),
            "md5OfMessageAttributes": "0" * 32,
            "eventSource": "aws:sqs",
            "eventSourceARN": QUEUE,
            "awsRegion": "us-east-1",
        }
        await drained(rig)
        assert queue.held == []
        assert not rig.has_gauge("iterator_age_ms")

    rig(test)


def test_a_batch_is_what_one_receive_gives_when_there_is_no_window(rig: Any) -> None:
    async def test(rig: Rig) -> None:
        queue, _ = await mapped(rig, BatchSize=4)
        queue.send(*"abcdefghij")
        await drained(rig)
        assert sorted(map(len, (data for _, data in rig.trace))) == [2, 4, 4]

    rig(test)


def test_a_window_fills_a_batch_beyond_ten(rig: Any) -> None:
    async def test(rig: Rig) -> None:
        queue, _ = await mapped(rig, BatchSize=25, MaximumBatchingWindowInSeconds=2)
        began_s = rig.loop.time()
        queue.send(*map(str, range(30)))
        await asyncio.sleep(0.5)
        queue.send("late")
        await drained(rig)
        assert [len(data) for _, data in rig.trace] == [25, 6]
        assert rig.trace[0][0] - began_s < 0.1
        assert rig.trace[1][0] - began_s == pytest.approx(2.0, abs=0.2)

    rig(test)


def test_a_failed_batch_returns_after_its_visibility_timeout_and_goes_to_the_dead_letters(rig: Any) -> None:
    async def test(rig: Rig) -> None:
        rig.answer = lambda data: "error" if "poison" in data else None
        queue, _ = await mapped(rig, BatchSize=1)
        queue.most_receives = 2
        queue.send("poison", "good")
        await drained(rig)
        assert [each for each in rig.timed() if each[1] == ["poison"]][1][0] == pytest.approx(30, abs=1)
        assert (queue.dead, queue.held) == (["poison"], [])
        assert seen(rig).count("good") == 1

    rig(test)


def test_reported_failures_return_and_the_others_are_deleted(rig: Any) -> None:
    async def test(rig: Rig) -> None:
        def fail_b_once(data: list[str]) -> str | None:
            if len(rig.trace) > 1:
                return None
            failed = orjson.loads(rig.calls[0].payload)["Records"][data.index("b")]["messageId"]
            return orjson.dumps({"batchItemFailures": [{"itemIdentifier": failed}]}).decode()

        rig.answer = fail_b_once
        queue, _ = await mapped(rig, FunctionResponseTypes=["ReportBatchItemFailures"])
        queue.send(*"abc")
        await asyncio.sleep(5)
        assert [each.body for each in queue.held] == ["b"]
        assert rig.gauge("backlog_records") == 1
        await drained(rig)
        assert [data for _, data in rig.trace] == [["a", "b", "c"], ["b"]]

    rig(test)


def test_a_throttled_batch_is_tried_again_and_counts_no_receive(rig: Any) -> None:
    async def test(rig: Rig) -> None:
        rig.answer = lambda _: "throttle" if len(rig.trace) < 4 else None
        queue, _ = await mapped(rig)
        queue.send("a")
        await drained(rig)
        assert rig.timed() == [(0.0, ["a"]), (0.2, ["a"]), (0.6, ["a"]), (1.4, ["a"])]
        assert rig.usage("throttles") == 3

    rig(test)


@pytest.mark.parametrize(("members", "most"), [({}, 5), ({"ScalingConfig": {"MaximumConcurrency": 2}}, 2)])
def test_concurrency_begins_at_five_and_is_bounded(rig: Any, members: dict[str, Any], most: int) -> None:
    async def test(rig: Rig) -> None:
        rig.invocation_s = 0.15
        queue, _ = await mapped(rig, BatchSize=1, **members)
        queue.send(*map(str, range(30)))
        await drained(rig)
        at_once = [
            sum(1 for other_s, _ in rig.trace if other_s <= at_s < other_s + 0.14) for at_s, _ in rig.trace
        ]
        assert max(at_once[:most]) == most
        assert max(at_once) <= (most if members else 10)
        assert sorted(seen(rig), key=int) == list(map(str, range(30)))

    rig(test)


def test_a_group_of_a_fifo_queue_keeps_its_order(rig: Any) -> None:
    async def test(rig: Rig) -> None:
        rig.invocation_s = 0.1
        queue, _ = await mapped(rig, FIFO, BatchSize=2)
        for number in range(20):
            queue.send(f"{number}", group=f"g{number % 3}")
        await drained(rig)
        for group in range(3):
            assert [int(each) for each in seen(rig) if int(each) % 3 == group] == list(range(group, 20, 3))

    rig(test)


def test_what_matches_no_filter_is_deleted(rig: Any) -> None:
    async def test(rig: Rig) -> None:
        criteria = {"Filters": [{"Pattern": '{"body": {"n": [{"numeric": [">", 1]}]}}'}]}
        queue, _ = await mapped(rig, FilterCriteria=criteria)
        queue.send('{"n":1}', '{"n":2}', "text")
        await drained(rig)
        assert (seen(rig), queue.held) == (['{"n":2}'], [])
        assert rig.usage("filtered_records") == 2

    rig(test)


def test_an_idle_mapping_costs_what_aws_bills_for_one(rig: Any) -> None:
    async def test(rig: Rig) -> None:
        queue, _ = await mapped(rig)
        await asyncio.sleep(600)
        assert len(queue.receives) == pytest.approx(15 * 10, abs=2)
        assert rig.asked["LaunchdayQueueDepth"] <= 2

    rig(test)


def test_a_disabled_mapping_receives_nothing_and_loses_nothing(rig: Any) -> None:
    async def test(rig: Rig) -> None:
        rig.invocation_s = 2.0
        queue, mapping_id = await mapped(rig)
        queue.send("a")
        await asyncio.sleep(1)
        await rig.do("UpdateEventSourceMapping", UUID=mapping_id, Enabled=False)
        await rig.until(mapping_id, "Disabled")
        assert queue.held == []
        queue.send("b")
        await asyncio.sleep(60)
        assert seen(rig) == ["a"]
        await rig.do("UpdateEventSourceMapping", UUID=mapping_id, Enabled=True)
        await rig.until(mapping_id, "Enabled")
        await drained(rig)
        assert seen(rig) == ["a", "b"]

    rig(test)


@pytest.mark.parametrize(
    ("arn", "members", "words"),
    [
        (QUEUE, {"StartingPosition": "LATEST"}, "Unsupported StartingPosition"),
        (QUEUE, {"ParallelizationFactor": 2}, "Unsupported ParallelizationFactor"),
        (QUEUE, {"BatchSize": 11}, "batch window"),
        (FIFO, {"BatchSize": 11, "MaximumBatchingWindowInSeconds": 1}, "FIFO"),
        (FIFO, {"MaximumBatchingWindowInSeconds": 1}, "FIFO"),
        (f"{QUEUE[:-4]}none", {}, "NonExistentQueue"),
    ],
)
def test_what_cannot_be_mapped(rig: Any, arn: str, members: dict[str, Any], words: str) -> None:
    async def test(rig: Rig) -> None:
        with pytest.raises(AwsError) as caught:
            await mapped(rig, arn, **members)
        assert (caught.value.code, words in caught.value.message) == ("InvalidParameterValueException", True)

    rig(test)


def test_messages_must_stay_invisible_as_long_as_the_function_may_run(rig: Any) -> None:
    async def test(rig: Rig) -> None:
        rig.queues = MemoryQueue(rig.loop, visibility_s=2)
        with pytest.raises(AwsError, match="Queue visibility timeout: 2 seconds is less than"):
            await rig.do("CreateEventSourceMapping", FunctionName="app", EventSourceArn=QUEUE)

    rig(test)
