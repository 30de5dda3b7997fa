"""What a place is where a pipeline can stand and be rehearsed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol, runtime_checkable

from harness.measure.observation import Observer
from harness.pipeline import Cloud
from harness.targets.findings import Findings


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


@runtime_checkable
class Stays(Protocol):
    """A target that stands before a run and after it, with what was deployed on it."""

    @property
    def where(self) -> str:
        """Which it is, for sentences: `the LocalStack that stands on port 4566`."""

    @property
    def keeps_pipeline(self) -> bool:
        """Whether somebody keeps a pipeline up on it beside runs (`launchday up`)."""


@runtime_checkable
class Probed(Protocol):
    """A target that may lack something that a pipeline needs."""

    def probe(self) -> Findings:
        """What it can do and what not. Where it has to be tried out, that is done once, takes some twenty
        seconds at most, and leaves nothing of its own behind where that can be taken away."""


@runtime_checkable
class Checked(Protocol):
    """An observer that does not look at its target at each look."""

    def still_there(self) -> None:
        """Ask the target now. Raises TargetLost when it does not answer."""


@runtime_checkable
class Guided(Protocol):
    """An observer that looks at what it is told to look at: it cannot tell a pipeline's parts from others."""

    def look_at(self, parts: Mapping[str, Sequence[str]]) -> None:
        """The names of the pipeline's functions, queues and streams, by boto3's name of the service."""
