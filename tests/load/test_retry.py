from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.load.retry import RetryPolicy, retry_after_s, worth_retrying

POLICY = RetryPolicy(base_s=0.5, cap_s=20.0, max_attempts=4, deadline_s=30.0)
chances = st.floats(min_value=0, max_value=1, exclude_max=True)


@pytest.mark.parametrize(("attempts", "longest_s"), [(1, 0.5), (2, 1.0), (3, 2.0)])
def test_the_backoff_doubles_under_full_jitter(attempts: int, longest_s: float) -> None:
    assert POLICY.delay_s(attempts, 0.0, 0.0) == 0.0
    assert POLICY.delay_s(attempts, 0.0, 0.5) == longest_s / 2


def test_the_backoff_has_a_longest() -> None:
    assert RetryPolicy(max_attempts=99, deadline_s=1e9).delay_s(50, 0.0, 0.5) == 10.0


def test_it_gives_up_after_its_attempts() -> None:
    assert POLICY.delay_s(4, 0.0, 0.0) is None


def test_it_gives_up_rather_than_try_after_its_deadline() -> None:
    assert POLICY.delay_s(1, 29.9, 0.1) == pytest.approx(0.05)
    assert POLICY.delay_s(1, 29.9, 0.9) is None


@given(chances, st.floats(min_value=0, max_value=100))
def test_retry_after_is_honoured(chance: float, asked_s: float) -> None:
    delay_s = POLICY.delay_s(1, 0.0, chance, asked_s)
    assert delay_s is None if asked_s > 30 else delay_s is not None and delay_s >= asked_s


@pytest.mark.parametrize(
    ("status", "again"),
    [
        (200, True),
        (202, True),
        (400, False),
        (401, False),
        (404, False),
        (408, True),
        (413, False),
        (429, True),
    ]
    + [(status, True) for status in (500, 502, 503, 504)],
)
def test_what_is_asked_again(status: int, again: bool) -> None:
    assert worth_retrying(status) is again


def test_a_retry_after_in_seconds_or_as_a_date() -> None:
    now_s = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC).timestamp()
    assert retry_after_s(" 7 ", now_s) == 7.0
    assert retry_after_s("Mon, 23 Nov 2026 12:00:30 GMT", now_s) == 30.0
    assert retry_after_s("Mon, 23 Nov 2026 11:00:00 GMT", now_s) == 0.0
    assert retry_after_s("soon", now_s) is None
    assert retry_after_s("-1", now_s) is None
