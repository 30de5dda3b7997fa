"""SNS topics."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from deploy.standup.engine import Clients, Facts, Journal, Known
from deploy.standup.waiting import found

_MISSING = ("NotFound", "NotFoundException")
_SIGNATURE_VERSION = "2"  # SHA-256 (docs: Verifying the signatures of Amazon SNS messages, read 2026-11)
RETRIES = 3
RETRY_DELAY_S = 20
"""AWS's default for HTTP endpoints: three retries, 20 s apart (docs: Amazon SNS message delivery retries,
read 2026-11)."""


def delivery_policy(retry_delay_s: int) -> str:
    """AWS's default policy of retries at HTTP endpoints, with this delay between two."""
    retries = {
        "numRetries": RETRIES,
        "minDelayTarget": retry_delay_s,
        "maxDelayTarget": retry_delay_s,
        "numNoDelayRetries": 0,
        "numMinDelayRetries": 0,
        "numMaxDelayRetries": 0,
        "backoffFunction": "linear",
    }
    return json.dumps({"http": {"defaultHealthyRetryPolicy": retries, "disableSubscriptionOverrides": False}})


@dataclass(frozen=True)
class Topic:
    """A standard topic whose messages are signed with SHA-256, and tried again at HTTP endpoints after
    `retry_delay_s`."""

    clients: Clients
    name: str
    topic_name: str
    topic_arn: str
    retry_delay_s: int = RETRY_DELAY_S
    needs: Sequence[str] = ()

    def stand_up(self, known: Known, journal: Journal) -> Facts:  # noqa: ARG002
        """Create the topic, or bring its attributes to what is described."""
        sns = self.clients("sns")
        wanted = {
            "SignatureVersion": _SIGNATURE_VERSION,
            "DeliveryPolicy": delivery_policy(self.retry_delay_s),
        }
        there = found(lambda: sns.get_topic_attributes(TopicArn=self.topic_arn), missing=_MISSING)
        if there is None:
            sns.create_topic(Name=self.topic_name, Attributes=wanted)
            journal.note(f"created the topic {self.topic_name}", self.take_down)
        else:
            self._follow(there["Attributes"], wanted, journal)
        return {"arn": self.topic_arn, "name": self.topic_name}

    def _follow(self, there: Mapping[str, str], wanted: Mapping[str, str], journal: Journal) -> None:
        for attribute, value in wanted.items():
            before = there.get(attribute)
            # Who does not say an attribute (moto) has it as it was made.
            if before is None or _same(before, value):
                continue
            self._set(attribute, value)
            journal.note(
                f"changed the {attribute} of {self.topic_name}",
                partial(self._set, attribute, before),
            )

    def _set(self, attribute: str, value: str) -> None:
        self.clients("sns").set_topic_attributes(
            TopicArn=self.topic_arn, AttributeName=attribute, AttributeValue=value
        )

    def take_down(self) -> None:
        """Delete the topic with its subscriptions."""
        sns = self.clients("sns")
        found(lambda: sns.delete_topic(TopicArn=self.topic_arn), missing=_MISSING)


def _same(before: str, wanted: str) -> bool:
    """Whether two attributes say the same: AWS gives a policy back in a spelling of its own."""
    try:
        return bool(json.loads(before) == json.loads(wanted))
    except ValueError:
        return before == wanted
