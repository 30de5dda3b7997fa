"""When a shard is read next, and which shards may be read at all: decided without a clock.

docs: Using Lambda with Kinesis: each shard is polled at a base rate of once per second; when more records are
available, Lambda keeps processing batches until the function catches up (read 2026)
docs: Kinesis Data Streams quotas: 5 GetRecords a second and shard (read 2026)
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import NamedTuple

BASE_INTERVAL_S = 1.0
BACKLOG_INTERVAL_S = 0.2


class ShardInfo(NamedTuple):
    """A shard as the stream lists it."""

    id: str
    parents: tuple[str, ...]
    is_open: bool


def next_read_s(now_s: float, millis_behind: int) -> float:
    """When to read again after a read at `now_s` that left the shard `millis_behind`."""
    return now_s + (BACKLOG_INTERVAL_S if millis_behind > 0 else BASE_INTERVAL_S)


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
