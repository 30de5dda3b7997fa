"""SNS topics."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from deploy.standup.engine import Clients, Facts, Journal, Known
from deploy.standup.waiting import found

_MISSING = ("NotFound", "NotFoundException")
_SIGNATURE_VERSION = "2"  # SHA-256 (docs: Verifying the signatures of Amazon SNS messages, read 2026-11)


@dataclass(frozen=True)
class Topic:
    """A standard topic whose messages are signed with SHA-256."""

    clients: Clients
    name: str
    topic_name: str
    topic_arn: str
    needs: Sequence[str] = ()

    def stand_up(self, known: Known, journal: Journal) -> Facts:  # noqa: ARG002
        """Create the topic, or set how it signs."""
        sns = self.clients("sns")
        there = found(lambda: sns.get_topic_attributes(TopicArn=self.topic_arn), missing=_MISSING)
        if there is None:
            sns.create_topic(Name=self.topic_name, Attributes={"SignatureVersion": _SIGNATURE_VERSION})
            journal.note(f"created the topic {self.topic_name}", self.take_down)
        else:
            # Who does not say it (moto) has it as it was made.
            before = there["Attributes"].get("SignatureVersion", _SIGNATURE_VERSION)
            if before != _SIGNATURE_VERSION:
                self._sign_by(_SIGNATURE_VERSION)
                journal.note(f"changed how {self.topic_name} signs", lambda: self._sign_by(before))
        return {"arn": self.topic_arn, "name": self.topic_name}

    def _sign_by(self, version: str) -> None:
        self.clients("sns").set_topic_attributes(
            TopicArn=self.topic_arn, AttributeName="SignatureVersion", AttributeValue=version
        )

    def take_down(self) -> None:
        """Delete the topic with its subscriptions."""
        sns = self.clients("sns")
        found(lambda: sns.delete_topic(TopicArn=self.topic_arn), missing=_MISSING)
