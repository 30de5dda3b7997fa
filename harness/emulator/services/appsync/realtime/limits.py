"""How much of the real-time half an API may use, and what is counted of it.

docs: AWS General Reference, AppSync endpoints and quotas (read 2026): connect requests, inbound messages (one
for each subscription field that a mutation triggers) and outbound messages (one for each 5 KB) a second and
API; subscriptions a connection. AppSync pricing: real-time updates in units of 5 KB, client connects among
them, and connection minutes; that a minute begun counts as one is assumed.
"""

from __future__ import annotations

from harness.aws.limits.profiles import Limits
from harness.aws.limits.token_bucket import TokenBucket
from harness.measure.meters import Counter, Meters

UPDATE_BYTES = 5 * 1024
MAX_PAYLOAD_BYTES = 240 * 1024
"""docs: subscription payload size. A larger one is not sent, and counted."""
SERVICE = "appsync"


def units_of(payload_bytes: int) -> int:
    """The outbound messages, or real-time updates, that a payload counts as."""
    return max(1, -(-payload_bytes // UPDATE_BYTES))


class Rates:
    """The buckets of one API. Each allows a second's worth at once: AWS documents no burst."""

    def __init__(self, limits: Limits, now_s: float) -> None:
        def bucket(rate_per_s: float) -> TokenBucket:
            return TokenBucket(rate_per_s, rate_per_s, now_s)

        self.connects = bucket(limits.appsync_connects_per_s)
        self.inbound = bucket(limits.appsync_inbound_messages_per_s)
        self.outbound = bucket(limits.appsync_outbound_messages_per_s)


class Counted:
    """The counters of one API, by its name."""

    def __init__(self, meters: Meters, name: str) -> None:
        def counter(unit: str) -> Counter:
            return meters.counter(SERVICE, name, unit)

        self.updates = counter("realtime_updates")
        self.connects = counter("connects")
        self.connection_minutes = counter("connection_minutes")
        self.subscriptions = counter("subscriptions")
        self.connects_refused = counter("connects_refused")
        self.subscriptions_refused = counter("subscriptions_refused")
        self.updates_throttled = counter("updates_throttled")
        self.updates_too_large = counter("updates_too_large")
        self.closed_slow = counter("connections_closed_slow")
