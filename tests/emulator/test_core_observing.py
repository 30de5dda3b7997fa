from __future__ import annotations

import orjson
from hypothesis import given
from hypothesis import strategies as st

from harness.emulator.observing import (
    Outbox,
    ProcessObserver,
    join_cursors,
    merge,
    split_cursors,
)
from harness.measure.meters import Gauge, Meters
from harness.measure.observation import Invocation, ProcessState


def invocation(number: int) -> Invocation:
    return Invocation(
        function="f",
        request_id=str(number),
        trace_id=f"1-{number}",
        source="api",
        started_at_s=1.0,
        init_ms=None,
        wall_ms=1.0,
        cpu_ms=1.0,
        init_cpu_ms=None,
        peak_memory_mb=50.0,
        memory_mb=128,
        architecture="x86_64",
        status="ok",
    )


@given(st.lists(st.tuples(st.integers(0, 5), st.booleans())))
def test_every_row_is_given_exactly_once_however_many_answers_are_lost(steps: list[tuple[int, bool]]) -> None:
    """Each step: so many rows arise, then the observer looks; the answer arrives or is lost."""
    outbox: Outbox[int] = Outbox()
    made, seen, received = 0, 0, []
    for count, arrives in [*steps, (0, True)]:
        outbox.add(range(made, made + count))
        made += count
        rows, following = outbox.after(seen)
        if arrives:
            received += rows
            seen = following
    assert received == list(range(made))
    assert outbox.lost == 0


def test_what_does_not_fit_is_lost_oldest_first_and_counted() -> None:
    outbox: Outbox[int] = Outbox(capacity=3)
    outbox.add(range(5))
    assert outbox.after(0) == ([2, 3, 4], 5)
    assert outbox.lost == 2


def test_what_a_look_at_the_gauges_brings_up_to_now_is_in_the_usage_of_that_look() -> None:
    meters, now_s = Meters(), iter((3.0, 7.5))
    standing = meters.counter("kinesis", "events", "on_demand_stream_seconds")

    def gauges() -> list[Gauge]:
        standing.value = next(now_s)
        return []

    meters.watch(gauges)
    observer = ProcessObserver(meters)
    looks = [observer.observe("")["usage"] for _ in range(2)]
    assert looks == [[["kinesis", "events", "on_demand_stream_seconds", seconds]] for seconds in (3.0, 7.5)]


def test_the_same_cursor_gives_the_same_rows_and_the_next_one_none_of_them() -> None:
    meters, waiting = Meters(), [invocation(1), invocation(2)]

    def take() -> list[Invocation]:
        taken = waiting[:]
        waiting.clear()
        return taken

    observer = ProcessObserver(meters, take_invocations=take, clock=lambda: 7.0)
    meters.call("1-1", "s3", "PutObject", "b/k")
    meters.counter("s3", "b/k", "put_requests").value += 1
    first = observer.observe("")
    again = observer.observe("")
    assert again == first
    assert [row.request_id for row in first["invocations"]] == ["1", "2"]
    assert first["calls"] == [["1-1", "s3", "PutObject", "b/k", 1]]
    assert first["usage"] == [["s3", "b/k", "put_requests", 1]]
    following = observer.observe(first["cursor"])
    assert (following["invocations"], following["calls"]) == ([], [])
    assert following["usage"] == first["usage"]
    assert orjson.loads(orjson.dumps(first))["invocations"][0]["function"] == "f"


def test_a_cursor_of_another_process_gives_all_that_waits() -> None:
    meters = Meters()
    meters.call("1-1", "s3", "PutObject", "b")
    before, after = ProcessObserver(Meters()), ProcessObserver(meters)
    assert len(after.observe(before.observe("")["cursor"])["calls"]) == 1


def test_lost_adds_up_what_each_part_dropped() -> None:
    meters = Meters(max_pending_calls=1)
    meters.call("1-1", "s3", "PutObject", "b")
    meters.call("1-2", "s3", "PutObject", "b")
    observer = ProcessObserver(meters, invocations_lost=lambda: 5)
    assert observer.observe("")["lost"] == 6


def test_reset_forgets_counts_and_rows() -> None:
    meters = Meters()
    observer = ProcessObserver(meters)
    meters.call("1-1", "s3", "PutObject", "b")
    meters.counter("s3", "b", "put_requests").value += 1
    observer.observe("")
    observer.reset()
    seen = observer.observe("")
    assert (seen["usage"], seen["calls"]) == ([], [])


def test_the_merge_keeps_the_cursor_of_a_process_that_did_not_answer() -> None:
    part = {
        "at_s": 2.0,
        "usage": [["a"]],
        "gauges": [],
        "invocations": [],
        "calls": [],
        "lost": 1,
        "cursor": "x.1.2",
    }
    merged = merge(
        {"edge": part}, {"edge": "x.0.0", "state": "y.3.4"}, [ProcessState("edge", 1, 2.0, 3)], ["It died."]
    )
    assert split_cursors(merged["cursor"]) == {"edge": "x.1.2", "state": "y.3.4"}
    assert merged["usage"] == [["a"]]
    assert merged["processes"] == [{"name": "edge", "pid": 1, "cpu_s": 2.0, "rss_bytes": 3}]
    assert (merged["lost"], merged["incidents"], merged["at_s"]) == (1, ["It died."], 2.0)


@given(
    st.dictionaries(
        st.sampled_from(["edge", "state", "moto"]), st.from_regex(r"[0-9a-f-]+\.\d+\.\d+", fullmatch=True)
    )
)
def test_cursors_join_and_split(cursors: dict[str, str]) -> None:
    assert split_cursors(join_cursors(cursors)) == cursors


def test_a_cursor_that_is_none_is_nothing() -> None:
    assert split_cursors("") == {}
    assert split_cursors("garbage") == {}
