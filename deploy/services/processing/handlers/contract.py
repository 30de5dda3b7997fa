"""The pipeline's contract with its devices: what a record on the stream is, and what an event must be.

A record is the envelope that the gateway's mapping template writes:
`{"account_id", "kind", "request_id", "received_at" (ms since the epoch), "device_id", "event": {...}}`.
`event` is what the device sent, untouched and untrusted.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import datetime
from math import isfinite
from typing import Any, TypeGuard

REGISTRATION = "registration"
LOCATION = "location"

MAX_NAME_CHARACTERS = 128
MAX_TEXT_CHARACTERS = 4096

_TEXTS_OF_A_REGISTRATION = ("os_version", "app_version", "sdk_version", "push_token")
_REASONS = frozenset({"app_launch", "tracking_start"})
_ACTIVITIES = frozenset({"still", "walk", "run", "cycle", "drive"})
_MEASURES = ("accuracy", "speed", "bearing", "altitude")
_OBJECTS = ("battery", "permissions")

_EVENT_ID = re.compile(rb'"event_id"\s*:\s*"([^"\\\x00-\x1f]{1,128})"')


class Unparseable(ValueError):
    """The record is not an envelope; its message says why."""


@dataclass(slots=True)
class Message:
    """An envelope. `event_id` is empty when the device sent none; `key` names it over all accounts."""

    event_id: str
    kind: str
    account_id: str
    device_id: str
    request_id: str
    received_at_ms: int
    event: dict[str, Any]
    key: str


@dataclass(frozen=True, slots=True)
class Fix:
    """A place at a time: ms since the epoch, degrees."""

    at_ms: int
    lat: float
    lon: float


def parse(data: bytes) -> Message:
    """The envelope in a record's data. Raises Unparseable."""
    try:
        envelope = json.loads(data)
    except ValueError:
        raise Unparseable("not JSON") from None
    except RecursionError:
        raise Unparseable("nested too deeply") from None
    try:
        event = envelope["event"]
        account_id, device_id = envelope["account_id"], envelope["device_id"]
        kind, request_id, received_at = envelope["kind"], envelope["request_id"], envelope["received_at"]
    except (KeyError, TypeError, IndexError):
        raise Unparseable("not an envelope of the gateway") from None
    texts = (account_id, device_id, kind, request_id)
    if not (all(type(text) is str and text for text in texts) and type(received_at) is int):
        raise Unparseable("an envelope with a member of the wrong type")
    if kind not in (LOCATION, REGISTRATION):
        raise Unparseable("an envelope of an unknown kind")
    if type(event) is not dict:
        event = {}  # the device's own mistake, so that the rules call it malformed
    event_id = event.get("event_id")
    if type(event_id) is not str or not 0 < len(event_id) <= MAX_NAME_CHARACTERS:
        event_id = ""
    return Message(
        event_id, kind, account_id, device_id, request_id, received_at, event, f"{account_id}/{device_id}"
    )


def salvage_event_id(data: bytes) -> str | None:
    """An event id somewhere in a record that cannot be parsed, or None."""
    found = _EVENT_ID.search(data)
    return found[1].decode("utf-8", "replace") if found else None


def instant_ms(text: object) -> int | None:
    """An RFC 3339 time in ms since the epoch; None when it is none, or has no offset."""
    if type(text) is not str or len(text) > 40:
        return None
    try:
        moment = datetime.fromisoformat(text)
        return None if moment.tzinfo is None else round(moment.timestamp() * 1000)
    except (ValueError, OverflowError):
        return None


def fix_of(message: Message) -> Fix | None:
    """Where and when a location event says the device was; None when the event is malformed."""
    event = message.event
    at_ms = instant_ms(event.get("recorded_at"))
    lat, lon = event.get("lat"), event.get("lon")
    if at_ms is None or not message.event_id or not (_number(lat) and _number(lon)):
        return None
    if not (-90 <= lat <= 90 and -180 <= lon <= 180):
        return None
    if len(message.device_id) > MAX_NAME_CHARACTERS or not _location_is_well_formed(event):
        return None
    return Fix(at_ms, float(lat), float(lon))


def registered_at_ms(message: Message) -> int | None:
    """When a registration event says the device registered; None when the event is malformed."""
    event = message.event
    at_ms = instant_ms(event.get("registered_at"))
    if at_ms is None or not message.event_id or len(message.device_id) > MAX_NAME_CHARACTERS:
        return None
    platform = event.get("platform")
    if type(platform) is not str or not 0 < len(platform) <= MAX_NAME_CHARACTERS:
        return None
    if event.get("reason", "app_launch") not in _REASONS:
        return None
    return at_ms if all(_text_or_nothing(event.get(name)) for name in _TEXTS_OF_A_REGISTRATION) else None


def _location_is_well_formed(event: dict[str, Any]) -> bool:
    for name in _MEASURES:
        value = event.get(name)
        if value is not None and not _number(value):
            return False
    accuracy, activity = event.get("accuracy"), event.get("activity")
    if accuracy is not None and accuracy < 0:
        return False
    if activity is not None and (type(activity) is not str or activity not in _ACTIVITIES):
        return False
    for name in _OBJECTS:
        value = event.get(name)
        if value is not None and (type(value) is not dict or len(value) > 8 or not _flat(value)):
            return False
    return _text_or_nothing(event.get("sdk_version"))


def _flat(value: dict[str, Any]) -> bool:
    return all(
        len(name) <= MAX_NAME_CHARACTERS
        and (type(inner) is bool or _number(inner) or _text_or_nothing(inner))
        for name, inner in value.items()
    )


def _number(value: object) -> TypeGuard[float]:
    return (type(value) is float and isfinite(value)) or (type(value) is int and abs(value) < 1 << 53)


def _text_or_nothing(value: object) -> bool:
    return value is None or (type(value) is str and len(value) <= MAX_TEXT_CHARACTERS)
