"""What is delivered, and how an attempt may end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

from harness.emulator.services.sns.delivery_policies import DeliveryPolicy, RetryPolicy
from harness.emulator.services.sns.messages import Message
from harness.emulator.services.sns.subscriptions import HTTP, Subscription

Kind = Literal["notification", "confirmation", "dead_letter"]

_DEAD_LETTERS = DeliveryPolicy(
    RetryPolicy(minDelayTarget=1, maxDelayTarget=20, numRetries=10, backoffFunction="exponential")
)
"""How often a dead-letter queue that does not answer is tried is not documented (assumed)."""


@dataclass(slots=True, eq=False)
class Delivery:
    """A message on its way to one endpoint. A confirmation has `fields` instead of a message."""

    kind: Kind
    subscription: Subscription
    message: Message | None = None
    fields: Mapping[str, str] | None = None
    dead_letter_arn: str = ""
    """The queue that a dead letter goes to: the one that its subscription had when it was given up."""
    failures: int = 0
    first_attempt_s: float = 0.0

    @property
    def lane(self) -> str:
        """What it stands in line with: its subscription's, or its dead-letter queue's."""
        return self.dead_letter_arn or self.subscription.arn

    @property
    def policy(self) -> DeliveryPolicy:
        """How it is retried and throttled."""
        if self.kind == "dead_letter":
            return _DEAD_LETTERS
        return self.subscription.effective_policy

    @property
    def size_bytes(self) -> int:
        """What it holds in memory, about."""
        return self.message.size_bytes if self.message is not None else 0

    @property
    def to_http(self) -> bool:
        """Whether it goes to an HTTP(S) endpoint."""
        return self.kind != "dead_letter" and self.subscription.protocol in HTTP


class Outcome(NamedTuple):
    """How an attempt ended. `retry`: the endpoint failed or is not there; `refused`: it answered with an
    error that another attempt would not change."""

    kind: Literal["delivered", "retry", "refused"]
    reason: str = ""
    timed_out: bool = False
    bytes_out: int = 0
