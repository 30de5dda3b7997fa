"""DynamoDB: items, expressions, conditions, transactions, batches, indexes, numbers, pages and limits."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest
from boto3.dynamodb.types import Binary, TypeDeserializer, TypeSerializer

from tests.conformance.catalogue import behaviour, documented, observed, reference
from tests.conformance.kit import Cleanup, refusing, until
from tests.conformance.targets import Aws

READ = "2026-11-24"
_GUIDE = "amazondynamodb/latest/developerguide"


def guide(title: str, page: str) -> Any:
    return documented(f"DynamoDB Developer Guide, {title}", f"{_GUIDE}/{page}.html", read=READ)


OBSERVED = observed("DynamoDB, as the tests of dynalite record it, which are run against it", seen=READ)


def wire(item: Mapping[str, Any]) -> dict[str, Any]:
    """An item as it goes over the wire."""
    return {name: TypeSerializer().serialize(value) for name, value in item.items()}


def plain(item: Mapping[str, Any]) -> dict[str, Any]:
    """The inverse of `wire`."""
    return {name: TypeDeserializer().deserialize(value) for name, value in item.items()}


@dataclass(frozen=True)
class Table:
    """A table whose items have the key (`pk` string, `sk` number); `pk` is a case's own."""

    db: Any
    name: str
    pk: str

    def key(self, sk: int = 1) -> dict[str, Any]:
        return wire({"pk": self.pk, "sk": sk})

    def put(self, sk: int = 1, more: Mapping[str, Any] | None = None, **attributes: Any) -> dict[str, Any]:
        item = {"pk": self.pk, "sk": sk, **attributes}
        answer: dict[str, Any] = self.db.put_item(TableName=self.name, Item=wire(item), **(more or {}))
        return answer

    def get(self, sk: int = 1) -> dict[str, Any] | None:
        """The item without its key; None when there is none."""
        found = self.db.get_item(TableName=self.name, Key=self.key(sk), ConsistentRead=True).get("Item")
        return None if found is None else {k: v for k, v in plain(found).items() if k not in ("pk", "sk")}

    def update(self, expression: str, sk: int = 1, **more: Any) -> dict[str, Any]:
        """`values` are plain; the rest is UpdateItem's own."""
        if values := more.pop("values", None):
            more["ExpressionAttributeValues"] = wire(values)
        asked = {"TableName": self.name, "Key": self.key(sk), "UpdateExpression": expression, **more}
        answer: dict[str, Any] = self.db.update_item(**asked)
        return answer

    def query(self, condition: str = "pk = :pk", **more: Any) -> dict[str, Any]:
        values = wire({":pk": self.pk, **more.pop("values", {})})
        answer: dict[str, Any] = self.db.query(
            TableName=self.name,
            KeyConditionExpression=condition,
            ExpressionAttributeValues=values,
            **more,
        )
        return answer

    def sks(self, condition: str = "pk = :pk", **more: Any) -> list[int]:
        return [int(item["sk"]["N"]) for item in self.query(condition, **more)["Items"]]


def create(aws: Aws, cleanup: Cleanup, **more: Any) -> Table:
    db, name = aws.client("dynamodb"), aws.name("table")
    asked: dict[str, Any] = {
        "TableName": name,
        "BillingMode": "PAY_PER_REQUEST",
        "KeySchema": [
            {"AttributeName": "pk", "KeyType": "HASH"},
            {"AttributeName": "sk", "KeyType": "RANGE"},
        ],
        "AttributeDefinitions": [
            {"AttributeName": "pk", "AttributeType": "S"},
            {"AttributeName": "sk", "AttributeType": "N"},
        ],
    }
    asked["AttributeDefinitions"] += more.pop("AttributeDefinitions", [])
    db.create_table(**{**asked, **more})
    cleanup.add(db.delete_table, TableName=name)
    until(lambda: db.describe_table(TableName=name)["Table"]["TableStatus"] == "ACTIVE", f"{name} is active")
    return Table(db, name, "")


def index(name: str, hash_key: str, range_key: str, projection: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "IndexName": name,
        "KeySchema": [
            {"AttributeName": hash_key, "KeyType": "HASH"},
            {"AttributeName": range_key, "KeyType": "RANGE"},
        ],
        "Projection": projection,
    }


