"""DynamoDB Streams: what a write tells, in which order, with which images, and what tells nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from tests.conformance.catalogue import behaviour, documented, reference
from tests.conformance.kit import Cleanup, refusing, until
from tests.conformance.targets import Aws

READ = "2026-11-24"
STREAMS_GUIDE = documented(
    "DynamoDB Developer Guide, Change data capture for DynamoDB Streams",
    "amazondynamodb/latest/developerguide/Streams.html",
    noted=READ,
)
Item = Mapping[str, Any]
KEY = {"pk": {"S": "a"}}


def item(n: int, pk: str = "a") -> dict[str, Any]:
    return {"pk": {"S": pk}, "n": {"N": str(n)}}


@dataclass(frozen=True)
class Streamed:
    """A table with a stream, of a case's own."""

    db: Any
    streams: Any
    name: str

    def put(self, n: int, pk: str = "a", **more: Any) -> None:
        self.db.put_item(TableName=self.name, Item=item(n, pk), **more)

    def delete(self, pk: str = "a") -> None:
        self.db.delete_item(TableName=self.name, Key={"pk": {"S": pk}})

    def update(self, expression: str, values: Item, pk: str = "a") -> None:
        self.db.update_item(
            TableName=self.name,
            Key={"pk": {"S": pk}},
            UpdateExpression=expression,
            ExpressionAttributeValues=values,
        )

    def arn(self) -> str:
        return str(self.db.describe_table(TableName=self.name)["Table"]["LatestStreamArn"])

    def shards(self) -> list[str]:
        told = self.streams.describe_stream(StreamArn=self.arn())["StreamDescription"]
        return [shard["ShardId"] for shard in told["Shards"]]

    def iterator(self, shard: str, type_: str, **more: Any) -> str:
        asked = {"StreamArn": self.arn(), "ShardId": shard, "ShardIteratorType": type_, **more}
        return str(self.streams.get_shard_iterator(**asked)["ShardIterator"])

    def read(self, iterator: str | None) -> tuple[list[dict[str, Any]], str | None]:
        """What there is now from there, and where to go on."""
        records: list[dict[str, Any]] = []
        for _ in range(20):
            if iterator is None:
                break
            answer = self.streams.get_records(ShardIterator=iterator)
            iterator = answer.get("NextShardIterator")
            if not answer["Records"]:
                break
            records += answer["Records"]
        return records, iterator

    def records(self, count: int) -> list[dict[str, Any]]:
        """All records from the oldest on, once there are `count`. More of them is an AssertionError."""

        def all_of_them() -> list[dict[str, Any]]:
            return [
                record
                for shard in self.shards()
                for record in self.read(self.iterator(shard, "TRIM_HORIZON"))[0]
            ]

        until(lambda: len(all_of_them()) >= count, f"{count} records in the stream")
        found = all_of_them()
        assert len(found) == count, f"{count} records expected, got {[told(record) for record in found]}"
        return found

    def told(self, *before_the_mark: tuple[str, int | None, int | None]) -> None:
        """What the stream told is `before_the_mark` and no more: a last write is waited for behind it."""
        self.put(0, "mark")
        got = [told(record) for record in self.records(len(before_the_mark) + 1)]
        mark = ("INSERT", None, 0)
        assert sorted(map(str, got)) == sorted(map(str, [*before_the_mark, mark]))


def told(record: Mapping[str, Any]) -> tuple[str, int | None, int | None]:
    """The event's name and the numbers `n` of its old and new image."""

    def number(image: str) -> int | None:
        found = record["dynamodb"].get(image)
        return int(found["n"]["N"]) if found else None

    return record["eventName"], number("OldImage"), number("NewImage")


def created(aws: Aws, cleanup: Cleanup, view: str = "NEW_AND_OLD_IMAGES") -> Streamed:
    db, name = aws.client("dynamodb"), aws.name("streamed")
    db.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        StreamSpecification={"StreamEnabled": True, "StreamViewType": view},
    )
    cleanup.add(db.delete_table, TableName=name)
    until(lambda: db.describe_table(TableName=name)["Table"]["TableStatus"] == "ACTIVE", f"{name} is active")
    made = Streamed(db, aws.client("dynamodbstreams"), name)
    until(made.shards, "the stream has a shard")
    return made


