"""Records as Kinesis and Lambda hand them to the processor."""

from __future__ import annotations

import json
from base64 import b64encode
from datetime import UTC, datetime
from typing import Any

NOW_MS = 1_763_900_000_000


def rfc3339(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def location(
    event_id: str, at_ms: int = NOW_MS, lat: Any = 53.4, lon: Any = -2.9, **more: Any
) -> dict[str, Any]:
    return {
        "event_id": event_id,
        "recorded_at": rfc3339(at_ms),
        "lat": lat,
        "lon": lon,
        "accuracy": 5.0,
        **more,
    }


def registration(event_id: str, at_ms: int = NOW_MS, **more: Any) -> dict[str, Any]:
    return {
        "event_id": event_id,
        "registered_at": rfc3339(at_ms),
        "platform": "android",
        "reason": "app_launch",
        "push_token": "t-1",
        **more,
    }


def envelope(
    event: Any, device: str = "d1", received_ms: int = NOW_MS, account: str = "acct_000001"
) -> dict[str, Any]:
    kind = "registration" if isinstance(event, dict) and "registered_at" in event else "location"
    return {
        "account_id": account,
        "kind": kind,
        "request_id": "r-1",
        "received_at": received_ms,
        "device_id": device,
        "event": event,
    }


def record(sequence: int, data: bytes, key: str = "d1") -> dict[str, Any]:
    return {
        "eventID": f"shardId-000000000000:{sequence:056d}",
        "eventSourceARN": "arn:aws:kinesis:us-east-1:000000000000:stream/launchday-local-events",
        "kinesis": {
            "sequenceNumber": f"{sequence:056d}",
            "partitionKey": key,
            "data": b64encode(data).decode(),
            "approximateArrivalTimestamp": NOW_MS / 1000,
        },
    }


def batch(*envelopes: dict[str, Any], first: int = 1) -> list[dict[str, Any]]:
    return [
        record(first + index, json.dumps(each).encode(), str(each.get("device_id", "x")))
        for index, each in enumerate(envelopes)
    ]