@pytest.fixture(scope="module")
def shared(aws: Aws, module_cleanup: Cleanup) -> Table:
    """With the index `by-rank` of all tables' keys, and the local index `by-at`."""
    return create(
        aws,
        module_cleanup,
        AttributeDefinitions=[
            {"AttributeName": "team", "AttributeType": "S"},
            {"AttributeName": "rank", "AttributeType": "N"},
            {"AttributeName": "at", "AttributeType": "S"},
        ],
        GlobalSecondaryIndexes=[index("by-rank", "team", "rank", {"ProjectionType": "KEYS_ONLY"})],
        LocalSecondaryIndexes=[
            index("by-at", "pk", "at", {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["shown"]})
        ],
    )


@pytest.fixture
def table(aws: Aws, shared: Table) -> Table:
    return Table(shared.db, shared.name, aws.name("pk"))


# --- items -------------------------------------------------------------------------------------------------


@behaviour(
    "dynamodb.item-keeps-its-types",
    "An item comes back with every type as it was put: strings, numbers, binary, sets, lists, maps, null.",
    reference("dynamodb", "AttributeValue", "An attribute of type Binary Set", read=READ),
)
def test_types(table: Table) -> None:
    attributes = {
        "s": "é",
        "n": Decimal("-1.5"),
        "b": Binary(bytes(range(256))),
        "yes": True,
        "none": None,
        "ss": {"a", "b"},
        "ns": {Decimal(1), Decimal(2)},
        "bs": {Binary(b"\x00"), Binary(b"\xff")},
        "l": [Decimal(1), "x", [Decimal(2)], {}],
        "m": {"deep": {"er": [None]}},
        "empty": "",
    }
    table.put(**attributes)
    assert table.get() == attributes


@behaviour(
    "dynamodb.put-replaces-and-returns-the-old",
    "PutItem replaces the whole item, and returns the old one for ALL_OLD.",
    reference("dynamodb", "PutItem", "the new item completely replaces the existing item", read=READ),
)
def test_put_replaces(table: Table) -> None:
    assert "Attributes" not in table.put(more={"ReturnValues": "ALL_OLD"}, a=1, b=2)
    old = table.put(more={"ReturnValues": "ALL_OLD"}, a=3)["Attributes"]
    assert (plain(old)["a"], plain(old)["b"]) == (1, 2)
    assert table.get() == {"a": 3}


@behaviour(
    "dynamodb.get-of-nothing-is-empty",
    "GetItem of a key that is not there answers without an item, and no error.",
    reference(
        "dynamodb", "GetItem", "If there is no matching item, GetItem does not return any data", read=READ
    ),
)
def test_get_nothing(table: Table) -> None:
    assert table.get(404) is None


@behaviour(
    "dynamodb.delete-is-idempotent",
    "DeleteItem of a key that is not there is no error; of one that is, it returns the old item for ALL_OLD.",
    reference("dynamodb", "DeleteItem", "DeleteItem is an idempotent operation", read=READ),
)
def test_delete(table: Table) -> None:
    table.put(a=1)
    asked = {"TableName": table.name, "Key": table.key(), "ReturnValues": "ALL_OLD"}
    assert plain(table.db.delete_item(**asked)["Attributes"])["a"] == 1
    assert "Attributes" not in table.db.delete_item(**asked)
    assert table.get() is None


@behaviour(
    "dynamodb.key-must-match-the-schema",
    "A key with an attribute missing, too many, or of another type is refused with ValidationException.",
    reference("dynamodb", "GetItem", "you must provide all of the attributes", read=READ),
)
def test_key_schema(table: Table) -> None:
    for key in ({"pk": "x"}, {"pk": "x", "sk": 1, "more": 1}, {"pk": "x", "sk": "1"}):
        with refusing("ValidationException", status=400):
            table.db.get_item(TableName=table.name, Key=wire(key))
    with refusing("ValidationException", status=400):
        table.db.put_item(TableName=table.name, Item=wire({"pk": "x"}))


@behaviour(
    "dynamodb.empty-values",
    "An empty string is a value, but not of a key, and a set is never empty.",
    reference("dynamodb", "PutItem", "Empty String and Binary attribute values are allowed", read=READ),
)
def test_empty_values(table: Table) -> None:
    table.put(s="", b=Binary(b""))
    assert table.get() == {"s": "", "b": Binary(b"")}
    with refusing("ValidationException", saying="(?i)empty", status=400):
        table.db.put_item(TableName=table.name, Item=wire({"pk": "", "sk": 1}))
    with refusing("ValidationException", saying="(?i)empty", status=400):
        table.db.put_item(TableName=table.name, Item={**table.key(), "ss": {"SS": []}})


