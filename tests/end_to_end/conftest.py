"""Fixtures: a place for the product, for one test or for a module."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.register_assert_rewrite("tests.end_to_end.product")

from tests.end_to_end.product import Product, product_in  # noqa: E402 - its assertions are to say what they saw


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where packages are kept, built once a test session."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def product(tmp_path: Path, cache: Path) -> Iterator[Product]:
    with product_in(tmp_path / "product", cache) as product:
        yield product


@pytest.fixture(scope="module")
def lasting(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> Iterator[Product]:
    """A product that the tests of a module share."""
    with product_in(tmp_path_factory.mktemp("lasting") / "product", cache) as product:
        yield product
