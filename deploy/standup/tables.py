"""DynamoDB tables, on demand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from deploy.standup.engine import Clients, Facts, Journal, Known
from deploy.standup.waiting import found, until

_MISSING = ("ResourceNotFoundException",)


@dataclass(frozen=True)
class Index:
    """A global secondary index of two keys of type S."""

    name: str
    partition_key: str
    sort_key: str

    def described(self) -> dict[str, Any]:
        """As CreateTable and UpdateTable ask for it."""
        return {
            "IndexName": self.name,
            "KeySchema": _keys(self.partition_key, self.sort_key),
            "Projection": {"ProjectionType": "KEYS_ONLY"},
        }


def _keys(partition_key: str, sort_key: str | None) -> list[dict[str, str]]:
    keys = [{"AttributeName": partition_key, "KeyType": "HASH"}]
    return [*keys, {"AttributeName": sort_key, "KeyType": "RANGE"}] if sort_key else keys


@dataclass(frozen=True)
class Table:
    """A table with keys of type S; `stream` has its changes captured as the items are after them.

    `index` is a global secondary index that holds keys alone: a write that changes none of them is not
    written to it (docs: Global secondary indexes, Provisioned throughput considerations, read 2026-11)."""

    clients: Clients
    name: str
    table_name: str
    partition_key: str
    sort_key: str | None = None
    stream: bool = False
    index: Index | None = None
    needs: Sequence[str] = ()

    def stand_up(self, known: Known, journal: Journal) -> Facts:  # noqa: ARG002
        """Create the table, or turn its stream on."""
        dynamodb = self.clients("dynamodb")
        described = self._describe()
        if described is None:
            dynamodb.create_table(
                TableName=self.table_name,
                KeySchema=_keys(self.partition_key, self.sort_key),
                AttributeDefinitions=self._attributes(),
                BillingMode="PAY_PER_REQUEST",
                **({"GlobalSecondaryIndexes": [self.index.described()]} if self.index else {}),
                **({"StreamSpecification": self._stream_on()} if self.stream else {}),
            )
            journal.note(f"created the table {self.table_name}", self.take_down)
            described = self._active()
        else:
            described = self._follow(described, journal)
        return {
            "name": self.table_name,
            "arn": described["TableArn"],
            "stream_arn": described.get("LatestStreamArn", ""),
        }

    def _follow(self, described: dict[str, Any], journal: Journal) -> dict[str, Any]:
        dynamodb, index = self.clients("dynamodb"), self.index
        if self.stream and not described.get("StreamSpecification", {}).get("StreamEnabled"):
            dynamodb.update_table(TableName=self.table_name, StreamSpecification=self._stream_on())
            journal.note(f"turned on the stream of {self.table_name}", self._turn_stream_off)
            described = self._active()
        there = {each["IndexName"] for each in described.get("GlobalSecondaryIndexes", ())}
        if index is not None and index.name not in there:
            dynamodb.update_table(
                TableName=self.table_name,
                AttributeDefinitions=self._attributes(),
                GlobalSecondaryIndexUpdates=[{"Create": index.described()}],
            )
            journal.note(f"added the index {index.name} to {self.table_name}", self._drop_index)
            described = self._active()
        return described

    def _attributes(self) -> list[dict[str, str]]:
        names = [self.partition_key, self.sort_key]
        names += [self.index.partition_key, self.index.sort_key] if self.index else []
        return [{"AttributeName": name, "AttributeType": "S"} for name in names if name]

    def _drop_index(self) -> None:
        if self.index is not None:
            self.clients("dynamodb").update_table(
                TableName=self.table_name,
                GlobalSecondaryIndexUpdates=[{"Delete": {"IndexName": self.index.name}}],
            )

    def _describe(self) -> dict[str, Any] | None:
        answer = found(
            lambda: self.clients("dynamodb").describe_table(TableName=self.table_name), missing=_MISSING
        )
        return answer["Table"] if answer else None

    def _active(self) -> dict[str, Any]:
        described: dict[str, Any] = {}

        def active() -> bool:
            described.update(self._describe() or {})
            indexes = described.get("GlobalSecondaryIndexes", ())
            return described.get("TableStatus") == "ACTIVE" and all(
                each.get("IndexStatus") == "ACTIVE" for each in indexes
            )

        until(active, f"the table {self.table_name} is active")
        return described

    def _stream_on(self) -> dict[str, Any]:
        return {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"}

    def _turn_stream_off(self) -> None:
        self.clients("dynamodb").update_table(
            TableName=self.table_name, StreamSpecification={"StreamEnabled": False}
        )

    def take_down(self) -> None:
        """Delete the table with all that is in it."""
        if self._describe() is None:
            return
        self._active()  # a table that is being made or changed cannot be deleted
        found(lambda: self.clients("dynamodb").delete_table(TableName=self.table_name), missing=_MISSING)
        until(lambda: self._describe() is None, f"the table {self.table_name} is gone")
