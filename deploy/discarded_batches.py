"""The records of the batches that Lambda gave up: its messages say where they stand in the stream, not what
they are, so the stream is read again.

A consumer that fails at everything leaves thousands of batches, many of a single record. Reading one at a
time would take a shard's five reads a second for minutes; here a shard is read forwards once, and what lies
between two batches is skipped where it is more than a read brings.

The mapping's parallelization factor must be 1: with more, a batch's range holds records of other batches too.
"""

from __future__ import annotations

from base64 import b64decode
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from deploy.services.processing.handlers.contract import Unparseable, parse, salvage_event_id

_RECORDS_A_CALL = 1000


@dataclass(slots=True)
class DiscardedBatch:
    """A batch of one shard, by the sequence numbers of its first and last record. `left` of its records have
    not been found yet."""

    at_s: float
    stream: str
    shard_id: str
    first: int
    last: int
    left: int


def discarded_batch(at_s: float, info: Mapping[str, Any]) -> DiscardedBatch:
    """From the `KinesisBatchInfo` of a message that was sent at `at_s`."""
    return DiscardedBatch(
        at_s,
        info["streamArn"].rpartition("/")[2],
        info["shardId"],
        int(info["startSequenceNumber"]),
        int(info["endSequenceNumber"]),
        info["batchSize"],
    )


def event_ids(kinesis: Any, batches: Iterable[DiscardedBatch]) -> Iterator[tuple[float, str | None]]:
    """(when its batch was given up, event id) of every record of `batches`; None for a record that is no
    longer in the stream, or holds no id."""
    by_shard: dict[tuple[str, str], list[DiscardedBatch]] = {}
    for batch in batches:
        by_shard.setdefault((batch.stream, batch.shard_id), []).append(batch)
    for found in by_shard.values():
        yield from _of_shard(kinesis, deque(sorted(found, key=lambda batch: batch.first)))


def _of_shard(kinesis: Any, waiting: deque[DiscardedBatch]) -> Iterator[tuple[float, str | None]]:
    begun: list[DiscardedBatch] = []
    iterator: str | None = None
    while waiting or begun:
        if iterator is None:
            iterator = _iterator_at(kinesis, waiting[0])
        answer = kinesis.get_records(ShardIterator=iterator, Limit=_RECORDS_A_CALL)
        for record in answer["Records"]:
            number = int(record["SequenceNumber"])
            while waiting and waiting[0].first <= number:
                begun.append(waiting.popleft())
            holding = [batch for batch in begun if number <= batch.last]
            for batch in holding:
                batch.left -= 1
                yield batch.at_s, _event_id(record["Data"])
            yield from _not_found(batch for batch in begun if batch.last <= number)
            begun = [batch for batch in holding if batch.last > number]
        following: str | None = answer.get("NextShardIterator")
        if following is None or answer["MillisBehindLatest"] == 0:
            yield from _not_found([*begun, *waiting])
            return
        # A read may bring nothing though there is more: then only the iterator that it gave leads on.
        iterator = following if begun or not answer["Records"] else None


def _iterator_at(kinesis: Any, batch: DiscardedBatch) -> str:
    iterator: str = kinesis.get_shard_iterator(
        StreamName=batch.stream,
        ShardId=batch.shard_id,
        ShardIteratorType="AT_SEQUENCE_NUMBER",
        StartingSequenceNumber=str(batch.first),
    )["ShardIterator"]
    return iterator


def _not_found(batches: Iterable[DiscardedBatch]) -> Iterator[tuple[float, None]]:
    for batch in batches:
        for _ in range(batch.left):
            yield batch.at_s, None


def _event_id(data: bytes | str) -> str | None:
    raw = data if isinstance(data, bytes) else b64decode(data)
    try:
        return parse(raw).event_id or None
    except Unparseable:
        return salvage_event_id(raw)
