"""The watchers as their parent sees them: a process that is started, waited for, listened to, and stopped."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from harness.errors import LaunchdayError, MeasurementInvalid
from harness.load.child import PlannedChild, Row
from harness.load.plan import LoadPlan


@dataclass(frozen=True, slots=True)
class WatchedSecond:
    """One second of the watchers' work: events told by each channel, with how long after their acceptance at
    p99 (ms; None when there was none). `connected` of `of` watchers have taken their posts."""

    connected: int
    webhook: int = 0
    subscription: int = 0
    refused: int = 0
    lost_connections: int = 0
    webhook_p99_ms: float | None = None
    subscription_p99_ms: float | None = None


class Watching(PlannedChild):
    """The process `python -m harness.load.watchers`. `on_second` is called in a thread of its own.

    Use: enter, `wait_ready`, `check` now and then, `finish` when nothing more is owed."""

    module = "harness.load.watchers"
    what = "watchers' process"

    def __init__(
        self, plan: LoadPlan, out: Path, log: Path | None, on_second: Callable[[WatchedSecond], None]
    ) -> None:
        super().__init__(plan, out, log)
        self._on_second = on_second
        self._ready = threading.Event()
        self._over = threading.Event()
        self._error: LaunchdayError | None = None
        self._listener = threading.Thread(target=self._listen, daemon=True, name="watchers")

    def __enter__(self) -> Self:
        super().__enter__()
        self._listener.start()
        return self

    def wait_ready(self) -> None:
        """Wait until all have taken their posts. Raises the LaunchdayError that kept them from it."""
        self._ready.wait()
        self.forget_plan()
        self.check()

    def check(self) -> None:
        """Raise what went wrong with the process, if anything did."""
        if self._error is not None:
            raise self._error

    def finish(self) -> None:
        """Have it take what still comes, write what it has, and end. Raises as `check` does."""
        self.interrupt()
        self._over.wait()
        self.check()

    def _listen(self) -> None:
        try:
            for row in self.rows():
                if row["type"] == "done":
                    return
                self._hear(row)
        except LaunchdayError as error:
            self._error = error
        except (KeyError, TypeError, ValueError) as error:
            self._error = MeasurementInvalid(f"The {self.what} said something unreadable: {error!r}.")
        finally:
            self._ready.set()
            self._over.set()

    def _hear(self, row: Row) -> None:
        if row["type"] == "ready":
            self._ready.set()
            return
        known: dict[str, Any] = {name: row[name] for name in _FIELDS if name in row}
        self._on_second(WatchedSecond(**known))


_FIELDS = tuple(WatchedSecond.__dataclass_fields__)
