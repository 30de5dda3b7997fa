"""Amazon Cognito user pools. Prices: aws.amazon.com/cognito/pricing.

A user who was active in a calendar month is billed once, by the plan of the pool: Lite, Essentials (what a
new pool has) or Plus. The users of a run are billed in an hour and in a month as in the run: how many others
a month would bring is not known. SMS, and mails through SES, cost what those services ask, by country: they
are in no line, so that a bill names them as not priced.
"""

from __future__ import annotations

from harness.aws.prices.line import Line, LineFunction, ResourceUsage, Tariff, line

PLANS = ("lite", "essentials", "plus")


def _active_users(plan: str) -> LineFunction:
    def active_users(pool: ResourceUsage) -> Line | None:
        """Monthly active users while the pool was on that plan."""
        users = pool.get(f"{plan}_monthly_active_users")
        return line(pool, f"cognito.{plan}_monthly_active_users", users, growth="monthly")

    return active_users


TARIFF = Tariff(
    "cognito-idp",
    tuple(map(_active_users, PLANS)),
    units=frozenset(f"{plan}_monthly_active_users" for plan in PLANS),
    unbilled=frozenset(
        {
            *("requests", "throttled_requests", "sign_ins", "refused_sign_ins", "sign_ups"),
            *("token_refreshes", "email_messages"),  # mails of Cognito's own sender cost nothing
        }
    ),
)
