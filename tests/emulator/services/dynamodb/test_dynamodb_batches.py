# ruff: noqa: E501  AWS's messages stand whole, to be searched for

from __future__ import annotations

from typing import Any

import pytest

from harness.aws.limits.profiles import Limits

FEW_UNITS = Limits(
    "few",
    dynamodb_on_demand_initial_write_units_per_s=3,
    dynamodb_on_demand_initial_read_units_per_s=2,
)


def s(text: str) -> dict[str, str]:
    return {"S": text}


def puts(*names: str) -> list[dict[str, Any]]:
    return [{"PutRequest": {"Item": {"id": s(name), "v": s(name)}}} for name in names]


def deletes(*names: str) -> list[dict[str, Any]]:
    return [{"DeleteRequest": {"Key": {"id": s(name)}}} for name in names]


def keys(*names: str) -> dict[str, Any]:
    return {"Keys": [{"id": s(name)} for name in names]}


def test_a_batch_writes_to_several_tables(db: Any) -> None:
    db.create()
    db.create("others")
    db.put({"id": s("old")})
    answer = db(
        "BatchWriteItem",
        RequestItems={"things": puts("a", "b") + deletes("old"), "others": puts("c")},
        ReturnConsumedCapacity="TOTAL",
    )
    assert answer == {
        "UnprocessedItems": {},
        "ConsumedCapacity": [
            {"TableName": "things", "CapacityUnits": 3.0},
            {"TableName": "others", "CapacityUnits": 1.0},
        ],
    }
    answer = db("BatchGetItem", RequestItems={"things": keys("a", "b", "old"), "others": keys("c")})
    assert answer["Responses"] == {
        "things": [{"id": s("a"), "v": s("a")}, {"id": s("b"), "v": s("b")}],
        "others": [{"id": s("c"), "v": s("c")}],
    }
    assert answer["UnprocessedKeys"] == {}


def test_a_batch_get_projects_and_reads_consistently(db: Any) -> None:
    db.create()
    db("BatchWriteItem", RequestItems={"things": puts("a", "b")})
    wanted = {
        **keys("a", "b", "none"),
        "ConsistentRead": True,
        "ProjectionExpression": "#v",
        "ExpressionAttributeNames": {"#v": "v"},
    }
    answer = db("BatchGetItem", RequestItems={"things": wanted}, ReturnConsumedCapacity="TOTAL")
    assert answer["Responses"]["things"] == [{"v": s("a")}, {"v": s("b")}]
    assert answer["ConsumedCapacity"] == [{"TableName": "things", "CapacityUnits": 3.0}]


@pytest.mark.parametrize(
    ("operation", "items", "code", "message"),
    [
        (
            "BatchWriteItem",
            {"things": puts(*map(str, range(26)))},
            "ValidationException",
            "Map value must satisfy constraint: [Member must have length less than or equal to 25, Member must have length greater than or equal to 1]",
        ),
        (
            "BatchWriteItem",
            {"things": puts(*map(str, range(20))), "others": puts(*map(str, range(20)))},
            "ValidationException",
            "Too many items requested for the BatchWriteItem call",
        ),
        (
            "BatchWriteItem",
            {"things": puts("a") + deletes("a")},
            "ValidationException",
            "Provided list of item keys contains duplicates",
        ),
        (
            "BatchWriteItem",
            {"things": [{}]},
            "ValidationException",
            "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes",
        ),
        (
            "BatchWriteItem",
            {"things": [{"PutRequest": {"Item": {"v": s("a")}}}]},
            "ValidationException",
            "The provided key element does not match the schema",
        ),
        (
            "BatchWriteItem",
            {"things": puts("a"), "nowhere": puts("a")},
            "ResourceNotFoundException",
            "Requested resource not found",
        ),
        ("BatchWriteItem", {}, "ValidationException", "Member must have length greater than or equal to 1"),
        (
            "BatchGetItem",
            {"things": keys(*map(str, range(101)))},
            "ValidationException",
            "Member must have length less than or equal to 100",
        ),
        (
            "BatchGetItem",
            {"things": keys(*map(str, range(60))), "others": keys(*map(str, range(60)))},
            "ValidationException",
            "Too many items requested for the BatchGetItem call",
        ),
        (
            "BatchGetItem",
            {"things": keys("a", "a")},
            "ValidationException",
            "Provided list of item keys contains duplicates",
        ),
        (
            "BatchGetItem",
            {"things": {"Keys": [{"x": s("a")}]}},
            "ValidationException",
            "The provided key element does not match the schema",
        ),
        ("BatchGetItem", {"things": {}}, "ValidationException", "Member must not be null"),
        (
            "BatchGetItem",
            {"things": {**keys("a"), "AttributesToGet": ["v"]}},
            "ValidationException",
            "The parameter AttributesToGet of BatchGetItem is not offered by Launchday's DynamoDB. Use ProjectionExpression.",
        ),
    ],
)
def test_a_wrong_batch_is_refused_whole(
    db: Any, operation: str, items: dict[str, Any], code: str, message: str
) -> None:
    db.create()
    db.create("others")
    error = db.fails(operation, RequestItems=items)
    assert error.code == code
    assert error.message.endswith(message)
    assert db("Scan", TableName="things")["Count"] == 0


