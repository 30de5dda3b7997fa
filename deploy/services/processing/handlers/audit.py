"""The audit: what became of each event, written to S3 before the batch is acknowledged.

An audit object is gzip JSON:
`{"by": "processor" | "archiver", "at": ms, "processed_at": ms, "partition": "date=…/hour=…" | null,
  "rows": [[event_id | null, outcome, received_at, flags], …]}`
with times in ms since the epoch. `flags` adds 1 for superseded, 2 for redelivered, and 4 for a location that
the live state shows after its batch, which is thereby owed to whoever watches the device. `handed_over` is
the one outcome that is not an end: the archiver's own audit says `archived` once the object is in S3.
"""

from __future__ import annotations

import gzip
import json
from typing import Any

PREFIX = "audit/"
SUFFIX = ".json.gz"
HANDED_OVER = "handed_over"
SUPERSEDED = 1
REDELIVERED = 2
LIVE = 4

Row = tuple[str | None, str, int, int]


def name_of(key: str, by: str) -> str:
    """What the audit object at `key` is of: its key without the prefix and the suffix."""
    return key.removeprefix(f"{PREFIX}{by}/").removesuffix(SUFFIX)


def write(
    client: Any,
    bucket: str,
    key: str,
    *,
    by: str,
    at_ms: int,
    processed_at_ms: int,
    rows: list[Row],
    partition: str | None = None,
) -> None:
    """Put an audit object. The key is the batch's own, so that a retried batch writes over its first try."""
    document = {
        "by": by,
        "at": at_ms,
        "processed_at": processed_at_ms,
        "partition": partition,
        "rows": rows,
    }
    body = gzip.compress(json.dumps(document, separators=(",", ":")).encode(), compresslevel=1, mtime=0)
    client.put_object(
        Bucket=bucket,
        Key=f"{PREFIX}{by}/{key}",
        Body=body,
        ContentType="application/json",
        ContentEncoding="gzip",
    )
