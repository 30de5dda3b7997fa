"""Who is told, in a rehearsal: customers' webhook endpoints and live subscribers."""

from __future__ import annotations

from dataclasses import dataclass

from harness.errors import UsageError
from harness.scenario.checks import whole

BEHAVIOURS = (
    "healthy",  # answers 200 at once
    "slow",  # answers 200 after two seconds
    "failing",  # answers 500
    "hanging",  # never answers
)
"""How a webhook endpoint takes what is posted to it. Each confirms its subscription."""

MAX_SUBSCRIBERS = 100_000
MAX_WEBHOOKS = 1_000


@dataclass(frozen=True, slots=True)
class Watchers:
    """They are there before the load starts and until the backlog is empty, and all they are told is checked.

    `device_subscribers` watch a tracked device each, `account_subscribers` an account each, in turn.
    `webhooks` has how many endpoints there are of each behaviour; the first is the first account's, and so
    on: the accounts take turns."""

    device_subscribers: int = 0
    account_subscribers: int = 0
    webhooks: tuple[tuple[str, int], ...] = ()

    def __post_init__(self) -> None:
        whole("the number of subscribers to devices", self.device_subscribers, 0, MAX_SUBSCRIBERS)
        whole("the number of subscribers to accounts", self.account_subscribers, 0, MAX_SUBSCRIBERS)
        for behaviour, count in self.webhooks:
            if behaviour not in BEHAVIOURS:
                raise UsageError(
                    f"'{behaviour}' is no way for a webhook endpoint to behave.",
                    f"Write one of {', '.join(BEHAVIOURS)}.",
                )
            whole(f"the number of {behaviour} webhook endpoints", count, 0, MAX_WEBHOOKS)
        if not self.count:
            raise UsageError("Watchers need at least one subscriber or webhook endpoint.")

    @property
    def count(self) -> int:
        """All of them."""
        return self.device_subscribers + self.account_subscribers + sum(n for _, n in self.webhooks)
