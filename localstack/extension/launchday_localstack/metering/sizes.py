"""How many bytes of a request AWS would bill, before it rounds them: the companion does the rounding.

Sizes are of members as botocore's models have them: blobs are bytes, text is text.
docs: Amazon SQS, Message quotas; Amazon SNS API Reference, Publish; Kinesis Data Streams, Quotas (read 2026).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

Members = Mapping[str, Any]


def blob_bytes(value: bytes | str | None) -> int:
    """The bytes of a blob or of text."""
    if value is None:
        return 0
    return len(value.encode()) if isinstance(value, str) else len(value)


def kinesis_record_bytes(record: Members) -> int:
    """A record's data and its partition key."""
    return blob_bytes(record.get("Data")) + blob_bytes(record.get("PartitionKey"))


def sns_message_bytes(given: Members) -> int:
    """A message and its attributes: the members of Publish, or of an entry of PublishBatch."""
    message = given.get("Message")
    if isinstance(message, Mapping):  # LocalStack puts what it parsed in the place of a batch entry's text
        message = json.dumps(message, ensure_ascii=False)
    return blob_bytes(message) + attribute_bytes(given.get("MessageAttributes"))


def sqs_payload_bytes(members: Members) -> int:
    """The messages in a request or an answer: bodies and attributes."""
    messages: Sequence[Members] = members.get("Entries") or members.get("Messages") or [members]
    return sum(
        blob_bytes(message.get("MessageBody") or message.get("Body"))
        + attribute_bytes(message.get("MessageAttributes"))
        for message in messages
    )


def attribute_bytes(attributes: Mapping[str, Members] | None) -> int:
    """Names, types and values of the attributes of a message."""
    return sum(
        blob_bytes(name)
        + blob_bytes(attribute.get("DataType"))
        + blob_bytes(attribute.get("StringValue"))
        + blob_bytes(attribute.get("BinaryValue"))
        for name, attribute in (attributes or {}).items()
    )


def log_bytes(asked: Members, answered: Members) -> tuple[int, int]:
    """The events of PutLogEvents that were taken, and the bytes of their messages: too old ones are refused
    at the front, too new ones at the end."""
    refused: Members = answered.get("rejectedLogEventsInfo") or {}
    first = max(refused.get("tooOldLogEventEndIndex") or 0, refused.get("expiredLogEventEndIndex") or 0)
    events = (asked.get("logEvents") or [])[first : refused.get("tooNewLogEventStartIndex")]
    return len(events), sum(blob_bytes(event.get("message")) for event in events)
