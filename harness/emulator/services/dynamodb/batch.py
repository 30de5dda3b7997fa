"""BatchGetItem and BatchWriteItem.

docs: DynamoDB API Reference, BatchGetItem: up to 100 items and 16 MB; BatchWriteItem: up to 25 puts and
deletes and 16 MB; what throttling keeps from being done comes back as unprocessed, and a batch of which
nothing was done is answered with the throttling error (read 2026-11)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import orjson

from harness.aws.limits.dynamodb_capacity import read_units
from harness.emulator.services.base import AwsError, CallContext
from harness.emulator.services.dynamodb.capacity import (
    THROTTLED,
    Consumed,
    add_consumed,
    consumed_capacity,
)
from harness.emulator.services.dynamodb.errors import constraint, invalid, raise_unless_known
from harness.emulator.services.dynamodb.expressions.of_request import Expressions
from harness.emulator.services.dynamodb.expressions.projection import Projection
from harness.emulator.services.dynamodb.items import raw_json, size_of, unpack
from harness.emulator.services.dynamodb.keys import KEY_SCHEMA_MISMATCH, Key
from harness.emulator.services.dynamodb.reads import PROJECTING
from harness.emulator.services.dynamodb.request import (
    CAPACITY_MODES,
    Answer,
    Request,
    choice,
    flag,
    listed,
    structure,
    table_name,
)
from harness.emulator.services.dynamodb.table import Table
from harness.emulator.services.dynamodb.tables import Tables
from harness.emulator.services.dynamodb.writes import Plan, check_collection_metrics, plan_delete, plan_put

MAX_GETS = 100
MAX_WRITES = 25
MAX_BYTES = 16 * 1024 * 1024
_GET = frozenset(("RequestItems", "ReturnConsumedCapacity"))
_GET_TABLE = frozenset(("Keys", "ConsistentRead", "ProjectionExpression", "ExpressionAttributeNames"))
_WRITE = frozenset(("RequestItems", "ReturnConsumedCapacity", "ReturnItemCollectionMetrics"))
_DUPLICATES = "Provided list of item keys contains duplicates"


class _Throttling:
    """Remembers whether anything was done, and the refusal to answer with if nothing was."""

    def __init__(self) -> None:
        self.done = False
        self.refusal: AwsError | None = None

    def tried(self, step: Callable[[], None]) -> bool:
        """Do `step`; False when it was throttled."""
        try:
            step()
        except AwsError as error:
            if error.code not in THROTTLED:
                raise
            self.refusal = error
            return False
        self.done = True
        return True

    def check(self) -> None:
        """Raises the refusal when all there was was refused."""
        if self.refusal is not None and not self.done:
            raise self.refusal


def batch_write_item(tables: Tables, request: Request, context: CallContext) -> Answer:
    """BatchWriteItem."""
    raise_unless_known(request, "BatchWriteItem", _WRITE)
    mode = choice(request, "ReturnConsumedCapacity", CAPACITY_MODES, "NONE")
    planned = _planned_writes(tables, request, context)
    throttling = _Throttling()
    unprocessed: dict[str, list[Any]] = {}
    consumed: dict[str, Consumed] = {}
    now_s = tables.clock()
    for name, member, plan in planned:
        units = consumed.setdefault(plan.table.name, {})

        def write(plan: Plan = plan, units: Consumed = units) -> None:
            add_consumed(units, plan.table.charge_write(plan.key, plan.old, plan.new, now_s))
            plan.table.apply(plan.key, plan.old, plan.new, now_s)

        if not throttling.tried(write):
            unprocessed.setdefault(name, []).append(member)
    throttling.check()
    answer: Answer = {"UnprocessedItems": unprocessed}
    if mode != "NONE":
        answer["ConsumedCapacity"] = _capacities(tables, context, consumed, mode)
    return answer


def _planned_writes(tables: Tables, request: Request, context: CallContext) -> list[tuple[str, Any, Plan]]:
    """Everything is checked before anything is written. Raises AwsError for what AWS refuses whole."""
    planned: list[tuple[str, Any, Plan]] = []
    seen: set[tuple[str, Key]] = set()
    requests = list(_members(request))
    if sum(len(members) for _name, members in requests) > MAX_WRITES:
        raise invalid("Too many items requested for the BatchWriteItem call")
    for name, members in requests:
        table = tables.named(table_name({"TableName": name}), context)
        if "ReturnItemCollectionMetrics" in request:
            check_collection_metrics(request, table)
        for member in members:
            plan = _planned_write(table, member)
            if (table.name, plan.key) in seen:
                raise invalid(_DUPLICATES)
            seen.add((table.name, plan.key))
            planned.append((name, member, plan))
    if sum(len(plan.new) for _name, _member, plan in planned if plan.new is not None) > MAX_BYTES:
        raise invalid("The batch write request size exceeds the limit of 16 MB")
    return planned


def _members(request: Request) -> Iterator[tuple[str, list[Any]]]:
    items = structure(request.get("RequestItems"), "RequestItems")
    if not items:
        raise constraint("{}", "requestItems", "Member must have length greater than or equal to 1")
    for name in items:
        members = listed(items, name)
        if not 1 <= len(members) <= MAX_WRITES:
            raise constraint(
                orjson.dumps(items).decode(),
                "requestItems",
                "Map value must satisfy constraint: [Member must have length less than or equal to 25, "
                "Member must have length greater than or equal to 1]",
            )
        yield name, members


def _planned_write(table: Table, member: Any) -> Plan:
    wanted = structure(member, "WriteRequest")
    put, delete = wanted.get("PutRequest"), wanted.get("DeleteRequest")
    if (put is None) == (delete is None):
        raise invalid(
            "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the "
            "supported datatypes"
        )
    if put is not None:
        item = structure(put, "PutRequest").get("Item")
        if type(item) is dict and not table.keys.fits(item):
            raise invalid(KEY_SCHEMA_MISMATCH)
        return plan_put(table, {"Item": item})
    return plan_delete(table, {"Key": structure(delete, "DeleteRequest").get("Key")})


def batch_get_item(tables: Tables, request: Request, context: CallContext) -> Answer:
    """BatchGetItem."""
    raise_unless_known(request, "BatchGetItem", _GET)
    mode = choice(request, "ReturnConsumedCapacity", CAPACITY_MODES, "NONE")
    wanted = structure(request.get("RequestItems"), "RequestItems")
    if not wanted:
        raise constraint("{}", "requestItems", "Member must have length greater than or equal to 1")
    gets = [_TableGet(tables, name, wanted[name], context) for name in wanted]
    if sum(len(get.keys) for get in gets) > MAX_GETS:
        raise invalid("Too many items requested for the BatchGetItem call")
    throttling = _Throttling()
    budget = [MAX_BYTES]
    now_s = tables.clock()
    for get in gets:
        get.read(throttling, budget, now_s)
    throttling.check()
    answer: Answer = {
        "Responses": {get.name: get.found for get in gets},
        "UnprocessedKeys": {get.name: get.unprocessed() for get in gets if get.left},
    }
    if mode != "NONE":
        consumed = {get.table.name: {"": get.units} for get in gets}
        answer["ConsumedCapacity"] = _capacities(tables, context, consumed, mode)
    return answer


class _TableGet:
    """The keys that a batch wants of one table, and what came of them.

    Raises AwsError when they are wrong."""

    def __init__(self, tables: Tables, name: str, wanted: Any, context: CallContext) -> None:
        self.name = name
        self.request = structure(wanted, "KeysAndAttributes")
        raise_unless_known(self.request, "BatchGetItem", _GET_TABLE)
        self.table = tables.named(table_name({"TableName": name}), context)
        expressions = Expressions(self.request, PROJECTING)
        self.projection: Projection | None = expressions.projection()
        expressions.check_all_used()
        self.consistent = flag(self.request, "ConsistentRead")
        member = f"requestItems.{name}.member.keys"
        if self.request.get("Keys") is None:
            raise constraint(None, member, "Member must not be null")
        given = listed(self.request, "Keys")
        if not 1 <= len(given) <= MAX_GETS:
            which = "less than or equal to 100" if given else "greater than or equal to 1"
            raise constraint(orjson.dumps(given).decode(), member, f"Member must have length {which}")
        self.keys = [(self.table.keys.key_of_request(key), key) for key in given]
        if len({key for key, _given in self.keys}) != len(self.keys):
            raise invalid(_DUPLICATES)
        self.found: list[Any] = []
        self.left: list[Any] = []
        self.units = 0.0

    def read(self, throttling: _Throttling, budget: list[int], now_s: float) -> None:
        """Read what there is, within the bytes that an answer may have: `budget` holds what is left."""
        for key, given in self.keys:
            stored = self.table.items.get(key)
            size = 0 if stored is None else size_of(stored)
            units = read_units(size, consistent=self.consistent)

            def charge(key: Key = key, units: float = units) -> None:
                self.table.charge_item_read(key, units, now_s)

            if size > budget[0] or not throttling.tried(charge):
                self.left.append(given)
                continue
            self.units += units
            if stored is not None:
                budget[0] -= size
                self.found.append(self._shown(stored))

    def _shown(self, stored: bytes) -> Any:
        return raw_json(stored) if self.projection is None else self.projection.of(unpack(stored))

    def unprocessed(self) -> dict[str, Any]:
        """What was asked for and not done, as it can be asked for again."""
        return {**self.request, "Keys": self.left}


def _capacities(
    tables: Tables, context: CallContext, consumed: dict[str, Consumed], mode: str
) -> list[dict[str, Any]]:
    return [
        consumed_capacity(name, units, mode, tables.named(name, context).local_indexes)
        for name, units in consumed.items()
    ]
