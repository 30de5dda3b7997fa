"""Reads a CSV of time and place; says of a bad row which file, line and field it is."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harness.errors import UsageError

FloatArray = NDArray[np.float64]

# The names that columns go by, in lower case with `_` for everything but letters and digits.
COLUMNS = {
    "time": (
        "time", "timestamp", "recorded_at", "picked_up_at", "pickup_datetime", "tpep_pickup_datetime",
        "datetime", "date_time", "utc", "gps_time",
    ),
    "latitude": ("lat", "latitude", "pickup_latitude", "start_lat"),
    "longitude": ("lon", "lng", "long", "longitude", "pickup_longitude", "start_lng", "start_lon"),
    "vehicle": ("vehicle_id", "device_id", "vehicle", "device", "bus_id", "taxi_id"),
    "bearing": ("bearing", "heading", "course"),
    "speed": ("speed", "speed_m_s", "velocity"),
    "accuracy": ("accuracy", "accuracy_m", "horizontal_accuracy"),
}  # fmt: skip
_REQUIRED = ("time", "latitude", "longitude")
_US_TIME = re.compile(r"^(\d{1,2})/(\d{1,2})/(\d{4}) (\d{1,2}):(\d{2})(?::(\d{2}))?$")
_BOUNDS = {
    "latitude": (-90.0, 90.0),
    "longitude": (-180.0, 180.0),
    "bearing": (-360.0, 360.0),
    "speed": (0.0, 1_000.0),
    "accuracy": (0.0, 1e6),
}
_OPTIONAL_NUMBERS = ("bearing", "speed", "accuracy")


@dataclass(frozen=True, slots=True)
class TraceRows:
    """The rows of a file, in its order. `time_s` since the epoch (UTC where the file does not say), degrees,
    m/s and m; NaN where a field is empty. `vehicle` is None for a file that has no such column."""

    time_s: FloatArray
    lat: FloatArray
    lon: FloatArray
    vehicle: NDArray[np.str_] | None
    bearing: FloatArray
    speed: FloatArray
    accuracy: FloatArray


def read_trace(path: Path) -> TraceRows:
    """The rows of the CSV at `path`.

    Raises UsageError, in one sentence, for a file that cannot be read, has no column of time, latitude or
    longitude, has a row that is malformed (file, line, field), or spans no time.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            return _rows(path, lines)
    except OSError as error:
        raise UsageError(f"The trace {path} cannot be read: {error.strerror or error}.") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"The trace {path} is not a CSV file in UTF-8: {error}.") from error


def _rows(path: Path, lines: Iterable[str]) -> TraceRows:
    reader = csv.reader(lines, strict=True)
    header = next(reader, [])
    columns = _columns(path, header)
    values: dict[str, list[float]] = {
        name: [] for name in ("time", "latitude", "longitude", *_OPTIONAL_NUMBERS)
    }
    vehicles: list[str] = []
    for row in reader:
        if not row:
            continue
        line = reader.line_num
        if len(row) != len(header):
            raise UsageError(
                f"{path}, line {line}: the row has {len(row)} fields where the header has {len(header)}."
            )
        values["time"].append(_time(path, line, header[columns["time"]], row[columns["time"]]))
        for name in ("latitude", "longitude"):
            values[name].append(_number(path, line, header[columns[name]], row[columns[name]], name))
        for name in _OPTIONAL_NUMBERS:
            text = row[columns[name]].strip() if name in columns else ""
            values[name].append(_number(path, line, header[columns[name]], text, name) if text else math.nan)
        if "vehicle" in columns:
            vehicles.append(row[columns["vehicle"]].strip())
    if len(values["time"]) < 2 or max(values["time"]) <= min(values["time"]):
        raise UsageError(f"The trace {path} spans no time: it needs two rows at different times.")
    arrays = {name: np.array(column, dtype=np.float64) for name, column in values.items()}
    return TraceRows(
        time_s=arrays["time"],
        lat=arrays["latitude"],
        lon=arrays["longitude"],
        vehicle=np.array(vehicles) if "vehicle" in columns else None,
        bearing=arrays["bearing"],
        speed=arrays["speed"],
        accuracy=arrays["accuracy"],
    )


def _columns(path: Path, header: Sequence[str]) -> dict[str, int]:
    plain = [re.sub(r"[^a-z0-9]+", "_", name.strip().lower()).strip("_") for name in header]
    found = {
        role: next(plain.index(name) for name in names if name in plain)
        for role, names in COLUMNS.items()
        if any(name in plain for name in names)
    }
    missing = [role for role in _REQUIRED if role not in found]
    if missing:
        names = "; ".join(f"{role}: {', '.join(COLUMNS[role])}" for role in missing)
        raise UsageError(
            f"The trace {path} has no column for {' and '.join(missing)}.",
            f"Name it in the first line ({names}).",
        )
    return found


def _number(path: Path, line: int, field: str, text: str, role: str) -> float:
    lowest, highest = _BOUNDS[role]
    try:
        value = float(text)
    except ValueError:
        raise UsageError(f"{path}, line {line}, field '{field}': '{text}' is not a number.") from None
    if not lowest <= value <= highest:
        raise UsageError(
            f"{path}, line {line}, field '{field}': {text} is not from {lowest:g} to {highest:g}."
        )
    return value


def _time(path: Path, line: int, field: str, text: str) -> float:
    text = text.strip()
    try:
        moment = _moment(text)
    except ValueError:
        raise UsageError(
            f"{path}, line {line}, field '{field}': '{text}' is not a time.",
            "Write it like 2014-04-01T00:11:00Z, or as seconds since 1970.",
        ) from None
    return moment


def _moment(text: str) -> float:
    american = _US_TIME.match(text)
    if american:
        month, day, year, hour, minute, second = (int(part or 0) for part in american.groups())
        return datetime(year, month, day, hour, minute, second, tzinfo=UTC).timestamp()
    if re.fullmatch(r"\d{9,10}(\.\d+)?", text):
        return float(text)
    if re.fullmatch(r"\d{12,13}", text):
        return float(text) / 1000.0
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
