"""What an invocation is billed for."""

from __future__ import annotations

import pytest

from harness.emulator.services.lambda_.invocation import billed_requests

KB = 1024


@pytest.mark.parametrize(
    ("size", "requests"),
    [(0, 1), (256 * KB, 1), (256 * KB + 1, 2), (320 * KB, 2), (320 * KB + 1, 3), (1024 * KB, 13)],
)
def test_an_asynchronous_event_is_billed_by_its_size(size: int, requests: int) -> None:
    assert billed_requests(size, synchronous=False) == requests


def test_a_synchronous_invocation_is_one_request_whatever_its_size() -> None:
    assert billed_requests(6 * 1024 * KB, synchronous=True) == 1
