"""DynamoDB: items, their keys, types, numbers and limits."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from boto3.dynamodb.types import Binary

from tests.conformance.behaviours.dynamodb.tables import READ, Table, guide, plain, wire
from tests.conformance.catalogue import behaviour, reference
from tests.conformance.kit import refusing

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
    table.put_patiently(1, body="x" * (400 * 1024 - 200))
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
