"""Records as they are kept: a segment is a run of one shard's records, in memory or in a file.

A record is kept as the JSON text that GetRecords answers, so that reading a thousand records is one slice.
Three numbers stand beside each record (its end in the text, the running sum of payload bytes, its arrival);
there is no Python object a record. A spilled segment keeps its few summary fields in memory and reads
everything else, those numbers too, from its file, which is opened for each read and never kept open.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from pathlib import Path
from typing import NamedTuple

_WORD = 4  # bytes of one array("I") item; checked below
if array("I").itemsize != _WORD:  # pragma: no cover  # every platform CPython supports has 4-byte ints
    raise ImportError("Kinesis segments need a platform with 4-byte unsigned ints")


class Batch(NamedTuple):
    """Some consecutive records: their JSON texts joined by commas, and what they weigh."""

    text: bytes
    records: int
    payload_bytes: int


class _Columns(NamedTuple):
    """The numbers beside a segment's records, one item a record."""

    ends: array[int]
    payloads: array[int]
    arrivals: array[int]


class Segment:
    """Records `first_index` to `first_index + count - 1` of a shard, in order of arrival.

    `first_arrival_ms` and `last_arrival_ms` are since the epoch; arrivals never go backwards.
    """

    __slots__ = (
        "_columns",
        "_text",
        "count",
        "first_arrival_ms",
        "first_index",
        "last_arrival_ms",
        "path",
        "payload_bytes",
        "text_bytes",
    )

    def __init__(self, first_index: int, first_arrival_ms: int) -> None:
        self.first_index = first_index
        self.first_arrival_ms = first_arrival_ms
        self.last_arrival_ms = first_arrival_ms
        self.count = 0
        self.payload_bytes = 0
        self.text_bytes = 0
        self.path: Path | None = None
        self._text: bytearray | None = bytearray()
        self._columns: _Columns | None = _Columns(array("I"), array("I"), array("I"))

    def append(self, text: bytes, payload_bytes: int, arrival_ms: int) -> None:
        """Add a record. `text` starts with a comma; `payload_bytes` is its data and partition key.

        Only a segment in memory may be appended to."""
        own, columns = self._text, self._columns
        assert own is not None
        assert columns is not None
        own += text
        self.payload_bytes += payload_bytes
        self.text_bytes = len(own)
        columns.ends.append(self.text_bytes)
        columns.payloads.append(self.payload_bytes)
        columns.arrivals.append(arrival_ms - self.first_arrival_ms)
        self.last_arrival_ms = arrival_ms
        self.count += 1

    @property
    def resident_bytes(self) -> int:
        """What the segment takes in memory, apart from its few fields."""
        return 0 if self._text is None else self.text_bytes + 3 * _WORD * self.count

    def read(self, start: int, limit: int, max_payload_bytes: int) -> Batch:
        """Up to `limit` records from the `start`-th on, as many as fit `max_payload_bytes`: maybe none.

        Raises OSError when a spilled segment's file cannot be read."""
        columns = self._load_columns()
        before = columns.payloads[start - 1] if start else 0
        stop = min(self.count, start + limit)
        stop = bisect_right(columns.payloads, before + max_payload_bytes, start, stop)
        if stop == start:
            return Batch(b"", 0, 0)
        begin = columns.ends[start - 1] if start else 0
        text = self._load_text(begin + 1, columns.ends[stop - 1])  # without the first comma
        return Batch(text, stop - start, columns.payloads[stop - 1] - before)

    def first_at_or_after(self, arrival_ms: int) -> int:
        """How many of the segment's records arrived before `arrival_ms`. Raises OSError as `read`."""
        arrivals = self._load_columns().arrivals
        return bisect_left(arrivals, max(0, arrival_ms - self.first_arrival_ms))

    def payload_before(self, start: int) -> int:
        """The payload bytes of the records before the `start`-th. Raises OSError as `read`."""
        return self._load_columns().payloads[start - 1] if start else 0

    def arrival_ms(self, position: int) -> int:
        """When the record at `position` arrived. Raises OSError as `read`."""
        if position == 0:
            return self.first_arrival_ms
        return self.first_arrival_ms + self._load_columns().arrivals[position]

    def spill(self, path: Path) -> None:
        """Move the segment into a file. It takes no more records after that.

        Raises OSError, and stays in memory as it was, when the file cannot be written."""
        text, columns = self._text, self._columns
        assert text is not None
        assert columns is not None
        try:
            with path.open("wb") as file:
                file.write(text)
                for column in columns:
                    file.write(memoryview(column))
        except OSError:
            path.unlink(missing_ok=True)
            raise
        self.path = path
        self._text = self._columns = None

    def _load_text(self, begin: int, end: int) -> bytes:
        if self._text is not None:
            return bytes(memoryview(self._text)[begin:end])
        assert self.path is not None
        with self.path.open("rb") as file:
            file.seek(begin)
            text = file.read(end - begin)
        if len(text) != end - begin:
            raise OSError(f"{self.path} is shorter than when it was written")
        return text

    def _load_columns(self) -> _Columns:
        if self._columns is not None:
            return self._columns
        assert self.path is not None
        columns = _Columns(array("I"), array("I"), array("I"))
        try:
            with self.path.open("rb") as file:
                file.seek(self.text_bytes)
                for column in columns:
                    column.fromfile(file, self.count)
        except EOFError:
            raise OSError(f"{self.path} is shorter than when it was written") from None
        return columns
