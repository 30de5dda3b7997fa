from __future__ import annotations

from typing import Any

import pytest

ARN = "arn:aws:kinesis:us-east-1:123456789012:stream/events"
DAY_S = 86_400


def test_a_stream_is_creating_and_then_active(kinesis: Any) -> None:
    assert kinesis("CreateStream", StreamName="events", ShardCount=3) is None
    creating = kinesis("DescribeStream", StreamName="events")["StreamDescription"]
    assert creating == {
        "StreamName": "events",
        "StreamARN": ARN,
        "StreamStatus": "CREATING",
        "StreamModeDetails": {"StreamMode": "PROVISIONED"},
        "StreamCreationTimestamp": kinesis.now_s,
        "Shards": [],
        "HasMoreShards": False,
        "RetentionPeriodHours": 24,
        "EnhancedMonitoring": [{"ShardLevelMetrics": []}],
        "EncryptionType": "NONE",
    }
    kinesis.advance(1)
    active = kinesis("DescribeStream", StreamName="events")["StreamDescription"]
    assert active["StreamStatus"] == "ACTIVE"
    assert [shard["HashKeyRange"] for shard in active["Shards"]] == [
        {"StartingHashKey": "0", "EndingHashKey": "113427455640312821154458202477256070484"},
        {
            "StartingHashKey": "113427455640312821154458202477256070485",
            "EndingHashKey": "226854911280625642308916404954512140969",
        },
        {
            "StartingHashKey": "226854911280625642308916404954512140970",
            "EndingHashKey": "340282366920938463463374607431768211455",
        },
    ]


def test_a_stream_that_is_creating_takes_no_records(kinesis: Any) -> None:
    kinesis("CreateStream", StreamName="events", ShardCount=1)
    error = kinesis.fails("PutRecord", StreamName="events", PartitionKey="k", Data="")
    assert (error.code, error.message) == (
        "ResourceNotFoundException",
        "Stream events under account 123456789012 not found.",
    )


def test_a_deleted_stream_is_deleting_and_then_gone(kinesis: Any) -> None:
    kinesis.create()
    kinesis("DeleteStream", StreamARN=ARN)
    assert (
        kinesis("DescribeStreamSummary", StreamName="events")["StreamDescriptionSummary"]["StreamStatus"]
        == "DELETING"
    )
    kinesis.advance(1)
    assert kinesis.fails("DescribeStream", StreamName="events").code == "ResourceNotFoundException"
    assert kinesis("ListStreams")["StreamNames"] == []


def test_a_stream_created_again_is_empty(kinesis: Any) -> None:
    kinesis.create()
    kinesis.put()
    kinesis("DeleteStream", StreamName="events")
    kinesis.advance(1)
    kinesis.create()
    assert kinesis.read(kinesis.iterator())["Records"] == []
    assert kinesis.gauge("retained_records") == 0


def test_the_same_name_twice_is_in_use(kinesis: Any) -> None:
    kinesis.create()
    error = kinesis.fails("CreateStream", StreamName="events", ShardCount=1)
    assert (error.code, error.message) == (
        "ResourceInUseException",
        "Stream events under account 123456789012 already exists.",
    )


def test_a_stream_belongs_to_an_account_and_a_region(kinesis: Any) -> None:
    kinesis.create()
    kinesis.context.region = "eu-west-1"
    assert kinesis("ListStreams")["StreamNames"] == []
    kinesis.create()
    kinesis.context.region = "us-east-1"
    assert kinesis("ListStreams")["StreamNames"] == ["events"]


def test_a_change_of_a_changing_stream_is_refused(kinesis: Any) -> None:
    kinesis("CreateStream", StreamName="events", ShardCount=1)
    error = kinesis.fails("DeleteStream", StreamName="events")
    assert (error.code, error.message) == (
        "ResourceInUseException",
        "Stream events under account 123456789012 not ACTIVE, instead in state CREATING",
    )


def test_streams_are_listed_in_pages(kinesis: Any) -> None:
    for name in ("c", "a", "b"):
        kinesis.create(name)
    first = kinesis("ListStreams", Limit=2)
    assert (first["StreamNames"], first["HasMoreStreams"]) == (["a", "b"], True)
    assert [summary["StreamStatus"] for summary in first["StreamSummaries"]] == ["ACTIVE", "ACTIVE"]
    rest = kinesis("ListStreams", NextToken=first["NextToken"])
    assert (rest["StreamNames"], rest["HasMoreStreams"]) == (["c"], False)
    assert "NextToken" not in rest
    assert kinesis("ListStreams", ExclusiveStartStreamName="a")["StreamNames"] == ["b", "c"]


