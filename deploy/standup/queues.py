"""SQS queues."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from deploy.standup.engine import Clients, Facts, Journal, Known
from deploy.standup.waiting import code_of, found, once_possible

_MISSING = ("AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist")
_DELETED_RECENTLY = ("AWS.SimpleQueueService.QueueDeletedRecently", "QueueDeletedRecently")
_RETENTION_S = "1209600"  # 14 days, the longest that SQS keeps a message


@dataclass(frozen=True)
class Queue:
    """A standard queue that keeps its messages as long as SQS can."""

    clients: Clients
    name: str
    queue_name: str
    needs: Sequence[str] = ()

    def stand_up(self, known: Known, journal: Journal) -> Facts:  # noqa: ARG002
        """Create the queue, or set its retention."""
        sqs = self.clients("sqs")
        url = self._url()
        if url is None:
            answer = once_possible(
                lambda: sqs.create_queue(
                    QueueName=self.queue_name, Attributes={"MessageRetentionPeriod": _RETENTION_S}
                ),
                lambda error: code_of(error) in _DELETED_RECENTLY,
            )
            url = answer["QueueUrl"]
            journal.note(f"created the queue {self.queue_name}", self.take_down)
        attributes = sqs.get_queue_attributes(
            QueueUrl=url, AttributeNames=["QueueArn", "MessageRetentionPeriod"]
        )["Attributes"]
        before = attributes["MessageRetentionPeriod"]
        if before != _RETENTION_S:
            self._keep(url, _RETENTION_S)
            journal.note(f"changed the retention of {self.queue_name}", lambda: self._keep(url, before))
        return {"url": url, "arn": attributes["QueueArn"], "name": self.queue_name}

    def _keep(self, url: str, retention_s: str) -> None:
        self.clients("sqs").set_queue_attributes(
            QueueUrl=url, Attributes={"MessageRetentionPeriod": retention_s}
        )

    def _url(self) -> str | None:
        answer = found(lambda: self.clients("sqs").get_queue_url(QueueName=self.queue_name), missing=_MISSING)
        return answer["QueueUrl"] if answer else None

    def take_down(self) -> None:
        """Delete the queue with all that is in it."""
        url = self._url()
        if url is not None:
            found(lambda: self.clients("sqs").delete_queue(QueueUrl=url), missing=_MISSING)
