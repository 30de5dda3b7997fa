"""A LocalStack with Launchday's extension and companion, one for a test session (one for each xdist worker).

Tests that ask for `localstack` are marked `slow`, and with
`pytest.mark.xdist_group("localstack")` under `--dist loadgroup`, or in one module under `--dist loadscope`,
they share one. It is not emptied between tests: each test names its resources as nobody else does
(`localstack.unique("table")`).
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from harness.aws.limits.profiles import ESTABLISHED
from harness.pipeline import Cloud
from harness.targets.local import local_cloud
from harness.targets.localstack.environment import Environment
from harness.targets.localstack.launch import LocalStack
from tests.localstack.installed import installed


@dataclass(frozen=True)
class RunningLocalStack:
    """One that serves. `url` is its gateway's, `companion_url` the companion's; `logs` is the folder with
    localstack.log and companion.log."""

    url: str
    companion_url: str
    logs: Path

    def client(self, service: str, **config: Any) -> Any:
        """boto3's client of a service, without retries."""
        return self.cloud.client(service, **{"retries": {"max_attempts": 1}, **config})

    @property
    def cloud(self) -> Cloud:
        """How its API is reached."""
        return local_cloud({"": self.url})

    def unique(self, name: str) -> str:
        """`name` with an ending that nobody else has."""
        return f"{name}-{uuid.uuid4().hex[:8]}"

    def log(self) -> str:
        """What LocalStack wrote so far."""
        return (self.logs / "localstack.log").read_text(errors="replace")


@pytest.fixture(scope="session")
def localstack_environment() -> Environment:
    """LocalStack's environment, from the user's cache or installed now. Skips, saying what was missing."""
    return installed()


@pytest.fixture(scope="session")
def localstack(
    localstack_environment: Environment, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningLocalStack]:
    """A LocalStack of the session's own on a free port, with every part of Launchday's."""
    folder = tmp_path_factory.mktemp("localstack")
    aws = LocalStack(
        localstack_environment, port=0, data_dir=folder / "data", logs_dir=folder / "logs", limits=ESTABLISHED
    )
    with aws:
        yield RunningLocalStack(aws.endpoints[""], aws.observed_at, folder / "logs")
