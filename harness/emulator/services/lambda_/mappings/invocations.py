"""The invocations that a mapping makes, and what it tells of records that it gave up."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Protocol

from harness.emulator.services.base import AwsError
from harness.emulator.services.lambda_.asynchronous.destinations import Destinations
from harness.emulator.services.lambda_.functions import Functions
from harness.emulator.services.lambda_.invocation import Call, Completed, Runner, new_request_id
from harness.emulator.services.lambda_.mappings.configuration import BatchRules
from harness.emulator.services.lambda_.mappings.discards import discard_record
from harness.emulator.services.lambda_.mappings.lanes import Batch, Discard
from harness.emulator.services.lambda_.mappings.queue_source import Message, QueueSource
from harness.emulator.services.lambda_.mappings.responses import failed_ids, first_failed
from harness.emulator.services.lambda_.mappings.shard_consumer import Throttled
from harness.emulator.services.lambda_.mappings.sources import StreamSource
from harness.measure.meters import Meters

_log = logging.getLogger(__name__)


class Progress(Protocol):
    """The mapping, as its invocations see and change it."""

    rules: BatchRules
    last_result: str


class FunctionOfMapping:
    """A mapping's function: invoked with its batches, metered."""

    def __init__(
        self,
        function_arn: str,
        functions: Functions,
        runner: Runner,
        destinations: Destinations,
        meters: Meters,
        clock: Callable[[], float],
    ) -> None:
        self.arn = function_arn
        self.name = function_arn.rpartition(":")[2]
        self.destinations = destinations
        self.clock = clock
        self._functions = functions
        self._runner = runner
        self._meters = meters

    def count(self, unit: str, n: int = 1) -> None:
        """Add to a meter of the function."""
        self._meters.counter("lambda", self.name, unit).value += n

    async def invoke(
        self, payload: bytes, source: str, records: int, mapping: Progress
    ) -> tuple[Completed, str]:
        """What came of it, and the request's id. Raises Throttled when the function was not invoked."""
        function = self._functions.find(self.arn)
        if function is None:
            mapping.last_result = "PROBLEM: Function not found"
            raise Throttled
        request_id = new_request_id()
        call = Call(payload, request_id, source, synchronous=True, records=records)
        try:
            return await self._runner.run(function, call), request_id
        except AwsError as error:
            self.count("throttles")
            mapping.last_result = f"PROBLEM: {error.message}"
            raise Throttled from error


class StreamSink:
    """Invokes a mapping's function with batches of a stream, and tells of discarded ones."""

    def __init__(self, function: FunctionOfMapping, source: StreamSource) -> None:
        self._function = function
        self._source = source
        self._request_ids: dict[str, str] = {}
        self.mapping: Progress | None = None

    async def process(self, shard_id: str, batch: Batch) -> int | None:
        """Invoke the function with `batch`."""
        mapping = self.mapping
        assert mapping is not None
        payload = self._source.event(shard_id, batch.records)
        done, request_id = await self._function.invoke(
            payload, self._source.name, len(batch.records), mapping
        )
        self._request_ids[shard_id] = request_id
        failed_from: int | None = 0
        if done.function_error is None:
            failed_from = first_failed(done.payload, batch) if mapping.rules.report_item_failures else None
        mapping.last_result = "OK" if failed_from is None else "PROBLEM: Function call failed"
        return failed_from

    def filtered_out(self, records: int) -> None:
        """Count them."""
        self._function.count("filtered_records", records)

    async def discard(self, shard_id: str, discard: Discard) -> None:
        """Deliver the record of a discarded batch, if somebody wants it."""
        mapping, function = self.mapping, self._function
        assert mapping is not None
        function.count("discarded_records", len(discard.batch.records))
        if mapping.rules.on_failure is None:
            return
        record = discard_record(
            discard,
            function_arn=function.arn,
            batch_info=self._source.batch_info(shard_id, discard.batch.records),
            request_id=self._request_ids.get(shard_id),
            now_s=function.clock(),
        )
        try:
            await function.destinations.deliver(mapping.rules.on_failure, record)
        except Exception as error:  # whatever it is, the shard goes on
            function.count("destination_failures")
            _log.error("the record of a discarded batch could not be delivered: %r", error)
        else:
            function.count("destination_deliveries")


class MessageSink:
    """Invokes a mapping's function with batches of a queue."""

    def __init__(self, function: FunctionOfMapping, source: QueueSource) -> None:
        self._function = function
        self._source = source
        self.mapping: Progress | None = None

    async def process(self, messages: Sequence[Message]) -> Sequence[Message]:
        """The messages that are done."""
        mapping = self.mapping
        assert mapping is not None
        payload = self._source.event(messages)
        done, _ = await self._function.invoke(payload, self._source.name, len(messages), mapping)
        processed: Sequence[Message] = []
        if done.function_error is None:
            processed = messages
            if mapping.rules.report_item_failures:
                failed = failed_ids(done.payload, {message.id for message in messages})
                processed = [message for message in messages if message.id not in failed]
        mapping.last_result = "OK" if len(processed) == len(messages) else "PROBLEM: Function call failed"
        return processed

    def filtered_out(self, records: int) -> None:
        """Count them."""
        self._function.count("filtered_records", records)
