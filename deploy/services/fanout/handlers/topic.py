"""Moves to SNS: one message an account and batch, its account an attribute that webhooks filter by.

A message is `{"account_id": ..., "events": [...]}`. Its attributes are `account_id`, and `contexts`, the
contexts of its events, for webhooks that want some of them only.

Limits (docs: SNS API reference, PublishBatch, read 2026-11): ten messages a call, 256 KB a message and a
call, attributes counted. SNS bills a message by each 64 KB of it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from botocore.exceptions import BotoCoreError, ClientError

from .moves import Move

MESSAGES_A_CALL = 10
MAX_CALL_BYTES = 256 * 1024
MAX_MESSAGE_BYTES = 240_000
_ATTRIBUTES_BYTES = 512  # more than account_id and contexts ever take


class Message(NamedTuple):
    """One message, and the moves that it tells."""

    text: str
    size_bytes: int
    moves: Sequence[Move]

    def entry(self) -> dict[str, Any]:
        """As Publish takes it; PublishBatch takes an Id beside it."""
        contexts = sorted({move.location["context"] for move in self.moves if "context" in move.location})
        attributes = {"account_id": {"DataType": "String", "StringValue": self.moves[0].account_id}}
        if contexts:
            attributes["contexts"] = {"DataType": "String.Array", "StringValue": json.dumps(contexts)}
        return {"Message": self.text, "MessageAttributes": attributes}


def publish(sns: Any, topic_arn: str, moves: Iterable[Move]) -> list[Move]:
    """Publish all; the moves of the messages that SNS did not take."""
    failed: list[Move] = []
    for messages in _calls(_messages(moves)):
        try:
            refused = _call(sns, topic_arn, messages)
        except (BotoCoreError, ClientError) as why:
            print(f"SNS: {type(why).__name__}: {why}")
            refused = messages
        failed += [move for message in refused for move in message.moves]
    return failed


def _call(sns: Any, topic_arn: str, messages: Sequence[Message]) -> Sequence[Message]:
    """One call; the messages that it did not take. Raises ClientError."""
    if len(messages) == 1:
        sns.publish(TopicArn=topic_arn, **messages[0].entry())
        return ()
    entries = [{"Id": str(number), **message.entry()} for number, message in enumerate(messages)]
    answer = sns.publish_batch(TopicArn=topic_arn, PublishBatchRequestEntries=entries)
    for entry in answer.get("Failed", ()):
        print(f"SNS: {entry.get('Code')}: {entry.get('Message')}")
    return [messages[int(entry["Id"])] for entry in answer.get("Failed", ())]


def _messages(moves: Iterable[Move]) -> Iterator[Message]:
    """One an account, or several where one would be too large."""
    by_account: dict[str, list[Move]] = {}
    for move in moves:
        by_account.setdefault(move.account_id, []).append(move)
    for account_id, own in by_account.items():
        head = f'{{"account_id":{json.dumps(account_id)},"events":['
        chunk: list[Move] = []
        texts: list[str] = []
        size_bytes = len(head) + 2
        for move in own:
            text = json.dumps(move.location, separators=(",", ":"))  # ASCII: a character is a byte
            if chunk and size_bytes + len(text) + 1 > MAX_MESSAGE_BYTES:
                yield Message(head + ",".join(texts) + "]}", size_bytes + _ATTRIBUTES_BYTES, chunk)
                chunk, texts, size_bytes = [], [], len(head) + 2
            chunk.append(move)
            texts.append(text)
            size_bytes += len(text) + 1
        yield Message(head + ",".join(texts) + "]}", size_bytes + _ATTRIBUTES_BYTES, chunk)


def _calls(messages: Iterable[Message]) -> Iterator[list[Message]]:
    """As few calls as hold them."""
    call: list[Message] = []
    size_bytes = 0
    for message in messages:
        if call and (len(call) == MESSAGES_A_CALL or size_bytes + message.size_bytes > MAX_CALL_BYTES):
            yield call
            call, size_bytes = [], 0
        call.append(message)
        size_bytes += message.size_bytes
    if call:
        yield call
