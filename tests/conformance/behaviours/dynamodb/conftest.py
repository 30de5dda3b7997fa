"""Fixtures of the cases of DynamoDB."""

from __future__ import annotations

import pytest

from tests.conformance.behaviours.dynamodb.tables import Table, indexed
from tests.conformance.kit import Cleanup
from tests.conformance.targets import Aws


@pytest.fixture(scope="module")
def shared(aws: Aws, module_cleanup: Cleanup) -> Table:
    return indexed(aws, module_cleanup)


@pytest.fixture
def table(aws: Aws, shared: Table) -> Table:
    return shared.of(aws.name("pk"))
