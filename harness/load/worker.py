"""One worker's share of a run: worker k of n takes the arrivals i ≡ k mod n, on its own start signal."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

from harness.load.arrivals import Arrivals
from harness.load.events import Arrival, EventBuilder
from harness.scenario import Scenario


@dataclass(frozen=True)
class Share:
    """Worker `k` of `n`, with its part of the requests in flight. `started_at_s`, since the epoch, is the
    same for all workers: it is in what the events say."""

    scenario: Scenario
    run_id: str
    started_at_s: float
    in_flight_cap: int
    k: int = 0
    n: int = 1

    @property
    def devices(self) -> int:
        """How many devices there are, over all workers."""
        return self.scenario.population.devices

    def arrivals(self) -> Iterator[Arrival]:
        """The worker's arrivals in the order of their planned start."""
        arrivals = Arrivals(self.scenario, self.started_at_s)
        builder = EventBuilder(self.scenario, arrivals.devices, self.run_id, self.started_at_s)
        for chunk in arrivals:
            yield from builder.arrivals(chunk.of_worker(self.k, self.n))

    def chance(self, ordinal: int, attempt: int) -> float:
        """The random number in [0, 1) by which the request that begins with the event `ordinal` is retried:
        the same for the same seed, whichever worker sends it."""
        return random.Random(f"{self.scenario.seed}/{ordinal}/{attempt}").random()


def cap_of(in_flight_cap: int, k: int, n: int) -> int:
    """Worker k's part of the in-flight cap; the parts add up."""
    return in_flight_cap // n + (1 if k < in_flight_cap % n else 0)
