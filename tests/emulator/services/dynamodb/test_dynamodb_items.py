"""PutItem, GetItem, UpdateItem, DeleteItem."""
# ruff: noqa: E501  AWS's messages stand whole, to be searched for

from __future__ import annotations

import copy
from typing import Any

import pytest

STORED: dict[str, Any] = {
    "id": {"S": "u"},
    "a": {"N": "5"},
    "s": {"S": "hello"},
    "l": {"L": [{"N": "1"}, {"S": "x"}, {"M": {"k": {"N": "9"}}}]},
    "m": {"M": {"x": {"N": "1"}, "y": {"M": {"z": {"S": "deep"}}}}},
    "ss": {"SS": ["a", "b"]},
    "ns": {"NS": ["1", "2"]},
}
KEY = {"id": {"S": "u"}}


@pytest.fixture
def things(db: Any) -> Any:
    db.create()
    db.put(copy.deepcopy(STORED))
    return db


def test_what_is_put_is_got(things: Any) -> None:
    assert things.get(KEY) == STORED
    assert things.get({"id": {"S": "other"}}) is None
    assert things.get(KEY, ProjectionExpression="m.x, #l[0]", ExpressionAttributeNames={"#l": "l"}) == {
        "m": {"M": {"x": {"N": "1"}}},
        "l": {"L": [{"N": "1"}]},
    }


def test_a_put_replaces_the_whole_item_and_can_return_it(things: Any) -> None:
    assert things.put({"id": {"S": "u"}, "new": {"BOOL": True}}, ReturnValues="ALL_OLD") == {
        "Attributes": STORED
    }
    assert things.get(KEY) == {"id": {"S": "u"}, "new": {"BOOL": True}}
    assert things.put({"id": {"S": "v"}}, ReturnValues="ALL_OLD") == {}


def test_number_keys_are_equal_by_value(db: Any) -> None:
    db.create(hash_key="id:N")
    db.put({"id": {"N": "1"}, "v": {"S": "one"}})
    db.put({"id": {"N": "1.0"}, "v": {"S": "again"}})
    assert db.get({"id": {"N": "10e-1"}}) == {"id": {"N": "1"}, "v": {"S": "again"}}
    assert db.gauges()["item_count"] == 1


def test_binary_keys_are_equal_by_bytes(db: Any) -> None:
    db.create(hash_key="id:B")
    db.put({"id": {"B": "YQ=="}, "v": {"S": "a"}})
    assert db.get({"id": {"B": "YQ=="}})["v"] == {"S": "a"}


def test_delete_removes_and_can_return(things: Any) -> None:
    assert things("DeleteItem", TableName="things", Key=KEY, ReturnValues="ALL_OLD") == {"Attributes": STORED}
    assert things("DeleteItem", TableName="things", Key=KEY, ReturnValues="ALL_OLD") == {}
    assert things.get(KEY) is None
    assert things.gauges()["item_count"] == 0


def test_a_condition_that_fails_changes_nothing_and_can_show_what_is_there(things: Any) -> None:
    condition = {"ConditionExpression": "attribute_not_exists(id)"}
    error = things.fails("PutItem", TableName="things", Item={"id": {"S": "u"}}, **condition)
    assert (error.code, error.message) == (
        "ConditionalCheckFailedException",
        "The conditional request failed",
    )
    assert error.fields == {}
    error = things.fails(
        "DeleteItem",
        TableName="things",
        Key=KEY,
        ConditionExpression="a = :v",
        ExpressionAttributeValues={":v": {"N": "6"}},
        ReturnValuesOnConditionCheckFailure="ALL_OLD",
    )
    assert error.fields == {"Item": STORED}
    assert things.get(KEY) == STORED


def test_a_condition_on_an_item_that_is_not_there_sees_an_empty_item(things: Any) -> None:
    new = {"id": {"S": "new"}}
    things.put(new, ConditionExpression="attribute_not_exists(id)")
    error = things.fails(
        "PutItem", TableName="things", Item={"id": {"S": "n2"}}, ConditionExpression="attribute_exists(id)"
    )
    assert error.code == "ConditionalCheckFailedException"


