"""All event source mappings: their states, their consumers, and the invocations that they make."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Callable, Coroutine, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Literal

from harness.emulator.services.base import AwsError
from harness.emulator.services.lambda_.asynchronous.destinations import Destinations
from harness.emulator.services.lambda_.errors import conflict, function_not_found
from harness.emulator.services.lambda_.functions import Functions
from harness.emulator.services.lambda_.invocation import Call, Runner, new_request_id
from harness.emulator.services.lambda_.mappings.configuration import BatchRules, Start
from harness.emulator.services.lambda_.mappings.discards import discard_record
from harness.emulator.services.lambda_.mappings.lanes import Batch, Discard
from harness.emulator.services.lambda_.mappings.responses import first_failed
from harness.emulator.services.lambda_.mappings.shard_consumer import Throttled
from harness.emulator.services.lambda_.mappings.sources import StreamSource
from harness.emulator.services.lambda_.mappings.stream_consumer import StreamConsumer
from harness.measure.meters import Gauge, Meters

MappingState = Literal["Creating", "Enabling", "Enabled", "Disabling", "Disabled", "Updating", "Deleting"]
RETRY_START_S = 1.0
_log = logging.getLogger(__name__)


@dataclass(slots=True)
class EventSourceMapping:
    """One mapping. `enabled` is what is wanted, `state` what is."""

    function_arn: str
    source_arn: str
    rules: BatchRules
    start: Start
    consumer: StreamConsumer
    last_modified_s: float
    enabled: bool = True
    state: MappingState = "Creating"
    last_result: str = "No records processed"
    uuid: str = field(default_factory=lambda: str(uuid.uuid4()))
    transition: asyncio.Task[None] | None = None
    """What is changing it; another change is refused meanwhile."""


class _Sink:
    """Invokes a mapping's function with its batches, and tells of discarded ones."""

    def __init__(self, mappings: Mappings, source: StreamSource, function_arn: str) -> None:
        self._mappings = mappings
        self._source = source
        self._function_arn = function_arn
        self._request_ids: dict[str, str] = {}
        self.mapping: EventSourceMapping | None = None

    async def process(self, shard_id: str, batch: Batch) -> int | None:
        """Invoke the function with `batch`."""
        owner, mapping = self._mappings, self.mapping
        assert mapping is not None
        function = owner.functions.find(self._function_arn)
        if function is None:
            mapping.last_result = "PROBLEM: Function not found"
            raise Throttled
        request_id = new_request_id()
        payload = self._source.event(shard_id, batch.records)
        call = Call(payload, request_id, self._source.name, synchronous=True, records=len(batch.records))
        try:
            done = await owner.runner.run(function, call)
        except AwsError as error:
            owner.count(function.name, "throttles")
            mapping.last_result = f"PROBLEM: {error.message}"
            raise Throttled from error
        self._request_ids[shard_id] = request_id
        failed_from: int | None = 0
        if done.function_error is None:
            failed_from = first_failed(done.payload, batch) if mapping.rules.report_item_failures else None
        mapping.last_result = "OK" if failed_from is None else "PROBLEM: Function call failed"
        return failed_from

    def filtered_out(self, records: int) -> None:
        """Count them."""
        self._mappings.count(self._function_arn.rpartition(":")[2], "filtered_records", records)

    async def discard(self, shard_id: str, discard: Discard) -> None:
        """Deliver the record of a discarded batch, if somebody wants it."""
        owner, mapping = self._mappings, self.mapping
        assert mapping is not None
        name = self._function_arn.rpartition(":")[2]
        owner.count(name, "discarded_records", len(discard.batch.records))
        if mapping.rules.on_failure is None:
            return
        record = discard_record(
            discard,
            function_arn=self._function_arn,
            batch_info=self._source.batch_info(shard_id, discard.batch.records),
            request_id=self._request_ids.get(shard_id),
            now_s=owner.clock(),
        )
        try:
            await owner.destinations.deliver(mapping.rules.on_failure, record)
        except Exception as error:  # whatever it is, the shard goes on
            owner.count(name, "destination_failures")
            _log.error("the record of a discarded batch could not be delivered: %r", error)
        else:
            owner.count(name, "destination_deliveries")


