"""ReportBatchItemFailures, shape by shape. docs: Configuring partial batch response (read 2026)"""

from __future__ import annotations

import pytest

from harness.emulator.services.lambda_.mappings.lanes import Batch, Record
from harness.emulator.services.lambda_.mappings.responses import first_failed

BATCH = Batch(0, [Record(number, "key", 0.0, "", 1) for number in ("101", "102", "103")])


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"null",
        b"{}",
        b'""',
        b'{"batchItemFailures": []}',
        b'{"batchItemFailures": null}',
        b'{"other": 1}',
    ],
)
def test_complete_success(payload: bytes) -> None:
    assert first_failed(payload, BATCH) is None


@pytest.mark.parametrize(
    "payload",
    [
        b'{"batchItemFailures": [{"itemIdentifier": ""}]}',
        b'{"batchItemFailures": [{"itemIdentifier": null}]}',
        b'{"batchItemFailures": [{"wrong": "102"}]}',
        b'{"batchItemFailures": [{"itemIdentifier": "999"}]}',
        b'{"batchItemFailures": [{"itemIdentifier": "103"}, {"itemIdentifier": ""}]}',
        b'{"batchItemFailures": ["102"]}',
        b'{"batchItemFailures": {"itemIdentifier": "102"}}',
        b"[1]",
        b'"text"',
        b"not JSON",
    ],
)
def test_complete_failure(payload: bytes) -> None:
    assert first_failed(payload, BATCH) == 0


def test_the_lowest_of_the_failed_records_counts() -> None:
    payload = b'{"batchItemFailures": [{"itemIdentifier": "103"}, {"itemIdentifier": "102"}]}'
    assert first_failed(payload, BATCH) == 1
