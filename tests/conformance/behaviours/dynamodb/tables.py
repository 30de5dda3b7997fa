"""DynamoDB tables of the cases: made, written and read with plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from botocore.exceptions import ClientError

from tests.conformance.catalogue import documented, observed
from tests.conformance.kit import Cleanup, until
from tests.conformance.targets import Aws

READ = "2026-11-24"
_GUIDE = "amazondynamodb/latest/developerguide"


def guide(title: str, page: str) -> Any:
    return documented(f"DynamoDB Developer Guide, {title}", f"{_GUIDE}/{page}.html", noted=READ)


OBSERVED = observed("DynamoDB, as the tests of dynalite record it, which are run against it", seen=READ)


def wire(item: Mapping[str, Any]) -> dict[str, Any]:
    """An item as it goes over the wire."""
    return {name: TypeSerializer().serialize(value) for name, value in item.items()}


def plain(item: Mapping[str, Any]) -> dict[str, Any]:
    """The inverse of `wire`."""
    return {name: TypeDeserializer().deserialize(value) for name, value in item.items()}


@dataclass(frozen=True)
class Table:
    """A table whose items have the key (`pk` string, `sk` number); `pk` is a case's own."""

    db: Any
    name: str
    pk: str

    def of(self, pk: str) -> Table:
        """The same table, for the items of another case."""
        return replace(self, pk=pk)

    def key(self, sk: int = 1) -> dict[str, Any]:
        return wire({"pk": self.pk, "sk": sk})

    def put(self, sk: int = 1, more: Mapping[str, Any] | None = None, **attributes: Any) -> dict[str, Any]:
        item = {"pk": self.pk, "sk": sk, **attributes}
        answer: dict[str, Any] = self.db.put_item(TableName=self.name, Item=wire(item), **(more or {}))
        return answer

    def put_patiently(self, sk: int, **attributes: Any) -> None:
        """Put, and again while the partition has had its capacity of the second."""

        def put() -> bool:
            try:
                self.put(sk, **attributes)
            except ClientError as error:
                if "Throttling" not in str(error) and "ProvisionedThroughput" not in str(error):
                    raise
                return False
            return True

        until(put, "the item is taken")

    def get(self, sk: int = 1) -> dict[str, Any] | None:
        """The item without its key; None when there is none."""
        found = self.db.get_item(TableName=self.name, Key=self.key(sk), ConsistentRead=True).get("Item")
        return None if found is None else {k: v for k, v in plain(found).items() if k not in ("pk", "sk")}

    def update(self, expression: str, sk: int = 1, **more: Any) -> dict[str, Any]:
        """`values` are plain; the rest is UpdateItem's own."""
        if values := more.pop("values", None):
            more["ExpressionAttributeValues"] = wire(values)
        asked = {"TableName": self.name, "Key": self.key(sk), "UpdateExpression": expression, **more}
        answer: dict[str, Any] = self.db.update_item(**asked)
        return answer

    def query(self, condition: str = "pk = :pk", **more: Any) -> dict[str, Any]:
        values = wire({":pk": self.pk, **more.pop("values", {})})
        answer: dict[str, Any] = self.db.query(
            TableName=self.name,
            KeyConditionExpression=condition,
            ExpressionAttributeValues=values,
            **more,
        )
        return answer

    def sks(self, condition: str = "pk = :pk", **more: Any) -> list[int]:
        return [int(item["sk"]["N"]) for item in self.query(condition, **more)["Items"]]


def create(aws: Aws, cleanup: Cleanup, **more: Any) -> Table:
    db, name = aws.client("dynamodb"), aws.name("table")
    asked: dict[str, Any] = {
        "TableName": name,
        "BillingMode": "PAY_PER_REQUEST",
        "KeySchema": [
            {"AttributeName": "pk", "KeyType": "HASH"},
            {"AttributeName": "sk", "KeyType": "RANGE"},
        ],
        "AttributeDefinitions": [
            {"AttributeName": "pk", "AttributeType": "S"},
            {"AttributeName": "sk", "AttributeType": "N"},
        ],
    }
    asked["AttributeDefinitions"] += more.pop("AttributeDefinitions", [])
    db.create_table(**{**asked, **more})
    cleanup.add(db.delete_table, TableName=name)
    until(lambda: db.describe_table(TableName=name)["Table"]["TableStatus"] == "ACTIVE", f"{name} is active")
    return Table(db, name, "")


def index(name: str, hash_key: str, range_key: str, projection: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "IndexName": name,
        "KeySchema": [
            {"AttributeName": hash_key, "KeyType": "HASH"},
            {"AttributeName": range_key, "KeyType": "RANGE"},
        ],
        "Projection": projection,
    }


def indexed(aws: Aws, cleanup: Cleanup) -> Table:
    """A table with the index `by-rank` of all tables' keys, and the local index `by-at`."""
    return create(
        aws,
        cleanup,
        AttributeDefinitions=[
            {"AttributeName": "team", "AttributeType": "S"},
            {"AttributeName": "rank", "AttributeType": "N"},
            {"AttributeName": "at", "AttributeType": "S"},
        ],
        GlobalSecondaryIndexes=[index("by-rank", "team", "rank", {"ProjectionType": "KEYS_ONLY"})],
        LocalSecondaryIndexes=[
            index("by-at", "pk", "at", {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["shown"]})
        ],
    )
