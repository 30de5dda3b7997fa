from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.emulator.services.apigateway.jsonpath import MISSING, JsonPathError, compile_path

DOCUMENT: dict[str, Any] = {
    "a": {"b": [{"c": 1}, {"c": 2}, {"d": 3}]},
    "x y": "space",
    "it's": "quote",
    "list": [1, 2, 3, 4],
    "null": None,
    "kebab-case": 1,
    "été": 2,
}

PATHS = [
    ("$", DOCUMENT),
    ("$.a.b", DOCUMENT["a"]["b"]),
    ("$.a.b[0].c", 1),
    ("$.a.b[-1].d", 3),
    ("$['x y']", "space"),
    ('$["a"]["b"][1]["c"]', 2),
    ("$['it\\'s']", "quote"),
    ("$.kebab-case", 1),
    ("$.été", 2),
    ("$.null", None),
    ("$.nope", MISSING),
    ("$.a.nope.deeper", MISSING),
    ("$.list[9]", MISSING),
    ("$.list.name", MISSING),
    ("$.a[0]", MISSING),
    ("$.list[*]", [1, 2, 3, 4]),
    ("$.a.b[*].c", [1, 2]),
    ("$.a.b.*.c", [1, 2]),
    ("$.a.*", [DOCUMENT["a"]["b"]]),
    ("$.list[1:3]", [2, 3]),
    ("$.list[-2:]", [3, 4]),
    ("$.list[::2]", [1, 3]),
    ("$.list[0,2]", [1, 3]),
    ("$.a.b[0]['c','nope']", [1]),
    ("$..c", [1, 2]),
    ("$.a..d", [3]),
    ("$.nope[*]", []),
    ("$..nope", []),
]


@pytest.mark.parametrize(("path", "expected"), PATHS)
def test_paths(path: str, expected: Any) -> None:
    found = compile_path(path)(DOCUMENT)
    assert found is expected if expected is MISSING else found == expected


@pytest.mark.parametrize(
    "path",
    [
        "",
        "a.b",
        "$.",
        "$a",
        "$[",
        "$.a[",
        "$.a[?(@.b == 1)]",
        "$.a.length()",
        "$[::0]",
        "$[1,]",
        "$..",
        "$" + ".a" * 900,
    ],
)
def test_what_is_not_offered_is_refused(path: str) -> None:
    with pytest.raises(JsonPathError):
        compile_path(path)


def test_everything_below_is_found_parents_first() -> None:
    assert compile_path("$..*")({"a": {"b": 1}, "c": 2}) == [{"b": 1}, 1, 2]


KEYS = st.text(min_size=1, max_size=8).filter(lambda key: "\\" not in key)


@given(st.lists(KEYS, min_size=1, max_size=5))
def test_quoted_names_reach_any_place(keys: list[str]) -> None:
    document: Any = "found"
    for key in reversed(keys):
        document = {key: document}
    path = "$" + "".join("['" + key.replace("'", "\\'") + "']" for key in keys)
    assert compile_path(path)(document) == "found"
