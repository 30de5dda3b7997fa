"""What operations consume, and what limits refuse."""

from __future__ import annotations

from typing import Any

import pytest

from harness.aws.limits.profiles import ESTABLISHED, FRESH, Limits


def s(text: str) -> dict[str, str]:
    return {"S": text}


def item(name: str, size_bytes: int) -> dict[str, Any]:
    """An item of exactly that size."""
    return {"id": s(name), "p": s("x" * (size_bytes - len("id") - len(name) - len("p")))}


@pytest.mark.parametrize(
    ("old_bytes", "new_bytes", "units"),
    [(None, 1024, 1), (None, 1025, 2), (3000, 100, 3), (100, 3000, 3), (5000, None, 5), (None, None, 1)],
)
def test_a_write_takes_the_larger_of_both_sizes(
    db: Any, old_bytes: int | None, new_bytes: int | None, units: int
) -> None:
    db.create()
    if old_bytes is not None:
        db.put(item("k", old_bytes))
    before = db.units()
    if new_bytes is None:
        db("DeleteItem", TableName="things", Key={"id": s("k")})
    else:
        db.put(item("k", new_bytes))
    assert db.units() - before == units


@pytest.mark.parametrize(("there", "wanted", "units"), [(2500, 9000, 9), (9000, 2500, 9), (2500, 2500, 3)])
def test_a_condition_that_fails_takes_the_units_of_the_larger_item(
    db: Any, there: int, wanted: int, units: int
) -> None:
    db.create()
    db.put(item("k", there))
    before = db.units()
    condition = {"ConditionExpression": "attribute_not_exists(id)"}
    db.fails("PutItem", TableName="things", Item=item("k", wanted), **condition)
    assert db.units() - before == units


def test_a_condition_that_fails_takes_a_unit_where_nothing_is(db: Any) -> None:
    db.create()
    exists = {"ConditionExpression": "attribute_exists(id)"}
    db.fails("DeleteItem", TableName="things", Key={"id": s("gone")}, **exists)
    assert db.units() == 1
    db.put(item("k", 2500))
    before = db.units()
    update = {"UpdateExpression": "SET p = :p", "ExpressionAttributeValues": {":p": s("x")}}
    db.fails(
        "UpdateItem",
        TableName="things",
        Key={"id": s("k")},
        ConditionExpression="attribute_not_exists(id)",
        **update,
    )
    assert db.units() - before == 3


def test_a_refused_request_takes_nothing(db: Any) -> None:
    db.create()
    db.fails("PutItem", TableName="things", Item={"id": {"N": "1"}})
    db.fails("GetItem", TableName="things", Key={})
    assert db.meters.usage() == []


@pytest.mark.parametrize(("size", "eventual", "consistent"), [(4096, 0.5, 1), (4097, 1, 2), (0, 0.5, 1)])
def test_a_read_takes_4_kb_units(db: Any, size: int, eventual: float, consistent: float) -> None:
    db.create()
    if size:
        db.put(item("k", size))
    db.get({"id": s("k")})
    assert db.units("read_request_units") == eventual
    db.get({"id": s("k")}, ConsistentRead=True)
    assert db.units("read_request_units") == eventual + consistent


def test_a_scan_adds_up_before_it_rounds(db: Any) -> None:
    db.create()
    for number in range(10):
        db.put(item(str(number), 1000))
    db("Scan", TableName="things", ConsistentRead=True)
    assert db.units("read_request_units") == 3


def test_gauges_count_items_and_their_storage(db: Any) -> None:
    db.create()
    db.put(item("a", 500))
    db.put(item("b", 300))
    db.put(item("b", 400))
    db("UpdateItem", TableName="things", Key={"id": s("a")}, UpdateExpression="REMOVE p")
    assert db.gauges() == {"item_count": 2, "storage_bytes": 403 + 2 * 100}
    assert db("DescribeTable", TableName="things")["Table"]["TableSizeBytes"] == 403


def test_a_new_on_demand_table_throttles_at_4000_writes_a_second(make_db: Any) -> None:
    db = make_db(FRESH)
    db.create()
    for number in range(4000):
        db.put({"id": s(str(number))})
    error = db.fails("PutItem", TableName="things", Item={"id": s("one more")})
    assert (error.code, error.status) == ("ThrottlingException", 400)
    assert error.message.startswith("Throughput exceeds the current capacity of your table or index.")
    assert error.fields["throttlingReasons"][0]["reason"] == "TableWriteMaxOnDemandThroughputExceeded"
    assert db.get({"id": s("one more")}) is None
    assert db.units() == 4000
    assert db.units("throttled_requests") == 1
    db.now_s += 0.1
    db.put({"id": s("one more")})


