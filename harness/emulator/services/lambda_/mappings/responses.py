"""What a function's answer says of its batch, with ReportBatchItemFailures on.

docs: Configuring partial batch response with Kinesis Data Streams and Lambda, Success and failure conditions
(read 2026)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from harness.emulator.services.lambda_.mappings.lanes import Batch


def first_failed(payload: bytes, batch: Batch) -> int | None:
    """The index of the lowest failed record, or None when all were processed.

    An empty answer, null, no list or an empty list is complete success. An identifier that is missing, empty
    or none of the batch's, or an answer of another shape, is complete failure: index 0."""
    if not payload.strip():
        return None
    try:
        answer: Any = orjson.loads(payload)
    except orjson.JSONDecodeError:
        return 0
    if answer is None or answer in ("", {}):
        return None
    if not isinstance(answer, dict):
        return 0
    failures = answer.get("batchItemFailures")
    if failures is None or failures == []:
        return None
    if not isinstance(failures, list):
        return 0
    index_of = {record.sequence_number: index for index, record in enumerate(batch.records)}
    return min(_index(failure, index_of) for failure in failures)


def _index(failure: object, index_of: Mapping[str, int]) -> int:
    identifier = failure.get("itemIdentifier") if isinstance(failure, dict) else None
    return index_of.get(identifier, 0) if isinstance(identifier, str) else 0
