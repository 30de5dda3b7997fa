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
BUILT_AT_ONCE = 1_000
"""Items that a new index enters without a pause: a few milliseconds."""


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
    _check_settings(request)
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
    _check_settings(request)
    indexes = _updated_indexes(table, request, billing_mode)
    _keep_settings(table, request)
    if billing_mode != table.billing_mode:
        table.settings["BillingModeChangedAt"] = tables.clock()
        if billing_mode == "PAY_PER_REQUEST":
            for index in indexes.values():
                index.schema = replace(index.schema, capacity=None)
    table.indexes = indexes
    table.attribute_kinds = _kinds_in_use(table)
    build_indexes(table)
    changed = (billing_mode, capacity) != (table.billing_mode, table.capacity)
    table.billing_mode, table.capacity = billing_mode, capacity
    if changed or "WarmThroughput" in request or "OnDemandThroughput" in request:
        tables.admit(table)
    if view_type:
        tables.open_stream(table, view_type, context)
    elif view_type == "":
        tables.close_stream(table)
    return {"TableDescription": describe_table(table, tables.limits, "UPDATING")}


def _check_settings(request: Request) -> None:
    """Raises AwsError when a setting is of the wrong type or value."""
    flag(request, "DeletionProtectionEnabled")
    choice(request, "TableClass", TABLE_CLASSES, "")
    for member, units, least in (
        ("WarmThroughput", ("ReadUnitsPerSecond", "WriteUnitsPerSecond"), 1),
        ("OnDemandThroughput", ("MaxReadRequestUnits", "MaxWriteRequestUnits"), -1),
    ):
        if request.get(member) is not None:
            for unit in units:
                whole_number(structure(request[member], member), unit, at_least=least)
    if request.get("SSESpecification") is not None:
        encryption = structure(request["SSESpecification"], "SSESpecification")
        flag(encryption, "Enabled")
        choice(encryption, "SSEType", ("AES256", "KMS"), "")
        text(encryption, "KMSMasterKeyId")


def _keep_settings(table: Table, request: Request) -> None:
    for member in _SETTINGS:
        value = request.get(member)
        if type(value) is dict:
            table.settings[member] = {name: given for name, given in value.items() if given is not None}
        elif value is not None:
            table.settings[member] = value


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


def _updated_indexes(table: Table, request: Request, billing_mode: str) -> dict[str, Index]:
    """The indexes as the request wants them. Raises AwsError; nothing is changed yet."""
    indexes = dict(table.indexes)
    for change in listed(request, "GlobalSecondaryIndexUpdates"):
        members = structure(change, "globalSecondaryIndexUpdate")
        if len(members) != 1 or not members.keys() <= {"Create", "Delete", "Update"}:
            raise invalid("A GlobalSecondaryIndexUpdate must hold exactly one of Create, Update and Delete")
        ((action, wanted),) = members.items()
        wanted = structure(wanted, action)
        name = checked_name(wanted.get("IndexName"), "IndexName")
        if action == "Create":
            if name in indexes:
                raise invalid(f"Attempting to create an index which already exists: {name}")
            indexes[name] = _new_index(table, request, wanted, billing_mode)
            continue
        index = indexes.get(name)
        if index is None or index.schema.local:
            raise AwsError(
                "ResourceNotFoundException", f"Requested resource not found: Index: {name} not found"
            )
        if action == "Delete":
            del indexes[name]
        else:
            schema = replace(index.schema, capacity=capacity_of(wanted, billing_mode, name))
            indexes[name] = replace(index, schema=schema)
    return indexes


def _new_index(table: Table, request: Request, wanted: dict[str, Any], billing_mode: str) -> Index:
    raise_unless_known(wanted, "UpdateTable", _INDEX)
    kinds = {**table.attribute_kinds, **attribute_kinds(request)}
    schema = index_schema(wanted, table.keys, kinds, billing_mode, local=False)
    return Index(schema, table.keys, building=True)


def build_indexes(table: Table, most: int = BUILT_AT_ONCE) -> None:
    """Go on with the indexes of a table that are being built."""
    for index in table.indexes.values():
        if index.building:
            index.build(table.items, most)


def _kinds_in_use(table: Table) -> dict[str, str]:
    keys = [table.keys, *(index.schema.keys for index in table.indexes.values())]
    return {attribute.name: attribute.kind for schema in keys for attribute in schema.attributes}
