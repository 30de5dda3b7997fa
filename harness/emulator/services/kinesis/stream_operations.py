"""Creating, describing, listing, changing and deleting streams.

docs: Kinesis Data Streams API reference, quotas and limits (read 2026)
"""

from __future__ import annotations

from typing import Any

from harness.emulator.services.base import CallContext
from harness.emulator.services.kinesis.errors import (
    invalid_argument,
    limit_exceeded,
    shard_not_found,
    stream_exists,
    validation,
)
from harness.emulator.services.kinesis.registry import StreamRegistry, name_in_arn, stream_name
from harness.emulator.services.kinesis.shards import parse_shard_id
from harness.emulator.services.kinesis.streams import Stream, StreamMode

Body = dict[str, Any]

SHARD_LIMIT = 20_000  # us-east-1
ON_DEMAND_STREAM_LIMIT = 50
MAX_WARM_THROUGHPUT_MIBPS = 10_240
MIN_RETENTION_HOURS = 24
MAX_RETENTION_HOURS = 8_760
_MODE_CHANGES_A_DAY = 2
_DAY_S = 86_400


class StreamOperations:
    """Each method is an operation: the input, the caller, the time; the output, or None for an empty one."""

    def __init__(self, registry: StreamRegistry) -> None:
        self._registry = registry

    def create_stream(self, body: Body, context: CallContext, now_s: float) -> None:
        """CreateStream."""
        name: str = body["StreamName"]
        mode: StreamMode = body.get("StreamModeDetails", {}).get("StreamMode", "PROVISIONED")
        if any(stream.name == name for stream in self._registry.of(context, now_s)):
            raise stream_exists(name, context)
        shard_count = self._initial_shards(body, mode, context)
        self._check_quota(shard_count, mode, context, now_s)
        stream = self._registry.create(name, mode, context, now_s)
        stream.tags.update(body.get("Tags") or {})
        stream.warm_throughput_mibps = int(body.get("WarmThroughputMiBps") or 0)
        stream.begin("CREATING", now_s, lambda at_s: stream.shards.create_uniform(shard_count, at_s))

    def delete_stream(self, body: Body, context: CallContext, now_s: float) -> None:
        """DeleteStream."""
        stream = self._registry.active(stream_name(body, context), context, now_s)
        stream.begin("DELETING", now_s, lambda at_s: self._registry.delete(stream, at_s))

    def describe_stream(self, body: Body, context: CallContext, now_s: float) -> Body:
        """DescribeStream."""
        stream = self._registry.find(stream_name(body, context), context, now_s)
        shards = stream.shards.all()
        start: str | None = body.get("ExclusiveStartShardId")
        if start is not None:
            number = parse_shard_id(start)
            if number is None:
                raise shard_not_found(start, stream.name, context)
            shards = [shard for shard in shards if shard.number > number]
        limit = int(body.get("Limit") or 100)
        return {
            "StreamDescription": {
                **stream.summary(),
                "Shards": [shard.describe() for shard in shards[:limit]],
                "HasMoreShards": len(shards) > limit,
                **_settings(stream),
            }
        }

    def describe_stream_summary(self, body: Body, context: CallContext, now_s: float) -> Body:
        """DescribeStreamSummary."""
        stream = self._registry.find(stream_name(body, context), context, now_s)
        summary = {
            **stream.summary(),
            **_settings(stream),
            "OpenShardCount": len(stream.shards.open),
            "ConsumerCount": 0,
            "MaxRecordSizeInKiB": 1024,
        }
        if stream.mode == "ON_DEMAND" and context.account_id in self._registry.commitments_s:
            summary["WarmThroughput"] = warm_throughput(stream)
        return {"StreamDescriptionSummary": summary}

    def list_streams(self, body: Body, context: CallContext, now_s: float) -> Body:
        """ListStreams. Its NextToken is the name of the last stream listed."""
        after: str = body.get("NextToken") or body.get("ExclusiveStartStreamName") or ""
        limit = int(body.get("Limit") or 100)
        streams = [stream for stream in self._registry.of(context, now_s) if stream.name > after]
        listed = streams[:limit]
        answer: Body = {
            "StreamNames": [stream.name for stream in listed],
            "HasMoreStreams": len(streams) > limit,
            "StreamSummaries": [stream.summary() for stream in listed],
        }
        if len(streams) > limit:
            answer["NextToken"] = listed[-1].name
        return answer

    def describe_limits(self, body: Body, context: CallContext, now_s: float) -> Body:  # noqa: ARG002
        """DescribeLimits."""
        streams = self._registry.of(context, now_s)
        return {
            "ShardLimit": SHARD_LIMIT,
            "OpenShardCount": _provisioned_shards(streams),
            "OnDemandStreamCount": sum(stream.mode == "ON_DEMAND" for stream in streams),
            "OnDemandStreamCountLimit": ON_DEMAND_STREAM_LIMIT,
        }

    def update_stream_mode(self, body: Body, context: CallContext, now_s: float) -> None:
        """UpdateStreamMode: the stream keeps its shards; at most two changes in 24 hours."""
        stream = self._registry.active(name_in_arn(body["StreamARN"], context), context, now_s)
        mode: StreamMode = body["StreamModeDetails"]["StreamMode"]
        warm_mibps = body.get("WarmThroughputMiBps")
        if warm_mibps is not None:
            self.check_warm_throughput(int(warm_mibps), mode, context)
        recent = [at_s for at_s in stream.mode_changes_s if at_s > now_s - _DAY_S]
        if len(recent) >= _MODE_CHANGES_A_DAY:
            raise limit_exceeded(
                f"The capacity mode of stream {stream.name} under account {context.account_id} was changed "
                f"{len(recent)} times in the last 24 hours. Limit: {_MODE_CHANGES_A_DAY}."
            )
        stream.mode_changes_s = [*recent, now_s]

        def change(at_s: float) -> None:
            stream.set_mode(mode, at_s)
            if warm_mibps:
                stream.warm_throughput_mibps = int(warm_mibps)
                stream.shards.scale_to(max(len(stream.shards.open), int(warm_mibps)), at_s)

        stream.begin("UPDATING", now_s, change)

    def increase_retention(self, body: Body, context: CallContext, now_s: float) -> None:
        """IncreaseStreamRetentionPeriod."""
        stream = self._registry.active(stream_name(body, context), context, now_s)
        hours = _retention_hours(body)
        if hours < stream.retention_hours:
            raise invalid_argument(
                f"Requested retention period ({hours} hours) for stream {stream.name} can not be shorter "
                f"than existing retention period ({stream.retention_hours} hours). Use "
                "DecreaseRetentionPeriod API."
            )
        # What has expired under the shorter period does not come back.
        stream.expire(now_s)
        stream.retention_hours = hours

    def decrease_retention(self, body: Body, context: CallContext, now_s: float) -> None:
        """DecreaseStreamRetentionPeriod."""
        stream = self._registry.active(stream_name(body, context), context, now_s)
        hours = _retention_hours(body)
        if hours > stream.retention_hours:
            raise invalid_argument(
                f"Requested retention period ({hours} hours) for stream {stream.name} can not be longer "
                f"than existing retention period ({stream.retention_hours} hours). Use "
                "IncreaseRetentionPeriod API."
            )
        stream.retention_hours = hours
        stream.expire(now_s)

    def describe_account_settings(self, body: Body, context: CallContext, now_s: float) -> Body:  # noqa: ARG002
        """DescribeAccountSettings."""
        return self._account_settings(context)

    def update_account_settings(self, body: Body, context: CallContext, now_s: float) -> Body:
        """UpdateAccountSettings. The 24 hours that AWS binds an account for are not enforced."""
        if body["MinimumThroughputBillingCommitment"]["Status"] == "ENABLED":
            self._registry.commitments_s.setdefault(context.account_id, now_s)
        else:
            self._registry.commitments_s.pop(context.account_id, None)
        return self._account_settings(context)

    def check_warm_throughput(self, mibps: int, mode: StreamMode, context: CallContext) -> None:
        """Raises AwsError when a stream of that mode cannot be warmed to that much."""
        if mode != "ON_DEMAND":
            raise validation("WarmThroughputMiBps is only supported for streams in ON_DEMAND mode.")
        if context.account_id not in self._registry.commitments_s:
            raise validation(
                "WarmThroughputMiBps needs MinimumThroughputBillingCommitment to be ENABLED for the account: "
                "call UpdateAccountSettings first."
            )
        if mibps > MAX_WARM_THROUGHPUT_MIBPS:
            raise limit_exceeded(
                f"WarmThroughputMiBps {mibps} is more than the limit of {MAX_WARM_THROUGHPUT_MIBPS}."
            )

    def _initial_shards(self, body: Body, mode: StreamMode, context: CallContext) -> int:
        warm_mibps = body.get("WarmThroughputMiBps")
        if warm_mibps is not None:
            self.check_warm_throughput(int(warm_mibps), mode, context)
        shard_count = body.get("ShardCount")
        if mode == "PROVISIONED":
            if shard_count is None:
                raise validation("ShardCount is required for a stream in PROVISIONED mode.")
            return int(shard_count)
        if shard_count is not None:
            raise validation("ShardCount must not be set for a stream in ON_DEMAND mode.")
        return max(1, int(self._registry.limits.kinesis_on_demand_initial_shards), int(warm_mibps or 0))

    def _check_quota(self, added: int, mode: StreamMode, context: CallContext, now_s: float) -> None:
        streams = self._registry.of(context, now_s)
        if mode == "PROVISIONED":
            check_shard_quota(_provisioned_shards(streams), added, context)
        elif sum(stream.mode == "ON_DEMAND" for stream in streams) >= ON_DEMAND_STREAM_LIMIT:
            raise limit_exceeded(
                f"This request would exceed the on-demand stream limit for the account {context.account_id} "
                f"in {context.region}. Limit: {ON_DEMAND_STREAM_LIMIT}."
            )

    def _account_settings(self, context: CallContext) -> Body:
        since_s = self._registry.commitments_s.get(context.account_id)
        if since_s is None:
            return {"MinimumThroughputBillingCommitment": {"Status": "DISABLED"}}
        return {"MinimumThroughputBillingCommitment": {"Status": "ENABLED", "StartedAt": round(since_s, 3)}}


