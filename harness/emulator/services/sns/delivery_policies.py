"""When a failed delivery is tried again: pure policy, told how often it failed and since when.

A policy has four phases: at once, at the minimum delay, backing off from the minimum to the maximum, at the
maximum. The ends of the backoff are documented; the curves between them and the jitter are not (assumed).
docs: SNS Developer Guide, Message delivery retries (read 2026)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

import orjson

from harness.emulator.services.sns.errors import invalid_parameter

MAX_RETRY_TIME_S: Final = 3_600.0
"""docs: the total retry time of an HTTP/S endpoint, a hard limit"""
MANAGED_RETRY_TIME_S: Final = 23 * 24 * 3_600.0
JITTER: Final = 0.1
"""How far a delay may be off, either way, as a part of it (assumed)."""
DEFAULT_CONTENT_TYPE: Final = "text/plain; charset=UTF-8"
_CHARSET = "; charset=UTF-8"
_JSON_OR_TEXT = frozenset({"application/json", "text/plain"})
_RAW_TYPES = _JSON_OR_TEXT | {
    *("application/atom+xml", "application/octet-stream", "application/soap+xml"),
    *("application/x-www-form-urlencoded", "application/xhtml+xml", "application/xml"),
    *("text/css", "text/csv", "text/html", "text/xml"),
}
MAX_RETRIES: Final = 100


def _linear(step: int, steps: int) -> float:
    return step / steps


def _arithmetic(step: int, steps: int) -> float:
    """Each wait is longer than the one before by one unit more than that was."""
    return step * (step + 1) / (steps * (steps + 1))


def _exponential(step: int, steps: int) -> float:
    """The waits' growth doubles."""
    return float((2**step - 1) / (2**steps - 1))


_CURVES: Final[Mapping[str, Callable[[int, int], float]]] = {
    "arithmetic": _arithmetic,
    "exponential": _exponential,
    "linear": _linear,
}
BACKOFF_FUNCTIONS: Final = (*_CURVES, "geometric")


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """AWS's own names, with delays in seconds. `max_time_s` is from the first attempt to the last."""

    minDelayTarget: int = 20  # noqa: N815
    maxDelayTarget: int = 20  # noqa: N815
    numRetries: int = 3  # noqa: N815
    numMaxDelayRetries: int = 0  # noqa: N815
    numNoDelayRetries: int = 0  # noqa: N815
    numMinDelayRetries: int = 0  # noqa: N815
    backoffFunction: str = "linear"  # noqa: N815

    def delay_s(self, failures: int) -> float | None:
        """The wait before the next attempt after `failures` of them, without jitter; None when there is no
        next one."""
        if failures > self.numRetries:
            return None
        retry = failures - self.numNoDelayRetries
        if retry <= 0:
            return 0.0
        retry -= self.numMinDelayRetries
        if retry <= 0:
            return float(self.minDelayTarget)
        backing_off = (
            self.numRetries - self.numNoDelayRetries - self.numMinDelayRetries - self.numMaxDelayRetries
        )
        if retry <= backing_off:
            return self._backoff_s(retry - 1, backing_off - 1)
        return float(self.maxDelayTarget)

    def _backoff_s(self, step: int, steps: int) -> float:
        """From the minimum (step 0) to the maximum (`steps`)."""
        low, high = self.minDelayTarget, self.maxDelayTarget
        if steps == 0:
            return float(low)
        if self.backoffFunction == "geometric":
            return float(low * (high / low) ** (step / steps))
        return low + (high - low) * _CURVES[self.backoffFunction](step, steps)


DEFAULT_RETRIES: Final = RetryPolicy()
MANAGED_RETRIES: Final = RetryPolicy(
    minDelayTarget=1,
    maxDelayTarget=20,
    numRetries=100_015,
    numMaxDelayRetries=100_000,
    numNoDelayRetries=3,
    numMinDelayRetries=2,
    backoffFunction="exponential",
)
"""docs: AWS managed endpoints (Lambda, SQS): 100,015 times over 23 days"""


