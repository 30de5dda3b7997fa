from __future__ import annotations

import base64
import hashlib
from typing import Any

import pytest

from harness.emulator.services.kinesis.shards import HASH_KEYS

HALF = HASH_KEYS // 2
DAY_S = 86_400


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def test_a_record_comes_back_as_it_was_put(kinesis: Any) -> None:
    kinesis.create()
    kinesis.advance(0.25)
    put = kinesis.put('klü"ss\\el\n', b64(b"\x00\xffdata"))
    answer = kinesis.read(kinesis.iterator())
    assert answer["Records"] == [
        {
            "SequenceNumber": put["SequenceNumber"],
            "ApproximateArrivalTimestamp": kinesis.now_s,
            "Data": b64(b"\x00\xffdata"),
            "PartitionKey": 'klü"ss\\el\n',
        }
    ]
    assert answer["MillisBehindLatest"] == 0


def test_the_md5_of_the_partition_key_chooses_the_shard(kinesis: Any) -> None:
    kinesis.create(shards=4)
    for i in range(50):
        key = f"device-{i}"
        quarter = hashlib.md5(key.encode()).digest()[0] >> 6
        assert kinesis.put(key)["ShardId"] == f"shardId-{quarter:012d}"


@pytest.mark.parametrize(("hash_key", "shard"), [(0, 0), (HALF - 1, 0), (HALF, 1), (HASH_KEYS - 1, 1)])
def test_an_explicit_hash_key_overrides_it(kinesis: Any, hash_key: int, shard: int) -> None:
    kinesis.create(shards=2)
    assert kinesis.put(ExplicitHashKey=str(hash_key))["ShardId"] == f"shardId-{shard:012d}"
    records = [{"PartitionKey": "k", "Data": "", "ExplicitHashKey": str(hash_key)}]
    entry = kinesis("PutRecords", StreamName="events", Records=records)["Records"][0]
    assert entry["ShardId"] == f"shardId-{shard:012d}"


def test_an_explicit_hash_key_has_128_bits(kinesis: Any) -> None:
    kinesis.create()
    members = {"StreamName": "events", "PartitionKey": "k", "Data": "", "ExplicitHashKey": str(HASH_KEYS)}
    error = kinesis.fails("PutRecord", **members)
    assert (error.code, error.message) == (
        "InvalidArgumentException",
        "Invalid ExplicitHashKey. ExplicitHashKey must be in the range: [0, 2^128-1]. "
        f"Specified value was {HASH_KEYS}",
    )


def test_sequence_numbers_increase_within_a_second(kinesis: Any) -> None:
    kinesis.create()
    numbers = [kinesis.put()["SequenceNumber"] for _ in range(5)]
    kinesis.now_s -= 100  # a clock set back does not disorder a shard
    numbers.append(kinesis.put()["SequenceNumber"])
    assert numbers == sorted(set(numbers))
    arrivals = [r["ApproximateArrivalTimestamp"] for r in kinesis.read(kinesis.iterator())["Records"]]
    assert arrivals == sorted(arrivals)


def test_a_sequence_number_for_ordering_must_have_been_given(kinesis: Any) -> None:
    kinesis.create()
    first = kinesis.put()["SequenceNumber"]
    assert int(kinesis.put(SequenceNumberForOrdering=first)["SequenceNumber"]) > int(first)
    for wrong in ("0", str(int(first) + (1000 << 36))):  # of no present form; of the future
        members = {"PartitionKey": "k", "Data": "", "SequenceNumberForOrdering": wrong}
        error = kinesis.fails("PutRecord", StreamName="events", **members)
        assert (error.code, error.message) == (
            "InvalidArgumentException",
            f"ExclusiveMinimumSequenceNumber {wrong} used in PutRecord on stream events under account "
            "123456789012 is invalid.",
        )


def test_a_record_may_be_a_mebibyte_with_its_key(kinesis: Any) -> None:
    kinesis.create()
    kinesis.put("k", b64(bytes(2**20 - 1)))
    too_much = {"PartitionKey": "k", "Data": b64(bytes(2**20))}
    said = (
        "1 validation error detected: Value 'java.nio.HeapByteBuffer[pos=0 lim=1048576 cap=1048576]' at "
        "'{}' failed to satisfy constraint: Member must have length less than or equal to 1048576"
    )
    error = kinesis.fails("PutRecord", StreamName="events", **too_much)
    assert (error.code, error.message) == ("ValidationException", said.format("data"))
    records = [{"PartitionKey": "k", "Data": ""}, too_much]
    error = kinesis.fails("PutRecords", StreamName="events", Records=records)
    assert error.message == said.format("records.2.member.data")
    assert len(kinesis.read(kinesis.iterator())["Records"]) == 1