def test_what_throttling_kept_from_being_written_comes_back(make_db: Any) -> None:
    db = make_db(FEW_UNITS)
    db.create()
    answer = db("BatchWriteItem", RequestItems={"things": puts("a", "b", "c", "d", "e")})
    assert answer["UnprocessedItems"] == {"things": puts("d", "e")}
    db.now_s += 1
    assert db("BatchWriteItem", RequestItems=answer["UnprocessedItems"])["UnprocessedItems"] == {}
    assert db("Scan", TableName="things", Select="COUNT")["Count"] == 5
    assert db.units() == 5
    assert db.units("throttled_requests") == 2


def test_what_throttling_kept_from_being_read_comes_back(make_db: Any) -> None:
    db = make_db(FEW_UNITS)
    db.create()
    wanted = {**keys("a", "b", "c"), "ConsistentRead": True}
    answer = db("BatchGetItem", RequestItems={"things": wanted})
    assert answer["UnprocessedKeys"] == {"things": {**keys("c"), "ConsistentRead": True}}


def test_a_batch_of_which_nothing_was_done_is_an_error(make_db: Any) -> None:
    db = make_db(FEW_UNITS)
    db.create()
    db("BatchWriteItem", RequestItems={"things": puts("a", "b", "c")})
    assert db.fails("BatchWriteItem", RequestItems={"things": puts("d", "e")}).code == "ThrottlingException"


def test_an_answer_holds_up_to_16_mb(db: Any) -> None:
    db.create()
    names = [f"n{number}" for number in range(45)]
    for name in names:
        db.put({"id": s(name), "pad": s("p" * 390_000)})
    answer = db("BatchGetItem", RequestItems={"things": keys(*names)})
    assert len(answer["Responses"]["things"]) == 43
    assert answer["UnprocessedKeys"] == {"things": keys("n43", "n44")}


