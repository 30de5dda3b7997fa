"""What AWS would answer in: the steps that a route's answer waits for, one after another.

The percentiles of a sum are not the sums of percentiles. The steps are taken as independent, and drawn
together a hundred thousand times from a fixed seed, so the same steps give the same figures.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from harness.aws.latencies.table import Latency, call_latencies

DRAWS: Final = 100_000
SEED: Final = 20_261_123

METHOD: Final = (
    f"sum of independent lognormal steps, {DRAWS:,} draws from a fixed seed; "
    "warm connection, authorizer cached, no queueing"
)


@dataclass(frozen=True)
class RouteLatency:
    """Modelled, in ms. `assumed` names the steps for which no measurement was found."""

    steps: tuple[str, ...]
    p50_ms: float
    p90_ms: float
    p99_ms: float
    assumed: tuple[str, ...]


def route_latency(steps: Sequence[str]) -> RouteLatency:
    """Of the answer that waits for `steps`, in the names of the table (`apigateway:rest`,
    `kinesis:PutRecord`). Raises KeyError for a step that the table does not have, and ValueError for none."""
    if not steps:
        raise ValueError("a route waits for at least one step")
    latencies = [call_latencies()[step] for step in steps]
    random = np.random.default_rng(SEED)
    total = sum((_draw(latency, random) for latency in latencies), np.zeros(DRAWS))
    p50, p90, p99 = (float(value) for value in np.quantile(total, (0.5, 0.9, 0.99)))
    assumed = tuple(step for step, of in zip(steps, latencies, strict=True) if of.confidence == "assumed")
    return RouteLatency(tuple(steps), round(p50, 1), round(p90, 1), round(p99, 1), assumed)


def _draw(latency: Latency, random: np.random.Generator) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return random.lognormal(np.log(latency.p50_ms), latency.sigma, DRAWS)