def test_a_description_is_given_in_pages(kinesis: Any) -> None:
    kinesis.create(shards=3)
    first = kinesis("DescribeStream", StreamName="events", Limit=2)["StreamDescription"]
    assert ([s["ShardId"][-1] for s in first["Shards"]], first["HasMoreShards"]) == (["0", "1"], True)
    last = first["Shards"][-1]["ShardId"]
    rest = kinesis("DescribeStream", StreamName="events", ExclusiveStartShardId=last)["StreamDescription"]
    assert ([s["ShardId"][-1] for s in rest["Shards"]], rest["HasMoreShards"]) == (["2"], False)


def test_an_on_demand_stream_starts_with_four_shards(limited: Any) -> None:
    limited("CreateStream", StreamName="events", StreamModeDetails={"StreamMode": "ON_DEMAND"})
    limited.advance(1)
    summary = limited("DescribeStreamSummary", StreamName="events")["StreamDescriptionSummary"]
    assert summary["OpenShardCount"] == 4
    assert summary["StreamModeDetails"] == {"StreamMode": "ON_DEMAND"}
    assert "WarmThroughput" not in summary


@pytest.mark.parametrize(
    ("members", "said"),
    [
        ({}, "ShardCount is required for a stream in PROVISIONED mode."),
        (
            {"ShardCount": 2, "StreamModeDetails": {"StreamMode": "ON_DEMAND"}},
            "ShardCount must not be set for a stream in ON_DEMAND mode.",
        ),
        (
            {"ShardCount": 2, "WarmThroughputMiBps": 8},
            "WarmThroughputMiBps is only supported for streams in ON_DEMAND mode.",
        ),
        (
            {"WarmThroughputMiBps": 8, "StreamModeDetails": {"StreamMode": "ON_DEMAND"}},
            "WarmThroughputMiBps needs MinimumThroughputBillingCommitment to be ENABLED for the account: "
            "call UpdateAccountSettings first.",
        ),
    ],
)
def test_mode_shards_and_warm_throughput_must_fit(kinesis: Any, members: dict[str, Any], said: str) -> None:
    error = kinesis.fails("CreateStream", StreamName="events", **members)
    assert (error.code, error.message) == ("ValidationException", said)
    assert kinesis("ListStreams")["StreamNames"] == []


def test_a_warm_stream_starts_with_a_shard_for_each_mib_per_second(kinesis: Any) -> None:
    enabled = {"Status": "ENABLED"}
    answer = kinesis("UpdateAccountSettings", MinimumThroughputBillingCommitment=enabled)
    assert answer == {"MinimumThroughputBillingCommitment": {"Status": "ENABLED", "StartedAt": kinesis.now_s}}
    assert kinesis("DescribeAccountSettings") == answer
    kinesis(
        "CreateStream",
        StreamName="events",
        StreamModeDetails={"StreamMode": "ON_DEMAND"},
        WarmThroughputMiBps=10,
    )
    kinesis.advance(1)
    summary = kinesis("DescribeStreamSummary", StreamName="events")["StreamDescriptionSummary"]
    assert summary["WarmThroughput"] == {"TargetMiBps": 10, "CurrentMiBps": 10}
    updated = kinesis("UpdateStreamWarmThroughput", StreamName="events", WarmThroughputMiBps=12)
    assert updated["WarmThroughput"] == {"TargetMiBps": 12, "CurrentMiBps": 10}
    kinesis.advance(1)
    assert len(kinesis.shards(ShardFilter={"Type": "AT_LATEST"})) == 12
    kinesis("UpdateAccountSettings", MinimumThroughputBillingCommitment={"Status": "DISABLED"})
    assert kinesis("DescribeAccountSettings")["MinimumThroughputBillingCommitment"] == {"Status": "DISABLED"}


def test_the_mode_changes_twice_a_day_and_keeps_the_shards(kinesis: Any) -> None:
    kinesis.create(shards=2)
    for mode in ("ON_DEMAND", "PROVISIONED"):
        kinesis("UpdateStreamMode", StreamARN=ARN, StreamModeDetails={"StreamMode": mode})
        kinesis.advance(1)
        summary = kinesis("DescribeStreamSummary", StreamName="events")["StreamDescriptionSummary"]
        assert (summary["StreamModeDetails"]["StreamMode"], summary["OpenShardCount"]) == (mode, 2)
    again = {"StreamARN": ARN, "StreamModeDetails": {"StreamMode": "ON_DEMAND"}}
    assert kinesis.fails("UpdateStreamMode", **again).code == "LimitExceededException"
    kinesis.advance(DAY_S)
    kinesis("UpdateStreamMode", **again)


