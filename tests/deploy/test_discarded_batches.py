"""Batches that Lambda gave up, read from a shard of a made-up Kinesis that counts its calls."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from deploy.discarded_batches import discarded_batch, event_ids

ARN = "arn:aws:kinesis:us-east-1:000000000000:stream/events"
SHARD = "shardId-000000000000"


class Shard:
    """Record number n (from `trimmed` to `length`) holds the id `run-n`. Sequence numbers are 10 n + 1000.
    A `sparse` one answers nothing at first, as Kinesis may where there is a gap."""

    def __init__(self, length: int, trimmed: int = 0, *, sparse: bool = False) -> None:
        self._numbers = range(trimmed, length)
        self._before = "gap " if sparse else ""
        self.calls = 0

    def get_shard_iterator(self, *, StartingSequenceNumber: str, **_: Any) -> dict[str, Any]:  # noqa: N803
        return {"ShardIterator": self._before + StartingSequenceNumber}

    def get_records(self, *, ShardIterator: str, Limit: int) -> dict[str, Any]:  # noqa: N803
        self.calls += 1
        gap, _, behind = ShardIterator.rpartition(" ")
        if gap:
            return {"Records": [], "NextShardIterator": behind, "MillisBehindLatest": 5}
        numbers = [n for n in self._numbers if n * 10 + 1000 >= int(ShardIterator)][:Limit]
        next_number = numbers[-1] + 1 if numbers else self._numbers.stop
        return {
            "Records": [
                {"SequenceNumber": str(n * 10 + 1000), "Data": b'? {"event_id":"run-%d"' % n} for n in numbers
            ],
            "NextShardIterator": str(next_number * 10 + 1000),
            "MillisBehindLatest": 1 if next_number < self._numbers.stop else 0,
        }


def batch_info(first: int, last: int, *, size: int | None = None) -> dict[str, Any]:
    return {
        "streamArn": ARN,
        "shardId": SHARD,
        "startSequenceNumber": str(first * 10 + 1000),
        "endSequenceNumber": str(last * 10 + 1000),
        "batchSize": last - first + 1 if size is None else size,
    }


def read(shard: Shard, *ranges: tuple[int, int]) -> list[tuple[float, str | None]]:
    batches = [discarded_batch(float(at), batch_info(*each)) for at, each in enumerate(ranges)]
    return list(event_ids(shard, batches))


def test_thousands_of_single_records_are_read_in_a_few_calls() -> None:
    shard = Shard(5_000)
    found = read(shard, *((n, n) for n in reversed(range(5_000))))
    assert sorted(str(event_id) for _, event_id in found) == sorted(f"run-{n}" for n in range(5_000))
    assert {event_id: at for at, event_id in found}["run-4999"] == 0.0
    assert shard.calls == 5


def test_what_lies_between_two_batches_is_skipped() -> None:
    shard = Shard(100_000)
    assert read(shard, (10, 11), (90_000, 90_000)) == [(0.0, "run-10"), (0.0, "run-11"), (1.0, "run-90000")]
    assert shard.calls == 2


def test_a_read_that_brings_nothing_is_followed_by_another() -> None:
    assert read(Shard(9_000, sparse=True), (3, 3), (8_000, 8_000)) == [(0.0, "run-3"), (1.0, "run-8000")]


def test_a_batch_may_be_longer_than_a_read() -> None:
    found = read(Shard(4_000), (100, 2_599), (2_600, 2_600))
    assert [event_id for _, event_id in found] == [f"run-{n}" for n in range(100, 2_601)]


def test_records_that_the_stream_has_let_go_are_counted_without_an_id() -> None:
    found = read(Shard(100, trimmed=50), (0, 9), (48, 51), (98, 101))
    assert sorted(found, key=str) == sorted(
        [(0.0, None)] * 10
        + [(1.0, None)] * 2
        + [(1.0, "run-50"), (1.0, "run-51"), (2.0, "run-98"), (2.0, "run-99")]
        + [(2.0, None)] * 2,
        key=str,
    )


def test_a_message_that_came_twice_is_told_twice() -> None:
    assert read(Shard(10), (3, 3), (3, 3)) == [(0.0, "run-3"), (1.0, "run-3")]


@given(
    st.lists(st.tuples(st.integers(0, 3_000), st.integers(0, 1_200)), max_size=8),
    st.integers(0, 2_500),
    st.integers(1, 3_500),
)
def test_every_record_of_every_batch_is_told_once(
    spans: list[tuple[int, int]], trimmed: int, more: int
) -> None:
    shard = Shard(trimmed + more, trimmed)
    ranges = [(first, first + length) for first, length in spans]
    wanted = [
        (float(at), f"run-{n}" if trimmed <= n < trimmed + more else None)
        for at, (first, last) in enumerate(ranges)
        for n in range(first, last + 1)
    ]
    assert sorted(read(shard, *ranges), key=str) == sorted(wanted, key=str)
