"""How long LocalStack's streams stand and with how many shards: what AWS bills a stream by the hour for."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from harness.emulator.companion.metering.rows import CallRow
from harness.emulator.services.kinesis.metering import StreamMeters
from harness.measure.meters import Gauge

_SHARDS_OF_A_STREAM_ONCE_ON_DEMAND = 4


@dataclass
class _Standing:
    mode: str
    shards: int
    billed_until_s: float


class StreamHours:
    """Follows streams by the calls that make and change them. `clock` gives seconds since the epoch."""

    def __init__(self, meters_of: Callable[[str], StreamMeters], clock: Callable[[], float]) -> None:
        self._meters_of = meters_of
        self._clock = clock
        self._streams: dict[str, _Standing] = {}

    def changed(self, row: CallRow) -> None:
        """A call of Kinesis's control plane succeeded."""
        name, at_s = row.resource, row.at_ms / 1000
        if row.operation == "CreateStream":
            shards = row.detail["shards"] or _SHARDS_OF_A_STREAM_ONCE_ON_DEMAND
            self._streams[name] = _Standing(row.detail["mode"], shards, at_s)
            return
        stream = self._streams.get(name)
        if stream is None:
            return
        self._bill(name, stream, at_s)
        match row.operation:
            case "DeleteStream":
                del self._streams[name]
            case "UpdateStreamMode":
                stream.mode = row.detail["mode"]
            case "UpdateShardCount":
                stream.shards = row.detail["shards"]
            case "SplitShard":
                stream.shards += 1
            case "MergeShards":
                stream.shards -= 1

    def gauges(self) -> Iterable[Gauge]:
        """None: being looked at brings the hours up to now."""
        now_s = self._clock()
        for name, stream in self._streams.items():
            self._bill(name, stream, now_s)
        return ()

    def clear(self) -> None:
        """Forget all streams."""
        self._streams.clear()

    def _bill(self, name: str, stream: _Standing, now_s: float) -> None:
        elapsed_s = now_s - stream.billed_until_s
        if elapsed_s <= 0:
            return
        stream.billed_until_s = now_s
        meters = self._meters_of(name)
        if stream.mode == "PROVISIONED":
            meters.provisioned_shard_seconds.value += elapsed_s * stream.shards
        else:
            meters.on_demand_stream_seconds.value += elapsed_s