@behaviour(
    "dynamodb.sets-have-no-duplicates",
    "A set with a value twice is refused, also when the two are one number written in two ways.",
    guide("Supported data types and naming rules, Sets", "HowItWorks.NamingRulesDataTypes"),
)
def test_sets(table: Table) -> None:
    for values in ({"SS": ["a", "a"]}, {"NS": ["1", "1.0"]}):
        with refusing("ValidationException", saying="(?i)duplicate", status=400):
            table.db.put_item(TableName=table.name, Item={**table.key(), "set": values})


@behaviour(
    "dynamodb.item-is-400-kb-at-most",
    "An item of more than 400 KB is refused, names and values counted.",
    guide("Quotas, Items", "ServiceQuotas"),
)
def test_item_size(table: Table) -> None:
    table.put(body="x" * (400 * 1024 - 200))
    with refusing("ValidationException", saying="(?i)size", status=400):
        table.put(body="x" * 400 * 1024)


@behaviour(
    "dynamodb.numbers-have-38-digits",
    "A number keeps 38 significant digits exactly; with more it is refused.",
    guide("Supported data types and naming rules, Numbers", "HowItWorks.NamingRulesDataTypes"),
)
def test_number_precision(table: Table) -> None:
    exact = "1234567890123456789.0123456789012345678"
    table.db.put_item(TableName=table.name, Item={**table.key(), "n": {"N": exact}})
    found = table.db.get_item(TableName=table.name, Key=table.key(), ConsistentRead=True)["Item"]["n"]["N"]
    assert found == exact
    with refusing("ValidationException", status=400):
        table.db.put_item(TableName=table.name, Item={**table.key(), "n": {"N": exact + "9"}})


@behaviour(
    "dynamodb.numbers-are-trimmed",
    "Leading and trailing zeroes of a number are trimmed: the same number has one form.",
    guide("Supported data types and naming rules, Numbers", "HowItWorks.NamingRulesDataTypes"),
)
def test_number_form(table: Table) -> None:
    written = ["007", "1.50", "-0", "1e2", "100"]
    item = {**table.key(), **{f"n{i}": {"N": number} for i, number in enumerate(written)}}
    table.db.put_item(TableName=table.name, Item=item)
    found = table.db.get_item(TableName=table.name, Key=table.key(), ConsistentRead=True)["Item"]
    assert [found[f"n{i}"]["N"] for i in range(5)] == ["7", "1.5", "0", "100", "100"]


@behaviour(
    "dynamodb.numbers-have-a-range",
    "Numbers lie between 1E-130 and 9.99…E+125 in magnitude; others are refused, as is what is no number.",
    guide("Supported data types and naming rules, Numbers", "HowItWorks.NamingRulesDataTypes"),
)
def test_number_range(table: Table) -> None:
    item = {
        **table.key(),
        "least": {"N": "1E-130"},
        "most": {"N": "9.9999999999999999999999999999999999999E+125"},
    }
    table.db.put_item(TableName=table.name, Item=item)
    for number in ("1E-131", "1E+126", "NaN", "Infinity", "one", ""):
        with refusing("ValidationException", status=400):
            table.db.put_item(TableName=table.name, Item={**table.key(), "n": {"N": number}})


@behaviour(
    "dynamodb.projection-returns-what-is-asked",
    "A projection expression returns the attributes, map members and list elements it names, and no others.",
    guide("Using projection expressions", "Expressions.ProjectionExpressions"),
)
def test_projection(table: Table) -> None:
    table.put(a=1, b=2, m={"x": 1, "y": 2}, l=["p", "q", "r"])
    answer = table.db.get_item(
        TableName=table.name,
        Key=table.key(),
        ProjectionExpression="a, #m.x, l[0], l[2], absent",
        ExpressionAttributeNames={"#m": "m"},
    )
    assert plain(answer["Item"]) == {"a": 1, "m": {"x": 1}, "l": ["p", "r"]}


