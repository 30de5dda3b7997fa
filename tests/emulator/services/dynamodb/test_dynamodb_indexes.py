# ruff: noqa: E501  AWS's messages stand whole, to be searched for

from __future__ import annotations

from typing import Any

import pytest


def s(text: str) -> dict[str, str]:
    return {"S": text}


def n(number: Any) -> dict[str, str]:
    return {"N": str(number)}


def index(
    name: str, hash_key: str, range_key: str = "", projection: str = "ALL", **more: Any
) -> dict[str, Any]:
    keys = [{"AttributeName": hash_key, "KeyType": "HASH"}]
    if range_key:
        keys.append({"AttributeName": range_key, "KeyType": "RANGE"})
    return {"IndexName": name, "KeySchema": keys, "Projection": {"ProjectionType": projection, **more}}


@pytest.fixture
def db_(db: Any) -> Any:
    db.create(
        "devices",
        "account:S",
        "device:S",
        define={"city": "S", "seen": "N"},
        GlobalSecondaryIndexes=[
            index("by_city", "city", "seen", "INCLUDE", NonKeyAttributes=["name_"]),
            index("cities", "city", projection="KEYS_ONLY"),
        ],
        LocalSecondaryIndexes=[index("by_seen", "account", "seen", "KEYS_ONLY")],
    )
    for number in range(6):
        db.put(device(number), "devices")
    return db


def device(number: int, **changes: Any) -> dict[str, Any]:
    item = {
        "account": s("a"),
        "device": s(f"d{number}"),
        "city": s(("rome", "oslo")[number % 2]),
        "seen": n(100 - number),
        "name_": s(f"phone {number}"),
        "model": s("x1"),
    }
    return {name: value for name, value in {**item, **changes}.items() if value is not None}


def query(db: Any, index_name: str, condition: str, /, **members: Any) -> Any:
    values = {f":{name}": members.pop(name) for name in list(members) if name.islower()}
    return db(
        "Query",
        TableName="devices",
        IndexName=index_name,
        KeyConditionExpression=condition,
        ExpressionAttributeValues=values,
        **members,
    )


def devices(answer: Any) -> list[str]:
    return [item["device"]["S"] for item in answer["Items"]]


def test_an_index_answers_in_its_order_with_what_it_holds(db_: Any) -> None:
    answer = query(db_, "by_city", "city = :c", c=s("rome"))
    assert devices(answer) == ["d4", "d2", "d0"]
    assert answer["Items"][0] == {
        "account": s("a"),
        "device": s("d4"),
        "city": s("rome"),
        "seen": n(96),
        "name_": s("phone 4"),
    }
    assert devices(query(db_, "by_city", "city = :c AND seen > :t", c=s("rome"), t=n(96))) == ["d2", "d0"]
    assert devices(query(db_, "by_seen", "account = :a", a=s("a"), ScanIndexForward=False)) == [
        "d0",
        "d1",
        "d2",
        "d3",
        "d4",
        "d5",
    ]


def test_an_index_follows_its_table(db_: Any) -> None:
    db_.put(device(0, city=s("oslo")), "devices")
    db_.put(device(2, city=None), "devices")
    db_("DeleteItem", TableName="devices", Key={"account": s("a"), "device": s("d4")})
    db_(
        "UpdateItem",
        TableName="devices",
        Key={"account": s("a"), "device": s("d1")},
        UpdateExpression="SET seen = :t",
        ExpressionAttributeValues={":t": n("1")},
    )
    assert devices(query(db_, "by_city", "city = :c", c=s("rome"))) == []
    assert devices(query(db_, "by_city", "city = :c", c=s("oslo"))) == ["d1", "d5", "d3", "d0"]
    assert db_("Scan", TableName="devices", IndexName="cities")["Count"] == 4
    described = db_("DescribeTable", TableName="devices")["Table"]["GlobalSecondaryIndexes"]
    assert [i["ItemCount"] for i in described] == [4, 4]


def test_an_index_is_read_in_pages(db_: Any) -> None:
    for name, members in (("by_city", {"c": s("rome")}), ("cities", {"c": s("rome")})):
        found: list[str] = []
        start: dict[str, Any] = {}
        while True:
            answer = query(db_, name, "city = :c", Limit=1, **members, **start)
            found += devices(answer)
            if "LastEvaluatedKey" not in answer:
                break
            start = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}
        assert sorted(found) == ["d0", "d2", "d4"]
    found = []
    start = {}
    while True:
        answer = db_("Scan", TableName="devices", IndexName="by_city", Limit=2, **start)
        found += devices(answer)
        if "LastEvaluatedKey" not in answer:
            break
        start = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}
    assert sorted(found) == [f"d{i}" for i in range(6)]


