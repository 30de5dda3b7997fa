"""What a stream is to a mapping, whichever service keeps it: shards, iterators, records, and news of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from harness.emulator.services.lambda_.asynchronous.destinations import iso_timestamp
from harness.emulator.services.lambda_.mappings.lanes import Record
from harness.emulator.services.lambda_.mappings.polling import Polling, ShardInfo
from harness.measure.meters import Counter


@dataclass(frozen=True, slots=True)
class Position:
    """Where to begin in a shard: an iterator type, and the sequence number or time that it needs."""

    type: str
    sequence_number: str | None = None
    timestamp_s: float | None = None


TRIM_HORIZON = Position("TRIM_HORIZON")


class Read(NamedTuple):
    """What a read gave. `next_iterator` is None at the end of a closed shard; `is_behind` says whether there
    was more to read."""

    records: list[Record]
    next_iterator: str | None
    is_behind: bool


class StreamPosition(NamedTuple):
    """How many records lie behind each shard's iterator, when the stream had accepted `accepted` in all."""

    behind: Mapping[str, int]
    accepted: int
    closed: frozenset[str]
    """The shards that take no more records."""
    created: str
    """Another one when the stream was deleted and made anew under its name."""
    mark: str
    """Another one whenever records were accepted, or shards came, closed or went."""


def stream_position(answer: Mapping[str, Any]) -> StreamPosition:
    """What LaunchdayStreamPosition, of either service, answered."""
    return StreamPosition(
        answer["RecordsBehind"],
        answer["AcceptedRecords"],
        frozenset(answer["ClosedShards"]),
        answer["Created"],
        answer["Mark"],
    )


def where(arn: str, shard_id: str, records: Sequence[Record]) -> dict[str, object]:
    """Where records are, as the record of a discarded batch says it.

    docs: Retain discarded batch records, of a Kinesis and of a DynamoDB event source (read 2026)"""
    return {
        "shardId": shard_id,
        "startSequenceNumber": records[0].sequence_number,
        "endSequenceNumber": records[-1].sequence_number,
        "approximateArrivalOfFirstRecord": iso_timestamp(records[0].arrival_s),
        "approximateArrivalOfLastRecord": iso_timestamp(records[-1].arrival_s),
        "batchSize": len(records),
        "streamArn": arn,
    }


class StreamSource(Protocol):
    """One stream. Its methods raise AwsError with what its service said."""

    @property
    def arn(self) -> str:
        """The stream's ARN."""

    @property
    def name(self) -> str:
        """As invocations name their source: `kinesis:events`."""

    @property
    def polling(self) -> Polling:
        """How often Lambda reads a shard."""

    @property
    def accepted(self) -> Counter:
        """What the stream accepts, counted as it happens; stays 0 when the stream is in another process."""

    async def shards(self) -> list[ShardInfo]:
        """All shards, open and closed, oldest first."""

    async def iterator(self, shard_id: str, position: Position) -> str:
        """An iterator at `position`."""

    async def read(self, iterator: str, limit: int) -> Read:
        """The next records, at most `limit`."""

    async def position(
        self, iterators: Mapping[str, str], after: str | None = None, wait_s: float = 0.0
    ) -> StreamPosition:
        """Where the stream stands against `iterators`, all at one moment: at once, or when its mark is no
        more `after`, or when `wait_s` have passed. A shard without an iterator counts with all it retains."""

    def event(self, shard_id: str, records: Sequence[Record]) -> bytes:
        """The event that carries `records` to a function."""

    @property
    def encoded_member(self) -> str | None:
        """The member of what `filtered` gives that holds bytes, if one does."""

    def filtered(self, record: Record) -> Any:
        """The record as filter patterns see it."""

    def batch_info(self, shard_id: str, records: Sequence[Record]) -> dict[str, object]:
        """The member of a discarded batch's record that says where the records are."""