def test_quotas_of_the_account(kinesis: Any) -> None:
    kinesis.create(shards=3)
    error = kinesis.fails("CreateStream", StreamName="more", ShardCount=20_000)
    assert error.code == "LimitExceededException"
    assert error.message.startswith(
        "This request would exceed the shard limit for the account 123456789012 in us-east-1. "
        "Current shard count for the account: 3. Limit: 20000. "
        "Number of additional shards that would have resulted from this request: 20000. "
    )
    for i in range(50):
        kinesis("CreateStream", StreamName=f"s{i}", StreamModeDetails={"StreamMode": "ON_DEMAND"})
    error = kinesis.fails("CreateStream", StreamName="s50", StreamModeDetails={"StreamMode": "ON_DEMAND"})
    assert error.code == "LimitExceededException"
    assert kinesis("DescribeLimits") == {
        "ShardLimit": 20_000,
        "OpenShardCount": 3,
        "OnDemandStreamCount": 50,
        "OnDemandStreamCountLimit": 50,
    }


@pytest.mark.parametrize(
    ("operation", "hours", "said"),
    [
        (
            "Increase",
            23,
            "Minimum allowed retention period is 24 hours. "
            "Requested retention period (23 hours) is too short.",
        ),
        (
            "Increase",
            8761,
            "Maximum allowed retention period is 8760 hours. "
            "Requested retention period (8761 hours) is too long.",
        ),
        (
            "Increase",
            24,
            "Requested retention period (24 hours) for stream events can not be shorter than existing "
            "retention period (48 hours). Use DecreaseRetentionPeriod API.",
        ),
        (
            "Decrease",
            49,
            "Requested retention period (49 hours) for stream events can not be longer than existing "
            "retention period (48 hours). Use IncreaseRetentionPeriod API.",
        ),
    ],
)
def test_retention_moves_within_bounds(kinesis: Any, operation: str, hours: int, said: str) -> None:
    kinesis.create()
    kinesis("IncreaseStreamRetentionPeriod", StreamName="events", RetentionPeriodHours=48)
    error = kinesis.fails(
        f"{operation}StreamRetentionPeriod", StreamName="events", RetentionPeriodHours=hours
    )
    assert (error.code, error.message) == ("InvalidArgumentException", said)
    assert kinesis("DescribeStream", StreamName="events")["StreamDescription"]["RetentionPeriodHours"] == 48


def test_tags_by_stream_and_by_resource(kinesis: Any) -> None:
    kinesis("CreateStream", StreamName="events", ShardCount=1, Tags={"stage": "test"})
    kinesis.advance(1)
    kinesis("AddTagsToStream", StreamName="events", Tags={"team": "location"})
    kinesis("TagResource", ResourceARN=ARN, Tags={"cost": "launch"})
    listed = kinesis("ListTagsForStream", StreamName="events", Limit=2)
    assert listed == {
        "Tags": [{"Key": "cost", "Value": "launch"}, {"Key": "stage", "Value": "test"}],
        "HasMoreTags": True,
    }
    rest = kinesis("ListTagsForStream", StreamName="events", ExclusiveStartTagKey="stage")
    assert rest == {"Tags": [{"Key": "team", "Value": "location"}], "HasMoreTags": False}
    kinesis("RemoveTagsFromStream", StreamName="events", TagKeys=["team"])
    kinesis("UntagResource", ResourceARN=ARN, TagKeys=["cost", "unknown"])
    assert kinesis("ListTagsForResource", ResourceARN=ARN)["Tags"] == [{"Key": "stage", "Value": "test"}]


def test_a_stream_has_at_most_fifty_tags(kinesis: Any) -> None:
    kinesis.create()
    kinesis("AddTagsToStream", StreamName="events", Tags={str(i): "" for i in range(50)})
    error = kinesis.fails("TagResource", ResourceARN=ARN, Tags={"one": "more"})
    assert error.code == "InvalidArgumentException"
    assert len(kinesis("ListTagsForResource", ResourceARN=ARN)["Tags"]) == 50


def test_a_stream_is_named_by_name_or_arn_or_both_alike(kinesis: Any) -> None:
    kinesis.create()
    for members in ({"StreamName": "events"}, {"StreamARN": ARN}, {"StreamName": "events", "StreamARN": ARN}):
        assert kinesis("PutRecord", PartitionKey="k", Data="", **members)["ShardId"] == "shardId-000000000000"
    for members in (
        {},
        {"StreamName": "other", "StreamARN": ARN},
        {"StreamARN": "arn:aws:kinesis:eu-west-1:123456789012:stream/events"},
        {"StreamARN": "arn:aws:kinesis:us-east-1:999999999999:stream/events"},
    ):
        error = kinesis.fails("PutRecord", PartitionKey="k", Data="", **members)
        assert error.code == "InvalidArgumentException"


def test_reset_forgets_everything(kinesis: Any) -> None:
    kinesis.create()
    kinesis.put()
    with pytest.raises(StopIteration):
        kinesis.service.reset().send(None)
    assert kinesis("ListStreams")["StreamNames"] == []
    assert kinesis.meters.gauges() == []
