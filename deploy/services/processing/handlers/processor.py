"""The stream's consumer: judges events, keeps the live state, hands useful locations on, writes the audit.

For each batch, in this order, so that a crash anywhere leaves a retry that does no harm:

1. What cannot be parsed goes to the dead-letter queue (a retry sends it again, with its sequence number).
2. The devices of the batch are read at once, and their events judged in the stream's order.
3. Useful locations are handed to the archiver, under a key that the retried batch uses again.
4. What is newer is written to the live state, with the ids of the events that it stands for.
5. The audit is written; events whose device the table would not take are left out, and reported as failed,
   so that Lambda delivers from the first of them on again.
"""

from __future__ import annotations

import os
import time
from base64 import b64decode
from collections.abc import Callable
from functools import cache
from typing import Any

from . import audit, aws, dead_letters, rules
from .contract import Message, Unparseable, parse
from .dead_letters import DeadLetter
from .handover import Handover, partition_of
from .live_state import Device, LiveState
from .rules import Thresholds, Verdict, judge


class Processor:
    """One execution environment's processor."""

    def __init__(
        self,
        *,
        client: Callable[[str], Any],
        devices_table: str,
        archive_bucket: str,
        archiver: str,
        dead_letter_queue_url: str,
        thresholds: Thresholds,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._client = client
        self._live_state = LiveState(devices_table, client("dynamodb"), sleep)
        self._bucket = archive_bucket
        self._archiver = archiver
        self._queue_url = dead_letter_queue_url
        self._thresholds = thresholds
        self._clock = clock

    def process(self, records: list[dict[str, Any]]) -> list[str]:
        """Process a batch of one shard; the sequence numbers of the records to be delivered again."""
        messages, letters = _parsed(records)
        failed = dead_letters.send(self._client("sqs"), self._queue_url, letters) if letters else []
        if not messages:
            return failed
        devices = self._live_state.read({message.key: None for _, message in messages})
        handover = Handover()
        rows = [self._settle(devices[message.key], message, handover) for _, message in messages]
        batch, now_ms = _batch_name(records), int(self._clock() * 1000)
        for payload in handover.payloads(batch, now_ms):
            self._client("lambda").invoke(
                FunctionName=self._archiver, InvocationType="Event", Payload=payload
            )
        refused = self._live_state.write([each.finished() for each in devices.values() if each.changed])
        if refused:
            failed += [number for number, message in messages if message.key in refused]
        told = [
            _shown(row, devices[message.key])
            for row, (_, message) in zip(rows, messages, strict=True)
            if message.key not in refused
        ]
        if told:
            self._write_audit(records, batch, now_ms, told)
        return failed

    def _settle(self, device: Device, message: Message, handover: Handover) -> audit.Row:
        """Judge one event, and have everything follow from it but the writing."""
        before = device.recent.ended(message.event_id) if message.event_id else None
        if before is not None:
            outcome, superseded = before
            return _row(message, Verdict(outcome, superseded), redelivered=True)
        verdict = judge(device.history, message, self._thresholds)
        if verdict.outcome not in rules.OF_THE_EVENT_ALONE:
            device.recent.note(message.event_id, verdict.outcome, verdict.superseded)
            device.changed = True
            self._apply(device, message, verdict, handover)
        return _row(message, verdict)

    def _apply(self, device: Device, message: Message, verdict: Verdict, handover: Handover) -> None:
        if verdict.outcome == rules.REGISTERED:
            if verdict.live:
                device.register(message)
        elif verdict.fix is not None:
            if verdict.live:
                device.move(message, verdict.fix)
            if verdict.outcome == rules.ARCHIVED:
                handover.add(message, verdict.fix, verdict.superseded)

    def _write_audit(
        self, records: list[dict[str, Any]], batch: str, now_ms: int, rows: list[audit.Row]
    ) -> None:
        first_arrival_ms = int(records[0]["kinesis"]["approximateArrivalTimestamp"] * 1000)
        audit.write(
            self._client("s3"),
            self._bucket,
            f"{partition_of(first_arrival_ms)}/{batch}{audit.SUFFIX}",
            by="processor",
            at_ms=int(self._clock() * 1000),
            processed_at_ms=now_ms,
            rows=rows,
        )


def _parsed(records: list[dict[str, Any]]) -> tuple[list[tuple[str, Message]], list[DeadLetter]]:
    messages: list[tuple[str, Message]] = []
    letters: list[DeadLetter] = []
    for record in records:
        data = b64decode(record["kinesis"]["data"])
        try:
            messages.append((record["kinesis"]["sequenceNumber"], parse(data)))
        except Unparseable as why:
            letters.append(DeadLetter(record, data, str(why)))
    return messages, letters


def _batch_name(records: list[dict[str, Any]]) -> str:
    """The same for the same records of the same shard."""
    shard_id = records[0]["eventID"].partition(":")[0]
    first, last = records[0]["kinesis"]["sequenceNumber"], records[-1]["kinesis"]["sequenceNumber"]
    return f"{shard_id}-{first}-{last}"


def _row(message: Message, verdict: Verdict, *, redelivered: bool = False) -> audit.Row:
    outcome = audit.HANDED_OVER if verdict.outcome == rules.ARCHIVED else verdict.outcome
    flags = (audit.SUPERSEDED if verdict.superseded else 0) | (audit.REDELIVERED if redelivered else 0)
    return (message.event_id or None, outcome, message.received_at_ms, flags)


def _shown(row: audit.Row, device: Device) -> audit.Row:
    """`row`, and whether the live state shows its event now that the whole batch is judged."""
    event_id, outcome, received_at_ms, flags = row
    if event_id is None or not device.shows(event_id):
        return row
    return (event_id, outcome, received_at_ms, flags | audit.LIVE)


@cache
def _processor() -> Processor:
    return Processor(
        client=aws.client,
        devices_table=aws.setting("DEVICES_TABLE"),
        archive_bucket=aws.setting("ARCHIVE_BUCKET"),
        archiver=aws.setting("ARCHIVER_FUNCTION"),
        dead_letter_queue_url=aws.setting("DEAD_LETTER_QUEUE_URL"),
        thresholds=Thresholds(stale_after_ms=round(float(aws.setting("STALE_AFTER_S")) * 1000)),
    )


def handler(event: dict[str, Any], _context: object) -> dict[str, list[dict[str, str]]]:
    """Lambda's entry: a batch of a Kinesis event source mapping in, the records that failed out."""
    failed = _processor().process(event["Records"])
    if failed:
        print(f"{len(failed)} of {len(event['Records'])} records are to be delivered again.")
    return {"batchItemFailures": [{"itemIdentifier": number} for number in failed]}


if "AWS_LAMBDA_FUNCTION_NAME" in os.environ:  # the clients are made while the environment starts
    _processor()
    aws.client("s3")
    aws.client("lambda")
    aws.settle()
