"""Filter patterns: which events they match, and which patterns are none."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from harness.emulator.services.lambda_.mappings.patterns import InvalidPattern, compile_pattern

EVENT = {
    "kind": "ping",
    "n": 5,
    "flag": True,
    "none": None,
    "empty": "",
    "tags": ["a", "b"],
    "in": {"x": "Y"},
}


@pytest.mark.parametrize(
    ("pattern", "matches"),
    [
        ({"kind": ["ping", "pong"]}, True),
        ({"kind": ["pong"]}, False),
        ({"kind": ["ping"], "n": [6]}, False),
        ({"n": [5]}, True),
        ({"n": ["5"]}, False),
        ({"flag": [True]}, True),
        ({"flag": [1]}, False),
        ({"n": [True]}, False),
        ({"none": [None]}, True),
        ({"empty": [""]}, True),
        ({"none": [""]}, False),
        ({"missing": [None]}, False),
        ({"tags": ["b"]}, True),
        ({"tags": ["c"]}, False),
        ({"in": {"x": ["Y"]}}, True),
        ({"in": {"x": [{"equals-ignore-case": "y"}]}}, True),
        ({"kind": [{"prefix": "pi"}]}, True),
        ({"kind": [{"suffix": "ng"}]}, True),
        ({"kind": [{"suffix": "pi"}]}, False),
        ({"n": [{"prefix": "5"}]}, False),
        ({"kind": [{"anything-but": ["pong"]}]}, True),
        ({"kind": [{"anything-but": "ping"}]}, False),
        ({"kind": [{"anything-but": {"prefix": "p"}}]}, False),
        ({"missing": [{"anything-but": "ping"}]}, False),
        ({"n": [{"numeric": [">", 4, "<=", 5]}]}, True),
        ({"n": [{"numeric": ["=", 6]}]}, False),
        ({"kind": [{"numeric": [">", 0]}]}, False),
        ({"kind": [{"exists": True}]}, True),
        ({"missing": [{"exists": False}]}, True),
        ({"none": [{"exists": True}]}, True),
        ({"missing": {"deep": [{"exists": False}]}}, True),
        ({"in": [{"exists": True}]}, False),
        ({"$or": [{"kind": ["pong"]}, {"n": [5]}]}, True),
        ({"$or": [{"kind": ["pong"]}, {"n": [6]}]}, False),
        ({"$or": [{"kind": ["ping"]}, {"n": [6]}], "flag": [False]}, False),
    ],
)
def test_patterns(pattern: Any, matches: bool) -> None:
    assert compile_pattern(orjson.dumps(pattern).decode())(EVENT) is matches


@pytest.mark.parametrize(
    ("pattern", "data", "matches"),
    [
        ({"data": {"x": [1]}}, b'{"x":1}', True),
        ({"data": {"x": [1]}}, b"text", False),
        ({"data": {"x": [1]}}, b"[1]", False),
        ({"data": ["text"]}, b"text", True),
        ({"data": ["text"]}, b'{"x":1}', False),
        ({"data": [{"prefix": "te"}]}, b"text", True),
        ({"data": ["text"]}, b"\xff", False),
        ({"partitionKey": ["k"]}, b"\xff", True),
    ],
)
def test_encoded_data_is_json_or_text_as_the_pattern_wants_it(
    pattern: Any, data: bytes, matches: bool
) -> None:
    event = {"data": data, "partitionKey": "k"}
    assert compile_pattern(orjson.dumps(pattern).decode(), "data")(event) is matches


@pytest.mark.parametrize(
    "pattern",
    [
        "no JSON",
        "[]",
        "{}",
        '{"a": "text"}',
        '{"a": []}',
        '{"a": {}}',
        '{"a": [[1]]}',
        '{"a": [{"cidr": "10.0.0.0/8"}]}',
        '{"a": [{"prefix": 1}]}',
        '{"a": [{"exists": "yes"}]}',
        '{"a": [{"numeric": [">"]}]}',
        '{"a": [{"numeric": ["~", 1]}]}',
        '{"a": [{"prefix": "x", "suffix": "y"}]}',
        '{"a": [{"anything-but": []}]}',
        '{"$or": [{"a": [1]}]}',
    ],
)
def test_what_is_no_pattern(pattern: str) -> None:
    with pytest.raises(InvalidPattern):
        compile_pattern(pattern)
