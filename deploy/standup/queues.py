"""SQS queues."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from deploy.standup.engine import Clients, Facts, Journal, Known
from deploy.standup.waiting import code_of, found, once_possible

_MISSING = ("AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist")
_DELETED_RECENTLY = ("AWS.SimpleQueueService.QueueDeletedRecently", "QueueDeletedRecently")
_RETENTION_S = "1209600"  # 14 days, the longest that SQS keeps a message


@dataclass(frozen=True)
class Queue:
    """A standard queue that keeps its messages as long as SQS can. `writer` is the ARN of a topic that may
    send to it: a topic has no role of its own."""

    clients: Clients
    name: str
    queue_name: str
    queue_arn: str
    writer: str | None = None
    needs: Sequence[str] = ()

    def stand_up(self, known: Known, journal: Journal) -> Facts:  # noqa: ARG002
        """Create the queue, or set its retention and who may send to it."""
        sqs, wanted = self.clients("sqs"), self._attributes()
        url = self._url()
        if url is None:
            answer = once_possible(
                lambda: sqs.create_queue(QueueName=self.queue_name, Attributes=wanted),
                lambda error: code_of(error) in _DELETED_RECENTLY,
            )
            url = answer["QueueUrl"]
            journal.note(f"created the queue {self.queue_name}", self.take_down)
            return {"url": url, "arn": self.queue_arn, "name": self.queue_name}
        there = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["MessageRetentionPeriod", "Policy"])
        before = {name: there.get("Attributes", {}).get(name, "") for name in wanted}
        if any(_parsed(before[name]) != _parsed(value) for name, value in wanted.items()):
            self._set(url, wanted)
            journal.note(f"changed the queue {self.queue_name}", lambda: self._set(url, before))
        return {"url": url, "arn": self.queue_arn, "name": self.queue_name}

    def _attributes(self) -> dict[str, str]:
        if self.writer is None:
            return {"MessageRetentionPeriod": _RETENTION_S}
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": "sns.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": self.queue_arn,
            "Condition": {"ArnEquals": {"aws:SourceArn": self.writer}},
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        return {"MessageRetentionPeriod": _RETENTION_S, "Policy": policy}

    def _set(self, url: str, attributes: Mapping[str, str]) -> None:
        self.clients("sqs").set_queue_attributes(QueueUrl=url, Attributes=dict(attributes))

    def _url(self) -> str | None:
        answer = found(lambda: self.clients("sqs").get_queue_url(QueueName=self.queue_name), missing=_MISSING)
        return answer["QueueUrl"] if answer else None

    def take_down(self) -> None:
        """Delete the queue with all that is in it."""
        url = self._url()
        if url is not None:
            found(lambda: self.clients("sqs").delete_queue(QueueUrl=url), missing=_MISSING)


def _parsed(value: str) -> Any:
    return json.loads(value) if value else None
