"""Query and Scan: entries in order, a page at a time.

docs: DynamoDB API Reference, Query and Scan: a page ends at 1 MB or at Limit items, counted before the
filter; its capacity is that of all items read, filtered out or not (read 2026-11)
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from harness.aws.limits.dynamodb_capacity import read_units
from harness.emulator.services.base import CallContext
from harness.emulator.services.dynamodb.capacity import Consumed, consumed_capacity
from harness.emulator.services.dynamodb.errors import (
    constraint,
    invalid,
    invalid_parameter,
    raise_unless_known,
)
from harness.emulator.services.dynamodb.expressions.ast import Condition
from harness.emulator.services.dynamodb.expressions.of_request import Expressions
from harness.emulator.services.dynamodb.expressions.projection import Projection
from harness.emulator.services.dynamodb.indexes import Index
from harness.emulator.services.dynamodb.items import WHOLE, KeyRange, Segment, raw_json, size_of, unpack
from harness.emulator.services.dynamodb.key_condition import KIND as KEY_CONDITION
from harness.emulator.services.dynamodb.key_condition import key_condition
from harness.emulator.services.dynamodb.keys import KEY_SCHEMA_MISMATCH, Key, KeySchema
from harness.emulator.services.dynamodb.request import (
    CAPACITY_MODES,
    Answer,
    Request,
    checked_name,
    choice,
    flag,
    whole_number,
)
from harness.emulator.services.dynamodb.table import Table
from harness.emulator.services.dynamodb.tables import Tables
from harness.emulator.services.dynamodb.values import Item, measure_value, stored_bytes

PAGE_BYTES = 1024 * 1024
_SELECTS = ("SPECIFIC_ATTRIBUTES", "COUNT", "ALL_ATTRIBUTES", "ALL_PROJECTED_ATTRIBUTES")
_MAX_SEGMENTS = 1_000_000
_COMMON = frozenset(
    (
        "TableName",
        "IndexName",
        "ConsistentRead",
        "ExclusiveStartKey",
        "ExpressionAttributeNames",
        "ExpressionAttributeValues",
        "FilterExpression",
        "Limit",
        "ProjectionExpression",
        "ReturnConsumedCapacity",
        "Select",
    )
)
_QUERY = _COMMON | {KEY_CONDITION, "ScanIndexForward"}
_SCAN = _COMMON | {"Segment", "TotalSegments"}

_WRONG_START = "The provided starting key is invalid"

_Read = tuple[Key, bytes]
"""The key in the table and the item as it is held."""


@dataclass(slots=True)
class Reading:
    """What Query and Scan have in common of a request."""

    table: Table
    index: Index | None
    consistent: bool
    filter: Condition | None
    projection: Projection | None
    limit: int | None
    select: str
    capacity_mode: str


@dataclass(slots=True)
class Page:
    """One page as it is read."""

    items: list[Any] = field(default_factory=list)
    count: int = 0
    scanned: int = 0
    read_bytes: int = 0
    fetched_units: float = 0.0
    """Units for items that a local index had to fetch from the table."""
    last: bytes | None = None
    """The last item read, when there may be more."""


def query(tables: Tables, request: Request, context: CallContext) -> Answer:
    """Query."""
    raise_unless_known(request, "Query", _QUERY)
    table = tables.of(request, context)
    expressions = Expressions(request, ("FilterExpression", KEY_CONDITION, "ProjectionExpression"))
    condition = expressions.condition(KEY_CONDITION)
    reading = _reading(request, table, expressions)
    if condition is None:
        raise invalid(
            "Either the KeyConditions or KeyConditionExpression parameter must be specified in the request."
        )
    keys = table.keys if reading.index is None else reading.index.schema.keys
    hash_key, bounds = key_condition(condition, keys)
    _check_filter_beside_keys(reading.filter, keys)
    start = _start_key(request, table, reading.index)
    if start is not None and start[0][0] != hash_key:
        raise invalid("The provided starting key is outside query boundaries based on provided conditions")
    forward = flag(request, "ScanIndexForward", default=True)
    page = _read_page(reading, _query_entries(reading, hash_key, bounds, start, forward=forward))
    consumed = _consumed(reading, page)
    table.charge_collection_read(hash_key, sum(consumed.values()), tables.clock())
    return _page_answer(reading, page, consumed)


def scan(tables: Tables, request: Request, context: CallContext) -> Answer:
    """Scan."""
    raise_unless_known(request, "Scan", _SCAN)
    table = tables.of(request, context)
    expressions = Expressions(request, ("FilterExpression", "ProjectionExpression"))
    reading = _reading(request, table, expressions)
    segment = _segment(request)
    start = _start_key(request, table, reading.index)
    page = _read_page(reading, _scan_entries(reading, segment, start))
    consumed = _consumed(reading, page)
    table.charge_page_read(sum(consumed.values()), tables.clock())
    return _page_answer(reading, page, consumed)


def _reading(request: Request, table: Table, expressions: Expressions) -> Reading:
    filter_ = expressions.condition("FilterExpression")
    projection = expressions.projection()
    expressions.check_all_used()
    index = _index(request, table)
    consistent = flag(request, "ConsistentRead")
    if consistent and index is not None and not index.schema.local:
        raise invalid("Consistent reads are not supported on global secondary indexes")
    return Reading(
        table,
        index,
        consistent,
        filter_,
        projection,
        whole_number(request, "Limit", at_least=1),
        _select(request, index, projection),
        choice(request, "ReturnConsumedCapacity", CAPACITY_MODES, "NONE"),
    )


def _index(request: Request, table: Table) -> Index | None:
    name = request.get("IndexName")
    if name is None:
        return None
    index = table.indexes.get(checked_name(name, "IndexName"))
    if index is None:
        raise invalid(f"The table does not have the specified index: {name}")
    if index.building:
        raise invalid(f"Cannot read from backfilling global secondary index: {name}")
    return index


def _select(request: Request, index: Index | None, projection: Projection | None) -> str:
    select = choice(request, "Select", _SELECTS, "")
    if projection is not None and select not in ("", "SPECIFIC_ATTRIBUTES"):
        shown = {"ALL_ATTRIBUTES": "ALL_ATTRIBUTES", "COUNT": "only the Count"}.get(select, select)
        raise invalid(f"Cannot specify the ProjectionExpression when choosing to get {shown}")
    if select == "SPECIFIC_ATTRIBUTES" and projection is None:
        raise invalid(
            "Must specify the AttributesToGet or ProjectionExpression when choosing to get "
            "SPECIFIC_ATTRIBUTES"
        )
    if select == "ALL_PROJECTED_ATTRIBUTES" and index is None:
        raise invalid_parameter("ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName")
    if select == "ALL_ATTRIBUTES" and index is not None:
        schema = index.schema
        if not schema.local and schema.projection_type != "ALL":
            raise invalid_parameter(
                "Select type ALL_ATTRIBUTES is not supported for global secondary index "
                f"{schema.name} because its projection type is not ALL"
            )
    return select


def _segment(request: Request) -> Segment:
    total = whole_number(request, "TotalSegments", at_least=1, at_most=_MAX_SEGMENTS)
    number = whole_number(request, "Segment", at_least=0, at_most=_MAX_SEGMENTS - 1)
    if total is None and number is None:
        return WHOLE
    if number is None:
        raise invalid(
            "The Segment parameter is required but was not present in the request when "
            "parameter TotalSegments is present"
        )
    if total is None:
        raise invalid(
            "The TotalSegments parameter is required but was not present in the request when Segment "
            "parameter is present"
        )
    if number >= total:
        raise invalid(
            "The Segment parameter is zero-based and must be less than parameter TotalSegments: "
            f"Segment: {number} is not less than TotalSegments: {total}"
        )
    return Segment(number, total)


def _check_filter_beside_keys(filter_: Condition | None, keys: KeySchema) -> None:
    for path in filter_.paths() if filter_ is not None else ():
        if path.parts[0] in keys.names:
            raise invalid(
                "Filter Expression can only contain non-primary key attributes: "
                f"Primary key attribute: {path.parts[0]}"
            )


def _start_key(request: Request, table: Table, index: Index | None) -> tuple[Key, Key] | None:
    """ExclusiveStartKey as a key of the index (or the table again) and a key of the table."""
    given = request.get("ExclusiveStartKey")
    if given is None:
        return None
    if type(given) is not dict:
        raise constraint(given, "exclusiveStartKey", "Member must be a map")
    for value in given.values():
        measure_value(value)
    schemas = [table.keys] if index is None else [table.keys, index.schema.keys]
    names = {name for schema in schemas for name in schema.names}
    if names != given.keys():
        raise invalid(_WRONG_START)
    if not all(schema.fits(given) for schema in schemas):
        raise invalid(f"{_WRONG_START}: {KEY_SCHEMA_MISMATCH}")
    table_key = table.keys.key_of_item(given)
    return (table_key if index is None else index.schema.keys.key_of_item(given)), table_key


def _query_entries(
    reading: Reading, hash_key: bytes, bounds: KeyRange, start: tuple[Key, Key] | None, *, forward: bool
) -> Iterator[_Read]:
    items = reading.table.items
    if reading.index is None:
        after = None if start is None else start[0][1]
        yield from items.query(hash_key, bounds, forward=forward, after=after)
        return
    position = None if start is None else (start[0][1], start[1])
    positions = reading.index.positions
    for _index_key, key in positions.query(hash_key, bounds, forward=forward, after=position):
        stored = items.get(key)
        if stored is not None:
            yield key, stored


def _scan_entries(reading: Reading, segment: Segment, start: tuple[Key, Key] | None) -> Iterator[_Read]:
    items = reading.table.items
    if reading.index is None:
        yield from items.scan(segment, None if start is None else start[1])
        return
    for _index_key, key in reading.index.positions.scan(segment, start):
        stored = items.get(key)
        if stored is not None:
            yield key, stored


def _read_page(reading: Reading, entries: Iterator[_Read]) -> Page:
    page = Page()
    previous: bytes | None = None
    decode = _must_decode(reading)
    for _key, stored in entries:
        item = unpack(stored) if decode else None
        size = _entry_bytes(reading, stored, item)
        if page.scanned and page.read_bytes + size > PAGE_BYTES:
            page.last = previous
            break
        page.scanned += 1
        page.read_bytes += size
        _take_entry(reading, page, stored, item)
        previous = stored
        if page.scanned == reading.limit:
            page.last = stored
            break
    return page


def _must_decode(reading: Reading) -> bool:
    index = reading.index
    return (
        reading.filter is not None
        or reading.projection is not None
        or (index is not None and index.schema.projection_type != "ALL")
    )


def _entry_bytes(reading: Reading, stored: bytes, item: Item | None) -> int:
    """The size of what is read: the whole item, or what the index holds of it."""
    if reading.index is None or item is None or reading.index.schema.projection_type == "ALL":
        return size_of(stored)
    return stored_bytes(reading.index.projected(item))


def _take_entry(reading: Reading, page: Page, stored: bytes, item: Item | None) -> None:
    if reading.filter is not None and item is not None and not reading.filter.holds(item):
        return
    page.count += 1
    if reading.select == "COUNT":
        return
    if item is None:
        page.items.append(raw_json(stored))
        return
    index = reading.index
    if index is not None and _beyond_index(reading, index):
        page.fetched_units += read_units(size_of(stored), consistent=reading.consistent)
    elif index is not None:
        item = index.projected(item)
    page.items.append(item if reading.projection is None else reading.projection.of(item))


def _beyond_index(reading: Reading, index: Index) -> bool:
    """Whether a local index fetches the item from its table, to answer with what it does not hold."""
    if not index.schema.local or index.schema.projection_type == "ALL":
        return False
    if reading.projection is None:
        return reading.select == "ALL_ATTRIBUTES"
    return not all(index.holds_attribute(str(path.parts[0])) for path in reading.projection.paths)


def _consumed(reading: Reading, page: Page) -> Consumed:
    units = read_units(page.read_bytes, consistent=reading.consistent)
    if reading.index is None:
        return {"": units}
    consumed: Consumed = {reading.index.schema.name: units}
    consumed[""] = page.fetched_units
    return consumed


def _page_answer(reading: Reading, page: Page, consumed: Consumed) -> Answer:
    answer: Answer = {"Count": page.count, "ScannedCount": page.scanned}
    if reading.select != "COUNT":
        answer["Items"] = page.items
    if page.last is not None:
        last = unpack(page.last)
        answer["LastEvaluatedKey"] = reading.table.keys.pick(last)
        if reading.index is not None:
            answer["LastEvaluatedKey"].update(reading.index.schema.keys.pick(last))
    if reading.capacity_mode != "NONE":
        answer["ConsumedCapacity"] = consumed_capacity(
            reading.table.name, consumed, reading.capacity_mode, reading.table.local_indexes
        )
    return answer
