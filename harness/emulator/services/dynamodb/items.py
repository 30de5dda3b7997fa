"""Where items lie: compact bytes in hash buckets, in an order that scans, segments and pages can rely on.

An item is held as its attribute-value JSON behind three bytes that say its size as DynamoDB counts it.
Reading or replacing a whole item therefore decodes nothing.

Hash keys fall into 4,096 buckets by CRC-32. A scan goes through the buckets, and through the keys of each in
byte order: as on AWS it looks shuffled, and it resumes after any key, whether or not that key is still there.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, NamedTuple, Protocol, TypeVar, overload
from zlib import crc32

import orjson

from harness.emulator.services.dynamodb.keys import Key
from harness.emulator.services.dynamodb.values import Item

BUCKETS = 4096
_EMPTY = (None,) * BUCKETS
"""The buckets of every space that never held anything: most tables of a large account."""
_SIZE_BYTES = 3


def pack(item: Item, size_bytes: int) -> bytes:
    """An item as it is held."""
    return size_bytes.to_bytes(_SIZE_BYTES, "big") + orjson.dumps(item)


def unpack(stored: bytes) -> Item:
    """The item, decoded anew: the caller may change it."""
    item: Item = orjson.loads(memoryview(stored)[_SIZE_BYTES:])
    return item


def size_of(stored: bytes) -> int:
    """The item's size as DynamoDB counts it."""
    return int.from_bytes(stored[:_SIZE_BYTES], "big")


def raw_json(stored: bytes) -> orjson.Fragment:
    """The item's JSON, to be put into an answer as it is."""
    return orjson.Fragment(stored[_SIZE_BYTES:])


def bucket_of(hash_key: bytes) -> int:
    """The bucket that a hash key falls into; also the key range that its capacity is counted in."""
    return crc32(hash_key) & (BUCKETS - 1)


