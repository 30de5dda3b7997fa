"""Looks at a target once a second, in a thread of its own, and hands on what it saw."""

from __future__ import annotations

import threading
from collections.abc import Callable

from harness.errors import LaunchdayError, TargetLost
from harness.measure.observation import Observation, Observer
from harness.measure.unseen import Unseen


class Sampler:
    """A context manager. `on_observation` is called in the sampler's thread, in order.

    What goes wrong is kept and raised by `check()` in the thread of whoever asks."""

    def __init__(
        self, observer: Observer, on_observation: Callable[[Observation], None], interval_s: float = 1.0
    ) -> None:
        self._observer = observer
        self._on_observation = on_observation
        self._interval_s = interval_s
        self._stopping = threading.Event()
        self._failure: Exception | None = None
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._loop, name="sampler", daemon=True)

    def __enter__(self) -> Sampler:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join()

    @property
    def unseen(self) -> Unseen:
        """What the observer cannot see."""
        return self._observer.unseen

    def look(self) -> Observation:
        """Observe now. Raises TargetLost when the target is gone or says that a part of it was."""
        with self._lock:
            observation = self._observer.observe()
            observation.unseen = self._observer.unseen
            self._on_observation(observation)
        if observation.incidents:
            raise TargetLost(observation.incidents[0])
        return observation

    def check(self) -> None:
        """Raises what the thread ran into, if anything."""
        if self._failure is None:
            return
        if isinstance(self._failure, LaunchdayError):
            raise self._failure
        raise TargetLost(f"The target could not be observed: {self._failure}.") from self._failure

    def _loop(self) -> None:
        while not self._stopping.wait(self._interval_s):
            try:
                self.look()
            except Exception as error:  # handed to whoever calls check()
                self._failure = error
                return
