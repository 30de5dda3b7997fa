# ruff: noqa: E501  AWS's messages stand whole, to be searched for

from __future__ import annotations

from typing import Any

import pytest


def n(number: Any) -> dict[str, str]:
    return {"N": str(number)}


def s(text: str) -> dict[str, str]:
    return {"S": text}


@pytest.fixture
def trips(db: Any) -> Any:
    """Range keys 0.5, 1, ..., 10 under `x`, one under `y`."""
    db.create("trips", "h:S", "r:N")
    for r in (3, 1, 10, -2, "0.5"):
        db.put({"h": s("x"), "r": n(r), "v": n(float(r) * 2)}, "trips")
    db.put({"h": s("y"), "r": n(1), "v": n(7)}, "trips")
    return db


def query(db: Any, condition: str, /, **members: Any) -> Any:
    values = {f":{name}": members.pop(name) for name in list(members) if name.islower()}
    return db(
        "Query",
        TableName=members.pop("TableName", "trips"),
        KeyConditionExpression=condition,
        ExpressionAttributeValues=values,
        **members,
    )


def ranges(answer: Any) -> list[str]:
    return [item["r"]["N"] for item in answer["Items"]]


@pytest.mark.parametrize(
    ("condition", "values", "found"),
    [
        ("h = :h", {}, ["-2", "0.5", "1", "3", "10"]),
        (":h = h", {}, ["-2", "0.5", "1", "3", "10"]),
        ("h = :h AND r = :a", {"a": n("1.0")}, ["1"]),
        ("h = :h AND r < :a", {"a": n(1)}, ["-2", "0.5"]),
        ("h = :h AND r <= :a", {"a": n(1)}, ["-2", "0.5", "1"]),
        ("r > :a AND h = :h", {"a": n(1)}, ["3", "10"]),
        ("h = :h AND :a < r", {"a": n(1)}, ["3", "10"]),
        ("(h = :h) AND (r >= :a)", {"a": n(3)}, ["3", "10"]),
        ("h = :h AND r BETWEEN :a AND :b", {"a": n(0), "b": n(3)}, ["0.5", "1", "3"]),
    ],
)
def test_key_conditions(trips: Any, condition: str, values: dict[str, Any], found: list[str]) -> None:
    assert ranges(query(trips, condition, h=s("x"), **values)) == found
    assert ranges(query(trips, condition, h=s("x"), ScanIndexForward=False, **values)) == found[::-1]


def test_begins_with_on_strings_and_binary(db: Any) -> None:
    db.create("t-s", "h:S", "r:S")
    for r in ("a", "ab", "abc", "ac", "b", "\U0010ffff", "\U0010ffff1"):
        db.put({"h": s("x"), "r": s(r)}, "t-s")
    found = query(db, "h = :h AND begins_with(r, :p)", TableName="t-s", h=s("x"), p=s("ab"))
    assert [item["r"]["S"] for item in found["Items"]] == ["ab", "abc"]
    found = query(db, "h = :h AND begins_with(r, :p)", TableName="t-s", h=s("x"), p=s("\U0010ffff"))
    assert found["Count"] == 2
    db.create("t-b", "h:S", "r:B")
    for r in ("/w==", "//8=", "/v8="):
        db.put({"h": s("x"), "r": {"B": r}}, "t-b")
    found = query(db, "h = :h AND begins_with(r, :p)", TableName="t-b", h=s("x"), p={"B": "/w=="})
    assert [item["r"]["B"] for item in found["Items"]] == ["/w==", "//8="]


def test_strings_order_by_utf8_bytes(db: Any) -> None:
    db.create("t-s", "h:S", "r:S")
    for r in ("\uffff", "\U00010000", "é", "z", "Z"):
        db.put({"h": s("x"), "r": s(r)}, "t-s")
    found = query(db, "h = :h", TableName="t-s", h=s("x"))
    assert [item["r"]["S"] for item in found["Items"]] == ["Z", "z", "é", "\uffff", "\U00010000"]


def test_a_table_without_range_key_is_queried_for_one_item(db: Any) -> None:
    db.create()
    db.put({"id": s("a"), "v": n(1)})
    assert query(db, "id = :h", TableName="things", h=s("a"))["Items"] == [{"id": s("a"), "v": n(1)}]
    assert query(db, "id = :h", TableName="things", h=s("b"))["Items"] == []


