"""Devices and locations as customers see them: what the live state and the archive hold, in one form."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

_OF_A_DEVICE = ("platform", "os_version", "app_version", "sdk_version")
_MEASURES = ("lat", "lon", "accuracy", "speed", "bearing", "altitude", "battery")
_TEXTS = ("activity", "context")


def device(item: Mapping[str, Any]) -> dict[str, Any]:
    """From an item of the `devices` table. `location` is None where a device has only registered."""
    shown: dict[str, Any] = {"device_id": item["device_key"]["S"].partition("/")[2]}
    for name in _OF_A_DEVICE:
        if name in item:
            shown[name] = item[name]["S"]
    if "registered_at" in item:
        shown["registered_at"] = rfc3339(int(item["registered_at"]["N"]))
    shown["location"] = _location(item) if "location_event_id" in item else None
    return shown


def _location(item: Mapping[str, Any]) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "event_id": item["location_event_id"]["S"],
        "recorded_at": rfc3339(int(item["recorded_at"]["N"])),
        "received_at": rfc3339(int(item["location_received_at"]["N"])),
    }
    shown |= {name: float(item[name]["N"]) for name in _MEASURES if name in item}
    shown |= {name: item[name]["S"] for name in _TEXTS if name in item}
    return shown


def archived(row: Mapping[str, Any]) -> dict[str, Any]:
    """From a row of the archive."""
    shown = {
        "event_id": row["event_id"],
        "recorded_at": rfc3339(recorded_at_ms(row)),
        "received_at": rfc3339(row["received_at"]),
    }
    level = (row.get("battery") or {}).get("level")
    measures = {**row, "battery": None if type(level) is bool else level}
    shown |= {name: float(measures[name]) for name in _MEASURES if measures.get(name) is not None}
    shown |= {name: row[name] for name in _TEXTS if name in row}
    if row.get("superseded"):
        shown["superseded"] = True
    return shown


def recorded_at_ms(row: Mapping[str, Any]) -> int:
    """When the device recorded an archived location, ms since the epoch."""
    return round(datetime.fromisoformat(row["recorded_at"]).timestamp() * 1000)


def rfc3339(ms: int) -> str:
    """`2026-11-24T12:00:00.000Z`"""
    moment = datetime.fromtimestamp(ms / 1000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
