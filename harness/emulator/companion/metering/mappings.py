"""How far the event source mappings of LocalStack's Lambda are behind, under the gauges of the embedded
Lambda: `backlog_records` and `iterator_age_ms` of each function.

A Kinesis stream's records are counted as they are accepted; how many changes of a table lie behind an
iterator is asked of the table's stream, which is in this process; and a queue's backlog is what it holds.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from harness.emulator.companion.metering.arrivals import ShardArrivals
from harness.emulator.companion.metering.positions import Iterators, Reader, ShardKey
from harness.emulator.companion.metering.rows import CallRow
from harness.emulator.services.lambda_.mappings.shard_consumer import AGE_SHOWN_S
from harness.measure.meters import Gauge

POLLER = "lambda"
_BEGINNING = -1
_P = TypeVar("_P", int, str)

Behind = Callable[[str, Mapping[str, str]], Awaitable[Mapping[str, int]]]
"""Records behind each shard of a table's stream, by its ARN and an iterator for each shard; a shard without
one counts with all that it retains. Raises KeyError when there is no such stream."""


@dataclass
class _Mapping:
    function: str
    source: str
    """The ARN of what it reads."""
    window_ms: float = 0.0
    from_the_beginning: bool = True
    sequences: dict[ShardKey, Reader[int]] = field(default_factory=dict)
    """Its place in each shard of a Kinesis stream."""
    iterators: dict[ShardKey, Reader[str]] = field(default_factory=dict)
    """Its place in each shard of a table's stream."""
    table_behind: int | None = None

    @property
    def service(self) -> str:
        return self.source.split(":")[2]

    @property
    def name(self) -> str:
        """The stream's or the queue's name."""
        return self.source.rpartition("/" if self.service == "kinesis" else ":")[2]

    def readers(self) -> Iterator[Reader[int] | Reader[str]]:
        yield from self.sequences.values()
        yield from self.iterators.values()


