"""An AWS of this machine as a target: one of its own for the run, or one that stands already."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Generic, Self, TypeVar

from harness.emulator.launch import Foreground
from harness.emulator.standing import KINDS, Standing
from harness.errors import TargetError
from harness.pipeline import Cloud

DEFAULT_REGION = "us-east-1"
Aws = TypeVar("Aws", bound=Foreground)


class OwnTarget(Generic[Aws]):
    """One for the run: started, used, stopped. `make` makes it, given the folder for its logs."""

    name: str

    def __init__(self, make: Callable[[Path], Aws], region: str) -> None:
        self._make = make
        self._region = region
        self._aws: Aws | None = None

    @contextmanager
    def start(self, logs_dir: Path) -> Iterator[Self]:
        """Start it for the time of a `with` block. Raises PortInUse or TargetError."""
        with self._make(logs_dir) as aws:
            self._aws = aws
            try:
                yield self
            finally:
                self._aws = None

    def cloud(self) -> Cloud:
        """How its API is reached. Raises TargetError outside of `start`."""
        return local_cloud(self._running().endpoints, self._region)

    def warnings(self) -> Sequence[str]:
        """What its supervisor warned of at the start (too few file descriptors)."""
        return self._running().warnings

    def _running(self) -> Aws:
        if self._aws is None:
            raise TargetError("The target was not started.")
        return self._aws


class StandingTarget:
    """One that stands: used, and left standing."""

    def __init__(self, stands: Standing, region: str = DEFAULT_REGION) -> None:
        self._stands = stands
        self._region = region
        self.name = stands.kind
        self.where = f"the {KINDS[stands.kind]} that stands on port {stands.port}"
        self.keeps_pipeline = stands.keeps_pipeline

    def start(self, logs_dir: Path) -> AbstractContextManager[Self]:  # noqa: ARG002
        """Nothing to start, nothing to stop."""
        return nullcontext(self)

    def cloud(self) -> Cloud:
        """How its API is reached."""
        return local_cloud(self._stands.endpoints, self._region)


def local_cloud(endpoints: Mapping[str, str], region: str = DEFAULT_REGION) -> Cloud:
    """How the API at `endpoints` is reached: any credentials do, these are the customary ones."""
    return Cloud(region=region, endpoints=dict(endpoints), access_key_id="test", secret_access_key="test")