def test_put_records_takes_up_to_10_mib(kinesis: Any) -> None:
    kinesis.create()
    mebibyte = {"PartitionKey": "k", "Data": b64(bytes(2**20 - 1))}
    assert kinesis("PutRecords", StreamName="events", Records=[mebibyte] * 10)["FailedRecordCount"] == 0
    error = kinesis.fails(
        "PutRecords", StreamName="events", Records=[mebibyte] * 10 + [{**mebibyte, "Data": ""}]
    )
    assert (error.code, error.message) == ("InvalidArgumentException", "Records size exceeds 10 MB limit")


def test_put_records_keeps_its_order_within_a_shard(kinesis: Any) -> None:
    kinesis.create(shards=2)
    records = [{"PartitionKey": f"k{i % 7}", "Data": b64(b"%d" % i)} for i in range(100)]
    answer = kinesis("PutRecords", StreamName="events", Records=records)
    assert answer["FailedRecordCount"] == 0
    for shard in ("shardId-000000000000", "shardId-000000000001"):
        sent = [
            (record["Data"], entry["SequenceNumber"])
            for record, entry in zip(records, answer["Records"], strict=True)
            if entry["ShardId"] == shard
        ]
        read = kinesis.read(kinesis.iterator(shard))["Records"]
        assert [(record["Data"], record["SequenceNumber"]) for record in read] == sent


def test_all_iterator_types(kinesis: Any) -> None:
    kinesis.create()
    numbers, times = [], []
    for i in range(4):
        kinesis.advance(1)
        times.append(kinesis.now_s)
        numbers.append(kinesis.put(data=b64(b"%d" % i))["SequenceNumber"])
    starting = kinesis.shards()[0]["SequenceNumberRange"]["StartingSequenceNumber"]

    def read(kind: str, **members: Any) -> str:
        answer = kinesis.read(kinesis.iterator("shardId-0", kind, **members))
        return b"".join(base64.b64decode(record["Data"]) for record in answer["Records"]).decode()

    assert read("TRIM_HORIZON") == "0123"
    assert read("LATEST") == ""
    assert read("AT_SEQUENCE_NUMBER", StartingSequenceNumber=numbers[1]) == "123"
    assert read("AFTER_SEQUENCE_NUMBER", StartingSequenceNumber=numbers[1]) == "23"
    assert read("AT_SEQUENCE_NUMBER", StartingSequenceNumber=starting) == "0123"
    assert read("AFTER_SEQUENCE_NUMBER", StartingSequenceNumber=numbers[3]) == ""
    assert read("AT_TIMESTAMP", Timestamp=times[2]) == "23"
    assert read("AT_TIMESTAMP", Timestamp=times[2] - 0.001) == "23"
    assert read("AT_TIMESTAMP", Timestamp=times[2] + 0.001) == "3"
    assert read("AT_TIMESTAMP", Timestamp=0) == "0123"


def test_a_latest_iterator_gives_what_comes_after_it(kinesis: Any) -> None:
    kinesis.create()
    kinesis.put(data=b64(b"before"))
    iterator = kinesis.iterator("shardId-0", "LATEST")
    kinesis.put(data=b64(b"after"))
    answer = kinesis.read(iterator)
    assert [record["Data"] for record in answer["Records"]] == [b64(b"after")]
    assert kinesis.read(answer["NextShardIterator"])["Records"] == []