def test_an_established_table_holds_a_launch(make_db: Any) -> None:
    db = make_db(ESTABLISHED)
    db.create()
    for number in range(20_000):
        db.put({"id": s(str(number))})
    assert db.units("throttled_requests") == 0


def test_a_hot_key_throttles_at_the_partition_cap(make_db: Any) -> None:
    db = make_db(ESTABLISHED)
    db.create()
    for _ in range(1000):
        db.put({"id": s("hot")})
    error = db.fails("PutItem", TableName="things", Item={"id": s("hot")})
    assert error.fields["throttlingReasons"][0]["reason"] == "TableWriteKeyRangeThroughputExceeded"
    db.put({"id": s("cold")})


def test_a_provisioned_table_spends_its_burst(make_db: Any) -> None:
    db = make_db(Limits("test"))
    db.create(
        BillingMode="PROVISIONED", ProvisionedThroughput={"ReadCapacityUnits": 1, "WriteCapacityUnits": 1}
    )
    for number in range(300):
        db.put({"id": s(str(number))})
    error = db.fails("PutItem", TableName="things", Item={"id": s("x")})
    assert (error.code, error.status) == ("ProvisionedThroughputExceededException", 400)
    db(
        "UpdateTable",
        TableName="things",
        ProvisionedThroughput={"ReadCapacityUnits": 1, "WriteCapacityUnits": 9},
    )
    db.put({"id": s("x")})


def test_reads_are_throttled_apart_from_writes(make_db: Any) -> None:
    db = make_db(Limits("test", dynamodb_on_demand_initial_read_units_per_s=1))
    db.create("trips", "h:S", "r:S")
    db.put({"h": s("a"), "r": s("b")}, "trips")
    for _ in range(2):
        db.get({"h": s("a"), "r": s("b")}, "trips")
    query = {"KeyConditionExpression": "h = :h", "ExpressionAttributeValues": {":h": s("a")}}
    assert db.fails("Query", TableName="trips", **query).code == "ThrottlingException"
    assert db.fails("Scan", TableName="trips").code == "ThrottlingException"
    db.put({"h": s("a"), "r": s("c")}, "trips")
    assert db.units("read_request_units", "trips") == 1


def test_without_limits_nothing_throttles(db: Any) -> None:
    db.create(
        BillingMode="PROVISIONED", ProvisionedThroughput={"ReadCapacityUnits": 1, "WriteCapacityUnits": 1}
    )
    for number in range(2000):
        db.put({"id": s("hot"), "n": {"N": str(number)}})
    assert db.units("throttled_requests") == 0


def test_warm_throughput_raises_the_first_rate(make_db: Any) -> None:
    db = make_db(Limits("test", dynamodb_on_demand_initial_write_units_per_s=1))
    db.create(WarmThroughput={"ReadUnitsPerSecond": 12_000, "WriteUnitsPerSecond": 50})
    for number in range(50):
        db.put({"id": s(str(number))})
    assert db.fails("PutItem", TableName="things", Item={"id": s("x")}).code == "ThrottlingException"


def test_a_maximum_of_its_own_throttles_a_table(make_db: Any) -> None:
    db = make_db(ESTABLISHED)
    db.create(OnDemandThroughput={"MaxReadRequestUnits": -1, "MaxWriteRequestUnits": 2})
    for number in range(2):
        db.put({"id": s(str(number))})
    assert db.fails("PutItem", TableName="things", Item={"id": s("x")}).code == "ThrottlingException"
    for _ in range(10):
        db.get({"id": s("0")})


def test_calls_are_tallied_by_the_invocation_that_made_them(db: Any) -> None:
    db.create()
    db.context.trace_id = "1-5759e988-bd862e3fe1be46a994272793"
    db.put({"id": s("a")})
    db.put({"id": s("b")})
    db("BatchGetItem", RequestItems={"things": {"Keys": [{"id": s("a")}]}})
    db("TransactWriteItems", TransactItems=[{"Delete": {"TableName": "things", "Key": {"id": s("a")}}}])
    tallies = {(call.service, call.operation, call.resource): call.calls for call in db.meters.take_calls()}
    assert tallies == {
        ("dynamodb", "PutItem", "things"): 2,
        ("dynamodb", "BatchGetItem", "things"): 1,
        ("dynamodb", "TransactWriteItems", "things"): 1,
    }
