"""Fixtures of the cases of AppSync."""

from __future__ import annotations

import pytest

from tests.conformance.behaviours.appsync.graphql_apis import Api, resolved
from tests.conformance.kit import Cleanup
from tests.conformance.targets import Aws


@pytest.fixture(scope="module")
def api(aws: Aws, module_cleanup: Cleanup) -> Api:
    return resolved(aws, module_cleanup)
