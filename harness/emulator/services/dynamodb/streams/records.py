"""Records of a stream: a page of them, and how they are shown to GetRecords and to Lambda functions."""

from __future__ import annotations

from typing import Any

from harness.emulator.services.dynamodb.items import raw_json, size_of, unpack
from harness.emulator.services.dynamodb.streams.capture import Record, Shard, TableStream
from harness.emulator.services.dynamodb.streams.iterators import show_sequence
from harness.emulator.services.dynamodb.values import Item, stored_bytes

MAX_RECORDS = 1_000
MAX_ANSWER_BYTES = 1024 * 1024


def read_page(shard: Shard, sequence: int, limit: int) -> list[Record]:
    """Up to `limit` records from `sequence` on, as many as one answer holds; at least one if there is one."""
    total = 0
    records: list[Record] = []
    for record in shard.read(sequence, min(limit, MAX_RECORDS)):
        total += record.size_bytes
        if records and total > MAX_ANSWER_BYTES:
            break
        records.append(record)
    return records


def keys_of(stream: TableStream, record: Record) -> Item:
    """The key attributes of the item that changed."""
    stored = record.new if record.new is not None else record.old
    return stream.keys.pick(unpack(stored)) if stored is not None else {}


def render(stream: TableStream, record: Record) -> dict[str, Any]:
    """A record as GetRecords answers it, and as Lambda functions get it."""
    keys = keys_of(stream, record)
    change: dict[str, Any] = {
        "ApproximateCreationDateTime": int(record.at_s),
        "Keys": keys,
        "SequenceNumber": show_sequence(record.sequence),
        "StreamViewType": stream.view_type,
    }
    size = stored_bytes(keys)
    for member, image, views in (
        ("NewImage", record.new, ("NEW_IMAGE", "NEW_AND_OLD_IMAGES")),
        ("OldImage", record.old, ("OLD_IMAGE", "NEW_AND_OLD_IMAGES")),
    ):
        if image is not None and stream.view_type in views:
            change[member] = raw_json(image)
            size += size_of(image)
    change["SizeBytes"] = size
    rendered = {
        "eventID": f"{record.sequence:032x}",
        "eventName": "INSERT" if record.old is None else "REMOVE" if record.new is None else "MODIFY",
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": stream.region,
        "dynamodb": change,
    }
    if record.expired:
        rendered["userIdentity"] = {"Type": "Service", "PrincipalId": "dynamodb.amazonaws.com"}
    return rendered
