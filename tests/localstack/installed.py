"""LocalStack's environment for tests: the user's, which is kept, or why there is none."""

from __future__ import annotations

import pytest

from harness.errors import LaunchdayError
from harness.targets.localstack import environment
from harness.targets.localstack.environment import Environment


def installed() -> Environment:
    """The environment, installed now if need be. Skips the test, saying what was missing: Python 3.13, Node,
    npm, or a registry that answers."""
    try:
        return environment.install(print)
    except LaunchdayError as error:
        pytest.skip(f"there is no LocalStack here: {error}")
