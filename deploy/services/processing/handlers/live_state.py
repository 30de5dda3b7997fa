"""The live state: one item a device in the `devices` table, read and written a batch at a time.

`device_key` ("<account>/<device>") is the partition key, so that no account, however large its launch, is
one hot partition. The last archived fix stands in `archived_*` only where it is not the live one.

An account's devices are listed by the index `by_account`, whose partition key `list_key` is "<account>#<n>",
n being one of `LIST_PARTITIONS`. The index holds keys alone: only a device's first write is written to it.

`changed` says what the last write showed anew: `location`, `registration`, or `history` where only what the
rules remember is different. Whoever follows the table's stream tells of the first, whose event and time of
receipt stand in `location_event_id` and `location_received_at`.
"""

from __future__ import annotations

import time
import zlib
from collections.abc import Callable, Iterable
from typing import Any

from . import aws
from .contract import LOCATION, REGISTRATION, Fix, Message
from .recent import RecentEvents
from .rules import History

ITEMS_A_READ = 100  # BatchGetItem's and BatchWriteItem's own limits
ITEMS_A_WRITE = 25
ATTEMPTS = 6

LIST_PARTITIONS = 8
"""A partition of an index takes 1,000 new devices a second, so one account may gain 8,000."""

Item = dict[str, dict[str, Any]]

_FROM_A_REGISTRATION = ("platform", "os_version", "app_version", "sdk_version", "push_token", "reason")
_MEASURES = ("accuracy", "speed", "bearing", "altitude")
_OFFLINE_AFTER_MS = 5 * 60 * 1000
_MOVING_M_PER_S = 1.0


class Device:
    """A device while a batch is worked on: its history, its recent events, and the item to write."""

    __slots__ = ("_shows", "changed", "history", "item", "recent")

    def __init__(self, key: str, item: Item | None) -> None:
        self.item: Item = item or _new_item(key)
        self.changed = False
        self._shows = "history"
        if item is None:
            self.history, self.recent = History(), RecentEvents()
        else:
            self.history = _history(item)
            self.recent = RecentEvents(item["recent"]["S"] if "recent" in item else "")

    def register(self, message: Message) -> None:
        """Show a registration in the live state."""
        if self._shows != LOCATION:
            self._shows = REGISTRATION
        self.item["registered_at"] = {"N": str(self.history.registered_at_ms)}
        for name in _FROM_A_REGISTRATION:
            _put_text(self.item, name, message.event.get(name))

    def move(self, message: Message, fix: Fix) -> None:
        """Show a location in the live state."""
        item, event = self.item, message.event
        self._shows = LOCATION
        item["location_event_id"] = {"S": message.event_id}
        item["location_received_at"] = {"N": str(message.received_at_ms)}
        item["recorded_at"] = {"N": str(fix.at_ms)}
        item["lat"], item["lon"] = {"N": repr(fix.lat)}, {"N": repr(fix.lon)}
        for name in _MEASURES:
            _put_number(item, name, event.get(name))
        _put_text(item, "activity", event.get("activity"))
        battery = event.get("battery")
        _put_number(item, "battery", battery.get("level") if battery else None)
        item["context"] = {"S": context(message, fix)}

    def shows(self, event_id: str) -> bool:
        """Whether the event is the location that the live state shows."""
        shown = self.item.get("location_event_id")
        return shown is not None and shown["S"] == event_id

    def finished(self) -> Item:
        """The item to write."""
        live, archived = self.history.live, self.history.archived
        differs = archived is not None and archived != live
        _put_number(self.item, "archived_at", archived.at_ms if archived and differs else None)
        _put_number(self.item, "archived_lat", archived.lat if archived and differs else None)
        _put_number(self.item, "archived_lon", archived.lon if archived and differs else None)
        self.item["recent"] = {"S": self.recent.text()}
        self.item["changed"] = {"S": self._shows}
        return self.item


