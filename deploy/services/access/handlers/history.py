"""Where a device was: its rows in the archive.

The archive is kept by the hour of receipt (`archive/date=…/hour=…/`), and the name of each object begins with
the times of receipt of its first and last row, `<first ms>-<last ms>-…`: `from` and `to` are times of receipt
too, and only the objects that may hold some of them are read. An object holds the rows of every account whose
events came in one batch, so that reading is bounded by what the whole platform received in that time, not by
what the device sent; what would take too long is refused, with how to ask for less.
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from . import public_form
from .problems import Problem, invalid

MAX_RANGE_S = 24 * 3600
MAX_OBJECTS = 400
MAX_BYTES = 32 << 20
MAX_LISTED = 20_000
MAX_ROWS = 10_000
_THREADS = 4
_PREFIX = "archive/"
_NAME = re.compile(
    r"archive/date=[0-9-]{10}/hour=[0-9]{2}/([0-9]{1,15})-([0-9]{1,15})-[A-Za-z0-9-]+\.ndjson\.gz"
)


class Range(NamedTuple):
    """Times of receipt in ms since the epoch, `from_ms` included, `to_ms` not."""

    from_ms: int
    to_ms: int


def read_range(start: str | None, end: str | None) -> Range:
    """From the parameters `from` and `to`. Raises Problem 400."""
    if start is None or end is None:
        raise invalid("missing_parameter", "Say 'from' and 'to', as RFC 3339 times.")
    found = Range(_instant_ms("from", start), _instant_ms("to", end))
    if found.from_ms >= found.to_ms:
        raise invalid("invalid_range", "'from' must be before 'to'.")
    if found.to_ms - found.from_ms > MAX_RANGE_S * 1000:
        raise invalid("range_too_long", f"A range is at most {MAX_RANGE_S // 3600} hours.")
    return found


def _instant_ms(name: str, text: str) -> int:
    try:
        moment = datetime.fromisoformat(text) if len(text) <= 40 else None
        if moment is None or moment.tzinfo is None:
            raise ValueError
        ms = round(moment.timestamp() * 1000)
    except (ValueError, OverflowError):
        example = "2026-11-24T12:00:00Z"
        raise invalid(
            f"invalid_{name}", f"'{name}' is no RFC 3339 time with an offset, such as {example}."
        ) from None
    if not 0 <= ms < 253_402_300_800_000:  # the year 10000
        raise invalid(f"invalid_{name}", f"'{name}' is out of range.")
    return ms


class History:
    """The archive, as one account after the other sees it."""

    def __init__(self, s3: Any, bucket: str) -> None:
        self._s3 = s3
        self._bucket = bucket

    def read(self, account_id: str, device_id: str, asked: Range) -> dict[str, Any]:
        """`{"device_id", "from", "to", "locations": [...]}`, each event once, by time of recording.
        Raises Problem 422 when it would take too much."""
        keys = self._keys(asked)
        rows: dict[str, dict[str, Any]] = {}
        with ThreadPoolExecutor(_THREADS) as threads:
            for found in threads.map(lambda key: self._rows(key, account_id, device_id, asked), keys):
                for row in found:
                    rows.setdefault(row["event_id"], row)
                if len(rows) > MAX_ROWS:
                    raise _too_much(f"more than {MAX_ROWS:,} locations")
        ordered = sorted(rows.values(), key=lambda row: (public_form.recorded_at_ms(row), row["event_id"]))
        return {
            "device_id": device_id,
            "from": public_form.rfc3339(asked.from_ms),
            "to": public_form.rfc3339(asked.to_ms),
            "locations": [public_form.archived(row) for row in ordered],
        }

    def _keys(self, asked: Range) -> list[str]:
        """The objects that may hold some of it. Raises Problem 422."""
        keys, size_bytes, listed = [], 0, 0
        for prefix in _partitions(asked):
            for each in self._listed(prefix):
                listed += 1
                if listed > MAX_LISTED:
                    raise _too_much(f"more than {MAX_LISTED:,} objects to look through")
                name = _NAME.fullmatch(each["Key"])
                if name is None or int(name[1]) >= asked.to_ms or int(name[2]) < asked.from_ms:
                    continue
                keys.append(each["Key"])
                size_bytes += each["Size"]
                if len(keys) > MAX_OBJECTS or size_bytes > MAX_BYTES:
                    raise _too_much(f"more than {MAX_OBJECTS} objects or {MAX_BYTES >> 20} MB to read")
        return keys

    def _listed(self, prefix: str) -> Iterator[dict[str, Any]]:
        following: dict[str, str] = {}
        while True:
            page = self._s3.list_objects_v2(Bucket=self._bucket, Prefix=prefix, **following)
            yield from page.get("Contents", ())
            if not page.get("IsTruncated"):
                return
            following = {"ContinuationToken": page["NextContinuationToken"]}

    def _rows(self, key: str, account_id: str, device_id: str, asked: Range) -> list[dict[str, Any]]:
        body = self._s3.get_object(Bucket=self._bucket, Key=key)["Body"].read()
        return list(_of_device(gzip.decompress(body).splitlines(), account_id, device_id, asked))


def _partitions(asked: Range) -> Iterator[str]:
    hour = datetime.fromtimestamp(asked.from_ms / 1000, UTC).replace(minute=0, second=0, microsecond=0)
    end = datetime.fromtimestamp((asked.to_ms - 1) / 1000, UTC)
    while hour <= end:
        yield f"{_PREFIX}date={hour:%Y-%m-%d}/hour={hour:%H}/"
        hour += timedelta(hours=1)


def _of_device(
    lines: Iterable[bytes], account_id: str, device_id: str, asked: Range
) -> Iterator[dict[str, Any]]:
    """The rows of one device of one account; others are passed over before they are parsed."""
    mark = json.dumps(device_id).encode()
    for line in lines:
        if mark not in line:
            continue
        row = json.loads(line)
        if row["account_id"] != account_id or row["device_id"] != device_id:
            continue
        if asked.from_ms <= row["received_at"] < asked.to_ms:
            yield row


def _too_much(what: str) -> Problem:
    return Problem(422, "too_much_history", f"The range holds {what}. Ask for a shorter one.")
