"""DynamoDB as a service of the embedded AWS: the JSON 1.0 protocol around its operations.

What AWS has and this DynamoDB has not answers with an error that names it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from contextlib import suppress

import orjson

from harness.aws.limits.profiles import Limits
from harness.emulator.services.base import AwsError, AwsRequest, AwsResponse, CallContext
from harness.emulator.services.dynamodb import (
    batch,
    control,
    query,
    reads,
    table_features,
    tags,
    transactions,
    ttl,
    writes,
)
from harness.emulator.services.dynamodb.errors import type_prefix
from harness.emulator.services.dynamodb.request import Answer, Request
from harness.emulator.services.dynamodb.streams import for_lambda
from harness.emulator.services.dynamodb.streams.operations import StreamOperations
from harness.emulator.services.dynamodb.table import Table
from harness.emulator.services.dynamodb.tables import SERVICE, Tables
from harness.emulator.services.json_protocol import (
    JSON_1_0,
    error_response,
    json_response,
    parse_body,
    parse_target,
)
from harness.measure.meters import Meters

TARGET = "DynamoDB_20120810"
TICK_S = 0.2
STREAMS_TARGET = "DynamoDBStreams_20120810"
Operation = Callable[[Tables, Request, CallContext], Answer]

OPERATIONS: Mapping[str, Operation] = {
    "BatchGetItem": batch.batch_get_item,
    "BatchWriteItem": batch.batch_write_item,
    "CreateTable": control.create_table,
    "DeleteItem": writes.delete_item,
    "DeleteTable": control.delete_table,
    "DescribeContinuousBackups": table_features.describe_continuous_backups,
    "DescribeLimits": table_features.describe_limits,
    "DescribeTable": control.describe,
    "DescribeTimeToLive": table_features.describe_time_to_live,
    "GetItem": reads.get_item,
    "ListTables": control.list_tables,
    "ListTagsOfResource": tags.list_tags,
    "PutItem": writes.put_item,
    "Query": query.query,
    "Scan": query.scan,
    "TagResource": tags.tag_resource,
    "TransactGetItems": transactions.transact_get_items,
    "TransactWriteItems": transactions.transact_write_items,
    "UntagResource": tags.untag_resource,
    "UpdateItem": writes.update_item,
    "UpdateTable": control.update_table,
    "UpdateTimeToLive": table_features.update_time_to_live,
}


class DynamoDbService:
    """DynamoDB. Over HTTP it answers for its streams, too; in-process `DynamoDbStreamsService` does. A stream
    has a shard for each partition of its table, and at most `max_stream_shards`."""

    name = SERVICE

    def __init__(
        self,
        *,
        meters: Meters,
        limits: Limits,
        clock: Callable[[], float] = time.time,
        max_stream_shards: int | None = None,
    ) -> None:
        self._meters = meters
        self.tables = Tables(meters, limits, clock, max_stream_shards)
        self._stream_operations = StreamOperations(self.tables)
        self._lambda_reads = for_lambda.LambdaReads(self.tables)
        self._keeper: asyncio.Task[None] | None = None

    async def handle(self, request: AwsRequest) -> AwsResponse:
        """Answer over HTTP, with the checksum that SDKs verify."""
        try:
            body = await self._body(request)
        except AwsError as error:
            return error_response(
                error, request, type_prefix=type_prefix(error.code), content_type=JSON_1_0, crc32=True
            )
        return json_response(body, request, content_type=JSON_1_0, crc32=True)

    async def _body(self, request: AwsRequest) -> bytes:
        target = parse_target(request.headers)
        if target.service == STREAMS_TARGET:
            return await self.answer_of_streams(target.operation, request.body, request.context)
        if target.service != TARGET:
            raise AwsError("UnknownOperationException", f"{target.service} is not a target of DynamoDB.")
        if target.operation == "DescribeEndpoints":
            host = request.headers.get("host", "localhost")
            return orjson.dumps(table_features.describe_endpoints(host))
        return self._answer(target.operation, request.body, request.context)

    async def answer_of_streams(self, operation: str, body: bytes, context: CallContext) -> bytes:
        """Answer an operation of DynamoDB Streams. Raises AwsError."""
        if operation in (for_lambda.POSITION, for_lambda.READ):
            return await self._lambda_reads.answer(operation, body)
        return self._stream_operations.answer(operation, body, context)

    async def call(self, operation: str, body: bytes, context: CallContext) -> bytes:
        """Answer in-process. Raises AwsError."""
        return self._answer(operation, body, context)

    def _answer(self, operation: str, body: bytes, context: CallContext) -> bytes:
        run = OPERATIONS.get(operation)
        if run is None:
            raise AwsError(
                "UnknownOperationException",
                f"The operation {operation} is not offered by Launchday's DynamoDB.",
            )
        request = parse_body(body)
        if context.trace_id is not None:
            self._meters.call(context.trace_id, SERVICE, operation, _resource(request))
        return orjson.dumps(run(self.tables, request, context))

    async def start(self) -> None:
        """Begin to do what is done in the background: expiry, trimming, building indexes."""
        self._keeper = asyncio.create_task(self._keep_house())

    async def _keep_house(self) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            self.tables.changes.trim(self.tables.clock())
            for table in self.tables:
                self.tend(table)
                await asyncio.sleep(0)

    def tend(self, table: Table) -> None:
        """Do what a table needs done in the background, for a millisecond or a few."""
        ttl.sweep(table, self.tables.clock())
        control.build_indexes(table)

    async def reset(self) -> None:
        """Forget all tables and streams."""
        self.tables.clear()

    async def close(self) -> None:
        """Stop what runs in the background."""
        if self._keeper is not None:
            self._keeper.cancel()
            with suppress(asyncio.CancelledError):
                await self._keeper
            self._keeper = None


def _resource(request: Request) -> str:
    """The table that a call is about; the first one of a batch or a transaction."""
    name = request.get("TableName")
    if type(name) is str:
        return name
    batched = request.get("RequestItems")
    if type(batched) is dict and batched:
        return str(next(iter(batched)))
    members = request.get("TransactItems")
    if type(members) is list and members and type(members[0]) is dict:
        for member in members[0].values():
            if type(member) is dict:
                return str(member.get("TableName", ""))
    return ""