def test_a_transaction_writes_all_or_nothing(db: Any) -> None:
    db.create()
    db.put({"id": s("there"), "n": {"N": "1"}})
    actions = [
        {
            "Put": {
                "TableName": "things",
                "Item": {"id": s("new")},
                "ConditionExpression": "attribute_not_exists(id)",
            }
        },
        {
            "Update": {
                "TableName": "things",
                "Key": {"id": s("there")},
                "UpdateExpression": "ADD n :one",
                "ExpressionAttributeValues": {":one": {"N": "1"}},
            }
        },
        {
            "ConditionCheck": {
                "TableName": "things",
                "Key": {"id": s("gone")},
                "ConditionExpression": "attribute_exists(id)",
                "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
            }
        },
    ]
    error = db.fails("TransactWriteItems", TransactItems=actions)
    assert error.code == "TransactionCanceledException"
    assert error.message.endswith("[None, None, ConditionalCheckFailed]")
    assert error.fields["CancellationReasons"][2] == {
        "Code": "ConditionalCheckFailed",
        "Message": "The conditional request failed",
    }
    assert db.get({"id": s("new")}) is None
    assert db.get({"id": s("there")})["n"] == {"N": "1"}
    db.put({"id": s("gone")})
    before = db.units()
    answer = db("TransactWriteItems", TransactItems=actions, ReturnConsumedCapacity="TOTAL")
    assert answer == {
        "ConsumedCapacity": [{"TableName": "things", "CapacityUnits": 6.0, "WriteCapacityUnits": 6.0}]
    }
    assert db.units() - before == 6
    assert db.get({"id": s("there")})["n"] == {"N": "2"}
    assert db.get({"id": s("new")}) == {"id": s("new")}


def test_a_transaction_can_show_what_was_there(db: Any) -> None:
    db.create()
    db.put({"id": s("a"), "v": s("x")})
    put = {
        "TableName": "things",
        "Item": {"id": s("a")},
        "ConditionExpression": "attribute_not_exists(id)",
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }
    error = db.fails("TransactWriteItems", TransactItems=[{"Put": put}])
    assert error.fields["CancellationReasons"][0]["Item"] == {"id": s("a"), "v": s("x")}


def test_a_token_makes_a_transaction_idempotent_for_ten_minutes(db: Any) -> None:
    db.create()
    key = {
        "TableName": "things",
        "Key": {"id": s("a")},
        "UpdateExpression": "ADD n :one",
        "ExpressionAttributeValues": {":one": {"N": "1"}},
    }
    for _ in range(3):
        db("TransactWriteItems", TransactItems=[{"Update": key}], ClientRequestToken="t1")
    assert db.get({"id": s("a")})["n"] == {"N": "1"}
    other = [{"Delete": {"TableName": "things", "Key": {"id": s("a")}}}]
    assert (
        db.fails("TransactWriteItems", TransactItems=other, ClientRequestToken="t1").code
        == "IdempotentParameterMismatchException"
    )
    db.now_s += 601
    db("TransactWriteItems", TransactItems=[{"Update": key}], ClientRequestToken="t1")
    assert db.get({"id": s("a")})["n"] == {"N": "2"}


def test_a_transaction_takes_one_action_an_item(db: Any) -> None:
    db.create()
    key = {"TableName": "things", "Key": {"id": s("a")}}
    error = db.fails("TransactWriteItems", TransactItems=[{"Delete": key}, {"Delete": key}])
    assert error.message == "Transaction request cannot include multiple operations on one item"


def test_a_throttled_transaction_writes_nothing(make_db: Any) -> None:
    db = make_db(FEW_UNITS)
    db.create()
    actions = [{"Put": {"TableName": "things", "Item": {"id": s(name)}}} for name in "ab"]
    error = db.fails("TransactWriteItems", TransactItems=actions)
    assert error.message.endswith("[None, ThrottlingError]")
    assert db("Scan", TableName="things", Select="COUNT")["Count"] == 0


def test_a_transaction_reads_at_twice_the_units(db: Any) -> None:
    db.create()
    db.put({"id": s("a"), "v": s("x")})
    gets = [
        {"Get": {"TableName": "things", "Key": {"id": s("a")}, "ProjectionExpression": "v"}},
        {"Get": {"TableName": "things", "Key": {"id": s("none")}}},
    ]
    answer = db("TransactGetItems", TransactItems=gets, ReturnConsumedCapacity="TOTAL")
    assert answer == {
        "Responses": [{"Item": {"v": s("x")}}, {}],
        "ConsumedCapacity": [{"TableName": "things", "CapacityUnits": 4.0, "ReadCapacityUnits": 4.0}],
    }
