"""Writes useful locations to the archive, and then to the audit that they are there.

The processor packs them (handover.py) under a key that is its batch's own, so that a batch that is handed
over twice is one object. One event id is archived once a `date=/hour=` partition for a reader who
de-duplicates by event id, as docs/pipeline.md asks of readers.
"""

from __future__ import annotations

import os
import time
from base64 import b64decode
from collections.abc import Callable
from functools import cache
from typing import Any

from . import audit, aws

ARCHIVE_PREFIX = "archive/"
OBJECT_SUFFIX = ".ndjson.gz"
ARCHIVED = "archived"


def name_of(key: str) -> str:
    """What the archive's object at `key` is of: its key without the prefix and the suffix."""
    return key.removeprefix(ARCHIVE_PREFIX).removesuffix(OBJECT_SUFFIX)


class Archiver:
    """One execution environment's archiver."""

    def __init__(self, *, s3: Any, bucket: str, clock: Callable[[], float] = time.time) -> None:
        self._s3 = s3
        self._bucket = bucket
        self._clock = clock

    def archive(self, handover: dict[str, Any]) -> str:
        """Store one hand-over; the key of its object."""
        key: str = ARCHIVE_PREFIX + handover["key"]
        self._s3.put_object(
            Bucket=self._bucket,
            Key=key,
            Body=b64decode(handover["body"]),
            ContentType="application/x-ndjson",
            ContentEncoding="gzip",
        )
        audit.write(
            self._s3,
            self._bucket,
            name_of(key) + audit.SUFFIX,
            by="archiver",
            at_ms=int(self._clock() * 1000),
            processed_at_ms=handover["processed_at"],
            partition=handover["partition"],
            rows=[(event_id, ARCHIVED, received, flags) for event_id, received, flags in handover["events"]],
        )
        return key


@cache
def _archiver() -> Archiver:
    return Archiver(s3=aws.client("s3"), bucket=aws.setting("ARCHIVE_BUCKET"))


def handler(event: dict[str, Any], _context: object) -> dict[str, str]:
    """Lambda's entry: one hand-over in, the key of the archive's object out."""
    return {"key": _archiver().archive(event)}


if "AWS_LAMBDA_FUNCTION_NAME" in os.environ:  # the client is made while the environment starts
    _archiver()
    aws.settle()
