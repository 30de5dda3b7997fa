"""The deliveries that SNS makes to HTTP endpoints: no requests to LocalStack, so its gateway sees none.

["delivery", at_ms, topic, protocol, body_bytes]
["filter", at_ms, topic, kept_from, body_bytes]
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from typing import Any

from launchday_localstack.metering.recorder import Recorder

_noted_by: list[Recorder] = []
_pending: dict[str, int] = {}
_counting = threading.Lock()


def note_deliveries(recorder: Recorder) -> None:
    """Note them from now on."""
    _noted_by[:] = [recorder]


def pending_deliveries() -> Mapping[str, int]:
    """By topic: the deliveries that wait or are under way."""
    with _counting:
        return dict(_pending)


def add_pending(topic: str, deliveries: int) -> None:
    """So many more, or fewer, are pending."""
    with _counting:
        _pending[topic] = _pending.get(topic, 0) + deliveries


def note(kind: str, topic: str, *values: Any) -> None:
    """Note a row."""
    for recorder in _noted_by:
        recorder.add([kind, int(time.time() * 1000), topic, *values])
