"""Secondary indexes: the keys in order, the items left in the table, the units as AWS counts them.

docs: DynamoDB Developer Guide, Using global secondary indexes, provisioned throughput considerations: a write
for each index entry that is put, changed or deleted; two when its key changes; none when nothing projected
changes (read 2026-11). An entry counts its projected attributes and the keys of index and table.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from harness.aws.limits.dynamodb_capacity import write_units
from harness.emulator.services.dynamodb.errors import invalid, invalid_parameter
from harness.emulator.services.dynamodb.items import WHOLE, IndexSpace, Items, unpack
from harness.emulator.services.dynamodb.keys import Key, KeySchema
from harness.emulator.services.dynamodb.schema import IndexSchema
from harness.emulator.services.dynamodb.values import Item, kind_of, stored_bytes


@dataclass(slots=True)
class Index:
    """One secondary index of a table."""

    schema: IndexSchema
    table_keys: KeySchema
    positions: IndexSpace = field(default_factory=IndexSpace)
    building: bool = False
    """Whether items that were there before the index are still being entered."""
    built_up_to: Key | None = None
    """The last item entered, while the index is being built."""

    def projected(self, item: Item) -> Item:
        """The part of an item that the index holds."""
        if self.schema.projection_type == "ALL":
            return item
        names = (*self.table_keys.names, *self.schema.keys.names, *self.schema.included)
        return {name: item[name] for name in dict.fromkeys(names) if name in item}

    def holds_attribute(self, name: str) -> bool:
        """Whether the index itself can answer with an attribute of that name."""
        return (
            self.schema.projection_type == "ALL"
            or name in self.table_keys.names
            or name in self.schema.keys.names
            or name in self.schema.included
        )

    def check(self, item: Item) -> None:
        """Raises AwsError when an attribute of the index's key is of a wrong type or empty."""
        for attribute in self.schema.keys.attributes:
            value = item.get(attribute.name)
            if value is None:
                continue
            if attribute.kind not in value:
                raise invalid_parameter(
                    f"Type mismatch for Index Key {attribute.name} Expected: {attribute.kind} "
                    f"Actual: {kind_of(value)} IndexName: {self.schema.name}"
                )
            if value[attribute.kind] == "":
                kind = "string" if attribute.kind == "S" else "binary"
                raise invalid(
                    "One or more parameter values are not valid. A value specified for a secondary index key "
                    "is not supported. The AttributeValue for a key attribute cannot contain an empty "
                    f"{kind} value. IndexName: {self.schema.name}, IndexKey: {attribute.name}"
                )

    def units_of_change(self, before: Item | None, after: Item | None) -> int:
        """The write units that a change of an item takes in this index."""
        old = self._entry(before)
        new = self._entry(after)
        if old == new:
            return 0
        if old is None or new is None:
            entry = old if new is None else new
            return write_units(stored_bytes(entry or {}))
        if self._key_of(before) != self._key_of(after):
            return write_units(stored_bytes(old)) + write_units(stored_bytes(new))
        return write_units(max(stored_bytes(old), stored_bytes(new)))

    def follow(self, key: Key, before: Item | None, after: Item | None) -> None:
        """Bring the index to where the item is now."""
        old, new = self._key_of(before), self._key_of(after)
        if old == new:
            return
        if old is not None:
            self.positions.discard(old, key)
        if new is not None:
            self.positions.add(new, key)

    def build(self, items: Items, most: int) -> None:
        """Enter up to `most` more of the items that were there before the index. Changes meanwhile are
        followed as ever, so an item may be entered twice, or be gone, and neither matters."""
        for entered, (key, stored) in enumerate(items.scan(WHOLE, self.built_up_to)):
            if entered == most:
                return
            position = self.schema.keys.index_key(unpack(stored))
            if position is not None:
                self.positions.add(position, key)
            self.built_up_to = key
        self.building, self.built_up_to = False, None

    def _key_of(self, item: Item | None) -> Key | None:
        return None if item is None else self.schema.keys.index_key(item)

    def _entry(self, item: Item | None) -> Item | None:
        return None if item is None or self._key_of(item) is None else self.projected(item)
