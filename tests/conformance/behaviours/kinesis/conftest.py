"""Fixtures of the cases of Kinesis."""

from __future__ import annotations

import pytest

from tests.conformance.behaviours.kinesis.streams import Stream, created
from tests.conformance.kit import Cleanup
from tests.conformance.targets import Aws


@pytest.fixture
def stream(aws: Aws, cleanup: Cleanup) -> Stream:
    return created(aws, cleanup, 1)


@pytest.fixture
def two(aws: Aws, cleanup: Cleanup) -> Stream:
    """Of two shards, each half of the hash keys."""
    return created(aws, cleanup, 2)


@pytest.fixture(scope="module")
def pair(aws: Aws, module_cleanup: Cleanup) -> Stream:
    """Of two shards, for cases that only write and do not reshard."""
    return created(aws, module_cleanup, 2)
