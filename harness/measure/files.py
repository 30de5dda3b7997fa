"""Files that survive a crash: logs that are appended to, and whole files that are replaced at once."""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson

from harness.errors import MeasurementInvalid
from harness.measure.shape import Misshapen, check

FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
"""What the system says of a full disk, or a full share of one."""


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn the errors of writing to `path` into one sentence. Raises MeasurementInvalid."""
    try:
        yield
    except OSError as error:
        if error.errno in FULL:
            raise MeasurementInvalid(
                f"The disk is full: '{path}' could not be written.",
                "Free some space, or put the run folder elsewhere with --out; what was written is kept.",
            ) from error
        raise MeasurementInvalid(f"'{path}' could not be written: {error.strerror or error}.") from error


def replace_file(path: Path, data: bytes, *, durable: bool = True) -> None:
    """Put `data` in the place of `path`: a reader sees the old or the new file, never a part of one.

    `durable` waits until the disk has it. Raises MeasurementInvalid."""
    scratch = path.with_name(f".{path.name}.new")
    with writing(path):
        with scratch.open("wb") as file:
            file.write(data)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        scratch.replace(path)


def replace_json(path: Path, value: Any, *, durable: bool = True) -> None:
    """`replace_file` with a value as indented JSON. NaN and infinities become null."""
    options = orjson.OPT_INDENT_2 | orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_APPEND_NEWLINE
    replace_file(path, orjson.dumps(value, option=options), durable=durable)


class RowLog:
    """A file of JSON rows, one a line, that only grows. Every `append` is in the file when it returns."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with writing(path):
            self._file = path.open("ab")

    def append(self, rows: Iterable[Any]) -> None:
        """Add `rows`. Raises MeasurementInvalid when they cannot be written."""
        data = b"".join(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in rows)
        with writing(self._path):
            self._file.write(data)
            self._file.flush()

    def close(self) -> None:
        """Close the file."""
        with writing(self._path):
            self._file.close()


def read_rows(path: Path, check_row: Callable[[Any], None]) -> Iterator[Any]:
    """The rows of a file of JSON rows; none when there is no such file. `check_row` raises Misshapen for a
    row that is not as it must be.

    A last line without an end was being written when the run died, and is left out. Raises
    MeasurementInvalid, with the line's number, when another line is no JSON or no such row."""
    try:
        file = path.open("rb")
    except FileNotFoundError:
        return
    except OSError as error:
        raise _unreadable(path, error) from None
    with file:
        for number, line in enumerate(file, start=1):
            if not line.endswith(b"\n"):
                return
            try:
                row = orjson.loads(line)
                check_row(row)
            except (orjson.JSONDecodeError, Misshapen) as error:
                raise MeasurementInvalid(f"Line {number} of '{path}' is damaged: {error}.") from None
            yield row


def read_shaped(path: Path, kind: Any) -> Any:
    """The JSON in `path`, of the type `kind` (harness.measure.shape), or None when there is no such file.
    Raises MeasurementInvalid, with the field, when it is not."""
    value = read_json(path)
    if value is None and not path.exists():
        return None
    try:
        check(value, kind)
    except Misshapen as error:
        raise MeasurementInvalid(f"'{path}' is damaged: {error}.") from None
    return value


def read_json(path: Path) -> Any:
    """The JSON in `path`, or None when there is no such file. Raises MeasurementInvalid if it is damaged."""
    try:
        return orjson.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _unreadable(path, error) from None
    except orjson.JSONDecodeError as error:
        raise MeasurementInvalid(f"'{path}' is damaged: {error}.") from None


def seal(path: Path) -> str:
    """Which bytes are in `path`: a hash. Raises MeasurementInvalid when it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()
    except OSError as error:
        raise _unreadable(path, error) from None


def _unreadable(path: Path, error: OSError) -> MeasurementInvalid:
    return MeasurementInvalid(f"'{path}' cannot be read: {error.strerror or error}.")
