"""Keys: which attributes identify an item, and bytes for them that compare as DynamoDB orders them.

Strings order by their UTF-8 bytes, binary by unsigned bytes, numbers by value
(docs: DynamoDB Developer Guide, Query, sort order; read 2026-11).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from harness.emulator.services.dynamodb import numbers
from harness.emulator.services.dynamodb.errors import invalid, invalid_parameter
from harness.emulator.services.dynamodb.values import Item, Value, decode_binary, kind_of, measure_value

Key = tuple[bytes, bytes]
"""The hash key and the range key in sortable bytes; the latter is empty when the table has none."""

MAX_HASH_BYTES = 2048
MAX_RANGE_BYTES = 1024
KEY_SCHEMA_MISMATCH = "The provided key element does not match the schema"


def sortable(value: Value) -> bytes:
    """A canonical S, N or B value as bytes that order as DynamoDB orders the values."""
    ((kind, content),) = value.items()
    if kind == "S":
        return str(content).encode("utf-8")
    if kind == "N":
        return numbers.sortable(content)
    return decode_binary(content)


@dataclass(frozen=True, slots=True)
class KeyAttribute:
    """A key attribute: its name and its type, S, N or B."""

    name: str
    kind: str


@dataclass(frozen=True, slots=True)
class KeySchema:
    """The key of a table or an index."""

    hash: KeyAttribute
    range: KeyAttribute | None = None

    @property
    def attributes(self) -> tuple[KeyAttribute, ...]:
        """The hash key, then the range key if there is one."""
        return (self.hash,) if self.range is None else (self.hash, self.range)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the key attributes."""
        return tuple(attribute.name for attribute in self.attributes)

    def key_of_item(self, item: Item) -> Key:
        """The key of an item that is to be stored. Raises AwsError when it is missing or of a wrong type."""
        hash_key = _from_item(item, self.hash, MAX_HASH_BYTES)
        if self.range is None:
            return hash_key, b""
        return hash_key, _from_item(item, self.range, MAX_RANGE_BYTES)

    def key_of_request(self, key: Any) -> Key:
        """The key that a request names. Raises AwsError when it is not exactly the key of the schema."""
        wanted = 1 if self.range is None else 2
        if type(key) is not dict or len(key) != wanted:
            for value in key.values() if type(key) is dict else ():
                measure_value(value)
            raise invalid(KEY_SCHEMA_MISMATCH)
        hash_key = _from_key(key, self.hash, MAX_HASH_BYTES)
        if self.range is None:
            return hash_key, b""
        return hash_key, _from_key(key, self.range, MAX_RANGE_BYTES)

    def fits(self, item: dict[str, Any]) -> bool:
        """Whether something that may be an item has every key attribute, of the right type."""
        values = [(item.get(attribute.name), attribute.kind) for attribute in self.attributes]
        return all(type(value) is dict and kind in value for value, kind in values)

    def index_key(self, item: Item) -> Key | None:
        """The key of a stored item in an index; None when it lacks one, or has one of a wrong type from
        before there was the index, and so is not in the index."""
        if not self.fits(item):
            return None
        hash_key = sortable(item[self.hash.name])
        range_key = b"" if self.range is None else sortable(item[self.range.name])
        if not hash_key or (self.range is not None and not range_key):
            return None
        return hash_key, range_key

    def pick(self, item: Item) -> Item:
        """The key attributes of an item."""
        return {name: item[name] for name in self.names}


def _from_item(item: Item, attribute: KeyAttribute, limit: int) -> bytes:
    value = item.get(attribute.name)
    if value is None:
        raise invalid_parameter(f"Missing the key {attribute.name} in the item")
    if attribute.kind not in value:
        raise invalid_parameter(
            f"Type mismatch for key {attribute.name} expected: {attribute.kind} actual: {kind_of(value)}"
        )
    return _bounded(value, attribute, limit)


def _from_key(key: Item, attribute: KeyAttribute, limit: int) -> bytes:
    value = key.get(attribute.name)
    if value is None:
        raise invalid(KEY_SCHEMA_MISMATCH)
    measure_value(value)
    if attribute.kind not in value:
        raise invalid(KEY_SCHEMA_MISMATCH)
    return _bounded(value, attribute, limit)


def _bounded(value: Value, attribute: KeyAttribute, limit: int) -> bytes:
    data = sortable(value)
    if not data:
        kind = "string" if attribute.kind == "S" else "binary"
        raise invalid(
            "One or more parameter values are not valid. The AttributeValue for a key attribute cannot "
            f"contain an empty {kind} value. Key: {attribute.name}"
        )
    if len(data) > limit:
        which = (
            "Size of hashkey has exceeded the maximum size limit of2048 bytes"
            if limit == MAX_HASH_BYTES
            else "Aggregated size of all range keys has exceeded the size limit of 1024 bytes"
        )
        raise invalid_parameter(which)
    return data
