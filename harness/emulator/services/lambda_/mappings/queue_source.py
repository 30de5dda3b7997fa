"""A queue as a mapping sees it: messages received, deleted, let go, and the event that a function gets.

docs: Using Lambda with Amazon SQS, example event (read 2026)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from harness.emulator.services.base import AwsCalls, AwsError, CallContext

MAX_RECEIVED = 10
"""docs: SQS ReceiveMessage, and the batch operations."""


@dataclass(frozen=True, slots=True)
class Message:
    """A message that was received. `event` is what the function gets of it; `size_bytes` what that takes."""

    id: str
    receipt: str
    event: Mapping[str, Any]
    size_bytes: int


@dataclass(frozen=True, slots=True)
class QueueAttributes:
    """What a mapping must know of its queue."""

    visibility_timeout_s: int
    is_fifo: bool


class QueueSource:
    """One queue. Its methods raise AwsError with what SQS said."""

    def __init__(self, calls: AwsCalls, arn: str) -> None:
        self.arn = arn
        _, _, _, self._region, account_id, self.queue = arn.split(":", 5)
        self._url = f"https://sqs.{self._region}.amazonaws.com/{account_id}/{self.queue}"
        self._calls = calls
        self._context = CallContext(region=self._region, account_id=account_id)

    @property
    def name(self) -> str:
        """As invocations name their source."""
        return f"sqs:{self.queue}"

    async def _call(self, operation: str, **members: object) -> Any:
        body = orjson.dumps({"QueueUrl": self._url, **members})
        return orjson.loads(await self._calls.call("sqs", operation, body, self._context) or b"{}")

    async def attributes(self) -> QueueAttributes:
        """The queue's attributes. Raises AwsError when there is no such queue."""
        found = (await self._call("GetQueueAttributes", AttributeNames=["All"])).get("Attributes", {})
        return QueueAttributes(int(found.get("VisibilityTimeout", 30)), self.queue.endswith(".fifo"))

    async def receive(self, most: int, wait_s: int) -> list[Message]:
        """Up to `most` messages (10 at most), for as long as the queue's visibility timeout says."""
        answer = await self._call(
            "ReceiveMessage",
            MaxNumberOfMessages=min(most, MAX_RECEIVED),
            WaitTimeSeconds=wait_s,
            MessageSystemAttributeNames=["All"],
            MessageAttributeNames=["All"],
        )
        return [self._message(each) for each in answer.get("Messages", [])]

    async def delete(self, messages: Sequence[Message]) -> None:
        """Delete messages. One whose visibility timeout has run out is received again, as on AWS."""
        for first in range(0, len(messages), MAX_RECEIVED):
            part = messages[first : first + MAX_RECEIVED]
            entries = [{"Id": f"{n}", "ReceiptHandle": each.receipt} for n, each in enumerate(part)]
            await self._call("DeleteMessageBatch", Entries=entries)

    async def let_go(self, messages: Sequence[Message]) -> None:
        """Make messages visible again at once."""
        for first in range(0, len(messages), MAX_RECEIVED):
            part = messages[first : first + MAX_RECEIVED]
            entries = [
                {"Id": f"{n}", "ReceiptHandle": each.receipt, "VisibilityTimeout": 0}
                for n, each in enumerate(part)
            ]
            await self._call("ChangeMessageVisibilityBatch", Entries=entries)

    async def depth(self) -> int:
        """All messages of the queue: visible, in flight or delayed. Not AWS's, and not on its bill."""
        depth: int = (await self._call("LaunchdayQueueDepth"))["Messages"]
        return depth

    def event(self, messages: Sequence[Message]) -> bytes:
        """The event that carries `messages`."""
        return orjson.dumps({"Records": [message.event for message in messages]})

    def _message(self, received: Mapping[str, Any]) -> Message:
        event = {
            "messageId": received["MessageId"],
            "receiptHandle": received["ReceiptHandle"],
            "body": received["Body"],
            "attributes": received.get("Attributes", {}),
            "messageAttributes": {
                name: _attribute(value) for name, value in received.get("MessageAttributes", {}).items()
            },
            "md5OfBody": received["MD5OfBody"],
            "eventSource": "aws:sqs",
            "eventSourceARN": self.arn,
            "awsRegion": self._region,
        }
        if "MD5OfMessageAttributes" in received:
            event["md5OfMessageAttributes"] = received["MD5OfMessageAttributes"]
        size_bytes = len(orjson.dumps(event))
        return Message(received["MessageId"], received["ReceiptHandle"], event, size_bytes)


def is_gone(error: AwsError) -> bool:
    """Whether SQS said that there is no such queue."""
    return error.code.rpartition(".")[2] in ("NonExistentQueue", "QueueDoesNotExist")


def _attribute(value: Mapping[str, Any]) -> dict[str, Any]:
    attribute: dict[str, Any] = {"stringListValues": [], "binaryListValues": []}
    if "StringValue" in value:
        attribute["stringValue"] = value["StringValue"]
    if "BinaryValue" in value:
        attribute["binaryValue"] = value["BinaryValue"]
    attribute["dataType"] = value["DataType"]
    return attribute
