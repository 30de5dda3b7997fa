"""What one shard lets through. Pure policy: the time is passed in, nothing waits.

docs: Kinesis Data Streams quotas and limits; GetRecords API reference (read 2026)
"""

from __future__ import annotations

import math

from harness.aws.limits.profiles import Limits
from harness.aws.limits.token_bucket import TokenBucket


class ShardWriteLimit:
    """1 MiB and 1,000 records a second (under AWS's own limits), each with a second's burst."""

    __slots__ = ("_bytes", "_records", "unlimited")

    def __init__(self, limits: Limits, now_s: float) -> None:
        bytes_per_s = limits.kinesis_shard_write_bytes_per_s
        records_per_s = limits.kinesis_shard_write_records_per_s
        self.unlimited = bytes_per_s == records_per_s == math.inf
        self._bytes = TokenBucket(bytes_per_s, bytes_per_s, now_s)
        # Below one record a second, a bucket of one second's burst could never hold a whole record.
        self._records = TokenBucket(records_per_s, max(1.0, records_per_s), now_s)

    def admits(self, now_s: float, payload_bytes: int) -> bool:
        """Whether a record of that payload (data and partition key) may be written now; if so, it counts."""
        if self._records.level(now_s) < 1.0 or self._bytes.take(now_s, payload_bytes) > 0.0:
            return False
        self._records.take(now_s)
        return True


class ShardReadLimit:
    """5 GetRecords calls and 2 MiB a second, shared by all readers of the shard.

    A call may return more than a second's worth (10 MiB). Reads are then refused until the shard's whole
    allowance is back: 5 s after 10 MiB, at most 1 s after a slight excess, as AWS documents."""

    __slots__ = ("_blocked_until_s", "_bytes_per_s", "_calls", "_level", "_updated_s")

    def __init__(self, limits: Limits, now_s: float) -> None:
        calls_per_s = limits.kinesis_shard_reads_per_s
        self._calls = TokenBucket(calls_per_s, max(1.0, calls_per_s), now_s)
        self._bytes_per_s = limits.kinesis_shard_read_bytes_per_s
        self._level = self._bytes_per_s
        self._updated_s = now_s
        self._blocked_until_s = -math.inf

    def admits(self, now_s: float) -> bool:
        """Whether GetRecords may be called now; if so, the call counts."""
        return now_s >= self._blocked_until_s and self._calls.take(now_s) == 0.0

    def returned(self, now_s: float, payload_bytes: int) -> None:
        """An admitted call returned that much."""
        rate = self._bytes_per_s
        if rate == math.inf:
            return
        elapsed_s = max(0.0, now_s - self._updated_s)
        self._updated_s = max(now_s, self._updated_s)
        self._level = min(rate, self._level + elapsed_s * rate) - payload_bytes
        if self._level < 0:
            self._blocked_until_s = now_s + (rate - self._level) / rate if rate else math.inf
