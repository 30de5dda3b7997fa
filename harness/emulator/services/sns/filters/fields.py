"""What of a message filter policies see: its attributes, or its body when that is a JSON object.

docs: SNS Developer Guide, Filter policy constraints: attributes of the types String, String.Array and Number
are compared, those of type Binary are ignored (read 2026)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from harness.emulator.services.sns.filters.operators import Value
from harness.emulator.services.sns.filters.policy import Read


def attribute_reader(attributes: Mapping[str, tuple[str, str]]) -> Read:
    """Reads attributes, given by name as (type, value). An array that is none has no values."""
    values: dict[str, Sequence[Value]] = {}
    for name, (kind, text) in attributes.items():
        if kind == "String":
            values[name] = (text,)
        elif kind == "Number":
            values[name] = (float(text),)
        elif kind in ("String.Array", "Number.Array"):
            values[name] = _array(text)
    return values.get


def body_reader(text: str) -> Read | None:
    """Reads a body; None when it is no JSON object, which then passes no policy."""
    try:
        body = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    return (lambda path: leaves(body, path)) if isinstance(body, dict) else None


def leaves(body: Any, path: str) -> Sequence[Value] | None:
    """All values that `body` has under `path`, through arrays and objects, or None when it has none there.

    A dot parts the path, or belongs to a name: `a.b` is found in `{"a": {"b": 1}}` and in `{"a.b": 1}`."""
    found: list[Value] = []
    rest: str | None
    waiting: list[tuple[Any, str | None]] = [(body, path)]
    while waiting:
        node, rest = waiting.pop()
        if isinstance(node, list):
            waiting += [(item, rest) for item in node]
        elif rest is None:
            if not isinstance(node, dict):
                found.append(node)
        elif isinstance(node, dict):
            if rest in node:
                waiting.append((node[rest], None))
            at = rest.find(".")
            while at >= 0:
                if rest[:at] in node:
                    waiting.append((node[rest[:at]], rest[at + 1 :]))
                at = rest.find(".", at + 1)
    return found or None


def _array(text: str) -> Sequence[Value]:
    try:
        parsed = orjson.loads(text)
    except orjson.JSONDecodeError:
        return ()
    if not isinstance(parsed, list):
        return ()
    return [item for item in parsed if not isinstance(item, list | dict)]
