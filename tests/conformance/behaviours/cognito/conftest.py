"""Fixtures of the cases of Cognito."""

from __future__ import annotations

import pytest

from tests.conformance.behaviours.cognito.user_pools import Pool, created
from tests.conformance.kit import Cleanup
from tests.conformance.targets import Aws


@pytest.fixture
def pool(aws: Aws, cleanup: Cleanup) -> Pool:
    return created(aws, cleanup)
