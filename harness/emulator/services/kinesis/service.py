"""Kinesis Data Streams: the operations by name, over HTTP and in-process, and the one loop that waits."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import orjson

from harness.aws.limits.profiles import Limits
from harness.emulator.services.base import AwsError, AwsRequest, AwsResponse, CallContext
from harness.emulator.services.json_protocol import error_response, json_response, parse_body, parse_target
from harness.emulator.services.kinesis.cbor import refuse_cbor, speaks_cbor
from harness.emulator.services.kinesis.errors import internal_failure, not_offered, unknown_operation
from harness.emulator.services.kinesis.inputs import check_input
from harness.emulator.services.kinesis.reads import Reads
from harness.emulator.services.kinesis.registry import StreamRegistry
from harness.emulator.services.kinesis.shapes import NOT_OFFERED
from harness.emulator.services.kinesis.shard_operations import ShardOperations
from harness.emulator.services.kinesis.store import MEMORY_BUDGET_BYTES, SegmentStore
from harness.emulator.services.kinesis.stream_operations import StreamOperations
from harness.emulator.services.kinesis.stream_position import OPERATION as POSITION
from harness.emulator.services.kinesis.stream_position import StreamPositions
from harness.emulator.services.kinesis.tag_operations import TagOperations
from harness.emulator.services.kinesis.writes import Writes
from harness.measure.meters import Gauge, Meters

log = logging.getLogger(__name__)

TARGET = "Kinesis_20131202"
_HOUSEKEEPING_S = 1.0

_Handler = Callable[[bytes, CallContext, float], bytes]
_Operation = Callable[[dict[str, Any], CallContext, float], Any]


class KinesisService:
    """The service. `clock` gives seconds since the epoch; records that outgrow `memory_budget_bytes` (all
    streams together) are kept in `data_dir`, which the service empties when it closes."""

    name = "kinesis"

    def __init__(
        self,
        *,
        meters: Meters,
        limits: Limits,
        data_dir: Path,
        clock: Callable[[], float] = time.time,
        memory_budget_bytes: int = MEMORY_BUDGET_BYTES,
    ) -> None:
        self._clock = clock
        store = SegmentStore(data_dir / "segments", memory_budget_bytes)
        store.clear()  # what an earlier process left behind belongs to no stream
        self._registry = StreamRegistry(store=store, limits=limits, meters=meters)
        self._handlers = _handlers(self._registry, meters)
        self._positions = StreamPositions(self._registry, meters)
        self._housekeeping: asyncio.Task[None] | None = None
        meters.watch(self._gauges)

    async def call(self, operation: str, body: bytes, context: CallContext) -> bytes:
        """Answer an operation. Raises AwsError."""
        handler = self._handlers.get(operation)
        if handler is None:
            if operation == POSITION:
                return await self._positions.stream_position(body, context, self._clock)
            raise not_offered(operation) if operation in NOT_OFFERED else unknown_operation(operation)
        return handler(body, context, self._clock())

    async def handle(self, request: AwsRequest) -> AwsResponse:
        """Answer a request over HTTP, in JSON 1.1."""
        if speaks_cbor(request.headers):
            return refuse_cbor()
        try:
            target = parse_target(request.headers)
            if target.service != TARGET:
                raise unknown_operation(f"{target.service}.{target.operation}")
            return json_response(await self.call(target.operation, request.body, request.context), request)
        except AwsError as error:
            return error_response(error, request)
        except Exception:
            log.exception("Kinesis failed at %s.", request.headers.get("x-amz-target"))
            return error_response(internal_failure(), request)

    def housekeep(self) -> None:
        """Do what is due by the clock: transitions, retention, on-demand scaling, hours billed."""
        self._registry.housekeep(self._clock())

    async def start(self) -> None:
        """Begin to do every second what is due."""
        self._housekeeping = asyncio.create_task(self._keep_house(), name="kinesis-housekeeping")

    async def reset(self) -> None:
        """Forget all streams, and the account's settings."""
        self._registry.reset()

    async def close(self) -> None:
        """Stop, and delete what was spilled."""
        if self._housekeeping is not None:
            self._housekeeping.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._housekeeping
        self._registry.reset()

    async def _keep_house(self) -> None:
        while True:
            await asyncio.sleep(_HOUSEKEEPING_S)
            try:
                self.housekeep()
            except Exception:
                log.exception("Kinesis failed at its housekeeping.")

    def _gauges(self) -> Iterable[Gauge]:
        now_s = self._clock()
        self._registry.settle(now_s)
        for stream in self._registry.streams.values():
            stream.bill_until(now_s)
        return self._registry.gauges()


def _handlers(registry: StreamRegistry, meters: Meters) -> dict[str, _Handler]:
    streams = StreamOperations(registry)
    shards = ShardOperations(registry, streams)
    tags = TagOperations(registry)
    reads = Reads(registry, meters)
    writes = Writes(registry, meters)
    operations: dict[str, _Operation] = {
        "AddTagsToStream": tags.add_tags_to_stream,
        "CreateStream": streams.create_stream,
        "DecreaseStreamRetentionPeriod": streams.decrease_retention,
        "DeleteStream": streams.delete_stream,
        "DescribeAccountSettings": streams.describe_account_settings,
        "DescribeLimits": streams.describe_limits,
        "DescribeStream": streams.describe_stream,
        "DescribeStreamSummary": streams.describe_stream_summary,
        "GetShardIterator": reads.get_shard_iterator,
        "IncreaseStreamRetentionPeriod": streams.increase_retention,
        "ListShards": shards.list_shards,
        "ListStreams": streams.list_streams,
        "ListTagsForResource": tags.list_tags_for_resource,
        "ListTagsForStream": tags.list_tags_for_stream,
        "MergeShards": shards.merge_shards,
        "RemoveTagsFromStream": tags.remove_tags_from_stream,
        "SplitShard": shards.split_shard,
        "TagResource": tags.tag_resource,
        "UntagResource": tags.untag_resource,
        "UpdateAccountSettings": streams.update_account_settings,
        "UpdateShardCount": shards.update_shard_count,
        "UpdateStreamMode": streams.update_stream_mode,
        "UpdateStreamWarmThroughput": shards.update_warm_throughput,
    }
    return {
        **{name: _json_handler(name, operation) for name, operation in operations.items()},
        "GetRecords": reads.get_records,
        "PutRecord": writes.put_record,
        "PutRecords": writes.put_records,
    }


def _json_handler(name: str, operation: _Operation) -> _Handler:
    """`operation` on checked JSON; an operation without output answers an empty body, as AWS does."""

    def handler(raw: bytes, context: CallContext, now_s: float) -> bytes:
        answer = operation(check_input(name, parse_body(raw)), context, now_s)
        return b"" if answer is None else orjson.dumps(answer)

    return handler
