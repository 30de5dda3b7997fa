"""What a generator counted, exactly, in a form that workers' tallies merge in."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.measure import acceptance as codes
from harness.measure.histogram import LatencyHistogram
from harness.measure.stored import REQUEST_COUNTS

LATE_MS = 10.0
"""A start later than this is late."""
MAX_LATE_SHARE = 0.01
FORGIVEN = 10
"""So many late starts say nothing of the generator, however few starts there were: on a run of some dozens,
one in a hundred cannot be told from chance."""
HISTOGRAMS = ("latency_ms", "service_time_ms", "failed_latency_ms", "group_latency_ms")
"""By route, but for the last, which is the latency of accepted requests by group of accounts."""
_GROW_EVENTS = 65_536


def _histograms() -> defaultdict[str, LatencyHistogram]:
    return defaultdict(LatencyHistogram)


@dataclass(slots=True)
class Tally:
    """One generator's totals, or of several merged. `durations[what][route]`; `acceptance` by ordinal, as
    harness.measure.acceptance has it; `seen` one bit a device."""

    requests: dict[str, int] = field(default_factory=lambda: dict.fromkeys(REQUEST_COUNTS, 0))
    durations: dict[str, defaultdict[str, LatencyHistogram]] = field(
        default_factory=lambda: {name: _histograms() for name in HISTOGRAMS}
    )
    kinds: dict[str, dict[str, int]] = field(default_factory=dict)
    """Events sent and accepted by kind."""
    calls: dict[str, dict[str, int]] = field(default_factory=dict)
    """Calls (requests that carry no event) sent and accepted by kind."""
    lateness: LatencyHistogram = field(default_factory=LatencyHistogram)
    late: int = 0
    acceptance: NDArray[np.uint8] = field(default_factory=lambda: np.zeros(0, dtype=np.uint8))
    events_planned: int = 0
    seen: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, dtype=np.bool_))

    def reach(self, events: int) -> None:
        """Have room for the ordinals below `events`."""
        if events > self.events_planned:
            self.events_planned = events
            if events > len(self.acceptance):
                missing = events - len(self.acceptance)
                grown = np.zeros(max(missing, _GROW_EVENTS, len(self.acceptance) // 2), dtype=np.uint8)
                self.acceptance = np.concatenate((self.acceptance, grown))

    @property
    def by_ordinal(self) -> NDArray[np.uint8]:
        """The acceptance of the events planned, no more."""
        return self.acceptance[: self.events_planned]

    @property
    def devices(self) -> int:
        """How many different devices sent something."""
        return int(np.count_nonzero(self.seen))

    @property
    def late_share(self) -> float | None:
        """The part of all starts that was late; None when nothing started."""
        return self.late / self.lateness.count if self.lateness.count else None

    def invalid_reason(self) -> str | None:
        """Why the measurement cannot be trusted, or None; docs/decisions/0005-when-a-run-is-valid.md."""
        outside = self.lateness.out_of_range + sum(
            histogram.out_of_range for by_route in self.durations.values() for histogram in by_route.values()
        )
        if outside:
            return f"{outside} durations were below zero or over an hour."
        share, p99_ms = self.late_share, self.lateness.percentile(99)
        if share is None or p99_ms is None:
            return None
        if self.late > FORGIVEN and (share > MAX_LATE_SHARE or p99_ms > LATE_MS):
            return (
                f"The generator could not keep up: {share:.1%} of starts were more than {LATE_MS:.0f} ms "
                f"late ({p99_ms:.1f} ms at p99) while there was room in flight. Run it while nothing else "
                "keeps this machine busy, with more --workers where there are cores, or with a lower --rate."
            )
        return None

    def merge(self, other: Tally) -> None:
        """Add another generator's totals of the same run."""
        for name, count in other.requests.items():
            self.requests[name] += count
        for what, by_route in other.durations.items():
            for route, histogram in by_route.items():
                self.durations[what][route].merge(histogram)
        for ours, theirs in ((self.kinds, other.kinds), (self.calls, other.calls)):
            for kind, counts in theirs.items():
                mine = ours.setdefault(kind, {"sent": 0, "accepted": 0})
                for name, count in counts.items():
                    mine[name] += count
        self.lateness.merge(other.lateness)
        self.late += other.late
        self.reach(other.events_planned)
        np.maximum(
            self.by_ordinal[: other.events_planned],
            other.by_ordinal,
            out=self.by_ordinal[: other.events_planned],
        )
        if len(self.seen) < len(other.seen):
            self.seen = np.concatenate(
                (self.seen, np.zeros(len(other.seen) - len(self.seen), dtype=np.bool_))
            )
        self.seen[: len(other.seen)] |= other.seen

    def events(self) -> dict[str, int]:
        """The `events` of result.json: all that were sent, and those that were accepted."""
        counts = codes.count(self.by_ordinal)
        return {"sent": self.events_planned - counts["not_sent"], "accepted": counts["accepted"]}

    def to_message(self) -> dict[str, Any]:
        """As plain values and bytes, for a message between processes."""
        return {
            "requests": self.requests,
            "durations": {
                what: {route: histogram.encode() for route, histogram in by_route.items()}
                for what, by_route in self.durations.items()
            },
            "kinds": self.kinds,
            "calls": self.calls,
            "lateness": self.lateness.encode(),
            "late": self.late,
            "acceptance": self.by_ordinal.tobytes(),
            "seen": np.packbits(self.seen).tobytes(),
            "devices": len(self.seen),
        }

    @classmethod
    def from_message(cls, message: Mapping[str, Any]) -> Tally:
        """The inverse of `to_message`."""
        tally = cls(
            requests=dict(message["requests"]),
            kinds={kind: dict(counts) for kind, counts in message["kinds"].items()},
            calls={kind: dict(counts) for kind, counts in message["calls"].items()},
            lateness=LatencyHistogram.decode(message["lateness"]),
            late=message["late"],
            acceptance=np.frombuffer(message["acceptance"], dtype=np.uint8).copy(),
            seen=np.unpackbits(
                np.frombuffer(message["seen"], dtype=np.uint8), count=message["devices"]
            ).astype(np.bool_),
        )
        tally.events_planned = len(tally.acceptance)
        for what, by_route in message["durations"].items():
            for route, encoded in by_route.items():
                tally.durations[what][route] = LatencyHistogram.decode(encoded)
        return tally
