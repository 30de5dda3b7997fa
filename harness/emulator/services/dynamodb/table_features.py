"""Time to Live and continuous backups of tables, account limits and endpoints."""

from __future__ import annotations

import math

from harness.emulator.services.base import CallContext
from harness.emulator.services.dynamodb.errors import constraint, invalid, raise_unless_known, table_not_found
from harness.emulator.services.dynamodb.request import Answer, Request, flag, structure, table_name, text
from harness.emulator.services.dynamodb.table import Table
from harness.emulator.services.dynamodb.tables import Tables

_TABLE_ONLY = frozenset(("TableName",))
_ACCOUNT_UNITS = 80_000
"""docs: DynamoDB quotas, account-level provisioned throughput (read 2026-04)"""
_ENDPOINT_CACHE_MINUTES = 1440


def update_time_to_live(tables: Tables, request: Request, context: CallContext) -> Answer:
    """UpdateTimeToLive."""
    raise_unless_known(request, "UpdateTimeToLive", frozenset(("TableName", "TimeToLiveSpecification")))
    table = _table(tables, request, context)
    specification = structure(request.get("TimeToLiveSpecification"), "timeToLiveSpecification")
    attribute = text(specification, "AttributeName")
    if specification.get("Enabled") is None or not attribute:
        missing = "attributeName" if not attribute else "enabled"
        raise constraint(None, f"timeToLiveSpecification.{missing}", "Member must not be null")
    enabled = flag(specification, "Enabled")
    if enabled and table.ttl_attribute is not None:
        raise invalid("TimeToLive is already enabled")
    if not enabled and table.ttl_attribute is None:
        raise invalid("TimeToLive is already disabled")
    if not enabled and table.ttl_attribute != attribute:
        raise invalid(
            "TimeToLive is active on a different AttributeName: current AttributeName is "
            f"{table.ttl_attribute}"
        )
    table.ttl_attribute = attribute if enabled else None
    table.ttl_cursor = None
    return {"TimeToLiveSpecification": {"AttributeName": attribute, "Enabled": enabled}}


def describe_time_to_live(tables: Tables, request: Request, context: CallContext) -> Answer:
    """DescribeTimeToLive."""
    raise_unless_known(request, "DescribeTimeToLive", _TABLE_ONLY)
    table = _table(tables, request, context)
    if table.ttl_attribute is None:
        return {"TimeToLiveDescription": {"TimeToLiveStatus": "DISABLED"}}
    return {"TimeToLiveDescription": {"TimeToLiveStatus": "ENABLED", "AttributeName": table.ttl_attribute}}


def describe_continuous_backups(tables: Tables, request: Request, context: CallContext) -> Answer:
    """DescribeContinuousBackups: as AWS answers when point-in-time recovery was never enabled."""
    raise_unless_known(request, "DescribeContinuousBackups", _TABLE_ONLY)
    name = table_name(request)
    if tables.find(name, context) is None:
        error = table_not_found()
        error.code, error.message = "TableNotFoundException", f"Table not found: {name}"
        raise error
    return {
        "ContinuousBackupsDescription": {
            "ContinuousBackupsStatus": "ENABLED",
            "PointInTimeRecoveryDescription": {"PointInTimeRecoveryStatus": "DISABLED"},
        }
    }


def describe_limits(tables: Tables, request: Request, _context: CallContext) -> Answer:
    """DescribeLimits: a table's from the limits in force, if there are any; the account's as documented."""
    raise_unless_known(request, "DescribeLimits", frozenset())
    answer: Answer = {
        "AccountMaxReadCapacityUnits": _ACCOUNT_UNITS,
        "AccountMaxWriteCapacityUnits": _ACCOUNT_UNITS,
    }
    for member, units in (
        ("TableMaxReadCapacityUnits", tables.limits.dynamodb_table_read_units_per_s),
        ("TableMaxWriteCapacityUnits", tables.limits.dynamodb_table_write_units_per_s),
    ):
        if not math.isinf(units):
            answer[member] = int(units)
    return answer


def describe_endpoints(host: str) -> Answer:
    """DescribeEndpoints: where the caller already is, so that no SDK wanders off to AWS."""
    return {"Endpoints": [{"Address": host, "CachePeriodInMinutes": _ENDPOINT_CACHE_MINUTES}]}


def _table(tables: Tables, request: Request, context: CallContext) -> Table:
    return tables.named(table_name(request), context, shown=True)
