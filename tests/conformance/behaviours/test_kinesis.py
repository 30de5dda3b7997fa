"""Kinesis Data Streams: shards, order, sequence numbers, iterators, partial failure, limits, resharding."""

from __future__ import annotations

import datetime
import hashlib
import time
from dataclasses import dataclass
from typing import Any

import pytest

from tests.conformance.catalogue import behaviour, documented, reference
from tests.conformance.kit import WITHIN_S, Cleanup, at_once, refusing, until
from tests.conformance.targets import Aws

READ = "2026-11-24"
TOP = 2**128
HALF = str(2**127)


@dataclass(frozen=True)
class Stream:
    """A stream of a case's own."""

    kinesis: Any
    name: str

    def describe(self) -> dict[str, Any]:
        found: dict[str, Any] = self.kinesis.describe_stream(StreamName=self.name)["StreamDescription"]
        return found

    def shards(self) -> list[dict[str, Any]]:
        listed: list[dict[str, Any]] = self.kinesis.list_shards(StreamName=self.name)["Shards"]
        return listed

    def put(self, data: bytes, key: str = "key", **more: Any) -> dict[str, Any]:
        answer: dict[str, Any] = self.kinesis.put_record(
            StreamName=self.name, Data=data, PartitionKey=key, **more
        )
        return answer

    def put_all(self, *records: dict[str, Any]) -> dict[str, Any]:
        answer: dict[str, Any] = self.kinesis.put_records(StreamName=self.name, Records=list(records))
        return answer

    def iterator(self, type_: str = "TRIM_HORIZON", shard: str = "", **more: Any) -> str:
        asked = {"ShardId": shard or self.shards()[0]["ShardId"], "ShardIteratorType": type_, **more}
        return str(self.kinesis.get_shard_iterator(StreamName=self.name, **asked)["ShardIterator"])

    def read(self, iterator: str, count: int) -> list[dict[str, Any]]:
        """At least `count` records from there; a shard may be read five times a second."""
        records: list[dict[str, Any]] = []
        deadline = time.monotonic() + WITHIN_S
        while True:
            answer = self.kinesis.get_records(ShardIterator=iterator)
            records += answer["Records"]
            if len(records) >= count:
                return records
            assert time.monotonic() < deadline, f"{count} records expected, {len(records)} came"
            iterator = answer["NextShardIterator"]
            time.sleep(0.25)

    def data(self, iterator: str, count: int) -> list[bytes]:
        return [record["Data"] for record in self.read(iterator, count)]

    def active(self) -> Stream:
        until(lambda: self.describe()["StreamStatus"] == "ACTIVE", f"{self.name} is active")
        return self


def created(aws: Aws, cleanup: Cleanup, shards: int) -> Stream:
    made = Stream(aws.client("kinesis"), aws.name("stream"))
    made.kinesis.create_stream(StreamName=made.name, ShardCount=shards)
    cleanup.add(made.kinesis.delete_stream, StreamName=made.name)
    return made.active()


@pytest.fixture
def stream(aws: Aws, cleanup: Cleanup) -> Stream:
    return created(aws, cleanup, 1)


@pytest.fixture
def two(aws: Aws, cleanup: Cleanup) -> Stream:
    """Of two shards, each half of the hash keys."""
    return created(aws, cleanup, 2)


@pytest.fixture(scope="module")
def pair(aws: Aws, module_cleanup: Cleanup) -> Stream:
    """Of two shards, for cases that only write and do not reshard."""
    return created(aws, module_cleanup, 2)


def record(data: bytes, key: str = "key", **more: Any) -> dict[str, Any]:
    return {"Data": data, "PartitionKey": key, **more}


