"""Rows on their way to the companion: noted by the threads that serve requests, sent by one of its own.

Adding a row costs an append. Rows go in numbered batches, each sent until it is taken, so that the companion
can tell a batch that it had already from a new one, and nothing is counted twice or left out. What finds no
room while the companion does not answer is dropped and counted: a run in which that number grows is invalid.
"""

from __future__ import annotations

import json
import logging
import os
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any

LOG = logging.getLogger(__name__)

CAPACITY = 100_000
MAX_BATCH = 2_000
INTERVAL_S = 0.25

Send = Callable[[bytes], None]
"""Gives a batch to the companion. Raises any exception when it was not taken."""


class Recorder:
    """Usable by any number of threads."""

    def __init__(
        self,
        send: Send,
        *,
        capacity: int = CAPACITY,
        max_batch: int = MAX_BATCH,
        interval_s: float = INTERVAL_S,
    ) -> None:
        self.source = f"{os.getpid():x}-{time.time_ns():x}"
        """Another for each start of LocalStack: batches are numbered within it."""
        self._send = send
        self._capacity = capacity
        self._max_batch = max_batch
        self._interval_s = interval_s
        self._rows: deque[list[Any]] = deque()
        self._unsent: bytes | None = None
        self._number = 0
        self._sending = threading.Lock()
        self._counting = threading.Lock()
        self._lost = 0
        self._stopping = threading.Event()
        self._refused = False
        self._thread = threading.Thread(target=self._loop, name="launchday-metering", daemon=True)

    @property
    def lost(self) -> int:
        """Rows that were dropped since the start."""
        return self._lost

    @property
    def number(self) -> int:
        """The number of the last batch that was taken."""
        return self._number

    def start(self) -> None:
        """Begin to send."""
        self._thread.start()

    def stop(self) -> None:
        """Send what is left, once, and end."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(timeout=10)
        self.flush()

    def add(self, row: list[Any]) -> None:
        """Note a row."""
        if len(self._rows) >= self._capacity:
            self.lose()
            return
        self._rows.append(row)

    def lose(self) -> None:
        """Something was to be noted and could not be."""
        with self._counting:
            self._lost += 1

    def flush(self) -> bool:
        """Send all that was noted before. False when the companion did not take it: it is kept."""
        with self._sending:
            left = len(self._rows)
            while self._unsent is not None or left > 0:
                if self._unsent is None:
                    rows = [self._rows.popleft() for _ in range(min(left, self._max_batch))]
                    left -= len(rows)
                    batch = {"source": self.source, "number": self._number + 1, "rows": rows}
                    self._unsent = json.dumps(batch, separators=(",", ":"), default=str).encode()
                if not self._give(self._unsent):
                    return False
                self._number += 1
                self._unsent = None
        return True

    def _give(self, batch: bytes) -> bool:
        try:
            self._send(batch)
        except Exception as error:  # whatever it is, the batch is kept and sent again
            if not self._refused:
                LOG.warning("The companion does not take what LocalStack served: %s", error)
            self._refused = True
            return False
        self._refused = False
        return True

    def _loop(self) -> None:
        while not self._stopping.wait(self._interval_s):
            self.flush()
