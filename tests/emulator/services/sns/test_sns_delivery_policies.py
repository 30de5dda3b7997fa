from __future__ import annotations

import itertools
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.emulator.services.base import AwsError
from harness.emulator.services.sns.delivery_policies import (
    BACKOFF_FUNCTIONS,
    MANAGED,
    MAX_RETRY_TIME_S,
    DeliveryPolicy,
    RetryPolicy,
    effective_policy,
    parse_subscription_policy,
    parse_topic_policy,
    subscription_policy_json,
    topic_policy_json,
)

DOCUMENTED_SAMPLE = {
    "minDelayTarget": 1,
    "maxDelayTarget": 60,
    "numRetries": 50,
    "numNoDelayRetries": 3,
    "numMinDelayRetries": 2,
    "numMaxDelayRetries": 35,
    "backoffFunction": "exponential",
}


def delays(policy: RetryPolicy) -> list[float]:
    found = [policy.delay_s(failures) for failures in range(1, policy.numRetries + 2)]
    assert found.pop() is None
    return [delay for delay in found if delay is not None]


def test_without_a_policy_there_are_three_retries_20_s_apart() -> None:
    assert delays(RetryPolicy()) == [20, 20, 20]


def test_the_documented_sample_goes_through_its_four_phases() -> None:
    found = delays(RetryPolicy(**DOCUMENTED_SAMPLE))  # type: ignore[arg-type]
    assert found[:5] == [0, 0, 0, 1, 1]
    assert (found[5], found[14]) == (1, 60)
    assert found[5:15] == sorted(found[5:15])
    assert found[15:] == [60] * 35


def test_the_backoff_functions_between_5_and_260_s() -> None:
    curves = {
        name: [round(d, 1) for d in delays(RetryPolicy(5, 260, 10, backoffFunction=name))]
        for name in BACKOFF_FUNCTIONS
    }
    assert curves["linear"][:3] == [5, 33.3, 61.7]
    assert curves["arithmetic"][:3] == [5, 10.7, 22]
    assert curves["geometric"][:3] == [5, 7.8, 12.0]
    assert curves["exponential"][:3] == [5, 5.5, 6.5]
    assert {curve[-1] for curve in curves.values()} == {260}


def test_managed_endpoints_are_tried_100_015_times_over_23_days() -> None:
    found = [MANAGED.retries.delay_s(failures) for failures in (1, 3, 4, 5, 6, 15, 16, 100_015, 100_016)]
    assert found == [0, 0, 1, 1, 1, 20, 20, 20, None]
    day_s = 24 * 3600.0
    assert MANAGED.next_attempt_s(20, 0.0, 22.9 * day_s) is not None
    assert MANAGED.next_attempt_s(20, 0.0, 23.1 * day_s) is None


POLICIES = st.builds(
    lambda low, span, counts, backoff, name: RetryPolicy(
        low, low + span, sum(counts) + backoff, counts[0], counts[1], counts[2], name
    ),
    st.integers(1, 3_000),
    st.integers(0, 600),
    st.tuples(st.integers(0, 20), st.integers(0, 20), st.integers(0, 20)),
    st.integers(0, 20),
    st.sampled_from(BACKOFF_FUNCTIONS),
)


@given(POLICIES)
def test_a_schedule_has_as_many_waits_as_retries_and_keeps_its_bounds(policy: RetryPolicy) -> None:
    found = delays(policy)
    assert len(found) == policy.numRetries
    assert found[: policy.numNoDelayRetries] == [0] * policy.numNoDelayRetries
    waits = found[policy.numNoDelayRetries :]
    assert all(policy.minDelayTarget - 1e-9 <= wait <= policy.maxDelayTarget + 1e-9 for wait in waits)
    assert all(a <= b + 1e-9 for a, b in itertools.pairwise(waits))


@given(POLICIES, st.floats(0, 1))
def test_no_attempt_is_later_than_an_hour_after_the_first(retries: RetryPolicy, jitter: float) -> None:
    policy, now_s, failures = DeliveryPolicy(retries), 100.0, 0
    while True:
        failures += 1
        at_s = policy.next_attempt_s(failures, 100.0, now_s, jitter)
        if at_s is None:
            break
        assert now_s <= at_s <= 100.0 + MAX_RETRY_TIME_S
        now_s = at_s
    assert failures <= retries.numRetries + 1


