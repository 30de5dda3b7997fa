"""Kinesis Data Streams: streams, shards and resharding."""

from __future__ import annotations

from typing import Any

from tests.conformance.behaviours.kinesis.streams import HALF, READ, TOP, Stream, created
from tests.conformance.catalogue import behaviour, documented, reference
from tests.conformance.kit import Cleanup, refusing, until
from tests.conformance.targets import Aws


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
        noted=READ,
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
        noted=READ,
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