@dataclass(frozen=True, slots=True)
class DeliveryPolicy:
    """What holds for one subscription."""

    retries: RetryPolicy = DEFAULT_RETRIES
    max_receives_per_s: int | None = None
    content_type: str = DEFAULT_CONTENT_TYPE
    max_time_s: float = MAX_RETRY_TIME_S

    def next_attempt_s(
        self, failures: int, first_attempt_s: float, now_s: float, jitter: float = 0.5
    ) -> float | None:
        """When to try again after `failures` attempts, or None when the policy is exhausted. `jitter` is a
        number from 0 to 1, 0.5 for none."""
        delay_s = self.retries.delay_s(failures)
        if delay_s is None:
            return None
        at_s = now_s + delay_s * (1 + JITTER * (2 * jitter - 1))
        return at_s if at_s - first_attempt_s <= self.max_time_s else None


MANAGED: Final = DeliveryPolicy(retries=MANAGED_RETRIES, max_time_s=MANAGED_RETRY_TIME_S)


@dataclass(frozen=True, slots=True)
class GivenPolicy:
    """A policy as it was set, on a topic or on a subscription: what it does not say is None."""

    retries: RetryPolicy | None = None
    max_receives_per_s: int | None = None
    content_type: str | None = None
    overrides_disabled: bool = False


NOTHING_GIVEN: Final = GivenPolicy()


def parse_topic_policy(text: str) -> GivenPolicy:
    """`{"http": {"defaultHealthyRetryPolicy": ..., "disableSubscriptionOverrides": ...,
    "defaultThrottlePolicy": ..., "defaultRequestPolicy": ...}}`. Raises AwsError InvalidParameter."""
    policy = _object(text)
    _known(policy, {"http"}, "DeliveryPolicy")
    http = _member(policy, "http", "DeliveryPolicy")
    names = {"defaultHealthyRetryPolicy", "defaultThrottlePolicy", "defaultRequestPolicy"}
    _known(http, names | {"defaultSicklyRetryPolicy", "disableSubscriptionOverrides"}, "http")
    disabled = http.get("disableSubscriptionOverrides", False)
    if not isinstance(disabled, bool):
        raise _refused("http.disableSubscriptionOverrides must be true or false")
    return replace(_given(http, "http.default", "default", _JSON_OR_TEXT), overrides_disabled=disabled)


def parse_subscription_policy(text: str, *, raw: bool) -> GivenPolicy:
    """`{"healthyRetryPolicy": ..., "throttlePolicy": ..., "requestPolicy": ...}`; `raw`: the subscription
    has raw delivery, which allows more content types. Raises AwsError InvalidParameter."""
    policy = _object(text)
    names = {"healthyRetryPolicy", "throttlePolicy", "requestPolicy"}
    _known(policy, names | {"sicklyRetryPolicy", "guaranteed"}, "DeliveryPolicy")
    return _given(policy, "", "", _RAW_TYPES if raw else _JSON_OR_TEXT)


def effective_policy(topic: GivenPolicy, subscription: GivenPolicy = NOTHING_GIVEN) -> DeliveryPolicy:
    """What holds: the subscription's, else the topic's, else AWS's defaults."""
    levels = (topic,) if topic.overrides_disabled else (subscription, topic)
    return DeliveryPolicy(
        next((level.retries for level in levels if level.retries is not None), DEFAULT_RETRIES),
        next((level.max_receives_per_s for level in levels if level.max_receives_per_s is not None), None),
        next(
            (level.content_type for level in levels if level.content_type is not None), DEFAULT_CONTENT_TYPE
        ),
    )


def topic_policy_json(given: GivenPolicy) -> str:
    """EffectiveDeliveryPolicy, as GetTopicAttributes has it."""
    policy = effective_policy(given)
    http: dict[str, object] = {
        "defaultHealthyRetryPolicy": asdict(policy.retries),
        "disableSubscriptionOverrides": given.overrides_disabled,
    }
    if policy.max_receives_per_s is not None:
        http["defaultThrottlePolicy"] = {"maxReceivesPerSecond": policy.max_receives_per_s}
    http["defaultRequestPolicy"] = {"headerContentType": policy.content_type}
    return orjson.dumps({"http": http}).decode()


