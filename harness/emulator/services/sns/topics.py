"""Topics: what they are called, what is kept of them, and where they are found.

docs: SNS API Reference, CreateTopic, GetTopicAttributes (read 2026)
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import orjson

from harness.emulator.services.base import CallContext
from harness.emulator.services.sns.delivery_policies import NOTHING_GIVEN, GivenPolicy
from harness.emulator.services.sns.errors import invalid_parameter, not_offered_parameter, topic_not_found

_NAME = re.compile(r"[A-Za-z0-9_-]{1,256}")
_ARN = re.compile(r"arn:aws[a-z-]*:sns:(?P<region>[a-z0-9-]+):(?P<account>\d{12}):(?P<name>[A-Za-z0-9_.-]+)")
_DEFAULT_ACTIONS = (
    *("SNS:GetTopicAttributes", "SNS:SetTopicAttributes", "SNS:AddPermission", "SNS:RemovePermission"),
    *("SNS:DeleteTopic", "SNS:Subscribe", "SNS:ListSubscriptionsByTopic", "SNS:Publish"),
)


@dataclass(slots=True)
class Topic:
    """A topic. `attributes` are those that were set, as they were given."""

    arn: str
    name: str
    region: str
    account_id: str
    attributes: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    delivery_policy: GivenPolicy = NOTHING_GIVEN
    subscriptions_deleted: int = 0

    @property
    def policy(self) -> str:
        """The access policy, AWS's default one unless another was set. It is kept, and not evaluated."""
        return self.attributes.get("Policy") or default_policy(self.arn, self.account_id)


class Topics:
    """All topics of the emulator, by ARN."""

    def __init__(self) -> None:
        self._by_arn: dict[str, Topic] = {}

    def __len__(self) -> int:
        return len(self._by_arn)

    def __iter__(self) -> Iterator[Topic]:
        return iter(self._by_arn.values())

    def find(self, arn: str, context: CallContext, parameter: str = "TopicArn") -> Topic:
        """The topic with `arn`. Raises AwsError InvalidParameter when it is no ARN of a topic in the caller's
        Region, NotFound when there is none."""
        topic = self._by_arn.get(arn)
        if topic is not None and topic.region == context.region:
            return topic
        parsed = _ARN.fullmatch(arn)
        if parsed is None:
            raise invalid_parameter(parameter, "An ARN must have at least 6 elements, not " + repr(arn))
        if parsed["region"] != context.region:
            raise invalid_parameter(parameter)
        raise topic_not_found()

    def get(self, arn: str) -> Topic | None:
        """The topic with `arn`, or None."""
        return self._by_arn.get(arn)

    def of(self, context: CallContext) -> list[Topic]:
        """The caller's topics in the caller's Region, in the order of their ARNs."""
        own = (t for t in self if t.region == context.region and t.account_id == context.account_id)
        return sorted(own, key=lambda topic: topic.arn)

    def add(self, topic: Topic) -> None:
        """Keep a new topic."""
        self._by_arn[topic.arn] = topic

    def remove(self, arn: str) -> Topic | None:
        """Forget the topic with `arn`, and return it; None when there is none."""
        return self._by_arn.pop(arn, None)

    def clear(self) -> None:
        """Forget all."""
        self._by_arn.clear()


def topic_arn(name: str, context: CallContext) -> str:
    """The ARN of a topic of the caller. Raises AwsError InvalidParameter for a name that no topic may have,
    and for one that only a FIFO topic may have."""
    if name.endswith(".fifo") and _NAME.fullmatch(name.removesuffix(".fifo")):
        raise not_offered_parameter("Topic Name", "FIFO topics")
    if not _NAME.fullmatch(name):
        raise invalid_parameter("Topic Name")
    return f"arn:aws:sns:{context.region}:{context.account_id}:{name}"


def default_policy(arn: str, account_id: str) -> str:
    """The access policy of a topic for which none was set: its owner may do all."""
    policy: Mapping[str, object] = {
        "Version": "2008-10-17",
        "Id": "__default_policy_ID",
        "Statement": [
            {
                "Sid": "__default_statement_ID",
                "Effect": "Allow",
                "Principal": {"AWS": "*"},
                "Action": list(_DEFAULT_ACTIONS),
                "Resource": arn,
                "Condition": {"StringEquals": {"AWS:SourceOwner": account_id}},
            }
        ],
    }
    return orjson.dumps(policy).decode()
