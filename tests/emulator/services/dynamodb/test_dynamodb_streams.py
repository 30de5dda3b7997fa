from __future__ import annotations

import base64
from typing import Any

import orjson
import pytest

from harness.aws.limits.profiles import ESTABLISHED
from harness.emulator.services.base import AwsError, CallContext
from harness.emulator.services.dynamodb import DynamoDbService
from harness.emulator.services.dynamodb.streams.capture import RECORD_OVERHEAD_BYTES
from harness.measure.meters import Meters
from tests.emulator.services.coroutines import run


def s(text: str) -> dict[str, str]:
    return {"S": text}


def create(db: Any, view_type: str = "NEW_AND_OLD_IMAGES", name: str = "things") -> str:
    stream = {"StreamEnabled": True, "StreamViewType": view_type}
    described: str = db.create(name, StreamSpecification=stream)["LatestStreamArn"]
    return described


def shards(db: Any, stream: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = db.read_streams("DescribeStream", StreamArn=stream)["StreamDescription"][
        "Shards"
    ]
    return found


def iterator(db: Any, stream: str, shard: str, kind: str = "TRIM_HORIZON", **members: Any) -> Any:
    return db.read_streams(
        "GetShardIterator", StreamArn=stream, ShardId=shard, ShardIteratorType=kind, **members
    )["ShardIterator"]


def read(db: Any, stream: str) -> list[dict[str, Any]]:
    """All records of all shards, in the order of their sequence numbers."""
    records = []
    for shard in shards(db, stream):
        position = iterator(db, stream, shard["ShardId"])
        records += db.read_streams("GetRecords", ShardIterator=position)["Records"]
    return sorted(records, key=lambda record: int(record["dynamodb"]["SequenceNumber"]))


def home_of(db: Any, stream: str) -> str:
    """The first shard that has records."""
    return next(
        shard["ShardId"]
        for shard in shards(db, stream)
        if db.read_streams("GetRecords", ShardIterator=iterator(db, stream, shard["ShardId"]))["Records"]
    )


def refused(db: Any, operation: str, **members: Any) -> AwsError:
    with pytest.raises(AwsError) as caught:
        db.read_streams(operation, **members)
    return caught.value


def test_every_change_is_told_with_its_images(db: Any) -> None:
    stream = create(db)
    db.put({"id": s("a"), "v": s("1")})
    db("UpdateItem", TableName="things", Key={"id": s("a")}, UpdateExpression="REMOVE v")
    db("DeleteItem", TableName="things", Key={"id": s("a")})
    records = read(db, stream)
    assert [record["eventName"] for record in records] == ["INSERT", "MODIFY", "REMOVE"]
    with_v, without_v = {"id": s("a"), "v": s("1")}, {"id": s("a")}
    images = [(r["dynamodb"].get("OldImage"), r["dynamodb"].get("NewImage")) for r in records]
    assert images == [(None, with_v), (with_v, without_v), (without_v, None)]
    assert records[0] == {
        "eventID": records[0]["eventID"],
        "eventName": "INSERT",
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": "us-east-1",
        "dynamodb": {
            "ApproximateCreationDateTime": 1_700_000_000,
            "Keys": {"id": s("a")},
            "NewImage": with_v,
            "SequenceNumber": "100000000000000000001",
            "SizeBytes": 3 + 5,
            "StreamViewType": "NEW_AND_OLD_IMAGES",
        },
    }
    assert len({record["eventID"] for record in records}) == 3


@pytest.mark.parametrize(
    ("view_type", "members"),
    [("NEW_IMAGE", {"NewImage"}), ("OLD_IMAGE", {"OldImage"}), ("KEYS_ONLY", set())],
)
def test_a_stream_holds_the_images_of_its_view_type(db: Any, view_type: str, members: set[str]) -> None:
    stream = create(db, view_type)
    db.put({"id": s("a"), "v": s("1")})
    db.put({"id": s("a"), "v": s("2")})
    assert read(db, stream)[1]["dynamodb"].keys() & {"NewImage", "OldImage"} == members


def test_a_write_that_changes_nothing_is_not_told(db: Any) -> None:
    stream = create(db)
    db.put({"id": s("a"), "v": s("1"), "w": s("2")})
    db.put({"id": s("a"), "v": s("1"), "w": s("2")})
    db.put({"id": s("a"), "w": s("2"), "v": s("1")})
    db("DeleteItem", TableName="things", Key={"id": s("gone")})
    update = {"UpdateExpression": "SET v = :v", "ExpressionAttributeValues": {":v": s("1")}}
    db("UpdateItem", TableName="things", Key={"id": s("a")}, **update)
    assert len(read(db, stream)) == 1


def test_the_changes_of_an_item_keep_their_order_in_one_shard(db: Any) -> None:
    stream = create(db)
    for number in range(30):
        db.put({"id": s(f"i{number % 5}"), "n": {"N": str(number)}})
    homes: dict[str, set[str]] = {}
    for shard in shards(db, stream):
        records = db.read_streams("GetRecords", ShardIterator=iterator(db, stream, shard["ShardId"]))[
            "Records"
        ]
        values: dict[str, list[int]] = {}
        for record in records:
            image = record["dynamodb"]["NewImage"]
            values.setdefault(image["id"]["S"], []).append(int(image["n"]["N"]))
            homes.setdefault(image["id"]["S"], set()).add(shard["ShardId"])
        assert all(found == sorted(found) for found in values.values())
    assert all(len(found) == 1 for found in homes.values())
    assert len(homes) == 5


def test_iterators_stand_where_they_were_asked_to(db: Any) -> None:
    stream = create(db)
    for number in range(3):
        db.put({"id": s("a"), "n": {"N": str(number)}})
    shard = home_of(db, stream)

    def values(kind: str, **members: Any) -> list[str]:
        position = iterator(db, stream, shard, kind, **members)
        records = db.read_streams("GetRecords", ShardIterator=position)["Records"]
        return [record["dynamodb"]["NewImage"]["n"]["N"] for record in records]

    second = read(db, stream)[1]["dynamodb"]["SequenceNumber"]
    assert values("AT_SEQUENCE_NUMBER", SequenceNumber=second) == ["1", "2"]
    assert values("AFTER_SEQUENCE_NUMBER", SequenceNumber=second) == ["2"]
    latest = iterator(db, stream, shard, "LATEST")
    db.put({"id": s("a"), "n": {"N": "3"}})
    answer = db.read_streams("GetRecords", ShardIterator=latest)
    assert [record["dynamodb"]["NewImage"]["n"]["N"] for record in answer["Records"]] == ["3"]
    assert db.read_streams("GetRecords", ShardIterator=answer["NextShardIterator"])["Records"] == []


def test_records_are_read_in_portions(db: Any) -> None:
    stream = create(db)
    for number in range(5):
        db.put({"id": s("a"), "n": {"N": str(number)}})
    found: list[str] = []
    for shard in shards(db, stream):
        position = iterator(db, stream, shard["ShardId"])
        while True:
            answer = db.read_streams("GetRecords", ShardIterator=position, Limit=2)
            if not answer["Records"]:
                break
            assert len(answer["Records"]) <= 2
            found += [record["dynamodb"]["NewImage"]["n"]["N"] for record in answer["Records"]]
            position = answer["NextShardIterator"]
    assert found == ["0", "1", "2", "3", "4"]


def test_an_answer_holds_about_a_megabyte(db: Any) -> None:
    stream = create(db, "NEW_IMAGE")
    for number in range(5):
        db.put({"id": s("a"), "n": {"N": str(number)}, "pad": s("p" * 390_000)})
    counts = [
        len(db.read_streams("GetRecords", ShardIterator=iterator(db, stream, shard["ShardId"]))["Records"])
        for shard in shards(db, stream)
    ]
    assert sum(counts) < 5


def test_a_disabled_stream_can_be_read_to_its_end_for_a_day(db: Any) -> None:
    stream = create(db)
    db.put({"id": s("a")})
    db("UpdateTable", TableName="things", StreamSpecification={"StreamEnabled": False})
    db.put({"id": s("b")})
    described = db.read_streams("DescribeStream", StreamArn=stream)["StreamDescription"]
    assert described["StreamStatus"] == "DISABLED"
    assert len(read(db, stream)) == 1
    for shard in described["Shards"]:
        assert "EndingSequenceNumber" in shard["SequenceNumberRange"]
        answer = db.read_streams("GetRecords", ShardIterator=iterator(db, stream, shard["ShardId"]))
        assert "NextShardIterator" not in answer
    db.now_s += 1
    db(
        "UpdateTable",
        TableName="things",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"},
    )
    assert len(db.read_streams("ListStreams", TableName="things")["Streams"]) == 2
    db.now_s += 24 * 3600
    db.service.tables.changes.trim(db.now_s)
    assert len(db.read_streams("ListStreams", TableName="things")["Streams"]) == 1


def test_records_are_gone_after_24_hours(db: Any) -> None:
    stream = create(db)
    db.put({"id": s("a")})
    old = read(db, stream)[0]
    home = home_of(db, stream)
    held = iterator(db, stream, home)
    db.now_s += 24 * 3600
    changes = db.service.tables.changes
    changes.trim(db.now_s)
    assert (changes.held_bytes, changes.streams[stream].trimmed_early) == (0, 0)
    assert read(db, stream) == []
    number = old["dynamodb"]["SequenceNumber"]
    with pytest.raises(AwsError) as caught:
        iterator(db, stream, home, "AT_SEQUENCE_NUMBER", SequenceNumber=number)
    assert caught.value.code == "TrimmedDataAccessException"
    assert refused(db, "GetRecords", ShardIterator=held).code == "ExpiredIteratorException"


def test_what_the_budget_does_not_hold_is_let_go_of_and_counted(db: Any) -> None:
    stream = create(db)
    changes = db.service.tables.changes
    changes.budget_bytes = 10 * (RECORD_OVERHEAD_BYTES + 60)
    for number in range(40):
        db.put({"id": s(f"item-{number:02d}")})
    kept = read(db, stream)
    assert changes.held_bytes <= changes.budget_bytes
    assert changes.streams[stream].trimmed_early == 40 - len(kept)
    assert 0 < len(kept) < 40
    assert [r["dynamodb"]["Keys"]["id"]["S"] for r in kept] == [
        f"item-{n:02d}" for n in range(40 - len(kept), 40)
    ]
    assert db.gauges()["stream_records_trimmed"] == 40 - len(kept)


def test_long_streams_give_their_memory_back(db: Any) -> None:
    create(db, "KEYS_ONLY")
    changes = db.service.tables.changes
    changes.budget_bytes = 100 * (RECORD_OVERHEAD_BYTES + 60)
    for number in range(20_000):
        db.put({"id": s(f"item-{number:05d}")})
    shards_held = [shard for stream in changes.streams.values() for shard in stream.shards]
    assert sum(len(shard._records) for shard in shards_held) < 10_000


def test_wrong_requests_are_refused_in_aws_words(db: Any) -> None:
    stream = create(db)
    shard = shards(db, stream)[0]["ShardId"]
    position = iterator(db, stream, shard)
    assert refused(db, "DescribeStream", StreamArn=stream + "x").code == "ResourceNotFoundException"
    assert refused(db, "GetRecords", ShardIterator="nonsense").message == "Invalid ShardIterator"
    bad = {"StreamArn": stream, "ShardId": "shardId-0", "ShardIteratorType": "LATEST"}
    assert refused(db, "GetShardIterator", **bad).code == "ResourceNotFoundException"
    bad = {
        "StreamArn": stream,
        "ShardId": shard,
        "ShardIteratorType": "AT_SEQUENCE_NUMBER",
        "SequenceNumber": "1",
    }
    assert refused(db, "GetShardIterator", **bad).message == "Invalid SequenceNumber: 1"
    assert refused(db, "UpdateStream").code == "UnknownOperationException"
    db.now_s += 901
    assert refused(db, "GetRecords", ShardIterator=position).code == "ExpiredIteratorException"


def test_streams_and_shards_are_listed_in_pages(db: Any) -> None:
    for name in ("aaa", "bbb", "ccc"):
        create(db, name=name)
    first = db.read_streams("ListStreams", Limit=2)
    assert [stream["TableName"] for stream in first["Streams"]] == ["aaa", "bbb"]
    rest = db.read_streams("ListStreams", ExclusiveStartStreamArn=first["LastEvaluatedStreamArn"])
    assert [stream["TableName"] for stream in rest["Streams"]] == ["ccc"]
    stream = first["Streams"][0]["StreamArn"]
    page = db.read_streams("DescribeStream", StreamArn=stream, Limit=3)["StreamDescription"]
    assert len(page["Shards"]) == 3
    rest = db.read_streams(
        "DescribeStream", StreamArn=stream, ExclusiveStartShardId=page["LastEvaluatedShardId"]
    )
    assert len(rest["StreamDescription"]["Shards"]) == 1


def test_an_enabled_stream_cannot_be_enabled_again(db: Any) -> None:
    create(db)
    again = {"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"}
    error = db.fails("UpdateTable", TableName="things", StreamSpecification=again)
    assert error.message == "Table already has an enabled stream: TableName: things"


def test_reads_are_metered(db: Any) -> None:
    stream = create(db)
    read(db, stream)
    assert db.units("stream_reads") == len(shards(db, stream))


def iterator_of(value: Any) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(value)).decode()


