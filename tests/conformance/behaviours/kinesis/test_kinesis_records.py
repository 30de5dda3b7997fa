"""Kinesis Data Streams: order, sequence numbers, iterators, partial failure, limits."""

from __future__ import annotations

import datetime
import hashlib
import time

from tests.conformance.behaviours.kinesis.streams import READ, TOP, Stream, record
from tests.conformance.catalogue import behaviour, reference
from tests.conformance.kit import at_once, refusing


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
        at_once(lambda: stream.kinesis.get_records(ShardIterator=iterator), 25)


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
