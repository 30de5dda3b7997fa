"""Records that cannot be parsed: sent to the dead-letter queue, so that they never block their shard.

A dead letter is `{"reason", "shard_id", "sequence_number", "partition_key", "event_id" | null,
"data": base64, "truncated": bool}`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from .contract import salvage_event_id

MAX_DATA_CHARACTERS = 16_000  # of base64; ten letters stay under SQS's 256 KB a call
LETTERS_A_CALL = 10


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A record that cannot be parsed, and why."""

    record: dict[str, Any]
    data: bytes
    reason: str

    @property
    def sequence_number(self) -> str:
        """The record's own, within its shard."""
        return str(self.record["kinesis"]["sequenceNumber"])

    def body(self) -> str:
        """The message's body."""
        kinesis = self.record["kinesis"]
        encoded = kinesis["data"]
        return json.dumps(
            {
                "reason": self.reason,
                "shard_id": self.record["eventID"].partition(":")[0],
                "sequence_number": kinesis["sequenceNumber"],
                "partition_key": kinesis["partitionKey"],
                "event_id": salvage_event_id(self.data),
                "data": encoded[:MAX_DATA_CHARACTERS],
                "truncated": len(encoded) > MAX_DATA_CHARACTERS,
            },
            separators=(",", ":"),
        )


def send(client: Any, queue_url: str, letters: list[DeadLetter]) -> list[str]:
    """Send `letters`; the sequence numbers of those that the queue did not take."""
    failed = []
    for start in range(0, len(letters), LETTERS_A_CALL):
        chunk = letters[start : start + LETTERS_A_CALL]
        answer = client.send_message_batch(
            QueueUrl=queue_url,
            Entries=[{"Id": str(i), "MessageBody": letter.body()} for i, letter in enumerate(chunk)],
        )
        failed += [chunk[int(entry["Id"])].sequence_number for entry in answer.get("Failed", ())]
    return failed
