"""DynamoDB tables, on demand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from deploy.standup.engine import Clients, Facts, Journal, Known
from deploy.standup.waiting import found, until

_MISSING = ("ResourceNotFoundException",)


@dataclass(frozen=True)
class Table:
    """A table with a partition key of type S; `stream` has its changes captured, old and new images."""

    clients: Clients
    name: str
    table_name: str
    partition_key: str
    stream: bool = False
    needs: Sequence[str] = ()

    def stand_up(self, known: Known, journal: Journal) -> Facts:  # noqa: ARG002
        """Create the table, or turn its stream on."""
        dynamodb = self.clients("dynamodb")
        described = self._describe()
        if described is None:
            dynamodb.create_table(
                TableName=self.table_name,
                KeySchema=[{"AttributeName": self.partition_key, "KeyType": "HASH"}],
                AttributeDefinitions=[{"AttributeName": self.partition_key, "AttributeType": "S"}],
                BillingMode="PAY_PER_REQUEST",
                **({"StreamSpecification": self._stream_on()} if self.stream else {}),
            )
            journal.note(f"created the table {self.table_name}", self.take_down)
            described = self._active()
        elif self.stream and not described.get("StreamSpecification", {}).get("StreamEnabled"):
            dynamodb.update_table(TableName=self.table_name, StreamSpecification=self._stream_on())
            journal.note(f"turned on the stream of {self.table_name}", self._turn_stream_off)
            described = self._active()
        return {
            "name": self.table_name,
            "arn": described["TableArn"],
            "stream_arn": described.get("LatestStreamArn", ""),
        }

    def _describe(self) -> dict[str, Any] | None:
        answer = found(
            lambda: self.clients("dynamodb").describe_table(TableName=self.table_name), missing=_MISSING
        )
        return answer["Table"] if answer else None

    def _active(self) -> dict[str, Any]:
        described: dict[str, Any] = {}

        def active() -> bool:
            described.update(self._describe() or {})
            return described.get("TableStatus") == "ACTIVE"

        until(active, f"the table {self.table_name} is active")
        return described

    def _stream_on(self) -> dict[str, Any]:
        return {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}

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
