"""Shard iterators and sequence numbers of DynamoDB's streams: places in a shard, as text."""

from __future__ import annotations

import base64
import binascii
from typing import Any

import orjson

from harness.emulator.services.base import AwsError
from harness.emulator.services.dynamodb.errors import constraint, invalid
from harness.emulator.services.dynamodb.streams.capture import Shard, TableStream
from harness.emulator.services.dynamodb.tables import Tables

ITERATOR_VALID_S = 900.0
# AWS's sequence numbers are of 21 digits or more, and compare as numbers.
_SEQUENCE_BASE = 10**20


class Iterators:
    """Makes iterators, and finds the places that they name."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def stream(self, arn: str | None) -> TableStream:
        """The stream of that ARN. Raises AwsError when there is none."""
        if arn is None:
            raise constraint(None, "streamArn", "Member must not be null")
        stream = self._tables.changes.streams.get(arn)
        if stream is None:
            raise AwsError(
                "ResourceNotFoundException", f"Requested resource not found: Stream: {arn} not found"
            )
        return stream

    def at(self, stream: TableStream, shard: Shard, sequence: int) -> str:
        """An iterator whose next record is the first from `sequence` on."""
        expires_s = self._tables.clock() + ITERATOR_VALID_S
        token = orjson.dumps([stream.arn, shard.shard_id, sequence, expires_s])
        return base64.urlsafe_b64encode(token).decode()

    def position(self, iterator: str | None, *, expired_too: bool = False) -> tuple[TableStream, Shard, int]:
        """The place that an iterator names. Raises AwsError when it names none, or has expired."""
        if iterator is None:
            raise constraint(None, "shardIterator", "Member must not be null")
        arn, shard_id, sequence, expires_s = _parsed(iterator)
        if not expired_too and self._tables.clock() > expires_s:
            raise AwsError(
                "ExpiredIteratorException", "Iterator expired. The iterator was created too long ago."
            )
        stream = self.stream(arn)
        return stream, shard_of(stream, shard_id), sequence


def _parsed(iterator: str) -> tuple[str, str, int, float]:
    try:
        arn, shard_id, sequence, expires_s = orjson.loads(base64.urlsafe_b64decode(iterator))
    except (binascii.Error, ValueError, TypeError):
        raise invalid("Invalid ShardIterator") from None
    texts = isinstance(arn, str) and isinstance(shard_id, str)
    if not (texts and isinstance(sequence, int) and isinstance(expires_s, int | float)):
        raise invalid("Invalid ShardIterator")
    return arn, shard_id, sequence, expires_s


def shard_of(stream: TableStream, shard_id: str | None) -> Shard:
    """The stream's shard of that id. Raises AwsError when there is none."""
    for shard in stream.shards:
        if shard.shard_id == shard_id:
            return shard
    raise AwsError(
        "ResourceNotFoundException", f"Requested resource not found: Shard does not exist: {shard_id}"
    )


def trimmed() -> AwsError:
    """TrimmedDataAccessException: the records at that place are gone."""
    return AwsError(
        "TrimmedDataAccessException",
        "The operation attempted to read past the oldest stream record in a shard.",
    )


def parse_sequence(given: str | None) -> int:
    """A sequence number as it is counted here. Raises AwsError when it is none."""
    if given is None or not given.isdecimal() or int(given) < _SEQUENCE_BASE:
        raise invalid(f"Invalid SequenceNumber: {given}")
    return int(given) - _SEQUENCE_BASE


def show_sequence(sequence: int) -> str:
    """The inverse of `parse_sequence`."""
    return str(_SEQUENCE_BASE + sequence)


def describe_shard(shard: Shard) -> dict[str, Any]:
    """A shard as DescribeStream answers it."""
    numbers = {"StartingSequenceNumber": show_sequence(shard.first_sequence)}
    if shard.last_sequence is not None:
        numbers["EndingSequenceNumber"] = show_sequence(max(shard.last_sequence, shard.first_sequence))
    return {"ShardId": shard.shard_id, "SequenceNumberRange": numbers}
