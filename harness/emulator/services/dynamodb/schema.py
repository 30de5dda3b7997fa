"""What CreateTable and UpdateTable say of keys, indexes and throughput, checked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from harness.emulator.services.dynamodb.errors import constraint, invalid, invalid_parameter
from harness.emulator.services.dynamodb.keys import KeyAttribute, KeySchema
from harness.emulator.services.dynamodb.request import (
    Request,
    checked_name,
    choice,
    listed,
    structure,
    text,
    whole_number,
)

BILLING_MODES = ("PROVISIONED", "PAY_PER_REQUEST")
PROJECTION_TYPES = ("ALL", "KEYS_ONLY", "INCLUDE")
MAX_GLOBAL_INDEXES = 20
MAX_LOCAL_INDEXES = 5


@dataclass(frozen=True, slots=True)
class Capacity:
    """Provisioned units a second."""

    read_units: int
    write_units: int


@dataclass(frozen=True, slots=True)
class IndexSchema:
    """A secondary index as it was asked for."""

    name: str
    keys: KeySchema
    projection_type: str
    included: tuple[str, ...]
    local: bool
    capacity: Capacity | None

    def describe_projection(self) -> dict[str, Any]:
        """Projection, as DescribeTable has it."""
        described: dict[str, Any] = {"ProjectionType": self.projection_type}
        if self.projection_type == "INCLUDE":
            described["NonKeyAttributes"] = list(self.included)
        return described


def attribute_kinds(request: Request) -> dict[str, str]:
    """AttributeDefinitions: the type of each by name. Raises AwsError for a wrong type or a repeated name."""
    if request.get("AttributeDefinitions") is None:
        raise constraint(None, "attributeDefinitions", "Member must not be null")
    kinds: dict[str, str] = {}
    for definition in listed(request, "AttributeDefinitions"):
        name = text(structure(definition, "attributeDefinition"), "AttributeName")
        kind = definition.get("AttributeType")
        if kind not in ("S", "N", "B"):
            raise constraint(
                kind,
                "attributeDefinitions.1.member.attributeType",
                "Member must satisfy enum value set: [B, N, S]",
            )
        if not name or name in kinds:
            raise invalid_parameter("Cannot have two attributes with the same name" if name else "Empty name")
        kinds[name] = kind
    return kinds


def key_schema(elements: list[Any], kinds: dict[str, str]) -> KeySchema:
    """KeySchema of a table or an index. Raises AwsError when it is not a hash key and perhaps a range key."""
    roles = [(structure(e, "keySchema").get("KeyType"), text(e, "AttributeName")) for e in elements]
    if not roles:
        raise constraint([], "keySchema", "Member must have length greater than or equal to 1")
    if len(roles) > 2:
        raise constraint(elements, "keySchema", "Member must have length less than or equal to 2")
    if roles[0][0] != "HASH":
        raise invalid("Invalid KeySchema: The first KeySchemaElement is not a HASH key type")
    if len(roles) == 2 and roles[1][0] != "RANGE":
        raise invalid("Invalid KeySchema: The second KeySchemaElement is not a RANGE key type")
    if len(roles) == 2 and roles[0][1] == roles[1][1]:
        raise invalid("Both the Hash Key and the Range Key element in the KeySchema have the same name")
    attributes = []
    for _role, name in roles:
        if name not in kinds:
            raise invalid_parameter(
                "Some index key attributes are not defined in AttributeDefinitions. "
                f"Keys: [{name}], AttributeDefinitions: [{', '.join(kinds)}]"
            )
        attributes.append(KeyAttribute(str(name), kinds[str(name)]))
    return KeySchema(*attributes)


def describe_keys(keys: KeySchema) -> list[dict[str, str]]:
    """KeySchema, as DescribeTable has it."""
    roles = ("HASH", "RANGE")
    return [
        {"AttributeName": attribute.name, "KeyType": role}
        for attribute, role in zip(keys.attributes, roles, strict=False)
    ]


def capacity_of(request: Request, billing_mode: str, what: str = "") -> Capacity | None:
    """ProvisionedThroughput, as the billing mode needs it.

    Raises AwsError when it is missing, or given on demand."""
    given = request.get("ProvisionedThroughput")
    if billing_mode == "PAY_PER_REQUEST":
        if given is not None and (given.get("ReadCapacityUnits") or given.get("WriteCapacityUnits")):
            raise invalid_parameter(
                "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is "
                "PAY_PER_REQUEST"
            )
        return None
    if given is None:
        if what:
            raise invalid_parameter(f"ProvisionedThroughput must be specified for index: {what}")
        raise invalid_parameter(
            "ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED"
        )
    throughput = structure(given, "provisionedThroughput")
    read = whole_number(throughput, "ReadCapacityUnits", at_least=1)
    write = whole_number(throughput, "WriteCapacityUnits", at_least=1)
    if read is None or write is None:
        missing = "readCapacityUnits" if read is None else "writeCapacityUnits"
        raise constraint(None, f"provisionedThroughput.{missing}", "Member must not be null")
    return Capacity(read, write)


def index_schemas(
    request: Request, keys: KeySchema, kinds: dict[str, str], billing: str
) -> list[IndexSchema]:
    """The indexes of a CreateTable. Raises AwsError for what AWS refuses."""
    local = listed(request, "LocalSecondaryIndexes")
    everywhere = listed(request, "GlobalSecondaryIndexes")
    for member, given, most in (
        ("LocalSecondaryIndex", local, MAX_LOCAL_INDEXES),
        ("GlobalSecondaryIndex", everywhere, MAX_GLOBAL_INDEXES),
    ):
        if member + "es" in request and request[member + "es"] is not None and not given:
            raise invalid_parameter(f"List of {member}es is empty")
        if len(given) > most:
            raise invalid_parameter(f"{member} count exceeds the per-table limit of {most}")
    schemas = [index_schema(index, keys, kinds, billing, local=True) for index in local]
    schemas += [index_schema(index, keys, kinds, billing, local=False) for index in everywhere]
    names = [schema.name for schema in schemas]
    for name in names:
        if names.count(name) > 1:
            raise invalid_parameter(f"Duplicate index name: {name}")
    return schemas


def index_schema(
    request: Any, table_keys: KeySchema, kinds: dict[str, str], billing_mode: str, *, local: bool
) -> IndexSchema:
    """One index. Raises AwsError for what AWS refuses."""
    request = structure(request, "index")
    name = checked_name(request.get("IndexName"), "IndexName")
    keys = key_schema(listed(request, "KeySchema"), kinds)
    if local and table_keys.range is None:
        raise invalid_parameter(
            "Table KeySchema does not have a range key, which is required when specifying a "
            "LocalSecondaryIndex"
        )
    if local and keys.hash != table_keys.hash:
        raise invalid_parameter(
            "Index KeySchema does not have the same leading hash key as table KeySchema for index: "
            f"{name}. index hash key: {keys.hash.name}, table hash key: {table_keys.hash.name}"
        )
    if local and keys.range is None:
        raise invalid_parameter(f"Index KeySchema does not have a range key for index: {name}")
    projection = structure(request.get("Projection"), "projection")
    projection_type = choice(projection, "ProjectionType", PROJECTION_TYPES, "")
    included = tuple(str(attribute) for attribute in listed(projection, "NonKeyAttributes"))
    if not projection_type:
        raise invalid_parameter("Unknown ProjectionType: null")
    if included and projection_type != "INCLUDE":
        raise invalid_parameter(f"ProjectionType is {projection_type}, but NonKeyAttributes is specified")
    if projection_type == "INCLUDE" and not included:
        raise invalid_parameter("ProjectionType is INCLUDE, but NonKeyAttributes is not specified")
    capacity = None if local else capacity_of(request, billing_mode, name)
    return IndexSchema(name, keys, projection_type, included, local, capacity)


def check_all_defined_used(kinds: dict[str, str], keys: KeySchema, indexes: list[IndexSchema]) -> None:
    """Raises AwsError when an attribute is defined that no key uses."""
    used = {*keys.names}.union(*(index.keys.names for index in indexes))
    if used != kinds.keys():
        raise invalid_parameter(
            "Number of attributes in KeySchema does not exactly match number of attributes defined in "
            "AttributeDefinitions"
            if not indexes
            else "Some AttributeDefinitions are not used. AttributeDefinitions: "
            f"[{', '.join(sorted(kinds))}], keys used: [{', '.join(sorted(used))}]"
        )
