from __future__ import annotations

import base64
import errno
import logging
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.emulator.services.base import AwsError
from harness.emulator.services.kinesis import store as store_module
from harness.emulator.services.kinesis.segments import Segment
from harness.emulator.services.kinesis.store import SegmentStore, ShardLog, StoreFull

DAY_S = 86_400
BUDGET_BYTES = 64 * 1024


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def read_all(kinesis: Any, shard: str = "shardId-0", **members: Any) -> list[str]:
    iterator, data = kinesis.iterator(shard), []
    while True:
        answer = kinesis.read(iterator, **members)
        data += [record["Data"] for record in answer["Records"]]
        if answer["NextShardIterator"] is None or not answer["MillisBehindLatest"]:
            return data
        iterator = answer["NextShardIterator"]


def test_more_than_the_budget_goes_to_files_and_comes_back(drive: Callable[..., Any]) -> None:
    kinesis = drive(memory_budget_bytes=BUDGET_BYTES)
    kinesis.create(shards=2)
    sent: dict[str, list[str]] = {"shardId-0": [], "shardId-1": []}
    for i in range(400):
        shard = i % 2
        data = b64(b"%d" % i + bytes(1000))
        kinesis.put(data=data, ExplicitHashKey=str(shard * 2**127))
        sent[f"shardId-{shard}"].append(data)
    files = list(kinesis.data_dir.rglob("*.segment"))
    assert sum(file.stat().st_size for file in files) > 400_000
    for name, records in sent.items():
        assert read_all(kinesis, name) == records
        assert read_all(kinesis, name, Limit=7) == records


def test_expired_files_are_deleted(drive: Callable[..., Any]) -> None:
    kinesis = drive(memory_budget_bytes=BUDGET_BYTES)
    kinesis.create()
    for _ in range(200):
        kinesis.put(data=b64(bytes(1000)))
        kinesis.advance(10)
    before = len(list(kinesis.data_dir.rglob("*.segment")))
    kinesis.advance(DAY_S - 1000)
    assert len(read_all(kinesis)) == 100
    kinesis.housekeep()
    assert kinesis.gauge("retained_records") == 100
    assert kinesis.gauge("retained_bytes") == 100 * 1001
    assert 0 < len(list(kinesis.data_dir.rglob("*.segment"))) < before
    kinesis.advance(1001)
    kinesis.housekeep()
    assert list(kinesis.data_dir.rglob("*.segment")) == []
    assert kinesis.gauge("retained_bytes") == 0


def test_the_files_of_a_deleted_stream_go_little_by_little(drive: Callable[..., Any]) -> None:
    kinesis = drive(memory_budget_bytes=1_000)
    kinesis.create()
    for _ in range(152):
        kinesis.put(data=b64(bytes(700)))
    kinesis("DeleteStream", StreamName="events")
    kinesis.advance(1)
    left = []
    for _ in range(2):
        kinesis.housekeep()
        left.append(len(list(kinesis.data_dir.rglob("*.segment"))))
    assert left == [51, 0]


def test_what_an_earlier_process_spilled_is_deleted(tmp_path: Path, drive: Callable[..., Any]) -> None:
    stale = tmp_path / "kinesis" / "segments" / "0000000000.segment"
    stale.parent.mkdir(parents=True)
    stale.write_bytes(b"stale")
    drive()
    assert not stale.exists()


class FullDisk:
    """Stands for Path.open, and fails to write while `full`."""

    def __init__(self) -> None:
        self.full = True
        self.writes = 0
        self._open = Path.open

    def __call__(self, path: Path, mode: str = "r", **options: Any) -> Any:
        if "w" in mode:
            self.writes += 1
            if self.full:
                self._open(path, mode).close()  # the file is there, as after a failed write
                raise OSError(errno.ENOSPC, "No space left on device")
        return self._open(path, mode, **options)


@pytest.fixture
def full_disk(monkeypatch: pytest.MonkeyPatch) -> FullDisk:
    disk = FullDisk()
    monkeypatch.setattr(Path, "open", lambda path, *args, **kwargs: disk(path, *args, **kwargs))
    return disk


def test_a_full_disk_refuses_records_and_keeps_the_order(
    drive: Callable[..., Any], full_disk: FullDisk, caplog: pytest.LogCaptureFixture
) -> None:
    kinesis = drive(memory_budget_bytes=BUDGET_BYTES)
    kinesis.create()
    accepted: list[str] = []
    refusals: set[tuple[str, int]] = set()
    with caplog.at_level(logging.WARNING):
        for i in range(120):
            data = b64(b"%d" % i + bytes(1000))
            try:
                kinesis.put(data=data)
                accepted.append(data)
            except AwsError as error:
                refusals.add((error.code, error.status))
        assert refusals == {("InternalFailure", 500)}
        assert 0 < len(accepted) < 60
        assert full_disk.writes == 1  # it is tried again only after a second
        assert [record.levelname for record in caplog.records] == ["ERROR"]

        entry = kinesis("PutRecords", StreamName="events", Records=[{"PartitionKey": "k", "Data": data}])
        assert entry["Records"] == [
            {"ErrorCode": "InternalFailure", "ErrorMessage": "Internal service failure."}
        ]
        assert list(kinesis.data_dir.rglob("*.segment")) == []
        assert read_all(kinesis) == accepted

        full_disk.full = False
        kinesis.advance(1)
        kinesis.put(data=data)
        assert [record.levelname for record in caplog.records] == ["ERROR", "WARNING"]
    assert read_all(kinesis) == [*accepted, data]
    assert kinesis.used("put_records") == len(accepted) + 1


