from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.aws.limits.profiles import ESTABLISHED, FRESH, NONE
from harness.emulator.services.lambda_.mappings.polling import DYNAMODB, KINESIS, Polling


@pytest.mark.parametrize("limits", [FRESH, ESTABLISHED])
def test_accounts_are_polled_for_as_aws_documents(limits) -> None:
    assert KINESIS.at_most(limits.lambda_kinesis_polls_per_s) == KINESIS
    assert DYNAMODB.at_most(limits.lambda_dynamodb_polls_per_s) == DYNAMODB


def test_without_limits_a_record_waits_for_no_poll() -> None:
    for polling, limit in (
        (KINESIS, NONE.lambda_kinesis_polls_per_s),
        (DYNAMODB, NONE.lambda_dynamodb_polls_per_s),
    ):
        eager = polling.at_most(limit)
        assert eager.base_interval_s == polling.news_interval_s
        assert eager.backlog_interval_s == polling.backlog_interval_s


def test_news_waits_for_the_next_poll() -> None:
    assert KINESIS.after_news(last_read_s=10.0, now_s=10.3) == 11.0
    assert KINESIS.after_news(last_read_s=10.0, now_s=13.5) == 14.0
    assert KINESIS.after_read(10.0, is_behind=False) == 11.0
    assert KINESIS.after_read(10.0, is_behind=True) == 10.2


@given(
    st.sampled_from([KINESIS, DYNAMODB]),
    st.one_of(st.just(math.inf), st.floats(min_value=0, max_value=1e6)),
    st.floats(min_value=0, max_value=1e6),
    st.floats(min_value=0, max_value=1e4),
)
def test_a_poll_is_never_in_the_past_and_at_most_an_interval_away(
    polling: Polling, polls_per_s: float, last_read_s: float, later_s: float
) -> None:
    rate = polling.at_most(polls_per_s)
    now_s = last_read_s + later_s
    next_s = rate.after_news(last_read_s, now_s)
    assert next_s >= now_s - 1e-6
    assert next_s - now_s <= rate.base_interval_s + 1e-6
