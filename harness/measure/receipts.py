"""What watchers were told, as rows in a file that only grows: 28 bytes for each event and watcher."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harness.errors import MeasurementInvalid
from harness.measure.files import writing

DTYPE = np.dtype([("ordinal", "<i8"), ("watcher", "<i4"), ("at_s", "<f8"), ("accepted_s", "<f8")])
"""The event; the watcher's number; when it was told; when the entrance had taken the event in (epoch)."""
_ROW = struct.Struct("<qidd")
FILE = "receipts.bin"

Receipts = NDArray[np.void]
"""An array of DTYPE."""


class ReceiptLog:
    """Takes receipts, and writes those it has when it is flushed. Raises MeasurementInvalid when that cannot
    be done."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE
        self._rows: list[bytes] = []
        with writing(self._path):
            self._file = self._path.open("wb")

    def add(self, ordinal: int, watcher: int, at_s: float, accepted_s: float) -> None:
        """A watcher was told of an event."""
        self._rows.append(_ROW.pack(ordinal, watcher, at_s, accepted_s))

    def flush(self) -> None:
        """Have all that was added in the file."""
        rows, self._rows = self._rows, []
        with writing(self._path):
            self._file.write(b"".join(rows))
            self._file.flush()

    def close(self) -> None:
        """Flush, and write no more."""
        self.flush()
        with writing(self._path):
            self._file.close()


def read_receipts(folder: Path) -> Receipts | None:
    """The receipts in `folder`; None when nobody kept any. A row that was being written when the process
    died is left out. Raises MeasurementInvalid when the file cannot be read."""
    path = folder / FILE
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise MeasurementInvalid(f"'{path}' cannot be read: {error.strerror or error}.") from None
    return np.frombuffer(data, dtype=DTYPE, count=len(data) // DTYPE.itemsize)
