"""All tables of all accounts and Regions in this process."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from harness.aws.limits.dynamodb_capacity import partitions_for
from harness.aws.limits.profiles import Limits
from harness.emulator.services.base import CallContext
from harness.emulator.services.dynamodb.capacity import admission
from harness.emulator.services.dynamodb.errors import table_not_found
from harness.emulator.services.dynamodb.keys import KeySchema
from harness.emulator.services.dynamodb.request import Request, table_name
from harness.emulator.services.dynamodb.schema import Capacity
from harness.emulator.services.dynamodb.streams.capture import CapturedChanges, Shard, TableStream
from harness.emulator.services.dynamodb.table import Table, TableMeters
from harness.emulator.services.dynamodb.tokens import RequestTokens
from harness.measure.meters import Gauge, Meters

SERVICE = "dynamodb"
_Where = tuple[str, str, str]


class Tables:
    """The tables, and what every operation on them needs: the clock, the limits, the meters. A stream has at
    most `max_stream_shards`, if that is given."""

    def __init__(
        self,
        meters: Meters,
        limits: Limits,
        clock: Callable[[], float],
        max_stream_shards: int | None = None,
    ) -> None:
        self.limits = limits
        self.clock = clock
        self.meters = meters
        self.changes = CapturedChanges()
        self.tokens = RequestTokens()
        self._tables: dict[_Where, Table] = {}
        self._max_stream_shards = max_stream_shards
        meters.watch(self._gauges)

    def of(self, request: Request, context: CallContext) -> Table:
        """The table that a request names. Raises AwsError when there is none."""
        name = request.get("TableName")
        if type(name) is str:
            found = self._tables.get((context.account_id, context.region, name))
            if found is not None:
                return found
        return self.named(table_name(request), context)

    def named(self, name: str, context: CallContext, *, shown: bool = False) -> Table:
        """The table of that name. Raises AwsError when there is none, which says the name if `shown`."""
        found = self._tables.get((context.account_id, context.region, name))
        if found is None:
            raise table_not_found(name if shown else None)
        return found

    def find(self, name: str, context: CallContext) -> Table | None:
        """The table of that name, or None."""
        return self._tables.get((context.account_id, context.region, name))

    def names(self, context: CallContext) -> list[str]:
        """The names of the caller's tables, in order."""
        where = (context.account_id, context.region)
        return sorted(name for *at, name in self._tables if tuple(at) == where)

    def __iter__(self) -> Iterator[Table]:
        return iter(list(self._tables.values()))

    def create(
        self,
        name: str,
        context: CallContext,
        keys: KeySchema,
        kinds: dict[str, str],
        billing_mode: str,
        capacity: Capacity | None,
    ) -> Table:
        """A new, empty table."""
        table = Table(
            name=name,
            arn=f"arn:aws:dynamodb:{context.region}:{context.account_id}:table/{name}",
            table_id=str(uuid.uuid4()),
            created_s=self.clock(),
            keys=keys,
            attribute_kinds=kinds,
            billing_mode=billing_mode,
            capacity=capacity,
            meters=TableMeters(
                self.meters.counter(SERVICE, name, "write_request_units"),
                self.meters.counter(SERVICE, name, "read_request_units"),
                self.meters.counter(SERVICE, name, "throttled_requests"),
            ),
            changes=self.changes,
        )
        self._tables[(context.account_id, context.region, name)] = table
        return table

    def drop(self, table: Table, context: CallContext) -> None:
        """Forget a table; its stream stays readable."""
        if table.stream is not None:
            self.changes.close(table.stream, self.clock())
        del self._tables[(context.account_id, context.region, table.name)]

    def clear(self) -> None:
        """Forget everything."""
        self._tables.clear()
        self.changes = CapturedChanges()
        self.tokens = RequestTokens()

    def admit(self, table: Table) -> None:
        """Set up what a table lets through, anew: on creation, and when its throughput is changed."""
        now_s = self.clock()
        capacity = table.capacity
        warm = table.settings.get("WarmThroughput", {})
        most = table.settings.get("OnDemandThroughput", {})
        table.reads = admission(
            "Read",
            table.arn,
            self.limits,
            now_s,
            throttled=table.meters.throttled_requests,
            provisioned=None if capacity is None else capacity.read_units,
            warm=warm.get("ReadUnitsPerSecond", 0),
            most=most.get("MaxReadRequestUnits", -1),
        )
        table.writes = admission(
            "Write",
            table.arn,
            self.limits,
            now_s,
            throttled=table.meters.throttled_requests,
            provisioned=None if capacity is None else capacity.write_units,
            warm=warm.get("WriteUnitsPerSecond", 0),
            most=most.get("MaxWriteRequestUnits", -1),
        )

    def open_stream(self, table: Table, view_type: str, context: CallContext) -> None:
        """Begin to capture a table's changes."""
        now_s = self.clock()
        moment = datetime.fromtimestamp(now_s, UTC)
        label = f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}"
        first = self.changes.next_sequence
        count = self._partitions(table)
        if self._max_stream_shards is not None:
            count = min(count, self._max_stream_shards)
        shards = [Shard(f"shardId-{int(now_s * 1000):020d}-{number:08x}", first) for number in range(count)]
        table.stream = TableStream(
            f"{table.arn}/stream/{label}",
            label,
            table.name,
            view_type,
            table.keys,
            context.region,
            now_s,
            shards,
        )
        table.last_stream_label = label
        self.changes.open(table.stream)

    def close_stream(self, table: Table) -> None:
        """Stop capturing a table's changes."""
        if table.stream is not None:
            self.changes.close(table.stream, self.clock())
            table.stream = None

    def _partitions(self, table: Table) -> int:
        """As many as the throughput needs: AWS gives a stream a shard for each partition of its table."""
        limits = self.limits
        read: float = limits.dynamodb_on_demand_initial_read_units_per_s
        write: float = limits.dynamodb_on_demand_initial_write_units_per_s
        if table.capacity is not None:
            read, write = table.capacity.read_units, table.capacity.write_units
        return partitions_for(
            read,
            write,
            limits.dynamodb_partition_read_units_per_s,
            limits.dynamodb_partition_write_units_per_s,
        )

    def _gauges(self) -> Iterator[Gauge]:
        for table in self:
            yield Gauge(SERVICE, table.name, "item_count", table.item_count)
            yield Gauge(SERVICE, table.name, "storage_bytes", table.storage_bytes)
            if table.stream is not None:
                yield Gauge(SERVICE, table.name, "stream_records_trimmed", table.stream.trimmed_early)
