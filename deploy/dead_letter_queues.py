"""Reads the pipeline's dead-letter queues without emptying them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import orjson

from deploy.discarded_batches import DiscardedBatch, discarded_batch, event_ids
from harness.pipeline import Outcome

DEAD_LETTERED = "dead_lettered"

_MESSAGES_A_CALL = 10
_HIDDEN_S = 300  # long enough to read a queue once without meeting a message twice
_LONG_POLL_S = 2

Clients = Callable[[str], Any]


def stream_dead_letters(clients: Clients, outputs: Mapping[str, Any]) -> Iterator[Outcome]:
    """Of the stream's queue: records that the processor could not parse, and batches that Lambda gave up."""
    batches: list[DiscardedBatch] = []
    for at_s, message in messages(clients("sqs"), outputs["events"]["dead_letters_url"]):
        batch = message.get("KinesisBatchInfo")
        if batch is None:
            yield Outcome(message.get("event_id"), DEAD_LETTERED, at_s)
        else:
            batches.append(discarded_batch(at_s, batch))
    for at_s, event_id in event_ids(clients("kinesis"), batches):
        yield Outcome(event_id, DEAD_LETTERED, at_s)


def archiver_dead_letters(clients: Clients, outputs: Mapping[str, Any]) -> Iterator[Outcome]:
    """Of the archiver's queue: hand-overs whose asynchronous invocation failed for good."""
    for at_s, message in messages(clients("sqs"), outputs["archive"]["dead_letters_url"]):
        for event_id, _received, _flags in message.get("requestPayload", {}).get("events", ()):
            yield Outcome(event_id, DEAD_LETTERED, at_s)


def messages(sqs: Any, queue_url: str) -> Iterator[tuple[float, dict[str, Any]]]:
    """(when it was sent, body) of every message; all are visible again at the end."""
    handles: list[str] = []
    count = sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=["ApproximateNumberOfMessages"])
    expected = int(count["Attributes"]["ApproximateNumberOfMessages"])
    try:
        while True:
            answer = sqs.receive_message(
                QueueUrl=queue_url,
                MaxNumberOfMessages=_MESSAGES_A_CALL,
                VisibilityTimeout=_HIDDEN_S,
                # A short poll asks some of the queue's servers only, and may answer nothing too early.
                WaitTimeSeconds=_LONG_POLL_S if len(handles) < expected else 0,
                AttributeNames=["SentTimestamp"],
            )
            messages = answer.get("Messages", ())
            if not messages:
                return
            for message in messages:
                handles.append(message["ReceiptHandle"])
                yield int(message["Attributes"]["SentTimestamp"]) / 1000, _body(message["Body"])
    finally:
        for start in range(0, len(handles), _MESSAGES_A_CALL):
            chunk = handles[start : start + _MESSAGES_A_CALL]
            sqs.change_message_visibility_batch(
                QueueUrl=queue_url,
                Entries=[
                    {"Id": str(index), "ReceiptHandle": handle, "VisibilityTimeout": 0}
                    for index, handle in enumerate(chunk)
                ],
            )


def _body(text: str) -> dict[str, Any]:
    try:
        body = orjson.loads(text)
    except orjson.JSONDecodeError:
        return {}
    return body if isinstance(body, dict) else {}