def test_a_policy_given_in_part_takes_the_rest_from_the_defaults() -> None:
    given = parse_subscription_policy('{"healthyRetryPolicy": {"numRetries": 5}}', raw=False)
    assert effective_policy(parse_topic_policy('{"http": {}}'), given).retries == RetryPolicy(numRetries=5)


def test_the_subscriptions_policy_holds_unless_the_topic_says_otherwise() -> None:
    topic: dict[str, Any] = {
        "http": {
            "defaultHealthyRetryPolicy": {"numRetries": 7},
            "defaultThrottlePolicy": {"maxReceivesPerSecond": 3},
            "defaultRequestPolicy": {"headerContentType": "application/json"},
        }
    }
    own = parse_subscription_policy('{"healthyRetryPolicy": {"numRetries": 5}}', raw=False)
    policy = effective_policy(parse_topic_policy(json.dumps(topic)), own)
    assert (policy.retries.numRetries, policy.max_receives_per_s) == (5, 3)
    assert policy.content_type == "application/json"
    topic["http"]["disableSubscriptionOverrides"] = True
    assert effective_policy(parse_topic_policy(json.dumps(topic)), own).retries.numRetries == 7


def test_effective_policies_are_said_as_aws_says_them() -> None:
    assert json.loads(topic_policy_json(parse_topic_policy('{"http": {}}'))) == {
        "http": {
            "defaultHealthyRetryPolicy": {
                "minDelayTarget": 20,
                "maxDelayTarget": 20,
                "numRetries": 3,
                "numMaxDelayRetries": 0,
                "numNoDelayRetries": 0,
                "numMinDelayRetries": 0,
                "backoffFunction": "linear",
            },
            "disableSubscriptionOverrides": False,
            "defaultRequestPolicy": {"headerContentType": "text/plain; charset=UTF-8"},
        }
    }
    said = json.loads(subscription_policy_json(DeliveryPolicy(max_receives_per_s=10)))
    assert said["throttlePolicy"] == {"maxReceivesPerSecond": 10}
    assert (said["sicklyRetryPolicy"], said["guaranteed"]) == (None, False)


@pytest.mark.parametrize(
    ("policy", "says"),
    [
        ("{", "failed to parse JSON"),
        ([], "JSON object"),
        ({"http": {}}, "has no http"),
        ({"healthyRetryPolicy": []}, "must be an object"),
        ({"healthyRetryPolicy": {"numTries": 1}}, "has no numTries"),
        ({"healthyRetryPolicy": {"numRetries": 101}}, "at most 100"),
        ({"healthyRetryPolicy": {"numRetries": -1}}, "numRetries must be a whole number"),
        ({"healthyRetryPolicy": {"numRetries": True}}, "numRetries must be a whole number"),
        ({"healthyRetryPolicy": {"numRetries": 3, "numNoDelayRetries": 4}}, "must not be less"),
        ({"healthyRetryPolicy": {"minDelayTarget": 21}}, "minDelayTarget must be from 1"),
        ({"healthyRetryPolicy": {"minDelayTarget": 0}}, "minDelayTarget must be from 1"),
        ({"healthyRetryPolicy": {"maxDelayTarget": 3601}}, "at most 3600"),
        ({"healthyRetryPolicy": {"backoffFunction": "cubic"}}, "backoffFunction must be one of"),
        ({"throttlePolicy": {"maxReceivesPerSecond": 0}}, "maxReceivesPerSecond"),
        ({"requestPolicy": {"headerContentType": "text/csv"}}, "headerContentType must be one of"),
    ],
)
def test_policies_that_are_refused(policy: Any, says: str) -> None:
    with pytest.raises(AwsError, match=says) as caught:
        parse_subscription_policy(policy if isinstance(policy, str) else json.dumps(policy), raw=False)
    assert caught.value.code == "InvalidParameter"


def test_raw_delivery_allows_more_content_types() -> None:
    text = '{"requestPolicy": {"headerContentType": "text/csv; charset=UTF-8"}}'
    assert parse_subscription_policy(text, raw=True).content_type == "text/csv; charset=UTF-8"
