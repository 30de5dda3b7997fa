"""A shard's records on their way to the function, on virtual time: whole traces, and laws."""

from __future__ import annotations

from collections import Counter, defaultdict

from hypothesis import given, settings
from hypothesis import strategies as st

from harness.emulator.services.lambda_.mappings.configuration import BatchRules
from harness.emulator.services.lambda_.mappings.lanes import (
    MAX_PAYLOAD_BYTES,
    Batch,
    Discard,
    HandOver,
    Record,
    ShardLanes,
    retry_delay_s,
)


def record(number: int, key: str = "k", arrival_s: float = 0.0, size_bytes: int = 100) -> Record:
    return Record(str(number), key, arrival_s, "", size_bytes)


def numbers(batch: Batch) -> list[int]:
    return [int(each.sequence_number) for each in batch.records]


def lanes_with(rules: BatchRules, count: int, now_s: float = 0.0) -> ShardLanes:
    lanes = ShardLanes(rules, now_s, 10_000)
    lanes.accept([record(n) for n in range(count)], now_s)
    return lanes


def hand_over(lanes: ShardLanes, now_s: float) -> Batch:
    step = lanes.next(now_s)
    assert isinstance(step, HandOver)
    return step.batch


def test_a_lane_has_one_batch_under_way() -> None:
    lanes = lanes_with(BatchRules(batch_size=2), 5)
    first = hand_over(lanes, 0.0)
    assert numbers(first) == [0, 1]
    assert lanes.next(0.0) is None
    assert lanes.wake_at_s() is None
    lanes.done(first, 1.0)
    assert numbers(hand_over(lanes, 1.0)) == [2, 3]
    assert lanes.unacknowledged == 3


def test_a_window_gathers_until_it_ends_and_begins_when_the_invocation_completes() -> None:
    lanes = ShardLanes(BatchRules(batch_size=10, batching_window_s=5), 0.0, 10_000)
    lanes.accept([record(1)], 1.0)
    assert lanes.next(1.0) is None
    assert lanes.wake_at_s() == 5.0
    lanes.accept([record(2)], 4.0)
    first = hand_over(lanes, 5.0)
    assert numbers(first) == [1, 2]
    lanes.accept([record(3)], 6.0)
    lanes.done(first, 7.0)
    assert lanes.next(7.0) is None
    assert lanes.wake_at_s() == 12.0
    lanes.done(hand_over(lanes, 12.0), 13.0)
    lanes.accept([record(4)], 21.0)  # windows of 13 to 18 and 18 to 23
    assert lanes.wake_at_s() == 23.0


def test_a_full_batch_does_not_wait_for_its_window() -> None:
    lanes = lanes_with(BatchRules(batch_size=3, batching_window_s=300), 7)
    first = hand_over(lanes, 0.0)
    lanes.done(first, 0.0)
    assert numbers(hand_over(lanes, 0.0)) == [3, 4, 5]


