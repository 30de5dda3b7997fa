"""Kinesis data streams."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from deploy.standup.engine import Clients, Facts, Journal, Known
from deploy.standup.waiting import found, until
from harness.errors import TargetError

NEW_ON_DEMAND_SHARDS = 4
"""What a new on-demand stream takes its writes with (docs: Kinesis Data Streams quotas, read 2026)."""

_MISSING = ("ResourceNotFoundException",)


@dataclass(frozen=True)
class Stream:
    """A stream, on demand or with a number of shards.

    A new on-demand stream has 4 shards, and takes a quarter of an hour to grow. `warm_shards` has it begin
    with more: it is made provisioned and then switched, which keeps its shards (docs: Choose the data stream
    capacity mode, read 2026)."""

    clients: Clients
    name: str
    stream_name: str
    shards: int | None = None
    warm_shards: int = NEW_ON_DEMAND_SHARDS
    needs: Sequence[str] = ()

    def stand_up(self, known: Known, journal: Journal) -> Facts:  # noqa: ARG002
        """Create the stream, or bring the number of its shards to what is described."""
        described = self._describe()
        described = self._create(journal) if described is None else self._follow(described, journal)
        return {"name": self.stream_name, "arn": described["StreamARN"]}

    def _create(self, journal: Journal) -> dict[str, Any]:
        kinesis = self.clients("kinesis")
        warm = self.shards is None and self.warm_shards > NEW_ON_DEMAND_SHARDS
        shards = self.warm_shards if warm else self.shards
        mode = {"StreamMode": "ON_DEMAND" if shards is None else "PROVISIONED"}
        count = {} if shards is None else {"ShardCount": shards}
        kinesis.create_stream(StreamName=self.stream_name, StreamModeDetails=mode, **count)
        journal.note(f"created the stream {self.stream_name}", self.take_down)
        described = self._active()
        if warm:
            kinesis.update_stream_mode(
                StreamARN=described["StreamARN"], StreamModeDetails={"StreamMode": "ON_DEMAND"}
            )
            described = self._active()
        return described

    def _follow(self, described: dict[str, Any], journal: Journal) -> dict[str, Any]:
        on_demand = described.get("StreamModeDetails", {}).get("StreamMode") == "ON_DEMAND"
        if on_demand != (self.shards is None):
            mode = "on demand" if on_demand else "provisioned"
            raise TargetError(
                f"The stream {self.stream_name} stands as {mode} and is wanted otherwise; AWS lets a stream "
                "change its mode twice in 24 hours.",
                "Take the pipeline down first, or keep the setting 'shards' as it was.",
            )
        open_shards = described["OpenShardCount"]
        if self.shards is None or open_shards == self.shards:
            return described
        self._reshard(self.shards)
        journal.note(f"resharded {self.stream_name}", lambda: self._reshard(open_shards))
        return self._active()

    def _reshard(self, shards: int) -> None:
        self.clients("kinesis").update_shard_count(
            StreamName=self.stream_name, TargetShardCount=shards, ScalingType="UNIFORM_SCALING"
        )
        self._active()

    def _describe(self) -> dict[str, Any] | None:
        answer = found(
            lambda: self.clients("kinesis").describe_stream_summary(StreamName=self.stream_name),
            missing=_MISSING,
        )
        return answer["StreamDescriptionSummary"] if answer else None

    def _active(self) -> dict[str, Any]:
        described: dict[str, Any] = {}

        def active() -> bool:
            described.update(self._describe() or {})
            return described.get("StreamStatus") == "ACTIVE"

        until(active, f"the stream {self.stream_name} is active")
        return described

    def take_down(self) -> None:
        """Delete the stream with all that is in it."""
        kinesis = self.clients("kinesis")
        deleted = found(
            lambda: kinesis.delete_stream(StreamName=self.stream_name, EnforceConsumerDeletion=True),
            missing=_MISSING,
        )
        if deleted is not None:
            until(lambda: self._describe() is None, f"the stream {self.stream_name} is gone")
