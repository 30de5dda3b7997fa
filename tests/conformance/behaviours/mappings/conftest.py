"""Fixtures of the cases of event source mappings."""

from __future__ import annotations

import pytest

from tests.conformance.behaviours.mappings.source_mappings import SOURCE, Maker
from tests.conformance.functions import Function, Reports, function
from tests.conformance.kit import Cleanup
from tests.conformance.targets import Aws


@pytest.fixture(scope="module")
def target(aws: Aws, module_cleanup: Cleanup) -> tuple[Function, Reports]:
    reports = Reports(aws, module_cleanup)
    made = function(aws, module_cleanup, SOURCE, Environment=reports.environment)
    made.invoke({})  # where functions do not run, this tells
    return made, reports


@pytest.fixture
def make(aws: Aws, target: tuple[Function, Reports], cleanup: Cleanup) -> Maker:
    return Maker(aws, *target, cleanup)