@behaviour(
    "dynamodb.capacity-is-rounded-up",
    "A write takes a unit for each KB begun; a read one for 4 KB when consistent, else half of one.",
    guide("DynamoDB read and write operations", "read-write-operations"),
)
def test_capacity(table: Table) -> None:
    def units(answer: Mapping[str, Any]) -> float:
        return float(answer["ConsumedCapacity"]["CapacityUnits"])

    total = {"ReturnConsumedCapacity": "TOTAL"}
    assert units(table.put(more=total, body="x" * 100)) == 1
    assert units(table.put(more=total, body="x" * 1500)) == 2
    table.put(body="x" * 5000)
    asked = {"TableName": table.name, "Key": table.key(), **total}
    assert units(table.db.get_item(**asked, ConsistentRead=True)) == 2
    assert units(table.db.get_item(**asked)) == 1


# --- updates -----------------------------------------------------------------------------------------------


@behaviour(
    "dynamodb.update-makes-what-is-not-there",
    "UpdateItem of a key that is not there makes the item.",
    reference(
        "dynamodb", "UpdateItem", "adds a new item to the table if it does not already exist", read=READ
    ),
)
def test_upsert(table: Table) -> None:
    table.update("SET a = :a", values={":a": 1})
    assert table.get() == {"a": 1}


@behaviour(
    "dynamodb.update-set",
    "SET assigns, counts, appends to lists and falls back with if_not_exists, all on the item before it.",
    guide("Using update expressions, SET", "Expressions.UpdateExpressions"),
)
def test_set(table: Table) -> None:
    table.put(n=10, list=["a"], was="kept")
    table.update(
        "SET n = n + :two, m = n - :two, #l = list_append(#l, :tail), #head = list_append(:tail, #l),"
        " was = if_not_exists(was, :two), fresh = if_not_exists(fresh, :two)",
        values={":two": 2, ":tail": ["z"]},
        ExpressionAttributeNames={"#l": "list", "#head": "head"},
    )
    assert table.get() == {"n": 12, "m": 8, "list": ["a", "z"], "head": ["z", "a"], "was": "kept", "fresh": 2}


@behaviour(
    "dynamodb.update-remove",
    "REMOVE takes away attributes, map members and list elements, and the elements behind move up.",
    guide("Using update expressions, REMOVE", "Expressions.UpdateExpressions"),
)
def test_remove(table: Table) -> None:
    table.put(a=1, m={"x": 1, "y": 2}, l=["p", "q", "r"])
    table.update("REMOVE a, m.x, l[0], absent")
    assert table.get() == {"m": {"y": 2}, "l": ["q", "r"]}


@behaviour(
    "dynamodb.update-add-and-delete",
    "ADD counts and joins sets, from nothing too; DELETE takes from sets, and an emptied set is gone.",
    guide("Using update expressions, ADD and DELETE", "Expressions.UpdateExpressions"),
)
def test_add_and_delete(table: Table) -> None:
    table.put(n=1, tags={"a", "b"}, odd={"x"})
    table.update(
        "ADD n :one, fresh :one, tags :c DELETE odd :x",
        values={":one": 1, ":c": {"c"}, ":x": {"x"}},
    )
    assert table.get() == {"n": 2, "fresh": 1, "tags": {"a", "b", "c"}}


@behaviour(
    "dynamodb.update-returns-what-changed",
    "UPDATED_NEW and UPDATED_OLD return the updated attributes only, ALL_NEW the whole item.",
    reference(
        "dynamodb", "UpdateItem", "Returns only the updated attributes, as they appear after", read=READ
    ),
)
def test_update_returns(table: Table) -> None:
    table.put(a=1, b=2)

    def changed(to: int, returned: str) -> dict[str, Any]:
        answer = table.update("SET a = :a", values={":a": to}, ReturnValues=returned)
        return {k: v for k, v in plain(answer["Attributes"]).items() if k not in ("pk", "sk")}

    assert changed(2, "UPDATED_NEW") == {"a": 2}
    assert changed(3, "UPDATED_OLD") == {"a": 2}
    assert changed(4, "ALL_NEW") == {"a": 4, "b": 2}
    assert changed(5, "ALL_OLD") == {"a": 4, "b": 2}


