"""The one loop that waits: reads the clock, steps the executor, closes the seconds."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable

import gevent

from harness.errors import LaunchdayError, MeasurementInvalid, UsageError
from harness.load.connections import Connections
from harness.load.executor import Ended, Executor
from harness.load.pacer import Pacer
from harness.load.recorder import Recorder
from harness.load.routes import Routes
from harness.load.second import SecondData
from harness.load.worker import Share

_BURST = 16
"""Starts in a row before answers are looked at."""
_LONGEST_WAIT_S = 0.01
_SHORTEST_WAIT_S = 0.0005
_STOP_GRACE_S = 2.0


class Driver:
    """Runs one generator's share of a run, in the greenlet that calls `run`."""

    def __init__(
        self,
        share: Share,
        routes: Routes,
        on_second: Callable[[SecondData], None],
        on_ended: Ended | None = None,
    ) -> None:
        self.recorder = Recorder(share.devices, share.scenario.traffic.surge)
        self.interrupted = False
        self._on_second = on_second
        self._started_s = 0.0
        self._stop_s: float | None = None
        self._error: BaseException | None = None
        self._connections = Connections(self._now, self._fail)
        self._executor = Executor(
            Pacer(share.arrivals()),
            routes,
            self._connections,
            self.recorder,
            in_flight_cap=share.in_flight_cap,
            chance=share.chance,
            on_ended=on_ended,
        )
        self._connections.executor = self._executor
        self._seconds_closed = 0

    def _now(self) -> float:
        return time.perf_counter() - self._started_s

    def _fail(self, error: BaseException) -> None:
        self._error = self._error or error

    def stop(self) -> None:
        """Send nothing more; `run` returns within two seconds. Any greenlet or signal handler may call it."""
        if self._stop_s is None:
            self.interrupted = True
            self._executor.stop()
            self._stop_s = self._now()

    def run(self) -> None:
        """Send everything, and return when all is answered or given up on.

        Raises UsageError when the pipeline's own code raises, MeasurementInvalid when the system has no more
        sockets."""
        gc.collect()
        gc.freeze()  # arrays and modules are here to stay: collections in the run look at what is new
        self._started_s = time.perf_counter()
        try:
            self._loop()
        finally:
            self._executor.close(self._now())
            self._on_second(self.recorder.close_second(self._executor.in_flight))
            self._connections.close()
            gc.unfreeze()
        if isinstance(self._error, LaunchdayError):
            raise self._error
        if isinstance(self._error, OSError):
            raise MeasurementInvalid(
                f"The load generator has no connections left: {self._error.strerror}."
            ) from self._error
        if self._error is not None:
            raise UsageError(
                f"The pipeline's entrance failed: {type(self._error).__name__}: {self._error}."
            ) from self._error

    def _loop(self) -> None:
        burst = 0
        while self._error is None:
            now_s = self._now()
            if now_s >= self._seconds_closed + 1:
                self._close_seconds(now_s)
            if self._stop_s is not None and now_s - self._stop_s > _STOP_GRACE_S:
                return
            try:
                wait_s = self._executor.step(now_s)
            except Exception as error:  # a pipeline's request(), the scenario's shape: a person's code
                self._fail(error)
                return
            if wait_s is None:
                return
            burst += 1
            if wait_s > 0.0 or burst >= _BURST:
                burst = 0
                gevent.sleep(0 if wait_s == 0.0 else min(_LONGEST_WAIT_S, max(_SHORTEST_WAIT_S, wait_s)))

    def _close_seconds(self, now_s: float) -> None:
        while self._seconds_closed + 1 <= now_s:
            self._seconds_closed += 1
            self._on_second(self.recorder.close_second(self._executor.in_flight))
