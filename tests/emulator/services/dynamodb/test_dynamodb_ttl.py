from __future__ import annotations

from typing import Any

import orjson
import pytest

from harness.emulator.services.dynamodb import ttl
from harness.emulator.services.dynamodb.items import pack

NOW_S = 1_700_000_000.0


@pytest.mark.parametrize(
    ("item", "expired"),
    [
        ({"ends": {"N": str(int(NOW_S))}}, True),
        ({"ends": {"N": str(int(NOW_S) + 1)}}, False),
        ({"ends": {"N": str(NOW_S - 0.5)}}, True),
        ({"ends": {"S": "1"}}, False),
        ({"ends": {"N": "1"}}, False),
        ({"other": {"N": "1"}}, False),
        ({"m": {"M": {"ends": {"N": str(int(NOW_S))}}}}, False),
        ({"s": {"S": '"ends":{"N":"1699999999"}'}}, False),
    ],
)
def test_when_an_items_time_has_come(item: dict[str, Any], expired: bool) -> None:
    assert ttl.is_expired(pack(item, len(orjson.dumps(item))), "ends", NOW_S) is expired


def test_an_odd_attribute_name_is_found_too() -> None:
    item = {'a"b': {"N": str(int(NOW_S))}}
    assert ttl.is_expired(pack(item, 9), 'a"b', NOW_S)


@pytest.fixture
def sessions(db: Any) -> Any:
    db.create("sessions", StreamSpecification={"StreamEnabled": True, "StreamViewType": "OLD_IMAGE"})
    specification = {"Enabled": True, "AttributeName": "ends"}
    db("UpdateTimeToLive", TableName="sessions", TimeToLiveSpecification=specification)
    for number in range(10):
        db.put({"id": {"S": str(number)}, "ends": {"N": str(int(db.now_s) + number)}}, "sessions")
    return db


def test_a_sweep_goes_round_the_table_bit_by_bit(sessions: Any) -> None:
    table = sessions.service.tables.named("sessions", sessions.context)
    now_s = sessions.now_s + 4
    removed = [ttl.sweep(table, now_s, most=3) for _ in range(5)]
    assert sum(removed) == 5
    assert ttl.sweep(table, now_s, most=100) == 0
    assert sessions("Scan", TableName="sessions", Select="COUNT")["Count"] == 5
    assert sessions.units(table="sessions") == 10  # expiry is not billed


def test_the_stream_says_that_the_service_removed_it(sessions: Any) -> None:
    table = sessions.service.tables.named("sessions", sessions.context)
    ttl.sweep(table, sessions.now_s)
    stream = sessions.read_streams("ListStreams")["Streams"][0]["StreamArn"]
    removed = []
    for shard in sessions.read_streams("DescribeStream", StreamArn=stream)["StreamDescription"]["Shards"]:
        iterator = sessions.read_streams(
            "GetShardIterator", StreamArn=stream, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )
        records = sessions.read_streams("GetRecords", **iterator)["Records"]
        removed += [record for record in records if record["eventName"] == "REMOVE"]
    assert [record["dynamodb"]["Keys"] for record in removed] == [{"id": {"S": "0"}}]
    assert removed[0]["userIdentity"] == {"Type": "Service", "PrincipalId": "dynamodb.amazonaws.com"}


def test_a_table_without_time_to_live_is_left_alone(db: Any) -> None:
    db.create()
    db.put({"id": {"S": "a"}, "ends": {"N": "1"}})
    assert ttl.sweep(db.service.tables.named("things", db.context), db.now_s) == 0
