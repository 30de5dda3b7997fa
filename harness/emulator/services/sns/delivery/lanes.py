"""Who may send next: pure policy, told the time and what happened.

Each subscription has a lane, and so has each dead-letter queue. So that slow endpoints hold up no fast ones,
a lane has few attempts under way until its endpoint answers, and of all that may be under way a share is for
endpoints that are known to answer within a second.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Final

from harness.aws.limits.token_bucket import TokenBucket
from harness.emulator.services.sns.delivery.deliveries import Delivery

MAX_UNDER_WAY: Final = 1_024
"""Attempts of all lanes together."""
FOR_FAST_LANES: Final = 256
"""How many of those only lanes that answered within FAST_S may take."""
FIRST_WINDOW: Final = 8
MAX_WINDOW: Final = 64
FAST_S: Final = 1.0
MAX_PENDING: Final = 200_000
MAX_PENDING_BYTES: Final = 256 * 1024 * 1024
"""Of the messages that wait or are being sent; one for many endpoints counts once."""
MAX_LANE_PENDING: Final = 50_000
MAX_LANE_BYTES: Final = 64 * 1024 * 1024
ALWAYS_TAKEN: Final = 100
"""A lane with fewer pending is never refused for what others hold."""


@dataclass(slots=True, eq=False)
class Lane:
    """Deliveries to one endpoint, in order. `pending` are those that wait, are being sent, or wait for
    another attempt."""

    key: str
    ready: deque[Delivery] = field(default_factory=deque)
    pending: int = 0
    pending_bytes: int = 0
    under_way: int = 0
    window: int = FIRST_WINDOW
    fast: bool = False
    bucket: TokenBucket | None = None
    listed: bool = False
    """Whether it is in one of the dispatcher's lines of lanes with something to send."""
    throttled: bool = False
    """Whether it waits for its rate to allow another attempt."""

    def throttle_s(self, rate_per_s: int | None, now_s: float) -> float:
        """Take the right to one attempt at `rate_per_s`: 0.0, or the seconds until there is one."""
        if rate_per_s is None:
            self.bucket = None
            return 0.0
        if self.bucket is None or self.bucket.rate_per_s != rate_per_s:
            self.bucket = TokenBucket(rate_per_s, rate_per_s, now_s)
        return self.bucket.take(now_s)

    def has_room(self, all_under_way: int) -> bool:
        """Whether another attempt may begin, with so many of all lanes under way."""
        limit = MAX_UNDER_WAY if self.fast else MAX_UNDER_WAY - FOR_FAST_LANES
        return self.under_way < self.window and all_under_way < limit

    def finished(self, took_s: float, *, timed_out: bool) -> None:
        """An attempt ended: an endpoint that answers is trusted with more, one that does not with few."""
        self.under_way -= 1
        self.fast = took_s < FAST_S and not timed_out
        self.window = FIRST_WINDOW if timed_out else min(self.window + 1, MAX_WINDOW)


@dataclass(slots=True)
class Pending:
    """What all lanes hold, within bounds."""

    deliveries: int = 0
    size_bytes: int = 0

    def takes(self, lane: Lane, delivery: Delivery) -> bool:
        """Whether `lane` may hold `delivery` too."""
        if lane.pending < ALWAYS_TAKEN:
            return True
        size = delivery.size_bytes
        return (
            self.deliveries < MAX_PENDING
            and self.size_bytes + size <= MAX_PENDING_BYTES
            and lane.pending < MAX_LANE_PENDING
            and lane.pending_bytes + size <= MAX_LANE_BYTES
        )

    def add(self, lane: Lane, delivery: Delivery) -> None:
        """`lane` holds `delivery`."""
        lane.pending += 1
        lane.pending_bytes += delivery.size_bytes
        self.deliveries += 1
        if delivery.message is not None:
            if delivery.message.waiting == 0:
                self.size_bytes += delivery.size_bytes
            delivery.message.waiting += 1

    def remove(self, lane: Lane, delivery: Delivery) -> None:
        """`delivery` is over."""
        lane.pending -= 1
        lane.pending_bytes -= delivery.size_bytes
        self.deliveries -= 1
        if delivery.message is not None:
            delivery.message.waiting -= 1
            if delivery.message.waiting == 0:
                self.size_bytes -= delivery.size_bytes