class Mappings:
    """The registry of mappings, and the changes of their states."""

    def __init__(
        self,
        functions: Functions,
        runner: Runner,
        destinations: Destinations,
        meters: Meters,
        clock: Callable[[], float],
    ) -> None:
        self.functions = functions
        self.runner = runner
        self.destinations = destinations
        self.clock = clock
        self._meters = meters
        self._by_id: dict[str, EventSourceMapping] = {}

    def __iter__(self) -> Iterator[EventSourceMapping]:
        return iter(list(self._by_id.values()))

    def count(self, function: str, unit: str, n: int = 1) -> None:
        """Add to a meter of the function."""
        self._meters.counter("lambda", function, unit).value += n

    def find(self, mapping_id: str) -> EventSourceMapping | None:
        """The mapping of that UUID, if there is one."""
        return self._by_id.get(mapping_id)

    def create(
        self, function_arn: str, source: StreamSource, rules: BatchRules, start: Start, *, enabled: bool
    ) -> EventSourceMapping:
        """A new mapping, Creating. Raises AwsError when there is one of the same stream and function."""
        source_arn = source.arn
        for other in self._by_id.values():
            if (other.function_arn, other.source_arn) == (function_arn, source_arn):
                raise conflict(
                    f"An event source mapping with event source arn ({source_arn}) and function "
                    f"({function_arn.rpartition(':')[2]}) already exists. Please update or delete the "
                    f"existing mapping with UUID {other.uuid}"
                )
        if self.functions.find(function_arn) is None:
            raise function_not_found(function_arn)
        sink = _Sink(self, source, function_arn)
        consumer = StreamConsumer(source, sink, rules, start, self.clock)
        mapping = EventSourceMapping(function_arn, source_arn, rules, start, consumer, self.clock(), enabled)
        sink.mapping = mapping
        self._by_id[mapping.uuid] = mapping
        self._change(mapping, self._begin(mapping) if enabled else self._settle(mapping, "Disabled"))
        return mapping

    def update(self, mapping: EventSourceMapping, rules: BatchRules, *, enabled: bool) -> None:
        """Change a mapping, Updating. Raises AwsError while another change is under way."""
        self.refuse_in_transition(mapping)
        mapping.last_modified_s = self.clock()
        mapping.state = "Updating" if enabled == mapping.enabled else "Enabling" if enabled else "Disabling"
        self._change(mapping, self._apply(mapping, rules, enabled))

    def delete(self, mapping: EventSourceMapping) -> None:
        """Delete a mapping: Deleting until what is under way has ended. Allowed in every state."""
        if mapping.state == "Deleting":
            raise in_use()
        if mapping.transition is not None:
            mapping.transition.cancel()
        mapping.state = "Deleting"
        self._change(mapping, self._end(mapping))

    def refuse_in_transition(self, mapping: EventSourceMapping) -> None:
        """Raises AwsError ResourceInUseException while a change is under way."""
        if mapping.transition is not None:
            raise in_use()

    def gauges(self) -> Iterable[Gauge]:
        """Backlog and iterator age of each function that has mappings, all its mappings together."""
        by_function: dict[str, list[EventSourceMapping]] = {}
        for mapping in self._by_id.values():
            by_function.setdefault(mapping.function_arn.rpartition(":")[2], []).append(mapping)
        for name, mappings in by_function.items():
            backlog = sum(mapping.consumer.backlog_records() for mapping in mappings)
            age_ms = max(mapping.consumer.iterator_age_ms() for mapping in mappings)
            yield Gauge("lambda", name, "backlog_records", backlog)
            yield Gauge("lambda", name, "iterator_age_ms", age_ms)

    async def close(self) -> None:
        """End all mappings at once."""
        mappings = list(self._by_id.values())
        self._by_id.clear()
        for mapping in mappings:
            if mapping.transition is not None:
                mapping.transition.cancel()
                await asyncio.gather(mapping.transition, return_exceptions=True)
            await mapping.consumer.abandon()

    def _change(self, mapping: EventSourceMapping, change: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(change)
        mapping.transition = task
        task.add_done_callback(lambda done: self._changed(mapping, done))

    def _changed(self, mapping: EventSourceMapping, done: asyncio.Task[None]) -> None:
        if mapping.transition is done:
            mapping.transition = None
        if not done.cancelled() and done.exception() is not None:
            _log.error("mapping %s could not change its state", mapping.uuid, exc_info=done.exception())

    async def _begin(self, mapping: EventSourceMapping) -> None:
        """Start to consume; a stream that is not there (yet) is asked again every second."""
        while True:
            try:
                await mapping.consumer.start()
                break
            except AwsError as error:
                mapping.last_result = f"PROBLEM: {error.message}"
                await asyncio.sleep(RETRY_START_S)
        mapping.state = "Enabled"

    async def _settle(self, mapping: EventSourceMapping, state: MappingState) -> None:
        mapping.state = state

    async def _apply(self, mapping: EventSourceMapping, rules: BatchRules, enabled: bool) -> None:
        was_enabled = mapping.enabled
        restart = rules.parallelization_factor != mapping.rules.parallelization_factor
        if was_enabled and (restart or not enabled):
            await mapping.consumer.stop()
        mapping.rules, mapping.enabled = replace(rules), enabled
        mapping.consumer.change_rules(rules)
        if enabled and (restart or not was_enabled):
            await self._begin(mapping)
        else:
            mapping.state = "Enabled" if enabled else "Disabled"

    async def _end(self, mapping: EventSourceMapping) -> None:
        if mapping.enabled:
            await mapping.consumer.stop()
        self._by_id.pop(mapping.uuid, None)


def in_use() -> AwsError:
    """ResourceInUseException: a change is under way."""
    message = "Cannot update the event source mapping because it is in use."
    return AwsError("ResourceInUseException", message, 400, {"Type": "User"})