class Segment(NamedTuple):
    """A part of a table for a parallel scan: `number` of `total`."""

    number: int = 0
    total: int = 1

    def buckets(self) -> range:
        """The buckets of this part; the parts of one total cover each bucket once."""
        return range(self.number * BUCKETS // self.total, (self.number + 1) * BUCKETS // self.total)


@dataclass(frozen=True, slots=True)
class KeyRange:
    """Bounds on sort keys; None is open."""

    low: bytes | None = None
    high: bytes | None = None
    low_included: bool = True
    high_included: bool = True


EVERYTHING = KeyRange()
WHOLE = Segment()

T = TypeVar("T")


class HashSpace(Generic[T]):
    """A mapping by hash key that can be walked in a stable order, from any key on."""

    __slots__ = ("_buckets",)

    def __init__(self) -> None:
        self._buckets: Sequence[dict[bytes, T] | None] = _EMPTY

    def get(self, hash_key: bytes) -> T | None:
        """What is held under `hash_key`."""
        bucket = self._buckets[crc32(hash_key) & (BUCKETS - 1)]
        return None if bucket is None else bucket.get(hash_key)

    def put(self, hash_key: bytes, value: T) -> T | None:
        """Hold `value`; returns what was held before."""
        index = crc32(hash_key) & (BUCKETS - 1)
        bucket = self._buckets[index]
        if bucket is None:
            self._writable()[index] = {hash_key: value}
            return None
        old = bucket.get(hash_key)
        bucket[hash_key] = value
        return old

    def remove(self, hash_key: bytes) -> T | None:
        """Let go of what is held under `hash_key`; returns it."""
        index = crc32(hash_key) & (BUCKETS - 1)
        bucket = self._buckets[index]
        if bucket is None:
            return None
        old = bucket.pop(hash_key, None)
        if not bucket:
            self._writable()[index] = None
        return old

    def _writable(self) -> list[dict[bytes, T] | None]:
        """The buckets, this space's own from its first entry on."""
        if not isinstance(self._buckets, list):
            self._buckets = list(self._buckets)
        return self._buckets

    def walk(self, segment: Segment = WHOLE, start: bytes | None = None) -> Iterator[tuple[bytes, T]]:
        """The entries of a segment in scan order, from the hash key `start` (included) on."""
        first = -1 if start is None else bucket_of(start)
        for index in segment.buckets():
            bucket = self._buckets[index]
            if bucket is None or index < first:
                continue
            for hash_key in sorted(bucket):
                if index > first or start is None or hash_key >= start:
                    yield hash_key, bucket[hash_key]


Entry = tuple[Key, bytes]
"""A key and the item held under it."""


class Items(Protocol):
    """The items of a table."""

    def get(self, key: Key) -> bytes | None:
        """The item as it is held, or None."""

    def put(self, key: Key, stored: bytes) -> None:
        """Hold `stored` under `key`, in place of what was there."""

    def remove(self, key: Key) -> None:
        """Let go of the item under `key`, if there is one."""

    def scan(self, segment: Segment, after: Key | None) -> Iterator[Entry]:
        """The items of a segment in scan order, those after the key `after` only."""

    def query(
        self, hash_key: bytes, bounds: KeyRange, *, forward: bool, after: bytes | None
    ) -> Iterator[Entry]:
        """The items of one hash key within `bounds`, in order, those beyond the range key `after` only."""


class HashItems:
    """The items of a table without a range key."""

    __slots__ = ("_items",)

    def __init__(self) -> None:
        self._items: HashSpace[bytes] = HashSpace()

    def get(self, key: Key) -> bytes | None:
        """As Items.get."""
        return self._items.get(key[0])

    def put(self, key: Key, stored: bytes) -> None:
        """As Items.put."""
        self._items.put(key[0], stored)

    def remove(self, key: Key) -> None:
        """As Items.remove."""
        self._items.remove(key[0])

    def scan(self, segment: Segment, after: Key | None) -> Iterator[Entry]:
        """As Items.scan."""
        start = None if after is None else after[0]
        for hash_key, stored in self._items.walk(segment, start):
            if hash_key != start:
                yield (hash_key, b""), stored

    def query(
        self, hash_key: bytes, bounds: KeyRange, *, forward: bool, after: bytes | None
    ) -> Iterator[Entry]:
        """As Items.query."""
        del bounds, forward  # without a range key there is nothing to bound or to order
        stored = self._items.get(hash_key)
        if stored is not None and after is None:
            yield (hash_key, b""), stored


IndexPosition = tuple[bytes, Key]
"""Where an item stands within one hash key of an index: its range key there, then its key in the table."""


def _span(range_keys: Sequence[bytes], bounds: KeyRange) -> tuple[int, int]:
    """The positions of sorted range keys within `bounds`: first, and one past the last."""
    first, last = 0, len(range_keys)
    if bounds.low is not None:
        first = (bisect_left if bounds.low_included else bisect_right)(range_keys, bounds.low)
    if bounds.high is not None:
        last = (bisect_right if bounds.high_included else bisect_left)(range_keys, bounds.high)
    return first, last


class _RangeKeys(Sequence[bytes]):
    """The range keys of index positions, looked at only where a search goes."""

    def __init__(self, positions: list[IndexPosition]) -> None:
        self._positions = positions

    def __len__(self) -> int:
        return len(self._positions)

    @overload
    def __getitem__(self, at: int) -> bytes: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[bytes]: ...
    def __getitem__(self, at: int | slice) -> bytes | Sequence[bytes]:
        if isinstance(at, slice):
            return [position[0] for position in self._positions[at]]
        return self._positions[at][0]


class _Collection:
    """The items of one hash key, by range key. Two lists side by side: at a few items a key this is the most
    compact form, and at 100,000 an insertion in the middle still moves less than a megabyte."""

    __slots__ = ("items", "range_keys")

    def __init__(self) -> None:
        self.range_keys: list[bytes] = []
        self.items: list[bytes] = []

    def find(self, range_key: bytes) -> int | None:
        at = bisect_left(self.range_keys, range_key)
        return at if at < len(self.range_keys) and self.range_keys[at] == range_key else None

    def between(
        self, bounds: KeyRange, *, forward: bool, after: bytes | None
    ) -> Iterator[tuple[bytes, bytes]]:
        first, last = _span(self.range_keys, bounds)
        if after is not None and forward:
            first = max(first, bisect_right(self.range_keys, after))
        elif after is not None:
            last = min(last, bisect_left(self.range_keys, after))
        positions = range(first, last) if forward else range(last - 1, first - 1, -1)
        for at in positions:
            yield self.range_keys[at], self.items[at]


class HashRangeItems:
    """The items of a table with a range key."""

    __slots__ = ("_collections",)

    def __init__(self) -> None:
        self._collections: HashSpace[_Collection] = HashSpace()

    def get(self, key: Key) -> bytes | None:
        """As Items.get."""
        collection = self._collections.get(key[0])
        at = None if collection is None else collection.find(key[1])
        return None if collection is None or at is None else collection.items[at]

    def put(self, key: Key, stored: bytes) -> None:
        """As Items.put."""
        collection = self._collections.get(key[0])
        if collection is None:
            collection = _Collection()
            self._collections.put(key[0], collection)
        range_keys = collection.range_keys
        at = bisect_left(range_keys, key[1])
        if at < len(range_keys) and range_keys[at] == key[1]:
            collection.items[at] = stored
        else:
            range_keys.insert(at, key[1])
            collection.items.insert(at, stored)

    def remove(self, key: Key) -> None:
        """As Items.remove."""
        collection = self._collections.get(key[0])
        at = None if collection is None else collection.find(key[1])
        if collection is None or at is None:
            return
        del collection.range_keys[at], collection.items[at]
        if not collection.range_keys:
            self._collections.remove(key[0])

    def scan(self, segment: Segment, after: Key | None) -> Iterator[Entry]:
        """As Items.scan."""
        start = None if after is None else after[0]
        for hash_key, collection in self._collections.walk(segment, start):
            beyond = after[1] if after is not None and hash_key == start else None
            for range_key, stored in collection.between(EVERYTHING, forward=True, after=beyond):
                yield (hash_key, range_key), stored

    def query(
        self, hash_key: bytes, bounds: KeyRange, *, forward: bool, after: bytes | None
    ) -> Iterator[Entry]:
        """As Items.query."""
        collection = self._collections.get(hash_key)
        if collection is None:
            return
        for range_key, stored in collection.between(bounds, forward=forward, after=after):
            yield (hash_key, range_key), stored


class IndexSpace:
    """The keys of an index: per hash key of the index, positions in order. Items stay in the table."""

    __slots__ = ("_collections", "count")

    def __init__(self) -> None:
        self._collections: HashSpace[list[IndexPosition]] = HashSpace()
        self.count = 0

    def add(self, index_key: Key, table_key: Key) -> None:
        """Enter an item; one that is there already stays."""
        positions = self._collections.get(index_key[0])
        if positions is None:
            positions = []
            self._collections.put(index_key[0], positions)
        position = (index_key[1], table_key)
        at = bisect_left(positions, position)
        if at == len(positions) or positions[at] != position:
            positions.insert(at, position)
            self.count += 1

    def discard(self, index_key: Key, table_key: Key) -> None:
        """Take out an item; one that is not there is not missed."""
        positions = self._collections.get(index_key[0]) or []
        position = (index_key[1], table_key)
        at = bisect_left(positions, position)
        if at == len(positions) or positions[at] != position:
            return
        del positions[at]
        self.count -= 1
        if not positions:
            self._collections.remove(index_key[0])

    def scan(self, segment: Segment, after: tuple[Key, Key] | None) -> Iterator[tuple[Key, Key]]:
        """Index key and table key of each item in scan order, those after `after` only."""
        start = None if after is None else after[0][0]
        for hash_key, positions in self._collections.walk(segment, start):
            first = 0
            if after is not None and hash_key == start:
                first = bisect_right(positions, (after[0][1], after[1]))
            for range_key, table_key in positions[first:]:
                yield (hash_key, range_key), table_key

    def query(
        self, hash_key: bytes, bounds: KeyRange, *, forward: bool, after: IndexPosition | None
    ) -> Iterator[tuple[Key, Key]]:
        """Index key and table key of the items of one hash key within `bounds`, in order."""
        positions = self._collections.get(hash_key) or []
        first, last = _span(_RangeKeys(positions), bounds)
        if after is not None and forward:
            first = max(first, bisect_right(positions, after))
        elif after is not None:
            last = min(last, bisect_left(positions, after))
        for at in range(first, last) if forward else range(last - 1, first - 1, -1):
            range_key, table_key = positions[at]
            yield (hash_key, range_key), table_key
