"""Faults that other local DynamoDBs have in their streams, each kept from coming here.

moto 5.1: a failed transaction puts a copy in the table's place, so that iterators of before lose all later
records, while the writes that were taken back are told; an upsert is told twice; a put that changes nothing
is told as MODIFY; binary is encoded twice. LocalStack 4.14's forwarder: records of one key out of order.
"""

from __future__ import annotations

import base64
from typing import Any

import pytest

STREAM = {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}
BLOB = base64.b64encode(b"\x00\xff").decode()


def s(text: str) -> dict[str, str]:
    return {"S": text}


def n(number: int) -> dict[str, str]:
    return {"N": str(number)}


class Follower:
    """Reads a stream by the iterators that it was given at the start, as a mapping does."""

    def __init__(self, db: Any, stream: str, position: str = "TRIM_HORIZON") -> None:
        self._db = db
        described = db.read_streams("DescribeStream", StreamArn=stream)["StreamDescription"]
        self._iterators = [
            db.read_streams(
                "GetShardIterator", StreamArn=stream, ShardId=shard["ShardId"], ShardIteratorType=position
            )["ShardIterator"]
            for shard in described["Shards"]
        ]

    def read(self) -> list[dict[str, Any]]:
        """The records since the last time, shard by shard."""
        found = []
        for index, iterator in enumerate(self._iterators):
            answer = self._db.read_streams("GetRecords", ShardIterator=iterator)
            found += answer["Records"]
            self._iterators[index] = answer["NextShardIterator"]
        return found

    def told(self) -> list[tuple[str, str]]:
        """Event name and key of each record since the last time, by the records' numbers."""
        records = sorted(self.read(), key=lambda record: int(record["dynamodb"]["SequenceNumber"]))
        return [(record["eventName"], record["dynamodb"]["Keys"]["id"]["S"]) for record in records]


def watched(db: Any, name: str = "things", **members: Any) -> Follower:
    return Follower(db, db.create(name, StreamSpecification=STREAM, **members)["LatestStreamArn"])


def failing(*writes: Any) -> list[Any]:
    """`writes`, and a check that fails after them."""
    check = {"TableName": "things", "Key": {"id": s("nobody")}, "ConditionExpression": "attribute_exists(id)"}
    return [*writes, {"ConditionCheck": check}]


def put(key: str, table: str = "things", **attributes: Any) -> Any:
    return {"Put": {"TableName": table, "Item": {"id": s(key), **attributes}}}


def test_iterators_of_before_a_failed_transaction_read_on_after_it(db: Any) -> None:
    follower = watched(db)
    latest = Follower(db, db("DescribeTable", TableName="things")["Table"]["LatestStreamArn"], "LATEST")
    db.put({"id": s("before")})
    db.fails("TransactWriteItems", TransactItems=failing(put("taken back")))
    db.put({"id": s("after")})
    assert follower.told() == [("INSERT", "before"), ("INSERT", "after")]
    assert latest.told() == [("INSERT", "before"), ("INSERT", "after")]
    for number in range(3):
        db.fails("TransactWriteItems", TransactItems=failing(put("taken back")))
        db.put({"id": s(f"later {number}")})
    assert follower.told() == [("INSERT", f"later {number}") for number in range(3)]


def test_nothing_of_a_failed_transaction_is_told_or_left(db: Any) -> None:
    index = {
        "IndexName": "by_v",
        "KeySchema": [{"AttributeName": "v", "KeyType": "HASH"}],
        "Projection": {"ProjectionType": "ALL"},
    }
    follower = watched(db, define={"v": "S"}, GlobalSecondaryIndexes=[index])
    other = watched(db, "others")
    db.put({"id": s("kept"), "v": s("old")})
    db.put({"id": s("deleted"), "v": s("old")})
    follower.read()
    writes = failing(
        put("new", v=s("new")),
        put("new", "others"),
        {
            "Update": {
                "TableName": "things",
                "Key": {"id": s("kept")},
                "UpdateExpression": "SET v = :v",
                "ExpressionAttributeValues": {":v": s("changed")},
            }
        },
        {"Delete": {"TableName": "things", "Key": {"id": s("deleted")}}},
    )
    error = db.fails("TransactWriteItems", TransactItems=writes)
    assert error.code == "TransactionCanceledException"
    assert (follower.told(), other.told()) == ([], [])
    assert db.get({"id": s("kept")}) == {"id": s("kept"), "v": s("old")}
    assert db.get({"id": s("new")}) is None
    assert db.get({"id": s("new")}, "others") is None
    for value, count in (("old", 2), ("new", 0), ("changed", 0)):
        found = db(
            "Query",
            TableName="things",
            IndexName="by_v",
            KeyConditionExpression="v = :v",
            ExpressionAttributeValues={":v": s(value)},
        )
        assert found["Count"] == count, value


