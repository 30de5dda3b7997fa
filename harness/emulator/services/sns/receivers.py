"""Who gets a message of a topic, found without asking every subscription.

A platform subscribes each of its accounts' endpoints with a filter on the account: thousands of policies of
which a message passes one. Those that ask for exact strings of an attribute are kept by these strings.
"""

from __future__ import annotations

from collections.abc import Iterator

from harness.emulator.services.sns.messages import Message
from harness.emulator.services.sns.subscriptions import Subscription

_Kept = dict[str, Subscription]


class Receivers:
    """The confirmed subscriptions of one topic."""

    def __init__(self) -> None:
        self._to_ask: _Kept = {}
        self._by_value: dict[str, dict[str, _Kept]] = {}
        """By attribute, by exact value: the subscriptions that ask for it, and perhaps for more."""
        self._keys: dict[str, tuple[str, frozenset[str]]] = {}

    def put(self, subscription: Subscription) -> None:
        """Take a subscription as it is now; one that is not confirmed is none of them."""
        self.discard(subscription)
        if not subscription.confirmed:
            return
        policy = subscription.filter_policy
        exact = policy.exact_strings() if policy is not None else None
        if exact is None:
            self._to_ask[subscription.arn] = subscription
            return
        attribute, values = self._keys[subscription.arn] = exact
        kept = self._by_value.setdefault(attribute, {})
        for value in values:
            kept.setdefault(value, {})[subscription.arn] = subscription

    def discard(self, subscription: Subscription) -> None:
        """Let a subscription go."""
        self._to_ask.pop(subscription.arn, None)
        attribute, values = self._keys.pop(subscription.arn, ("", frozenset()))
        for value in values:
            kept = self._by_value[attribute][value]
            del kept[subscription.arn]
            if not kept:
                del self._by_value[attribute][value]

    def __len__(self) -> int:
        return len(self._to_ask) + len(self._keys)

    def may_pass(self, message: Message) -> Iterator[Subscription]:
        """The subscriptions that `message` may be for; those left out have a filter policy that it does not
        pass."""
        yield from self._to_ask.values()
        for attribute, by_value in self._by_value.items():
            values = message.attribute_values(attribute)
            if len(values) == 1:
                yield from by_value.get(values[0], {}).values()
            elif values:
                found: _Kept = {}
                for value in values:
                    found |= by_value.get(value, {})
                yield from found.values()
