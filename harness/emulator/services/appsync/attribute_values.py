"""DynamoDB's typed values to plain ones and back, as AppSync's helpers and data source convert them.

docs: AppSync Developer Guide, DynamoDB helpers in $util.dynamodb; Type system (response mapping) (read
2026-11)
"""

from __future__ import annotations

from typing import Any

Typed = dict[str, Any]
_MAX_NESTING = 64


class NotTyped(Exception):
    """Not a DynamoDB attribute value."""


def number_text(value: int | float) -> str:
    """A number as DynamoDB takes it."""
    whole = isinstance(value, float) and value.is_integer() and abs(value) < 2**63
    return str(int(value)) if whole else repr(value)


def typed(value: Any, depth: int = 0) -> Typed:
    """A plain value as an attribute value: lists are lists, never sets."""
    if depth > _MAX_NESTING:
        raise NotTyped("The value is nested too deeply")
    if value is None:
        return {"NULL": True}
    if isinstance(value, bool):
        return {"BOOL": value}
    if isinstance(value, str):
        return {"S": value}
    if isinstance(value, int | float):
        return {"N": number_text(value)}
    if isinstance(value, list):
        return {"L": [typed(item, depth + 1) for item in value]}
    if isinstance(value, dict):
        return {"M": {str(name): typed(item, depth + 1) for name, item in value.items()}}
    raise NotTyped("The value is not one that JSON has")


def plain(value: Any) -> Any:
    """An attribute value as a plain one: sets become lists, binary stays base64."""
    if not isinstance(value, dict) or len(value) != 1:
        raise NotTyped(f"Not an attribute value: {str(value)[:60]}")
    ((kind, content),) = value.items()
    match kind:
        case "S" | "BOOL" | "B":
            return content
        case "N":
            return plain_number(content)
        case "M":
            return {name: plain(item) for name, item in content.items()}
        case "L":
            return [plain(item) for item in content]
        case "NULL":
            return None
        case "SS" | "BS":
            return list(content)
        case "NS":
            return [plain_number(item) for item in content]
    raise NotTyped(f"'{kind}' is not a type of attribute value")


def plain_number(text: str) -> int | float:
    """A number out of DynamoDB's text for it."""
    try:
        return int(text)
    except ValueError:
        number = float(text)
        return int(number) if number.is_integer() and abs(number) < 2**53 else number


def plain_item(item: dict[str, Typed]) -> dict[str, Any]:
    """An item without its types."""
    return {name: plain(value) for name, value in item.items()}
