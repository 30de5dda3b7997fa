"""When a process that died is started again, and when it is given up."""

from __future__ import annotations

from collections import deque

_DELAYS_S = (0.0, 0.5, 1.0, 2.0, 4.0)
_WINDOW_S = 60.0


class RestartPolicy:
    """At once the first time, then after growing waits; five deaths within a minute and it is given up."""

    def __init__(self) -> None:
        self._deaths: deque[float] = deque()

    def after_death(self, now_s: float) -> float | None:
        """The seconds to wait before the process is started again, or None when it should not be."""
        while self._deaths and now_s - self._deaths[0] >= _WINDOW_S:
            self._deaths.popleft()
        self._deaths.append(now_s)
        deaths = len(self._deaths)
        return _DELAYS_S[deaths - 1] if deaths < len(_DELAYS_S) else None
