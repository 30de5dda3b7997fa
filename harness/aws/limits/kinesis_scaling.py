"""When Kinesis splits a shard of an on-demand stream. Pure policy: the time and the counts are passed in.

What AWS documents: an on-demand stream takes up to twice the peak write throughput of the last 30 days, and a
shard that takes in more than 500 KB/s is split within 15 minutes; until then writes beyond the shard's limit
are refused. docs: Choose the right mode in Kinesis Data Streams (read 2026)

What AWS does not document, and is assumed here: the inflow is averaged over a minute; records count like
bytes (half of a shard's 1,000 records/s makes it hot, as about half of its 1 MiB/s does); and the split comes
at the end of the 15 minutes, the worst case that AWS allows itself.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

HOT_BYTES_PER_S = 500_000
HOT_RECORDS_PER_S = 500
SPLIT_WITHIN_S = 900
AVERAGED_OVER_S = 60


@dataclass(frozen=True)
class Intake:
    """What a shard has taken in since it was created."""

    payload_bytes: int
    records: int


@dataclass
class _Watched:
    """A shard's last full minute, and since when it is hot (None: it is not)."""

    since_s: float
    at_start: Intake
    hot_since_s: float | None = None


class OnDemandScaling:
    """The scaling of one on-demand stream. `scale` shrinks what counts as hot as the shards' limits are
    shrunk (1.0 under AWS's own limits; infinity where shards have no limits: nothing is ever split)."""

    def __init__(self, scale: float = 1.0) -> None:
        self._hot_bytes_per_s = HOT_BYTES_PER_S * scale
        self._hot_records_per_s = HOT_RECORDS_PER_S * scale
        self._watched: dict[int, _Watched] = {}

    def observe(self, now_s: float, intakes: Mapping[int, Intake]) -> list[int]:
        """Look at the open shards, by number; the answer is those to split now, lowest number first."""
        self._watched = {
            number: self._watched.get(number) or _Watched(now_s, intake) for number, intake in intakes.items()
        }
        due: list[int] = []
        for number in sorted(intakes):
            watched = self._watched[number]
            self._close_minute(watched, now_s, intakes[number])
            hot_since_s = watched.hot_since_s
            if hot_since_s is not None and now_s - hot_since_s >= SPLIT_WITHIN_S:
                due.append(number)
        return due

    def _close_minute(self, watched: _Watched, now_s: float, intake: Intake) -> None:
        elapsed_s = now_s - watched.since_s
        if elapsed_s < AVERAGED_OVER_S:
            return
        bytes_per_s = (intake.payload_bytes - watched.at_start.payload_bytes) / elapsed_s
        records_per_s = (intake.records - watched.at_start.records) / elapsed_s
        if bytes_per_s <= self._hot_bytes_per_s and records_per_s <= self._hot_records_per_s:
            watched.hot_since_s = None
        elif watched.hot_since_s is None:
            watched.hot_since_s = watched.since_s
        watched.since_s = now_s
        watched.at_start = intake


def scaling_under(shard_write_bytes_per_s: float) -> OnDemandScaling:
    """The scaling of a stream whose shards take that much, 1 MiB/s being AWS's own limit."""
    full = 1_048_576
    scale = math.inf if shard_write_bytes_per_s == math.inf else shard_write_bytes_per_s / full
    return OnDemandScaling(scale)