def test_the_filter_works_after_the_limit_and_counts_apart(trips: Any) -> None:
    answer = query(trips, "h = :h", FilterExpression="v > :v", Limit=3, h=s("x"), v=n(0))
    assert ranges(answer) == ["0.5", "1"]
    assert (answer["Count"], answer["ScannedCount"]) == (2, 3)
    assert answer["LastEvaluatedKey"] == {"h": s("x"), "r": n(1)}


def test_pages_by_limit_both_ways(trips: Any) -> None:
    for forward in (True, False):
        found: list[str] = []
        start: dict[str, Any] = {}
        while True:
            answer = query(trips, "h = :h", h=s("x"), Limit=2, ScanIndexForward=forward, **start)
            found += ranges(answer)
            if "LastEvaluatedKey" not in answer:
                break
            start = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}
        assert found == ["-2", "0.5", "1", "3", "10"][:: 1 if forward else -1]


def test_a_limit_that_is_reached_at_the_end_still_gives_a_key(trips: Any) -> None:
    answer = query(trips, "h = :h", h=s("y"), Limit=1)
    assert answer["LastEvaluatedKey"] == {"h": s("y"), "r": n(1)}
    assert query(trips, "h = :h", h=s("y"), ExclusiveStartKey=answer["LastEvaluatedKey"])["Items"] == []


def test_pages_end_before_a_megabyte(db: Any) -> None:
    db.create("trips", "h:S", "r:N")
    for r in range(4):
        db.put({"h": s("x"), "r": n(r), "pad": s("p" * 300_000)}, "trips")
    first = query(db, "h = :h", h=s("x"), ReturnConsumedCapacity="TOTAL")
    assert ranges(first) == ["0", "1", "2"]
    assert first["ConsumedCapacity"]["CapacityUnits"] == 110.0  # 3 x 300,010 bytes in 4 KB, halved
    second = query(db, "h = :h", h=s("x"), ExclusiveStartKey=first["LastEvaluatedKey"])
    assert ranges(second) == ["3"]
    assert "LastEvaluatedKey" not in second


def test_projection_count_and_capacity(trips: Any) -> None:
    answer = query(
        trips, "h = :h", h=s("x"), ProjectionExpression="v", Limit=1, ReturnConsumedCapacity="TOTAL"
    )
    assert answer["Items"] == [{"v": n(-4)}]
    assert answer["ConsumedCapacity"] == {"TableName": "trips", "CapacityUnits": 0.5}
    answer = query(
        trips, "h = :h", h=s("x"), Select="COUNT", ConsistentRead=True, ReturnConsumedCapacity="INDEXES"
    )
    assert answer == {
        "Count": 5,
        "ScannedCount": 5,
        "ConsumedCapacity": {"TableName": "trips", "CapacityUnits": 1.0, "Table": {"CapacityUnits": 1.0}},
    }


@pytest.mark.parametrize(
    ("condition", "members", "message"),
    [
        ("h > :h", {}, "Query key condition not supported"),
        ("r = :one", {"one": n(1)}, "Query condition missed key schema element: h"),
        ("h = :h AND v = :one", {"one": n(1)}, "Query condition missed key schema element: r"),
        ("h = :h AND h = :h", {}, "KeyConditionExpressions must only contain one condition per key"),
        ("h = :h AND r > :one AND v = :one", {"one": n(1)}, "Conditions can be of length 1 or 2 only"),
        ("h = :h OR r = :one", {"one": n(1)}, "Invalid operator used in KeyConditionExpression: OR"),
        ("NOT h = :h", {}, "Invalid operator used in KeyConditionExpression: NOT"),
        ("h = :h AND r IN (:one)", {"one": n(1)}, "Invalid operator used in KeyConditionExpression: IN"),
        ("h = :h AND r <> :one", {"one": n(1)}, "Invalid operator used in KeyConditionExpression: <>"),
        (
            "h = :h AND attribute_exists(r)",
            {},
            "Invalid operator used in KeyConditionExpression: attribute_exists",
        ),
        (
            "h = :h AND r = :one",
            {"one": s("1")},
            "One or more parameter values were invalid: Condition parameter type does not match schema type",
        ),
        ("h.x = :h", {}, "KeyConditionExpressions cannot have conditions on nested attributes"),
        (
            "h = :h",
            {"FilterExpression": "r > :one", "one": n(1)},
            "Filter Expression can only contain non-primary key attributes: Primary key attribute: r",
        ),
        ("h = :h", {"IndexName": "nope"}, "The table does not have the specified index: nope"),
        (
            "h = :h",
            {"Limit": 0},
            "1 validation error detected: Value '0' at 'limit' failed to satisfy constraint: Member must have value greater than or equal to 1",
        ),
        ("h = :h", {"ExclusiveStartKey": {"h": s("x")}}, "The provided starting key is invalid"),
        (
            "h = :h",
            {"ExclusiveStartKey": {"h": s("z"), "r": n(1)}},
            "The provided starting key is outside query boundaries based on provided conditions",
        ),
        (
            "h = :h",
            {"Select": "SPECIFIC_ATTRIBUTES"},
            "Must specify the AttributesToGet or ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES",
        ),
        (
            "h = :h",
            {"Select": "COUNT", "ProjectionExpression": "v"},
            "Cannot specify the ProjectionExpression when choosing to get only the Count",
        ),
        (
            "h = :h",
            {"KeyConditions": {}},
            "The parameter KeyConditions of Query is not offered by Launchday's DynamoDB. Use KeyConditionExpression.",
        ),
    ],
)
def test_a_wrong_query_is_refused_in_aws_words(
    trips: Any, condition: str, members: dict[str, Any], message: str
) -> None:
    values = {":h": s("x")} if ":h" in condition else {}
    if "one" in members:
        values[":one"] = members.pop("one")
    error = trips.fails(
        "Query",
        TableName="trips",
        KeyConditionExpression=condition,
        ExpressionAttributeValues=values,
        **members,
    )
    assert (error.code, error.message) == ("ValidationException", message)


