from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from harness.aws.limits.profiles import NONE

from .conftest import FUNCTION, HOOK, QUEUE, TOPIC, Driver


def text(value: str, kind: str = "String") -> dict[str, str]:
    return {"DataType": kind, "StringValue": value}


@pytest.mark.parametrize(
    ("members", "says"),
    [
        ({"Message": ""}, "Empty message"),
        ({"Subject": "x" * 101}, "Subject"),
        ({"Subject": ""}, "Subject"),
        ({"Subject": "a\nb"}, "Subject"),
        ({"Message": "é" * 131_073}, "Message too long"),
        ({"MessageAttributes": {"a": text("x" * 262_144)}}, "Message too long"),
        ({"MessageStructure": "xml"}, "MessageStructure"),
        ({"MessageStructure": "json", "Message": "x"}, "failed to parse"),
        ({"MessageStructure": "json", "Message": "[]"}, "failed to parse"),
        ({"MessageStructure": "json", "Message": '{"sqs": "x"}'}, "No default entry"),
        ({"MessageStructure": "json", "Message": '{"default": 1}'}, "No default entry"),
        ({"MessageDeduplicationId": "d"}, "not valid for this topic type"),
        ({"MessageGroupId": "g g"}, "MessageGroupId"),
    ],
)
def test_messages_that_are_refused(sns: Driver, members: dict[str, Any], says: str) -> None:
    sns.create()
    with sns.refused("InvalidParameter", says):
        sns("Publish", **{"TopicArn": TOPIC, "Message": "m", **members})
    assert sns.used("messages_published") == 0


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("", text("v"), "name"),
        ("a b", text("v"), "not valid"),
        (".a", text("v"), "not valid"),
        ("a..b", text("v"), "not valid"),
        ("x" * 257, text("v"), "not valid"),
        ("AWS.x", text("v"), "reserved prefix"),
        ("a", {"StringValue": "v"}, "non-empty message attribute type"),
        ("a", text("v", "Text"), "set of supported type prefixes"),
        ("a", text(""), "non-empty message attribute value"),
        ("a", {"DataType": "Binary", "StringValue": "v"}, "non-empty message attribute value"),
        ("a", {"DataType": "Binary", "BinaryValue": "?"}, "not base64"),
        ("a", text("one", "Number"), "Could not cast"),
        ("a", text("nan", "Number"), "Could not cast"),
        ("a", text("infinity", "Number"), "Could not cast"),
    ],
)
def test_attributes_that_are_refused(sns: Driver, name: str, value: dict[str, str], says: str) -> None:
    sns.create()
    with sns.refused("ParameterValueInvalid", says):
        sns("Publish", TopicArn=TOPIC, Message="m", MessageAttributes={name: value})


def test_what_is_not_a_topic_is_refused(sns: Driver) -> None:
    with sns.refused("InvalidParameter", "TopicArn or TargetArn"):
        sns("Publish", Message="m")
    with sns.refused("InvalidParameter", "does not offer text messages"):
        sns("Publish", Message="m", PhoneNumber="+15555550100")
    with sns.refused("InvalidParameter", "mobile push"):
        sns("Publish", Message="m", TargetArn="arn:aws:sns:us-east-1:1:endpoint/APNS/a/b")
    with sns.refused("NotFound", "Topic does not exist"):
        sns("Publish", Message="m", TopicArn=TOPIC)
    sns.create()
    assert sns("Publish", Message="m", TargetArn=TOPIC)["MessageId"]


def test_each_subscription_gets_what_its_filter_lets_through(sns: Driver) -> None:
    async def steps() -> None:
        async with sns.running():
            sns.create()
            sns.subscribe(QUEUE, FilterPolicy='{"account_id": ["a1"]}')
            body_filter = '{"account_id": [{"prefix": "a"}]}'
            sns.subscribe(FUNCTION, FilterPolicy=body_filter, FilterPolicyScope="MessageBody")
            sns.subscribe(QUEUE + "-all")
            for account in ("a1", "a2", "b1"):
                sns.publish(
                    json.dumps({"account_id": account}), MessageAttributes={"account_id": text(account)}
                )
            sns.publish("no JSON")
            await sns.settle()
            counts = [len(sns.endpoints.of(each)) for each in (QUEUE, FUNCTION, QUEUE + "-all")]
            assert counts == [1, 2, 4]
            assert sns.used("notifications_filtered_out") == 3 + 2
            assert sns.used("body_filter_bytes") == 3 * len('{"account_id": "a1"}') + len("no JSON")

    asyncio.run(steps())


