"""Sequences of operations against a plain dict that does the same."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from harness.emulator.services.base import AwsError
from harness.emulator.services.dynamodb.items import HashSpace

OPERATIONS = ("put", "put_new", "add", "delete", "delete_if_low")
hashes = st.sampled_from("ab")
ranges = st.integers(min_value=-3, max_value=3)
values = st.integers(min_value=-5, max_value=5)
steps = st.lists(st.tuples(st.sampled_from(OPERATIONS), hashes, ranges, values), max_size=40)
Model = dict[tuple[str, int], int]


def key(h: str, r: int) -> dict[str, Any]:
    return {"h": {"S": h}, "r": {"N": f"{r}.0"}}


def item(h: str, r: int, v: int) -> dict[str, Any]:
    return {**key(h, r), "r": {"N": str(r)}, "v": {"N": str(v)}}


def do(db: Any, operation: str, h: str, r: int, v: int) -> None:
    if operation == "put":
        db.put(item(h, r, v), "laws")
    elif operation == "put_new":
        attempt(db, "PutItem", Item=item(h, r, v), ConditionExpression="attribute_not_exists(h)")
    elif operation == "add":
        update = {"UpdateExpression": "ADD v :v", "ExpressionAttributeValues": {":v": {"N": str(v)}}}
        db("UpdateItem", TableName="laws", Key=key(h, r), **update)
    elif operation == "delete":
        db("DeleteItem", TableName="laws", Key=key(h, r))
    else:
        condition = {"ConditionExpression": "v < :v", "ExpressionAttributeValues": {":v": {"N": str(v)}}}
        attempt(db, "DeleteItem", Key=key(h, r), **condition)


def attempt(db: Any, operation: str, **members: Any) -> None:
    """An operation that may fail on its condition, and only on it."""
    try:
        db(operation, TableName="laws", **members)
    except AwsError as error:
        if error.code != "ConditionalCheckFailedException":
            raise


def model_do(model: Model, operation: str, h: str, r: int, v: int) -> None:
    at = (h, r)
    if operation == "put" or (operation == "put_new" and at not in model):
        model[at] = v
    elif operation == "add":
        model[at] = model.get(at, 0) + v
    elif operation == "delete" or (operation == "delete_if_low" and at in model and model[at] < v):
        model.pop(at, None)


def new_db(make_db: Any) -> Any:
    db = make_db()
    db.create(
        "laws",
        "h:S",
        "r:N",
        define={"v": "N"},
        GlobalSecondaryIndexes=[
            {
                "IndexName": "by_value",
                "KeySchema": [
                    {"AttributeName": "h", "KeyType": "HASH"},
                    {"AttributeName": "v", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    )
    return db


def pages(db: Any, operation: str, limit: int, **members: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    while True:
        answer = db(operation, TableName="laws", Limit=limit, **members)
        found += answer["Items"]
        if "LastEvaluatedKey" not in answer:
            return found
        members["ExclusiveStartKey"] = answer["LastEvaluatedKey"]


def query(h: str) -> dict[str, Any]:
    return {"KeyConditionExpression": "h = :h", "ExpressionAttributeValues": {":h": {"S": h}}}


def test_a_table_holds_what_a_dict_would(make_db: Any) -> None:
    @settings(max_examples=120, deadline=None)
    @given(steps, st.integers(min_value=1, max_value=4))
    def law(drawn: list[tuple[str, str, int, int]], limit: int) -> None:
        db = new_db(make_db)
        model: Model = {}
        for step in drawn:
            do(db, *step)
            model_do(model, *step)
        for h in "ab":
            expected = [item(h, r, v) for (at, r), v in sorted(model.items()) if at == h]
            assert pages(db, "Query", limit, **query(h)) == expected
            assert pages(db, "Query", limit, ScanIndexForward=False, **query(h)) == expected[::-1]
            by_value = pages(db, "Query", limit, IndexName="by_value", **query(h))
            assert [int(found["v"]["N"]) for found in by_value] == sorted(
                v for (at, _), v in model.items() if at == h
            )
            for r in range(-3, 4):
                got = db.get(key(h, r), "laws")
                assert got == (item(h, r, model[h, r]) if (h, r) in model else None)
        scanned = pages(db, "Scan", limit)
        assert sorted((found["h"]["S"], int(found["r"]["N"])) for found in scanned) == sorted(model)
        assert db.gauges()["item_count"] == len(model)
        assert replayed(db) == model

    law()


def replayed(db: Any) -> Model:
    """The table as its stream tells it; each old image is what the stream told before."""
    model: Model = {}
    stream = db.read_streams("ListStreams")["Streams"][0]["StreamArn"]
    for shard in db.read_streams("DescribeStream", StreamArn=stream)["StreamDescription"]["Shards"]:
        iterator = db.read_streams(
            "GetShardIterator", StreamArn=stream, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )
        for record in db.read_streams("GetRecords", **iterator)["Records"]:
            change = record["dynamodb"]
            at = (change["Keys"]["h"]["S"], int(change["Keys"]["r"]["N"]))
            old, new = change.get("OldImage"), change.get("NewImage")
            assert (None if old is None else int(old["v"]["N"])) == model.get(at)
            if new is None:
                del model[at]
            else:
                model[at] = int(new["v"]["N"])
    return model


def test_what_one_table_holds_is_in_no_other() -> None:
    one, other = HashSpace[int](), HashSpace[int]()
    one.put(b"k", 1)
    assert (one.get(b"k"), other.get(b"k")) == (1, None)
    assert one.remove(b"k") == 1
    assert other.remove(b"k") is None
    assert list(one.walk()) == list(other.walk()) == []