def test_a_batch_ends_at_six_megabytes() -> None:
    lanes = ShardLanes(BatchRules(batch_size=100, batching_window_s=300), 0.0, 10_000)
    lanes.accept([record(n, size_bytes=MAX_PAYLOAD_BYTES // 2) for n in range(3)], 0.0)
    assert numbers(hand_over(lanes, 0.0)) == [0, 1]


def test_a_record_larger_than_a_payload_goes_alone() -> None:
    lanes = ShardLanes(BatchRules(), 0.0, 10_000)
    lanes.accept([record(0, size_bytes=2 * MAX_PAYLOAD_BYTES), record(1)], 0.0)
    assert numbers(hand_over(lanes, 0.0)) == [0]


def test_a_failed_batch_is_tried_again_after_growing_waits_and_then_discarded() -> None:
    lanes = lanes_with(BatchRules(batch_size=2, maximum_retry_attempts=2), 3)
    now_s, trace = 0.0, []
    while True:
        step = lanes.next(now_s)
        if step is None:
            now_s = lanes.wake_at_s() or now_s
            continue
        trace.append((round(now_s, 3), type(step).__name__, numbers(step.batch)))
        if isinstance(step, Discard):
            assert step.reason == "RetryAttemptsExhausted"
            assert step.batch.invocations == 3
            lanes.done(step.batch, now_s)
            break
        lanes.failed(step.batch, now_s)
    assert trace == [
        (0.0, "HandOver", [0, 1]),
        (0.2, "HandOver", [0, 1]),
        (0.6, "HandOver", [0, 1]),
        (0.6, "Discard", [0, 1]),
    ]
    assert numbers(hand_over(lanes, now_s)) == [2]
    assert lanes.unacknowledged == 1


def test_waits_stop_growing_at_a_minute() -> None:
    assert [retry_delay_s(n) for n in (1, 2, 3, 9, 10, 10_000)] == [0.2, 0.4, 0.8, 51.2, 60.0, 60.0]


def test_a_failure_blocks_its_lane_only() -> None:
    lanes = ShardLanes(BatchRules(batch_size=1, parallelization_factor=2), 0.0, 10_000)
    # crc32("a") is odd, crc32("d") is even
    lanes.accept([record(1, "a"), record(2, "d"), record(3, "a"), record(4, "d")], 0.0)
    by_key = {
        step.batch.records[0].partition_key: step.batch for step in (lanes.next(0.0), lanes.next(0.0)) if step
    }
    assert set(by_key) == {"a", "d"}
    lanes.failed(by_key["a"], 0.0)
    lanes.done(by_key["d"], 0.0)
    assert numbers(hand_over(lanes, 0.0)) == [4]
    assert lanes.next(0.0) is None
    assert lanes.wake_at_s() == 0.2
    assert numbers(hand_over(lanes, 0.2)) == [1]


def test_bisection_isolates_a_poison_record_and_spends_no_retry_on_it() -> None:
    lanes = lanes_with(BatchRules(batch_size=8, bisect_on_error=True, maximum_retry_attempts=1), 8)
    now_s, trace = 0.0, []
    while lanes.unacknowledged:
        step = lanes.next(now_s)
        if step is None:
            now_s = lanes.wake_at_s() or now_s
            continue
        trace.append((round(now_s, 3), isinstance(step, Discard), numbers(step.batch)))
        if isinstance(step, HandOver) and 5 in numbers(step.batch):
            lanes.failed(step.batch, now_s)
        else:
            lanes.done(step.batch, now_s)
    assert trace == [
        (0.0, False, [0, 1, 2, 3, 4, 5, 6, 7]),
        (0.0, False, [0, 1, 2, 3]),
        (0.0, False, [4, 5, 6, 7]),
        (0.0, False, [4, 5]),
        (0.0, False, [4]),
        (0.0, False, [5]),
        (0.2, False, [5]),
        (0.2, True, [5]),
        (0.2, False, [6, 7]),
    ]


def test_a_reported_failure_checkpoints_what_is_before_it() -> None:
    lanes = lanes_with(BatchRules(batch_size=4, maximum_retry_attempts=1), 4)
    lanes.failed(hand_over(lanes, 0.0), 0.0, from_index=2)
    assert lanes.unacknowledged == 2
    assert lanes.next(0.0) is None  # without bisection it is an attempt like any other
    again = hand_over(lanes, 0.2)
    assert numbers(again) == [2, 3]
    lanes.failed(again, 0.2, from_index=1)
    step = lanes.next(0.2)
    assert isinstance(step, Discard)
    assert numbers(step.batch) == [3]


def test_with_bisection_a_reported_failure_splits_there_at_once() -> None:
    lanes = lanes_with(BatchRules(batch_size=4, bisect_on_error=True, maximum_retry_attempts=0), 4)
    lanes.failed(hand_over(lanes, 0.0), 0.0, from_index=3)
    again = hand_over(lanes, 0.0)
    assert numbers(again) == [3]
    lanes.failed(again, 0.0)
    step = lanes.next(0.0)
    assert isinstance(step, Discard)
    assert step.batch.invocations == 2


def test_throttles_wait_and_are_no_attempts() -> None:
    lanes = lanes_with(BatchRules(maximum_retry_attempts=0), 1)
    now_s, waits = 0.0, []
    for _ in range(4):
        batch = hand_over(lanes, now_s)
        assert (batch.attempts, batch.invocations) == (0, 1)
        lanes.throttled(batch, now_s)
        wake_s = lanes.wake_at_s()
        assert wake_s is not None
        waits.append(round(wake_s - now_s, 3))
        now_s = wake_s
    assert waits == [0.2, 0.4, 0.8, 1.6]
    lanes.done(hand_over(lanes, now_s), now_s)
    assert lanes.unacknowledged == 0


def test_records_over_age_are_discarded_before_they_are_handed_over() -> None:
    lanes = ShardLanes(BatchRules(maximum_record_age_s=60), 0.0, 10_000)
    lanes.accept([record(1, arrival_s=0.0), record(2, arrival_s=30.0)], 61.0)
    step = lanes.next(61.0)
    assert isinstance(step, Discard)
    assert (step.reason, numbers(step.batch), step.batch.invocations) == ("RecordAgeExceeded", [1], 0)
    assert lanes.next(61.0) is None
    lanes.done(step.batch, 61.0)
    assert numbers(hand_over(lanes, 61.0)) == [2]


def test_a_blocked_lane_shows_the_age_of_its_oldest_record() -> None:
    lanes = ShardLanes(BatchRules(), 0.0, 10_000)
    lanes.accept([record(1, arrival_s=5.0), record(2, arrival_s=6.0)], 7.0)
    first = hand_over(lanes, 7.0)
    assert lanes.oldest_blocked_arrival_s() is None
    lanes.failed(first, 8.0)
    assert lanes.oldest_blocked_arrival_s() == 5.0
    again = hand_over(lanes, 9.0)
    assert lanes.oldest_blocked_arrival_s() == 5.0
    lanes.done(again, 9.0)
    assert lanes.oldest_blocked_arrival_s() is None


def test_room_is_left_until_the_read_ahead_is_full() -> None:
    lanes = lanes_with(BatchRules(), 9_000)
    assert lanes.room == 1_000
    lanes.accept([record(n) for n in range(1_000)], 0.0)
    assert lanes.room == 0
    heavy = ShardLanes(BatchRules(), 0.0, 10_000)
    heavy.accept([record(n, size_bytes=1_000_000) for n in range(5)], 0.0)
    assert heavy.room == 1


RULES = st.builds(
    BatchRules,
    batch_size=st.integers(1, 7),
    batching_window_s=st.sampled_from((0, 0, 3)),
    parallelization_factor=st.integers(1, 4),
    bisect_on_error=st.booleans(),
    maximum_retry_attempts=st.integers(0, 3),
    maximum_record_age_s=st.sampled_from((-1, -1, 60)),
)


@settings(max_examples=300, deadline=None)
@given(
    rules=RULES,
    keys=st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=40),
    outcomes=st.lists(
        st.tuples(st.sampled_from(("ok", "ok", "fail", "partial", "throttle")), st.integers(0, 6))
    ),
    pace_s=st.sampled_from((0.0, 0.1, 5.0)),
)
def test_every_record_ends_once_and_in_the_order_of_its_key(
    rules: BatchRules, keys: list[str], outcomes: list[tuple[str, int]], pace_s: float
) -> None:
    """Whatever the function does: nothing is lost, nothing ends twice, and a key's records end in order.
    After the drawn outcomes the function succeeds."""
    lanes = ShardLanes(rules, 0.0, 10_000)
    records = [record(n, key, arrival_s=n * pace_s) for n, key in enumerate(keys)]
    ended: Counter[str] = Counter()
    order: dict[str, list[int]] = defaultdict(list)
    script = iter(outcomes)
    now_s = 0.0

    def end(some: list[Record]) -> None:
        for each in some:
            ended[each.sequence_number] += 1
            order[each.partition_key].append(int(each.sequence_number))

    waiting = list(records)
    for _ in range(10_000):
        while waiting and waiting[0].arrival_s <= now_s:
            lanes.accept([waiting.pop(0)], now_s)
        running = []
        while (step := lanes.next(now_s)) is not None:
            running.append(step)
        for step in running:
            batch = step.batch
            outcome, index = next(script, ("ok", 0)) if isinstance(step, HandOver) else ("ok", 0)
            if outcome == "ok":
                end(batch.records)
                lanes.done(batch, now_s)
            elif outcome == "fail":
                lanes.failed(batch, now_s)
            elif outcome == "partial":
                index %= len(batch.records)
                end(batch.records[:index])
                lanes.failed(batch, now_s, index)
            else:
                lanes.throttled(batch, now_s)
        if not lanes.unacknowledged and not waiting:
            break
        if not running:
            times = [
                each
                for each in (lanes.wake_at_s(), waiting[0].arrival_s if waiting else None)
                if each is not None
            ]
            assert times, "records wait and nothing would ever wake their lane"
            now_s = max(now_s, min(times))
    assert ended == Counter(each.sequence_number for each in records)
    assert all(each == sorted(each) for each in order.values())
    assert lanes.unacknowledged == 0
    assert list(lanes.unfinished()) == []