@pytest.fixture
def table(aws: Aws, cleanup: Cleanup) -> Streamed:
    return created(aws, cleanup)


@behaviour(
    "streams.events-of-an-item-in-order",
    "The changes of an item are told in their order: INSERT, MODIFY, REMOVE.",
    STREAMS_GUIDE,
)
def test_order(table: Streamed) -> None:
    table.put(1)
    table.put(2)
    table.update("SET n = :n", {":n": {"N": "3"}})
    table.delete()
    assert [told(record) for record in table.records(4)] == [
        ("INSERT", None, 1),
        ("MODIFY", 1, 2),
        ("MODIFY", 2, 3),
        ("REMOVE", 3, None),
    ]


@behaviour(
    "streams.order-holds-for-each-key",
    "With many writes to many items, the changes of each item are told in the order they were made.",
    STREAMS_GUIDE,
)
def test_order_of_each(table: Streamed) -> None:
    for n in range(10):
        for pk in ("a", "b", "c"):
            table.put(n, pk)
    seen: dict[str, list[int]] = {}
    for record in table.records(30):
        seen.setdefault(record["dynamodb"]["Keys"]["pk"]["S"], []).append(told(record)[2] or 0)
    assert seen == {pk: list(range(10)) for pk in ("a", "b", "c")}


@behaviour(
    "streams.record-has-its-parts",
    "A record has an id of its own, its keys, a growing sequence number, a size, a time and a view.",
    reference(
        "dynamodbstreams", "StreamRecord", "The approximate date and time when the stream record", read=READ
    ),
)
def test_parts(table: Streamed, aws: Aws) -> None:
    for n in range(3):
        table.put(n)
    records = table.records(3)
    assert len({record["eventID"] for record in records}) == 3
    numbers = [int(record["dynamodb"]["SequenceNumber"]) for record in records]
    assert numbers == sorted(set(numbers))
    for record in records:
        change = record["dynamodb"]
        assert (record["eventSource"], record["awsRegion"]) == ("aws:dynamodb", aws.region)
        assert (change["Keys"], change["StreamViewType"]) == (KEY, "NEW_AND_OLD_IMAGES")
        assert change["SizeBytes"] > 0
        assert change["ApproximateCreationDateTime"].tzinfo is not None


@behaviour(
    "streams.views-choose-the-images",
    "KEYS_ONLY tells no image, NEW_IMAGE the new one only, OLD_IMAGE the old one only.",
    reference("dynamodb", "StreamSpecification", "as it appeared before it was modified", read=READ),
)
@pytest.mark.parametrize("view", ["KEYS_ONLY", "NEW_IMAGE", "OLD_IMAGE"])
def test_views(aws: Aws, cleanup: Cleanup, view: str) -> None:
    table = created(aws, cleanup, view)
    table.put(1)
    table.put(2)
    images = {
        "KEYS_ONLY": [(None, None), (None, None)],
        "NEW_IMAGE": [(None, 1), (None, 2)],
        "OLD_IMAGE": [(None, None), (1, None)],
    }
    assert [told(record)[1:] for record in table.records(2)] == images[view]


@behaviour(
    "streams.images-keep-their-types",
    "An image has every attribute as it was written; binary values are encoded once.",
    reference(
        "dynamodbstreams", "StreamRecord", "The item in the DynamoDB table as it appeared after", read=READ
    ),
)
def test_types(table: Streamed) -> None:
    written = {
        **item(1),
        "b": {"B": bytes(range(256))},
        "bs": {"BS": [b"\x00"]},
        "m": {"M": {"l": {"L": [{"NULL": True}, {"BOOL": False}, {"NS": ["2"]}]}}},
    }
    table.db.put_item(TableName=table.name, Item=written)
    assert table.records(1)[0]["dynamodb"]["NewImage"] == written


@behaviour(
    "streams.put-of-the-same-tells-nothing",
    "A put or update that leaves the item as it was tells nothing.",
    STREAMS_GUIDE,
)
def test_no_op(table: Streamed) -> None:
    table.put(1)
    table.put(1)
    table.update("SET n = :n", {":n": {"N": "1"}})
    table.told(("INSERT", None, 1))


@behaviour(
    "streams.delete-of-nothing-tells-nothing",
    "Deleting an item that is not there tells nothing.",
    STREAMS_GUIDE,
)
def test_delete_of_nothing(table: Streamed) -> None:
    table.delete("nobody")
    table.told()


