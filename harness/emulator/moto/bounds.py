"""Keeps moto's memory bounded under hours of load.

moto is made for tests that end: it remembers every instance it ever made, every log event, metric and deleted
message. Here the oldest of each is let go beyond a bound, and what is let go is counted.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Any
from weakref import WeakKeyDictionary

from harness.emulator.moto.blobs import BlobFiles, BlobStore

MAX_EVENTS_PER_LOG_GROUP = 20_000
MAX_BYTES_PER_LOG_GROUP = 16 * 1024 * 1024
"""Of messages: 20,000 events may be 200 KB each."""
MAX_EMPTY_STREAMS_PER_LOG_GROUP = 500
MAX_METRIC_DATA = 50_000
MAX_DELETED_MESSAGES = 10_000
"""Receipt handles of a queue: one of a message deleted longer ago is no longer known as such."""


class Dropped:
    """What was let go so far."""

    log_events = 0
    metric_data = 0


class BoundedList(list[Any]):
    """A list that forgets its oldest elements when it is appended to beyond its bound."""

    def __init__(self, bound: int) -> None:
        super().__init__()
        self._bound = bound

    def append(self, element: Any) -> None:
        """Append, and forget a tenth when full: one copy in many appends."""
        super().append(element)
        if len(self) > self._bound:
            excess = max(self._bound // 10, 1)
            del self[:excess]
            Dropped.metric_data += excess


class RecentSet:
    """A set of the `bound` elements added last."""

    def __init__(self, bound: int) -> None:
        self._bound = bound
        self._elements: dict[str, None] = {}

    def __contains__(self, element: object) -> bool:
        return element in self._elements

    def update(self, elements: Iterable[str]) -> None:
        """Add `elements`."""
        self._elements.update(dict.fromkeys(elements))
        while len(self._elements) > self._bound:
            del self._elements[next(iter(self._elements))]


class LogGroupBudget:
    """The events of one log group in the order they came, so that the oldest go first."""

    def __init__(
        self, bound: int = MAX_EVENTS_PER_LOG_GROUP, max_bytes: int = MAX_BYTES_PER_LOG_GROUP
    ) -> None:
        self._bound = bound
        self._max_bytes = max_bytes
        self._arrivals: deque[tuple[Any, int, int]] = deque()
        self._held = 0
        self._held_bytes = 0

    def added(self, stream: Any, count: int, size_bytes: int = 0) -> None:
        """`count` events, together `size_bytes`, were appended to `stream`; forget the oldest of the group
        beyond the bounds: one by one for their number, by the batches they came in for their size."""
        self._arrivals.append((stream, count, size_bytes))
        self._held += count
        self._held_bytes += size_bytes
        while self._held > self._bound or self._held_bytes > self._max_bytes:
            oldest, held, held_bytes = self._arrivals.popleft()
            too_large = self._held_bytes > self._max_bytes
            excess = held if too_large else min(held, self._held - self._bound)
            freed_bytes = held_bytes if excess == held else held_bytes * excess // held
            del oldest.events[:excess]
            self._held -= excess
            self._held_bytes -= freed_bytes
            Dropped.log_events += excess
            if held > excess:
                self._arrivals.appendleft((oldest, held - excess, held_bytes - freed_bytes))

    def forget(self, stream: Any) -> None:
        """`stream` was deleted."""
        kept = [arrival for arrival in self._arrivals if arrival[0] is not stream]
        self._arrivals = deque(kept)
        self._held = sum(count for _, count, _ in kept)
        self._held_bytes = sum(size_bytes for _, _, size_bytes in kept)


def stop_remembering_instances() -> None:
    """moto's dashboard is not served here, so no instance needs to be remembered for it."""
    from moto.core.common_models import BaseModel

    def make(cls: type, *_args: Any, **_kwargs: Any) -> Any:
        return object.__new__(cls)

    BaseModel.__new__ = staticmethod(make)


def keep_bodies_on_disk(store: BlobStore) -> None:
    """Have S3's bodies in `store`."""
    import moto.s3.models

    moto.s3.models.tempfile = BlobFiles(store)


def bound_logs() -> None:
    """Bound the events that each log group holds, and the empty streams."""
    from moto.logs.models import LogGroup, LogStream

    budgets: WeakKeyDictionary[Any, LogGroupBudget] = WeakKeyDictionary()
    put_log_events = LogStream.put_log_events
    create_log_stream = LogGroup.create_log_stream
    delete_log_stream = LogGroup.delete_log_stream

    def put_bounded(stream: Any, log_events: list[dict[str, Any]]) -> str:
        token: str = put_log_events(stream, log_events)
        size_bytes = sum(len(event["message"]) for event in log_events)
        budgets.setdefault(stream.log_group, LogGroupBudget()).added(stream, len(log_events), size_bytes)
        return token

    def create_bounded(group: Any, log_stream_name: str) -> None:
        create_log_stream(group, log_stream_name)
        if len(group.streams) > MAX_EMPTY_STREAMS_PER_LOG_GROUP:
            oldest = next(iter(group.streams.items()))
            if not oldest[1].events:
                del group.streams[oldest[0]]

    def delete_bounded(group: Any, log_stream_name: str) -> None:
        stream = group.streams.get(log_stream_name)
        delete_log_stream(group, log_stream_name)
        if group in budgets:
            budgets[group].forget(stream)

    LogStream.put_log_events = put_bounded
    LogGroup.create_log_stream = create_bounded
    LogGroup.delete_log_stream = delete_bounded


def bound_metrics() -> None:
    """Bound the data points that CloudWatch holds for a Region."""
    from moto.cloudwatch.models import CloudWatchBackend

    initialize = CloudWatchBackend.__init__

    def initialize_bounded(backend: Any, *args: Any, **kwargs: Any) -> None:
        initialize(backend, *args, **kwargs)
        backend.metric_data = BoundedList(MAX_METRIC_DATA)

    CloudWatchBackend.__init__ = initialize_bounded


def bound_queues() -> None:
    """Bound what a queue remembers of messages that were deleted."""
    from moto.sqs.models import Queue

    initialize = Queue.__init__

    def initialize_bounded(queue: Any, *args: Any, **kwargs: Any) -> None:
        initialize(queue, *args, **kwargs)
        queue.deleted_messages = RecentSet(MAX_DELETED_MESSAGES)

    Queue.__init__ = initialize_bounded