@pytest.mark.parametrize(
    ("members", "code", "said"),
    [
        (
            {"ShardIteratorType": "AT_SEQUENCE_NUMBER"},
            "InvalidArgumentException",
            "Must either specify (1) AT_SEQUENCE_NUMBER or AFTER_SEQUENCE_NUMBER and StartingSequenceNumber "
            "or (2) TRIM_HORIZON or LATEST and no StartingSequenceNumber. "
            "Request specified AT_SEQUENCE_NUMBER and no StartingSequenceNumber.",
        ),
        (
            {"ShardIteratorType": "LATEST", "StartingSequenceNumber": "5"},
            "InvalidArgumentException",
            "Must either specify (1) AT_SEQUENCE_NUMBER or AFTER_SEQUENCE_NUMBER and StartingSequenceNumber "
            "or (2) TRIM_HORIZON or LATEST and no StartingSequenceNumber. "
            "Request specified LATEST and also a StartingSequenceNumber.",
        ),
        (
            {"ShardIteratorType": "AT_SEQUENCE_NUMBER", "StartingSequenceNumber": "5"},
            "InvalidArgumentException",
            "StartingSequenceNumber 5 used in GetShardIterator on shard shardId-000000000000 in stream "
            "events under account 123456789012 is invalid.",
        ),
        (
            {"ShardIteratorType": "AT_TIMESTAMP"},
            "InvalidArgumentException",
            "Must specify timestampInMillis parameter for iterator of type AT_TIMESTAMP.",
        ),
        (
            {"ShardIteratorType": "AT_TIMESTAMP", "Timestamp": 1_700_000_002},
            "InvalidArgumentException",
            "The timestampInMillis parameter cannot be greater than the currentTimestampInMillis. "
            "timestampInMillis: 1700000002000, currentTimestampInMillis: 1700000001000",
        ),
        (
            {"ShardIteratorType": "LATEST", "Timestamp": 1},
            "InvalidArgumentException",
            "Timestamp must not be given for the iterator type LATEST.",
        ),
        (
            {"ShardIteratorType": "LATEST", "ShardId": "shardId-5"},
            "ResourceNotFoundException",
            "Shard shardId-000000000005 in stream events under account 123456789012 does not exist",
        ),
        (
            {"ShardIteratorType": "LATEST", "ShardId": "2.14E4"},
            "ResourceNotFoundException",
            "Could not find shard 2.14E4 in stream events under account 123456789012.",
        ),
        (
            {"ShardIteratorType": "LATEST", "StreamName": "other"},
            "ResourceNotFoundException",
            "Stream other under account 123456789012 not found.",
        ),
    ],
)
def test_wrong_iterators(kinesis: Any, members: dict[str, Any], code: str, said: str) -> None:
    kinesis.create()
    members = {"StreamName": "events", "ShardId": "shardId-0", **members}
    error = kinesis.fails("GetShardIterator", **members)
    assert (error.code, error.message) == (code, said)


def test_a_sequence_number_belongs_to_its_shard(kinesis: Any) -> None:
    kinesis.create(shards=2)
    number = kinesis.put(ExplicitHashKey="0")["SequenceNumber"]
    ask = {"StreamName": "events", "ShardIteratorType": "AT_SEQUENCE_NUMBER"}
    error = kinesis.fails("GetShardIterator", ShardId="shardId-1", StartingSequenceNumber=number, **ask)
    assert error.message == (
        "Invalid StartingSequenceNumber. It encodes shardId-000000000000, while it was used in a call to a "
        "shard with shardId-000000000001"
    )
    kinesis("DeleteStream", StreamName="events")
    kinesis.advance(1)
    kinesis.create(shards=2)
    error = kinesis.fails("GetShardIterator", ShardId="shardId-0", StartingSequenceNumber=number, **ask)
    assert error.message.endswith("is invalid because it did not come from this stream.")


def test_records_are_read_in_limits(kinesis: Any) -> None:
    kinesis.create()
    for i in range(5):
        kinesis.put(data=b64(b"%d" % i))
        kinesis.advance(1)
    first = kinesis.read(kinesis.iterator(), Limit=2)
    assert [record["Data"] for record in first["Records"]] == [b64(b"0"), b64(b"1")]
    assert first["MillisBehindLatest"] == 3000  # the third record came 3 s ago
    rest = kinesis.read(first["NextShardIterator"])
    assert len(rest["Records"]) == 3
    assert rest["MillisBehindLatest"] == 0


def test_an_answer_holds_at_most_10_mib(kinesis: Any) -> None:
    kinesis.create()
    for _ in range(11):
        kinesis.put("k", b64(bytes(2**20 - 1)))
    first = kinesis.read(kinesis.iterator())
    assert len(first["Records"]) == 10
    assert len(kinesis.read(first["NextShardIterator"])["Records"]) == 1


def test_the_end_of_a_closed_shard_names_its_children(kinesis: Any) -> None:
    kinesis.create()
    kinesis.put()
    kinesis("SplitShard", StreamName="events", ShardToSplit="shardId-0", NewStartingHashKey=str(HALF))
    kinesis.advance(1)
    answer = kinesis.read(kinesis.iterator())
    assert len(answer["Records"]) == 1
    assert answer["NextShardIterator"] is None
    assert answer["ChildShards"] == [
        {
            "ShardId": "shardId-000000000001",
            "ParentShards": ["shardId-000000000000"],
            "HashKeyRange": {"StartingHashKey": "0", "EndingHashKey": str(HALF - 1)},
        },
        {
            "ShardId": "shardId-000000000002",
            "ParentShards": ["shardId-000000000000"],
            "HashKeyRange": {"StartingHashKey": str(HALF), "EndingHashKey": str(HASH_KEYS - 1)},
        },
    ]
    ending = kinesis.shards()[0]["SequenceNumberRange"]["EndingSequenceNumber"]
    after = kinesis.iterator("shardId-0", "AFTER_SEQUENCE_NUMBER", StartingSequenceNumber=ending)
    assert kinesis.read(after)["NextShardIterator"] is None


