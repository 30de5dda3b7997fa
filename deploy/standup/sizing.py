"""What a deployment asks of the pipeline."""

from __future__ import annotations

from dataclasses import dataclass

from deploy.standup.streams import NEW_ON_DEMAND_SHARDS
from deploy.standup.topics import RETRY_DELAY_S


@dataclass(frozen=True)
class Sizing:
    """`shards` is None for a stream on demand, which begins with `warm_shards`. `webhook_hosts` says which
    hosts may be webhooks: `public`, or `loopback` as well; what one refuses is tried again after
    `webhook_retry_delay_s`. The first `users` accounts have a user."""

    accounts: int = 1
    stale_after_s: int = 24 * 3600
    shards: int | None = None
    warm_shards: int = NEW_ON_DEMAND_SHARDS
    webhook_hosts: str = "public"
    webhook_retry_delay_s: int = RETRY_DELAY_S
    users: int = 1
