"""Subscriptions: what is kept of them, where they are found, and the tokens that confirm them.

docs: SNS API Reference, Subscribe, ConfirmSubscription, GetSubscriptionAttributes (read 2026)
"""

from __future__ import annotations

import re
import secrets
import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from harness.emulator.services.sns.delivery_policies import (
    MANAGED,
    NOTHING_GIVEN,
    DeliveryPolicy,
    GivenPolicy,
    effective_policy,
)
from harness.emulator.services.sns.errors import invalid_parameter, subscription_not_found
from harness.emulator.services.sns.filters.policy import FilterPolicy
from harness.emulator.services.sns.topics import Topic

TOKEN_VALID_S: Final = 2 * 24 * 3_600.0
"""docs: Subscribe: "Confirmation tokens are valid for two days" """
MAX_PENDING: Final = 5_000
"""docs: SNS endpoints and quotas, pending subscriptions of an account (read 2026)"""
HTTP: Final = frozenset({"http", "https"})
_ARN = re.compile(
    r"arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:[A-Za-z0-9_.-]+:"
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
)


@dataclass(slots=True, eq=False)
class Subscription:
    """A subscription. `attributes` are those that were set, as they were given; the members below them are
    what they mean."""

    topic: Topic
    protocol: str
    endpoint: str
    owner: str
    arn: str
    attributes: dict[str, str] = field(default_factory=dict)
    confirmed: bool = False
    confirmation_was_authenticated: bool = False
    authenticate_on_unsubscribe: bool = False
    raw: bool = False
    filter_policy: FilterPolicy | None = None
    delivery_policy: GivenPolicy = NOTHING_GIVEN
    dead_letter_arn: str | None = None
    deleted: bool = False
    effective: DeliveryPolicy | None = None
    """What its and its topic's delivery policies come to, once it was asked for; None when one changed."""

    @property
    def effective_policy(self) -> DeliveryPolicy:
        """How its deliveries are retried and throttled."""
        if self.effective is None:
            policies = self.topic.delivery_policy, self.delivery_policy
            self.effective = effective_policy(*policies) if self.protocol in HTTP else MANAGED
        return self.effective

    @property
    def shown_endpoint(self) -> str:
        """The endpoint without the password that a URL may carry."""
        return re.sub(r"^(https?://[^/@:]*):[^/@]*@", r"\1:****@", self.endpoint)


def subscription_arn(topic: Topic) -> str:
    """A new one."""
    return f"{topic.arn}:{uuid.uuid4()}"


def check_arn(arn: str) -> None:
    """Raises AwsError InvalidParameter when `arn` cannot be that of a subscription."""
    if not _ARN.fullmatch(arn):
        raise invalid_parameter("SubscriptionArn", "An ARN must have at least 6 elements, not " + repr(arn))


class Subscriptions:
    """All subscriptions of the emulator. `on_change` is told of each that is new, other, or deleted."""

    def __init__(self, on_change: Callable[[Subscription], None]) -> None:
        self._on_change = on_change
        self._by_arn: dict[str, Subscription] = {}
        self._by_topic: dict[str, dict[str, Subscription]] = {}
        self._by_endpoint: dict[tuple[str, str, str], Subscription] = {}

    def __iter__(self) -> Iterator[Subscription]:
        return iter(self._by_arn.values())

    def get(self, arn: str) -> Subscription | None:
        """The subscription with `arn`, or None."""
        return self._by_arn.get(arn)

    def find(self, arn: str) -> Subscription:
        """The subscription with `arn`. Raises AwsError InvalidParameter or NotFound."""
        found = self._by_arn.get(arn)
        if found is None:
            check_arn(arn)
            raise subscription_not_found()
        return found

    def same(self, topic: Topic, protocol: str, endpoint: str) -> Subscription | None:
        """The subscription of that endpoint to that topic, if there is one."""
        return self._by_endpoint.get((topic.arn, protocol, endpoint))

    def of_topic(self, topic_arn: str) -> Iterable[Subscription]:
        """A topic's, in the order in which they were made."""
        return self._by_topic.get(topic_arn, {}).values()

    def add(self, subscription: Subscription) -> None:
        """Keep a new subscription, or one that is restored."""
        topic_arn = subscription.topic.arn
        subscription.deleted = False
        self._by_arn[subscription.arn] = subscription
        self._by_topic.setdefault(topic_arn, {})[subscription.arn] = subscription
        self._by_endpoint[topic_arn, subscription.protocol, subscription.endpoint] = subscription
        self._on_change(subscription)

    def changed(self, subscription: Subscription) -> None:
        """A subscription was confirmed, or got other attributes."""
        self._on_change(subscription)

    def remove(self, subscription: Subscription) -> None:
        """Forget a subscription."""
        topic_arn = subscription.topic.arn
        subscription.deleted = True
        self._by_arn.pop(subscription.arn, None)
        self._by_topic.get(topic_arn, {}).pop(subscription.arn, None)
        self._by_endpoint.pop((topic_arn, subscription.protocol, subscription.endpoint), None)
        self._on_change(subscription)

    def remove_topic(self, topic_arn: str) -> list[Subscription]:
        """Forget a topic's subscriptions, and return them."""
        removed = list(self._by_topic.pop(topic_arn, {}).values())
        for subscription in removed:
            self.remove(subscription)
        return removed

    def clear(self) -> None:
        """Forget all."""
        self._by_arn.clear()
        self._by_topic.clear()
        self._by_endpoint.clear()


@dataclass(slots=True)
class Token:
    """What a token confirms, until when. A subscription that was deleted by its link is restored by one."""

    subscription: Subscription
    valid_until_s: float


class Tokens:
    """The tokens that were sent to endpoints and are still valid."""

    def __init__(self) -> None:
        self._tokens: dict[str, Token] = {}

    def issue(self, subscription: Subscription, now_s: float) -> str:
        """A new token for `subscription`."""
        value = secrets.token_hex(128)
        self._tokens[value] = Token(subscription, now_s + TOKEN_VALID_S)
        return value

    def confirm(self, value: str, topic_arn: str, now_s: float) -> Subscription:
        """The subscription that a token confirms. Raises AwsError InvalidParameter when it is not valid for
        that topic, or no more."""
        token = self._tokens.get(value)
        if token is None or token.valid_until_s < now_s or token.subscription.topic.arn != topic_arn:
            raise invalid_parameter("Token")
        return token.subscription

    def expire(self, now_s: float) -> list[Subscription]:
        """Let go of the tokens whose time is over (they are in its order), and return what they confirm."""
        expired: list[Subscription] = []
        for value, token in list(self._tokens.items()):
            if token.valid_until_s >= now_s:
                break
            expired.append(self._tokens.pop(value).subscription)
        return expired

    def forget(self, subscriptions: Iterable[Subscription]) -> None:
        """Invalidate the tokens of `subscriptions`."""
        gone = {id(subscription) for subscription in subscriptions}
        self._tokens = {v: t for v, t in self._tokens.items() if id(t.subscription) not in gone}

    def has(self, subscription: Subscription) -> bool:
        """Whether there is a valid token for `subscription`."""
        return any(token.subscription is subscription for token in self._tokens.values())

    def clear(self) -> None:
        """Forget all."""
        self._tokens.clear()
