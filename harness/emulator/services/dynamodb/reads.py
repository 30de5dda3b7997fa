"""GetItem."""

from __future__ import annotations

from harness.aws.limits.dynamodb_capacity import read_units
from harness.emulator.services.base import CallContext
from harness.emulator.services.dynamodb.capacity import consumed_capacity
from harness.emulator.services.dynamodb.errors import constraint, raise_unless_known
from harness.emulator.services.dynamodb.expressions.of_request import Expressions
from harness.emulator.services.dynamodb.items import raw_json, size_of, unpack
from harness.emulator.services.dynamodb.request import CAPACITY_MODES, Answer, Request, choice, flag
from harness.emulator.services.dynamodb.tables import Tables

_GET = frozenset(
    (
        "TableName",
        "Key",
        "ConsistentRead",
        "ProjectionExpression",
        "ExpressionAttributeNames",
        "ReturnConsumedCapacity",
    )
)
PROJECTING = ("ProjectionExpression",)


def get_item(tables: Tables, request: Request, context: CallContext) -> Answer:
    """GetItem."""
    raise_unless_known(request, "GetItem", _GET)
    table = tables.of(request, context)
    expressions = Expressions(request, PROJECTING)
    projection = expressions.projection()
    expressions.check_all_used()
    if request.get("Key") is None:
        raise constraint(None, "key", "Member must not be null")
    key = table.keys.key_of_request(request["Key"])
    stored = table.items.get(key)
    size = 0 if stored is None else size_of(stored)
    units = read_units(size, consistent=flag(request, "ConsistentRead"))
    table.charge_item_read(key, units, tables.clock())
    answer: Answer = {}
    if stored is not None:
        answer["Item"] = raw_json(stored) if projection is None else projection.of(unpack(stored))
    mode = choice(request, "ReturnConsumedCapacity", CAPACITY_MODES, "NONE")
    if mode != "NONE":
        answer["ConsumedCapacity"] = consumed_capacity(table.name, {"": units}, mode, table.local_indexes)
    return answer
