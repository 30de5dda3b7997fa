"""The table of latencies: calls of AWS's services, and Lambda's initializations.

Every entry has its source and how far to trust it; most calls are assumptions, and reports say so. A latency
is a lognormal distribution through its median and 99th percentile.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Final, Literal

Confidence = Literal["measured", "documented", "assumed"]

_Z99: Final = 2.3263478740408408
"""The 99th percentile of the standard normal distribution."""


@dataclass(frozen=True)
class Latency:
    """A lognormal latency, in ms."""

    p50_ms: float
    p99_ms: float
    confidence: Confidence
    source: str

    @property
    def sigma(self) -> float:
        """The standard deviation of the logarithm."""
        return math.log(self.p99_ms / self.p50_ms) / _Z99

    @property
    def mean_ms(self) -> float:
        """The mean, above the median by the weight of the tail: what many calls cost together."""
        return self.p50_ms * math.exp(self.sigma**2 / 2)


@cache
def call_latencies() -> Mapping[str, Latency]:
    """By `<service>:<operation>`, as a caller in the same Region sees it over a warm connection."""
    return {
        entry["call"]: Latency(entry["p50_ms"], entry["p99_ms"], entry["confidence"], entry["source"])
        for entry in _data("calls.json")["calls"]
    }


@cache
def _cold_starts() -> tuple[Mapping[tuple[str, str], Mapping[int, Latency]], frozenset[str]]:
    data = _data("cold_starts.json")
    table: dict[tuple[str, str], dict[int, Latency]] = {}
    for runtime, architecture, memory_mb, _samples, p50_ms, _p90_ms, p99_ms in data["rows"]:
        latency = Latency(p50_ms, p99_ms, data["confidence"], data["source"])
        table.setdefault((runtime, architecture), {})[memory_mb] = latency
    return table, frozenset(runtime for runtime, _ in table)


def cold_start(runtime: str, architecture: str, memory_mb: int) -> Latency | None:
    """The initialization of a function that does nothing, at the memory size nearest to `memory_mb` that was
    measured (it hardly matters); None for a runtime or architecture that was not."""
    sizes = _cold_starts()[0].get((runtime, architecture))
    if sizes is None:
        return None
    return sizes[min(sizes, key=lambda size: (abs(size - memory_mb), size))]


def known_runtimes() -> frozenset[str]:
    """The runtimes that `cold_start` knows, by AWS's identifiers."""
    return _cold_starts()[1]


def _data(name: str) -> Any:
    return json.loads((files(__package__) / "data" / name).read_text())