@pytest.mark.parametrize("damage", [lambda file: file.unlink(), lambda file: file.write_bytes(b"short")])
def test_a_lost_file_is_a_failure_and_no_gap(
    drive: Callable[..., Any], damage: Callable[[Path], Any], caplog: pytest.LogCaptureFixture
) -> None:
    kinesis = drive(memory_budget_bytes=BUDGET_BYTES)
    kinesis.create()
    for _ in range(200):
        kinesis.put(data=b64(bytes(1000)))
    damage(min(kinesis.data_dir.rglob("*.segment")))
    for operation, members in [
        ("GetRecords", {"ShardIterator": kinesis.iterator()}),
        (
            "GetShardIterator",
            {
                "StreamName": "events",
                "ShardId": "shardId-0",
                "ShardIteratorType": "AT_TIMESTAMP",
                "Timestamp": kinesis.now_s - 0.5,
            },
        ),
    ]:
        with caplog.at_level(logging.ERROR):
            error = kinesis.fails(operation, **members)
        assert (error.code, error.status) == ("InternalFailure", 500)
        kinesis.advance(0.5)
    kinesis.advance(DAY_S)
    kinesis.housekeep()  # the lost records expire like the others
    assert kinesis.gauge("retained_records") == 0
    assert "cannot read shardId-000000000000 of the stream events" in caplog.text


@settings(max_examples=60, deadline=None)
@given(
    sizes=st.lists(st.integers(0, 600), max_size=80),
    budget=st.integers(1_000, 20_000),
    limit=st.integers(1, 30),
    payload=st.integers(600, 5_000),
)
def test_spilled_or_not_the_same_records_in_bounded_memory(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int], budget: int, limit: int, payload: int
) -> None:
    store = SegmentStore(tmp_path_factory.mktemp("log"), budget)
    logs = [ShardLog(store), ShardLog(store)]
    sent: list[list[bytes]] = [[], []]
    for i, size in enumerate(sizes):
        text = b",%d:" % i + bytes(size)
        logs[size % 2].append(text, size, 1_000 + i)
        sent[size % 2].append(text[1:])
        assert store.resident_bytes <= max(budget, len(text) + 12)
    for log, texts in zip(logs, sent, strict=True):
        assert log.record_count == len(texts)
        read: list[bytes] = []
        index = 1
        while index < log.next_index:
            reading = log.read(index, limit, payload)
            got = sum(batch.records for batch in reading.batches)
            assert 0 < got <= limit
            assert sum(batch.payload_bytes for batch in reading.batches) <= payload
            assert reading.next_index == index + got
            assert b",".join(batch.text for batch in reading.batches) == b",".join(
                texts[index - 1 : reading.next_index - 1]
            )
            assert (reading.next_arrival_ms is None) == (reading.next_index == log.next_index)
            read += texts[index - 1 : reading.next_index - 1]
            index = reading.next_index
        assert read == texts


@settings(max_examples=60, deadline=None)
@given(
    arrivals=st.lists(st.integers(0, 50), min_size=1, max_size=60).map(sorted),
    budget=st.integers(200, 4_000),
    cuts=st.lists(st.integers(0, 60), max_size=4).map(sorted),
)
def test_trimming_counts_and_finds_what_is_left(
    tmp_path_factory: pytest.TempPathFactory, arrivals: list[int], budget: int, cuts: list[int]
) -> None:
    store = SegmentStore(tmp_path_factory.mktemp("log"), budget)
    log = ShardLog(store)
    for i, arrival in enumerate(arrivals):
        log.append(b",%02d" % i, i, arrival)
    for cut in cuts:
        log.trim(cut)
        kept = [i for i, arrival in enumerate(arrivals) if arrival >= cut]
        assert log.record_count == len(kept)
        assert log.payload_bytes == sum(kept)
        for at_ms in range(0, 55, 6):
            expected = next((i + 1 for i in kept if arrivals[i] >= at_ms), log.next_index)
            assert log.index_at(at_ms) == expected
    log.drop()
    assert (store.resident_bytes, log.payload_bytes, log.record_count) == (0, 0, 0)


def test_a_read_goes_straight_to_its_segment_however_many_are_retained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_module, "SEGMENT_BYTES", 10)

    class Looked(deque[Segment]):
        looks = 0

        def __getitem__(self, at: Any) -> Any:
            Looked.looks += 1
            return super().__getitem__(at)

        def __iter__(self) -> Iterator[Segment]:
            for segment in super().__iter__():
                Looked.looks += 1
                yield segment

    log = ShardLog(SegmentStore(tmp_path, 1024 * 1024))
    for i in range(1000):
        log.append(b",0123456789", 1, i)
    log._segments = Looked(log._segments)
    for index, records in ((1, 1), (500, 1), (1000, 1), (1001, 0)):
        Looked.looks = 0
        assert sum(batch.records for batch in log.read(index, 1, 1024).batches) == records
        assert Looked.looks < 50


def test_a_record_larger_than_the_budget_still_is_kept(tmp_path: Path) -> None:
    store = SegmentStore(tmp_path, 100)
    log = ShardLog(store)
    for i in range(3):
        log.append(b"," + bytes([i]) * 500, 500, 0)
    assert log.read(1, 3, 10_000).batches[2].text == bytes([2]) * 500


def test_nothing_is_taken_when_there_is_no_room(tmp_path: Path, full_disk: FullDisk) -> None:
    log = ShardLog(SegmentStore(tmp_path, 100))
    log.append(b",a", 1, 0)
    with pytest.raises(StoreFull):
        log.append(b"," + bytes(500), 500, 0)
    assert log.next_index == 2
    assert log.payload_bytes == 1
