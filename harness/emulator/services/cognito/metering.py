"""What is billed and watched: monthly active users by the pool's tier, sign-ins, refreshes, refusals.

A user is active in a calendar month (UTC) by the first identity operation in it: being created, confirming,
signing in or refreshing, signing out, a password or an attribute or a group changed, AdminGetUser; not by
ListUsers, nor by what the user's own access token authorizes. A user counts once a month, under the tier that
the pool had then: AWS moves it when the pool goes to a dearer tier within the month, we do not.
docs: Quotas in Amazon Cognito, Monthly active users (read 2026)
"""

from __future__ import annotations

import time

from harness.emulator.services.cognito.users import User
from harness.measure.meters import Counter, Meters

SERVICE = "cognito-idp"


class PoolMeters:
    """The counters of one pool, by its name."""

    def __init__(self, meters: Meters, pool_name: str, tier: str) -> None:
        self._meters = meters
        self._name = pool_name
        self.sign_ins = self._counter("sign_ins")
        self.refused_sign_ins = self._counter("refused_sign_ins")
        self.sign_ups = self._counter("sign_ups")
        self.token_refreshes = self._counter("token_refreshes")
        self._messages = {medium: self._counter(f"{medium}_messages") for medium in ("email", "ses", "sms")}
        self._month = 0
        self.set_tier(tier)

    def sent(self, medium: str, *, through_ses: bool) -> None:
        """A message would have been sent by `medium`, EMAIL or SMS."""
        kind = "sms" if medium == "SMS" else "ses" if through_ses else "email"
        self._messages[kind].value += 1

    def set_tier(self, tier: str) -> None:
        """From now on count active users under `tier`: LITE, ESSENTIALS or PLUS."""
        self._active = self._counter(f"{tier.lower()}_monthly_active_users")

    def active(self, user: User, now_s: float) -> None:
        """An identity operation of `user` happens."""
        date = time.gmtime(now_s)
        month = date.tm_year * 12 + date.tm_mon
        if user.active_month != month:
            if month != self._month:
                self._month = month
            user.active_month = self._month  # one object for all who are active in it
            self._active.value += 1

    def _counter(self, unit: str) -> Counter:
        return self._meters.counter(SERVICE, self._name, unit)
