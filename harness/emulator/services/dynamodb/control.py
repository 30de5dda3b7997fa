"""The operations on tables: create, delete, describe, list, update."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from harness.emulator.services.base import AwsError, CallContext
from harness.emulator.services.dynamodb.describe import describe_table
from harness.emulator.services.dynamodb.errors import (
    constraint,
    invalid,
    invalid_parameter,
    raise_unless_known,
)
from harness.emulator.services.dynamodb.indexes import Index
from harness.emulator.services.dynamodb.items import WHOLE, unpack
from harness.emulator.services.dynamodb.request import (
    Answer,
    Request,
    checked_name,
    choice,
    flag,
    listed,
    structure,
    table_name,
    text,
    whole_number,
)
from harness.emulator.services.dynamodb.schema import (
    BILLING_MODES,
    attribute_kinds,
    capacity_of,
    check_all_defined_used,
    index_schema,
    index_schemas,
    key_schema,
)
from harness.emulator.services.dynamodb.streams.capture import VIEW_TYPES
from harness.emulator.services.dynamodb.table import Table
from harness.emulator.services.dynamodb.tables import Tables
from harness.emulator.services.dynamodb.tags import checked_tags

TABLE_CLASSES = ("STANDARD", "STANDARD_INFREQUENT_ACCESS")
_SETTINGS = (
    "DeletionProtectionEnabled",
    "OnDemandThroughput",
    "SSESpecification",
    "TableClass",
    "WarmThroughput",
)
_CREATE = frozenset(
    (
        "AttributeDefinitions",
        "BillingMode",
        "GlobalSecondaryIndexes",
        "KeySchema",
        "LocalSecondaryIndexes",
        "ProvisionedThroughput",
        "StreamSpecification",
        "TableName",
        "Tags",
        *_SETTINGS,
    )
)
_UPDATE = frozenset(
    (
        "AttributeDefinitions",
        "BillingMode",
        "GlobalSecondaryIndexUpdates",
        "ProvisionedThroughput",
        "StreamSpecification",
        "TableName",
        *_SETTINGS,
    )
)
_INDEX = frozenset(
    ("IndexName", "KeySchema", "Projection", "ProvisionedThroughput", "OnDemandThroughput", "WarmThroughput")
)
_MAX_LISTED = 100


def create_table(tables: Tables, request: Request, context: CallContext) -> Answer:
    """CreateTable."""
    raise_unless_known(request, "CreateTable", _CREATE)
    name = table_name(request)
    kinds = attribute_kinds(request)
    keys = key_schema(listed(request, "KeySchema"), kinds)
    billing_mode = choice(request, "BillingMode", BILLING_MODES, "PROVISIONED")
    capacity = capacity_of(request, billing_mode)
    for member in ("LocalSecondaryIndexes", "GlobalSecondaryIndexes"):
        for index in listed(request, member):
            raise_unless_known(structure(index, "index"), "CreateTable", _INDEX)
    indexes = index_schemas(request, keys, kinds, billing_mode)
    check_all_defined_used(kinds, keys, indexes)
    view_type = _stream_view(request)
    tags = checked_tags(listed(request, "Tags"))
    if tables.find(name, context) is not None:
        raise AwsError("ResourceInUseException", f"Table already exists: {name}")
    table = tables.create(name, context, keys, kinds, billing_mode, capacity)
    table.tags = tags
    table.indexes = {schema.name: Index(schema, keys) for schema in indexes}
    _keep_settings(table, request)
    tables.admit(table)
    if view_type:
        tables.open_stream(table, view_type, context)
    return {"TableDescription": describe_table(table, tables.limits, "CREATING")}


def delete_table(tables: Tables, request: Request, context: CallContext) -> Answer:
    """DeleteTable."""
    raise_unless_known(request, "DeleteTable", frozenset(("TableName",)))
    table = tables.named(table_name(request), context, shown=True)
    if table.settings.get("DeletionProtectionEnabled"):
        raise invalid(
            f"Resource cannot be deleted as it is currently protected against deletion. Disable deletion "
            f"protection first. Table: {table.name}"
        )
    tables.drop(table, context)
    return {"TableDescription": describe_table(table, tables.limits, "DELETING")}


def describe(tables: Tables, request: Request, context: CallContext) -> Answer:
    """DescribeTable."""
    raise_unless_known(request, "DescribeTable", frozenset(("TableName",)))
    table = tables.named(table_name(request), context, shown=True)
    return {"Table": describe_table(table, tables.limits)}


def list_tables(tables: Tables, request: Request, context: CallContext) -> Answer:
    """ListTables."""
    raise_unless_known(request, "ListTables", frozenset(("ExclusiveStartTableName", "Limit")))
    limit = whole_number(request, "Limit", at_least=1, at_most=_MAX_LISTED) or _MAX_LISTED
    after = text(request, "ExclusiveStartTableName") or ""
    names = [name for name in tables.names(context) if name > after]
    answer: Answer = {"TableNames": names[:limit]}
    if len(names) > limit:
        answer["LastEvaluatedTableName"] = names[limit - 1]
    return answer


def update_table(tables: Tables, request: Request, context: CallContext) -> Answer:
    """UpdateTable: everything is checked before anything is changed."""
    raise_unless_known(request, "UpdateTable", _UPDATE)
    table = tables.named(table_name(request), context, shown=True)
    if request.keys() <= {"TableName", "AttributeDefinitions"}:
        raise invalid(
            "At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, "
            "GlobalSecondaryIndexUpdates or SSESpecification or ReplicaUpdates is required"
        )
    billing_mode = choice(request, "BillingMode", BILLING_MODES, table.billing_mode)
    capacity = table.capacity
    if "BillingMode" in request or "ProvisionedThroughput" in request:
        capacity = capacity_of(request, billing_mode)
    view_type = _checked_stream_change(table, request)
    _update_indexes(table, request, billing_mode)
    if billing_mode != table.billing_mode:
        table.settings["BillingModeChangedAt"] = tables.clock()
        for index in table.indexes.values():
            if billing_mode == "PAY_PER_REQUEST":
                index.schema = replace(index.schema, capacity=None)
    changed = (billing_mode, capacity) != (table.billing_mode, table.capacity)
    table.billing_mode, table.capacity = billing_mode, capacity
    _keep_settings(table, request)
    if changed or "WarmThroughput" in request:
        tables.admit(table)
    if view_type:
        tables.open_stream(table, view_type, context)
    elif view_type == "":
        tables.close_stream(table)
    return {"TableDescription": describe_table(table, tables.limits, "UPDATING")}


def _keep_settings(table: Table, request: Request) -> None:
    flag(request, "DeletionProtectionEnabled")
    choice(request, "TableClass", TABLE_CLASSES, "")
    for member in _SETTINGS:
        if request.get(member) is not None:
            table.settings[member] = request[member]


def _stream_view(request: Request) -> str | None:
    """The view type of the stream that is asked for; empty when none shall be; None when nothing is said."""
    given = request.get("StreamSpecification")
    if given is None:
        return None
    specification = structure(given, "StreamSpecification")
    if specification.get("StreamEnabled") is None:
        raise constraint(None, "streamSpecification.streamEnabled", "Member must not be null")
    view_type = choice(specification, "StreamViewType", VIEW_TYPES, "")
    if not flag(specification, "StreamEnabled"):
        if view_type:
            raise invalid_parameter("StreamViewType may not be specified when StreamEnabled is false")
        return ""
    if not view_type:
        raise invalid_parameter("StreamViewType is required when StreamEnabled is true")
    return view_type


def _checked_stream_change(table: Table, request: Request) -> str | None:
    view_type = _stream_view(request)
    if view_type and table.stream is not None:
        raise invalid("Table already has an enabled stream: TableName: " + table.name)
    if view_type == "" and table.stream is None:
        raise invalid("Table has no stream to disable: TableName: " + table.name)
    return view_type


def _update_indexes(table: Table, request: Request, billing_mode: str) -> None:
    for change in listed(request, "GlobalSecondaryIndexUpdates"):
        members = structure(change, "globalSecondaryIndexUpdate")
        if len(members) != 1:
            raise invalid(
                "Exactly one of Create, Update or Delete must be given in a GlobalSecondaryIndexUpdate"
            )
        ((action, wanted),) = members.items()
        wanted = structure(wanted, action)
        name = checked_name(wanted.get("IndexName"), "IndexName")
        if action == "Create":
            _create_index(table, request, wanted, billing_mode)
            continue
        index = table.indexes.get(name)
        if index is None or index.schema.local:
            raise AwsError(
                "ResourceNotFoundException", f"Requested resource not found: Index: {name} not found"
            )
        if action == "Delete":
            del table.indexes[name]
            _forget_unused_kinds(table)
        elif action == "Update":
            index.schema = replace(index.schema, capacity=capacity_of(wanted, billing_mode, name))
        else:
            raise invalid(f"Unknown GlobalSecondaryIndexUpdate: {action}")


def _create_index(table: Table, request: Request, wanted: dict[str, Any], billing_mode: str) -> None:
    """Build an index from the items that are there, in one go."""
    raise_unless_known(wanted, "UpdateTable", _INDEX)
    kinds = {**table.attribute_kinds, **attribute_kinds(request)}
    schema = index_schema(wanted, table.keys, kinds, billing_mode, local=False)
    if schema.name in table.indexes:
        raise invalid(f"Attempting to create an index which already exists: {schema.name}")
    index = Index(schema, table.keys)
    for key, stored in table.items.scan(WHOLE, None):
        item = unpack(stored)
        position = schema.keys.index_key_if_fits(item)
        if position is not None:
            index.positions.add(position, key)
    table.indexes[schema.name] = index
    table.attribute_kinds = kinds
    _forget_unused_kinds(table)


def _forget_unused_kinds(table: Table) -> None:
    used = {*table.keys.names}.union(*(index.schema.keys.names for index in table.indexes.values()))
    table.attribute_kinds = {name: kind for name, kind in table.attribute_kinds.items() if name in used}