def update(
    expression: str, values: dict[str, Any] | None = None, returned: str = "ALL_NEW", **members: Any
) -> dict[str, Any]:
    request: dict[str, Any] = {
        "TableName": "things",
        "Key": KEY,
        "UpdateExpression": expression,
        "ReturnValues": returned,
    }
    if values:
        request["ExpressionAttributeValues"] = {f":{name}": value for name, value in values.items()}
    return request | members


def n(number: Any) -> dict[str, str]:
    return {"N": str(number)}


@pytest.mark.parametrize(
    ("expression", "values", "changed"),
    [
        ("SET a = a + :v", {"v": n("0.5")}, {"a": n("5.5")}),
        ("SET a = :v - a", {"v": n(1)}, {"a": n(-4)}),
        ("SET a = (a + :v)", {"v": n(1)}, {"a": n(6)}),
        ("set b = if_not_exists(b, :v) + :v", {"v": n(1)}, {"b": n(2)}),
        ("SET a = if_not_exists(a, :v)", {"v": n(1)}, {}),
        ("SET l = list_append(l, :v)", {"v": {"L": [n(7)]}}, {"l": {"L": [*STORED["l"]["L"], n(7)]}}),
        ("SET l = list_append(:v, l)", {"v": {"L": [n(7)]}}, {"l": {"L": [n(7), *STORED["l"]["L"]]}}),
        ("SET a = s, s = a", {}, {"a": STORED["s"], "s": STORED["a"]}),
        (
            "SET m.y.z = :v, m.q = :v",
            {"v": n(1)},
            {"m": {"M": {"x": n(1), "y": {"M": {"z": n(1)}}, "q": n(1)}}},
        ),
        ("SET l[1] = :v", {"v": n(7)}, {"l": {"L": [n(1), n(7), STORED["l"]["L"][2]]}}),
        (
            "SET l[20] = :v, l[10] = :w",
            {"v": n(20), "w": n(10)},
            {"l": {"L": [*STORED["l"]["L"], n(10), n(20)]}},
        ),
        ("SET l[2].k = l[2].k + :v", {"v": n(1)}, {"l": {"L": [*STORED["l"]["L"][:2], {"M": {"k": n(10)}}]}}),
        ("REMOVE l[0], l[1]", {}, {"l": {"L": STORED["l"]["L"][2:]}}),
        ("REMOVE l[9], gone, m.gone", {}, {}),
        ("REMOVE m.y.z, s", {}, {"m": {"M": {"x": n(1), "y": {"M": {}}}}, "s": None}),
        ("ADD a :v, visits :v", {"v": n(2)}, {"a": n(7), "visits": n(2)}),
        ("ADD ss :v", {"v": {"SS": ["c", "a"]}}, {"ss": {"SS": ["a", "b", "c"]}}),
        ("ADD fresh :v", {"v": {"NS": ["3"]}}, {"fresh": {"NS": ["3"]}}),
        ("ADD m.x :v", {"v": n(2)}, {"m": {"M": {"x": n(3), "y": STORED["m"]["M"]["y"]}}}),
        ("DELETE ss :v", {"v": {"SS": ["a", "z"]}}, {"ss": {"SS": ["b"]}}),
        ("DELETE ss :v", {"v": {"SS": ["a", "b"]}}, {"ss": None}),
        ("DELETE gone :v", {"v": {"SS": ["a"]}}, {}),
        (
            "SET b = :v REMOVE s ADD a :v DELETE ns :w",
            {"v": n(1), "w": {"NS": ["1.0"]}},
            {"b": n(1), "s": None, "a": n(6), "ns": {"NS": ["2"]}},
        ),
        ("SET c = l, l[0] = :v", {"v": n(0)}, {"c": STORED["l"], "l": {"L": [n(0), *STORED["l"]["L"][1:]]}}),
    ],
)
def test_what_an_update_does(
    things: Any, expression: str, values: dict[str, Any], changed: dict[str, Any]
) -> None:
    expected = {name: value for name, value in {**STORED, **changed}.items() if value is not None}
    assert things("UpdateItem", **update(expression, values))["Attributes"] == expected
    assert things.get(KEY) == expected