@pytest.mark.parametrize("value", [1, [1, 2, 3, 4], ["arn", "shard", "1", 2.0], ["arn", "shard", 1, "never"]])
def test_an_iterator_that_is_none_of_ours_is_refused(db: Any, value: Any) -> None:
    assert refused(db, "GetRecords", ShardIterator=iterator_of(value)).code == "ValidationException"


def test_pollers_are_told_how_much_is_behind_them_and_when_it_was(db: Any) -> None:
    stream = create(db)
    for number in range(3):
        db.put({"id": s("a"), "n": {"N": str(number)}})
    home = home_of(db, stream)
    start = iterator(db, stream, home)
    told = db.read_streams("LaunchdayStreamPosition", StreamArn=stream, ShardIterators={home: start})
    assert (told["RecordsBehind"][home], told["AcceptedRecords"], told["ClosedShards"]) == (3, 3, [])
    found = db.read_streams("LaunchdayStreamRead", ShardIterator=start, Limit=2)
    assert found["RecordsBehind"] == 1
    sequence_number, keys, at_s, record = found["Records"][0]
    assert (keys, at_s) == ({"id": s("a")}, db.now_s)
    assert record["dynamodb"]["SequenceNumber"] == sequence_number
    after = found["NextShardIterator"]
    again = db.read_streams("LaunchdayStreamPosition", StreamArn=stream, ShardIterators={home: after})
    assert (again["RecordsBehind"][home], again["Mark"]) == (1, told["Mark"])
    db("UpdateTable", TableName="things", StreamSpecification={"StreamEnabled": False})
    closed = db.read_streams("LaunchdayStreamPosition", StreamArn=stream, ShardIterators={})
    assert home in closed["ClosedShards"]
    assert closed["Mark"] != told["Mark"]