@behaviour(
    "dynamodb.key-cannot-be-updated",
    "An update of an attribute of the primary key is refused.",
    reference(
        "dynamodb",
        "AttributeValueUpdate",
        "You cannot use UpdateItem to update any primary key attributes",
        read=READ,
    ),
)
def test_key_update(table: Table) -> None:
    table.put()
    with refusing("ValidationException", saying="(?i)key", status=400):
        table.update("SET sk = :sk", values={":sk": 2})


@behaviour(
    "dynamodb.update-paths-must-not-overlap",
    "An update expression with two paths of which one is in the other is refused.",
    OBSERVED,
)
def test_overlap(table: Table) -> None:
    table.put(m={"x": 1})
    with refusing("ValidationException", saying="(?i)overlap", status=400):
        table.update("SET m = :v, m.x = :w", values={":v": {}, ":w": 1})


@behaviour(
    "dynamodb.update-of-a-path-that-is-not-there",
    "Setting a member of a map that is not there is refused.",
    OBSERVED,
)
def test_missing_path(table: Table) -> None:
    table.put(a=1)
    with refusing("ValidationException", saying="(?i)document path", status=400):
        table.update("SET m.x = :v", values={":v": 1})


# --- conditions and expressions ----------------------------------------------------------------------------


@behaviour(
    "dynamodb.condition-that-fails-changes-nothing",
    "A write whose condition is false is refused with ConditionalCheckFailedException and changes nothing.",
    reference(
        "dynamodb", "PutItem", "A condition specified in the operation failed to be evaluated", read=READ
    ),
)
def test_condition(table: Table) -> None:
    absent = {"ConditionExpression": "attribute_not_exists(pk)"}
    table.put(more=absent, a=1)
    with refusing("ConditionalCheckFailedException", status=400):
        table.put(more=absent, a=2)
    with refusing("ConditionalCheckFailedException", status=400):
        table.update("SET a = :a", values={":a": 3, ":b": 9}, ConditionExpression="a = :b")
    assert table.get() == {"a": 1}


@behaviour(
    "dynamodb.failed-condition-tells-the-item",
    "A failed condition returns the item that failed it when ALL_OLD is asked for.",
    reference("dynamodb", "PutItem", "for a PutItem operation that failed a condition check", read=READ),
)
def test_condition_tells(table: Table) -> None:
    table.put(a=1)
    told: dict[str, Any] = {}
    with refusing("ConditionalCheckFailedException"):
        try:
            table.put(
                more={
                    "ConditionExpression": "attribute_not_exists(pk)",
                    "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
                }
            )
        except table.db.exceptions.ConditionalCheckFailedException as error:
            told = error.response
            raise
    assert plain(told.get("Item", {})).get("a") == 1


@behaviour(
    "dynamodb.condition-functions",
    "Conditions compare, and have size, contains, begins_with, attribute_type, BETWEEN, IN, AND, OR, NOT.",
    guide("Condition and filter expressions, operators, and functions", "Expressions.OperatorsAndFunctions"),
)
def test_condition_functions(table: Table) -> None:
    table.put(n=5, s="abc", l=["x"], ss={"t"}, m={"in": 1})
    true = (
        "n > :four AND n <= :five AND n <> :four",
        "n BETWEEN :four AND :five",
        "n IN (:four, :five)",
        "size(s) < :four",
        "contains(s, :b) AND contains(l, :x) AND contains(ss, :t)",
        "begins_with(s, :a)",
        "attribute_type(m, :map)",
        "NOT attribute_exists(absent) OR n = :four",
        "(n = :four OR s = :abc) AND m.#in < :four",
    )
    values = {":four": 4, ":five": 5, ":b": "b", ":x": "x", ":t": "t", ":a": "a", ":map": "M", ":abc": "abc"}
    for condition in true:
        names = {"ExpressionAttributeNames": {"#in": "in"}} if "#in" in condition else {}
        table.update(
            "SET seen = :seen",
            values={":seen": True, **{name: values[name] for name in re.findall(r":\w+", condition)}},
            ConditionExpression=condition,
            **names,
        )


@behaviour(
    "dynamodb.reserved-words-need-a-name",
    "A reserved word in an expression is refused, and taken as an expression attribute name.",
    guide("Reserved words in DynamoDB", "ReservedWords"),
)
def test_reserved_words(table: Table) -> None:
    with refusing("ValidationException", saying="(?i)reserved", status=400):
        table.update("SET status = :v", values={":v": 1})
    table.update("SET #s = :v", values={":v": 1}, ExpressionAttributeNames={"#s": "status"})
    assert table.get() == {"status": 1}


