"""Token buckets in front of methods: the stage's own for a method, then the account's for all APIs.

docs: API Gateway Developer Guide, Throttle requests to your REST APIs (read 2026-04): method limits of a
stage apply before the account's; a request that a bucket refuses is answered 429.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.aws.limits.profiles import Limits
from harness.aws.limits.token_bucket import TokenBucket


def account_bucket(limits: Limits, now_s: float) -> TokenBucket:
    """The bucket that all APIs of the account share."""
    return TokenBucket(limits.apigateway_requests_per_s, limits.apigateway_burst, now_s)


def method_bucket(
    settings: Mapping[str, Any], resource_path: str, http_method: str, now_s: float
) -> TokenBucket | None:
    """The bucket that a stage's `methodSettings` give one method; None when they set no limit.

    A setting of the method itself goes before `*/*`, which limits each method by itself. A negative limit is
    none."""
    normalized = {_setting_key(key): value for key, value in settings.items() if isinstance(value, Mapping)}
    own = normalized.get((resource_path.strip("/"), http_method))
    setting = own if own is not None else normalized.get(("*", "*"))
    if setting is None:
        return None
    rate, burst = setting.get("throttlingRateLimit"), setting.get("throttlingBurstLimit")
    if rate is None or burst is None or rate < 0 or burst < 0:
        return None
    return TokenBucket(float(rate), float(burst), now_s)


def _setting_key(key: str) -> tuple[str, str]:
    """`~1v1~1devices/POST` or `v1/devices/POST` to (`v1/devices`, `POST`)."""
    path, _, method = key.replace("~1", "/").rpartition("/")
    return path.strip("/"), method
