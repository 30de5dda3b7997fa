"""Counts what the watchers were told: into the second at hand, and into the totals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

import numpy as np

from harness.measure.files import RowLog
from harness.measure.receipts import ReceiptLog
from harness.pipeline import Channel, Told

COUNTS = ("webhook", "subscription", "refused", "foreign", "lost_connections")
"""`webhook` and `subscription`: events told; `refused`: deliveries that an endpoint did not take; `foreign`:
events that are not of this run, or say no event; `lost_connections`: subscriptions that were broken off."""
_LATENCIES = ("webhook", "subscription")


class Record:
    """Of one run: event ids are `<run_id>-<ordinal>`. Receipts go to `log`, seconds to `timeline`."""

    def __init__(self, run_id: str, log: ReceiptLog, timeline: RowLog) -> None:
        self._timeline = timeline
        self._prefix = f"{run_id}-"
        self._log = log
        self.totals: Counter[str] = Counter(dict.fromkeys(COUNTS, 0))
        self._second: Counter[str] = Counter()
        self._latencies_ms: dict[str, list[float]] = {channel: [] for channel in _LATENCIES}
        self.last_at_s = 0.0
        """When anything last came (epoch)."""

    def told(self, watcher: int, channel: Channel, events: Iterable[Told], at_s: float) -> None:
        """Watcher number `watcher` was told of `events` at `at_s`."""
        self.last_at_s = at_s
        for event in events:
            ordinal = self._ordinal(event.event_id)
            if ordinal is None:
                self.count("foreign")
                continue
            self.count(channel)
            self._log.add(ordinal, watcher, at_s, event.accepted_at_s)
            self._latencies_ms[channel].append((at_s - event.accepted_at_s) * 1000.0)

    def count(self, what: str) -> None:
        """One more of COUNTS."""
        self._second[what] += 1
        self.totals[what] += 1

    def _ordinal(self, event_id: str) -> int | None:
        digits = event_id.removeprefix(self._prefix)
        if len(digits) == len(event_id) or not (digits.isascii() and digits.isdecimal()) or len(digits) > 15:
            return None
        return int(digits)

    def close_second(self, at_s: float, connected: int) -> dict[str, Any]:
        """The second that ends at `at_s`, as a row; it and its receipts are in their files."""
        self._log.flush()
        second, self._second = self._second, Counter()
        row: dict[str, Any] = {"t": round(at_s - 1.0, 3), "connected": connected}
        row |= {name: second[name] for name in COUNTS}
        for channel, values in self._latencies_ms.items():
            row[f"{channel}_p99_ms"] = (
                round(float(np.quantile(values, 0.99, method="inverted_cdf")), 3) if values else None
            )
            values.clear()
        self._timeline.append((row,))
        return row