def subscription_policy_json(policy: DeliveryPolicy) -> str:
    """EffectiveDeliveryPolicy, as GetSubscriptionAttributes has it."""
    rate = policy.max_receives_per_s
    throttle = None if rate is None else {"maxReceivesPerSecond": rate}
    return orjson.dumps(
        {
            "healthyRetryPolicy": asdict(policy.retries),
            "sicklyRetryPolicy": None,
            "throttlePolicy": throttle,
            "requestPolicy": {"headerContentType": policy.content_type},
            "guaranteed": False,
        }
    ).decode()


def _given(policy: Mapping[str, Any], where: str, prefix: str, types: frozenset[str]) -> GivenPolicy:
    retry, throttle, request = (
        f"{prefix}{name}" if prefix else f"{name[:1].lower()}{name[1:]}"
        for name in ("HealthyRetryPolicy", "ThrottlePolicy", "RequestPolicy")
    )
    return GivenPolicy(
        _retries(_member(policy, retry, where)) if policy.get(retry) is not None else None,
        _rate(_member(policy, throttle, where)) if policy.get(throttle) is not None else None,
        _content_type(_member(policy, request, where), types) if policy.get(request) is not None else None,
    )


def _retries(given: Mapping[str, Any]) -> RetryPolicy:
    defaults = asdict(DEFAULT_RETRIES)
    _known(given, set(defaults), "healthyRetryPolicy")
    for name, value in given.items():
        if name == "backoffFunction":
            if value not in BACKOFF_FUNCTIONS:
                raise _refused(f"backoffFunction must be one of {', '.join(sorted(BACKOFF_FUNCTIONS))}")
        elif not isinstance(value, int) or isinstance(value, bool) or value < 0:
            raise _refused(f"{name} must be a whole number of 0 or more")
    policy = RetryPolicy(**{**defaults, **given})
    if not 1 <= policy.minDelayTarget <= policy.maxDelayTarget <= MAX_RETRY_TIME_S:
        raise _refused("minDelayTarget must be from 1 to maxDelayTarget, and that at most 3600")
    if policy.numRetries > MAX_RETRIES:
        raise _refused(f"numRetries must be at most {MAX_RETRIES}")
    if policy.numNoDelayRetries + policy.numMinDelayRetries + policy.numMaxDelayRetries > policy.numRetries:
        raise _refused("numRetries must not be less than the retries of the phases without backoff")
    return policy


def _rate(given: Mapping[str, Any]) -> int | None:
    _known(given, {"maxReceivesPerSecond"}, "throttlePolicy")
    rate = given.get("maxReceivesPerSecond")
    if rate is not None and (not isinstance(rate, int) or isinstance(rate, bool) or rate < 1):
        raise _refused("maxReceivesPerSecond must be a whole number of 1 or more")
    return rate


def _content_type(given: Mapping[str, Any], types: frozenset[str]) -> str | None:
    _known(given, {"headerContentType"}, "requestPolicy")
    value = given.get("headerContentType")
    if value is None:
        return None
    if not isinstance(value, str) or value.removesuffix(_CHARSET) not in types:
        raise _refused(f"headerContentType must be one of {', '.join(sorted(types))}")
    return value


def _object(text: str) -> dict[str, Any]:
    try:
        policy = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise _refused("failed to parse JSON") from None
    if not isinstance(policy, dict):
        raise _refused("it must be a JSON object")
    return policy


def _member(policy: Mapping[str, Any], name: str, where: str) -> Mapping[str, Any]:
    found = policy.get(name, {})
    if not isinstance(found, dict):
        raise _refused(f"{name} in {where or 'DeliveryPolicy'} must be an object")
    return found


def _known(given: Mapping[str, Any], names: set[str], where: str) -> None:
    unknown = sorted(set(given) - names)
    if unknown:
        raise _refused(f"{where} has no {unknown[0]}")


def _refused(reason: str) -> Exception:
    return invalid_parameter(f"DeliveryPolicy: {reason}")
