"""Splitting, merging, counting and listing shards.

docs: SplitShard, MergeShards, UpdateShardCount, ListShards API references (read 2026)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.emulator.services.base import CallContext
from harness.emulator.services.kinesis.errors import (
    invalid_argument,
    limit_exceeded,
    shard_not_found,
    validation,
)
from harness.emulator.services.kinesis.registry import StreamRegistry, stream_name
from harness.emulator.services.kinesis.shards import Shard, parse_shard_id, shard_id
from harness.emulator.services.kinesis.stream_operations import (
    StreamOperations,
    check_shard_quota,
    warm_throughput,
)
from harness.emulator.services.kinesis.streams import Stream
from harness.emulator.services.kinesis.tokens import ShardListPage

Body = dict[str, Any]

_MAX_SHARDS_A_STREAM = 10_000
_SHARD_COUNT_CHANGES_A_DAY = 10
_DAY_S = 86_400
_NEEDS_TIMESTAMP = ("AT_TIMESTAMP", "FROM_TIMESTAMP")


class ShardOperations:
    """Each method is an operation: the input, the caller, the time; the output, or None for an empty one."""

    def __init__(self, registry: StreamRegistry, stream_operations: StreamOperations) -> None:
        self._registry = registry
        self._stream_operations = stream_operations

    def split_shard(self, body: Body, context: CallContext, now_s: float) -> None:
        """SplitShard."""
        name = stream_name(body, context)
        number = _shard_number(body["ShardToSplit"], name, context)
        stream = self._registry.active(name, context, now_s)
        shard = _known_shard(stream, number, context)
        new_start = int(body["NewStartingHashKey"])
        low, high = shard.starting_hash_key, shard.ending_hash_key
        if not low + 1 < new_start < high:
            raise invalid_argument(
                f"NewStartingHashKey {new_start} used in SplitShard() on shard {shard.id} in stream {name} "
                f"under account {context.account_id} is not both greater than one plus the shard's "
                f"StartingHashKey {low} and less than the shard's EndingHashKey {high}."
            )
        _check_open(stream, shard, context)
        check_shard_quota(self._open_shards(context, now_s), 1, context)
        stream.begin(
            "UPDATING", now_s, _billed(stream, lambda at_s: stream.shards.split(shard, new_start, at_s))
        )

    def merge_shards(self, body: Body, context: CallContext, now_s: float) -> None:
        """MergeShards."""
        name = stream_name(body, context)
        numbers = [
            _shard_number(body[member], name, context) for member in ("ShardToMerge", "AdjacentShardToMerge")
        ]
        stream = self._registry.active(name, context, now_s)
        lower, upper = (_known_shard(stream, number, context) for number in numbers)
        if lower.ending_hash_key + 1 != upper.starting_hash_key:
            raise invalid_argument(
                f"Shards {lower.id} and {upper.id} in stream {name} under account {context.account_id} are "
                "not an adjacent pair of shards eligible for merging"
            )
        _check_open(stream, lower, context)
        _check_open(stream, upper, context)
        stream.begin("UPDATING", now_s, _billed(stream, lambda at_s: stream.shards.merge(lower, upper, at_s)))

    def update_shard_count(self, body: Body, context: CallContext, now_s: float) -> Body:
        """UpdateShardCount."""
        stream = self._registry.active(stream_name(body, context), context, now_s)
        target = int(body["TargetShardCount"])
        current = len(stream.shards.open)
        if stream.mode != "PROVISIONED":
            raise validation("UpdateShardCount is only supported for streams in PROVISIONED mode.")
        _check_target(current, target)
        recent = [at_s for at_s in stream.shard_count_changes_s if at_s > now_s - _DAY_S]
        if len(recent) >= _SHARD_COUNT_CHANGES_A_DAY:
            raise limit_exceeded(
                f"UpdateShardCount cannot be called more than {_SHARD_COUNT_CHANGES_A_DAY} times in 24 hours "
                f"on stream {stream.name} under account {context.account_id}."
            )
        check_shard_quota(self._open_shards(context, now_s), max(0, target - current), context)
        stream.shard_count_changes_s = [*recent, now_s]
        stream.begin("UPDATING", now_s, _billed(stream, lambda at_s: stream.shards.scale_to(target, at_s)))
        return {
            "StreamName": stream.name,
            "StreamARN": stream.arn,
            "CurrentShardCount": current,
            "TargetShardCount": target,
        }

    def update_warm_throughput(self, body: Body, context: CallContext, now_s: float) -> Body:
        """UpdateStreamWarmThroughput: the stream is scaled to it, up or down, but not below a new stream."""
        stream = self._registry.active(stream_name(body, context), context, now_s)
        mibps = int(body["WarmThroughputMiBps"])
        self._stream_operations.check_warm_throughput(mibps, stream.mode, context)
        stream.warm_throughput_mibps = mibps
        count = max(1, int(self._registry.limits.kinesis_on_demand_initial_shards), mibps)
        answer = {
            "StreamName": stream.name,
            "StreamARN": stream.arn,
            "WarmThroughput": warm_throughput(stream),
        }
        stream.begin("UPDATING", now_s, _billed(stream, lambda at_s: stream.shards.scale_to(count, at_s)))
        return answer

    def list_shards(self, body: Body, context: CallContext, now_s: float) -> Body:
        """ListShards."""
        limit = int(body.get("MaxResults") or 1_000)
        page = self._page(body, context, now_s)
        stream = self._registry.find(page.stream, context, now_s)
        stream.expire(now_s)
        shards = [
            shard
            for shard in stream.shards.all()
            if shard.number > page.after_shard_number
            and _passes(shard, page, horizon_s=max(stream.trim_horizon_s(now_s), stream.created_at_s))
        ]
        answer: Body = {"Shards": [shard.describe() for shard in shards[:limit]]}
        if len(shards) > limit:
            following = page._replace(after_shard_number=shards[limit - 1].number)
            answer["NextToken"] = self._registry.tokens.next_page(following, int(now_s * 1000))
        return answer

    def _page(self, body: Body, context: CallContext, now_s: float) -> ShardListPage:
        token = body.get("NextToken")
        if token is not None:
            if any(
                body.get(member) is not None
                for member in ("StreamName", "ExclusiveStartShardId", "StreamCreationTimestamp")
            ):
                raise invalid_argument(
                    "NextToken cannot be provided together with StreamName, ExclusiveStartShardId or "
                    "StreamCreationTimestamp."
                )
            return self._registry.tokens.read_next_page(token, int(now_s * 1000))
        name = stream_name(body, context)
        after = body.get("ExclusiveStartShardId")
        number = -1 if after is None else _shard_number(after, name, context)
        filter_type, filter_value = _filter(body.get("ShardFilter") or {}, name, context)
        if filter_type == "AFTER_SHARD_ID":
            number = max(number, int(filter_value))
        return ShardListPage(name, number, filter_type, filter_value)

    def _open_shards(self, context: CallContext, now_s: float) -> int:
        return sum(len(stream.shards.open) for stream in self._registry.of(context, now_s))


def _billed(stream: Stream, change: Any) -> Any:
    """`change`, after what was used before it has been billed."""

    def then(at_s: float) -> None:
        stream.bill_until(at_s)
        change(at_s)

    return then


def _filter(shard_filter: Mapping[str, Any], stream: str, context: CallContext) -> tuple[str, float]:
    filter_type: str = shard_filter.get("Type", "FROM_TRIM_HORIZON")
    if filter_type == "AFTER_SHARD_ID":
        after = shard_filter.get("ShardId")
        if after is None:
            raise invalid_argument("ShardFilter of type AFTER_SHARD_ID needs a ShardId.")
        return filter_type, _shard_number(after, stream, context)
    if filter_type in _NEEDS_TIMESTAMP:
        timestamp = shard_filter.get("Timestamp")
        if timestamp is None:
            raise invalid_argument(f"ShardFilter of type {filter_type} needs a Timestamp.")
        return filter_type, float(timestamp)
    return filter_type, 0.0


def _passes(shard: Shard, page: ShardListPage, horizon_s: float) -> bool:
    closed_at_s = shard.closed_at_s
    match page.filter_type:
        case "AT_LATEST":
            return closed_at_s is None
        case "AT_TRIM_HORIZON":
            # The first shards are created a moment after their stream.
            created_at_s = shard.created_at_s if shard.parents else horizon_s
            return created_at_s <= horizon_s and (closed_at_s is None or closed_at_s >= horizon_s)
        case "AT_TIMESTAMP":
            at_s = max(page.filter_value, shard.created_at_s if not shard.parents else page.filter_value)
            return shard.created_at_s <= at_s and (closed_at_s is None or closed_at_s >= at_s)
        case "FROM_TIMESTAMP":
            return closed_at_s is None or closed_at_s >= page.filter_value
        case _:
            return True


def _shard_number(text: str, stream: str, context: CallContext) -> int:
    number = parse_shard_id(text)
    if number is None:
        raise shard_not_found(text, stream, context)
    return number


def _known_shard(stream: Stream, number: int, context: CallContext) -> Shard:
    shard = stream.shards.get(number)
    if shard is None:
        raise shard_not_found(shard_id(number), stream.name, context)
    return shard


def _check_open(stream: Stream, shard: Shard, context: CallContext) -> None:
    if not shard.is_open:
        raise invalid_argument(
            f"Shard {shard.id} in stream {stream.name} under account {context.account_id} is closed and "
            "cannot be split or merged."
        )


def _check_target(current: int, target: int) -> None:
    counts = f"Current open shard count: {current}, Target shard count: {target}"
    if target > max(_MAX_SHARDS_A_STREAM, current):
        raise limit_exceeded(
            "Target shard count or number of open shards cannot be greater than "
            f"{_MAX_SHARDS_A_STREAM}. {counts}"
        )
    if target > 2 * current:
        raise limit_exceeded(
            f"UpdateShardCount cannot scale up over double your current open shard count. {counts}"
        )
    if 2 * target < current:
        raise limit_exceeded(
            f"UpdateShardCount cannot scale down below half your current open shard count. {counts}"
        )
