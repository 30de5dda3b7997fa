"""How far mappings are behind, against a model of LocalStack's poller that knows it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.emulator.companion.metering.arrivals import ShardArrivals
from tests.localstack.served import NOW_MS, Metered, call

FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:processor"
STREAM = "arn:aws:kinesis:us-east-1:000000000000:stream/events"
TABLE = "arn:aws:dynamodb:us-east-1:000000000000:table/devices/stream/2026"
QUEUE = "arn:aws:sqs:us-east-1:000000000000:jobs"
POLLER = {"service_principal": "lambda", "source_arn": FUNCTION}
MAPPING = {"UUID": "u", "FunctionArn": FUNCTION, "State": "Creating"}


def mapped(source: str, window_s: int = 0, position: str = "TRIM_HORIZON", operation: str = "Create") -> Any:
    answered = {
        **MAPPING,
        "EventSourceArn": source,
        "MaximumBatchingWindowInSeconds": window_s,
        "StartingPosition": position,
    }
    return call("lambda", f"{operation}EventSourceMapping", {}, answered)


class Poller:
    """One shard, put to and polled. What was read is over when it was handed over: at the poll at which the
    window has passed since the last batch, before the next poll."""

    def __init__(
        self, metered: Metered, window_s: int, put_before: int = 0, kind: str = "TRIM_HORIZON"
    ) -> None:
        self.metered = metered
        self.window_ms = window_s * 1000
        self.at_ms = NOW_MS
        self.log: list[int] = []
        metered.take(mapped(STREAM, window_s, kind))
        self.put(put_before)
        self.read_to = len(self.log) if kind == "LATEST" else 0
        self.over_to = self.read_to
        self.batched_at_ms = self.at_ms
        self.iterator = 0
        asked = {"StreamARN": STREAM, "ShardId": "shard-0", "ShardIteratorType": kind}
        metered.take(call("kinesis", "GetShardIterator", asked, {"ShardIterator": "0"}, own=POLLER))

    def put(self, count: int) -> None:
        for _ in range(count):
            self.log.append(1_000 + len(self.log))
            answer = {"ShardId": "shard-0", "SequenceNumber": str(self.log[-1])}
            asked = {"StreamName": "events", "PartitionKey": "k", "Data": b"x"}
            self.metered.take(call("kinesis", "PutRecord", asked, answer, at_ms=self.at_ms))

    def poll(self, most: int) -> None:
        """A read is answered; then what is due is handed over, and is over at once."""
        found = self.log[self.read_to : self.read_to + most]
        records = [{"SequenceNumber": str(each), "PartitionKey": "k", "Data": b"x"} for each in found]
        asked = {"StreamARN": STREAM, "ShardIterator": str(self.iterator)}
        self.iterator += 1
        answer = {"Records": records, "NextShardIterator": str(self.iterator)}
        self.metered.take(call("kinesis", "GetRecords", asked, answer, own=POLLER, at_ms=self.at_ms))
        self.read_to += len(found)
        if self.at_ms - self.batched_at_ms >= self.window_ms:
            self.over_to, self.batched_at_ms = self.read_to, self.at_ms

    def pass_ms(self, elapsed_ms: int) -> None:
        self.at_ms += elapsed_ms
        self.metered.now_ms = self.at_ms

    @property
    def behind(self) -> int:
        return len(self.log) - self.over_to

    @property
    def shown(self) -> float:
        return self.metered.gauge("processor", "backlog_records")


steps = st.lists(
    st.one_of(
        st.tuples(st.just("put"), st.integers(1, 4)),
        st.tuples(st.just("poll"), st.integers(1, 3)),
        st.tuples(st.just("pass"), st.integers(1, 1_500)),
    ),
    max_size=40,
)


@settings(max_examples=200)
@given(steps, st.sampled_from([0, 1]))
def test_the_backlog_is_never_less_than_it_is_and_exact_when_the_poller_comes_again(
    taken: list[tuple[str, int]], window_s: int
) -> None:
    poller = Poller(Metered(), window_s)
    for what, amount in taken:
        {"put": poller.put, "poll": poller.poll, "pass": poller.pass_ms}[what](amount)
        assert poller.shown >= poller.behind
    for _ in range(len(poller.log) + 3):
        poller.pass_ms(1_100)
        poller.poll(100)
    assert (poller.behind, poller.shown) == (0, 0)


@given(steps)
def test_without_a_window_what_was_read_is_over_at_the_next_read(taken: list[tuple[str, int]]) -> None:
    poller = Poller(Metered(), 0)
    before = 0
    for what, amount in taken:
        if what == "poll":
            before = poller.read_to
        {"put": poller.put, "poll": poller.poll, "pass": poller.pass_ms}[what](amount)
        assert poller.shown == len(poller.log) - before


def test_a_batch_that_is_tried_again_is_behind_and_ages() -> None:
    poller = Poller(Metered(), 0)
    poller.put(3)
    poller.pass_ms(200)
    poller.poll(10)
    assert poller.metered.gauge("processor", "iterator_age_ms") == 200
    poller.pass_ms(60_000)  # the function fails, and fails again
    assert poller.shown == 3
    assert poller.metered.gauge("processor", "iterator_age_ms") == 60_200
    poller.poll(10)
    assert poller.shown == 0
    poller.pass_ms(2_000)
    assert poller.metered.gauge("processor", "iterator_age_ms") == 0


@pytest.mark.parametrize(("kind", "behind"), [("TRIM_HORIZON", 5), ("LATEST", 2)])
def test_a_mapping_is_behind_from_where_it_began(kind: str, behind: int) -> None:
    poller = Poller(Metered(), 0, put_before=3, kind=kind)
    poller.put(2)
    assert poller.shown == behind


def test_a_deleted_mapping_is_behind_nothing() -> None:
    metered = Metered()
    poller = Poller(metered, 0)
    poller.put(2)
    metered.take(mapped(STREAM, operation="Delete"))
    with pytest.raises(KeyError):
        assert poller.shown


def test_a_stream_made_anew_has_none_of_the_old_ones_records() -> None:
    metered = Metered()
    poller = Poller(metered, 0)
    poller.put(2)
    metered.take(call("kinesis", "DeleteStream", {"StreamName": "events"}, {}))
    assert poller.shown == 0


def test_records_that_every_mapping_is_done_with_are_only_counted() -> None:
    metered = Metered()
    poller = Poller(metered, 0)
    poller.put(4)
    poller.poll(3)
    poller.poll(1)
    asyncio.run(metered.intake.look())
    assert poller.shown == 1
    (arrivals,) = metered.mappings._arrivals.values()
    assert len(arrivals._records) == 1


def test_a_mapping_that_begins_anew_is_behind_all_that_there_is() -> None:
    """LocalStack's poller does, after an update of its mapping."""
    metered = Metered()
    poller = Poller(metered, 0)
    poller.put(4)
    poller.poll(4)
    poller.poll(1)
    asyncio.run(metered.intake.look())
    assert poller.shown == 0
    asked = {"StreamARN": STREAM, "ShardId": "shard-0", "ShardIteratorType": "TRIM_HORIZON"}
    metered.take(call("kinesis", "GetShardIterator", asked, {"ShardIterator": "anew"}, own=POLLER))
    assert poller.shown == 4


