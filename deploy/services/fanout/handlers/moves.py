"""What is told: the places of devices, in the form that customers see, from the stream of the live state.

A record of the stream is a device's item after a batch of its events. It is told only where a location
changed it (`changed`): a registration, or what the rules remember, is no news to who watches places.
Of several locations in one batch the newest is told.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

_MEASURES = ("lat", "lon", "accuracy", "speed", "bearing", "altitude", "battery")
_TEXTS = ("activity", "context")


class Move(NamedTuple):
    """A device is somewhere. `location` is what customers see of it; `sequence_number` is the record's."""

    sequence_number: str
    account_id: str
    event_id: str
    location: dict[str, Any]


def moves(records: Iterable[Mapping[str, Any]]) -> Iterator[Move]:
    """Those of a batch of stream records, in their order."""
    for record in records:
        change = record["dynamodb"]
        item = change.get("NewImage")
        if item is None or item.get("changed", {}).get("S") != "location":
            continue
        account_id, _, device_id = item["device_key"]["S"].partition("/")
        event_id = item["location_event_id"]["S"]
        yield Move(change["SequenceNumber"], account_id, event_id, _location(device_id, event_id, item))


def _location(device_id: str, event_id: str, item: Mapping[str, Any]) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "event_id": event_id,
        "device_id": device_id,
        "recorded_at": rfc3339(int(item["recorded_at"]["N"])),
        "received_at": rfc3339(int(item["location_received_at"]["N"])),
    }
    shown |= {name: float(item[name]["N"]) for name in _MEASURES if name in item}
    shown |= {name: item[name]["S"] for name in _TEXTS if name in item}
    return shown


def rfc3339(ms: int) -> str:
    """`2026-11-24T12:00:00.000Z`"""
    moment = datetime.fromtimestamp(ms / 1000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
