"""PutItem, UpdateItem and DeleteItem: each is planned against what is held, then charged, then applied."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from harness.aws.limits.dynamodb_capacity import write_units
from harness.emulator.services.base import AwsError, CallContext
from harness.emulator.services.dynamodb.capacity import Consumed, consumed_capacity
from harness.emulator.services.dynamodb.errors import (
    condition_failed,
    constraint,
    invalid,
    invalid_parameter,
    not_offered,
    raise_unless_known,
)
from harness.emulator.services.dynamodb.expressions.ast import Condition
from harness.emulator.services.dynamodb.expressions.of_request import Expressions
from harness.emulator.services.dynamodb.expressions.projection import Projection
from harness.emulator.services.dynamodb.expressions.update import Update
from harness.emulator.services.dynamodb.items import pack, raw_json, size_of, unpack
from harness.emulator.services.dynamodb.keys import Key
from harness.emulator.services.dynamodb.request import (
    CAPACITY_MODES,
    COLLECTION_METRICS,
    Answer,
    Request,
    choice,
)
from harness.emulator.services.dynamodb.table import Table
from harness.emulator.services.dynamodb.tables import Tables
from harness.emulator.services.dynamodb.values import (
    Item,
    measure_item,
)

_RETURN_VALUES = ("ALL_NEW", "UPDATED_OLD", "ALL_OLD", "NONE", "UPDATED_NEW")
_ON_FAILURE = ("ALL_OLD", "NONE")
_COMMON = frozenset(
    (
        "TableName",
        "ConditionExpression",
        "ExpressionAttributeNames",
        "ExpressionAttributeValues",
        "ReturnValues",
        "ReturnConsumedCapacity",
        "ReturnItemCollectionMetrics",
        "ReturnValuesOnConditionCheckFailure",
    )
)
_PUT = _COMMON | {"Item"}
_UPDATE = _COMMON | {"Key", "UpdateExpression"}
_DELETE = _COMMON | {"Key"}
_CONDITION_MEMBERS = ("ConditionExpression", "ExpressionAttributeNames", "ExpressionAttributeValues")
_WITH_CONDITION = ("ConditionExpression",)
_WITH_UPDATE = ("UpdateExpression", "ConditionExpression")


@dataclass(slots=True)
class Plan:
    """A change of one item that may go ahead: its condition held."""

    table: Table
    key: Key
    old: bytes | None
    new: bytes | None


class ConditionFailed(Exception):
    """The condition of a plan did not hold; `plan.new` is what would have been written."""

    def __init__(self, plan: Plan) -> None:
        super().__init__("the condition did not hold")
        self.plan = plan


def put_item(tables: Tables, request: Request, context: CallContext) -> Answer:
    """PutItem."""
    raise_unless_known(request, "PutItem", _PUT)
    returned = _return_values(request, ("NONE", "ALL_OLD"))
    table = tables.of(request, context)
    plan = _planned(tables, request, plan_put, table)
    consumed = _carry_out(tables, plan)
    answer = _answer(request, table, consumed)
    if returned == "ALL_OLD" and plan.old is not None:
        answer["Attributes"] = raw_json(plan.old)
    return answer


def delete_item(tables: Tables, request: Request, context: CallContext) -> Answer:
    """DeleteItem."""
    raise_unless_known(request, "DeleteItem", _DELETE)
    returned = _return_values(request, ("NONE", "ALL_OLD"))
    table = tables.of(request, context)
    plan = _planned(tables, request, plan_delete, table)
    consumed = _carry_out(tables, plan)
    answer = _answer(request, table, consumed)
    if returned == "ALL_OLD" and plan.old is not None:
        answer["Attributes"] = raw_json(plan.old)
    return answer


def update_item(tables: Tables, request: Request, context: CallContext) -> Answer:
    """UpdateItem."""
    raise_unless_known(request, "UpdateItem", _UPDATE)
    returned = _return_values(request, _RETURN_VALUES)
    table = tables.of(request, context)
    plan = _planned(tables, request, plan_update, table)
    consumed = _carry_out(tables, plan)
    answer = _answer(request, table, consumed)
    stored = plan.old if returned.endswith("OLD") else plan.new
    if returned.startswith("ALL") and stored is not None:
        answer["Attributes"] = raw_json(stored)
    elif returned.startswith("UPDATED") and stored is not None:
        attributes = _updated_attributes(request, unpack(stored))
        if attributes:
            answer["Attributes"] = attributes
    return answer


def _planned(tables: Tables, request: Request, plan: Callable[[Table, Request], Plan], table: Table) -> Plan:
    """The plan; a condition that does not hold is charged and answered."""
    try:
        return plan(table, request)
    except ConditionFailed as failure:
        old, new = failure.plan.old, failure.plan.new
        # docs: Working with items, Conditional writes: by the larger of what is there and what was to be
        # written (read 2026-11). What an update would have made of it is not known: it was not done.
        units = write_units(max((size_of(item) for item in (old, new) if item is not None), default=0))
        table.take_writes(failure.plan.key, units, tables.clock())
        table.meters.write_request_units.value += units
        raise _condition_error(request, old) from None


def _condition_error(request: Request, old: bytes | None) -> AwsError:
    wanted = choice(request, "ReturnValuesOnConditionCheckFailure", _ON_FAILURE, "NONE")
    return condition_failed(unpack(old) if wanted == "ALL_OLD" and old is not None else None)


def _carry_out(tables: Tables, plan: Plan) -> Consumed:
    now_s = tables.clock()
    consumed = plan.table.charge_write(plan.key, plan.old, plan.new, now_s)
    plan.table.apply(plan.key, plan.old, plan.new, now_s)
    return consumed


def plan_put(table: Table, request: Request) -> Plan:
    """What a put would do. Raises AwsError when it is not valid, ConditionFailed when it may not go ahead."""
    item = request.get("Item")
    if item is None:
        raise constraint(None, "item", "Member must not be null")
    condition = _condition(request)
    size = measure_item(item)
    key = table.keys.key_of_item(item)
    for index in table.indexes.values():
        index.check(item)
    plan = Plan(table, key, table.items.get(key), pack(item, size))
    _check_condition(condition, plan)
    return plan


def plan_delete(table: Table, request: Request) -> Plan:
    """What a delete would do. Raises as `plan_put` does."""
    condition = _condition(request)
    key = _key(table, request)
    plan = Plan(table, key, table.items.get(key), None)
    _check_condition(condition, plan)
    return plan


def plan_check(table: Table, request: Request) -> Plan:
    """What a condition check of a transaction finds: no change. Raises as `plan_put` does."""
    if request.get("ConditionExpression") is None:
        raise constraint(None, "conditionExpression", "Member must not be null")
    plan = plan_delete(table, request)
    plan.new = plan.old
    return plan


def plan_update(table: Table, request: Request) -> Plan:
    """What an update would do. Raises as `plan_put` does."""
    expressions = Expressions(request, _WITH_UPDATE)
    update = expressions.update() or Update()
    condition = expressions.condition("ConditionExpression")
    expressions.check_all_used()
    key = _key(table, request)
    _check_keys_untouched(table, update)
    old = table.items.get(key)
    plan = Plan(table, key, old, None)
    before = {} if old is None else unpack(old)
    if condition is not None and not condition.holds(before):
        raise ConditionFailed(plan)
    after = update.apply(before or dict(request["Key"]))
    plan.new = _packed_update(table, after)
    return plan


def _packed_update(table: Table, after: Item) -> bytes:
    try:
        size = measure_item(after)
    except AwsError as error:
        if error.message.startswith("Item size"):
            raise invalid("Item size to update has exceeded the maximum allowed size") from None
        raise
    for index in table.indexes.values():
        index.check(after)
    return pack(after, size)


def _check_keys_untouched(table: Table, update: Update) -> None:
    for path in update.paths():
        if path.parts[0] in table.keys.names:
            raise invalid_parameter(
                f"Cannot update attribute {path.parts[0]}. This attribute is part of the key"
            )


def _condition(request: Request) -> Condition | None:
    if request.keys().isdisjoint(_CONDITION_MEMBERS):
        return None
    expressions = Expressions(request, _WITH_CONDITION)
    condition = expressions.condition("ConditionExpression")
    expressions.check_all_used()
    return condition


def _check_condition(condition: Condition | None, plan: Plan) -> None:
    if condition is None:
        return
    if not condition.holds({} if plan.old is None else unpack(plan.old)):
        raise ConditionFailed(plan)


def _key(table: Table, request: Request) -> Key:
    key = request.get("Key")
    if key is None:
        raise constraint(None, "key", "Member must not be null")
    return table.keys.key_of_request(key)


def _return_values(request: Request, offered: tuple[str, ...]) -> str:
    value = choice(request, "ReturnValues", _RETURN_VALUES, "NONE")
    if value not in offered:
        raise invalid("Return values set to invalid value")
    return value


def _updated_attributes(request: Request, item: Item) -> Item:
    update = Expressions(request, _WITH_UPDATE).update() or Update()
    return Projection(update.paths()).of(item)


def _answer(request: Request, table: Table, consumed: Consumed) -> Answer:
    """What every write answers: what it consumed, if that was asked for."""
    answer: Answer = {}
    mode = choice(request, "ReturnConsumedCapacity", CAPACITY_MODES, "NONE")
    if mode != "NONE":
        answer["ConsumedCapacity"] = consumed_capacity(table.name, consumed, mode, table.local_indexes)
    if "ReturnItemCollectionMetrics" in request:
        check_collection_metrics(request, table)
    return answer


def check_collection_metrics(request: Request, table: Table) -> None:
    """Raises AwsError when item collection metrics are asked of a table that would have them."""
    metrics = choice(request, "ReturnItemCollectionMetrics", COLLECTION_METRICS, "NONE")
    if metrics == "SIZE" and table.local_indexes:
        raise not_offered("ReturnItemCollectionMetrics on a table with local secondary indexes")
