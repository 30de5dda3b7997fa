"""Streams, and what time brings them: transitions, retention, on-demand scaling, hours billed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from harness.aws.limits.kinesis_scaling import Intake, scaling_under
from harness.aws.limits.profiles import Limits
from harness.emulator.services.arrivals import Arrivals
from harness.emulator.services.kinesis.metering import StreamMeters
from harness.emulator.services.kinesis.shards import ShardMap
from harness.emulator.services.kinesis.store import SegmentStore
from harness.measure.meters import Meters

StreamMode = Literal["PROVISIONED", "ON_DEMAND"]
StreamStatus = Literal["CREATING", "ACTIVE", "UPDATING", "DELETING"]

TRANSITION_S = 0.001
"""How long a stream is CREATING, UPDATING or DELETING. AWS takes seconds to minutes. Here it is over before
an SDK's next call arrives: its waiters look every 10 s, and their first look should find it ACTIVE."""
DEFAULT_RETENTION_HOURS = 24


class Stream:
    """One stream. Times are seconds since the epoch."""

    def __init__(
        self,
        name: str,
        arn: str,
        mode: StreamMode,
        created_at_s: float,
        *,
        store: SegmentStore,
        limits: Limits,
        meters: Meters,
    ) -> None:
        self.name = name
        self.arn = arn
        self.mode: StreamMode = mode
        self.status: StreamStatus = "CREATING"
        self.created_at_s = created_at_s
        self.retention_hours = DEFAULT_RETENTION_HOURS
        self.warm_throughput_mibps = 0
        self.tags: dict[str, str] = {}
        self.arrivals = Arrivals()
        self.shards = ShardMap(store, limits, self.arrivals)
        self.meters = StreamMeters(meters, name)
        self.mode_changes_s: list[float] = []
        self.shard_count_changes_s: list[float] = []
        self.in_transition = False
        self._due_s = 0.0
        self._then: Callable[[float], None] | None = None
        self._billed_until_s = created_at_s
        self._shard_write_bytes_per_s = limits.kinesis_shard_write_bytes_per_s
        self._scaling = scaling_under(self._shard_write_bytes_per_s)

    @property
    def is_usable(self) -> bool:
        """Whether records may be written and read: from ACTIVE on, until the deletion is complete."""
        return self.status != "CREATING"

    def begin(self, status: StreamStatus, now_s: float, then: Callable[[float], None]) -> None:
        """Enter a transitional status; `then` is called with the time when it ends."""
        self.status = status
        self.in_transition = True
        self._due_s = now_s + TRANSITION_S
        self._then = then

    def settle(self, now_s: float) -> None:
        """End the transition if it is due."""
        then = self._then
        if then is not None and now_s >= self._due_s:
            self._then = None
            self.in_transition = False
            self.status = "ACTIVE"
            then(now_s)

    def set_mode(self, mode: StreamMode, now_s: float) -> None:
        """Change the capacity mode; what was used so far is billed in the old one."""
        self.bill_until(now_s)
        self.mode = mode
        self._scaling = scaling_under(self._shard_write_bytes_per_s)

    def bill_until(self, now_s: float) -> None:
        """Count the shard seconds or stream seconds up to now."""
        elapsed_s = now_s - self._billed_until_s
        if elapsed_s <= 0:
            return
        self._billed_until_s = now_s
        if self.mode == "PROVISIONED":
            self.meters.provisioned_shard_seconds.value += elapsed_s * len(self.shards.open)
        else:
            self.meters.on_demand_stream_seconds.value += elapsed_s

    def expire(self, now_s: float) -> None:
        """Trim what is older than the retention period."""
        self.shards.expire(self.trim_horizon_s(now_s))

    def trim_horizon_s(self, now_s: float) -> float:
        """Records that arrived before that are gone."""
        return now_s - self.retention_hours * 3600

    def scale_on_demand(self, now_s: float) -> None:
        """Split the shards that have been too hot for too long, if the stream is on demand."""
        if self.mode != "ON_DEMAND" or self.status != "ACTIVE":
            return
        intakes = {
            shard.number: Intake(shard.accepted_bytes, shard.accepted_records) for shard in self.shards.open
        }
        due = self._scaling.observe(now_s, intakes)
        if due:
            self.begin("UPDATING", now_s, lambda at_s: self._split_in_half(due, at_s))

    def _split_in_half(self, numbers: list[int], now_s: float) -> None:
        self.bill_until(now_s)
        for number in numbers:
            shard = self.shards.get(number)
            if shard is not None and shard.is_open:
                middle = (shard.starting_hash_key + shard.ending_hash_key + 1) // 2
                self.shards.split(shard, middle, now_s)

    def summary(self) -> dict[str, Any]:
        """What all descriptions of the stream share."""
        return {
            "StreamName": self.name,
            "StreamARN": self.arn,
            "StreamStatus": self.status,
            "StreamModeDetails": {"StreamMode": self.mode},
            "StreamCreationTimestamp": round(self.created_at_s, 3),
        }
