"""DynamoDB: batches, transactions and tables."""

from __future__ import annotations

from typing import Any

from tests.conformance.behaviours.dynamodb.tables import READ, Table, create, plain, wire
from tests.conformance.catalogue import behaviour, reference
from tests.conformance.kit import Cleanup, refusing, until
from tests.conformance.targets import Aws

# --- batches -----------------------------------------------------------------------------------------------


@behaviour(
    "dynamodb.batch-write-puts-and-deletes",
    "BatchWriteItem puts and deletes up to 25 items, and says what it did not process.",
    reference(
        "dynamodb", "BatchWriteItem", "consisting of up to 25 item put or delete operations", read=READ
    ),
)
def test_batch_write(table: Table) -> None:
    table.put(99)
    writes: list[dict[str, Any]] = [{"DeleteRequest": {"Key": table.key(99)}}]
    writes += [{"PutRequest": {"Item": wire({"pk": table.pk, "sk": i})}} for i in range(24)]
    answer = table.db.batch_write_item(RequestItems={table.name: writes})
    assert answer["UnprocessedItems"] == {}
    assert table.sks() == list(range(24))
    writes.append({"PutRequest": {"Item": wire({"pk": table.pk, "sk": 100})}})
    with refusing("ValidationException", status=400):
        table.db.batch_write_item(RequestItems={table.name: writes})


@behaviour(
    "dynamodb.batch-write-takes-an-item-once",
    "BatchWriteItem with two operations on one item is refused as a whole.",
    reference(
        "dynamodb", "BatchWriteItem", "You try to perform multiple operations on the same item", read=READ
    ),
)
def test_batch_write_twice(table: Table) -> None:
    put = {"PutRequest": {"Item": table.key(1)}}
    with refusing("ValidationException", saying="(?i)duplicate", status=400):
        table.db.batch_write_item(RequestItems={table.name: [put, {"DeleteRequest": {"Key": table.key(1)}}]})
    assert table.get() is None


@behaviour(
    "dynamodb.batch-get-returns-what-there-is",
    "BatchGetItem returns the items that are there, in no order, up to 100 keys, none of them twice.",
    reference("dynamodb", "BatchGetItem", "can contain as many as 100 items", read=READ),
)
def test_batch_get(table: Table) -> None:
    for sk in range(3):
        table.put(sk)

    def get(*sks: int) -> dict[str, Any]:
        keys = [table.key(sk) for sk in sks]
        answer: dict[str, Any] = table.db.batch_get_item(
            RequestItems={table.name: {"Keys": keys, "ConsistentRead": True}}
        )
        return answer

    answer = get(0, 1, 2, 404)
    assert sorted(int(item["sk"]["N"]) for item in answer["Responses"][table.name]) == [0, 1, 2]
    assert answer["UnprocessedKeys"] == {}
    with refusing("ValidationException", saying="(?i)duplicate", status=400):
        get(1, 1)
    with refusing("ValidationException", status=400):
        get(*range(101))


# --- transactions ------------------------------------------------------------------------------------------


def transact(table: Table, *operations: tuple[str, dict[str, Any]], **more: Any) -> dict[str, Any]:
    items = [{kind: {"TableName": table.name, **operation}} for kind, operation in operations]
    answer: dict[str, Any] = table.db.transact_write_items(TransactItems=items, **more)
    return answer


def put_of(table: Table, sk: int, **more: Any) -> tuple[str, dict[str, Any]]:
    return "Put", {"Item": table.key(sk), **more}


@behaviour(
    "dynamodb.transaction-is-all-or-nothing",
    "TransactWriteItems does all of its puts, updates, deletes and checks, or none, and gives each a reason.",
    reference("dynamodb", "TransactWriteItems", "either all of them succeed, or all of them fail", read=READ),
)
def test_transaction(table: Table) -> None:
    table.put(1, n=1)
    table.put(2)
    update = {
        "Key": table.key(1),
        "UpdateExpression": "SET n = :n",
        "ExpressionAttributeValues": wire({":n": 2}),
    }
    absent = {"Key": table.key(404), "ConditionExpression": "attribute_exists(pk)"}
    reasons: list[str] = []
    with refusing("TransactionCanceledException", status=400):
        try:
            transact(
                table,
                put_of(table, 3),
                ("Update", update),
                ("Delete", {"Key": table.key(2)}),
                ("ConditionCheck", absent),
            )
        except table.db.exceptions.TransactionCanceledException as error:
            reasons = [reason["Code"] for reason in error.response["CancellationReasons"]]
            raise
    assert reasons == ["None", "None", "None", "ConditionalCheckFailed"]
    assert table.sks() == [1, 2]
    assert table.get(1) == {"n": 1}
    transact(table, put_of(table, 3), ("Update", update), ("Delete", {"Key": table.key(2)}))
    assert (table.sks(), table.get(1)) == ([1, 3], {"n": 2})


@behaviour(
    "dynamodb.transaction-token-is-idempotent",
    "A transaction with the token of one that was done changes nothing; with other contents it is refused.",
    reference("dynamodb", "TransactWriteItems", "makes the call to TransactWriteItems idempotent", read=READ),
)
def test_transaction_token(table: Table, aws: Aws) -> None:
    count = {
        "Key": table.key(1),
        "UpdateExpression": "ADD n :n",
        "ExpressionAttributeValues": wire({":n": 1}),
    }
    token = aws.name("token")
    for _ in range(2):
        transact(table, ("Update", count), ClientRequestToken=token)
    assert table.get() == {"n": 1}
    with refusing("IdempotentParameterMismatchException", status=400):
        transact(table, put_of(table, 2), ClientRequestToken=token)


