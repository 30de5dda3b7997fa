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
def test_localstack_passes_what_it_passed_before(tmp_path: Path) -> None:
    """Skips, saying what was missing, where there is no Python 3.13, no Node, or no registry.

    What fails is asked once more, of another LocalStack: its waits are bounded, and a busy machine makes it
    miss some. What it does otherwise than before, it does otherwise twice."""
    try:
        environment.install(print)
    except LaunchdayError as error:
        pytest.skip(f"the suite was not run on LocalStack: {error}")
    ended = ask(tmp_path)
    if ended.returncode == pytest.ExitCode.TESTS_FAILED:
        print(ended.stdout[-6000:])
        ended = ask(tmp_path, "--last-failed", "--last-failed-no-failures", "none")
    assert ended.returncode == 0, ended.stdout[-6000:]


def ask(cache: Path, *which: str) -> subprocess.CompletedProcess[str]:
    """The cases, `which` of them, on a LocalStack started for them; `cache` keeps which failed last."""
    command = [sys.executable, "-m", "pytest", "-q", "-n", "0", "-o", f"cache_dir={cache}"]
    return subprocess.run(
        [*command, *which, "tests/conformance/behaviours"],
        cwd=ROOT,
        env={**os.environ, "LAUNCHDAY_CONFORMANCE_TARGET": "localstack"},
        capture_output=True,
        text=True,
        check=False,
        timeout=WITHIN_S,
    )