def test_a_message_may_differ_by_protocol(sns: Driver) -> None:
    async def steps() -> None:
        async with sns.running():
            sns.create()
            sns.subscribe(QUEUE)
            sns.subscribe(FUNCTION)
            body = {"default": "d", "sqs": "for queues", "http": 1}
            sns.publish(json.dumps(body), MessageStructure="json")
            await sns.settle()
            (queue,), (function,) = sns.endpoints.of(QUEUE), sns.endpoints.of(FUNCTION)
            assert queue.message is function.message
            assert queue.message is not None
            assert (queue.message.body_for("sqs"), queue.message.body_for("lambda")) == ("for queues", "d")
            assert queue.message.body_for("http") == "d"

    asyncio.run(steps())


def entries(*ids: str, **members: Any) -> list[dict[str, Any]]:
    return [{"Id": each, "Message": f"m-{each}", **members} for each in ids]


def test_a_batch_succeeds_and_fails_entry_by_entry(sns: Driver) -> None:
    async def steps() -> None:
        async with sns.running():
            sns.create()
            sns.subscribe(QUEUE)
            given = [*entries("a"), *entries("b", Subject="x" * 101), *entries("c")]
            answer = sns("PublishBatch", TopicArn=TOPIC, PublishBatchRequestEntries=given)
            assert [row["Id"] for row in answer["Successful"]] == ["a", "c"]
            (failed,) = answer["Failed"]
            assert (failed["Id"], failed["Code"], failed["SenderFault"]) == ("b", "InvalidParameter", True)
            await sns.settle()
            sent = [each.message for each in sns.endpoints.of(QUEUE)]
            ids = {message.message_id for message in sent if message is not None}
            assert ids == {row["MessageId"] for row in answer["Successful"]}

    asyncio.run(steps())


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ([], "EmptyBatchRequest"),
        (entries(*map(str, range(11))), "TooManyEntriesInBatchRequest"),
        (entries("a", "a"), "BatchEntryIdsNotDistinct"),
        (entries("a b"), "InvalidBatchEntryId"),
        (entries("x" * 81), "InvalidBatchEntryId"),
        ([{"Message": "m"}], "InvalidBatchEntryId"),
        ([{**entry, "Message": "x" * 131_073} for entry in entries("a", "b")], "BatchRequestTooLong"),
        ([1], "MalformedInput"),
    ],
)
def test_batches_that_are_refused_whole(sns: Driver, given: list[Any], code: str) -> None:
    sns.create()
    with sns.refused(code):
        sns("PublishBatch", TopicArn=TOPIC, PublishBatchRequestEntries=given)
    assert sns.used("messages_published") == 0


def test_a_publish_is_billed_by_64_kb(sns: Driver) -> None:
    sns.create()
    for size, requests in ((1, 1), (65_536, 1), (65_537, 2), (262_144, 4)):
        before = sns.used("publish_requests")
        sns.publish("x" * size)
        assert sns.used("publish_requests") - before == requests
    before = sns.used("publish_requests")
    given = [{**entry, "Message": "x" * 10_000} for entry in entries(*map(str, range(10)))]
    sns("PublishBatch", TopicArn=TOPIC, PublishBatchRequestEntries=given)
    assert sns.used("publish_requests") - before == 2


def test_publishing_is_throttled_by_messages(make: Callable[..., Driver]) -> None:
    sns = make(replace(NONE, sns_publish_messages_per_s=10))
    sns.create()
    sns("PublishBatch", TopicArn=TOPIC, PublishBatchRequestEntries=entries(*map(str, range(9))))
    sns.publish()
    with sns.refused("Throttled", "Rate exceeded"):
        sns.publish()
    sns.now_s += 0.125
    sns.publish()


def test_calls_of_functions_are_tallied(sns: Driver) -> None:
    sns.create()
    sns.context = replace(sns.context, trace_id="1-a")
    sns.publish()
    (tally,) = sns.meters.take_calls()
    assert tally == ("1-a", "sns", "Publish", "events", 1)


def test_an_unconfirmed_endpoint_costs_nothing_to_publish_to(sns: Driver) -> None:
    async def steps() -> None:
        async with sns.running():
            sns.create()
            sns.subscribe(HOOK, FilterPolicy='{"a": ["b"]}')
            sns.publish()
            assert (sns.pending(), sns.used("notifications_filtered_out")) == (0, 0)

    asyncio.run(steps())
