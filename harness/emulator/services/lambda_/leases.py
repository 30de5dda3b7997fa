"""Concurrency as AWS bounds it: each running invocation holds a lease, given back on every way out.

A lease is not a process. It says that AWS would have run the invocation; whether this machine has a process
free for it is another question (environments/placement.py).

Rules, each marked where it is applied:

1. A function with reserved concurrency runs at most that many invocations at once.
   docs: Configuring reserved concurrency (read 2026)
2. All others share what the account's limit leaves after every reservation.
   docs: Understanding Lambda function scaling (read 2026)
3. A function takes at most 10 synchronous requests a second for each unit of the concurrency it may use.
   docs: Lambda quotas, invocation frequency (read 2026)
4. A function gains at most 1,000 environments every 10 s; the allowance refills continuously and does not
   add up beyond 1,000. An environment that exists is reused; none is taken back in this model, because AWS
   keeps them for longer than a rehearsal's lull.
   docs: Lambda scaling behavior (read 2026)
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager

from harness.aws.limits.profiles import Limits
from harness.aws.limits.token_bucket import TokenBucket
from harness.emulator.services.lambda_.errors import too_many_requests

REQUESTS_PER_S_PER_CONCURRENCY = 10
SCALING_PERIOD_S = 10


class _Usage:
    """What one function uses."""

    __slots__ = ("environments", "rate", "running", "scaling")

    def __init__(self, limits: Limits, now_s: float) -> None:
        burst = limits.lambda_scaling_environments_per_10_s
        self.running = 0
        self.environments = 0
        self.scaling = TokenBucket(burst / SCALING_PERIOD_S, burst, now_s)
        self.rate: TokenBucket | None = None


class Leases:
    """The concurrency of one account in one Region, without a clock: `now_s` is given."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._usage: dict[str, _Usage] = {}
        self._reserved: dict[str, int] = {}
        self.unreserved_running = 0

    def reserve(self, function: str, concurrency: int | None) -> None:
        """Set or lift the reserved concurrency of `function`."""
        if concurrency is None:
            self._reserved.pop(function, None)
        else:
            self._reserved[function] = concurrency
        usage = self._usage.get(function)
        if usage is not None:
            usage.rate = None
        self.unreserved_running = sum(
            usage.running for name, usage in self._usage.items() if name not in self._reserved
        )

    def forget(self, function: str) -> None:
        """A deleted function holds no reservation; its leases come back as its invocations end."""
        self.reserve(function, None)

    @property
    def unreserved(self) -> float:
        """The concurrency that functions without a reservation share."""
        return max(0.0, self._limits.lambda_concurrent_executions - sum(self._reserved.values()))

    def running(self, function: str) -> int:
        """Leases that `function` holds."""
        usage = self._usage.get(function)
        return usage.running if usage else 0

    @contextmanager
    def lease(self, function: str, now_s: float, *, synchronous: bool) -> Iterator[None]:
        """Hold one lease of `function`. Raises AwsError TooManyRequestsException with AWS's Reason."""
        usage = self._usage.get(function)
        if usage is None:
            usage = self._usage[function] = _Usage(self._limits, now_s)
        refusal = self._refusal(function, usage, now_s, synchronous)
        if refusal:
            raise too_many_requests(refusal)
        usage.running += 1
        usage.environments = max(usage.environments, usage.running)
        if function not in self._reserved:
            self.unreserved_running += 1
        try:
            yield
        finally:
            usage.running -= 1
            if function not in self._reserved:
                self.unreserved_running -= 1

    def _refusal(self, function: str, usage: _Usage, now_s: float, synchronous: bool) -> str | None:
        reserved = self._reserved.get(function)
        if reserved is not None and usage.running >= reserved:  # rule 1
            return "ReservedFunctionConcurrentInvocationLimitExceeded"
        if reserved is None and self.unreserved_running >= self.unreserved:  # rule 2
            return "ConcurrentInvocationLimitExceeded"
        if synchronous and self._request_rate(usage, reserved, now_s).take(now_s) > 0:  # rule 3
            prefix = "" if reserved is None else "Reserved"
            return f"{prefix}FunctionInvocationRateLimitExceeded"
        if usage.running >= usage.environments and usage.scaling.take(now_s) > 0:  # rule 4
            return "ConcurrentInvocationLimitExceeded"
        return None

    def _request_rate(self, usage: _Usage, reserved: int | None, now_s: float) -> TokenBucket:
        concurrency = self._limits.lambda_concurrent_executions if reserved is None else reserved
        rate = concurrency * REQUESTS_PER_S_PER_CONCURRENCY
        if usage.rate is None or usage.rate.rate_per_s != rate:
            usage.rate = TokenBucket(rate, rate if rate != math.inf else 0, now_s)
        return usage.rate
