"""Who may send next: pure policy, told the time and what happened.

Each subscription has a lane, and so has each dead-letter queue. So that no endpoint holds up another, a lane
may have a quarter of what is free under way: the more endpoints hang, the less each of them gets, and some is
always left. One that answers gets more at once as it does. One that hangs holds up nobody: as many attempts
wait for it as there is room for: on AWS, too, its deliveries run out of time side by side.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Final

from harness.aws.limits.token_bucket import TokenBucket
from harness.emulator.services.sns.delivery.deliveries import Delivery

MAX_UNDER_WAY: Final = 2_048
"""Attempts of all lanes together."""
KEPT_FREE: Final = 512
"""How many of those lanes whose endpoint hangs may not take."""
SHARE: Final = 4
"""A lane may have a part of this of the attempts that are free, or one."""
FIRST_WINDOW: Final = 8
MAX_WINDOW: Final = 100
"""Attempts at once at an endpoint that answers."""
SILENCE_S: Final = 1.0
"""An endpoint that answers nothing for so long is not spared by its window any more."""
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
    hanging: bool = False
    """Whether its last attempt ran out of time."""
    bucket: TokenBucket | None = None
    listed: bool = False
    """Whether it is in one of the dispatcher's lines of lanes with something to send."""
    throttled: bool = False
    """Whether it waits for its rate to allow another attempt."""
    heard_s: float = 0.0
    """When its endpoint answered last, or was first asked since it had nothing to do."""
    woken_s: float = 0.0
    """When the dispatcher looks at it again because of its silence."""

    def throttle_s(self, rate_per_s: int | None, now_s: float) -> float:
        """Take the right to one attempt at `rate_per_s`: 0.0, or the seconds until there is one."""
        if rate_per_s is None:
            self.bucket = None
            return 0.0
        if self.bucket is None or self.bucket.rate_per_s != rate_per_s:
            self.bucket = TokenBucket(rate_per_s, rate_per_s, now_s)
        return self.bucket.take(now_s)

    def free(self, all_under_way: int) -> int:
        """How many attempts of lanes like this one may still begin, with so many of all lanes under way."""
        return MAX_UNDER_WAY - all_under_way - (KEPT_FREE if self.hanging else 0)

    def has_room(self, all_under_way: int, now_s: float) -> bool:
        """Whether another attempt of this lane may begin, when one of its like may."""
        share = max((MAX_UNDER_WAY - all_under_way) // SHARE, 1)
        if now_s - self.heard_s < SILENCE_S:
            share = min(share, self.window)
        return self.under_way < share

    def started(self, now_s: float) -> None:
        """An attempt begins."""
        if self.under_way == 0:
            self.heard_s = now_s
        self.under_way += 1

    def finished(self, now_s: float, *, timed_out: bool) -> None:
        """An attempt ended: an endpoint that answers is trusted with more at once."""
        self.under_way -= 1
        self.hanging = timed_out
        if not timed_out:
            self.heard_s = now_s
            self.window = min(self.window + 1, MAX_WINDOW)

    def look_again_s(self, now_s: float) -> float | None:
        """When to look at a lane that has something to send and no room for it, if nothing else happens."""
        if not self.ready or self.woken_s > now_s:
            return None
        self.woken_s = self.heard_s + SILENCE_S
        return self.woken_s if self.woken_s > now_s else None


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