def check_shard_quota(current: int, added: int, context: CallContext) -> None:
    """Raises AwsError LimitExceededException when the account would have too many open shards."""
    if current + added > SHARD_LIMIT:
        raise limit_exceeded(
            f"This request would exceed the shard limit for the account {context.account_id} in "
            f"{context.region}. Current shard count for the account: {current}. Limit: {SHARD_LIMIT}. Number "
            f"of additional shards that would have resulted from this request: {added}. Refer to the AWS "
            "Service Limits page (http://docs.aws.amazon.com/general/latest/gr/aws_service_limits.html) for "
            "current limits and how to request higher limits."
        )


def warm_throughput(stream: Stream) -> dict[str, int]:
    """WarmThroughput, as the API gives it: each open shard takes 1 MiB/s."""
    return {"TargetMiBps": stream.warm_throughput_mibps, "CurrentMiBps": len(stream.shards.open)}


def _settings(stream: Stream) -> Body:
    return {
        "RetentionPeriodHours": stream.retention_hours,
        "EnhancedMonitoring": [{"ShardLevelMetrics": []}],
        "EncryptionType": "NONE",
    }


def _provisioned_shards(streams: list[Stream]) -> int:
    return sum(len(stream.shards.open) for stream in streams if stream.mode == "PROVISIONED")


def _retention_hours(body: Body) -> int:
    hours = int(body["RetentionPeriodHours"])
    if hours < MIN_RETENTION_HOURS:
        raise invalid_argument(
            f"Minimum allowed retention period is {MIN_RETENTION_HOURS} hours. "
            f"Requested retention period ({hours} hours) is too short."
        )
    if hours > MAX_RETENTION_HOURS:
        raise invalid_argument(
            f"Maximum allowed retention period is {MAX_RETENTION_HOURS} hours. "
            f"Requested retention period ({hours} hours) is too long."
        )
    return hours
