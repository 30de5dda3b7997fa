"""Arrivals from a trace: compressed in time, each saying of itself what the trace says."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from harness.load.chunk import FLAWLESS, LOCATION_CODE, REGISTRATION_CODE, Chunk
from harness.load.devices import Devices
from harness.scenario import Trace


def trace_chunks(trace: Trace, devices: Devices, size: int, seed: int) -> Iterator[Chunk]:
    """The events of `trace`, `size` a chunk. The trace ends as the run ends: an event that came some time
    before its last one is recorded that time before the end of the run."""
    events = trace.events
    first_s, last_s = float(events.time_s[0]), float(events.time_s[-1])
    compress = trace.compress or 1.0
    ends_s = (last_s - first_s) / compress
    random = np.random.default_rng([seed, 0x7ACE])
    for start in range(0, len(events.time_s), size):
        part = slice(start, start + size)
        time_s = events.time_s[part]
        count = len(time_s)
        index = np.arange(start, start + count)
        device = events.device[part]
        yield Chunk(
            index=index,
            at_s=(time_s - first_s) / compress,
            stream=np.where(events.registration[part], REGISTRATION_CODE, LOCATION_CODE).astype(np.uint8),
            device=device,
            account=devices.account[device],
            ordinal=index,
            events=np.ones(count, dtype=np.int32),
            flaw=np.full(count, FLAWLESS, dtype=np.uint8),
            recorded_s=ends_s - (last_s - time_s),
            lat=events.lat[part],
            lon=events.lon[part],
            speed=events.speed[part],
            bearing=events.bearing[part],
            accuracy=events.accuracy[part],
            noise=random.random(count),
        )
