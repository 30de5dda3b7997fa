"""One second of a generator's work, raw enough that workers' seconds merge without an average."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.measure.stored import REQUEST_COUNTS

COUNTS = (
    *REQUEST_COUNTS,
    "events_sent",
    "events_accepted",
    "calls_sent",
    "calls_accepted",
)


def _no_durations() -> NDArray[np.float32]:
    return np.zeros(0, dtype=np.float32)


@dataclass(slots=True)
class SecondData:
    """Second number `number` of the run. `new_devices` had sent nothing before, as far as this generator
    knows; latencies and latenesses are all there, in ms."""

    number: int
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(COUNTS, 0))
    in_flight: int = 0
    latencies_ms: NDArray[np.float32] = field(default_factory=_no_durations)
    lateness_ms: NDArray[np.float32] = field(default_factory=_no_durations)
    new_devices: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, dtype=np.int64))

    def merge(self, other: SecondData) -> None:
        """Add another generator's same second."""
        for name, count in other.counts.items():
            self.counts[name] += count
        self.in_flight += other.in_flight
        self.latencies_ms = np.concatenate((self.latencies_ms, other.latencies_ms))
        self.lateness_ms = np.concatenate((self.lateness_ms, other.lateness_ms))
        self.new_devices = np.concatenate((self.new_devices, other.new_devices))

    def row(self, started_at_s: float, devices: int) -> dict[str, Any]:
        """The row of load/timeline.ndjson; `devices` is how many different ones there were so far."""
        p50, p95, p99 = _percentiles(self.latencies_ms, (0.5, 0.95, 0.99))
        (lateness_p99,) = _percentiles(self.lateness_ms, (0.99,))
        return {
            "t": round(started_at_s + self.number, 3),
            **self.counts,
            "devices": devices,
            "in_flight": self.in_flight,
            "p50_ms": p50,
            "p95_ms": p95,
            "p99_ms": p99,
            "lateness_p99_ms": lateness_p99,
        }

    def to_message(self) -> dict[str, Any]:
        """As plain values and bytes, for a message between processes."""
        return {
            "number": self.number,
            "counts": self.counts,
            "in_flight": self.in_flight,
            "latencies_ms": self.latencies_ms.tobytes(),
            "lateness_ms": self.lateness_ms.tobytes(),
            "new_devices": self.new_devices.tobytes(),
        }

    @classmethod
    def from_message(cls, message: Mapping[str, Any]) -> SecondData:
        """The inverse of `to_message`."""
        return cls(
            number=message["number"],
            counts=dict(message["counts"]),
            in_flight=message["in_flight"],
            latencies_ms=np.frombuffer(message["latencies_ms"], dtype=np.float32),
            lateness_ms=np.frombuffer(message["lateness_ms"], dtype=np.float32),
            new_devices=np.frombuffer(message["new_devices"], dtype=np.int64),
        )


def _percentiles(values: NDArray[np.float32], at: tuple[float, ...]) -> list[float | None]:
    if not len(values):
        return [None] * len(at)
    return [round(float(value), 3) for value in np.quantile(values, at, method="inverted_cdf")]
