"""Percentiles of values that are all there: the nearest rank, never a value between two."""

from __future__ import annotations

from typing import TypedDict

import numpy as np
from numpy.typing import NDArray


class Percentiles(TypedDict):
    """Of durations in ms; all but `count` are None when there is no value."""

    count: int
    p50: float | None
    p90: float | None
    p95: float | None
    p99: float | None
    p999: float | None
    max: float | None


def percentiles(values: NDArray[np.floating]) -> Percentiles:
    """Of `values`, without those that are not a number."""
    known = values[~np.isnan(values)]
    if not len(known):
        return Percentiles(count=0, p50=None, p90=None, p95=None, p99=None, p999=None, max=None)
    at = np.quantile(known, (0.5, 0.9, 0.95, 0.99, 0.999, 1.0), method="inverted_cdf")
    p50, p90, p95, p99, p999, highest = (round(float(value), 3) for value in at)
    return Percentiles(count=len(known), p50=p50, p90=p90, p95=p95, p99=p99, p999=p999, max=highest)
