"""All streams of the service, by account, Region and name, and what they share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from harness.aws.limits.profiles import Limits
from harness.emulator.services.base import CallContext
from harness.emulator.services.kinesis.errors import invalid_argument, stream_not_active, stream_not_found
from harness.emulator.services.kinesis.store import SegmentStore
from harness.emulator.services.kinesis.streams import Stream, StreamMode
from harness.emulator.services.kinesis.tokens import Tokens
from harness.measure.meters import Gauge, Meters

StreamKey = tuple[str, str, str]


class StreamRegistry:
    """Finds streams. `streams` is keyed by (account id, Region, name)."""

    def __init__(self, *, store: SegmentStore, limits: Limits, meters: Meters) -> None:
        self.limits = limits
        self.store = store
        self.tokens = Tokens()
        self.streams: dict[StreamKey, Stream] = {}
        self.commitments_s: dict[str, float] = {}
        """Accounts with MinimumThroughputBillingCommitment, and since when."""
        self._meters = meters

    def create(self, name: str, mode: StreamMode, context: CallContext, now_s: float) -> Stream:
        """A new stream, CREATING and without shards."""
        key = (context.account_id, context.region, name)
        arn = f"arn:aws:kinesis:{context.region}:{context.account_id}:stream/{name}"
        stream = Stream(name, arn, mode, now_s, store=self.store, limits=self.limits, meters=self._meters)
        self.streams[key] = stream
        return stream

    def delete(self, stream: Stream, now_s: float) -> None:
        """Forget a stream and its records."""
        stream.bill_until(now_s)
        stream.shards.drop()
        self.streams = {key: kept for key, kept in self.streams.items() if kept is not stream}

    def of(self, context: CallContext, now_s: float) -> list[Stream]:
        """The caller's streams in the caller's Region, by name."""
        self.settle(now_s)
        own = (context.account_id, context.region)
        return [self.streams[key] for key in sorted(self.streams) if key[:2] == own]

    def find(self, name: str, context: CallContext, now_s: float) -> Stream:
        """The caller's stream of that name. Raises AwsError ResourceNotFoundException."""
        stream = self.streams.get((context.account_id, context.region, name))
        if stream is not None and stream.in_transition:
            stream.settle(now_s)
            stream = self.streams.get((context.account_id, context.region, name))
        if stream is None:
            raise stream_not_found(name, context)
        return stream

    def usable(self, name: str, context: CallContext, now_s: float) -> Stream:
        """`find`, for reads and writes: a stream that is CREATING is not there yet."""
        stream = self.find(name, context, now_s)
        if not stream.is_usable:
            raise stream_not_found(name, context)
        return stream

    def active(self, name: str, context: CallContext, now_s: float) -> Stream:
        """`find`, for changes. Raises AwsError ResourceInUseException when the stream is not ACTIVE."""
        stream = self.find(name, context, now_s)
        if stream.status != "ACTIVE":
            raise stream_not_active(name, stream.status, context)
        return stream

    def settle(self, now_s: float) -> None:
        """End all transitions that are due."""
        for stream in list(self.streams.values()):
            if stream.in_transition:
                stream.settle(now_s)

    def housekeep(self, now_s: float) -> None:
        """What time brings: transitions, hours billed, retention, on-demand scaling."""
        self.settle(now_s)
        for stream in list(self.streams.values()):
            stream.bill_until(now_s)
            stream.scale_on_demand(now_s)
            stream.expire(now_s)
        self.store.sweep()

    def gauges(self) -> Iterable[Gauge]:
        """What each stream shows now."""
        for stream in self.streams.values():
            shards = stream.shards.all()
            yield Gauge("kinesis", stream.name, "open_shards", len(stream.shards.open))
            yield Gauge(
                "kinesis", stream.name, "retained_records", sum(shard.log.record_count for shard in shards)
            )
            yield Gauge(
                "kinesis", stream.name, "retained_bytes", sum(shard.log.payload_bytes for shard in shards)
            )

    def reset(self) -> None:
        """Forget everything."""
        self.streams = {}
        self.commitments_s = {}
        self.store.clear()


def stream_name(body: Mapping[str, Any], context: CallContext) -> str:
    """The stream that an input names, by StreamName, StreamARN or both.

    Raises AwsError InvalidArgumentException when it names none, two, or one of another account or Region."""
    name: str | None = body.get("StreamName")
    arn: str | None = body.get("StreamARN")
    if arn is None:
        if name is None:
            raise invalid_argument("Either StreamName or StreamARN must be specified.")
        return name
    named = name_in_arn(arn, context)
    if name is not None and name != named:
        raise invalid_argument(f"StreamName {name} does not match StreamARN {arn}.")
    return named


def name_in_arn(arn: str, context: CallContext) -> str:
    """The name of the caller's stream of that ARN. Raises AwsError InvalidArgumentException for another's."""
    _, _, _, region, account_id, resource = arn.split(":", 5)
    if (account_id, region) != (context.account_id, context.region):
        raise invalid_argument(
            f"{arn} is not in the account {context.account_id} and the Region {context.region} of the call."
        )
    return resource.rpartition("/")[2]