def test_an_iterator_lives_five_minutes(kinesis: Any) -> None:
    kinesis.create()
    iterator = kinesis.iterator()
    kinesis.advance(300)
    kinesis.read(iterator)
    kinesis.advance(1)
    error = kinesis.fails("GetRecords", ShardIterator=iterator)
    assert (error.code, error.message) == (
        "ExpiredIteratorException",
        "Iterator expired. The iterator was created at time Tue Nov 14 22:13:21 UTC 2023 while right now it "
        "is Tue Nov 14 22:18:22 UTC 2023 which is further in the future than the tolerated delay of 300000 "
        "milliseconds.",
    )


def test_an_iterator_is_signed(kinesis: Any, tmp_path: Any) -> None:
    kinesis.create()
    iterator = kinesis.iterator()
    raw = base64.b64decode(iterator)
    forged = [b64(raw[:i] + bytes([raw[i] ^ 1]) + raw[i + 1 :]) for i in range(8, len(raw), 7)]
    other_kind = kinesis("ListShards", StreamName="events", MaxResults=1).get("NextToken", "AAAA")
    for wrong in ("x", "not base64!", iterator[:-4], other_kind, *forged):
        error = kinesis.fails("GetRecords", ShardIterator=wrong)
        assert (error.code, error.message) == ("InvalidArgumentException", "Invalid ShardIterator.")


def test_an_iterator_of_a_deleted_stream_finds_no_shard(kinesis: Any) -> None:
    kinesis.create()
    iterator = kinesis.iterator()
    kinesis("DeleteStream", StreamName="events")
    kinesis.advance(1)
    error = kinesis.fails("GetRecords", ShardIterator=iterator)
    assert (error.code, error.message) == (
        "ResourceNotFoundException",
        "Shard shardId-000000000000 in stream events under account 123456789012 does not exist",
    )


def test_an_iterator_belongs_to_its_stream(kinesis: Any) -> None:
    kinesis.create()
    iterator = kinesis.iterator()
    arn = "arn:aws:kinesis:us-east-1:123456789012:stream/"
    kinesis.read(iterator, StreamARN=f"{arn}events")
    error = kinesis.fails("GetRecords", ShardIterator=iterator, StreamARN=f"{arn}other")
    assert error.message == "Invalid ShardIterator."
    kinesis.context.account_id = "999999999999"
    assert kinesis.fails("GetRecords", ShardIterator=iterator).message == "Invalid ShardIterator."


def test_records_expire_one_by_one(kinesis: Any) -> None:
    kinesis.create()
    for i in range(3):
        kinesis.put(data=b64(b"%d" % i))
        kinesis.advance(10)
    kinesis.advance(DAY_S - 30)
    assert len(kinesis.read(kinesis.iterator())["Records"]) == 3
    kinesis.advance(1)
    answer = kinesis.read(kinesis.iterator())
    assert [record["Data"] for record in answer["Records"]] == [b64(b"1"), b64(b"2")]
    kinesis.housekeep()
    assert kinesis.gauge("retained_records") == 2
    assert kinesis.gauge("retained_bytes") == 4
    kinesis.advance(60)
    kinesis.housekeep()
    assert kinesis.gauge("retained_records") == 0
    assert kinesis.gauge("retained_bytes") == 0


def test_a_longer_retention_brings_nothing_back_and_a_shorter_one_trims(kinesis: Any) -> None:
    kinesis.create()
    kinesis.put(data=b64(b"old"))
    kinesis.advance(DAY_S + 1)
    kinesis("IncreaseStreamRetentionPeriod", StreamName="events", RetentionPeriodHours=48)
    assert kinesis.read(kinesis.iterator())["Records"] == []
    kinesis.put(data=b64(b"new"))
    kinesis.advance(DAY_S + 1)
    assert len(kinesis.read(kinesis.iterator())["Records"]) == 1
    kinesis("DecreaseStreamRetentionPeriod", StreamName="events", RetentionPeriodHours=24)
    assert kinesis.read(kinesis.iterator())["Records"] == []
