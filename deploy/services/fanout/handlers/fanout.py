"""The consumer of the live state's stream: tells webhooks and live subscribers where devices are.

1. What a location changed is told to SNS, one message an account and batch, and at the same time to AppSync,
   many mutations a request.
2. Records whose telling failed are reported, and Lambda delivers from the first of them on again. What this
   environment has told already, it does not tell again; another one may, and after a crash so may this one.
   Every event carries its `event_id`, by which whoever is told can drop what comes twice.
3. What fails through all retries goes to the dead-letter queue of the fan-out, as the stream's positions.
"""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

from . import aws, mutations, signed, topic
from .moves import Move, moves

REMEMBERED = 5000

Tell = Callable[[Sequence[Move]], list[Move]]
"""Tells moves to somebody; those that were not told."""


class Channel:
    """Somebody to tell, and what this environment has told them of late."""

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self._told: OrderedDict[str, None] = OrderedDict()

    def tell(self, batch: Sequence[Move]) -> set[str]:
        """Tell what is new; the sequence numbers of the records that failed."""
        fresh = [move for move in batch if move.event_id not in self._told]
        if not fresh:
            return set()
        failed = {move.sequence_number for move in self._tell(fresh)}
        self._told |= {move.event_id: None for move in fresh if move.sequence_number not in failed}
        while len(self._told) > REMEMBERED:
            self._told.popitem(last=False)
        return failed


class Fanout:
    """One execution environment's fan-out."""

    def __init__(self, channels: Sequence[Channel]) -> None:
        self._channels = channels
        self._threads = ThreadPoolExecutor(len(channels))  # they wait for AWS, and not for each other

    def tell(self, records: Sequence[dict[str, Any]]) -> list[str]:
        """Tell a batch; the sequence numbers of the records to be delivered again, in the batch's order."""
        batch = list(moves(records))
        told = self._threads.map(lambda channel: channel.tell(batch), self._channels)
        failed = {number for numbers in told for number in numbers}
        return [move.sequence_number for move in batch if move.sequence_number in failed]


@cache
def _fanout() -> Fanout:
    sns, topic_arn = aws.client("sns"), aws.setting("DEVICE_EVENTS_TOPIC")
    post = signed.poster(aws.setting("GRAPHQL_URL"), aws.session(), aws.setting("AWS_REGION"))
    return Fanout(
        [
            Channel(lambda batch: topic.publish(sns, topic_arn, batch)),
            Channel(lambda batch: mutations.publish(post, batch)),
        ]
    )


def handler(event: dict[str, Any], _context: object) -> dict[str, list[dict[str, str]]]:
    """Lambda's entry: a batch of a DynamoDB stream's event source mapping in, the records that failed out."""
    failed = _fanout().tell(event["Records"])
    if failed:
        print(f"{len(failed)} of {len(event['Records'])} records are to be delivered again.")
    return {"batchItemFailures": [{"itemIdentifier": number} for number in failed]}


if "AWS_LAMBDA_FUNCTION_NAME" in os.environ:  # the clients are made while the environment starts
    _fanout()
    aws.settle()
