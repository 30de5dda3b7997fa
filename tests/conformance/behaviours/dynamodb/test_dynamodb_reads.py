"""DynamoDB: queries, scans and indexes."""

from __future__ import annotations

from typing import Any

from tests.conformance.behaviours.dynamodb.tables import (
    READ,
    Table,
    create,
    guide,
    plain,
    wire,
)
from tests.conformance.catalogue import behaviour, reference
from tests.conformance.kit import Cleanup, refusing, until
from tests.conformance.targets import Aws

# --- queries -----------------------------------------------------------------------------------------------


@behaviour(
    "dynamodb.query-is-sorted-by-number",
    "A query returns items by their sort key in numerical order, and backwards when it is asked to.",
    reference("dynamodb", "Query", "Query results are always sorted by the sort key value", read=READ),
)
def test_sorted(table: Table) -> None:
    for sk in (10, 9, -1, 100):
        table.put(sk)
    assert table.sks() == [-1, 9, 10, 100]
    assert table.sks(ScanIndexForward=False) == [100, 10, 9, -1]


@behaviour(
    "dynamodb.query-conditions-on-the-sort-key",
    "A key condition takes a range of the sort key; on the partition key it is equality only.",
    reference(
        "dynamodb",
        "Query",
        "perform an equality test on a single partition key",
        read=READ,
    ),
)
def test_key_conditions(table: Table) -> None:
    for sk in range(1, 6):
        table.put(sk)
    assert table.sks("pk = :pk AND sk > :n", values={":n": 3}) == [4, 5]
    assert table.sks("pk = :pk AND sk BETWEEN :n AND :m", values={":n": 2, ":m": 3}) == [2, 3]
    with refusing("ValidationException", status=400):
        table.query("pk > :pk")


@behaviour(
    "dynamodb.query-goes-on-where-it-stopped",
    "A query stops at its Limit with a LastEvaluatedKey, which goes on behind it.",
    reference("dynamodb", "Query", "the item where the operation stopped", read=READ),
)
def test_pages(table: Table) -> None:
    for sk in range(1, 6):
        table.put(sk)
    seen: list[int] = []
    more: dict[str, Any] = {}
    while True:
        page = table.query(Limit=2, **more)
        seen += [int(item["sk"]["N"]) for item in page["Items"]]
        assert len(page["Items"]) <= 2
        if "LastEvaluatedKey" not in page:
            break
        more = {"ExclusiveStartKey": page["LastEvaluatedKey"]}
    assert seen == [1, 2, 3, 4, 5]


@behaviour(
    "dynamodb.filter-comes-after-the-limit",
    "A filter is applied to what the Limit let through: fewer items may return, with a LastEvaluatedKey.",
    reference("dynamodb", "Query", "applied after the items have already been read", read=READ),
)
def test_filter(table: Table) -> None:
    for sk in range(1, 5):
        table.put(sk, even=sk % 2 == 0)
    page = table.query(Limit=3, FilterExpression="even = :yes", values={":yes": True})
    assert (page["Count"], page["ScannedCount"]) == (1, 3)
    assert page["LastEvaluatedKey"] == table.key(3)


@behaviour(
    "dynamodb.query-page-is-a-megabyte",
    "A query reads at most 1 MB before it stops with a LastEvaluatedKey.",
    reference("dynamodb", "Query", "exceeds 1 MB", read=READ),
)
def test_megabyte(table: Table) -> None:
    for sk in range(1, 5):
        table.put_patiently(sk, body="x" * 380_000)
    first = table.query()
    assert 2 <= first["Count"] <= 3
    rest = table.query(ExclusiveStartKey=first["LastEvaluatedKey"])
    assert first["Count"] + rest["Count"] == 4
    assert "LastEvaluatedKey" not in rest


@behaviour(
    "dynamodb.query-counts",
    "Select COUNT returns the number of items and none of them.",
    reference("dynamodb", "Query", "rather than the matching items themselves", read=READ),
)
def test_count(table: Table) -> None:
    for sk in range(3):
        table.put(sk)
    answer = table.query(Select="COUNT")
    assert (answer["Count"], answer.get("Items", [])) == (3, [])


