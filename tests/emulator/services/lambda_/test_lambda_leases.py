"""Concurrency as AWS bounds it, on virtual time."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.aws.limits.profiles import FRESH, NONE
from harness.emulator.services.base import AwsError
from harness.emulator.services.lambda_.leases import Leases

A, B = "arn:a", "arn:b"
SMALL = replace(FRESH, lambda_concurrent_executions=3)


def reason_of(leases: Leases, function: str, now_s: float = 0.0, *, synchronous: bool = False) -> str | None:
    try:
        with leases.lease(function, now_s, synchronous=synchronous):
            return None
    except AwsError as error:
        return str(error.fields["Reason"])


def test_the_account_limit_bounds_all_functions_together() -> None:
    leases = Leases(SMALL)
    with ExitStack() as held:
        for function in (A, A, B):
            held.enter_context(leases.lease(function, 0.0, synchronous=False))
        assert reason_of(leases, A) == reason_of(leases, B) == "ConcurrentInvocationLimitExceeded"
    assert reason_of(leases, A) is None


def test_reserved_concurrency_bounds_its_function_and_is_kept_from_the_others() -> None:
    leases = Leases(SMALL)
    leases.reserve(A, 2)
    with ExitStack() as held:
        held.enter_context(leases.lease(B, 0.0, synchronous=False))
        assert reason_of(leases, B) == "ConcurrentInvocationLimitExceeded"
        held.enter_context(leases.lease(A, 0.0, synchronous=False))
        held.enter_context(leases.lease(A, 0.0, synchronous=False))
        assert reason_of(leases, A) == "ReservedFunctionConcurrentInvocationLimitExceeded"


def test_a_reservation_of_zero_stops_a_function() -> None:
    leases = Leases(FRESH)
    leases.reserve(A, 0)
    assert reason_of(leases, A) == "ReservedFunctionConcurrentInvocationLimitExceeded"
    leases.reserve(A, None)
    assert reason_of(leases, A) is None


def test_a_lease_comes_back_when_the_invocation_raises() -> None:
    leases = Leases(SMALL)
    for _ in range(10):
        with pytest.raises(RuntimeError), leases.lease(A, 0.0, synchronous=False):
            raise RuntimeError
    assert leases.running(A) == 0
    assert leases.unreserved_running == 0


def test_a_reservation_made_while_invocations_run_moves_them_out_of_the_shared_part() -> None:
    leases = Leases(SMALL)
    with leases.lease(A, 0.0, synchronous=False):
        leases.reserve(A, 1)
        assert leases.unreserved_running == 0
    assert leases.unreserved_running == 0
    leases.reserve(A, None)
    assert leases.unreserved_running == 0


def test_environments_grow_by_a_thousand_every_ten_seconds() -> None:
    leases = Leases(replace(FRESH, lambda_concurrent_executions=100_000))

    def grow(now_s: float, held: ExitStack) -> int:
        before = leases.running(A)
        try:
            while True:
                held.enter_context(leases.lease(A, now_s, synchronous=False))
        except AwsError:
            return leases.running(A) - before

    with ExitStack() as held:
        assert [grow(now_s, held) for now_s in (0.0, 0.5, 1.0, 11.0, 60.0)] == [1000, 50, 50, 1000, 1000]
    with ExitStack() as held:  # all 3,100 are there to be used again, and the allowance is used up
        assert grow(60.0, held) == 3100


def test_synchronous_requests_are_bounded_at_ten_a_second_for_each_unit_of_concurrency() -> None:
    leases = Leases(FRESH)
    leases.reserve(A, 2)
    answers = [reason_of(leases, A, 0.0, synchronous=True) for _ in range(21)]
    assert answers == [None] * 20 + ["ReservedFunctionInvocationRateLimitExceeded"]
    assert reason_of(leases, A, 0.1, synchronous=True) is None
    assert reason_of(leases, A, 0.1, synchronous=False) is None


def test_no_limits_refuse_nothing() -> None:
    leases = Leases(NONE)
    with ExitStack() as held:
        for _ in range(5000):
            held.enter_context(leases.lease(A, 0.0, synchronous=True))


@given(st.lists(st.tuples(st.sampled_from((A, B)), st.integers(0, 3), st.booleans()), max_size=60))
def test_what_runs_never_exceeds_what_may(steps: list[tuple[str, int, bool]]) -> None:
    leases = Leases(SMALL)
    held: list[tuple[str, ExitStack]] = []
    for function, reserved, begins in steps:
        if begins:
            stack = ExitStack()
            try:
                stack.enter_context(leases.lease(function, 0.0, synchronous=False))
            except AwsError:
                continue
            held.append((function, stack))
        elif held:
            held.pop(reserved % len(held))[1].close()
        assert leases.running(A) + leases.running(B) == len(held) <= 3
    for _, stack in held:
        stack.close()
    assert leases.unreserved_running == leases.running(A) == leases.running(B) == 0