def test_index_writes_take_units_of_their_own(db_: Any) -> None:
    def put(item: dict[str, Any]) -> Any:
        return db_.put(item, "devices", ReturnConsumedCapacity="INDEXES")["ConsumedCapacity"]

    one = {"CapacityUnits": 1.0}
    assert put(device(9)) == {
        "TableName": "devices",
        "CapacityUnits": 4.0,
        "Table": one,
        "LocalSecondaryIndexes": {"by_seen": one},
        "GlobalSecondaryIndexes": {"by_city": one, "cities": one},
    }
    assert put(device(9, model=s("x2")))["CapacityUnits"] == 1.0  # projected nowhere
    renamed = put(device(9, model=s("x2"), name_=s("new")))
    assert renamed["GlobalSecondaryIndexes"] == {"by_city": one}
    assert renamed["CapacityUnits"] == 2.0
    moved = put(device(9, model=s("x2"), city=s("bari")))
    assert moved["GlobalSecondaryIndexes"] == {
        "by_city": {"CapacityUnits": 2.0},
        "cities": {"CapacityUnits": 2.0},
    }
    assert put(device(9, model=s("x2"), city=None))["CapacityUnits"] == 3.0
    assert db_.units(table="devices") == 6 * 4 + 4 + 1 + 2 + 5 + 3


def test_index_reads_count_what_the_index_holds(db_: Any) -> None:
    db_.put(device(0, model=s("m" * 9000)), "devices")
    held = query(db_, "by_seen", "account = :a", a=s("a"), ReturnConsumedCapacity="INDEXES")
    assert held["ConsumedCapacity"]["LocalSecondaryIndexes"] == {"by_seen": {"CapacityUnits": 0.5}}
    assert held["ConsumedCapacity"]["Table"] == {"CapacityUnits": 0.0}
    fetched = query(
        db_,
        "by_seen",
        "account = :a",
        a=s("a"),
        ProjectionExpression="model",
        ReturnConsumedCapacity="INDEXES",
    )
    assert fetched["ConsumedCapacity"]["Table"] == {"CapacityUnits": 1.5 + 5 * 0.5}
    assert fetched["Items"][-1] == {"model": s("m" * 9000)}
    assert query(db_, "by_city", "city = :c", c=s("rome"), ProjectionExpression="model")["Items"] == [
        {},
        {},
        {},
    ]


@pytest.mark.parametrize(
    ("members", "message"),
    [
        (
            {"IndexName": "by_city", "ConsistentRead": True},
            "Consistent reads are not supported on global secondary indexes",
        ),
        (
            {"IndexName": "by_city", "Select": "ALL_ATTRIBUTES"},
            "One or more parameter values were invalid: Select type ALL_ATTRIBUTES is not supported for global secondary index by_city because its projection type is not ALL",
        ),
        ({"IndexName": "nope"}, "The table does not have the specified index: nope"),
    ],
)
def test_a_wrong_index_query_is_refused_in_aws_words(db_: Any, members: dict[str, Any], message: str) -> None:
    error = db_.fails(
        "Query",
        TableName="devices",
        KeyConditionExpression="city = :c",
        ExpressionAttributeValues={":c": s("rome")},
        **members,
    )
    assert error.message == message


def test_an_index_key_must_be_of_its_type_and_not_empty(db_: Any) -> None:
    error = db_.fails("PutItem", TableName="devices", Item=device(1, seen=s("now")))
    assert (
        error.message
        == "One or more parameter values were invalid: Type mismatch for Index Key seen Expected: N Actual: S IndexName: by_seen"
    )
    error = db_.fails("PutItem", TableName="devices", Item=device(1, city=s("")))
    assert error.message.endswith("cannot contain an empty string value. IndexName: by_city, IndexKey: city")


