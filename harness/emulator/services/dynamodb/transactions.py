"""TransactWriteItems and TransactGetItems: all or nothing, at twice the units.

docs: DynamoDB Developer Guide, Amazon DynamoDB transactions: how it works: up to 100 actions and 4 MB, one
action an item; a ClientRequestToken makes a write idempotent for ten minutes (read 2026-11). Nothing runs
between the check and the write here, so there are no transaction conflicts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import orjson

from harness.aws.limits.dynamodb_capacity import read_units
from harness.emulator.services.base import AwsError, CallContext
from harness.emulator.services.dynamodb.capacity import THROTTLED, Consumed, add_consumed, consumed_capacity
from harness.emulator.services.dynamodb.errors import constraint, invalid, raise_unless_known
from harness.emulator.services.dynamodb.expressions.of_request import Expressions
from harness.emulator.services.dynamodb.items import raw_json, size_of, unpack
from harness.emulator.services.dynamodb.keys import Key
from harness.emulator.services.dynamodb.reads import PROJECTING
from harness.emulator.services.dynamodb.request import (
    CAPACITY_MODES,
    Answer,
    Request,
    choice,
    listed,
    structure,
    text,
)
from harness.emulator.services.dynamodb.table import Table
from harness.emulator.services.dynamodb.tables import Tables
from harness.emulator.services.dynamodb.writes import (
    ConditionFailed,
    Plan,
    check_collection_metrics,
    plan_check,
    plan_delete,
    plan_put,
    plan_update,
)

MAX_ACTIONS = 100
MAX_BYTES = 4 * 1024 * 1024
UNIT_FACTOR = 2

_Planner = Callable[[Table, Request], Plan]
_ACTIONS: Mapping[str, _Planner] = {
    "ConditionCheck": plan_check,
    "Delete": plan_delete,
    "Put": plan_put,
    "Update": plan_update,
}
_WRITE = frozenset(
    ("TransactItems", "ClientRequestToken", "ReturnConsumedCapacity", "ReturnItemCollectionMetrics")
)
_ACTION = frozenset(
    (
        "TableName",
        "Item",
        "Key",
        "UpdateExpression",
        "ConditionExpression",
        "ExpressionAttributeNames",
        "ExpressionAttributeValues",
        "ReturnValuesOnConditionCheckFailure",
    )
)
_GET = frozenset(("TransactItems", "ReturnConsumedCapacity"))
_GET_ACTION = frozenset(("TableName", "Key", "ProjectionExpression", "ExpressionAttributeNames"))
_NO_REASON = {"Code": "None"}


def transact_write_items(tables: Tables, request: Request, context: CallContext) -> Answer:
    """TransactWriteItems."""
    raise_unless_known(request, "TransactWriteItems", _WRITE)
    mode = choice(request, "ReturnConsumedCapacity", CAPACITY_MODES, "NONE")
    now_s = tables.clock()
    given_token = text(request, "ClientRequestToken")
    token = (context.account_id, context.region, given_token or "")
    content = orjson.dumps(request.get("TransactItems"), option=orjson.OPT_SORT_KEYS)
    if given_token is not None and tables.tokens.is_repeat(token, content, now_s):
        return {}
    plans = _plans(tables, request, context)
    consumed = _commit(plans, now_s)
    if given_token is not None:
        tables.tokens.keep(token, content, now_s)
    answer: Answer = {}
    if mode != "NONE":
        answer["ConsumedCapacity"] = _capacities(consumed, mode, "WriteCapacityUnits")
    return answer


def _plans(tables: Tables, request: Request, context: CallContext) -> list[Plan]:
    """What each action would do. Raises AwsError TransactionCanceledException unless all may go ahead."""
    plans: list[Plan] = []
    reasons: list[dict[str, Any]] = []
    seen: set[tuple[str, Key]] = set()
    for action, planner, wanted in _actions(request):
        table = tables.of(wanted, context)
        if "ReturnItemCollectionMetrics" in request:
            check_collection_metrics(request, table)
        raise_unless_known(wanted, f"TransactWriteItems {action}", _ACTION)
        try:
            plan = planner(table, wanted)
            reasons.append(_NO_REASON)
        except ConditionFailed as failure:
            plan = failure.plan
            reasons.append(_failed_reason(wanted, plan))
        if (table.arn, plan.key) in seen:
            raise invalid("Transaction request cannot include multiple operations on one item")
        seen.add((table.arn, plan.key))
        plans.append(plan)
    if any(reason is not _NO_REASON for reason in reasons):
        _charge_cancelled(plans, tables.clock())
        raise _cancelled(reasons)
    if sum(len(plan.new or b"") for plan in plans) > MAX_BYTES:
        raise invalid("Transaction request size exceeds the limit of 4 MB")
    return plans


def _actions(request: Request) -> list[tuple[str, _Planner, Request]]:
    members = listed(request, "TransactItems")
    if not 1 <= len(members) <= MAX_ACTIONS:
        which = "less than or equal to 100" if members else "greater than or equal to 1"
        raise constraint(members, "transactItems", f"Member must have length {which}")
    actions: list[tuple[str, _Planner, Request]] = []
    for member in members:
        if type(member) is not dict or len(member) != 1 or next(iter(member)) not in _ACTIONS:
            raise invalid("TransactItems can only contain one of Check, Put, Update or Delete")
        ((action, wanted),) = member.items()
        actions.append((action, _ACTIONS[action], structure(wanted, action)))
    return actions


def _failed_reason(wanted: Request, plan: Plan) -> dict[str, Any]:
    reason: dict[str, Any] = {
        "Code": "ConditionalCheckFailed",
        "Message": "The conditional request failed",
    }
    shown = choice(wanted, "ReturnValuesOnConditionCheckFailure", ("ALL_OLD", "NONE"), "NONE")
    if shown == "ALL_OLD" and plan.old is not None:
        reason["Item"] = unpack(plan.old)
    return reason


def _cancelled(reasons: list[dict[str, Any]]) -> AwsError:
    codes = ", ".join(str(reason["Code"]) for reason in reasons)
    return AwsError(
        "TransactionCanceledException",
        f"Transaction cancelled, please refer cancellation reasons for specific reasons [{codes}]",
        fields={"CancellationReasons": reasons},
    )


def _charge_cancelled(plans: list[Plan], now_s: float) -> None:
    """A cancelled transaction has consumed its units all the same."""
    for plan in plans:
        plan.table.charge_write(plan.key, plan.old, plan.old, now_s, UNIT_FACTOR)


def _commit(plans: list[Plan], now_s: float) -> list[tuple[Table, Consumed]]:
    """Charge all, then apply all. Raises AwsError TransactionCanceledException when one is throttled."""
    consumed: dict[str, tuple[Table, Consumed]] = {}
    for plan in plans:
        units = consumed.setdefault(plan.table.arn, (plan.table, {}))[1]
        try:
            charged = plan.table.charge_write(plan.key, plan.old, plan.new, now_s, UNIT_FACTOR)
        except AwsError as error:
            if error.code not in THROTTLED:
                raise
            throttled = {"Code": "ThrottlingError", "Message": error.message}
            raise _cancelled([throttled if other is plan else _NO_REASON for other in plans]) from None
        add_consumed(units, charged)
    for plan in plans:
        plan.table.apply(plan.key, plan.old, plan.new, now_s)
    return list(consumed.values())


def transact_get_items(tables: Tables, request: Request, context: CallContext) -> Answer:
    """TransactGetItems."""
    raise_unless_known(request, "TransactGetItems", _GET)
    mode = choice(request, "ReturnConsumedCapacity", CAPACITY_MODES, "NONE")
    consumed: dict[str, tuple[Table, Consumed]] = {}
    seen: set[tuple[str, Key]] = set()
    gets = [_Get(tables, member, context) for member in _get_members(request)]
    now_s = tables.clock()
    for get in gets:
        if (get.table.arn, get.key) in seen:
            raise invalid("Transaction request cannot include multiple operations on one item")
        seen.add((get.table.arn, get.key))
        get.table.charge_item_read(get.key, get.units, now_s)
        units = consumed.setdefault(get.table.arn, (get.table, {}))[1]
        add_consumed(units, {"": get.units})
    if sum(len(get.stored or b"") for get in gets) > MAX_BYTES:
        raise invalid("Aggregated size of the items in the transaction exceeds the limit of 4 MB")
    answer: Answer = {"Responses": [get.response() for get in gets]}
    if mode != "NONE":
        answer["ConsumedCapacity"] = _capacities(list(consumed.values()), mode, "ReadCapacityUnits")
    return answer


def _get_members(request: Request) -> list[Any]:
    members = listed(request, "TransactItems")
    if not 1 <= len(members) <= MAX_ACTIONS:
        which = "less than or equal to 100" if members else "greater than or equal to 1"
        raise constraint(members, "transactItems", f"Member must have length {which}")
    return members


class _Get:
    """One read of a transaction. Raises AwsError when it is wrong."""

    def __init__(self, tables: Tables, member: Any, context: CallContext) -> None:
        wanted = structure(structure(member, "transactGetItem").get("Get"), "get")
        raise_unless_known(wanted, "TransactGetItems Get", _GET_ACTION)
        self.table = tables.of(wanted, context)
        expressions = Expressions(wanted, PROJECTING)
        self._projection = expressions.projection()
        expressions.check_all_used()
        self.key = self.table.keys.key_of_request(structure(wanted.get("Key"), "key"))
        self.stored = self.table.items.get(self.key)
        size = 0 if self.stored is None else size_of(self.stored)
        self.units = read_units(size, consistent=True) * UNIT_FACTOR

    def response(self) -> dict[str, Any]:
        """ItemResponse: empty when there is no item."""
        if self.stored is None:
            return {}
        if self._projection is None:
            return {"Item": raw_json(self.stored)}
        return {"Item": self._projection.of(unpack(self.stored))}


def _capacities(consumed: list[tuple[Table, Consumed]], mode: str, member: str) -> list[dict[str, Any]]:
    answers = []
    for table, units in consumed:
        answer = consumed_capacity(table.name, units, mode, table.local_indexes)
        answers.append({**answer, member: answer["CapacityUnits"]})
    return answers
