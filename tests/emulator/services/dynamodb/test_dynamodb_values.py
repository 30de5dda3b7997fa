# ruff: noqa: E501  AWS's messages stand whole, to be searched for
from __future__ import annotations

from typing import Any

import pytest

from harness.emulator.services.base import AwsError
from harness.emulator.services.dynamodb.values import equal, measure_item, stored_bytes


def nested(levels: int) -> dict[str, Any]:
    value: dict[str, Any] = {"S": "x"}
    for _ in range(levels):
        value = {"L": [value]}
    return value


@pytest.mark.parametrize(
    ("item", "size"),
    [
        ({"a": {"S": "bcd"}}, 4),
        ({"é": {"S": "ü"}}, 4),
        ({"a": {"S": ""}}, 1),
        ({"a": {"N": "0"}}, 2),
        ({"a": {"N": "123"}}, 4),
        ({"a": {"N": "-12.340"}}, 4),
        ({"a": {"B": "YWJj"}}, 4),
        ({"a": {"BOOL": True}}, 2),
        ({"a": {"NULL": True}}, 2),
        ({"a": {"L": []}}, 4),
        ({"a": {"M": {}}}, 4),
        ({"a": {"L": [{"S": "x"}, {"S": "yz"}]}}, 1 + 3 + 2 + 3),
        ({"a": {"M": {"k": {"S": "yz"}}}}, 1 + 3 + 1 + 2 + 1),
        ({"a": {"SS": ["x", "yz"]}}, 4),
        ({"a": {"NS": ["1", "100"]}}, 5),
        ({"a": {"BS": ["YQ==", "YWJj"]}}, 5),
    ],
)
def test_an_item_measures_as_aws_documents(item: dict[str, Any], size: int) -> None:
    assert measure_item(item) == size
    assert stored_bytes(item) == size


def test_numbers_and_binary_become_canonical_in_place() -> None:
    item = {
        "n": {"N": "1.0"},
        "l": {"L": [{"N": "1e2"}]},
        "ns": {"NS": ["2.0", "3"]},
        "m": {"M": {"k": {"N": "-0"}}},
    }
    measure_item(item)
    assert item == {
        "n": {"N": "1"},
        "l": {"L": [{"N": "100"}]},
        "ns": {"NS": ["2", "3"]},
        "m": {"M": {"k": {"N": "0"}}},
    }


@pytest.mark.parametrize(
    ("value", "code", "message"),
    [
        (
            {},
            "ValidationException",
            "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes",
        ),
        (
            {"Q": "1"},
            "ValidationException",
            "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes",
        ),
        (
            {"S": "a", "N": "1"},
            "ValidationException",
            "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes",
        ),
        ({"S": 1}, "SerializationException", "NUMBER_VALUE cannot be converted to String"),
        ({"N": 1}, "SerializationException", "NUMBER_VALUE cannot be converted to String"),
        ({"BOOL": "yes"}, "SerializationException", "STRING_VALUE cannot be converted to Boolean"),
        ({"B": "???"}, "SerializationException", "Invalid Base64 in a binary value"),
        ({"L": {}}, "SerializationException", "Start of structure or map cannot be converted to List"),
        ("x", "SerializationException", "STRING_VALUE cannot be converted to AttributeValue"),
        (
            {"NULL": False},
            "ValidationException",
            "One or more parameter values were invalid: Null attribute value types must have the value of true",
        ),
        (
            {"SS": []},
            "ValidationException",
            "One or more parameter values were invalid: An string set  may not be empty",
        ),
        (
            {"NS": []},
            "ValidationException",
            "One or more parameter values were invalid: An number set  may not be empty",
        ),
        (
            {"BS": []},
            "ValidationException",
            "One or more parameter values were invalid: Binary sets should not be empty",
        ),
        (
            {"SS": ["a", "a"]},
            "ValidationException",
            "One or more parameter values were invalid: Input collection [a, a] contains duplicates.",
        ),
        ({"NS": ["1", "1.0"]}, "ValidationException", "Input collection contains duplicates"),
        (
            {"BS": ["YQ==", "YQ=="]},
            "ValidationException",
            "One or more parameter values were invalid: Input collection [YQ==, YQ==]of type BS contains duplicates.",
        ),
        (nested(33), "ValidationException", "Nesting Levels have exceeded supported limits"),
        ({"S": "x" * 400 * 1024}, "ValidationException", "Item size has exceeded the maximum allowed size"),
    ],
)
def test_a_wrong_value_is_refused_in_aws_words(value: Any, code: str, message: str) -> None:
    with pytest.raises(AwsError) as caught:
        measure_item({"a": value})
    assert (caught.value.code, caught.value.message) == (code, message)


def test_limits_are_inclusive() -> None:
    measure_item({"a": nested(32)})
    assert measure_item({"a": {"S": "x" * (400 * 1024 - 1)}}) == 400 * 1024


@pytest.mark.parametrize(
    ("left", "right", "same"),
    [
        ({"S": "1"}, {"N": "1"}, False),
        ({"SS": ["a", "b"]}, {"SS": ["b", "a"]}, True),
        ({"SS": ["a", "b"]}, {"SS": ["a"]}, False),
        ({"L": [{"S": "a"}, {"S": "b"}]}, {"L": [{"S": "b"}, {"S": "a"}]}, False),
        (
            {"M": {"a": {"S": "1"}, "b": {"NS": ["1", "2"]}}},
            {"M": {"b": {"NS": ["2", "1"]}, "a": {"S": "1"}}},
            True,
        ),
        ({"BOOL": True}, {"BOOL": False}, False),
    ],
)
def test_equality_of_values(left: dict[str, Any], right: dict[str, Any], same: bool) -> None:
    assert equal(left, right) is same
    assert equal(right, left) is same