def test_global_indexes_come_and_go_on_a_living_table(db_: Any) -> None:
    db_.put({"account": s("a"), "device": s("odd"), "model": n(1)}, "devices")
    db_(
        "UpdateTable",
        TableName="devices",
        AttributeDefinitions=[{"AttributeName": "model", "AttributeType": "S"}],
        GlobalSecondaryIndexUpdates=[
            {"Create": index("by_model", "model")},
            {"Delete": {"IndexName": "cities"}},
        ],
    )
    found = query(db_, "by_model", "model = :m", m=s("x1"))
    assert sorted(devices(found)) == [f"d{i}" for i in range(6)]
    described = db_("DescribeTable", TableName="devices")["Table"]
    assert [i["IndexName"] for i in described["GlobalSecondaryIndexes"]] == ["by_city", "by_model"]
    assert {a["AttributeName"] for a in described["AttributeDefinitions"]} == {
        "account",
        "device",
        "city",
        "seen",
        "model",
    }
    assert (
        db_.fails(
            "UpdateTable",
            TableName="devices",
            GlobalSecondaryIndexUpdates=[{"Delete": {"IndexName": "nope"}}],
        ).code
        == "ResourceNotFoundException"
    )


def test_a_large_table_builds_its_index_bit_by_bit_while_it_changes(db: Any) -> None:
    db.create()
    for number in range(2500):
        db.put({"id": s(f"{number:04d}"), "city": s("rome")})
    db(
        "UpdateTable",
        TableName="things",
        AttributeDefinitions=[{"AttributeName": "city", "AttributeType": "S"}],
        GlobalSecondaryIndexUpdates=[{"Create": index("by_city", "city")}],
    )
    described = db("DescribeTable", TableName="things")["Table"]["GlobalSecondaryIndexes"][0]
    assert (described["IndexStatus"], described["Backfilling"]) == ("CREATING", True)
    scan = {"TableName": "things", "IndexName": "by_city", "Select": "COUNT"}
    assert db.fails("Scan", **scan).message == "Cannot read from backfilling global secondary index: by_city"
    for number in range(0, 2500, 5):
        db("DeleteItem", TableName="things", Key={"id": s(f"{number:04d}")})
        db.put({"id": s(f"{number + 1:04d}"), "city": s("oslo")})
    table = db.service.tables.named("things", db.context)
    while table.indexes["by_city"].building:
        db.service.tend(table)
    for city, count in (("rome", 1500), ("oslo", 500)):
        query = {"KeyConditionExpression": "city = :c", "ExpressionAttributeValues": {":c": s(city)}}
        assert db("Query", TableName="things", IndexName="by_city", **query)["Count"] == count
    assert table.indexes["by_city"].positions.count == 2000


@pytest.mark.parametrize(
    ("members", "message"),
    [
        (
            {"LocalSecondaryIndexes": [index("x-y", "id", "o")]},
            "Table KeySchema does not have a range key, which is required when specifying a LocalSecondaryIndex",
        ),
        ({"GlobalSecondaryIndexes": []}, "List of GlobalSecondaryIndexes is empty"),
        ({"GlobalSecondaryIndexes": [index("x-y", "o"), index("x-y", "o")]}, "Duplicate index name: x-y"),
        (
            {"GlobalSecondaryIndexes": [index("x-y", "nope")]},
            "Some index key attributes are not defined in AttributeDefinitions. Keys: [nope], AttributeDefinitions: [id, o]",
        ),
        (
            {"GlobalSecondaryIndexes": [index("x-y", "o", projection="INCLUDE")]},
            "ProjectionType is INCLUDE, but NonKeyAttributes is not specified",
        ),
        (
            {"GlobalSecondaryIndexes": [index("x-y", "o", NonKeyAttributes=["z"])]},
            "ProjectionType is ALL, but NonKeyAttributes is specified",
        ),
    ],
)
def test_wrong_indexes_are_refused_in_aws_words(db: Any, members: dict[str, Any], message: str) -> None:
    request = {
        "TableName": "things",
        "AttributeDefinitions": [{"AttributeName": name, "AttributeType": "S"} for name in ("id", "o")],
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
        "BillingMode": "PAY_PER_REQUEST",
    }
    error = db.fails("CreateTable", **request, **members)
    assert error.message == f"One or more parameter values were invalid: {message}"


def test_item_collection_metrics_are_not_offered_where_they_would_mean_something(db_: Any) -> None:
    error = db_.fails("PutItem", TableName="devices", Item=device(1), ReturnItemCollectionMetrics="SIZE")
    assert "ReturnItemCollectionMetrics" in error.message