@behaviour(
    "streams.failed-condition-tells-nothing",
    "A write whose condition fails tells nothing.",
    STREAMS_GUIDE,
)
def test_failed_condition(table: Streamed) -> None:
    table.put(1)
    with refusing("ConditionalCheckFailedException"):
        table.put(2, ConditionExpression="attribute_not_exists(pk)")
    table.told(("INSERT", None, 1))


@behaviour(
    "streams.upsert-tells-one-insert",
    "An update that makes the item tells one INSERT, with the whole item.",
    STREAMS_GUIDE,
)
def test_upsert(table: Streamed) -> None:
    table.update("SET n = :n", {":n": {"N": "7"}})
    table.told(("INSERT", None, 7))


@behaviour(
    "streams.replacing-put-is-a-modify",
    "A put over an item tells a MODIFY with both images.",
    reference(
        "dynamodbstreams", "Record", "one or more of an existing item's attributes were modified", read=READ
    ),
)
def test_replace(table: Streamed) -> None:
    table.db.put_item(TableName=table.name, Item={**item(1), "gone": {"S": "x"}})
    table.put(1)
    insert, modify = table.records(2)
    assert [insert["eventName"], modify["eventName"]] == ["INSERT", "MODIFY"]
    assert "gone" in modify["dynamodb"]["OldImage"]
    assert "gone" not in modify["dynamodb"]["NewImage"]


@behaviour(
    "streams.batch-tells-each-item",
    "A batch write tells each of its changes, as single writes would.",
    STREAMS_GUIDE,
)
def test_batch(table: Streamed) -> None:
    table.put(1, "old")
    writes: list[dict[str, Any]] = [{"PutRequest": {"Item": item(n, str(n))}} for n in range(5)]
    writes.append({"DeleteRequest": {"Key": {"pk": {"S": "old"}}}})
    table.db.batch_write_item(RequestItems={table.name: writes})
    changes = [("INSERT", None, n) for n in range(5)]
    table.told(("INSERT", None, 1), *changes, ("REMOVE", 1, None))


@behaviour(
    "streams.transaction-tells-each-change",
    "A transaction tells each of its changes once.",
    documented(
        "DynamoDB Developer Guide, Amazon DynamoDB Transactions: How it works",
        "amazondynamodb/latest/developerguide/transaction-apis.html",
        noted=READ,
    ),
)
def test_transaction(table: Streamed) -> None:
    table.put(1)
    table.db.transact_write_items(
        TransactItems=[
            {"Put": {"TableName": table.name, "Item": item(2)}},
            {"Put": {"TableName": table.name, "Item": item(3, "b")}},
        ]
    )
    table.told(("INSERT", None, 1), ("MODIFY", 1, 2), ("INSERT", None, 3))


@behaviour(
    "streams.cancelled-transaction-tells-nothing",
    "A transaction that is cancelled tells nothing, and readers go on behind it.",
    documented(
        "DynamoDB Developer Guide, Amazon DynamoDB Transactions: How it works",
        "amazondynamodb/latest/developerguide/transaction-apis.html",
        noted=READ,
    ),
)
def test_cancelled(table: Streamed) -> None:
    table.put(1)
    going_on = [table.read(table.iterator(shard, "TRIM_HORIZON"))[1] for shard in table.shards()]
    with refusing("TransactionCanceledException"):
        table.db.transact_write_items(
            TransactItems=[
                {"Put": {"TableName": table.name, "Item": item(2)}},
                {
                    "ConditionCheck": {
                        "TableName": table.name,
                        "Key": {"pk": {"S": "nobody"}},
                        "ConditionExpression": "attribute_exists(pk)",
                    }
                },
            ]
        )
    table.put(3)
    until(
        lambda: [told(r) for i in going_on for r in table.read(i)[0]] == [("MODIFY", 1, 3)],
        "readers that were at the tip see the change after the transaction, and only it",
    )


