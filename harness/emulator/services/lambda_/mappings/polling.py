"""When a shard is read next, and which shards may be read at all: decided without a clock.

docs: Using Lambda with Kinesis: each shard is polled at a base rate of once per second; when more records are
available, Lambda keeps processing batches until the function catches up (read 2026)
docs: Kinesis Data Streams quotas: 5 GetRecords a second and shard (read 2026)
docs: Using Lambda with DynamoDB: Lambda polls shards at a base rate of 4 times a second (read 2026)

A shard that had nothing is not read again before the stream says that there is something: then at the moment
when AWS's poller would have come by, the next multiple of the base interval after the last read. What a
record waits for its read is as on AWS; the reads that find nothing are spared.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from typing import NamedTuple

_LEAST_POLLS_PER_S = 0.01
READ_ANYWAY_S = 60.0
"""A shard without news is read now and then all the same, which renews its iterator (Kinesis: 5 minutes)."""


@dataclass(frozen=True, slots=True)
class Polling:
    """How often a shard is read."""

    base_interval_s: float
    backlog_interval_s: float
    """While there is more to read than one answer holds."""
    news_interval_s: float
    """How often the stream is asked for news at most. At 1,000 records a second each would be news."""
    read_ahead_records: int
    """What one read gives at most: a shard that is behind is read faster than it can be written, and a
    mapping whose function fails holds no more than that of each shard."""

    def at_most(self, polls_per_s: float) -> Polling:
        """The same with another base rate. However high, a shard is not read more often than for news."""
        interval_s = 0.0 if math.isinf(polls_per_s) else 1.0 / max(polls_per_s, _LEAST_POLLS_PER_S)
        return replace(self, base_interval_s=max(interval_s, self.news_interval_s))

    def after_read(self, now_s: float, *, is_behind: bool) -> float:
        """When to read again after a read at `now_s`."""
        return now_s + (self.backlog_interval_s if is_behind else self.base_interval_s)

    def after_news(self, last_read_s: float, now_s: float) -> float:
        """When to read a shard whose last read, at `last_read_s`, found nothing, after news at `now_s`."""
        polls = max(1, math.ceil((now_s - last_read_s) / self.base_interval_s))
        return last_read_s + polls * self.base_interval_s


KINESIS = Polling(base_interval_s=1.0, backlog_interval_s=0.2, news_interval_s=0.2, read_ahead_records=10_000)
DYNAMODB = Polling(
    base_interval_s=0.25, backlog_interval_s=0.02, news_interval_s=0.04, read_ahead_records=1_000
)
"""The interval while behind is assumed: DynamoDB Streams documents no limit of calls a second."""


class ShardInfo(NamedTuple):
    """A shard as the stream lists it."""

    id: str
    parents: tuple[str, ...]
    is_open: bool


def startable(
    shards: Iterable[ShardInfo], finished: Collection[str], started: Collection[str]
) -> list[ShardInfo]:
    """The shards to begin with now: not begun, and with every parent finished that is still listed. So a
    key's records before a split or merge are through before those after it."""
    listed = {shard.id: shard for shard in shards}
    return [
        shard
        for shard in listed.values()
        if shard.id not in started
        and shard.id not in finished
        and all(parent in finished or parent not in listed for parent in shard.parents)
    ]