@pytest.mark.parametrize("members", [{"ShardIterators": {"s": 1}}, {"After": "x", "WaitSeconds": "long"}])
def test_a_malformed_question_for_news_is_refused(db: Any, members: dict[str, Any]) -> None:
    given = {"StreamArn": create(db), "ShardIterators": {}, **members}
    assert refused(db, "LaunchdayStreamPosition", **given).code == "ValidationException"


@pytest.mark.parametrize(("most", "shards"), [(None, 40), (1, 1), (100, 40)])
def test_a_stream_has_a_shard_for_each_partition_up_to_a_bound(most: int | None, shards: int) -> None:
    service = DynamoDbService(meters=Meters(), limits=ESTABLISHED, max_stream_shards=most)
    context = CallContext()
    table = {
        "TableName": "things",
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
        "BillingMode": "PAY_PER_REQUEST",
        "StreamSpecification": {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
    }
    run(service.call("CreateTable", orjson.dumps(table), context))
    (stream,) = (each.stream for each in service.tables)
    assert len(stream.shards) == shards
    for number in range(50):
        put = {"TableName": "things", "Item": {"id": s(f"key {number}")}}
        run(service.call("PutItem", orjson.dumps(put), context))
    assert sum(len(shard.read(0, 1_000)) for shard in stream.shards) == 50