@behaviour(
    "streams.iterator-latest",
    "LATEST tells what is written after it only.",
    reference("dynamodbstreams", "GetShardIterator", "just after the most recent stream record", read=READ),
)
def test_latest(table: Streamed) -> None:
    table.put(1)
    table.records(1)
    iterators = [table.iterator(shard, "LATEST") for shard in table.shards()]
    table.put(2)
    until(
        lambda: [told(r) for i in iterators for r in table.read(i)[0]] == [("MODIFY", 1, 2)],
        "the change after LATEST, and only it",
    )


@behaviour(
    "streams.iterator-by-sequence-number",
    "AT_SEQUENCE_NUMBER begins with a record, AFTER_SEQUENCE_NUMBER behind it.",
    reference("dynamodbstreams", "GetShardIterator", "right after the position denoted by", read=READ),
)
def test_sequence_numbers(table: Streamed) -> None:
    for n in range(3):
        table.put(n)
    second = table.records(3)[1]["dynamodb"]["SequenceNumber"]

    def seen(type_: str) -> list[int | None]:
        for shard in table.shards():
            at = table.iterator(shard, type_, SequenceNumber=second)
            if found := table.read(at)[0]:
                return [told(record)[2] for record in found]
        return []

    until(lambda: seen("AT_SEQUENCE_NUMBER") == [1, 2], "AT begins with the record")
    until(lambda: seen("AFTER_SEQUENCE_NUMBER") == [2], "AFTER begins behind it")


@behaviour(
    "streams.limit-pages",
    "GetRecords returns no more than its Limit, and NextShardIterator goes on behind it.",
    reference("dynamodbstreams", "GetRecords", "The maximum number of records to return", read=READ),
)
def test_limit(table: Streamed) -> None:
    for n in range(3):
        table.put(n)
    table.records(3)
    for shard in table.shards():
        page = table.streams.get_records(ShardIterator=table.iterator(shard, "TRIM_HORIZON"), Limit=2)
        if page["Records"]:
            assert [told(record)[2] for record in page["Records"]] == [0, 1]
            rest, _ = table.read(page["NextShardIterator"])
            assert [told(record)[2] for record in rest] == [2]


@behaviour(
    "streams.enabled-on-a-table-that-stands",
    "A stream can be enabled on a table that stands, and tells what is written after that.",
    reference("dynamodb", "UpdateTable", "Represents the DynamoDB Streams configuration", read=READ),
)
def test_enable_later(aws: Aws, cleanup: Cleanup) -> None:
    db, name = aws.client("dynamodb"), aws.name("table")
    db.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
    )
    cleanup.add(db.delete_table, TableName=name)

    def active() -> bool:
        return bool(db.describe_table(TableName=name)["Table"]["TableStatus"] == "ACTIVE")

    until(active, f"{name} is active")
    table = Streamed(db, aws.client("dynamodbstreams"), name)
    table.put(1)
    wanted = {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}
    db.update_table(TableName=name, StreamSpecification=wanted)
    until(active, f"{name} is active again")
    until(table.shards, "the stream has a shard")
    table.put(2)
    assert [told(record) for record in table.records(1)] == [("MODIFY", 1, 2)]


@behaviour(
    "streams.listed-by-table",
    "ListStreams and DescribeStream tell a table's stream, its view, its key schema and its shards.",
    reference("dynamodbstreams", "DescribeStream", "Returns information about a stream", read=READ),
)
def test_described(table: Streamed) -> None:
    (listed,) = table.streams.list_streams(TableName=table.name)["Streams"]
    assert (listed["StreamArn"], listed["TableName"]) == (table.arn(), table.name)
    described = table.streams.describe_stream(StreamArn=table.arn())["StreamDescription"]
    assert (described["StreamStatus"], described["StreamViewType"]) == ("ENABLED", "NEW_AND_OLD_IMAGES")
    assert described["KeySchema"] == [{"AttributeName": "pk", "KeyType": "HASH"}]
    starts = [shard["SequenceNumberRange"]["StartingSequenceNumber"] for shard in described["Shards"]]
    assert starts
    assert all(starts)


@behaviour(
    "streams.no-such-stream",
    "A stream that does not exist is refused with ResourceNotFoundException.",
    reference("dynamodbstreams", "DescribeStream", "The operation tried to access a nonexistent", read=READ),
)
def test_no_such_stream(table: Streamed) -> None:
    with refusing("ResourceNotFoundException", status=400):
        table.streams.describe_stream(StreamArn=table.arn().replace(table.name, f"{table.name}-missing"))