class Mappings:
    """Follows every mapping by the rows of the requests. `behind` is asked of tables' streams, where they are
    in this process; `iterators` have followed a row before it comes; `clock` gives seconds since the
    epoch."""

    def __init__(self, behind: Behind | None, iterators: Iterators, clock: Callable[[], float]) -> None:
        self._behind = behind
        self._iterators = iterators
        self._clock = clock
        self._mappings: dict[tuple[str, str], _Mapping] = {}
        self._arrivals: dict[ShardKey, ShardArrivals] = {}
        self._queues: Mapping[str, float] = {}

    def take(self, row: CallRow) -> None:
        """Learn from one request that was answered."""
        if row.status >= 300:
            return
        match row.service, row.operation:
            case "lambda", "CreateEventSourceMapping" | "UpdateEventSourceMapping":
                self._changed(row)
            case "lambda", "DeleteEventSourceMapping":
                self._mappings.pop(_of_mapping(row), None)
            case "kinesis", "PutRecord" | "PutRecords":
                for shard, sequence, _size in row.detail["put"]:
                    self._shard(ShardKey(row.resource, shard)).accepted(int(sequence), row.at_ms)
            case "kinesis", "DeleteStream":
                self._forget_stream(row.resource)
            case "kinesis" | "dynamodbstreams", "GetShardIterator" if row.principal == POLLER:
                self._began(row)
            case "kinesis" | "dynamodbstreams", "GetRecords" if row.principal == POLLER:
                self._read(row)

    async def refresh(self, queues: Mapping[str, float]) -> None:
        """Before the gauges are read: what each queue holds, and where the tables' streams stand."""
        self._queues = queues
        for mapping in list(self._mappings.values()):
            if mapping.service == "dynamodb" and self._behind is not None:
                mapping.table_behind = await self._table_behind(mapping, self._behind)
        self._let_go()

    def gauges(self) -> Iterable[Gauge]:
        """Of each function that has mappings, the sum over them."""
        now_ms = self._clock() * 1000
        backlogs: dict[str, float] = {}
        ages: dict[str, float] = {}
        for mapping in self._mappings.values():
            backlog = self._backlog(mapping)
            if backlog is not None:
                backlogs[mapping.function] = backlogs.get(mapping.function, 0) + backlog
            if mapping.service != "sqs":
                age = max(
                    (each.age_ms(now_ms, AGE_SHOWN_S * 1000) for each in mapping.readers()), default=0.0
                )
                ages[mapping.function] = max(ages.get(mapping.function, 0.0), age)
        for function, backlog in backlogs.items():
            yield Gauge("lambda", function, "backlog_records", backlog)
        for function, age in ages.items():
            yield Gauge("lambda", function, "iterator_age_ms", age)

    def clear(self) -> None:
        """Forget everything."""
        self._mappings.clear()
        self._arrivals.clear()

    def _changed(self, row: CallRow) -> None:
        function, source = key = _of_mapping(row)
        mapping = self._mappings.setdefault(key, _Mapping(function, source))
        mapping.window_ms = (row.detail["window_s"] or 0) * 1000
        if row.operation == "CreateEventSourceMapping":
            mapping.from_the_beginning = row.detail["position"] != "LATEST"
        for reader in mapping.readers():
            reader.window_ms = mapping.window_ms

    def _began(self, row: CallRow) -> None:
        """The mapping has an iterator for a shard that it begins to read."""
        detail = row.detail
        if row.service == "kinesis":
            shard = ShardKey(row.resource, detail["shard"])
            mapping = self._mapping(row, lambda each: each.service == "kinesis" and each.name == row.resource)
            if mapping is not None:
                place = self._first_place(shard, detail["type"], detail["sequence"])
                _reader(mapping.sequences, shard, place, mapping.window_ms).restarted(place)
        else:
            shard = ShardKey(detail["stream"], detail["shard"])
            mapping = self._mapping(row, lambda each: each.source == detail["stream"])
            if mapping is not None:
                iterator = detail["iterator"]
                _reader(mapping.iterators, shard, iterator, mapping.window_ms).restarted(iterator)

    def _read(self, row: CallRow) -> None:
        detail = row.detail
        shard = self._iterators.shard_of(detail["iterator"])
        if shard is None:  # given out before this process was there
            return
        if row.service == "kinesis":
            mapping = self._mapping(row, lambda each: shard in each.sequences)
            if mapping is not None:
                self._read_sequences(row, mapping.sequences[shard], shard)
        else:
            mapping = self._mapping(row, lambda each: shard in each.iterators)
            if mapping is not None and detail["next"]:
                last_s = detail["last_at_s"]  # a whole second: the record is up to that much younger
                last_at_ms = None if last_s is None else min(row.at_ms, (last_s + 1) * 1000)
                after = detail["next"] if detail["records"] else None
                mapping.iterators[shard].polled(row.at_ms, after, last_at_ms)

    def _read_sequences(self, row: CallRow, reader: Reader[int], shard: ShardKey) -> None:
        last = row.detail["last"]
        if last is None:
            reader.polled(row.at_ms, None)
        else:
            reader.polled(row.at_ms, int(last), self._shard(shard).at_ms(int(last)))

    def _mapping(self, row: CallRow, is_it: Callable[[_Mapping], bool]) -> _Mapping | None:
        """The mapping that a poller's call was made for: pollers say the ARN of their function."""
        function = _function(row.source)
        return next(
            (each for each in self._mappings.values() if each.function == function and is_it(each)), None
        )

    def _first_place(self, shard: ShardKey, kind: str, sequence: str | None) -> int:
        if kind == "LATEST":
            return self._shard(shard).last
        if sequence is None or not sequence.isdecimal():
            return _BEGINNING
        return int(sequence) - (kind == "AT_SEQUENCE_NUMBER")

    def _backlog(self, mapping: _Mapping) -> float | None:
        if mapping.service == "sqs":
            return self._queues.get(mapping.name)
        if mapping.service == "dynamodb":
            return mapping.table_behind
        behind = 0
        for shard, arrivals in self._arrivals.items():
            if shard.stream == mapping.name:
                reader = mapping.sequences.get(shard)
                if reader is not None:
                    behind += arrivals.behind(reader.done)
                elif mapping.from_the_beginning:
                    behind += arrivals.behind(_BEGINNING)
        return behind

    async def _table_behind(self, mapping: _Mapping, behind: Behind) -> int:
        places = {shard.shard: reader.done for shard, reader in mapping.iterators.items()}
        try:
            found = await behind(mapping.source, places)
        except KeyError:
            return 0
        return sum(n for shard, n in found.items() if shard in places or mapping.from_the_beginning)

    def _let_go(self) -> None:
        """Forget the records that every mapping of their stream is done with."""
        for shard, arrivals in self._arrivals.items():
            readers = [
                mapping.sequences.get(shard)
                for mapping in self._mappings.values()
                if mapping.service == "kinesis" and mapping.name == shard.stream
            ]
            done = [reader.done for reader in readers if reader is not None]
            if done and len(done) == len(readers):
                arrivals.forget(min(done))

    def _forget_stream(self, stream: str) -> None:
        for shard in [shard for shard in self._arrivals if shard.stream == stream]:
            del self._arrivals[shard]
        for mapping in self._mappings.values():
            if mapping.service == "kinesis" and mapping.name == stream:
                mapping.sequences.clear()

    def _shard(self, shard: ShardKey) -> ShardArrivals:
        found = self._arrivals.get(shard)
        if found is None:
            found = self._arrivals[shard] = ShardArrivals()
        return found


def _reader(readers: dict[ShardKey, Reader[_P]], shard: ShardKey, place: _P, window_ms: float) -> Reader[_P]:
    return readers.setdefault(shard, Reader(place, window_ms))


def _of_mapping(row: CallRow) -> tuple[str, str]:
    return _function(row.detail["function"]), row.detail["source"]


def _function(arn: str) -> str:
    return arn.partition(":function:")[2].partition(":")[0]
