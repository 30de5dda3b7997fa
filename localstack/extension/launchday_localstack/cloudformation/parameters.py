"""A template's properties as the parameters of an API call.

CloudFormation's properties are the API's members but for the case of their first letters, and templates give
numbers and booleans as strings, too. What the API does not have is refused: LocalStack would leave it out,
and a stack that is CREATE_COMPLETE would not be what its template says.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class PropertyError(Exception):
    """A property that cannot be used. The message names it, in a sentence."""


def parameters(properties: Mapping[str, Any], shape: Any, where: str = "") -> dict[str, Any]:
    """`properties` as members of `shape`, botocore's model of a structure; None is as if it was not given.
    `where` is the path to them. Raises PropertyError."""
    members = {name.lower(): name for name in shape.members}
    converted = {}
    for given, value in properties.items():
        path = f"{where}{given}"
        name = members.get(given.lower())
        if name is None:
            raise PropertyError(f"The property {path} is not supported.")
        if value is not None:
            converted[name] = _converted(value, shape.members[name], path)
    return converted


def _converted(value: Any, shape: Any, path: str) -> Any:
    kind = shape.type_name
    if kind in ("structure", "map"):
        if not isinstance(value, Mapping):
            raise PropertyError(f"The property {path} must be an object.")
        if kind == "structure":
            return parameters(value, shape, path + ".")
        return {str(key): _converted(item, shape.value, f"{path}.{key}") for key, item in value.items()}
    if kind == "list":
        if not isinstance(value, list):
            raise PropertyError(f"The property {path} must be a list.")
        return [_converted(item, shape.member, f"{path}[{index}]") for index, item in enumerate(value)]
    return _scalar(value, kind, path)


def _scalar(value: Any, kind: str, path: str) -> Any:
    if isinstance(value, Mapping | list):
        raise PropertyError(f"The property {path} must be a {kind}.")
    text = str(value).lower() if isinstance(value, bool) else str(value)
    if kind == "boolean":
        if text.lower() not in ("true", "false"):
            raise PropertyError(f"The property {path} must be true or false, not '{text}'.")
        return text.lower() == "true"
    try:
        if kind in ("integer", "long", "timestamp"):
            return int(text)
        if kind in ("float", "double"):
            return float(text)
    except ValueError:
        raise PropertyError(f"The property {path} must be a number, not '{text}'.") from None
    return text.encode() if kind == "blob" else text
