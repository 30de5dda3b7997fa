"""Puts together what the workers of one run report: seconds as they come, totals at the end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from harness.load.second import SecondData
from harness.load.tally import Tally

Row = dict[str, Any]


class Merge:
    """Of `workers` workers, numbered from 0. A second's row is given to `on_row` once every worker has
    reported it or has ended; rows come in their order, each once."""

    def __init__(
        self, workers: int, devices: int, started_at_s: float, on_row: Callable[[Row], None]
    ) -> None:
        self.tally = Tally()
        self._started_at_s = started_at_s
        self._on_row = on_row
        self._seen = np.zeros(devices, dtype=np.bool_)
        self._reported = [0] * workers
        """How many seconds each worker has reported."""
        self._running = set(range(workers))
        self._open: dict[int, SecondData] = {}
        self._given = 0

    @property
    def done(self) -> bool:
        """Whether every worker has ended."""
        return not self._running

    @property
    def running(self) -> frozenset[int]:
        """The workers that have not ended."""
        return frozenset(self._running)

    def second(self, worker: int, second: SecondData) -> None:
        """Worker number `worker` has closed a second."""
        self._reported[worker] = second.number + 1
        known = self._open.get(second.number)
        if known is None:
            self._open[second.number] = second
        else:
            known.merge(second)
        self._give()

    def end(self, worker: int, tally: Tally) -> None:
        """Worker number `worker` is through; a second report of that is nothing new."""
        if worker in self._running:
            self._running.discard(worker)
            self.tally.merge(tally)
            self._give()

    def _give(self) -> None:
        complete = min((self._reported[worker] for worker in self._running), default=max(self._reported))
        while self._given < complete:
            second = self._open.pop(self._given, None) or SecondData(self._given)
            self._seen[second.new_devices] = True
            self._on_row(second.row(self._started_at_s, int(np.count_nonzero(self._seen))))
            self._given += 1