@pytest.mark.parametrize(
    ("expression", "values", "message"),
    [
        ("", {}, "Invalid UpdateExpression: The expression can not be empty;"),
        ("SET", {}, 'Invalid UpdateExpression: Syntax error; token: "<EOF>", near: "SET"'),
        ("PUT a = :v", {"v": n(1)}, 'Invalid UpdateExpression: Syntax error; token: "PUT", near: "PUT a"'),
        (
            "SET a = :v SET b = :v",
            {"v": n(1)},
            'Invalid UpdateExpression: The "SET" section can only be used once in an update expression;',
        ),
        (
            "SET a = :v, a = :v",
            {"v": n(1)},
            "Invalid UpdateExpression: Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [a], path two: [a]",
        ),
        (
            "SET m.x = :v, m[0] = :v",
            {"v": n(1)},
            "Invalid UpdateExpression: Two document paths conflict with each other; must remove or rewrite one of these paths; path one: [m, x], path two: [m, [0]]",
        ),
        (
            "SET id = :v",
            {"v": n(1)},
            "One or more parameter values were invalid: Cannot update attribute id. This attribute is part of the key",
        ),
        (
            "SET a = :v + :w",
            {"v": n(1), "w": {"S": "1"}},
            "Invalid UpdateExpression: Incorrect operand type for operator or function; operator or function: +, operand type: S",
        ),
        (
            "SET a = list_append(l, :v)",
            {"v": n(1)},
            "Invalid UpdateExpression: Incorrect operand type for operator or function; operator or function: list_append, operand type: N",
        ),
        (
            "ADD a :v",
            {"v": {"S": "1"}},
            "Invalid UpdateExpression: Incorrect operand type for operator or function; operator: ADD, operand type: STRING, typeSet: ALLOWED_FOR_ADD_OPERAND",
        ),
        (
            "DELETE ss :v",
            {"v": n(1)},
            "Invalid UpdateExpression: Incorrect operand type for operator or function; operator: DELETE, operand type: NUMBER, typeSet: ALLOWED_FOR_DELETE_OPERAND",
        ),
        ("SET a = size(s)", {}, "Invalid UpdateExpression: Invalid function name; function: size"),
        (
            "SET a = if_not_exists(:v, a)",
            {"v": n(1)},
            "Invalid UpdateExpression: Operator or function requires a document path; operator or function: if_not_exists",
        ),
        (
            "SET a = if_not_exists(a)",
            {},
            "Invalid UpdateExpression: Incorrect number of operands for operator or function; operator or function: if_not_exists, number of operands: 1",
        ),
        ("SET a = s + :v", {"v": n(1)}, "An operand in the update expression has an incorrect data type"),
        ("ADD s :v", {"v": n(1)}, "An operand in the update expression has an incorrect data type"),
        ("ADD ss :v", {"v": {"NS": ["1"]}}, "An operand in the update expression has an incorrect data type"),
        (
            "SET a = gone + :v",
            {"v": n(1)},
            "The provided expression refers to an attribute that does not exist in the item",
        ),
        (
            "SET m.gone.z = :v",
            {"v": n(1)},
            "The document path provided in the update expression is invalid for update",
        ),
        (
            "SET s.z = :v",
            {"v": n(1)},
            "The document path provided in the update expression is invalid for update",
        ),
        ("REMOVE gone.z", {}, "The document path provided in the update expression is invalid for update"),
        (
            "SET a = :v",
            {"v": {"S": "x" * 400 * 1024}},
            "Item size to update has exceeded the maximum allowed size",
        ),
        (
            "SET a = a + :v",
            {"v": n("1e-37")},
            "Attempting to store more than 38 significant digits in a Number",
        ),
    ],
)
def test_a_wrong_update_is_refused_in_aws_words(
    things: Any, expression: str, values: dict[str, Any], message: str
) -> None:
    things("UpdateItem", **update("SET a = :v", {"v": n(12)}))
    error = things.fails("UpdateItem", **update(expression, values))
    assert (error.code, error.message) == ("ValidationException", message)
    assert things.get(KEY) == {**STORED, "a": n(12)}


@pytest.mark.parametrize(
    ("returned", "attributes"),
    [
        ("NONE", None),
        ("ALL_OLD", STORED),
        ("UPDATED_OLD", {"a": n(5), "m": {"M": {"x": n(1)}}, "l": {"L": [{"S": "x"}]}}),
        ("UPDATED_NEW", {"a": n(6), "m": {"M": {"x": n(2)}}, "l": {"L": [n(6)]}}),
    ],
)
def test_return_values_of_an_update(things: Any, returned: str, attributes: Any) -> None:
    expression = "SET a = a + :v, m.x = m.x + :v, l[1] = a + :v"
    answer = things("UpdateItem", **update(expression, {"v": n(1)}, returned))
    assert answer.get("Attributes") == attributes