@behaviour(
    "kinesis.partition-key-is-hashed-by-md5",
    "A record goes to the shard whose range of hash keys holds the MD5 of its partition key.",
    reference("kinesis", "PutRecord", "An MD5 hash function is used to map partition keys", read=READ),
)
def test_md5(pair: Stream) -> None:
    ids = [shard["ShardId"] for shard in pair.shards()]
    for key in ("a", "b", "device-1", "é"):
        hashed = int.from_bytes(hashlib.md5(key.encode()).digest())
        assert pair.put(b"1", key)["ShardId"] == ids[hashed >= TOP // 2]


@behaviour(
    "kinesis.explicit-hash-key-overrides",
    "An explicit hash key decides the shard instead of the partition key.",
    reference("kinesis", "PutRecord", "overriding the partition key hash", read=READ),
)
def test_explicit_hash_key(pair: Stream) -> None:
    first, second = (shard["ShardId"] for shard in pair.shards())
    assert pair.put(b"1", "same", ExplicitHashKey="0")["ShardId"] == first
    assert pair.put(b"1", "same", ExplicitHashKey=str(TOP - 1))["ShardId"] == second


@behaviour(
    "kinesis.records-keep-their-order",
    "Records that are put one after another into a shard are read in that order, each key's among them.",
    reference("kinesis", "PutRecord", "Sequence numbers increase over time", read=READ),
)
def test_order(stream: Stream) -> None:
    numbers = [int(stream.put(str(i).encode(), f"key-{i % 3}")["SequenceNumber"]) for i in range(9)]
    read = stream.read(stream.iterator(), 9)
    assert [one["Data"] for one in read] == [str(i).encode() for i in range(9)]
    assert [int(one["SequenceNumber"]) for one in read] == numbers == sorted(set(numbers))


@behaviour(
    "kinesis.record-comes-back-whole",
    "A record is read with its bytes, its partition key, its sequence number and the time of its arrival.",
    reference("kinesis", "Record", "approximate time that the record was inserted", read=READ),
)
def test_whole_record(stream: Stream) -> None:
    data, put_at = bytes(range(256)), datetime.datetime.now(datetime.UTC)
    number = stream.put(data, "clé")["SequenceNumber"]
    (read,) = stream.read(stream.iterator(), 1)
    assert (read["Data"], read["PartitionKey"], read["SequenceNumber"]) == (data, "clé", number)
    assert abs(read["ApproximateArrivalTimestamp"] - put_at) < datetime.timedelta(seconds=30)


@behaviour(
    "kinesis.put-records-answers-in-order",
    "PutRecords answers one entry a record, in the order of the request.",
    reference("kinesis", "PutRecords", "always includes the same number of records", read=READ),
)
def test_put_records(pair: Stream) -> None:
    ids = [shard["ShardId"] for shard in pair.shards()]
    places = [0, 1, 1, 0, 1]
    answer = pair.put_all(*(record(b"1", ExplicitHashKey=str(TOP // 2 * place)) for place in places))
    assert answer["FailedRecordCount"] == 0
    assert [ids.index(one["ShardId"]) for one in answer["Records"]] == places
    assert all(one["SequenceNumber"].isdigit() for one in answer["Records"])


@behaviour(
    "kinesis.put-records-fails-in-part",
    "What is over a shard's megabyte a second fails alone, as ProvisionedThroughputExceededException, while"
    " the rest of a PutRecords request is stored.",
    reference("kinesis", "PutRecords", "A single record failure does not stop the processing", read=READ),
)
def test_partial_failure(stream: Stream) -> None:
    entries = [record(str(i).encode().zfill(40_000)) for i in range(60)]
    answers = [stream.put_all(*entries) for _ in range(2)]
    rows = [row for answer in answers for row in answer["Records"]]
    failed = [row for row in rows if "ErrorCode" in row]
    assert len(failed) == sum(answer["FailedRecordCount"] for answer in answers)
    assert 0 < len(failed) < len(rows), f"{len(failed)} of {len(rows)} records failed"
    assert {row["ErrorCode"] for row in failed} == {"ProvisionedThroughputExceededException"}
    assert all(row["ErrorMessage"] for row in failed)
    stored = [one["SequenceNumber"] for one in stream.read(stream.iterator(), len(rows) - len(failed))]
    assert stored == [row["SequenceNumber"] for row in rows if "SequenceNumber" in row]


@behaviour(
    "kinesis.put-record-over-the-limit-is-throttled",
    "PutRecord into a shard that had its megabyte this second is refused with"
    " ProvisionedThroughputExceededException.",
    reference("kinesis", "PutRecord", "ProvisionedThroughputExceededException", read=READ),
)
def test_put_record_throttled(stream: Stream) -> None:
    with refusing("ProvisionedThroughputExceededException", status=400):
        at_once(lambda: stream.put(b"1" * 1_000_000), 8)


@behaviour(
    "kinesis.put-records-takes-500-at-most",
    "A PutRecords request of more than 500 records is refused.",
    reference("kinesis", "PutRecords", "can support up to 500 records", read=READ),
)
def test_500(pair: Stream) -> None:
    with refusing("ValidationException", "InvalidArgumentException", status=400):
        pair.put_all(*(record(b"1") for _ in range(501)))


@behaviour(
    "kinesis.record-is-a-mebibyte-at-most",
    "A record of more than 1 MiB, its partition key counted, is refused unless the stream allows more.",
    reference("kinesis", "GetRecords", "Each data record can be up to 1 MiB in size by default", read=READ),
)
def test_record_size(pair: Stream) -> None:
    pair.put(b"1" * (2**20 - 3), "key")
    with refusing("ValidationException", "InvalidArgumentException", status=400):
        pair.put(b"1" * (2**20 - 2), "key")


@behaviour(
    "kinesis.partition-key-is-256-characters-at-most",
    "A partition key of more than 256 characters is refused.",
    reference("kinesis", "PutRecord", "a maximum length limit of 256 characters", read=READ),
)
def test_key_length(pair: Stream) -> None:
    pair.put(b"1", "é" * 256)
    with refusing("ValidationException", "InvalidArgumentException", status=400):
        pair.put(b"1", "k" * 257)


@behaviour(
    "kinesis.iterator-trim-horizon",
    "TRIM_HORIZON reads from the oldest record on.",
    reference("kinesis", "GetShardIterator", "the oldest data record in the shard", read=READ),
)
def test_trim_horizon(stream: Stream) -> None:
    for data in (b"1", b"2"):
        stream.put(data)
    assert stream.data(stream.iterator("TRIM_HORIZON"), 2) == [b"1", b"2"]


@behaviour(
    "kinesis.iterator-latest",
    "LATEST reads what is put after it only.",
    reference("kinesis", "GetShardIterator", "just after the most recent record in the shard", read=READ),
)
def test_latest(stream: Stream) -> None:
    stream.put(b"before")
    iterator = stream.iterator("LATEST")
    stream.put(b"after")
    assert stream.data(iterator, 1) == [b"after"]


@behaviour(
    "kinesis.iterator-at-sequence-number",
    "AT_SEQUENCE_NUMBER begins with the record of that number.",
    reference("kinesis", "GetShardIterator", "read exactly from the position denoted by", read=READ),
)
def test_at_sequence_number(stream: Stream) -> None:
    numbers = [stream.put(data)["SequenceNumber"] for data in (b"1", b"2", b"3")]
    iterator = stream.iterator("AT_SEQUENCE_NUMBER", StartingSequenceNumber=numbers[1])
    assert stream.data(iterator, 2) == [b"2", b"3"]


@behaviour(
    "kinesis.iterator-after-sequence-number",
    "AFTER_SEQUENCE_NUMBER begins with the record after that number.",
    reference("kinesis", "GetShardIterator", "read right after the sequence number", read=READ),
)
def test_after_sequence_number(stream: Stream) -> None:
    numbers = [stream.put(data)["SequenceNumber"] for data in (b"1", b"2", b"3")]
    iterator = stream.iterator("AFTER_SEQUENCE_NUMBER", StartingSequenceNumber=numbers[1])
    assert stream.data(iterator, 1) == [b"3"]


@behaviour(
    "kinesis.iterator-at-timestamp",
    "AT_TIMESTAMP begins with the first record at or after that time.",
    reference(
        "kinesis", "GetShardIterator", "the iterator returned is for the next (later) record", read=READ
    ),
)
def test_at_timestamp(stream: Stream) -> None:
    stream.put(b"1")
    (first,) = stream.read(stream.iterator(), 1)
    time.sleep(2.2)  # the time is wall time, and some keep it in whole seconds
    stream.put(b"2")
    later = first["ApproximateArrivalTimestamp"] + datetime.timedelta(seconds=1.1)
    assert stream.data(stream.iterator("AT_TIMESTAMP", Timestamp=later), 1) == [b"2"]


@behaviour(
    "kinesis.iterator-at-a-time-before-all",
    "AT_TIMESTAMP of a time before the oldest record reads from the oldest on.",
    reference("kinesis", "GetShardIterator", "older than the current trim horizon", read=READ),
)
def test_at_old_timestamp(stream: Stream) -> None:
    stream.put(b"1")
    old = datetime.datetime.now(datetime.UTC) - datetime.timedelta(hours=1)
    assert stream.data(stream.iterator("AT_TIMESTAMP", Timestamp=old), 1) == [b"1"]


@behaviour(
    "kinesis.limit-pages-through-a-shard",
    "GetRecords returns no more records than its Limit, and NextShardIterator goes on behind them.",
    reference("kinesis", "GetRecords", "The maximum number of records to return", read=READ),
)
def test_limit(stream: Stream) -> None:
    stream.put_all(*(record(str(i).encode()) for i in range(5)))
    page = stream.kinesis.get_records(ShardIterator=stream.iterator(), Limit=2)
    assert [one["Data"] for one in page["Records"]] == [b"0", b"1"]
    assert stream.data(page["NextShardIterator"], 3) == [b"2", b"3", b"4"]


@behaviour(
    "kinesis.limit-over-10000-is-refused",
    "GetRecords with a Limit over 10,000 is refused with InvalidArgumentException.",
    reference(
        "kinesis", "GetRecords", "greater than 10,000, GetRecords throws InvalidArgumentException", read=READ
    ),
)
def test_limit_too_high(pair: Stream) -> None:
    iterator = pair.iterator()
    with refusing("InvalidArgumentException", "ValidationException", status=400):
        pair.kinesis.get_records(ShardIterator=iterator, Limit=10_001)


@behaviour(
    "kinesis.empty-read-goes-on",
    "A read at the tip returns no records, zero milliseconds behind, and an iterator to go on with.",
    reference("kinesis", "GetRecords", "GetRecords returns an empty list", read=READ),
)
def test_empty_read(stream: Stream) -> None:
    answer = stream.kinesis.get_records(ShardIterator=stream.iterator("LATEST"))
    assert (answer["Records"], answer["MillisBehindLatest"]) == ([], 0)
    stream.put(b"1")
    assert stream.data(answer["NextShardIterator"], 1) == [b"1"]


@behaviour(
    "kinesis.shard-is-read-five-times-a-second",
    "More than five GetRecords calls a second on one shard are refused with"
    " ProvisionedThroughputExceededException.",
    reference("kinesis", "GetRecords", "a limit of five transactions per second per shard", read=READ),
)
def test_read_limit(stream: Stream) -> None:
    iterator = stream.iterator()
    with refusing("ProvisionedThroughputExceededException", status=400):
        at_once(lambda: stream.kinesis.get_records(ShardIterator=iterator), 10)


@behaviour(
    "kinesis.spoilt-iterator-is-refused",
    "An iterator that Kinesis never gave is refused with InvalidArgumentException.",
    reference("kinesis", "GetRecords", "A specified parameter exceeds its restrictions", read=READ),
)
def test_spoilt_iterator(stream: Stream) -> None:
    with refusing("InvalidArgumentException", status=400):
        stream.kinesis.get_records(ShardIterator="AAAAAAAAAAE" + "A" * 64)


@behaviour(
    "kinesis.stream-by-its-arn",
    "A stream is written and read by its ARN as by its name.",
    reference("kinesis", "PutRecord", "you must use either the StreamARN or the StreamName", read=READ),
)
def test_by_arn(stream: Stream) -> None:
    arn, kinesis = stream.describe()["StreamARN"], stream.kinesis
    shard = kinesis.put_record(StreamARN=arn, Data=b"1", PartitionKey="key")["ShardId"]
    asked = {"StreamARN": arn, "ShardId": shard, "ShardIteratorType": "TRIM_HORIZON"}
    iterator = kinesis.get_shard_iterator(**asked)["ShardIterator"]
    read = kinesis.get_records(ShardIterator=iterator, StreamARN=arn)["Records"]
    assert [one["Data"] for one in read] == [b"1"]


@behaviour(
    "kinesis.no-such-stream",
    "A stream that does not exist is ResourceNotFoundException, which names it.",
    reference("kinesis", "PutRecord", "The requested resource could not be found", read=READ),
)
def test_no_such_stream(aws: Aws) -> None:
    missing = Stream(aws.client("kinesis"), aws.name("missing"))
    with refusing("ResourceNotFoundException", saying=missing.name, status=400):
        missing.put(b"1")
    with refusing("ResourceNotFoundException", saying=missing.name, status=400):
        missing.describe()


@behaviour(
    "kinesis.stream-names-are-unique",
    "Creating a stream whose name is taken is refused with ResourceInUseException.",
    reference("kinesis", "CreateStream", "The resource is not available for this operation", read=READ),
)
def test_create_twice(pair: Stream) -> None:
    with refusing("ResourceInUseException", saying=pair.name, status=400):
        pair.kinesis.create_stream(StreamName=pair.name, ShardCount=1)


@behaviour(
    "kinesis.deleted-stream-is-gone",
    "A deleted stream goes through DELETING and is not found afterwards.",
    reference("kinesis", "DeleteStream", "it receives the exception ResourceNotFoundException", read=READ),
)
def test_delete(stream: Stream) -> None:
    stream.kinesis.delete_stream(StreamName=stream.name)

    def gone() -> bool:
        try:
            return stream.describe()["StreamStatus"] != "DELETING"
        except stream.kinesis.exceptions.ResourceNotFoundException:
            return True

    until(gone, f"{stream.name} is gone")
    with refusing("ResourceNotFoundException", status=400):
        stream.put(b"1")


@behaviour(
    "kinesis.split-closes-the-parent",
    "Splitting a shard gives two children that share its range of hash keys at the given key and name it as"
    " their parent, and closes it with an ending sequence number.",
    reference("kinesis", "SplitShard", "are distributed to one of the child shards", read=READ),
)
def test_split(stream: Stream) -> None:
    parent = stream.shards()[0]["ShardId"]
    stream.kinesis.split_shard(StreamName=stream.name, ShardToSplit=parent, NewStartingHashKey=HALF)
    old, low, high = stream.active().shards()
    assert "EndingSequenceNumber" in old["SequenceNumberRange"]
    assert [low["ParentShardId"], high["ParentShardId"]] == [parent, parent]
    assert low["HashKeyRange"] == {"StartingHashKey": "0", "EndingHashKey": str(2**127 - 1)}
    assert high["HashKeyRange"] == {"StartingHashKey": HALF, "EndingHashKey": str(TOP - 1)}
    assert all("EndingSequenceNumber" not in shard["SequenceNumberRange"] for shard in (low, high))


@behaviour(
    "kinesis.split-routes-to-the-children",
    "After a split new records go to the children, and those put before it stay in the parent.",
    documented(
        "Kinesis Data Streams Developer Guide, Complete the resharding action",
        "streams/latest/dev/kinesis-using-sdk-java-after-resharding.html",
        read=READ,
    ),
)
def test_split_routes(stream: Stream) -> None:
    before = stream.put(b"before")["ShardId"]
    stream.kinesis.split_shard(StreamName=stream.name, ShardToSplit=before, NewStartingHashKey=HALF)
    stream.active()
    low = stream.put(b"low", ExplicitHashKey="1")["ShardId"]
    high = stream.put(b"high", ExplicitHashKey=HALF)["ShardId"]
    assert len({before, low, high}) == 3
    assert stream.data(stream.iterator(shard=before), 1) == [b"before"]
    assert stream.data(stream.iterator(shard=low), 1) == [b"low"]


@behaviour(
    "kinesis.closed-shard-ends",
    "At the end of a closed shard there is no NextShardIterator, and its children are told.",
    reference("kinesis", "GetRecords", "GetRecords returns null in NextShardIterator", read=READ),
)
def test_closed_shard_ends(stream: Stream) -> None:
    parent = stream.put(b"1")["ShardId"]
    stream.kinesis.split_shard(StreamName=stream.name, ShardToSplit=parent, NewStartingHashKey=HALF)
    stream.active()
    answer: dict[str, Any] = {"NextShardIterator": stream.iterator(shard=parent)}
    data: list[bytes] = []
    for _ in range(4):
        answer = stream.kinesis.get_records(ShardIterator=answer["NextShardIterator"])
        data += [one["Data"] for one in answer["Records"]]
        if not answer.get("NextShardIterator"):
            break
    assert data == [b"1"]
    assert not answer.get("NextShardIterator"), "the closed shard has no end"
    told = {child["ShardId"] for child in answer.get("ChildShards", [])}
    assert told == {shard["ShardId"] for shard in stream.shards() if shard.get("ParentShardId") == parent}


@behaviour(
    "kinesis.merge-joins-adjacent-shards",
    "Merging two adjacent shards gives one that has both ranges of hash keys and names both as parents.",
    reference(
        "kinesis", "MergeShards", "the single child shard receives data for all hash key values", read=READ
    ),
)
def test_merge(two: Stream) -> None:
    low, high = (shard["ShardId"] for shard in two.shards())
    two.kinesis.merge_shards(StreamName=two.name, ShardToMerge=low, AdjacentShardToMerge=high)
    *_, child = two.active().shards()
    assert {child["ParentShardId"], child["AdjacentParentShardId"]} == {low, high}
    assert child["HashKeyRange"] == {"StartingHashKey": "0", "EndingHashKey": str(TOP - 1)}
    assert two.put(b"1")["ShardId"] == child["ShardId"]


@behaviour(
    "kinesis.merge-needs-adjacent-shards",
    "Merging shards whose ranges of hash keys do not touch is refused with InvalidArgumentException.",
    reference("kinesis", "MergeShards", "form a contiguous set with no gaps", read=READ),
)
def test_merge_needs_neighbours(aws: Aws, cleanup: Cleanup) -> None:
    three = created(aws, cleanup, 3)
    first, _, third = (shard["ShardId"] for shard in three.shards())
    with refusing("InvalidArgumentException", "ValidationException", status=400):
        three.kinesis.merge_shards(StreamName=three.name, ShardToMerge=first, AdjacentShardToMerge=third)


@behaviour(
    "kinesis.only-open-shards-at-latest",
    "ListShards with the filter AT_LATEST lists the open shards only.",
    reference("kinesis", "ShardFilter", "includes only the currently open shards", read=READ),
)
def test_open_shards(stream: Stream) -> None:
    parent = stream.shards()[0]["ShardId"]
    stream.kinesis.split_shard(StreamName=stream.name, ShardToSplit=parent, NewStartingHashKey=HALF)
    stream.active()
    listed = stream.kinesis.list_shards(StreamName=stream.name, ShardFilter={"Type": "AT_LATEST"})["Shards"]
    assert len(listed) == 2
    assert {shard["ParentShardId"] for shard in listed} == {parent}


@behaviour(
    "kinesis.shard-count-doubles-at-most",
    "UpdateShardCount to twice the shards is done; to more than twice it is refused.",
    reference(
        "kinesis", "UpdateShardCount", "Scale up to more than double your current shard count", read=READ
    ),
)
def test_update_shard_count(two: Stream) -> None:
    target = {"StreamName": two.name, "ScalingType": "UNIFORM_SCALING"}
    with refusing("InvalidArgumentException", "LimitExceededException", "ValidationException", status=400):
        two.kinesis.update_shard_count(**target, TargetShardCount=5)
    two.kinesis.update_shard_count(**target, TargetShardCount=4)
    two.active()
    summary = two.kinesis.describe_stream_summary(StreamName=two.name)["StreamDescriptionSummary"]
    assert summary["OpenShardCount"] == 4


@behaviour(
    "kinesis.shards-are-listed-in-pages",
    "ListShards returns MaxResults shards and a NextToken, which alone asks for the rest.",
    reference(
        "kinesis",
        "ListShards",
        "Don't specify StreamName or StreamCreationTimestamp if you specify",
        read=READ,
    ),
)
def test_list_in_pages(pair: Stream) -> None:
    page = pair.kinesis.list_shards(StreamName=pair.name, MaxResults=1)
    rest = pair.kinesis.list_shards(NextToken=page["NextToken"])
    assert [shard["ShardId"] for shard in page["Shards"] + rest["Shards"]] == [
        shard["ShardId"] for shard in pair.shards()
    ]
    assert "NextToken" not in rest


@behaviour(
    "kinesis.reads-tell-how-far-behind-they-are",
    "A read that leaves records unread tells how many milliseconds it is behind; at the tip it is none.",
    reference("kinesis", "GetRecords", "how far behind current time the consumer is", read=READ),
)
def test_behind(stream: Stream) -> None:
    stream.put(b"1")
    time.sleep(1.1)  # the records' own clock
    stream.put(b"2")
    first = stream.kinesis.get_records(ShardIterator=stream.iterator(), Limit=1)
    rest = stream.kinesis.get_records(ShardIterator=first["NextShardIterator"])
    assert first["MillisBehindLatest"] > 0
    assert ([one["Data"] for one in rest["Records"]], rest["MillisBehindLatest"]) == ([b"2"], 0)


@behaviour(
    "kinesis.names-are-checked",
    "A stream's name of other signs than letters, digits, dots, hyphens and underscores is refused.",
    reference("kinesis", "CreateStream", "A name to identify the stream", read=READ),
)
def test_names(aws: Aws) -> None:
    for name in ("no spaces", "no/slashes", "x" * 129):
        with refusing("ValidationException", "InvalidArgumentException", status=400):
            aws.client("kinesis").create_stream(StreamName=name, ShardCount=1)


@behaviour(
    "kinesis.retention-is-a-day-at-first",
    "Records are kept for 24 hours unless the stream says otherwise, and no shorter.",
    reference("kinesis", "PutRecord", "accessible for 24 hours from the time", read=READ),
)
def test_retention(stream: Stream) -> None:
    assert stream.describe()["RetentionPeriodHours"] == 24
    stream.kinesis.increase_stream_retention_period(StreamName=stream.name, RetentionPeriodHours=48)
    until(lambda: stream.describe()["RetentionPeriodHours"] == 48, "48 hours are kept")
    with refusing("InvalidArgumentException", "ValidationException", status=400):
        stream.kinesis.decrease_stream_retention_period(StreamName=stream.name, RetentionPeriodHours=23)


@behaviour(
    "kinesis.on-demand-stream-begins-with-four-shards",
    "A stream on demand is made with four shards.",
    documented(
        "Kinesis Data Streams Developer Guide, Choose the right mode in Kinesis Data Streams",
        "streams/latest/dev/how-do-i-size-a-stream.html",
        read=READ,
    ),
)
def test_on_demand(aws: Aws, cleanup: Cleanup) -> None:
    stream = Stream(aws.client("kinesis"), aws.name("on-demand"))
    stream.kinesis.create_stream(StreamName=stream.name, StreamModeDetails={"StreamMode": "ON_DEMAND"})
    cleanup.add(stream.kinesis.delete_stream, StreamName=stream.name)
    assert len(stream.active().shards()) == 4
    assert stream.describe()["StreamModeDetails"] == {"StreamMode": "ON_DEMAND"}


@behaviour(
    "kinesis.sequence-numbers-are-of-one-shard",
    "The sequence numbers of a shard lie in its range: none is below its starting sequence number.",
    reference("kinesis", "SequenceNumberRange", "The starting sequence number for the range", read=READ),
)
def test_sequence_numbers_in_range(pair: Stream) -> None:
    for shard in pair.shards():
        start = shard["SequenceNumberRange"]["StartingSequenceNumber"]
        number = pair.put(b"1", ExplicitHashKey=shard["HashKeyRange"]["StartingHashKey"])["SequenceNumber"]
        assert int(number) >= int(start)
