"""TableDescription: a table as CreateTable, DescribeTable, UpdateTable and DeleteTable answer it.

Changes of state take no time here: an answer says CREATING, UPDATING or DELETING as AWS's does, and the next
DescribeTable shows the change done.
"""

from __future__ import annotations

from typing import Any

from harness.aws.limits.profiles import Limits
from harness.emulator.services.dynamodb.indexes import Index
from harness.emulator.services.dynamodb.schema import Capacity, describe_keys
from harness.emulator.services.dynamodb.table import Table


def describe_table(table: Table, limits: Limits, status: str = "ACTIVE") -> dict[str, Any]:
    """The whole description."""
    described: dict[str, Any] = {
        "TableName": table.name,
        "TableArn": table.arn,
        "TableId": table.table_id,
        "TableStatus": status,
        "CreationDateTime": round(table.created_s, 3),
        "AttributeDefinitions": [
            {"AttributeName": name, "AttributeType": kind} for name, kind in table.attribute_kinds.items()
        ],
        "KeySchema": describe_keys(table.keys),
        "ProvisionedThroughput": _capacity(table.capacity),
        "ItemCount": table.item_count,
        "TableSizeBytes": table.items_bytes,
        "DeletionProtectionEnabled": bool(table.settings.get("DeletionProtectionEnabled", False)),
        "WarmThroughput": _warm_throughput(table, limits),
    }
    if table.billing_mode == "PAY_PER_REQUEST" or "BillingModeChangedAt" in table.settings:
        changed_s = table.settings.get("BillingModeChangedAt", table.created_s)
        described["BillingModeSummary"] = {"BillingMode": table.billing_mode}
        if table.billing_mode == "PAY_PER_REQUEST":
            described["BillingModeSummary"]["LastUpdateToPayPerRequestDateTime"] = round(changed_s, 3)
    if "TableClass" in table.settings:
        described["TableClassSummary"] = {"TableClass": table.settings["TableClass"]}
    if "OnDemandThroughput" in table.settings:
        described["OnDemandThroughput"] = table.settings["OnDemandThroughput"]
    _add_stream(described, table)
    _add_encryption(described, table)
    for member, local in (("LocalSecondaryIndexes", True), ("GlobalSecondaryIndexes", False)):
        indexes = [_index(table, i) for i in table.indexes.values() if i.schema.local is local]
        if indexes:
            described[member] = indexes
    return described


def _capacity(capacity: Capacity | None) -> dict[str, Any]:
    read, write = (0, 0) if capacity is None else (capacity.read_units, capacity.write_units)
    return {"NumberOfDecreasesToday": 0, "ReadCapacityUnits": read, "WriteCapacityUnits": write}


def _warm_throughput(table: Table, limits: Limits) -> dict[str, Any]:
    """What the table takes at once: as asked for, or as its billing mode gives it; absent where unlimited."""
    asked = table.settings.get("WarmThroughput", {})
    if table.capacity is not None:
        given: tuple[float, float] = (table.capacity.read_units, table.capacity.write_units)
    else:
        given = (
            limits.dynamodb_on_demand_initial_read_units_per_s,
            limits.dynamodb_on_demand_initial_write_units_per_s,
        )
    warm: dict[str, Any] = {"Status": "ACTIVE"}
    for member, units in zip(("ReadUnitsPerSecond", "WriteUnitsPerSecond"), given, strict=True):
        value = max(units, asked.get(member, 0))
        if value != float("inf"):
            warm[member] = int(value)
    return warm


def _add_stream(described: dict[str, Any], table: Table) -> None:
    if table.stream is not None:
        described["StreamSpecification"] = {
            "StreamEnabled": True,
            "StreamViewType": table.stream.view_type,
        }
    if table.last_stream_label is not None:
        described["LatestStreamLabel"] = table.last_stream_label
        described["LatestStreamArn"] = f"{table.arn}/stream/{table.last_stream_label}"


def _add_encryption(described: dict[str, Any], table: Table) -> None:
    """Encryption as it was configured. Nothing is encrypted: KMS is not evaluated."""
    asked = table.settings.get("SSESpecification") or {}
    if asked.get("Enabled"):
        described["SSEDescription"] = {"Status": "ENABLED", "SSEType": asked.get("SSEType", "KMS")}
        if "KMSMasterKeyId" in asked:
            described["SSEDescription"]["KMSMasterKeyArn"] = asked["KMSMasterKeyId"]


def _index(table: Table, index: Index) -> dict[str, Any]:
    schema = index.schema
    described: dict[str, Any] = {
        "IndexName": schema.name,
        "IndexArn": f"{table.arn}/index/{schema.name}",
        "KeySchema": describe_keys(schema.keys),
        "Projection": schema.describe_projection(),
        "ItemCount": index.positions.count,
    }
    if schema.projection_type == "ALL" and index.positions.count == table.item_count:
        described["IndexSizeBytes"] = table.items_bytes
    if not schema.local:
        described["IndexStatus"] = "CREATING" if index.building else "ACTIVE"
        if index.building:
            described["Backfilling"] = True
        described["ProvisionedThroughput"] = _capacity(schema.capacity)
    return described
