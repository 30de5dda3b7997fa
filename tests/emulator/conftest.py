"""Fixtures of the emulator's tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.emulator.services.lambda_.hosted import environment as environment_module
from tests.emulator.hosting import Hosting


@pytest.fixture
def hosting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hosting]:
    # Lambda's 10 s are little on a machine that is busy with other tests: what is not initialized by then is
    # begun again by its first invocation, as on AWS, and is no process that a sibling could have.
    monkeypatch.setattr(environment_module, "INIT_LIMIT_S", 120.0)
    hosting = Hosting(tmp_path)
    yield hosting
    hosting.close()