@behaviour(
    "dynamodb.parallel-scan-sees-each-item-once",
    "The segments of a parallel scan together return every item once.",
    reference("dynamodb", "Scan", "Segment identifies an individual segment to be scanned", read=READ),
)
def test_parallel_scan(aws: Aws, cleanup: Cleanup) -> None:
    made = create(aws, cleanup)
    expected = {(f"p{i % 7}", i) for i in range(40)}
    for pk, sk in expected:
        made.db.put_item(TableName=made.name, Item=wire({"pk": pk, "sk": sk}))
    seen = []
    for segment in range(3):
        found = made.db.scan(TableName=made.name, Segment=segment, TotalSegments=3, ConsistentRead=True)
        seen += [(plain(item)["pk"], int(plain(item)["sk"])) for item in found["Items"]]
    assert sorted(seen) == sorted(expected)


# --- indexes -----------------------------------------------------------------------------------------------


@behaviour(
    "dynamodb.global-index-is-sparse",
    "A global secondary index has the items that have its keys, in its order, with what it projects.",
    guide("Using Global Secondary Indexes in DynamoDB", "GSI"),
)
def test_global_index(table: Table) -> None:
    team = table.pk
    table.put(1, team=team, rank=20, secret="x")
    table.put(2, team=team, rank=3)
    table.put(3, rank=1)

    def ranked() -> list[dict[str, Any]]:
        found = table.db.query(
            TableName=table.name,
            IndexName="by-rank",
            KeyConditionExpression="team = :team",
            ExpressionAttributeValues=wire({":team": team}),
        )
        return [plain(item) for item in found["Items"]]

    rows = until(lambda: (rows := ranked()) and len(rows) == 2 and rows, "the index has both items")
    assert rows == [
        {"pk": team, "sk": 2, "team": team, "rank": 3},
        {"pk": team, "sk": 1, "team": team, "rank": 20},
    ]


@behaviour(
    "dynamodb.global-index-follows-updates",
    "An item leaves a global secondary index when it loses the index's key, and moves when the key changes.",
    guide("Using Global Secondary Indexes in DynamoDB", "GSI"),
)
def test_global_index_follows(table: Table) -> None:
    team = table.pk

    def ranks() -> list[int]:
        found = table.db.query(
            TableName=table.name,
            IndexName="by-rank",
            KeyConditionExpression="team = :team",
            ExpressionAttributeValues=wire({":team": team}),
        )
        return [int(plain(item)["rank"]) for item in found["Items"]]

    table.put(1, team=team, rank=1)
    table.put(2, team=team, rank=2)
    table.update("SET #r = :r", sk=1, values={":r": 9}, ExpressionAttributeNames={"#r": "rank"})
    until(lambda: ranks() == [2, 9], "the item moves")
    table.update("REMOVE team", sk=2)
    until(lambda: ranks() == [9], "the item leaves")


@behaviour(
    "dynamodb.global-index-is-not-read-consistently",
    "A consistent read of a global secondary index is refused.",
    reference(
        "dynamodb",
        "Query",
        "not supported on global secondary indexes",
        read=READ,
    ),
)
def test_consistent_index(table: Table) -> None:
    with refusing("ValidationException", saying="(?i)consistent", status=400):
        table.db.query(
            TableName=table.name,
            IndexName="by-rank",
            ConsistentRead=True,
            KeyConditionExpression="team = :team",
            ExpressionAttributeValues=wire({":team": "x"}),
        )


@behaviour(
    "dynamodb.local-index-sorts-otherwise",
    "A local secondary index sorts a partition by another attribute, read consistently, and fetches what it"
    " does not project.",
    guide("Local secondary indexes", "LSI"),
)
def test_local_index(table: Table) -> None:
    table.put(1, at="2026-02", shown=1, hidden=1)
    table.put(2, at="2026-01", shown=2, hidden=2)
    table.put(3, shown=3)
    found = table.query(IndexName="by-at", ConsistentRead=True)["Items"]
    assert [plain(item) for item in found] == [
        {"pk": table.pk, "sk": 2, "at": "2026-01", "shown": 2},
        {"pk": table.pk, "sk": 1, "at": "2026-02", "shown": 1},
    ]
    fetched = table.query(IndexName="by-at", ConsistentRead=True, Select="ALL_ATTRIBUTES")["Items"]
    assert [plain(item)["hidden"] for item in fetched] == [2, 1]


@behaviour(
    "dynamodb.index-key-has-its-type",
    "An item whose attribute is a key of an index, but of another type, is refused.",
    guide("Using Global Secondary Indexes in DynamoDB", "GSI"),
)
def test_index_key_type(table: Table) -> None:
    with refusing("ValidationException", saying="(?i)type mismatch", status=400):
        table.put(1, team=table.pk, rank="first")