def test_a_query_needs_a_key_condition(trips: Any) -> None:
    error = trips.fails("Query", TableName="trips")
    assert (
        error.message
        == "Either the KeyConditions or KeyConditionExpression parameter must be specified in the request."
    )


def scan_all(db: Any, **members: Any) -> list[str]:
    """The keys that a paged scan finds, in order."""
    found: list[str] = []
    while True:
        answer = db("Scan", TableName="things", Limit=9, **members)
        found += [item["id"]["S"] for item in answer["Items"]]
        if "LastEvaluatedKey" not in answer:
            return found
        members["ExclusiveStartKey"] = answer["LastEvaluatedKey"]


@pytest.mark.parametrize("segments", [1, 3, 7, 5_000])
def test_a_scan_reads_everything_once_in_pages_and_in_segments(db: Any, segments: int) -> None:
    db.create()
    for number in range(60):
        db.put({"id": s(f"thing-{number}")})
    whole = scan_all(db)
    parts = [scan_all(db, Segment=part, TotalSegments=segments) for part in range(segments)]
    assert len(whole) == len(set(whole)) == 60
    assert [key for part in parts for key in part] == whole


def test_a_scan_goes_on_after_a_key_that_was_deleted_meanwhile(db: Any) -> None:
    db.create()
    for number in range(50):
        db.put({"id": s(f"thing-{number}")})
    first = db("Scan", TableName="things", Limit=20)
    for item in first["Items"]:
        db("DeleteItem", TableName="things", Key=item)
    rest = db("Scan", TableName="things", ExclusiveStartKey=first["LastEvaluatedKey"])
    assert rest["Count"] == 30


def test_a_scan_filters_on_keys_too_and_counts_what_it_read(trips: Any) -> None:
    answer = trips(
        "Scan",
        TableName="trips",
        FilterExpression="r > :a",
        ExpressionAttributeValues={":a": n(1)},
        ReturnConsumedCapacity="TOTAL",
    )
    assert sorted(ranges(answer)) == ["10", "3"]
    assert (answer["Count"], answer["ScannedCount"]) == (2, 6)
    assert answer["ConsumedCapacity"]["CapacityUnits"] == 0.5


@pytest.mark.parametrize(
    ("members", "message"),
    [
        (
            {"Segment": 1},
            "The TotalSegments parameter is required but was not present in the request when Segment parameter is present",
        ),
        (
            {"TotalSegments": 1},
            "The Segment parameter is required but was not present in the request when parameter TotalSegments is present",
        ),
        (
            {"TotalSegments": 1, "Segment": 1},
            "The Segment parameter is zero-based and must be less than parameter TotalSegments: Segment: 1 is not less than TotalSegments: 1",
        ),
        (
            {"ScanFilter": {}},
            "The parameter ScanFilter of Scan is not offered by Launchday's DynamoDB. Use FilterExpression.",
        ),
        (
            {"ExclusiveStartKey": {"h": s("x"), "r": s("1")}},
            "The provided starting key is invalid: The provided key element does not match the schema",
        ),
    ],
)
def test_a_wrong_scan_is_refused_in_aws_words(trips: Any, members: dict[str, Any], message: str) -> None:
    assert trips.fails("Scan", TableName="trips", **members).message == message
