"""Fixtures of the cases."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.conformance.kit import Cleanup


@pytest.fixture
def cleanup() -> Iterator[Cleanup]:
    """For what one case makes."""
    kept = Cleanup()
    yield kept
    kept.close()


@pytest.fixture(scope="module")
def module_cleanup() -> Iterator[Cleanup]:
    """For what the cases of a module share."""
    kept = Cleanup()
    yield kept
    kept.close()
