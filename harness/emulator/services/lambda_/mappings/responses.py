"""What a function's answer says of its batch, with ReportBatchItemFailures on.

docs: Configuring partial batch response with Kinesis Data Streams and Lambda, Success and failure conditions;
Implementing partial batch responses (SQS) (read 2026)
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import orjson

from harness.emulator.services.lambda_.mappings.lanes import Batch


def first_failed(payload: bytes, batch: Batch) -> int | None:
    """The index of the lowest failed record of a stream, or None when all were processed; 0, all failed, when
    the answer cannot be understood."""
    index_of = {record.sequence_number: index for index, record in enumerate(batch.records)}
    failed = failed_ids(payload, index_of.keys())
    return min((index_of[each] for each in failed), default=None)


def failed_ids(payload: bytes, ids: Collection[str]) -> Collection[str]:
    """Which of the batch's `ids` failed.

    An empty answer, null, no list or an empty list is complete success. An identifier that is missing, empty
    or none of the batch's, or an answer of another shape, is complete failure."""
    if not payload.strip():
        return ()
    try:
        answer: Any = orjson.loads(payload)
    except orjson.JSONDecodeError:
        return ids
    if answer is None or answer in ("", {}):
        return ()
    if not isinstance(answer, dict):
        return ids
    failures = answer.get("batchItemFailures")
    if failures is None or failures == []:
        return ()
    if not isinstance(failures, list):
        return ids
    failed = [each.get("itemIdentifier") if isinstance(each, dict) else None for each in failures]
    known = [each for each in failed if isinstance(each, str) and each in ids]
    return known if len(known) == len(failed) else ids
