"""SQS standard queues, as the pipeline uses them: visibility, dead letters, batches, attributes, delays."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import Any

import pytest

from tests.conformance.catalogue import behaviour, documented, reference
from tests.conformance.kit import Cleanup, refusing, until
from tests.conformance.targets import Aws

READ = "2026-11-24"


@dataclass(frozen=True)
class Queue:
    """A queue of a case's own."""

    sqs: Any
    url: str

    def send(self, body: str, **more: Any) -> dict[str, Any]:
        sent: dict[str, Any] = self.sqs.send_message(QueueUrl=self.url, MessageBody=body, **more)
        return sent

    def look(self, **more: Any) -> list[dict[str, Any]]:
        """One receive, without waiting."""
        found: list[dict[str, Any]] = self.sqs.receive_message(
            QueueUrl=self.url, MaxNumberOfMessages=10, **more
        ).get("Messages", [])
        return found

    def receive(self, **more: Any) -> dict[str, Any]:
        """A message, waited for."""
        return until(lambda: self.look(WaitTimeSeconds=1, **more), "a message")[0]

    def attributes(self, *names: str) -> dict[str, str]:
        asked = {"QueueUrl": self.url, "AttributeNames": list(names or ["All"])}
        found: dict[str, str] = self.sqs.get_queue_attributes(**asked)["Attributes"]
        return found

    def delete(self, message: dict[str, Any]) -> None:
        self.sqs.delete_message(QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"])


def created(aws: Aws, cleanup: Cleanup, **attributes: str) -> Queue:
    sqs = aws.client("sqs")
    url = sqs.create_queue(QueueName=aws.name("queue"), Attributes=attributes)["QueueUrl"]
    cleanup.add(sqs.delete_queue, QueueUrl=url)
    return Queue(sqs, url)


@pytest.fixture
def queue(aws: Aws, cleanup: Cleanup) -> Queue:
    return created(aws, cleanup)


@behaviour(
    "sqs.message-comes-back-whole",
    "A message is received with its body, its id, the MD5 of its body and the attributes that are asked for.",
    reference("sqs", "ReceiveMessage", "An MD5 digest of the message body", read=READ),
)
def test_whole_message(queue: Queue) -> None:
    attributes = {
        "kind": {"DataType": "String", "StringValue": "é"},
        "n": {"DataType": "Number", "StringValue": "1.5"},
    }
    sent = queue.send("bödy", MessageAttributes=attributes)
    got = queue.receive(MessageAttributeNames=["All"], AttributeNames=["All"])
    assert (got["Body"], got["MessageId"]) == ("bödy", sent["MessageId"])
    assert got["MD5OfBody"] == sent["MD5OfMessageBody"]
    assert got["MD5OfMessageAttributes"] == sent["MD5OfMessageAttributes"]
    assert {name: value["StringValue"] for name, value in got["MessageAttributes"].items()} == {
        "kind": "é",
        "n": "1.5",
    }
    assert got["Attributes"]["ApproximateReceiveCount"] == "1"


@behaviour(
    "sqs.received-message-is-hidden",
    "A received message is not received again until its visibility timeout is over, and is then, counted.",
    documented(
        "Amazon SQS Developer Guide, Amazon SQS visibility timeout",
        "AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-visibility-timeout.html",
        noted=READ,
    ),
)
def test_visibility(queue: Queue) -> None:
    queue.send("1")
    queue.receive(VisibilityTimeout=3)
    assert queue.look() == []
    again = queue.receive(AttributeNames=["ApproximateReceiveCount"])
    assert again["Attributes"]["ApproximateReceiveCount"] == "2"


@behaviour(
    "sqs.visibility-can-be-ended",
    "Changing a message's visibility timeout to 0 lets it be received at once.",
    reference(
        "sqs", "ChangeMessageVisibility", "Changes the visibility timeout of a specified message", read=READ
    ),
)
def test_change_visibility(queue: Queue) -> None:
    queue.send("1")
    got = queue.receive(VisibilityTimeout=600)
    queue.sqs.change_message_visibility(
        QueueUrl=queue.url, ReceiptHandle=got["ReceiptHandle"], VisibilityTimeout=0
    )
    assert queue.receive()["MessageId"] == got["MessageId"]


@behaviour(
    "sqs.deleted-message-is-gone",
    "A deleted message is not received again.",
    reference("sqs", "DeleteMessage", "Deletes the specified message from the specified queue", read=READ),
)
def test_delete(queue: Queue) -> None:
    queue.send("1")
    got = queue.receive(VisibilityTimeout=0)
    queue.delete(got)
    assert queue.look() == []


@behaviour(
    "sqs.dead-letter-queue-takes-what-is-received-too-often",
    "A message that was received maxReceiveCount times goes to the dead-letter queue with its id and body.",
    documented(
        "Amazon SQS Developer Guide, Using dead-letter queues in Amazon SQS",
        "AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-dead-letter-queues.html",
        noted=READ,
    ),
)
def test_dead_letters(aws: Aws, cleanup: Cleanup) -> None:
    dead = created(aws, cleanup)
    policy = {"deadLetterTargetArn": dead.attributes("QueueArn")["QueueArn"], "maxReceiveCount": "2"}
    queue = created(aws, cleanup, RedrivePolicy=json.dumps(policy))
    sent = queue.send("poison")

    def moved() -> list[dict[str, Any]]:
        queue.look(VisibilityTimeout=0)
        return dead.look()

    (got,) = until(moved, "the message is dead-lettered")
    assert (got["MessageId"], got["Body"]) == (sent["MessageId"], "poison")
    assert queue.look() == []


@behaviour(
    "sqs.delayed-message-waits",
    "A message with a delay is not received before it is over.",
    reference("sqs", "SendMessage", "The length of time, in seconds, for which to delay", read=READ),
)
def test_delay(queue: Queue) -> None:
    sent_at = time.monotonic()
    queue.send("late", DelaySeconds=2)
    assert queue.look() == []
    assert queue.receive()["Body"] == "late"
    assert time.monotonic() - sent_at > 1.5


@behaviour(
    "sqs.batch-answers-each-entry",
    "SendMessageBatch stores what it can and answers each entry by its id, the failed ones apart.",
    reference(
        "sqs", "SendMessageBatch", "you should check for batch errors even when the call returns", read=READ
    ),
)
def test_batch(queue: Queue) -> None:
    entries = [
        {"Id": "good", "MessageBody": "1"},
        {"Id": "bad", "MessageBody": "2", "DelaySeconds": 901},
    ]
    answer = queue.sqs.send_message_batch(QueueUrl=queue.url, Entries=entries)
    assert [row["Id"] for row in answer["Successful"]] == ["good"]
    assert [(row["Id"], row["SenderFault"]) for row in answer["Failed"]] == [("bad", True)]
    assert queue.receive()["Body"] == "1"


@behaviour(
    "sqs.batch-is-ten-at-most",
    "A batch of more than ten entries, of none, or with an id twice is refused as a whole.",
    reference(
        "sqs", "SendMessageBatch", "The batch request contains more entries than permissible", read=READ
    ),
)
def test_batch_limits(queue: Queue) -> None:
    def send(*ids: str) -> None:
        entries = [{"Id": id_, "MessageBody": "1"} for id_ in ids]
        queue.sqs.send_message_batch(QueueUrl=queue.url, Entries=entries)

    prefix = "AWS.SimpleQueueService."
    with refusing(f"{prefix}TooManyEntriesInBatchRequest"):
        send(*map(str, range(11)))
    with refusing(f"{prefix}EmptyBatchRequest"):
        send()
    with refusing(f"{prefix}BatchEntryIdsNotDistinct"):
        send("same", "same")
    assert queue.look() == []


@behaviour(
    "sqs.no-such-queue",
    "A queue that does not exist is QueueDoesNotExist, under its older name NonExistentQueue.",
    reference("sqs", "GetQueueUrl", "Ensure that the QueueUrl is correct", read=READ),
)
def test_no_such_queue(queue: Queue, aws: Aws) -> None:
    missing = aws.name("missing")
    with refusing("AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist", status=400):
        queue.sqs.get_queue_url(QueueName=missing)
    with refusing("AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist", status=400):
        queue.sqs.send_message(QueueUrl=f"{queue.url}-missing", MessageBody="1")


@behaviour(
    "sqs.long-poll-returns-when-a-message-comes",
    "A receive that waits returns as soon as there is a message, not at the end of its wait.",
    reference("sqs", "ReceiveMessage", "the call returns sooner than WaitTimeSeconds", read=READ),
)
def test_long_poll(queue: Queue) -> None:
    queue.send("late", DelaySeconds=1)
    began = time.monotonic()
    found = queue.look(WaitTimeSeconds=15)
    assert [message["Body"] for message in found] == ["late"]
    assert time.monotonic() - began < 12


@behaviour(
    "sqs.counts-of-messages",
    "A queue counts its visible messages and those in flight apart.",
    reference("sqs", "GetQueueAttributes", "ApproximateNumberOfMessagesNotVisible", read=READ),
)
def test_counts(queue: Queue) -> None:
    for body in ("1", "2", "3"):
        queue.send(body)
    queue.sqs.receive_message(QueueUrl=queue.url, MaxNumberOfMessages=1, VisibilityTimeout=60)
    names = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")
    until(
        lambda: [queue.attributes(*names)[name] for name in names] == ["2", "1"], "two wait, one is in flight"
    )


@behaviour(
    "sqs.purge-empties-a-queue",
    "A purged queue has no messages.",
    reference("sqs", "PurgeQueue", "Deletes available messages in a queue", read=READ),
)
def test_purge(queue: Queue) -> None:
    queue.send("1")
    queue.sqs.purge_queue(QueueUrl=queue.url)
    until(lambda: queue.attributes()["ApproximateNumberOfMessages"] == "0", "the queue is empty")
    assert queue.look() == []


@behaviour(
    "sqs.same-name-same-queue",
    "Creating a queue again gives the same queue, and is refused when the attributes are others.",
    reference("sqs", "CreateQueue", "A queue with this name already exists", read=READ),
)
def test_create_twice(aws: Aws, cleanup: Cleanup) -> None:
    sqs, name = aws.client("sqs"), aws.name("queue")
    attributes = {"VisibilityTimeout": "11"}
    url = sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
    cleanup.add(sqs.delete_queue, QueueUrl=url)
    assert sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"] == url
    with refusing("QueueAlreadyExists", "QueueNameExists"):
        sqs.create_queue(QueueName=name, Attributes={"VisibilityTimeout": "12"})
