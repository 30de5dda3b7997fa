"""DynamoDB: updates, conditions, names and values of expressions."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from tests.conformance.behaviours.dynamodb.tables import (
    OBSERVED,
    READ,
    Table,
    guide,
    plain,
    wire,
)
from tests.conformance.catalogue import behaviour, reference
from tests.conformance.kit import refusing

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
