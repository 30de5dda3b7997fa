"""Checks an operation's input against AWS's own published description of it.

The description is the service model that every AWS SDK is made from; botocore carries it. What it says of a
member (required, type, length, range, pattern, allowed values) is enforced with Cognito's words. Sensitive
values never appear in a message.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import orjson

from harness.emulator.services.base import AwsError

_UNICODE_CLASSES = r"\p{L}\p{M}\p{S}\p{N}\p{P}"
_VISIBLE = "\\x21-\\x7e\\xa1-\\u1fff\\u2010-\\u2027\\u2030-\\u205e\\u2070-\\u2fff\\u3001-\\U0010ffff"
"""About the letters, marks, symbols, numbers and punctuation of Unicode, which `re` has no classes for."""


@cache
def _model() -> dict[str, Any]:
    """The service model. Raises RuntimeError when botocore does not carry it."""
    spec = find_spec("botocore")
    folder = Path(spec.origin).parent if spec is not None and spec.origin else Path()
    found = sorted((folder / "data" / "cognito-idp").glob("*/service-2.json.gz"))
    if not found:
        raise RuntimeError("botocore's description of cognito-idp is missing")
    model: dict[str, Any] = orjson.loads(gzip.decompress(found[-1].read_bytes()))
    return {
        "operations": {name: operation["input"]["shape"] for name, operation in model["operations"].items()},
        "open": {
            name for name, operation in model["operations"].items() if operation.get("authtype") == "none"
        },
        "shapes": {name: _without_texts(shape) for name, shape in model["shapes"].items()},
    }


def _without_texts(shape: dict[str, Any]) -> dict[str, Any]:
    members = {name: member["shape"] for name, member in shape.get("members", {}).items()}
    kept = {name: value for name, value in shape.items() if name not in ("documentation", "members")}
    if shape["type"] == "structure":
        kept["members"] = members
    return kept


def operations() -> frozenset[str]:
    """The names of all operations that AWS has."""
    return frozenset(_model()["operations"])


def needs_credentials(operation: str) -> bool:
    """Whether a request for it must be signed with AWS credentials; the others carry their own proof, as an
    access token or a password."""
    return operation in _model()["operations"] and operation not in _model()["open"]


def check_input(operation: str, body: Mapping[str, Any]) -> None:
    """Raises AwsError SerializationException for a wrong type, InvalidParameterException for everything else
    that is wrong, all in one message. Members that AWS does not know are let pass, as AWS does."""
    shape = _model()["operations"][operation]
    _check_type(shape, body, "")
    broken = list(_broken(shape, body, ""))
    if broken:
        errors = "error" if len(broken) == 1 else "errors"
        raise AwsError(
            "InvalidParameterException", f"{len(broken)} validation {errors} detected: {'; '.join(broken)}"
        )


def members(operation: str) -> frozenset[str]:
    """The names of an operation's input members."""
    model = _model()
    return frozenset(model["shapes"][model["operations"][operation]]["members"])


_TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "long": (int,),
    "timestamp": (int, float),
    "list": (list,),
    "map": (dict,),
    "structure": (dict,),
    "blob": (str,),
}


def _check_type(shape_name: str, value: Any, path: str) -> None:
    shape = _model()["shapes"][shape_name]
    kind = shape["type"]
    wrong_number = isinstance(value, bool) and kind in ("integer", "long", "timestamp")
    if not isinstance(value, _TYPES.get(kind, (object,))) or wrong_number:
        raise AwsError("SerializationException", f"The value at '{path}' must be of the type {kind}.")
    for name, inner, item in _children(shape, value):
        _check_type(inner, item, f"{path}.{name}" if path else name)


def _children(shape: Mapping[str, Any], value: Any) -> Iterator[tuple[str, str, Any]]:
    """The parts of a value as (name in AWS's words, shape, part). A null member is an absent one."""
    kind = shape["type"]
    if kind == "structure":
        for name, inner in shape["members"].items():
            if value.get(name) is not None:
                yield name[0].lower() + name[1:], inner, value[name]
    elif kind == "list":
        for i, item in enumerate(value, 1):
            yield f"{i}.member", shape["member"]["shape"], item
    elif kind == "map":
        for key, item in value.items():
            yield "key", shape["key"]["shape"], key
            yield "value", shape["value"]["shape"], item


def _broken(shape_name: str, value: Any, path: str) -> Iterator[str]:
    shape = _model()["shapes"][shape_name]
    kind = shape["type"]
    if kind == "structure":
        for name in shape.get("required", ()):
            if value.get(name) is None:
                inner = f"{path}.{name[0].lower() + name[1:]}" if path else name[0].lower() + name[1:]
                yield f"Value null at '{inner}' failed to satisfy constraint: Member must not be null"
    for constraint in _constraints(shape, value):
        shown = "Value" if shape.get("sensitive") or kind in ("list", "map") else f"Value '{value}'"
        yield f"{shown} at '{path}' failed to satisfy constraint: Member must {constraint}"
    for name, inner_shape, item in _children(shape, value):
        yield from _broken(inner_shape, item, f"{path}.{name}" if path else name)


def _constraints(shape: Mapping[str, Any], value: Any) -> Iterator[str]:
    """What the value breaks."""
    kind = shape["type"]
    if kind in ("integer", "long"):
        if "min" in shape and value < shape["min"]:
            yield f"have value greater than or equal to {shape['min']}"
        if "max" in shape and value > shape["max"]:
            yield f"have value less than or equal to {shape['max']}"
    elif kind in ("string", "list", "map"):
        if "enum" in shape and value not in shape["enum"]:
            yield f"satisfy enum value set: [{', '.join(shape['enum'])}]"
        if "min" in shape and len(value) < shape["min"]:
            yield f"have length greater than or equal to {shape['min']}"
        if "max" in shape and len(value) > shape["max"]:
            yield f"have length less than or equal to {shape['max']}"
        elif kind == "string" and "pattern" in shape and not _pattern(shape["pattern"]).fullmatch(value):
            yield f"satisfy regular expression pattern: {shape['pattern']}"


@cache
def _pattern(text: str) -> re.Pattern[str]:
    """A pattern of Java's as one of Python's: Java's `\\w` and `\\s` are ASCII."""
    return re.compile(text.replace(_UNICODE_CLASSES, _VISIBLE), re.ASCII)
