"""All event source mappings: their states and their consumers."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Callable, Coroutine, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Literal, Protocol

from harness.emulator.services.base import AwsError
from harness.emulator.services.lambda_.asynchronous.destinations import Destinations
from harness.emulator.services.lambda_.errors import conflict, function_not_found
from harness.emulator.services.lambda_.functions import Functions
from harness.emulator.services.lambda_.invocation import Runner
from harness.emulator.services.lambda_.mappings.configuration import BatchRules, Start
from harness.emulator.services.lambda_.mappings.invocations import (
    FunctionOfMapping,
    MessageSink,
    StreamSink,
)
from harness.emulator.services.lambda_.mappings.queue_consumer import QueueConsumer
from harness.emulator.services.lambda_.mappings.queue_source import QueueSource
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
    start: Start | None
    consumer: Consumer
    last_modified_s: float
    enabled: bool = True
    state: MappingState = "Creating"
    last_result: str = "No records processed"
    uuid: str = field(default_factory=lambda: str(uuid.uuid4()))
    transition: asyncio.Task[None] | None = None
    """What is changing it; another change is refused meanwhile."""


class Consumer(Protocol):
    """What works a source off."""

    async def start(self) -> None:
        """Begin, or go on. Raises AwsError when the source is not there."""

    async def stop(self) -> None:
        """Let what is under way end."""

    async def abandon(self) -> None:
        """End at once."""

    def backlog_records(self) -> int:
        """What the source holds and the mapping has not processed."""

    def iterator_age_ms(self) -> float | None:
        """How far behind it is; None when the source has no iterators."""

    def change_rules(self, rules: BatchRules) -> None:
        """Take rules with the same parallelization factor while running."""


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

    def find(self, mapping_id: str) -> EventSourceMapping | None:
        """The mapping of that UUID, if there is one."""
        return self._by_id.get(mapping_id)

    def create(
        self,
        function_arn: str,
        source: StreamSource | QueueSource,
        rules: BatchRules,
        start: Start | None,
        *,
        enabled: bool,
    ) -> EventSourceMapping:
        """A new mapping, Creating; `start` is that of a stream. Raises AwsError when there is one of the same
        source and function."""
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
        function = FunctionOfMapping(
            function_arn, self.functions, self.runner, self.destinations, self._meters, self.clock
        )
        sink: StreamSink | MessageSink
        consumer: Consumer
        if isinstance(source, QueueSource):
            sink = MessageSink(function, source)
            consumer = QueueConsumer(source, sink, rules, self.clock)
        else:
            assert start is not None
            sink = StreamSink(function, source)
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
            yield Gauge("lambda", name, "backlog_records", backlog)
            ages_ms = [age for each in mappings if (age := each.consumer.iterator_age_ms()) is not None]
            if ages_ms:
                yield Gauge("lambda", name, "iterator_age_ms", max(ages_ms))

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
