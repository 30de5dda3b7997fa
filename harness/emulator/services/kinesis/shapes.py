"""The input of every operation that is offered, and the names of those that are not.

docs: Kinesis Data Streams API reference (read 2026)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from harness.emulator.services.kinesis.validation import (
    Blob,
    Moment,
    Rule,
    Structure,
    StructureList,
    Text,
    TextList,
    TextMap,
    Whole,
)

DEFAULT_MAX_RECORD_BYTES = 1_048_576
"""Data and partition key together, unless the stream is set to take larger records."""

_NAME = Text(1, 128, r"[a-zA-Z0-9_.-]+")
_ARN = Text(1, 2048, r"arn:aws.*:kinesis:.*:\d{12}:stream/\S+")
_SHARD_ID = Text(1, 128, r"[a-zA-Z0-9_.-]+")
_HASH_KEY = Text(pattern=r"0|([1-9]\d{0,38})")
_SEQUENCE_NUMBER = Text(pattern=r"0|([1-9]\d{0,128})")
_TAGS = TextMap(1, 200, Text(1, 128), Text(0, 256))
_TAG_KEYS = TextList(1, 50, Text(1, 128))
_MODE = Structure({"StreamMode": Text(one_of=("PROVISIONED", "ON_DEMAND"), required=True)})
_RESOURCE_ARN = Text(1, 2048, r"arn:aws.*:kinesis:.*:\d{12}:.*stream/\S+", required=True)
_FILTER_TYPES = (
    "AFTER_SHARD_ID",
    "AT_TRIM_HORIZON",
    "FROM_TRIM_HORIZON",
    "AT_LATEST",
    "AT_TIMESTAMP",
    "FROM_TIMESTAMP",
)
_ITERATOR_TYPES = (
    "AFTER_SEQUENCE_NUMBER",
    "LATEST",
    "AT_SEQUENCE_NUMBER",
    "AT_TIMESTAMP",
    "TRIM_HORIZON",
)
_RECORD: Mapping[str, Rule] = {
    "Data": Blob(DEFAULT_MAX_RECORD_BYTES, required=True),
    "PartitionKey": Text(1, 256, required=True),
    "ExplicitHashKey": _HASH_KEY,
}
_STREAM: Mapping[str, Rule] = {"StreamName": _NAME, "StreamARN": _ARN}

INPUTS: Mapping[str, Mapping[str, Rule]] = {
    "AddTagsToStream": {**_STREAM, "Tags": replace(_TAGS, required=True)},
    "CreateStream": {
        "StreamName": replace(_NAME, required=True),
        "ShardCount": Whole(1, 1_000_000),
        "StreamModeDetails": _MODE,
        "Tags": _TAGS,
        "WarmThroughputMiBps": Whole(0),
    },
    "DecreaseStreamRetentionPeriod": {**_STREAM, "RetentionPeriodHours": Whole(1, required=True)},
    "DeleteStream": _STREAM,
    "DescribeAccountSettings": {},
    "DescribeLimits": {},
    "DescribeStream": {**_STREAM, "Limit": Whole(1, 10_000), "ExclusiveStartShardId": _SHARD_ID},
    "DescribeStreamSummary": _STREAM,
    "GetRecords": {
        "ShardIterator": Text(1, 512, required=True),
        "Limit": Whole(1, 10_000),
        "StreamARN": _ARN,
    },
    "GetShardIterator": {
        **_STREAM,
        "ShardId": replace(_SHARD_ID, required=True),
        "ShardIteratorType": Text(one_of=_ITERATOR_TYPES, required=True),
        "StartingSequenceNumber": _SEQUENCE_NUMBER,
        "Timestamp": Moment(),
    },
    "IncreaseStreamRetentionPeriod": {**_STREAM, "RetentionPeriodHours": Whole(1, required=True)},
    "ListShards": {
        **_STREAM,
        "NextToken": Text(1, 1_048_576),
        "ExclusiveStartShardId": _SHARD_ID,
        "MaxResults": Whole(1, 10_000),
        "StreamCreationTimestamp": Moment(),
        "ShardFilter": Structure(
            {
                "Type": Text(one_of=_FILTER_TYPES, required=True),
                "ShardId": _SHARD_ID,
                "Timestamp": Moment(),
            }
        ),
    },
    "ListStreams": {
        "Limit": Whole(1, 10_000),
        "ExclusiveStartStreamName": _NAME,
        "NextToken": Text(1, 1_048_576),
    },
    "ListTagsForResource": {"ResourceARN": _RESOURCE_ARN},
    "ListTagsForStream": {**_STREAM, "ExclusiveStartTagKey": Text(1, 128), "Limit": Whole(1, 50)},
    "MergeShards": {
        **_STREAM,
        "ShardToMerge": replace(_SHARD_ID, required=True),
        "AdjacentShardToMerge": replace(_SHARD_ID, required=True),
    },
    "PutRecord": {**_STREAM, **_RECORD, "SequenceNumberForOrdering": _SEQUENCE_NUMBER},
    "PutRecords": {**_STREAM, "Records": StructureList(1, 500, Structure(_RECORD), required=True)},
    "RemoveTagsFromStream": {**_STREAM, "TagKeys": replace(_TAG_KEYS, required=True)},
    "SplitShard": {
        **_STREAM,
        "ShardToSplit": replace(_SHARD_ID, required=True),
        "NewStartingHashKey": replace(_HASH_KEY, required=True),
    },
    "TagResource": {"ResourceARN": _RESOURCE_ARN, "Tags": replace(_TAGS, required=True)},
    "UntagResource": {"ResourceARN": _RESOURCE_ARN, "TagKeys": replace(_TAG_KEYS, required=True)},
    "UpdateAccountSettings": {
        "MinimumThroughputBillingCommitment": Structure(
            {"Status": Text(one_of=("ENABLED", "DISABLED"), required=True)}, required=True
        )
    },
    "UpdateShardCount": {
        **_STREAM,
        "TargetShardCount": Whole(1, 1_000_000, required=True),
        "ScalingType": Text(one_of=("UNIFORM_SCALING",), required=True),
    },
    "UpdateStreamMode": {
        "StreamARN": replace(_ARN, required=True),
        "StreamModeDetails": replace(_MODE, required=True),
        "WarmThroughputMiBps": Whole(0),
    },
    "UpdateStreamWarmThroughput": {**_STREAM, "WarmThroughputMiBps": Whole(0, required=True)},
}

MEMBERS_NOT_OFFERED: Mapping[str, tuple[str, ...]] = {
    "CreateStream": ("MaxRecordSizeInKiB", "RecordDistributionStrategy"),
    "GetRecords": ("DryRun",),
    "GetShardIterator": ("DryRun",),
    "PutRecord": ("DryRun",),
    "PutRecords": ("DryRun",),
}
"""Members that would change what an operation does; the others that have no rule (StreamId, which AWS itself
reserves; EnforceConsumerDeletion, where there are no consumers) change nothing."""

NOT_OFFERED = frozenset(
    {
        "AcknowledgeDeadLetterQueueRecords",
        "AcknowledgeQueueRecords",
        "CreateChannel",
        "CreateQueue",
        "DeleteChannel",
        "DeleteQueue",
        "DeleteResourcePolicy",
        "DeregisterStreamConsumer",
        "DescribeChannel",
        "DescribeQueue",
        "DescribeStreamConsumer",
        "DisableEnhancedMonitoring",
        "EnableEnhancedMonitoring",
        "GetResourcePolicy",
        "ListChannels",
        "ListQueues",
        "ListStreamConsumers",
        "PutResourcePolicy",
        "ReceiveDeadLetterQueueRecords",
        "ReceiveQueueRecords",
        "RegisterStreamConsumer",
        "RestoreDeadLetterQueueRecords",
        "StartStreamEncryption",
        "StopStreamEncryption",
        "SubscribeToShard",
        "UpdateChannel",
        "UpdateDeadLetterQueueRecordsVisibility",
        "UpdateMaxRecordSize",
        "UpdateQueue",
        "UpdateQueueRecordsVisibility",
        "UpdateStreamRecordDistributionStrategy",
    }
)
"""Operations of Kinesis Data Streams that answer with an error naming them."""
