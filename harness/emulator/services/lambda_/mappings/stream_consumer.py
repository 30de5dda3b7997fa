"""All shards of one mapping's stream, parents before children, and how far behind the mapping is."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable

from harness.emulator.services.base import AwsError
from harness.emulator.services.lambda_.mappings.configuration import BatchRules, Start
from harness.emulator.services.lambda_.mappings.filters import Filters
from harness.emulator.services.lambda_.mappings.lanes import Record, ShardLanes
from harness.emulator.services.lambda_.mappings.polling import ShardInfo, startable
from harness.emulator.services.lambda_.mappings.shard_consumer import BatchSink, ShardConsumer
from harness.emulator.services.lambda_.mappings.sources import (
    TRIM_HORIZON,
    Position,
    StreamPosition,
    StreamSource,
)
from harness.measure.meters import Counter

NEWS_WAIT_S = 15.0
"""How long the stream is asked to wait for news. The backlog is counted anew at least that often."""
RETRY_S = 1.0
_log = logging.getLogger(__name__)


class Backlog:
    """Records that the stream accepted and the mapping has not acknowledged, exact at every moment.

    The stream says now and then how many records lie behind the mapping's iterators (`looked`). What it
    accepts since is in `accepted` (the stream's own meter, which stays 0 when the stream is in another
    process: then the figure is as old as the last look), and what the mapping reads since is counted here."""

    def __init__(self, accepted: Counter) -> None:
        self._accepted = accepted
        self._behind = 0
        self._accepted_then = 0.0
        self._read_then = 0

    def looked(self, behind: int, accepted: float, read_then: int) -> None:
        """`behind` as of a moment when the stream had accepted `accepted` records, against iterators taken
        when the mapping had read `read_then`."""
        self._behind, self._accepted_then, self._read_then = behind, accepted, read_then

    def records(self, read: int, unacknowledged: int) -> int:
        """The backlog now, when the mapping has read `read` records in all."""
        accepted_since = max(0, int(self._accepted.value - self._accepted_then))
        return unacknowledged + max(0, self._behind + accepted_since - (read - self._read_then))


class StreamConsumer:
    """Consumes a stream. `start` until it has returned is AWS's Creating; `stop` keeps the checkpoints, and
    `start` goes on from them."""

    def __init__(
        self,
        source: StreamSource,
        sink: BatchSink,
        rules: BatchRules,
        start: Start,
        clock: Callable[[], float],
    ) -> None:
        self.rules = rules
        self._filters = Filters(rules.filters, source.encoded_member)
        self._source = source
        self._sink = sink
        self._start = start
        self._clock = clock
        self._backlog = Backlog(source.accepted)
        self._checkpoints: dict[str, Position] | None = None
        self._created: str | None = None
        self._successor: str | None = None
        """The stream made anew under the name of the one that was read, until it is begun with."""
        self._finished: set[str] = set()
        self._listed: set[str] = set()
        self._consumers: dict[str, ShardConsumer] = {}
        self._runs: dict[asyncio.Task[None], str] = {}
        self._read_by_former = 0
        self._loops: list[asyncio.Task[None]] = []
        self._shards_came = asyncio.Event()

    async def start(self) -> None:
        """Find the shards and take their iterators, then consume. Raises AwsError."""
        shards = await self._list()
        created = (await self._source.position({})).created
        if self._created not in (None, created):  # made anew while the mapping was disabled
            self._checkpoints = {}
            self._finished.clear()
        self._created = created
        if self._checkpoints is None:
            if self._start.position == "LATEST":
                self._finished = {shard.id for shard in shards if not shard.is_open}
            first = Position(self._start.position, timestamp_s=self._start.timestamp_s)
            self._checkpoints = {shard.id: first for shard in shards}
        try:
            for consumer in self._begin(shards):
                await consumer.open()
            position = await self._look()
        except AwsError:
            self._forget_consumers()
            raise
        loop = asyncio.get_running_loop()
        for consumer in self._consumers.values():
            self._run(consumer)
        self._loops = [loop.create_task(self._follow()), loop.create_task(self._hear(position))]

    async def stop(self) -> None:
        """Let what is under way end, and keep where each shard stands."""
        await self._cancel_loops()
        if self._checkpoints is None:  # it never began: the stream was not there
            return
        await self._end_consumers()
        for consumer in self._consumers.values():
            if consumer.ended and not consumer.lanes.unacknowledged:
                self._finished.add(consumer.shard_id)
            self._checkpoints[consumer.shard_id] = consumer.checkpoint()
        self._forget_consumers()

    async def abandon(self) -> None:
        """End at once: what is under way is cancelled."""
        await self._cancel_loops()
        for task in self._runs:
            task.cancel()
        await asyncio.gather(*self._runs, return_exceptions=True)
        self._forget_consumers()

    def backlog_records(self) -> int:
        """Records accepted by the stream since the mapping's start and not acknowledged."""
        unacknowledged = sum(consumer.lanes.unacknowledged for consumer in self._consumers.values())
        return self._backlog.records(self._records_read(), unacknowledged)

    def iterator_age_ms(self) -> float:
        """The highest of all shards."""
        return max((consumer.iterator_age_ms() for consumer in self._consumers.values()), default=0.0)

    def change_rules(self, rules: BatchRules) -> None:
        """Take rules with the same parallelization factor while running."""
        self.rules = rules
        self._filters = Filters(rules.filters, self._source.encoded_member)
        for consumer in self._consumers.values():
            consumer.lanes.rules = rules

    def _wanted(self, records: list[Record]) -> list[Record]:
        """Those of `records` that match the filters."""
        if not self._filters:
            return records
        kept = [record for record in records if self._filters.match(self._source.filtered(record))]
        self._sink.filtered_out(len(records) - len(kept))
        return kept

    def _begin(self, shards: Iterable[ShardInfo]) -> list[ShardConsumer]:
        """Consumers for the shards whose turn has come, their first reads spread over the base interval."""
        assert self._checkpoints is not None
        found = startable(shards, self._finished, self._consumers.keys())
        now_s = self._clock()
        begun = []
        for index, shard in enumerate(found):
            position = self._checkpoints.get(shard.id, TRIM_HORIZON)
            first_read_s = now_s + self._source.polling.base_interval_s * index / len(found)
            consumer = ShardConsumer(
                shard.id,
                position,
                self._source,
                self._sink,
                ShardLanes(self.rules, now_s, self._source.polling.read_ahead_records),
                self._clock,
                first_read_s,
                self._wanted,
            )
            self._consumers[shard.id] = consumer
            begun.append(consumer)
        return begun

    def _run(self, consumer: ShardConsumer) -> None:
        task = asyncio.get_running_loop().create_task(consumer.run())
        self._runs[task] = consumer.shard_id
        task.add_done_callback(lambda _: self._shards_came.set())

    async def _follow(self) -> None:
        """When a shard is finished or has come, begin with those whose turn it is."""
        while True:
            await self._shards_came.wait()
            self._shards_came.clear()
            if self._successor is not None:
                await self._begin_anew(self._successor)
            for task in [task for task in self._runs if task.done()]:
                shard_id = self._runs.pop(task)
                if task.exception() is not None:
                    _log.error(
                        "the consumer of %s failed; it begins again", shard_id, exc_info=task.exception()
                    )
                    self._begin_again(shard_id)
                else:
                    self._finished.add(shard_id)
                    self._retire(shard_id)
            try:
                for consumer in self._begin(await self._list()):
                    self._run(consumer)
            except AwsError as error:
                _log.warning("the shards of %s could not be listed: %s", self._source.arn, error)
                self._shards_came.set()
                await asyncio.sleep(RETRY_S)

    async def _list(self) -> list[ShardInfo]:
        shards = await self._source.shards()
        self._listed = {shard.id for shard in shards}
        return shards

    def _begin_again(self, shard_id: str) -> None:
        assert self._checkpoints is not None
        self._checkpoints[shard_id] = self._consumers[shard_id].checkpoint()
        self._retire(shard_id)

    def _retire(self, shard_id: str) -> None:
        """What it read and did not finish is read again from the checkpoint."""
        consumer = self._consumers.pop(shard_id)
        self._read_by_former += consumer.records_read - consumer.lanes.unacknowledged

    async def _hear(self, position: StreamPosition) -> None:
        """Ask the stream for news of `position`, again and again, and tell the shards that have some."""
        refused_with = None
        while True:
            try:
                heard = await self._look(position.mark, NEWS_WAIT_S)
            except AwsError as error:
                if error.code != refused_with:
                    _log.warning("the position of %s could not be had: %s", self._source.arn, error)
                refused_with = error.code
                await asyncio.sleep(RETRY_S)
                continue
            refused_with = None
            if heard.created != self._created:
                self._successor = heard.created
                self._shards_came.set()
                await asyncio.sleep(self._source.polling.news_interval_s)
                continue
            self._recover_lost(heard)
            self._tell({shard for shard, count in heard.behind.items() if count} | heard.closed)
            if not heard.behind.keys() <= self._listed:
                self._shards_came.set()
            if heard.mark != position.mark:
                await asyncio.sleep(self._source.polling.news_interval_s)
            position = heard

    def _tell(self, shards: Iterable[str]) -> None:
        for shard in shards:
            consumer = self._consumers.get(shard)
            if consumer is not None and not consumer.ended:
                consumer.tell()

    def _recover_lost(self, heard: StreamPosition) -> None:
        for shard, consumer in self._consumers.items():
            if consumer.is_lost:
                consumer.find() if shard in heard.behind else consumer.end()

    async def _begin_anew(self, created: str) -> None:
        """The stream is another one under the same name: none of it has been read."""
        _log.warning("%s was made anew; it is read from its beginning", self._source.arn)
        await self._end_consumers()
        self._forget_consumers()
        self._created, self._successor, self._checkpoints = created, None, {}
        self._finished.clear()

    async def _look(self, after: str | None = None, wait_s: float = 0.0) -> StreamPosition:
        read_then = self._records_read()
        iterators = {shard: each.iterator for shard, each in self._consumers.items() if each.iterator}
        read_to_the_end = {shard for shard, each in self._consumers.items() if each.ended} | self._finished
        position = await self._source.position(iterators, after, wait_s)
        if position.created != self._created:  # of the new one nothing has been read, not even to its end
            read_to_the_end = set()
        behind = sum(n for shard, n in position.behind.items() if shard not in read_to_the_end)
        self._backlog.looked(behind, position.accepted, read_then)
        return position

    def _records_read(self) -> int:
        return self._read_by_former + sum(consumer.records_read for consumer in self._consumers.values())

    async def _end_consumers(self) -> None:
        for consumer in self._consumers.values():
            consumer.stop()
        await asyncio.gather(*self._runs, return_exceptions=True)

    def _forget_consumers(self) -> None:
        for shard_id in list(self._consumers):
            self._retire(shard_id)
        self._runs.clear()

    async def _cancel_loops(self) -> None:
        for task in self._loops:
            task.cancel()
        await asyncio.gather(*self._loops, return_exceptions=True)
        self._loops = []