@behaviour(
    "dynamodb.every-name-and-value-is-used",
    "An expression attribute name or value that no expression uses, or that is not given, is refused.",
    OBSERVED,
)
def test_unused(table: Table) -> None:
    with refusing("ValidationException", saying="(?i)unused", status=400):
        table.update("SET a = :a", values={":a": 1, ":b": 2})
    with refusing("ValidationException", saying="(?i)unused", status=400):
        table.update("SET a = :a", values={":a": 1}, ExpressionAttributeNames={"#b": "b"})
    with refusing("ValidationException", saying=":b", status=400):
        table.update("SET a = :a, b = :b", values={":a": 1})


@behaviour(
    "dynamodb.numbers-are-equal-by-value",
    "Numbers are compared by their value: 1, 1.0 and 1E0 are one key, and equal in a condition.",
    guide("Supported data types and naming rules, Numbers", "HowItWorks.NamingRulesDataTypes"),
)
def test_equal_numbers(table: Table) -> None:
    table.put(1, n=Decimal("2.50"))
    key = {"pk": {"S": table.pk}, "sk": {"N": "1.0E0"}}
    asked = {"TableName": table.name, "Key": key, "ConsistentRead": True}
    assert table.db.get_item(**asked)["Item"]["n"] == {"N": "2.5"}
    condition = {"ConditionExpression": "n = :n", "ExpressionAttributeValues": {":n": {"N": "25E-1"}}}
    table.db.delete_item(TableName=table.name, Key=key, **condition)
    assert table.get() is None


@behaviour(
    "dynamodb.conditions-on-what-is-not-there",
    "A comparison with an attribute that the item does not have is false, whatever the operator.",
    guide("Condition and filter expressions, operators, and functions", "Expressions.OperatorsAndFunctions"),
)
def test_condition_on_absent(table: Table) -> None:
    table.put(a=1)
    for condition in ("absent = :v", "absent < :v", "absent > :v", "contains(absent, :v)"):
        with refusing("ConditionalCheckFailedException", status=400):
            table.update("SET b = :v", values={":v": 1}, ConditionExpression=condition)
    assert table.get() == {"a": 1}


@behaviour(
    "dynamodb.updates-of-nested-paths",
    "An update sets members of maps and elements of lists, and an index behind the end appends.",
    guide("Using update expressions, SET", "Expressions.UpdateExpressions"),
)
def test_nested(table: Table) -> None:
    table.put(m={"x": {"y": 1}}, l=["a", "b"])
    answer = table.update(
        "SET m.x.y = :n, l[0] = :s, l[9] = :t",
        values={":n": 2, ":s": "A", ":t": "z"},
        ReturnValues="ALL_NEW",
    )
    new = plain(answer["Attributes"])
    assert (new["m"], new["l"]) == ({"x": {"y": 2}}, ["A", "b", "z"])


@behaviour(
    "dynamodb.documents-are-32-levels-deep-at-most",
    "An attribute that is nested deeper than 32 levels is refused.",
    guide("Quotas, Nested attribute depth", "ServiceQuotas"),
)
def test_depth(table: Table) -> None:
    def nested(levels: int) -> Any:
        value: Any = {"S": "x"}
        for _ in range(levels):
            value = {"L": [value]}
        return value

    table.db.put_item(TableName=table.name, Item={**table.key(), "deep": nested(31)})
    with refusing("ValidationException", saying="(?i)nest", status=400):
        table.db.put_item(TableName=table.name, Item={**table.key(), "deep": nested(40)})


@behaviour(
    "dynamodb.keys-have-a-length",
    "A partition key of more than 2,048 bytes is refused.",
    guide("Quotas, Partition key length", "ServiceQuotas"),
)
def test_key_length(table: Table) -> None:
    key = wire({"pk": table.pk.ljust(2048, "x"), "sk": 1})
    table.db.put_item(TableName=table.name, Item=key)
    table.db.delete_item(TableName=table.name, Key=key)
    with refusing("ValidationException", saying="2048", status=400):
        table.db.put_item(TableName=table.name, Item=wire({"pk": "x" * 2049, "sk": 1}))


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
        table.put(sk, body="x" * 380_000)
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
