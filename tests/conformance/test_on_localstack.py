"""The whole suite on LocalStack with Launchday's extension, wherever that can be installed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness.errors import LaunchdayError
from harness.targets.localstack import environment

ROOT = Path(__file__).parents[2]
WITHIN_S = 1_200.0


@pytest.mark.slow
def test_localstack_passes_what_it_passed_before() -> None:
    """Skips, saying what was missing, where there is no Python 3.13, no Node, or no registry."""
    try:
        environment.install(print)
    except LaunchdayError as error:
        pytest.skip(f"the suite was not run on LocalStack: {error}")
    command = [sys.executable, "-m", "pytest", "-q", "-n", "0", "tests/conformance/behaviours"]
    ended = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, "LAUNCHDAY_CONFORMANCE_TARGET": "localstack"},
        capture_output=True,
        text=True,
        check=False,
        timeout=WITHIN_S,
    )
    assert ended.returncode == 0, ended.stdout[-6000:]
