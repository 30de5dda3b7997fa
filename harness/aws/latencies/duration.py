"""How long Lambda would have billed an invocation for: a model; a busy laptop's wall time is not AWS's.

    billed_ms = ceil(init + CPU / share + calls)

* init, on a cold start only: the measured initialization of an empty function of that runtime, or the CPU
  time that this one's initialization took, whichever is longer. Initialization is billed (AWS Compute Blog,
  2025-04-29).
* share: memory / 1,769 MB of a vCPU (docs: Lambda Developer Guide, Configure function memory), at most 1: a
  function that computes in one thread uses no more. A vCPU is taken to be as fast as a core of this machine.
* calls: the mean latency of each AWS call it made, one after another.
* A timeout is billed for the time-out itself, the measured wall time.
* Each invocation is rounded up to the next millisecond (docs: AWS Lambda pricing), never the mean.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from harness.aws.latencies.table import cold_start

FULL_VCPU_MB: Final = 1_769

METHOD: Final = "CPU time / vCPU share of the memory + modelled latency of its AWS calls + initialization"


def vcpu_share(memory_mb: ArrayLike) -> NDArray[np.float64]:
    """The part of one vCPU that a single-threaded function of that memory gets."""
    return np.minimum(1.0, np.asarray(memory_mb, dtype=np.float64) / FULL_VCPU_MB)


def init_ms(runtime: str, architecture: str, memory_mb: int, init_cpu_ms: ArrayLike) -> NDArray[np.float64]:
    """Of cold starts that took `init_cpu_ms` of CPU; 0 where that is NaN, a warm start. A runtime that was
    not measured is taken by its CPU time alone."""
    empty = cold_start(runtime, architecture, memory_mb)
    cpu = np.asarray(init_cpu_ms, dtype=np.float64)
    floor_ms = empty.mean_ms if empty else 0.0
    return np.where(np.isnan(cpu), 0.0, np.maximum(cpu, floor_ms))


def billed_ms(
    init: NDArray[np.float64], cpu: NDArray[np.float64], memory_mb: ArrayLike, calls: NDArray[np.float64]
) -> NDArray[np.int64]:
    """The model, for many invocations at once; all times in ms. At least 1 ms each."""
    return round_up(init + cpu / vcpu_share(memory_mb) + calls)


def round_up(duration_ms: NDArray[np.float64]) -> NDArray[np.int64]:
    """Up to the next millisecond, each one."""
    # A sum of floats that is a hair above a whole number is that number.
    return np.maximum(1, np.ceil(np.round(duration_ms, 6))).astype(np.int64)
