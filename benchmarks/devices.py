"""Devices as the pipeline's processor stores them: ten attributes, 300 to 400 bytes of JSON."""

from __future__ import annotations

from typing import Any

KEY = "device_key"


def device(number: int) -> dict[str, Any]:
    """The item of one device; the same number gives the same item."""
    return {
        KEY: {"S": f"account-{number % 20_000:05d}#device-{number:08d}"},
        "account_id": {"S": f"account-{number % 20_000:05d}"},
        "platform": {"S": ("ios", "android")[number % 2]},
        "os_version": {"S": f"{17 + number % 3}.{number % 5}"},
        "app_version": {"S": f"5.{number % 10}.{number % 7}"},
        "push_token": {"S": f"{number * 2654435761 % 2**64:016x}"},
        "lat": {"N": f"{40.5 + number % 4999 / 10_000:.4f}1"},
        "lon": {"N": f"-{73.5 + number % 4993 / 10_000:.4f}1"},
        "recorded_at": {"S": f"2026-11-23T15:{number % 60:02d}:{number % 59:02d}.{number % 997:03d}Z"},
        "battery": {"M": {"level": {"N": f"0.{number % 90 + 10}1"}, "charging": {"BOOL": number % 3 == 0}}},
    }