@behaviour(
    "dynamodb.transaction-takes-an-item-once",
    "A transaction with two operations on one item is refused.",
    reference("dynamodb", "TransactWriteItems", "no two actions can target the same item", read=READ),
)
def test_transaction_twice(table: Table) -> None:
    with refusing("ValidationException", saying="(?i)multiple operations", status=400):
        transact(table, put_of(table, 1), ("Delete", {"Key": table.key(1)}))
    assert table.get() is None


@behaviour(
    "dynamodb.transaction-reads-together",
    "TransactGetItems returns the items in the order of its keys, an empty one for each that is not there.",
    reference("dynamodb", "TransactGetItems", "the corresponding ItemResponse object is Null", read=READ),
)
def test_transact_get(table: Table) -> None:
    table.put(1, a=1)
    table.put(2, a=2)
    gets = [{"Get": {"TableName": table.name, "Key": table.key(sk)}} for sk in (2, 404, 1)]
    answer = table.db.transact_get_items(TransactItems=gets)["Responses"]
    assert [plain(row.get("Item", {})).get("a") for row in answer] == [2, None, 1]


@behaviour(
    "dynamodb.transaction-is-100-at-most",
    "A transaction of more than 100 operations is refused.",
    reference("dynamodb", "TransactWriteItems", "groups up to 100 action requests", read=READ),
)
def test_transaction_size(table: Table) -> None:
    transact(table, *(put_of(table, sk) for sk in range(100)))
    assert len(table.sks()) == 100
    with refusing("ValidationException", status=400):
        transact(table, *(put_of(table, sk) for sk in range(101)))


@behaviour(
    "dynamodb.cancelled-transaction-tells-the-item",
    "A transaction that a condition cancels tells the item that failed it, when ALL_OLD is asked for.",
    reference("dynamodb", "Put", "to get the item attributes if the Put condition fails", read=READ),
)
def test_transaction_tells(table: Table) -> None:
    table.put(1, a=1)
    absent = {
        "ConditionExpression": "attribute_not_exists(pk)",
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }
    reasons: list[dict[str, Any]] = []
    with refusing("TransactionCanceledException", status=400):
        try:
            transact(table, put_of(table, 2), put_of(table, 1, **absent))
        except table.db.exceptions.TransactionCanceledException as error:
            reasons = error.response["CancellationReasons"]
            raise
    assert [reason["Code"] for reason in reasons] == ["None", "ConditionalCheckFailed"]
    assert plain(reasons[1]["Item"])["a"] == 1


# --- tables ------------------------------------------------------------------------------------------------


@behaviour(
    "dynamodb.no-such-table",
    "An operation on a table that does not exist is refused with ResourceNotFoundException.",
    reference("dynamodb", "GetItem", "The operation tried to access a nonexistent table or index", read=READ),
)
def test_no_such_table(table: Table, aws: Aws) -> None:
    missing = aws.name("missing")
    with refusing("ResourceNotFoundException", status=400):
        table.db.get_item(TableName=missing, Key=table.key())
    with refusing("ResourceNotFoundException", status=400):
        table.db.describe_table(TableName=missing)


@behaviour(
    "dynamodb.table-names-are-unique",
    "Creating a table whose name is taken is refused with ResourceInUseException.",
    reference("dynamodb", "CreateTable", "You attempted to recreate an existing table", read=READ),
)
def test_create_twice(table: Table) -> None:
    with refusing("ResourceInUseException", status=400):
        table.db.create_table(
            TableName=table.name,
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        )


@behaviour(
    "dynamodb.keys-are-defined",
    "A table whose key attributes and attribute definitions do not match is refused.",
    reference("dynamodb", "CreateTable", "must also be defined in the AttributeDefinitions array", read=READ),
)
def test_definitions(aws: Aws) -> None:
    db = aws.client("dynamodb")
    for defined in (["other"], ["pk", "unused"]):
        with refusing("ValidationException", status=400):
            db.create_table(
                TableName=aws.name("table"),
                BillingMode="PAY_PER_REQUEST",
                KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
                AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in defined],
            )


@behaviour(
    "dynamodb.table-is-described",
    "DescribeTable tells the keys, the indexes with their projections, the billing mode and the ARN.",
    reference("dynamodb", "DescribeTable", "Returns information about the table", read=READ),
)
def test_describe(table: Table) -> None:
    told = table.db.describe_table(TableName=table.name)["Table"]
    assert [key["AttributeName"] for key in told["KeySchema"]] == ["pk", "sk"]
    assert told["TableArn"].endswith(f":table/{table.name}")
    assert told["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    (gsi,) = told["GlobalSecondaryIndexes"]
    assert (gsi["IndexName"], gsi["IndexStatus"]) == ("by-rank", "ACTIVE")
    assert gsi["Projection"]["ProjectionType"] == "KEYS_ONLY"
    assert told["LocalSecondaryIndexes"][0]["Projection"]["NonKeyAttributes"] == ["shown"]


@behaviour(
    "dynamodb.time-to-live-is-described",
    "Time to live is off at first; enabled, it tells its attribute.",
    reference(
        "dynamodb", "DescribeTimeToLive", "Time to Live (TTL) status on the specified table", read=READ
    ),
)
def test_time_to_live(aws: Aws, cleanup: Cleanup) -> None:
    made = create(aws, cleanup)

    def told() -> dict[str, Any]:
        found: dict[str, Any] = made.db.describe_time_to_live(TableName=made.name)["TimeToLiveDescription"]
        return found

    assert told()["TimeToLiveStatus"] == "DISABLED"
    wanted = {"Enabled": True, "AttributeName": "expires"}
    made.db.update_time_to_live(TableName=made.name, TimeToLiveSpecification=wanted)
    until(lambda: told()["TimeToLiveStatus"] == "ENABLED", "time to live is enabled")
    assert told()["AttributeName"] == "expires"