def test_an_update_of_what_is_not_there_makes_an_item(things: Any) -> None:
    key = {"id": {"S": "fresh"}}
    things("UpdateItem", TableName="things", Key=key)
    assert things.get(key) == key
    key = {"id": {"S": "counted"}}
    things("UpdateItem", **update("ADD n :v", {"v": n(1)}, Key=key))
    assert things.get(key) == {**key, "n": n(1)}


@pytest.mark.parametrize(
    ("operation", "members", "message"),
    [
        ("GetItem", {"Key": {}}, "The provided key element does not match the schema"),
        ("GetItem", {"Key": {"id": n(1)}}, "The provided key element does not match the schema"),
        (
            "GetItem",
            {"Key": {"id": {"S": "u"}, "r": n(1)}},
            "The provided key element does not match the schema",
        ),
        ("DeleteItem", {"Key": {"x": {"S": "u"}}}, "The provided key element does not match the schema"),
        (
            "GetItem",
            {"Key": {"id": {"S": ""}}},
            "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty string value. Key: id",
        ),
        (
            "GetItem",
            {"Key": {"id": {"S": "x" * 2049}}},
            "One or more parameter values were invalid: Size of hashkey has exceeded the maximum size limit of2048 bytes",
        ),
        (
            "PutItem",
            {"Item": {"x": {"S": "u"}}},
            "One or more parameter values were invalid: Missing the key id in the item",
        ),
        (
            "PutItem",
            {"Item": {"id": n(1)}},
            "One or more parameter values were invalid: Type mismatch for key id expected: S actual: N",
        ),
        (
            "PutItem",
            {"Item": {"id": {"S": "a"}}, "ReturnValues": "ALL_NEW"},
            "Return values set to invalid value",
        ),
        (
            "PutItem",
            {"Item": {"id": {"S": "a"}}, "ReturnValues": "ALL"},
            "1 validation error detected: Value 'ALL' at 'returnValues' failed to satisfy constraint: Member must satisfy enum value set: [ALL_NEW, UPDATED_OLD, ALL_OLD, NONE, UPDATED_NEW]",
        ),
        (
            "PutItem",
            {},
            "1 validation error detected: Value null at 'item' failed to satisfy constraint: Member must not be null",
        ),
        (
            "PutItem",
            {"Item": {"id": {"S": "a"}}, "Expected": {}},
            "The parameter Expected of PutItem is not offered by Launchday's DynamoDB. Use ConditionExpression.",
        ),
        (
            "UpdateItem",
            {"Key": KEY, "AttributeUpdates": {}},
            "The parameter AttributeUpdates of UpdateItem is not offered by Launchday's DynamoDB. Use UpdateExpression.",
        ),
        (
            "GetItem",
            {"Key": KEY, "AttributesToGet": ["a"]},
            "The parameter AttributesToGet of GetItem is not offered by Launchday's DynamoDB. Use ProjectionExpression.",
        ),
    ],
)
def test_a_wrong_request_is_refused_in_aws_words(
    things: Any, operation: str, members: dict[str, Any], message: str
) -> None:
    error = things.fails(operation, TableName="things", **members)
    assert (error.code, error.message) == ("ValidationException", message)


def test_a_table_that_is_not_there(db: Any) -> None:
    error = db.fails("GetItem", TableName="nowhere", Key=KEY)
    assert (error.code, error.message) == ("ResourceNotFoundException", "Requested resource not found")


def test_tables_can_be_named_by_arn(things: Any) -> None:
    arn = "arn:aws:dynamodb:us-east-1:123456789012:table/things"
    assert things.get(KEY, table=arn) == STORED


def test_tables_of_other_regions_are_apart(things: Any) -> None:
    things.context.region = "eu-west-1"
    assert things.fails("GetItem", TableName="things", Key=KEY).code == "ResourceNotFoundException"


def test_an_operation_that_is_not_there_is_named(db: Any) -> None:
    error = db.fails("ExecuteStatement", Statement="SELECT * FROM things")
    assert error.code == "UnknownOperationException"
    assert "ExecuteStatement" in error.message
