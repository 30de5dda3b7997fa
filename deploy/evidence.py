"""What became of each event, read back through the AWS API: audit objects, and three kinds of dead letters.

1. The processor's audit: registered, discarded, or handed over (no end yet).
2. The archiver's audit: archived, where the object that it tells of is still in S3.
3. The dead-letter queue of the stream holds the records that the processor could not parse, and what Lambda
   says of batches that it gave up (shard and sequence numbers; the records are read from the stream again).
4. The dead-letter queue of the archiver holds the hand-overs that it could not store.

Messages are received and given back, not deleted, so that the evidence can be read again.
"""

from __future__ import annotations

import gzip
from array import array
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

import orjson

from deploy.dead_letter_queues import archiver_dead_letters, stream_dead_letters
from deploy.services.processing.handlers import archiver, audit
from harness.pipeline import Outcome

A = TypeVar("A")
B = TypeVar("B")

_THREADS = 8
_AHEAD = 64

Clients = Callable[[str], Any]


def outcomes(clients: Clients, outputs: Mapping[str, Any], run_id: str) -> Iterator[Outcome]:
    """Every end that the evidence shows for events of `run_id`, and those that cannot say their event."""
    bucket = outputs["archive"]["bucket"]
    prefix = f"{run_id}-"
    with ThreadPoolExecutor(_THREADS) as threads:
        letters = [
            threads.submit(lambda: list(stream_dead_letters(clients, outputs))),
            threads.submit(lambda: list(archiver_dead_letters(clients, outputs))),
        ]
        handed_over_again: set[str] = set()
        live = Ordinals(prefix)
        s3 = clients("s3")
        for document in _documents(threads, s3, bucket, _keys(s3, bucket, f"{audit.PREFIX}processor/")):
            yield from _of_processor(document, prefix, handed_over_again, live)
        partitions = Partitions(prefix)
        for document in _documents(threads, s3, bucket, _of_what_is_archived(s3, bucket)):
            yield from _of_archiver(document, prefix, handed_over_again, live, partitions)
        for letter in letters:
            for outcome in letter.result():
                if outcome.event_id is None or outcome.event_id.startswith(prefix):
                    yield outcome


def _documents(
    threads: ThreadPoolExecutor, s3: Any, bucket: str, keys: Iterable[str]
) -> Iterator[dict[str, Any]]:
    def document(key: str) -> dict[str, Any]:
        body = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        loaded: dict[str, Any] = orjson.loads(gzip.decompress(body))
        return loaded

    return _in_order(threads, document, keys)


def _of_what_is_archived(s3: Any, bucket: str) -> list[str]:
    """The keys of the archiver's audit objects whose archive object is there. Both are listed in that order
    because both are written in the other one, perhaps at this moment."""
    audits = list(_keys(s3, bucket, f"{audit.PREFIX}archiver/"))
    there = {archiver.name_of(key) for key in _keys(s3, bucket, archiver.ARCHIVE_PREFIX)}
    return [key for key in audits if audit.name_of(key, "archiver") in there]


def _keys(s3: Any, bucket: str, prefix: str) -> Iterator[str]:
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        for each in page.get("Contents", ()):
            yield each["Key"]


def _in_order(threads: ThreadPoolExecutor, call: Callable[[A], B], items: Iterable[A]) -> Iterator[B]:
    """`map` in threads that runs only so far ahead of its reader, so that memory stays bounded."""
    running: deque[Future[B]] = deque()
    for item in items:
        running.append(threads.submit(call, item))
        if len(running) >= _AHEAD:
            yield running.popleft().result()
    while running:
        yield running.popleft().result()


def _of_processor(
    document: dict[str, Any], prefix: str, handed_over_again: set[str], live: Ordinals
) -> Iterator[Outcome]:
    at_ms, processed_at_ms = document["at"], document["processed_at"]
    for event_id, outcome, received_at_ms, flags in document["rows"]:
        if event_id is None or not event_id.startswith(prefix):
            continue  # of another run, or of a device that sends no ids: nothing of ours
        redelivered = bool(flags & audit.REDELIVERED)
        if outcome == audit.HANDED_OVER:
            if redelivered:
                handed_over_again.add(event_id)
            if flags & audit.LIVE:
                live.add(event_id)
            continue
        yield Outcome(
            event_id,
            outcome,
            at_ms / 1000,
            processed_at_ms - received_at_ms,
            superseded=bool(flags & audit.SUPERSEDED),
            redelivered=redelivered,
            live=bool(flags & audit.LIVE),
        )


def _of_archiver(
    document: dict[str, Any],
    prefix: str,
    handed_over_again: set[str],
    live: Ordinals,
    partitions: Partitions,
) -> Iterator[Outcome]:
    at_ms, processed_at_ms = document["at"], document["processed_at"]
    for event_id, outcome, received_at_ms, flags in document["rows"]:
        if event_id.startswith(prefix):
            yield Outcome(
                event_id,
                outcome,
                at_ms / 1000,
                processed_at_ms - received_at_ms,
                superseded=bool(flags & audit.SUPERSEDED),
                redelivered=event_id in handed_over_again,
                duplicated=partitions.is_second(event_id, document["partition"]),
                live=event_id in live,
            )


class Ordinals:
    """A set of event ids that a run gave: a byte an event."""

    def __init__(self, prefix: str) -> None:
        self._start = len(prefix)
        self._marks = bytearray()

    def add(self, event_id: str) -> None:
        """Add an event; one with an id that no run gave is left out."""
        digits = event_id[self._start :]
        if digits.isdecimal():
            ordinal = int(digits)
            if ordinal >= len(self._marks):
                self._marks.extend(bytes(ordinal + 1024 - len(self._marks)))
            self._marks[ordinal] = 1

    def __contains__(self, event_id: str) -> bool:
        digits = event_id[self._start :]
        return digits.isdecimal() and int(digits) < len(self._marks) and self._marks[int(digits)] == 1


class Partitions:
    """Which partition of the archive each event stands in: two bytes an event.

    Readers of the archive de-duplicate by event id within a partition, so a second copy in the same one is
    absorbed, and one in another is a duplicate."""

    def __init__(self, prefix: str) -> None:
        self._start = len(prefix)
        self._numbers: dict[str, int] = {}
        self._of = array("H")

    def is_second(self, event_id: str, partition: str) -> bool:
        """Note that the event stands in `partition`; whether it stands in another one already."""
        digits = event_id[self._start :]
        if not digits.isdecimal():
            return False  # not an id that a run gave; the ledger calls it unexpected
        ordinal = int(digits)
        number = self._numbers.setdefault(partition, len(self._numbers) + 1)
        if ordinal >= len(self._of):
            self._of.extend([0] * (ordinal + 1024 - len(self._of)))
        before = self._of[ordinal]
        self._of[ordinal] = before or number
        return before not in (0, number)
