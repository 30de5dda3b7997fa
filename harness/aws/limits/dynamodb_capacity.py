"""How many units a DynamoDB operation takes, and how fast DynamoDB gives them out.

Units, docs: DynamoDB Developer Guide, DynamoDB read and write operations (read 2026-11): a write unit is
1 KB, a read unit 4 KB strongly consistent, half a unit when eventually consistent, both twice that in a
transaction; each item is rounded up, a Query or Scan page as a whole.

On demand, docs: On-demand capacity mode (read 2026-04): a new table takes 4,000 write and 12,000 read units
a second, and then up to twice its previous peak; more than that within 30 minutes of that peak may be
throttled. AWS does not say over what time the peak is taken: here it is the highest average of a minute
(assumed).

Provisioned, docs: Burst and adaptive capacity (read 2026-04): up to 300 s of unused capacity is kept.

Partitions, docs: Designing partition keys (read 2026-04): 1,000 write and 3,000 read units a second each.
Adaptive capacity splits hot partitions down to single items, so a cap is held against each small range of
hash keys, as of a table that has been split as far as it will go.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from functools import cache
from typing import Protocol

from harness.aws.limits.token_bucket import TokenBucket

WRITE_UNIT_BYTES = 1024
READ_UNIT_BYTES = 4096
BURST_S = 300.0
DOUBLING_S = 1800.0
_PEAK_WINDOW_S = 60.0


def write_units(size_bytes: int) -> int:
    """Write units for an item of this size; deleting what is not there takes one, too."""
    return max(1, -(-size_bytes // WRITE_UNIT_BYTES))


def read_units(size_bytes: int, *, consistent: bool) -> float:
    """Read units for an item, or a page, of this size; looking for what is not there counts as a unit."""
    units = max(1, -(-size_bytes // READ_UNIT_BYTES))
    return units if consistent else units / 2


class OwingBucket(TokenBucket):
    """A bucket that grants a request while it can grant its burst's worth of it, and owes the rest: a request
    larger than the burst is served, late, instead of never."""

    def take_or_owe(self, now_s: float, tokens: float) -> float:
        """0.0 when granted, else the seconds until it would be."""
        wait_s = self.take(now_s, min(tokens, self.burst))
        if wait_s == 0.0 and tokens > self.burst:
            self._level -= tokens - self.burst
        return wait_s


class Throughput(Protocol):
    """Gives out units of one kind, reads or writes."""

    def take(self, now_s: float, units: float) -> float:
        """Take `units` and return 0.0, or take none and return the seconds to wait."""


class ProvisionedThroughput:
    """A provisioned rate with its burst. `units_per_s` of 0 never grants."""

    def __init__(self, units_per_s: float, now_s: float) -> None:
        self._bucket = OwingBucket(units_per_s, units_per_s * BURST_S, now_s)

    def take(self, now_s: float, units: float) -> float:
        """As Throughput.take."""
        return self._bucket.take_or_owe(now_s, units)


class OnDemandThroughput:
    """A rate that follows the table's traffic: `initial_per_s` at first, then twice the peak of 30 minutes
    ago and before, never above `quota_per_s`."""

    def __init__(self, initial_per_s: float, quota_per_s: float, now_s: float) -> None:
        self._initial_per_s = initial_per_s
        self._quota_per_s = quota_per_s
        self._peak_per_s = 0.0
        self._recent: deque[tuple[float, float]] = deque()
        self._window_start_s = now_s
        self._window_units = 0.0
        rate_per_s = min(initial_per_s, quota_per_s)
        self._bucket = OwingBucket(rate_per_s, rate_per_s, now_s)

    @property
    def rate_per_s(self) -> float:
        """The rate that holds now."""
        return self._bucket.rate_per_s

    def take(self, now_s: float, units: float) -> float:
        """As Throughput.take."""
        if now_s >= self._window_start_s + _PEAK_WINDOW_S:
            self._close_window(now_s)
        wait_s = self._bucket.take_or_owe(now_s, units)
        if wait_s == 0.0:
            self._window_units += units
        return wait_s

    def _close_window(self, now_s: float) -> None:
        self._recent.append((self._window_start_s + _PEAK_WINDOW_S, self._window_units / _PEAK_WINDOW_S))
        self._window_start_s, self._window_units = now_s, 0.0
        while self._recent and self._recent[0][0] <= now_s - DOUBLING_S:
            self._peak_per_s = max(self._peak_per_s, self._recent.popleft()[1])
        rate_per_s = min(self._quota_per_s, max(self._initial_per_s, 2 * self._peak_per_s))
        self._bucket.rate_per_s = self._bucket.burst = rate_per_s


class PartitionCaps:
    """The cap of each of `ranges` key ranges; a range that nobody touched costs nothing."""

    def __init__(self, units_per_s: float, ranges: int) -> None:
        self._units_per_s = units_per_s
        self._buckets: Sequence[OwingBucket | None] = _untouched(ranges)

    def take(self, now_s: float, key_range: int, units: float) -> float:
        """Take `units` from a key range and return 0.0, or take none and return the seconds to wait."""
        bucket = self._buckets[key_range]
        if bucket is None:
            bucket = self._first_use(key_range, now_s)
        return bucket.take_or_owe(now_s, units)

    def _first_use(self, key_range: int, now_s: float) -> OwingBucket:
        if not isinstance(self._buckets, list):  # the one that all tables share whom nobody has used
            self._buckets = list(self._buckets)
        bucket = OwingBucket(self._units_per_s, self._units_per_s, now_s)
        self._buckets[key_range] = bucket
        return bucket


@cache
def _untouched(ranges: int) -> tuple[None, ...]:
    return (None,) * ranges


def partitions_for(
    read_units_per_s: float, write_units_per_s: float, read_cap: float, write_cap: float
) -> int:
    """How many partitions carry this throughput, at least one; four where nothing is limited, as a new
    on-demand table has."""
    needed = max(_quotient(read_units_per_s, read_cap), _quotient(write_units_per_s, write_cap))
    return 4 if math.isinf(needed) else max(1, math.ceil(needed))


def _quotient(units_per_s: float, cap_per_s: float) -> float:
    if math.isinf(units_per_s) or cap_per_s == 0:
        return math.inf
    return 0.0 if math.isinf(cap_per_s) else units_per_s / cap_per_s
