"""A table: its items, what is derived from them at every change, and what it is described as."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from harness.aws.limits.dynamodb_capacity import write_units
from harness.emulator.services.dynamodb.capacity import Admission, Consumed
from harness.emulator.services.dynamodb.indexes import Index
from harness.emulator.services.dynamodb.items import (
    HashItems,
    HashRangeItems,
    Items,
    bucket_of,
    size_of,
    unpack,
)
from harness.emulator.services.dynamodb.keys import Key, KeySchema
from harness.emulator.services.dynamodb.schema import Capacity
from harness.emulator.services.dynamodb.streams.capture import CapturedChanges, TableStream
from harness.emulator.services.dynamodb.values import equal
from harness.measure.meters import Counter

ITEM_OVERHEAD_BYTES = 100
"""Per item, on top of its size, in the storage that AWS bills (docs: DynamoDB pricing, data storage)."""


@dataclass(slots=True)
class TableMeters:
    """The counters of one table."""

    write_request_units: Counter
    read_request_units: Counter
    throttled_requests: Counter


@dataclass(slots=True, eq=False)
class Table:
    """A table and all that belongs to it."""

    name: str
    arn: str
    table_id: str
    created_s: float
    keys: KeySchema
    attribute_kinds: dict[str, str]
    billing_mode: str
    capacity: Capacity | None
    meters: TableMeters
    changes: CapturedChanges
    indexes: dict[str, Index] = field(default_factory=dict)
    stream: TableStream | None = None
    last_stream_label: str | None = None
    reads: Admission | None = None
    writes: Admission | None = None
    ttl_attribute: str | None = None
    ttl_cursor: Key | None = None
    tags: dict[str, str] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    """What is only kept and described: class, deletion protection, encryption, throughput hints."""
    items: Items = field(init=False)
    item_count: int = 0
    items_bytes: int = 0
    """The sum of the items' sizes, without the overhead."""

    def __post_init__(self) -> None:
        self.items = HashItems() if self.keys.range is None else HashRangeItems()

    @property
    def local_indexes(self) -> frozenset[str]:
        """The names of the local secondary indexes."""
        return frozenset(name for name, index in self.indexes.items() if index.schema.local)

    @property
    def storage_bytes(self) -> int:
        """What AWS bills as storage, the indexes not counted."""
        return self.items_bytes + ITEM_OVERHEAD_BYTES * self.item_count

    def charge_write(
        self, key: Key, old: bytes | None, new: bytes | None, now_s: float, factor: int = 1
    ) -> Consumed:
        """Take the units that a change needs, the larger of both sizes; what no admission lets through is
        not to be applied. `factor` is 2 in a transaction.

        Raises AwsError when throttled."""
        size = max(0 if old is None else size_of(old), 0 if new is None else size_of(new))
        consumed: Consumed = {"": write_units(size) * factor}
        if self.indexes:
            self._charge_indexes(consumed, old, new, factor)
        if self.writes is not None:
            self.take_writes(key, consumed[""], now_s)
        self.meters.write_request_units.value += sum(consumed.values())
        return consumed

    def _charge_indexes(self, consumed: Consumed, old: bytes | None, new: bytes | None, factor: int) -> None:
        before = None if old is None else unpack(old)
        after = None if new is None else unpack(new)
        for index in self.indexes.values():
            units = index.units_of_change(before, after)
            if units:
                consumed[index.schema.name] = units * factor

    def take_writes(self, key: Key, units: float, now_s: float) -> None:
        """Take write units for one item. Raises AwsError when throttled."""
        if self.writes is not None:
            self.writes.take(now_s, bucket_of(key[0]), units)

    def charge_item_read(self, key: Key, units: float, now_s: float) -> None:
        """Take read units for one item. Raises AwsError when throttled."""
        if self.reads is not None:
            self.reads.take(now_s, bucket_of(key[0]), units)
        self.meters.read_request_units.value += units

    def charge_collection_read(self, hash_key: bytes, units: float, now_s: float) -> None:
        """Take read units for items of one hash key. Raises AwsError when throttled."""
        self.charge_item_read((hash_key, b""), units, now_s)

    def charge_page_read(self, units: float, now_s: float) -> None:
        """Take read units for a page of a scan. Raises AwsError when throttled."""
        if self.reads is not None:
            self.reads.take_page(now_s, units)
        self.meters.read_request_units.value += units

    def apply(
        self, key: Key, old: bytes | None, new: bytes | None, now_s: float, *, expired: bool = False
    ) -> None:
        """Put `new` (None removes) in the place of `old`, which is what is held; the indexes and the stream
        follow."""
        if new is not None:
            self.items.put(key, new)
            self.items_bytes += size_of(new)
            self.item_count += old is None
        elif old is not None:
            self.items.remove(key)
            self.item_count -= 1
        if old is not None:
            self.items_bytes -= size_of(old)
        if self.indexes:
            self._follow_indexes(key, old, new)
        if self.stream is not None and old != new and not _same_item(old, new):
            self.changes.capture(self.stream, bucket_of(key[0]), old, new, now_s, expired=expired)

    def _follow_indexes(self, key: Key, old: bytes | None, new: bytes | None) -> None:
        before = None if old is None else unpack(old)
        after = None if new is None else unpack(new)
        for index in self.indexes.values():
            index.follow(key, before, after)


def _same_item(old: bytes | None, new: bytes | None) -> bool:
    """Whether two items held in different bytes are the same: the order of attributes, and of what is in a
    set, does not count."""
    if old is None or new is None or len(old) != len(new):
        return False
    before, after = unpack(old), unpack(new)
    return before == after or equal({"M": before}, {"M": after})
