"""Fixtures of the cases of API Gateway."""

from __future__ import annotations

import pytest

from tests.conformance.behaviours.apigateway.rest_apis import BACKEND, Api, allowed, created
from tests.conformance.functions import Function, function
from tests.conformance.kit import Cleanup
from tests.conformance.targets import Aws


@pytest.fixture
def api(aws: Aws, cleanup: Cleanup) -> Api:
    return created(aws, cleanup)


@pytest.fixture(scope="module")
def backend(aws: Aws, module_cleanup: Cleanup) -> Function:
    return allowed(function(aws, module_cleanup, BACKEND))