def test_a_tables_stream_is_asked_how_far_the_mapping_is_behind() -> None:
    asked: list[tuple[str, Mapping[str, str]]] = []

    async def behind(arn: str, iterators: Mapping[str, str]) -> Mapping[str, int]:
        asked.append((arn, iterators))
        return {"shard-0": 7 if iterators.get("shard-0") == "i0" else 2, "child": 1}

    metered = Metered(here=("dynamodb", "dynamodbstreams"), behind=behind)
    metered.take(mapped(TABLE))
    first = {"StreamArn": TABLE, "ShardId": "shard-0", "ShardIteratorType": "TRIM_HORIZON"}
    metered.take(call("dynamodbstreams", "GetShardIterator", first, {"ShardIterator": "i0"}, own=POLLER))
    asyncio.run(metered.intake.look())
    assert metered.gauge("processor", "backlog_records") == 8
    at_s = NOW_MS // 1000
    records = [{"dynamodb": {"ApproximateCreationDateTime": at_s - 5}}]
    for number in (0, 1):
        answer = {"Records": records, "NextShardIterator": f"i{number + 1}"}
        read = {"ShardIterator": f"i{number}"}
        metered.take(call("dynamodbstreams", "GetRecords", read, answer, own=POLLER))
    asyncio.run(metered.intake.look())
    assert asked[-1] == (TABLE, {"shard-0": "i1"})
    assert metered.gauge("processor", "backlog_records") == 3
    assert metered.gauge("processor", "iterator_age_ms") == 4_000
    assert metered.used() == {}


def test_a_table_that_is_gone_is_not_behind() -> None:
    async def behind(arn: str, _: Mapping[str, str]) -> Mapping[str, int]:
        raise KeyError(arn)

    metered = Metered(behind=behind)
    metered.take(mapped(TABLE))
    asyncio.run(metered.intake.look())
    assert metered.gauge("processor", "backlog_records") == 0


def test_of_a_table_elsewhere_nothing_is_said() -> None:
    metered = Metered(behind=None)
    metered.take(mapped(TABLE))
    asyncio.run(metered.intake.look())
    with pytest.raises(KeyError):
        metered.gauge("processor", "backlog_records")


def test_a_queue_is_behind_by_all_that_it_holds_and_what_waits_in_localstack_is_shown() -> None:
    metered = Metered()
    metered.take(mapped(QUEUE))
    metered.waiting = [["sqs", "jobs", "messages", 4], ["lambda", "archiver", "async_backlog", 2]]
    asyncio.run(metered.intake.look())
    assert metered.gauge("processor", "backlog_records") == 4
    assert metered.gauge("archiver", "async_backlog") == 2
    assert metered.gauge("jobs", "messages") == 4


@given(st.permutations(range(12)), st.integers(1, 6), st.integers(-1, 12))
def test_arrivals_count_what_comes_after_whatever_order_they_are_seen_in(
    order: list[int], most: int, done: int
) -> None:
    arrivals = ShardArrivals()
    for sequence in order:
        arrivals.accepted(sequence, sequence * 10)
    assert arrivals.behind(done) == sum(1 for each in order if each > done)
    assert arrivals.last == 11
    assert arrivals.at_ms(5) == 50
    arrivals.forget(done)
    assert arrivals.behind(done) == sum(1 for each in order if each > done)
    bounded = ShardArrivals(most=most)
    for sequence in range(12):
        bounded.accepted(sequence, 0)
    assert (bounded.behind(-1), bounded.behind(11)) == (12, 0)