def test_a_transaction_that_succeeds_is_told_once(db: Any) -> None:
    follower = watched(db)
    db("TransactWriteItems", TransactItems=[put("a"), put("b")], ClientRequestToken="token")
    db("TransactWriteItems", TransactItems=[put("a"), put("b")], ClientRequestToken="token")
    assert sorted(follower.told()) == [("INSERT", "a"), ("INSERT", "b")]


@pytest.mark.parametrize(
    "expression", ["SET v = :v", "ADD v :v", "SET v = if_not_exists(v, :v)"], ids=["set", "add", "if"]
)
def test_an_upsert_is_told_once_with_the_whole_item(db: Any, expression: str) -> None:
    follower = watched(db)
    db(
        "UpdateItem",
        TableName="things",
        Key={"id": s("a")},
        UpdateExpression=expression,
        ExpressionAttributeValues={":v": n(1)},
    )
    (record,) = follower.read()
    assert record["eventName"] == "INSERT"
    assert record["dynamodb"]["NewImage"] == {"id": s("a"), "v": n(1)}
    assert "OldImage" not in record["dynamodb"]


@pytest.mark.parametrize("way", ["PutItem", "BatchWriteItem", "TransactWriteItems", "UpdateItem"])
def test_a_write_that_changes_nothing_is_not_told_whichever_way_it_comes(db: Any, way: str) -> None:
    follower = watched(db)
    item = {"id": s("a"), "v": n(1), "set": {"SS": ["x", "y"]}, "blob": {"B": BLOB}}
    db.put(item)
    follower.read()
    same = {**item, "set": {"SS": ["y", "x"]}}  # a set has no order
    if way == "PutItem":
        db.put(same)
    elif way == "BatchWriteItem":
        db(way, RequestItems={"things": [{"PutRequest": {"Item": same}}]})
    elif way == "TransactWriteItems":
        db(way, TransactItems=[{"Put": {"TableName": "things", "Item": same}}])
    else:
        update = {"UpdateExpression": "SET v = :v", "ExpressionAttributeValues": {":v": n(1)}}
        db(way, TableName="things", Key={"id": s("a")}, **update)
    assert follower.told() == []
    db.put({**item, "v": n(2)})
    assert follower.told() == [("MODIFY", "a")]


def test_binary_is_encoded_once_in_keys_and_images(db: Any) -> None:
    follower = Follower(db, db.create(hash_key="id:B", StreamSpecification=STREAM)["LatestStreamArn"])
    item = {"id": {"B": BLOB}, "set": {"BS": [BLOB]}, "deep": {"M": {"list": {"L": [{"B": BLOB}]}}}}
    db.put(item)
    (record,) = follower.read()
    assert record["dynamodb"]["Keys"] == {"id": {"B": BLOB}}
    assert record["dynamodb"]["NewImage"] == item


def test_the_changes_of_a_key_are_read_in_their_order_whichever_way_they_come(db: Any) -> None:
    follower = watched(db)
    for number in range(0, 60, 4):
        key = f"key {number % 3}"
        db.put({"id": s(key), "n": n(number)})
        update = {"UpdateExpression": "SET n = :n", "ExpressionAttributeValues": {":n": n(number + 1)}}
        db("UpdateItem", TableName="things", Key={"id": s(key)}, **update)
        batch = {"PutRequest": {"Item": {"id": s(key), "n": n(number + 2)}}}
        db("BatchWriteItem", RequestItems={"things": [batch]})
        db("TransactWriteItems", TransactItems=[put(key, n=n(number + 3))])
    seen: dict[str, list[int]] = {}
    numbers: dict[str, list[int]] = {}
    for record in follower.read():  # shard by shard, not put in order
        change = record["dynamodb"]
        key = change["Keys"]["id"]["S"]
        seen.setdefault(key, []).append(int(change["NewImage"]["n"]["N"]))
        numbers.setdefault(key, []).append(int(change["SequenceNumber"]))
    assert sorted(number for told in seen.values() for number in told) == list(range(60))
    assert all(told == sorted(told) for told in (*seen.values(), *numbers.values()))
