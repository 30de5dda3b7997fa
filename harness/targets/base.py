"""What a place is where a pipeline can stand and be rehearsed."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from harness.measure.observation import Observer
from harness.pipeline import Cloud


class Target(Protocol):
    """A place with a life: it is there within `with target.start():` and reached through `cloud()`.

    `start` raises TargetError when the place cannot be made ready, and leaves nothing behind when it ends.
    `cloud` and `observer` are for use while it is started; both may be called often.
    """

    @property
    def name(self) -> str:
        """`embedded`, `localstack`, `endpoint` or `aws`."""

    def start(self, logs_dir: Path) -> AbstractContextManager[Target]:
        """Bring it up for the time of a `with` block. `logs_dir` is where it puts what its own parts log."""

    def cloud(self) -> Cloud:
        """How its AWS API is reached."""

    def observer(self) -> Observer:
        """Who says where usage, backlog and timings come from on it."""
