"""S3 object bodies on disk: append-only segment files, no descriptor and no memory held for a body.

moto keeps each body in a SpooledTemporaryFile, which is memory for small ones and an open file for each large
one. A `Blob` stands in for it: it appends to the current segment and remembers where. A segment whose bodies
are all gone is deleted.
"""

from __future__ import annotations

import contextlib
import os
import threading
from pathlib import Path

SEGMENT_BYTES = 64 * 1024 * 1024


class _Segment:
    __slots__ = ("live", "path")

    def __init__(self, path: Path) -> None:
        self.path = path
        self.live = 0


class BlobStore:
    """Segments in a folder of their own, which is emptied at the start: nothing here outlives its process."""

    def __init__(self, folder: Path, segment_bytes: int = SEGMENT_BYTES) -> None:
        self._folder = folder
        self._segment_bytes = segment_bytes
        self._lock = threading.Lock()
        self._number = 0
        self._fd = -1
        self._end = 0
        folder.mkdir(parents=True, exist_ok=True)
        for leftover in folder.glob("*.blobs"):
            leftover.unlink()
        self._current = self._open_segment()

    def append(self, data: bytes) -> tuple[_Segment, int]:
        """Write `data`; the segment and offset it is at. Raises OSError when the disk does not take it."""
        with self._lock:
            if self._end >= self._segment_bytes:
                full = self._current
                self._current = self._open_segment()
                self._collect(full)
            segment, offset = self._current, self._end
            view = memoryview(data)
            while view:
                written = os.pwrite(self._fd, view, self._end)
                self._end += written
                view = view[written:]
            segment.live += 1
            return segment, offset

    @staticmethod
    def read(segment: _Segment, offset: int, size: int) -> bytes:
        """`size` bytes at `offset`."""
        with segment.path.open("rb", buffering=0) as file:
            return os.pread(file.fileno(), size, offset)

    def release(self, segment: _Segment) -> None:
        """One body of `segment` is gone."""
        with self._lock:
            segment.live -= 1
            self._collect(segment)

    def close(self) -> None:
        """Close the current segment."""
        with self._lock:
            if self._fd >= 0:
                os.close(self._fd)
                self._fd = -1

    def _collect(self, segment: _Segment) -> None:
        if segment.live == 0 and segment is not self._current:
            with contextlib.suppress(FileNotFoundError):
                segment.path.unlink()

    def _open_segment(self) -> _Segment:
        if self._fd >= 0:
            os.close(self._fd)
        self._number += 1
        path = self._folder / f"{self._number:08d}.blobs"
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        self._end = 0
        return _Segment(path)


class Blob:
    """One body: the part of a temporary file's interface that moto uses. Written whole, read whole or in
    blocks, emptied by `truncate` at its start."""

    __slots__ = ("_offset", "_position", "_segment", "_size", "_store")

    def __init__(self, store: BlobStore) -> None:
        self._store = store
        self._segment: _Segment | None = None
        self._offset = 0
        self._size = 0
        self._position = 0

    def write(self, data: bytes) -> int:
        """Put `data` after what is there."""
        whole = self._content() + data if self._size else data
        self.close()
        if whole:
            self._segment, self._offset = self._store.append(whole)
        self._size = self._position = len(whole)
        return len(data)

    def read(self, size: int = -1) -> bytes:
        """Up to `size` bytes from the position on, or all."""
        left = max(self._size - self._position, 0)
        count = left if size < 0 else min(size, left)
        if count == 0 or self._segment is None:
            return b""
        data = self._store.read(self._segment, self._offset + self._position, count)
        self._position += len(data)
        return data

    def seek(self, position: int) -> int:
        """Go to `position`."""
        self._position = position
        return position

    def truncate(self) -> int:
        """Cut at the position."""
        if self._position == 0:
            self.close()
        self._size = min(self._size, self._position)
        return self._size

    def close(self) -> None:
        """Let the body go."""
        if self._segment is not None:
            self._store.release(self._segment)
            self._segment = None
            self._size = 0

    def _content(self) -> bytes:
        return b"" if self._segment is None else self._store.read(self._segment, self._offset, self._size)


class BlobFiles:
    """Stands where moto's S3 looks for the module `tempfile`."""

    def __init__(self, store: BlobStore) -> None:
        self._store = store

    def SpooledTemporaryFile(self, _max_size: int = 0, **_options: object) -> Blob:  # noqa: N802
        """A new, empty body."""
        return Blob(self._store)