def _new_item(key: str) -> Item:
    account_id, _, device_id = key.partition("/")
    return {
        "device_key": {"S": key},
        "device_id": {"S": device_id},
        "list_key": {"S": f"{account_id}#{zlib.crc32(device_id.encode()) % LIST_PARTITIONS}"},
    }


def context(message: Message, fix: Fix) -> str:
    """What the device was doing: `offline` when it said so only later, else `moving` or `stopped`."""
    if message.received_at_ms - fix.at_ms > _OFFLINE_AFTER_MS:
        return "offline"
    speed, activity = message.event.get("speed"), message.event.get("activity")
    if speed is not None:
        return "moving" if speed >= _MOVING_M_PER_S else "stopped"
    return "moving" if activity not in (None, "still") else "stopped"


class LiveState:
    """The `devices` table."""

    def __init__(self, table: str, client: Any, sleep: Callable[[float], None] = time.sleep) -> None:
        self._table = table
        self._client = client
        self._sleep = sleep

    def read(self, keys: Iterable[str]) -> dict[str, Device]:
        """Every device of `keys`, known or new. The read is consistent: what was written last counts."""
        devices: dict[str, Device] = {}
        wanted = list(keys)
        for start in range(0, len(wanted), ITEMS_A_READ):
            chunk = wanted[start : start + ITEMS_A_READ]
            for item in self._read_all([{"device_key": {"S": key}} for key in chunk]):
                key = item["device_key"]["S"]
                devices[key] = Device(key, item)
        for key in wanted:
            if key not in devices:
                devices[key] = Device(key, None)
        return devices

    def _read_all(self, keys: list[dict[str, Any]]) -> Iterable[Item]:
        for attempt in range(ATTEMPTS):
            if attempt:
                self._sleep(aws.backoff_s(attempt))
            answer = self._client.batch_get_item(
                RequestItems={self._table: {"Keys": keys, "ConsistentRead": True}}
            )
            yield from answer["Responses"].get(self._table, ())
            unread = answer.get("UnprocessedKeys", {}).get(self._table)
            if not unread:
                return
            keys = unread["Keys"]
        raise RuntimeError(f"DynamoDB left {len(keys)} devices unread after {ATTEMPTS} attempts.")

    def write(self, items: list[Item]) -> set[str]:
        """Write `items`; the keys of those that the table would not take after `ATTEMPTS` attempts."""
        refused: set[str] = set()
        for start in range(0, len(items), ITEMS_A_WRITE):
            puts = [{"PutRequest": {"Item": item}} for item in items[start : start + ITEMS_A_WRITE]]
            refused |= {put["PutRequest"]["Item"]["device_key"]["S"] for put in self._write_all(puts)}
        return refused

    def _write_all(self, puts: list[dict[str, Any]]) -> list[dict[str, Any]]:
        for attempt in range(ATTEMPTS):
            if attempt:
                self._sleep(aws.backoff_s(attempt))
            try:
                answer = self._client.batch_write_item(RequestItems={self._table: puts})
            except self._client.exceptions.ProvisionedThroughputExceededException:
                continue  # every single item was throttled
            puts = answer.get("UnprocessedItems", {}).get(self._table, [])
            if not puts:
                break
        return puts


def _history(item: Item) -> History:
    live = _fix(item, "recorded_at", "lat", "lon")
    return History(
        live=live,
        archived=_fix(item, "archived_at", "archived_lat", "archived_lon") or live,
        registered_at_ms=int(item["registered_at"]["N"]) if "registered_at" in item else None,
    )


def _fix(item: Item, at: str, lat: str, lon: str) -> Fix | None:
    return Fix(int(item[at]["N"]), float(item[lat]["N"]), float(item[lon]["N"])) if at in item else None


def _put_number(item: Item, name: str, value: float | None) -> None:
    if value is None or type(value) is bool:
        item.pop(name, None)
    else:
        item[name] = {"N": repr(value)}


def _put_text(item: Item, name: str, value: str | None) -> None:
    if value:
        item[name] = {"S": value}
    else:
        item.pop(name, None)
